//! The report for a terminal or a log, in 80 columns.

use std::fmt::Write as _;

use super::super::block::{held, said};
use super::super::lines::title;
use super::super::outcome::ended_text;
use super::super::plan::{Detail, change_text, note_text, said_text};
use super::super::style::{BAD, BOLD, GOOD, Styled};
use super::super::words::{defuse, paragraph};
use super::{counts, drift, sentence};
use crate::plan::{Cause, Verdict};
use crate::reconcile::{EnvironmentReport, Left, Problem, Report, ServiceReport, State};

/// The report. Services that are in sync and have nothing to note are counted,
/// unless all are to be shown.
pub fn reconciled_text(report: &Report, all: bool) -> String {
    let mut text = String::new();
    for environment in &report.environments {
        environment_text(&mut text, environment, all);
        text.push('\n');
    }
    // Writing to a String cannot fail, here and elsewhere.
    let counts = format!("{}.", counts(report));
    let _ = writeln!(text, "{}", paragraph(0, "", &counts));
    text
}

fn environment_text(text: &mut String, environment: &EnvironmentReport, all: bool) {
    match &environment.place {
        Some(place) => {
            *text += &title(
                &defuse(&environment.name),
                &place.cluster,
                &place.region,
                &place.account,
            );
        }
        None => {
            let _ = writeln!(text, "{}", Styled(BOLD, defuse(&environment.name)));
        }
    }
    text.push('\n');
    if let Err(problem) = &environment.result {
        problem_text(text, problem);
        return;
    }
    let quiet = |service: &&ServiceReport| {
        !all && service.state == State::InSync && service.plan.notes.is_empty()
    };
    let services = environment.services();
    let width = services
        .iter()
        .filter(|service| !quiet(service))
        .map(|service| service.plan.name.len())
        .max()
        .unwrap_or(0)
        .min(24);
    for service in services.iter().filter(|service| !quiet(service)) {
        service_text(text, &environment.name, service, width);
    }
    match services.iter().filter(quiet).count() {
        0 => {}
        1 => {
            let _ = writeln!(text, "{} 1 service in sync", Styled(GOOD, "="));
        }
        n => {
            let _ = writeln!(text, "{} {n} services in sync", Styled(GOOD, "="));
        }
    }
}

pub(super) fn problem_text(text: &mut String, problem: &Problem) {
    let mark = Styled(BAD, "✗").to_string();
    let _ = writeln!(text, "{}", paragraph(0, &mark, &defuse(&problem.message)));
    for (at, message, hint) in &problem.mistakes {
        let at = at
            .as_ref()
            .map_or_else(String::new, |at| format!("{}: ", defuse(&at.to_string())));
        let _ = writeln!(
            text,
            "{}",
            paragraph(4, "", &format!("{at}{}", defuse(message)))
        );
        if let Some(hint) = hint {
            let _ = writeln!(text, "{}", paragraph(6, "hint ", &defuse(hint)));
        }
    }
    if let Some(hint) = &problem.hint {
        let _ = writeln!(text, "{}", paragraph(4, "hint ", &defuse(hint)));
    }
}

/// A service: its line, and below it whatever is known.
pub(super) fn service_text(
    text: &mut String,
    environment: &str,
    service: &ServiceReport,
    width: usize,
) {
    let verdict = &service.plan.verdict;
    match &service.state {
        State::Corrected(ended) | State::Adopted(ended) | State::Failed(ended) => {
            ended_text(text, environment, ended, width);
        }
        _ => {
            let (mark, says) = match (&service.state, verdict) {
                // Each reason is said below.
                (State::Blocked, Verdict::Blocked(_)) => (Styled(BAD, "✗"), "blocked".to_owned()),
                (State::Suspended, _) => {
                    let (mark, _) = sentence(service);
                    (mark, "suspended; this would change:".to_owned())
                }
                (State::Left(Left::Drift), _) => {
                    let (mark, says) = sentence(service);
                    (mark, format!("drifted; {says}"))
                }
                _ => sentence(service),
            };
            let head = format!("{mark} {:width$}  ", defuse(&service.plan.name));
            let _ = writeln!(text, "{}", paragraph(0, &head, &says));
        }
    }
    cause_text(text, service);
    match verdict {
        Verdict::Change(change) => change_text(text, change, Detail::default()),
        Verdict::Suspended(suspended) => {
            change_text(text, &suspended.change, Detail::default());
            said_text(text, &held(&suspended.why));
        }
        Verdict::Blocked(blocks) => {
            for block in blocks {
                said_text(text, &said(block));
            }
        }
        Verdict::FailedBefore(before) => {
            if let Some(reason) = &before.reason {
                let _ = writeln!(text, "{}", paragraph(4, "reason ", &defuse(reason)));
            }
            let next = format!(
                "declare another image, or try this one again with `evenkeel apply {} --retry`",
                defuse(environment)
            );
            let _ = writeln!(text, "{}", paragraph(4, "next   ", &next));
        }
        Verdict::InSync { .. } | Verdict::RollingOut(_) => {}
    }
    for note in &service.plan.notes {
        let _ = writeln!(text, "{}", paragraph(4, "note ", &note_text(note)));
    }
}

fn cause_text(text: &mut String, service: &ServiceReport) {
    let Some(Cause::Drift(found)) = &service.cause else {
        return;
    };
    let (how, by) = drift(found);
    let _ = writeln!(text, "{}", paragraph(4, "drift  ", &how));
    if let Some(by) = by {
        let _ = writeln!(text, "{}", paragraph(4, "by     ", &by));
    }
}
