//! The report as Markdown, for the step summary of a CI run.
//!
//! Names, values and words of AWS are from outside. In the table each character
//! that could mean something to Markdown or HTML is written by its number; in
//! the details everything stands in `<pre>`, where Markdown means nothing. So
//! nothing can break out, and nobody is mentioned.

use std::fmt::Write as _;

use super::super::words::defuse;
use super::text::service_text;
use super::{counts, sentence};
use crate::reconcile::{EnvironmentReport, Report, ServiceReport, State};

/// What a step summary may hold is 1 MiB (GitHub's documentation, "Adding a job
/// summary"); what other steps of the job write has its own.
const MOST: usize = 900_000;

/// The report: what came of everything that is not in sync, as a table, and
/// below it the details.
pub fn reconciled_markdown(report: &Report) -> String {
    let mut text = String::from("## Evenkeel: reconcile\n\n");
    let _ = writeln!(text, "**{}**\n", prose(&counts(report)));
    let told: Vec<(&EnvironmentReport, Option<&ServiceReport>)> = report
        .environments
        .iter()
        .flat_map(|environment| {
            let problem = environment.result.is_err().then_some((environment, None));
            let services = environment.services().iter();
            problem.into_iter().chain(
                services
                    .filter(|service| service.state != State::InSync)
                    .map(move |service| (environment, Some(service))),
            )
        })
        .collect();
    if told.is_empty() {
        return text;
    }
    text += "| | environment | service | |\n|---|---|---|---|\n";
    let mut left_out = 0;
    for (environment, service) in &told {
        let row = row(environment, *service);
        if text.len() + row.len() > MOST / 2 {
            left_out += 1;
        } else {
            text += &row;
        }
    }
    if left_out > 0 {
        let _ = writeln!(
            text,
            "\n{left_out} more are left out here; the log has them."
        );
    }
    text.push('\n');
    let mut left_out = 0;
    for (environment, service) in told {
        let details = details(environment, service);
        if text.len() + details.len() > MOST {
            left_out += 1;
        } else {
            text += &details;
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "Details of {left_out} more are in the log.");
    }
    text
}

fn row(environment: &EnvironmentReport, service: Option<&ServiceReport>) -> String {
    let (mark, name, says) = match service {
        Some(service) => {
            let (mark, says) = sentence(service);
            let says = format!(
                "**{}**: {}",
                service.state.word().replace('-', " "),
                prose(&says)
            );
            (mark.1, code(&service.plan.name), says)
        }
        None => {
            let says = environment.result.as_ref().err();
            let says = says.map_or_else(String::new, |problem| prose(&problem.message));
            ("✗", String::new(), format!("**not reconciled**: {says}"))
        }
    };
    format!(
        "| {mark} | {} | {name} | {says} |\n",
        code(&environment.name)
    )
}

fn details(environment: &EnvironmentReport, service: Option<&ServiceReport>) -> String {
    let mut inside = String::new();
    let name = match service {
        Some(service) => {
            service_text(&mut inside, &environment.name, service, 0);
            format!("{} {}", code(&environment.name), code(&service.plan.name))
        }
        None => {
            if let Err(problem) = &environment.result {
                super::text::problem_text(&mut inside, problem);
            }
            code(&environment.name)
        }
    };
    let inside = anstream::adapter::strip_str(&inside).to_string();
    format!(
        "<details><summary>{name}</summary>\n\n<pre>\n{}</pre>\n\n</details>\n\n",
        html(&inside)
    )
}

/// A name, or whatever else is to stand for itself.
fn code(text: &str) -> String {
    format!("<code>{}</code>", numbered(&defuse(text)))
}

/// A sentence with words from outside in it. What would mention a person or an
/// issue is kept apart from its sign by a space of no width.
fn prose(text: &str) -> String {
    numbered(&defuse(text))
        .replace("&#64;", "&#64;\u{200b}")
        .replace("&#35;", "&#35;\u{200b}")
}

/// Every sign of ASCII that is no letter, digit or blank, by its number.
fn numbered(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, c| {
        if c.is_ascii_punctuation() && !matches!(c, ',' | '-') {
            let _ = write!(safe, "&#{};", u32::from(c));
        } else {
            safe.push(c);
        }
        safe
    })
}

/// Text inside of an HTML element, line by line.
fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('`', "&#96;")
        .replace('@', "&#64;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_anything_to_markdown() {
        let hostile = "`a` | **b** <script>&amp; @ops #12 [x](y) _z_ \\ http://e.x\n# h";
        for safe in [code(hostile), prose(hostile)] {
            let inside = safe.replace("<code>", "").replace("</code>", "");
            for sign in "`|*<>@[]()_\\/:".chars() {
                assert!(!inside.contains(sign), "{sign} in {inside}");
            }
            assert!(!inside.contains('\n'));
            let plain = inside.replace("&#", "");
            assert!(!plain.contains('#') && !plain.contains('&'), "{plain}");
        }
        assert_eq!(html("</pre><b>&"), "&lt;/pre&gt;&lt;b&gt;&amp;");
        assert!(prose("cc @ops").contains("&#64;\u{200b}ops"));
    }
}
