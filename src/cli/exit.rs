//! Exit codes: a published interface, see `docs/exit-codes.md`.

use crate::event::{Outcome, Report, Unfinished};
use crate::reconcile::{self, EnvironmentReport, State};

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// Configuration, credentials, AWS refused, blocked.
pub const ERROR: u8 = 1;
/// `plan --detailed-exitcode`: there are changes; `reconcile`: differences are
/// left.
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

/// An interrupt comes first, since it explains the others; then what needs a
/// person soonest.
const WORST_FIRST: [u8; 7] = [INTERRUPTED, FAILED, STALE, TIMED_OUT, ERROR, CHANGES, DONE];

fn worst(codes: impl IntoIterator<Item = u8>) -> u8 {
    let codes: Vec<u8> = codes.into_iter().collect();
    WORST_FIRST
        .into_iter()
        .find(|code| codes.contains(code))
        .unwrap_or(DONE)
}

/// The code for a report: that of its worst outcome.
pub fn of_report(report: &Report) -> u8 {
    worst(
        report
            .services
            .iter()
            .filter_map(|ended| of_outcome(&ended.outcome)),
    )
}

/// The code for a run over many environments: that of the worst of them.
pub fn of_reconcile(report: &reconcile::Report) -> u8 {
    worst(report.environments.iter().map(of_environment))
}

/// The code for one of them.
pub fn of_environment(report: &EnvironmentReport) -> u8 {
    match &report.result {
        Err(problem) if problem.interrupted => INTERRUPTED,
        Err(_) => ERROR,
        Ok(services) => worst(
            services
                .iter()
                .filter_map(|service| of_state(&service.state)),
        ),
    }
}

fn of_state(state: &State) -> Option<u8> {
    Some(match state {
        // That nothing is written is what is declared.
        State::InSync | State::Suspended => DONE,
        State::Left(_) => CHANGES,
        State::FailedBefore => FAILED,
        State::Blocked => ERROR,
        State::Corrected(ended) | State::Adopted(ended) | State::Failed(ended) => {
            return of_outcome(&ended.outcome);
        }
    })
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
