//! The title and the body of a pull request that promotes images, in GitHub's
//! Markdown.
//!
//! Names, values and what AWS says are untrusted: in the body they stand in
//! code only, where nothing is a link, a mention or HTML.

use std::fmt::Write as _;

use super::image::Shown;
use super::markdown::{cell, code, fenced, html};
use super::plan::{Detail, plan_text};
use super::promotion::notes;
use super::words::{defuse, duration, list, time};
use crate::environment::Edit;
use crate::plan::Plan;
use crate::promote::{Promotion, Running, Service};

/// GitHub takes 65,536 characters; what is around the plan needs some.
const LONGEST_PLAN: usize = 40_000;
/// Longer titles are cut in every list.
const LONGEST_TITLE: usize = 120;
/// Rows of the table; more are counted.
const ROWS: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// One line, for a commit's subject as well.
    pub title: String,
    /// What moves, as plain lines for a commit's message.
    pub summary: String,
    /// Markdown.
    pub body: String,
}

/// What somebody is asked to review. `plan` is the one against the target, with
/// the file as it is to be.
pub fn pull_request(promotion: &Promotion, plan: &Plan) -> PullRequest {
    PullRequest {
        title: title(promotion),
        summary: summary(promotion),
        body: body(promotion, plan),
    }
}

fn title(promotion: &Promotion) -> String {
    let way = format!("from {} to {}", promotion.from, promotion.to);
    let moved: Vec<(&str, Vec<String>)> = promotion
        .ready()
        .map(|(service, _)| (service.name.as_str(), versions(service)))
        .collect();
    let names: Vec<String> = moved.iter().map(|(name, _)| (*name).to_owned()).collect();
    let all_the_same = moved.windows(2).all(|pair| pair[0].1 == pair[1].1);
    let what = match moved.first() {
        Some((_, versions)) if all_the_same && versions.len() == 1 => {
            format!("{} {}", list(&names, 3), versions[0])
        }
        _ => list(&names, 3),
    };
    let title = format!("Promote {what} {way}");
    if title.chars().count() <= LONGEST_TITLE {
        return defuse(&title);
    }
    defuse(&format!("Promote {} services {way}", names.len()))
}

/// Each version that moves, once: its tag, else its digest.
fn versions(service: &Service) -> Vec<String> {
    let mut versions = Vec::new();
    for edit in moving(service) {
        let version = version(edit);
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    versions
}

fn version(edit: &Edit) -> String {
    let digest = || edit.to.digest().map(|digest| digest.short().to_owned());
    let tag = edit.to.tag().map(str::to_owned);
    tag.or_else(digest).unwrap_or_default()
}

fn moving(service: &Service) -> impl Iterator<Item = &Edit> {
    service.edits.iter().filter(|edit| edit.changes())
}

fn summary(promotion: &Promotion) -> String {
    let mut text = String::new();
    for (service, running) in promotion.ready() {
        for edit in moving(service) {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(
                text,
                "{}: {} to {}",
                edit.slot,
                one_line(&Shown::of(&edit.slot.image)),
                one_line(&Shown::of(&edit.to)),
            );
        }
        let commit = running.commit.as_ref();
        let commit = commit.map_or_else(String::new, |commit| format!(" of commit {commit}"));
        let _ = writeln!(
            text,
            "  revision {}{commit} runs in {} since {}",
            running.revision.revision(),
            promotion.from,
            since(running)
        );
    }
    text
}

fn one_line(image: &Shown) -> String {
    image.version(0).replace("  ", " ")
}

fn since(running: &Running) -> String {
    match &running.healthy {
        Ok(soak) => time(soak.since),
        Err(_) => "an unknown time".to_owned(),
    }
}

fn body(promotion: &Promotion, plan: &Plan) -> String {
    let mut text = format!(
        "What runs healthily in {} goes to {}.\n\n",
        code(&promotion.from),
        code(&promotion.to)
    );
    text += "| image | from | to | revision | commit | runs since | for |\n";
    text += "|---|---|---|---|---|---|---|\n";
    let rows: Vec<String> = promotion
        .ready()
        .flat_map(|(service, running)| moving(service).map(move |edit| row(edit, running)))
        .collect();
    for row in rows.iter().take(ROWS) {
        text += row;
    }
    if rows.len() > ROWS {
        let _ = writeln!(text, "\nand {} more.", rows.len() - ROWS);
    }
    for (service, _) in promotion.ready() {
        for note in notes(service, promotion) {
            let _ = writeln!(text, "\n{}: {}", code(&service.name), code(&note));
        }
    }
    let count = plan_text(plan, Detail::default());
    let count = plain(&count);
    let last = count.trim_end().lines().last().unwrap_or_default();
    let _ = write!(
        text,
        "\n<details open>\n<summary>The plan against <code>{}</code>: {}</summary>\n\n{}\n</details>\n",
        html(&promotion.to),
        html(last),
        fenced(&cut(&count, LONGEST_PLAN)),
    );
    let _ = write!(
        text,
        "\nMerging this changes {} and nothing else. What runs changes with the next {}.\n",
        code(&promotion.file),
        code(&format!("evenkeel apply {}", promotion.to))
    );
    text
}

fn row(edit: &Edit, running: &Running) -> String {
    let (since, so_far) = match &running.healthy {
        Ok(soak) => (time(soak.since), duration(soak.so_far)),
        Err(_) => Default::default(),
    };
    // Bare, so that GitHub makes a link of it; it is hex digits alone.
    let commit = running.commit.as_ref();
    let commit = commit.map_or_else(String::new, ToString::to_string);
    let cells = [
        cell(&code(&edit.slot.to_string())),
        cell(&code(&image(edit, &Shown::of(&edit.slot.image)))),
        cell(&code(&image(edit, &Shown::of(&edit.to)))),
        running.revision.revision().to_string(),
        commit,
        since,
        so_far,
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// Its version; with the repository where that changes as well.
fn image(edit: &Edit, shown: &Shown) -> String {
    let version = one_line(shown);
    if edit.slot.image.base() == edit.to.base() {
        version
    } else {
        format!("{} {version}", shown.repository)
    }
}

/// The text without its styles.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Whole lines, and a word on what was left out.
pub fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text[..text.floor_char_boundary(most)].rfind('\n');
    let kept = &text[..end.unwrap_or(0)];
    let left = text[kept.len()..].lines().count();
    format!("{kept}\n… {left} more lines\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_lines() {
        let text = "one\ntwo\nthree\nfour\n";
        assert_eq!(cut(text, 100), text);
        assert_eq!(cut(text, 9), "one\ntwo\n… 3 more lines\n");
    }
}
