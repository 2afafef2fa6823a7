//! Plans as Markdown: the comment that a reviewer reads.
//!
//! First a line for each service, then the details, folded. What is too long
//! for a comment is cut between its parts, never inside of one, and whatever is
//! not whole has no hash: nobody approves what could not be seen.

use similar::ChangeTag;

use super::block::{Said, held, said};
use super::fields::{Row, rows, words as effect_words};
use super::image::Shown;
use super::markdown::{cell, code, fence, folded, html_code, longest_run, marker, shorten, text};
use super::plan::{count_text, note_text};
use super::words::{command, defuse_line, list, tasks, time};
use crate::plan::{Change, ImageChange, Plan, Rollout, ServicePlan, Target, Verdict};

/// GitHub takes 65,536 characters; some room is left for what others add.
const MOST: usize = 60_000;
/// What a cut section says instead of its hash, at the most.
const NOTICE: usize = 400;
/// Less of a service's details is not worth its frame.
const LEAST: usize = 1_500;
const HEAD: &str = "| | service | revision | what changes | effect |\n|---|---|---|---|---|\n";
/// Changes that a line of the table names.
const NAMED: usize = 3;
/// Characters of a name, and of a value, in the table.
const NAME: usize = 80;
const VALUE: usize = 32;

/// A plan with the command that applies it, but for the hash.
pub struct Reviewed<'a> {
    pub plan: &'a Plan,
    pub apply: Vec<String>,
    /// Shows live values of environment variables.
    pub values: bool,
}

/// All of them as one comment.
pub fn plans_markdown(plans: &[Reviewed<'_>]) -> String {
    let names: Vec<&str> = plans.iter().map(|one| one.plan.environment()).collect();
    let marker = marker("plan", &names);
    let sections: Vec<Section> = plans.iter().map(Section::of).collect();
    let whole: Vec<String> = sections.iter().map(Section::whole).collect();
    let comment = format!("{marker}{}", whole.join("\n"));
    if comment.len() < MOST {
        return comment;
    }
    cut(&marker, &sections)
}

/// What there is to say of one environment.
struct Section {
    head: String,
    rows: Vec<Line>,
    details: Vec<Detail>,
    /// What to do, with the hash.
    foot: String,
    name: String,
}

/// A line of the table; one of a service in sync is the first to go.
struct Line {
    text: String,
    in_sync: bool,
}

struct Detail {
    /// HTML.
    summary: String,
    lines: Vec<String>,
}

impl Section {
    fn of(reviewed: &Reviewed<'_>) -> Self {
        let plan = reviewed.plan;
        let count = count_text(plan.count()).replace("Nothing differs", "nothing differs");
        let name = shorten(plan.environment(), NAME);
        Self {
            head: format!(
                "### {}: {}\n\n{} · {} · {}\n\n{HEAD}",
                code(&name),
                count.trim_end_matches('.'),
                code(plan.cluster().as_str()),
                plan.region(),
                plan.account()
            ),
            rows: plan
                .services()
                .iter()
                .map(|one| line(one, plan, reviewed.values))
                .collect(),
            details: plan
                .services()
                .iter()
                .filter_map(|service| {
                    let lines = details(service, reviewed.values);
                    (!lines.is_empty()).then(|| Detail {
                        summary: format!(
                            "{}: {}",
                            html_code(&shorten(&service.name, NAME)),
                            word(service)
                        ),
                        lines,
                    })
                })
                .collect(),
            foot: foot(reviewed),
            name,
        }
    }

    fn whole(&self) -> String {
        let rows: String = self.rows.iter().map(|row| row.text.as_str()).collect();
        let details: String = self.details.iter().map(Detail::whole).collect();
        format!("{}{rows}{details}{}", self.head, self.foot)
    }
}

impl Detail {
    fn whole(&self) -> String {
        format!("\n{}", folded(&self.summary, &fence("diff", &self.lines)))
    }

    /// As many lines as there is room for; nothing where that is too little.
    fn beginning(&self, room: usize) -> Option<String> {
        if room < LEAST {
            return None;
        }
        // Half of it is for the frame; a fence is as long as what it holds back.
        let mut left = room - LEAST / 2;
        let mut ticks = 0;
        let mut lines = Vec::new();
        for line in &self.lines {
            let longer = longest_run(line).saturating_sub(ticks);
            let cost = line.len() + 1 + 2 * longer;
            if cost > left {
                break;
            }
            (left, ticks) = (left - cost, ticks + longer);
            lines.push(line.clone());
        }
        if lines.is_empty() {
            return None;
        }
        lines.push(format!("  ⋯ {} more lines", self.lines.len() - lines.len()));
        let detail = Self {
            summary: self.summary.clone(),
            lines,
        };
        Some(detail.whole()).filter(|whole| whole.len() <= room)
    }
}

fn foot(reviewed: &Reviewed<'_>) -> String {
    let plan = reviewed.plan;
    let count = plan.count();
    if count.blocked + count.suspended > 0 {
        return "\nNothing is applied while a service is blocked or suspended.\n".to_owned();
    }
    if !plan.is_approvable() {
        return String::new();
    }
    let hash = plan.hash();
    let mut words = reviewed.apply.clone();
    words.extend(["--expect".to_owned(), hash.short().to_owned()]);
    format!(
        "\nPlan {}. This applies it, and nothing else:\n\n{}",
        code(hash.short()),
        fence("sh", &[command(&words)])
    )
}

/// What of these sections fits: first the lines of services that are not in
/// sync, then the details, in their order, and last what is in sync.
fn cut(marker: &str, sections: &[Section]) -> String {
    let mut left = MOST - 1 - marker.len() - NOTICE;
    let mut shown = Vec::new();
    for section in sections {
        let frame = section.head.len() + section.foot.len().max(NOTICE) + 1;
        if frame > left {
            break;
        }
        left -= frame;
        shown.push(Cut {
            section,
            rows: vec![false; section.rows.len()],
            details: Vec::new(),
            whole_details: true,
        });
    }
    fit_rows(&mut shown, &mut left, false);
    // Services that are in sync must not crowd out what changes in the others.
    let mut quarter = left / 4;
    left -= quarter;
    fit_rows(&mut shown, &mut quarter, true);
    left += quarter;
    for cut in &mut shown {
        for detail in &cut.section.details {
            let whole = detail.whole();
            let text = if whole.len() <= left {
                Some(whole)
            } else {
                cut.whole_details = false;
                detail.beginning(left)
            };
            if let Some(text) = text {
                left -= text.len();
                cut.details.push(text);
            }
        }
    }
    fit_rows(&mut shown, &mut left, true);
    let texts: Vec<String> = shown.iter().map(Cut::text).collect();
    let mut comment = format!("{marker}{}", texts.join("\n"));
    let missing = sections.len() - shown.len();
    if missing > 0 {
        comment +=
            &format!("\n**Cut to fit a comment:** {missing} more environments are not here.\n");
    }
    comment
}

/// Takes the rows that there is room for.
fn fit_rows(shown: &mut [Cut<'_>], left: &mut usize, in_sync: bool) {
    for cut in shown {
        for (row, fits) in cut.section.rows.iter().zip(&mut cut.rows) {
            if !*fits && row.in_sync == in_sync && row.text.len() <= *left {
                *left -= row.text.len();
                *fits = true;
            }
        }
    }
}

struct Cut<'a> {
    section: &'a Section,
    /// Which rows fit.
    rows: Vec<bool>,
    details: Vec<String>,
    whole_details: bool,
}

impl Cut<'_> {
    fn text(&self) -> String {
        let rows: String = self
            .section
            .rows
            .iter()
            .zip(&self.rows)
            .filter(|(_, fits)| **fits)
            .map(|(row, _)| row.text.as_str())
            .collect();
        let missing = |in_sync: bool| {
            let rows = self.section.rows.iter().zip(&self.rows);
            rows.filter(|(row, fits)| !**fits && row.in_sync == in_sync)
                .count()
        };
        let mut parts: Vec<String> = [
            (missing(true), "services that are in sync"),
            (missing(false), "services that are not in sync"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if !self.whole_details {
            parts.push("some of the details".to_owned());
        }
        let foot = if parts.is_empty() {
            self.section.foot.clone()
        } else {
            format!(
                "\n**Cut to fit a comment:** {} are not here. {} prints all of it. What cannot be seen \
                 whole carries no hash to approve it by.\n",
                list(&parts, parts.len()),
                code(&format!("evenkeel plan {}", self.section.name))
            )
        };
        format!("{}{rows}{}{foot}", self.section.head, self.details.concat())
    }
}

/// A service's line in the table.
fn line(service: &ServicePlan, plan: &Plan, values: bool) -> Line {
    let mark = match &service.verdict {
        Verdict::InSync { .. } => "=",
        Verdict::Change(change) if change.restart => "↻",
        Verdict::Change(_) => "~",
        Verdict::RollingOut(_) => "…",
        Verdict::FailedBefore(_) | Verdict::Blocked(_) => "✗",
        Verdict::Suspended(_) => "‖",
    };
    let ecs_name = if service.key.cluster == *plan.cluster() {
        service.key.service.to_string()
    } else {
        service.key.to_string()
    };
    let mut name = format!("**{}**", code(&shorten(&service.name, NAME)));
    if ecs_name != service.name {
        name += &format!(" {}", code(&ecs_name));
    }
    let (revision, what, effect) = match &service.verdict {
        Verdict::InSync { revision } => (revision.revision().to_string(), vec![], String::new()),
        Verdict::Change(change) => (revisions(change), changes(change, values), effect(change)),
        Verdict::Suspended(suspended) => {
            let mut what = vec![text(&shorten(&held(&suspended.why).says, 160))];
            what.extend(changes(&suspended.change, values));
            (
                revisions(&suspended.change),
                what,
                effect(&suspended.change),
            )
        }
        Verdict::RollingOut(rollout) => (
            rollout.revision.revision().to_string(),
            vec![format!(
                "{} run so far",
                tasks(rollout.running, rollout.desired)
            )],
            String::new(),
        ),
        Verdict::FailedBefore(before) => (
            before.running.revision().to_string(),
            vec![format!(
                "revision {} is declared",
                before.revision.revision()
            )],
            String::new(),
        ),
        Verdict::Blocked(blocks) => (
            String::new(),
            blocks
                .iter()
                .map(|block| text(&shorten(&said(block).says, 160)))
                .collect(),
            String::new(),
        ),
    };
    let cells = [
        format!("{mark} {}", word(service)),
        name,
        revision,
        few(&what),
        effect,
    ];
    Line {
        text: format!("| {} |\n", cells.map(|one| cell(&one)).join(" | ")),
        in_sync: matches!(service.verdict, Verdict::InSync { .. }),
    }
}

fn word(service: &ServicePlan) -> &'static str {
    match &service.verdict {
        Verdict::InSync { .. } => "in sync",
        Verdict::Change(change) if change.restart => "restart",
        Verdict::Change(_) => "change",
        Verdict::RollingOut(_) => "rolling out",
        Verdict::FailedBefore(_) => "failed before",
        Verdict::Blocked(_) => "blocked",
        Verdict::Suspended(_) => "suspended",
    }
}

fn few(items: &[String]) -> String {
    let mut shown = items[..items.len().min(NAMED)].join("; ");
    if items.len() > NAMED {
        shown += &format!("; and {} more", items.len() - NAMED);
    }
    shown
}

fn revisions(change: &Change) -> String {
    let from = change.basis.revision.revision();
    match &change.to {
        _ if !change.moves() => from.to_string(),
        Target::Existing(to) => format!("{from} → {}", to.revision()),
        Target::New(_) => format!("{from} → new"),
    }
}

fn effect(change: &Change) -> String {
    let ends = change
        .supersedes
        .as_ref()
        .map_or_else(String::new, |ended| format!(", {}", ends(ended)));
    format!("{}{ends}", effect_words(change.effect()))
}

fn ends(ended: &Rollout) -> String {
    let what = if ended.rolls_back {
        "rollback to"
    } else {
        "rollout of"
    };
    format!("ends the {what} revision {}", ended.revision.revision())
}

/// What changes, one item each, in few words.
fn changes(change: &Change, values: bool) -> Vec<String> {
    let images = change.images.iter().map(|image| {
        let (from, to) = versions(image);
        format!(
            "{} image {} → {}",
            code(&image.container),
            code(&from),
            code(&to)
        )
    });
    let fields = rows(change, values).into_iter().map(|row| {
        let name = format!("{} {}", code(&row.group), code(&shorten(&row.field, NAME)));
        match short_values(&row) {
            Some((from, to)) => format!("{name} {from} → {to}"),
            None => name,
        }
    });
    let first = change
        .first
        .iter()
        .map(|task| format!("first {}", code(&shorten(&command(&task.command), NAME))));
    images.chain(fields).chain(first).collect()
}

/// What tells two versions of an image apart.
fn versions(image: &ImageChange) -> (String, String) {
    let old = Shown::live(&image.from, image.from_digest.as_ref());
    let new = Shown::of(&image.to);
    let whole = |shown: &Shown| {
        let tag = if shown.tag.is_empty() { "" } else { ":" };
        format!("{}{tag}{}", shown.repository, shown.tag)
    };
    let unknown = |digest: String| {
        if digest.is_empty() {
            "another digest".to_owned()
        } else {
            digest
        }
    };
    if old.repository != new.repository {
        (whole(&old), whole(&new))
    } else if old.tag != new.tag {
        (old.tag, new.tag)
    } else {
        (unknown(old.digest), unknown(new.digest))
    }
}

fn short_values(row: &Row) -> Option<(String, String)> {
    let one = |value: Option<&str>| match value {
        None => Some("(none)".to_owned()),
        Some(value) => (value.chars().count() <= VALUE).then(|| code(value)),
    };
    if !row.inside.is_empty() {
        return None;
    }
    Some((one(row.from.as_deref())?, one(row.to.as_deref())?))
}

/// All there is to say of a service, as the lines of a difference.
fn details(service: &ServicePlan, values: bool) -> Vec<String> {
    let mut lines = match &service.verdict {
        Verdict::InSync { .. } | Verdict::RollingOut(_) => Vec::new(),
        Verdict::Change(change) => change_lines(change, values),
        Verdict::FailedBefore(before) => {
            let when = before
                .at
                .map_or_else(String::new, |at| format!(" at {}", time(at)));
            let mut lines = vec![format!(
                "  revision {} failed{when}",
                before.revision.revision()
            )];
            lines.extend(before.reason.iter().map(|why| format!("  reason  {why}")));
            lines
        }
        Verdict::Blocked(blocks) => blocks
            .iter()
            .flat_map(|block| said_lines(said(block)))
            .collect(),
        Verdict::Suspended(suspended) => {
            let mut lines = change_lines(&suspended.change, values);
            lines.extend(said_lines(held(&suspended.why)));
            lines
        }
    };
    lines.extend(
        service
            .notes
            .iter()
            .map(|note| format!("  note  {}", note_text(note))),
    );
    lines.iter().map(|line| defuse_line(line)).collect()
}

fn change_lines(change: &Change, values: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for image in &change.images {
        lines.push(format!("@@ {} image @@", image.container));
        lines.push(format!(
            "- {}",
            written(
                &image.from,
                image.from_digest.as_ref().map(|digest| digest.short())
            )
        ));
        lines.push(format!("+ {}", image.to));
    }
    for row in rows(change, values) {
        let effect = row
            .effect
            .map_or_else(String::new, |effect| format!(" ({effect})"));
        lines.push(format!("@@ {} {} @@{effect}", row.group, row.field));
        for (tag, line) in &row.inside {
            let sign = match tag {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(format!("{sign} {line}"));
        }
        if row.inside.is_empty() {
            lines.extend(row.from.map(|from| format!("- {from}")));
            lines.extend(row.to.map(|to| format!("+ {to}")));
        }
    }
    for task in &change.first {
        lines.push(format!(
            "  first  {} in {}",
            command(&task.command),
            task.container
        ));
    }
    if let (Target::Existing(revision), true) = (&change.to, change.moves()) {
        lines.push(format!(
            "  note  revision {} already is what is declared",
            revision.revision()
        ));
    }
    lines.extend(
        change
            .supersedes
            .iter()
            .map(|ended| format!("  note  this {}", ends(ended))),
    );
    lines
}

fn written(image: &str, runs: Option<&str>) -> String {
    match runs {
        Some(digest) => format!("{image} (runs {digest})"),
        None if image.is_empty() => "(none)".to_owned(),
        None => image.to_owned(),
    }
}

fn said_lines(said: Said) -> Vec<String> {
    let mut lines = vec![format!("  {}", said.says)];
    for (label, more) in [("at", said.at), ("has", said.has), ("hint", said.hint)] {
        lines.extend(more.map(|more| format!("  {label:4}  {more}")));
    }
    lines
}

#[cfg(test)]
mod tests;
