//! What came of a run, as data: one entry for each environment, whatever
//! happened to it, and in it one for each service.

use std::collections::BTreeMap;

use super::Planned;
use super::policy::left;
use crate::environment::{Desired, LoadError, Location};
use crate::event::{Ended, How, Outcome};
use crate::model::{AccountId, ClusterName, Region};
use crate::plan::{Cause, Rollout, ServicePlan, Verdict};

/// What came of a run over many environments.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which they were named, or of their names.
    pub environments: Vec<EnvironmentReport>,
}

/// What came of one environment.
#[derive(Debug)]
pub struct EnvironmentReport {
    pub name: String,
    /// Where it is; not known when its file could not be read.
    pub place: Option<Place>,
    /// Its services, in the file's order, or what kept it from being looked at.
    pub result: Result<Vec<ServiceReport>, Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub account: AccountId,
    pub region: Region,
    /// The cluster of services that name none.
    pub cluster: ClusterName,
}

/// What kept an environment from being looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub hint: Option<String>,
    /// The mistakes in its file: where, what, and what to write.
    pub mistakes: Vec<(Option<Location>, String, Option<String>)>,
    /// It was merely asked to stop before.
    pub interrupted: bool,
}

impl Problem {
    pub fn new(message: String, hint: Option<String>) -> Self {
        Self {
            message,
            hint,
            ..Self::default()
        }
    }

    /// The run was asked to stop before this environment was looked at.
    pub fn interrupted() -> Self {
        Self {
            message: "interrupted before it was looked at; nothing was changed".into(),
            interrupted: true,
            ..Self::default()
        }
    }
}

impl From<&LoadError> for Problem {
    fn from(error: &LoadError) -> Self {
        let mistakes = error.reports();
        let message = match mistakes.len() {
            1 => "its file has a mistake".to_owned(),
            n => format!("its file has {n} mistakes"),
        };
        match error {
            LoadError::Mistakes(_) => Self {
                message,
                mistakes,
                ..Self::default()
            },
            LoadError::Unreadable(unreadable) => {
                let hint = mistakes.into_iter().find_map(|(_, _, hint)| hint);
                Self::new(unreadable.to_string(), hint)
            }
        }
    }
}

/// What came of one service.
#[derive(Debug)]
pub struct ServiceReport {
    /// As it was planned.
    pub plan: ServicePlan,
    /// Why what ran was not what is declared, where that was so.
    pub cause: Option<Cause>,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// What is declared runs, and ran before.
    InSync,
    /// What is declared runs now; this run saw to it.
    Corrected(Box<Ended>),
    /// What is declared runs now; its rollout had been started by somebody else.
    Adopted(Box<Ended>),
    /// Something else runs, and was left.
    Left(Left),
    /// The same declared state failed before; nothing was done.
    FailedBefore,
    /// Nothing could be done.
    Blocked,
    /// Something is to change, and the file says that nothing may be written.
    Suspended,
    /// What is declared does not run, although this run tried or waited.
    Failed(Box<Ended>),
}

/// Why a difference was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Somebody changed what runs, and that is only to be reported.
    Drift,
    /// A rollout of another revision is under way.
    UnderWay(Rollout),
}

impl State {
    /// One word for it, for programs and counts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Corrected(_) => "corrected",
            Self::Adopted(_) | Self::Left(Left::UnderWay(_)) => "rolling-out",
            Self::Left(Left::Drift) => "drifted",
            Self::FailedBefore => "failed-before",
            Self::Blocked => "blocked",
            Self::Suspended => "suspended",
            Self::Failed(_) => "failed",
        }
    }
}

/// How many services are in which state, by its word, the worst first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct States {
    /// Environments of which nothing is known.
    pub unread: usize,
    pub counts: [(&'static str, usize); 8],
}

const WORDS: [&str; 8] = [
    "failed",
    "failed-before",
    "blocked",
    "drifted",
    "rolling-out",
    "suspended",
    "corrected",
    "in-sync",
];

impl Report {
    pub fn services(&self) -> impl Iterator<Item = &ServiceReport> {
        self.environments
            .iter()
            .flat_map(EnvironmentReport::services)
    }

    pub fn states(&self) -> States {
        States {
            unread: self
                .environments
                .iter()
                .filter(|environment| environment.result.is_err())
                .count(),
            counts: WORDS.map(|word| {
                let count = self
                    .services()
                    .filter(|one| one.state.word() == word)
                    .count();
                (word, count)
            }),
        }
    }
}

impl EnvironmentReport {
    /// An environment that could not be looked at.
    pub fn failed(desired: &Desired, problem: Problem) -> Self {
        Self {
            name: desired.environment.clone(),
            place: Some(Place::of(desired)),
            result: Err(problem),
        }
    }

    /// An environment whose file could not be read.
    pub fn unread(name: String, problem: Problem) -> Self {
        Self {
            name,
            place: None,
            result: Err(problem),
        }
    }

    /// What was planned, and how what was carried out of it ended.
    pub(super) fn of(desired: &Desired, planned: Planned, ended: Vec<Ended>) -> Self {
        let Planned { plan, mut causes } = planned;
        let mut ended: BTreeMap<String, Ended> = ended
            .into_iter()
            .map(|ended| (ended.service.clone(), ended))
            .collect();
        let services = plan
            .services()
            .iter()
            .map(|service| {
                let cause = causes.remove(&service.name);
                let state = match ended.remove(&service.name) {
                    Some(ended) => carried_out(ended),
                    None => untouched(service, cause.as_ref(), desired),
                };
                ServiceReport {
                    plan: service.clone(),
                    cause,
                    state,
                }
            })
            .collect();
        Self {
            name: desired.environment.clone(),
            place: Some(Place::of(desired)),
            result: Ok(services),
        }
    }

    /// None, when it could not be looked at.
    pub fn services(&self) -> &[ServiceReport] {
        self.result.as_deref().unwrap_or_default()
    }
}

impl Place {
    fn of(desired: &Desired) -> Self {
        Self {
            account: desired.account.clone(),
            region: desired.region.clone(),
            cluster: desired.cluster.clone(),
        }
    }
}

fn carried_out(ended: Ended) -> State {
    match &ended.outcome {
        Outcome::Deployed {
            how: How::Adopted, ..
        } => State::Adopted(Box::new(ended)),
        // Somebody made the same change between the look and the write.
        Outcome::Deployed { .. } | Outcome::Unchanged { .. } => State::Corrected(Box::new(ended)),
        _ => State::Failed(Box::new(ended)),
    }
}

fn untouched(service: &ServicePlan, cause: Option<&Cause>, desired: &Desired) -> State {
    match &service.verdict {
        // Every change that is not left is carried out.
        Verdict::Change(_) => left(service, cause, desired).map_or(State::Blocked, State::Left),
        Verdict::FailedBefore(_) => State::FailedBefore,
        Verdict::Blocked(_) => State::Blocked,
        Verdict::Suspended(_) => State::Suspended,
        Verdict::InSync { .. } | Verdict::RollingOut(_) => State::InSync,
    }
}
