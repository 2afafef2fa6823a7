//! What came of a run over many environments: text, JSON and Markdown.

mod json;
mod markdown;
mod text;

pub use json::reconciled_json;
pub use markdown::reconciled_markdown;
pub use text::reconciled_text;

use super::block::{said, until};
use super::history::who;
use super::outcome;
use super::style::{BAD, BUSY, CHANGE, GOOD, Styled};
use super::words::{defuse, tasks, time};
use crate::plan::{Cause, Drift, Sign, Verdict};
use crate::reconcile::{Left, Report, ServiceReport, State};

/// A mark, and a sentence that says what came of a service.
fn sentence(service: &ServiceReport) -> (Styled<&'static str>, String) {
    let drift = matches!(service.cause, Some(Cause::Drift(_)));
    match (&service.state, &service.plan.verdict) {
        (State::InSync, Verdict::InSync { revision }) => (
            Styled(GOOD, "="),
            format!("revision {} runs", revision.revision()),
        ),
        (State::InSync, _) => (Styled(GOOD, "="), "in sync".into()),
        (State::Corrected(ended), _) => {
            let (mark, says) = outcome::sentence(&ended.outcome, ended.elapsed);
            let what = if drift { "drift corrected: " } else { "" };
            (mark, format!("{what}{says}"))
        }
        (State::Adopted(ended) | State::Failed(ended), _) => {
            outcome::sentence(&ended.outcome, ended.elapsed)
        }
        (State::Left(Left::Drift), _) => (
            Styled(CHANGE, "~"),
            "left as it is (drift = \"report\")".into(),
        ),
        (State::Left(Left::UnderWay(rollout)), _) => (
            Styled(BUSY, "…"),
            format!(
                "a rollout of revision {} is under way, {}; left to it",
                rollout.revision.revision(),
                tasks(rollout.running, rollout.desired)
            ),
        ),
        (State::FailedBefore, Verdict::FailedBefore(before)) => (
            Styled(BAD, "✗"),
            format!(
                "not deployed: the rollout of revision {} failed before{}; revision {} runs",
                before.revision.revision(),
                before
                    .at
                    .map_or_else(String::new, |at| format!(", at {}", time(at))),
                before.running.revision()
            ),
        ),
        (State::FailedBefore, _) => (Styled(BAD, "✗"), "failed before".into()),
        (State::Blocked, Verdict::Blocked(blocks)) => (
            Styled(BAD, "✗"),
            blocks
                .first()
                .map_or_else(String::new, |block| said(block).says),
        ),
        (State::Blocked, _) => (Styled(BAD, "✗"), "blocked".into()),
        (State::Suspended, Verdict::Suspended(suspended)) => {
            let why = &suspended.why;
            let says = format!("{}{}", defuse(&why.reason), until(why.until));
            (Styled(BUSY, "‖"), says)
        }
        (State::Suspended, _) => (Styled(BUSY, "‖"), "suspended".into()),
    }
}

/// How drift is told, and who registered what runs.
fn drift(drift: &Drift) -> (String, Option<String>) {
    let live = drift.revision.revision();
    let how = match &drift.sign {
        Sign::CopiedTags => format!(
            "revision {live} carries the tags of what is declared, and differs from it: somebody \
             changed it and registered it again"
        ),
        Sign::NotOurs { ours } => format!(
            "revision {live} was not registered by evenkeel; revision {} before it was",
            ours.revision()
        ),
        Sign::PutBack { declared } => format!(
            "revision {} is what is declared, and ran here; somebody put back revision {live}",
            declared.revision()
        ),
        Sign::Service => "somebody changed fields of the service; who did is in CloudTrail \
                          (UpdateService)"
            .to_owned(),
    };
    let by = (drift.sign != Sign::Service)
        .then_some(drift.registered_by.as_deref())
        .flatten()
        .map(|by| {
            let at = drift
                .registered_at
                .map_or_else(String::new, |at| format!(" at {}", time(at)));
            format!("{} registered revision {live}{at}", who(by))
        });
    (how, by)
}

/// `1 environment not looked at, 2 corrected, 7 in sync`.
fn counts(report: &Report) -> String {
    let states = report.states();
    let mut parts = Vec::new();
    match states.unread {
        0 => {}
        1 => parts.push("1 environment could not be reconciled".to_owned()),
        n => parts.push(format!("{n} environments could not be reconciled")),
    }
    parts.extend(
        states
            .counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{count} {}", word.replace('-', " "))),
    );
    if parts.is_empty() {
        return "no environment".to_owned();
    }
    parts.join(", ")
}
