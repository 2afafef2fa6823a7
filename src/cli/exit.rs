//! Exit codes: a published interface, see `docs/exit-codes.md`.

use crate::event::{Outcome, Report, Unfinished};

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// Configuration, credentials, AWS refused, blocked.
pub const ERROR: u8 = 1;
/// `plan --detailed-exitcode`: there are changes.
pub const CHANGES: u8 = 2;
/// The rollout failed, or the same declared state had failed before.
pub const FAILED: u8 = 3;
/// Timed out waiting; the rollout goes on.
pub const TIMED_OUT: u8 = 4;
/// The plan is stale, or another deployment replaced ours.
pub const STALE: u8 = 5;
/// Wrong usage.
pub const USAGE: u8 = 64;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

/// The code for a report: that of its worst outcome. An interrupt comes first,
/// since it explains the others; then what needs a person soonest.
pub fn of_report(report: &Report) -> u8 {
    const WORST_FIRST: [u8; 6] = [INTERRUPTED, FAILED, STALE, TIMED_OUT, ERROR, DONE];
    let codes: Vec<u8> = report
        .services
        .iter()
        .filter_map(|ended| of_outcome(&ended.outcome))
        .collect();
    WORST_FIRST
        .into_iter()
        .find(|code| codes.contains(code))
        .unwrap_or(DONE)
}

fn of_outcome(outcome: &Outcome) -> Option<u8> {
    Some(match outcome {
        Outcome::Unchanged { .. } | Outcome::Deployed { .. } => DONE,
        Outcome::Failed { .. }
        | Outcome::RolledBack { .. }
        | Outcome::BeforeFailed { .. }
        | Outcome::FailedBefore { .. } => FAILED,
        Outcome::BeforeUnfinished { because, .. } => match because {
            Unfinished::TimedOut { .. } => TIMED_OUT,
            Unfinished::Interrupted => INTERRUPTED,
            Unfinished::Unreadable { .. } => ERROR,
        },
        Outcome::TimedOut { .. } => TIMED_OUT,
        Outcome::Superseded { .. } | Outcome::Stale { .. } => STALE,
        Outcome::Interrupted { .. } => INTERRUPTED,
        Outcome::Gone { .. } | Outcome::Error { .. } => ERROR,
        // The service that held it back has the code.
        Outcome::HeldBack { .. } => return None,
    })
}
