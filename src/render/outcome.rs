//! How it ended, as text.

use std::time::Duration;

use super::pause::said;
use super::style::{BAD, BOLD, BUSY, GOOD, Styled};
use super::words::{command, defuse, duration, paragraph, tasks, time};
use crate::event::{By, Ended, How, Left, Outcome, Pause, Report, Running, Unfinished};

/// The final summary: for each service what runs now, and how that came about.
/// `headed` names the environment, where there are several.
pub fn report_text(environment: &str, headed: bool, report: &Report) -> String {
    let mut text = String::new();
    if headed {
        text += &format!("{}\n", Styled(BOLD, environment));
    }
    let width = report
        .services
        .iter()
        .map(|ended| ended.service.len())
        .max()
        .unwrap_or(0)
        .min(24);
    for ended in &report.services {
        ended_text(&mut text, environment, ended, width);
    }
    text += &format!("\n{}\n", count_text(report));
    text
}

/// What went wrong with a service, and what to do; nothing when it went well.
pub fn ended_badly(ended: &Ended) -> Option<(String, Option<String>)> {
    if ended.outcome.is_good() {
        return None;
    }
    let (_, mut says) = sentence(&ended.outcome, ended.elapsed);
    let diagnosis = ended.diagnosis.as_ref();
    let cause = diagnosis.and_then(|diagnosis| diagnosis.causes.first());
    if let Some(cause) = cause {
        says += &format!(": {}", defuse(&cause.says));
    }
    Some((says, cause.map(|cause| cause.next.clone())))
}

pub(super) fn ended_text(text: &mut String, environment: &str, ended: &Ended, width: usize) {
    let (mark, mut says) = sentence(&ended.outcome, ended.elapsed);
    if let (Outcome::Deployed { .. }, Some(now)) = (&ended.outcome, ended.now.first()) {
        says += &format!(", {}", tasks(now.running, now.desired));
    }
    if let Outcome::Deployed { .. } = ended.outcome {
        says += &format!("   {}", duration(ended.elapsed));
    }
    let head = format!("{mark} {:width$}  ", ended.service);
    *text += &format!("{}\n", paragraph(0, &head, &says));
    pauses_text(text, pauses(&ended.outcome));
    let mut say = |label: &str, line: &str| {
        *text += &format!("{}\n", paragraph(4, label, line));
    };
    let diagnosis = ended.diagnosis.as_ref();
    let causes = diagnosis
        .map(|diagnosis| diagnosis.causes.as_slice())
        .unwrap_or_default();
    for (index, cause) in causes.iter().take(3).enumerate() {
        let count = match cause.tasks {
            0 => String::new(),
            1 => " (1 task)".into(),
            n => format!(" ({n} tasks)"),
        };
        say("cause  ", &format!("{}{count}", defuse(&cause.says)));
        if index == 0 {
            for line in diagnosis.iter().flat_map(|diagnosis| &diagnosis.log) {
                let indent = line.len() - line.trim_start().len();
                say("log    ", &format!("{:indent$}{}", "", defuse(line)));
            }
        }
        say("next   ", &cause.next);
    }
    if let Some(reason) = reason(&ended.outcome) {
        say("reason ", &reason);
    }
    for event in diagnosis.iter().flat_map(|diagnosis| &diagnosis.events) {
        say("event  ", &defuse(event));
    }
    for gap in diagnosis.iter().flat_map(|diagnosis| &diagnosis.gaps) {
        say("note   ", &defuse(gap));
    }
    if !ended.outcome.is_good() && !ended.now.is_empty() {
        say("now    ", &now_text(&ended.now));
    }
    if let Some(next) = next(&ended.outcome, environment) {
        say("next   ", &next);
    }
}

pub(super) fn sentence(outcome: &Outcome, elapsed: Duration) -> (Styled<&'static str>, String) {
    let after = duration(elapsed);
    let (good, bad, open) = (Styled(GOOD, "✓"), Styled(BAD, "✗"), Styled(BUSY, "…"));
    match outcome {
        Outcome::Unchanged { revision } => (
            Styled(GOOD, "="),
            format!("revision {} runs; nothing differed", revision.revision()),
        ),
        Outcome::Deployed { revision, how } => {
            let number = revision.revision();
            (
                good,
                match how {
                    How::Started | How::Restarted => format!("revision {number} runs"),
                    How::Updated => format!("updated; revision {number} runs on"),
                    How::Adopted => {
                        format!("revision {number} runs (its rollout was under way already)")
                    }
                    How::AlreadyDone => {
                        format!("revision {number} runs (somebody else deployed it meanwhile)")
                    }
                },
            )
        }
        Outcome::Failed { revision, .. } => (
            bad,
            format!(
                "the rollout of revision {} failed after {after}",
                revision.revision()
            ),
        ),
        Outcome::RolledBack {
            revision,
            to,
            by,
            complete,
            ..
        } => (
            bad,
            format!(
                "the rollout of revision {} failed; {} {}",
                revision.revision(),
                match (complete, by) {
                    (true, By::Ecs) => format!("ECS went back to revision {}", to.revision()),
                    (true, By::Evenkeel) => format!("went back to revision {}", to.revision()),
                    (false, _) => {
                        format!("going back to revision {} is not finished", to.revision())
                    }
                },
                format_args!("({after})"),
            ),
        ),
        Outcome::BeforeFailed {
            revision,
            run,
            exit_code,
        } => (
            bad,
            format!(
                "revision {} was not deployed: {} in {} {}",
                revision.revision(),
                command(&run.command),
                defuse(&run.container),
                exit_code.map_or_else(
                    || "did not run to its end".to_owned(),
                    |code| format!("exited with code {code}")
                ),
            ),
        ),
        Outcome::BeforeUnfinished {
            revision,
            run,
            because,
        } => {
            let command = command(&run.command);
            let (mark, why) = match because {
                Unfinished::TimedOut { after_seconds } => (
                    bad,
                    format!(
                        "{command} was not finished within {}; it goes on",
                        duration(Duration::from_secs(*after_seconds))
                    ),
                ),
                Unfinished::Interrupted => (
                    open,
                    format!("interrupted while {command} runs; it goes on"),
                ),
                Unfinished::Unreadable { .. } => (bad, format!("not known how {command} ended")),
            };
            (
                mark,
                format!("revision {} was not deployed: {why}", revision.revision()),
            )
        }
        Outcome::FailedBefore { revision, at, .. } => (
            bad,
            format!(
                "not deployed: the rollout of revision {} failed before{}",
                revision.revision(),
                at.map_or_else(String::new, |at| format!(", at {}", time(at)))
            ),
        ),
        Outcome::Superseded { revision, by } => (
            bad,
            format!(
                "the rollout of revision {} was replaced by one of revision {} after {after}",
                revision.revision(),
                by.revision()
            ),
        ),
        Outcome::Gone { revision, status } => (
            bad,
            format!(
                "the service became {} during the rollout of revision {}",
                defuse(status),
                revision.revision()
            ),
        ),
        Outcome::TimedOut {
            revision,
            after_seconds,
            pauses,
        } => (
            bad,
            format!(
                "the rollout of revision {} was not finished within {}; it {}",
                revision.revision(),
                duration(Duration::from_secs(*after_seconds)),
                still(pauses),
            ),
        ),
        Outcome::Interrupted {
            revision: Some(revision),
            pauses,
        } => (
            open,
            format!(
                "interrupted; the rollout of revision {} {}",
                revision.revision(),
                still(pauses),
            ),
        ),
        Outcome::Interrupted { revision: None, .. } => {
            (open, "interrupted; the service was not touched".into())
        }
        Outcome::Stale { .. } => (bad, "the plan is out of date; nothing was changed".into()),
        Outcome::Error { going_on: true, .. } => (
            bad,
            "not known how it ended; the rollout may be going on".into(),
        ),
        Outcome::Error {
            going_on: false, ..
        } => (bad, "not deployed; the service was not touched".into()),
        Outcome::HeldBack { because } => (
            open,
            format!("not deployed, because {because} could not be; the service was not touched"),
        ),
    }
}

/// What a rollout that nobody waits for any more does.
fn still(pauses: &[Pause]) -> &'static str {
    if pauses.is_empty() {
        "goes on"
    } else {
        "waits for somebody"
    }
}

fn pauses_text(text: &mut String, pauses: &[Pause]) {
    for pause in pauses {
        let said = said(pause);
        *text += &format!("{}\n", paragraph(4, "paused ", &said.waits));
        for (what, command) in said.commands {
            // Not wrapped, however long: it is there to be copied.
            *text += &format!("    {what:7} {command}\n");
        }
    }
}

/// Where a rollout waits for somebody.
fn pauses(outcome: &Outcome) -> &[Pause] {
    match outcome {
        Outcome::TimedOut { pauses, .. } | Outcome::Interrupted { pauses, .. } => pauses,
        _ => &[],
    }
}

fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Failed { reason, .. }
        | Outcome::RolledBack { reason, .. }
        | Outcome::FailedBefore { reason, .. } => reason.as_deref().map(defuse),
        Outcome::Stale { why }
        | Outcome::Error { why, .. }
        | Outcome::BeforeUnfinished {
            because: Unfinished::Unreadable { why, .. },
            ..
        } => Some(defuse(why)),
        _ => None,
    }
}

fn next(outcome: &Outcome, environment: &str) -> Option<String> {
    let again = format!("`evenkeel apply {environment}");
    Some(match outcome {
        Outcome::TimedOut { .. }
        | Outcome::Interrupted {
            revision: Some(_), ..
        } => {
            format!("`evenkeel wait {environment}` waits for it again")
        }
        Outcome::Superseded { .. } | Outcome::Stale { .. } => {
            format!("`evenkeel plan {environment}` shows what differs now")
        }
        Outcome::Failed { left, .. } => match left {
            Left::AsDeclared => format!(
                "it is left as it is (on-failure = \"stop\"): declare another image, or try this \
                 one again with {again} --retry`"
            ),
            Left::OnlyWaited => {
                format!("{again}` goes back, as the file declares it; waiting changes nothing")
            }
            Left::NothingHealthyKnown => {
                format!("no revision is known that ran healthily before: declare one, and {again}`")
            }
            Left::Refused(why) => format!(
                "going back was refused ({}): declare what ran before, and {again}`",
                defuse(why)
            ),
        },
        Outcome::BeforeFailed { .. } => format!(
            "the service was not touched; declare another image, or try this one again with \
             {again} --retry`"
        ),
        Outcome::BeforeUnfinished { because, .. } => {
            let first = match because {
                Unfinished::Unreadable {
                    hint: Some(hint), ..
                } => format!("{hint}; then "),
                _ => "the service was not touched; ".to_owned(),
            };
            format!("{first}{again}` waits for that task, then deploys")
        }
        Outcome::FailedBefore { .. } => {
            format!("declare another image, or try this one again with {again} --retry`")
        }
        Outcome::Error {
            hint,
            going_on: true,
            ..
        } => format!(
            "{}{again}` looks and continues",
            hint.as_ref()
                .map_or_else(String::new, |hint| format!("{hint}; then "))
        ),
        Outcome::Error {
            hint,
            going_on: false,
            ..
        } => return hint.clone(),
        Outcome::Deployed { .. }
        | Outcome::Unchanged { .. }
        | Outcome::RolledBack { .. }
        | Outcome::Gone { .. }
        | Outcome::Interrupted { revision: None, .. }
        | Outcome::HeldBack { .. } => return None,
    })
}

/// `revision 41 runs, 3 of 3 tasks; revision 42, 1 of 3 tasks`.
fn now_text(now: &[Running]) -> String {
    now.iter()
        .enumerate()
        .map(|(index, running)| {
            let tasks = tasks(running.running, running.desired.max(running.running));
            let verb = if index == 0 && running.running > 0 {
                " runs"
            } else {
                ""
            };
            format!("revision {}{verb}, {tasks}", running.revision.revision())
        })
        .collect::<Vec<_>>()
        .join("; ")
}

fn count_text(report: &Report) -> String {
    let mut counts: Vec<(usize, &str)> = [
        "deployed",
        "restarted",
        "still rolling out",
        "failed",
        "failed before",
        "not deployed",
        "unchanged",
    ]
    .map(|what| (0, what))
    .to_vec();
    for ended in &report.services {
        let what = match &ended.outcome {
            Outcome::Deployed {
                how: How::Restarted,
                ..
            } => "restarted",
            Outcome::Deployed { .. } => "deployed",
            Outcome::TimedOut { .. }
            | Outcome::Interrupted {
                revision: Some(_), ..
            } => "still rolling out",
            Outcome::Failed { .. } | Outcome::RolledBack { .. } => "failed",
            Outcome::FailedBefore { .. } => "failed before",
            Outcome::Unchanged { .. } => "unchanged",
            Outcome::Superseded { .. }
            | Outcome::Gone { .. }
            | Outcome::Interrupted { revision: None, .. }
            | Outcome::BeforeFailed { .. }
            | Outcome::BeforeUnfinished { .. }
            | Outcome::Stale { .. }
            | Outcome::Error { .. }
            | Outcome::HeldBack { .. } => "not deployed",
        };
        for (count, name) in &mut counts {
            *count += usize::from(*name == what);
        }
    }
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!("{}.", parts.join(", "))
}
