//! From what runs healthily in one environment to an edit of another's file.
//!
//! Pure, and asks like a plan does. What counts is what runs, never what the
//! other environment's file merely says. Nothing is written here, and nothing
//! is deployed: what comes of it is an edit, for a pull request.

mod pair;
mod source;
mod target;
#[cfg(test)]
mod tests;

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::environment::{Draft, Edit, LoadError, Location};
use crate::live::Problem;
use crate::model::{Digest, EcrRepository, ImageReference};
use crate::observed::{Observed, Unreadable, Wants, all};

pub use pair::{LeftOut, Mismatch, Pair, Pairs, Why, pairs};
pub use source::{Running, Runs, Soak, sources};
use target::{Declared, Wanted, check};

/// What is promoted, or why nothing is.
#[derive(Debug, Clone, PartialEq)]
pub struct Promotion {
    /// The environment that images come from.
    pub from: String,
    /// The environment that they go to.
    pub to: String,
    /// Its file.
    pub file: String,
    pub soak: Duration,
    /// In the order of its file.
    pub services: Vec<Service>,
    pub left_out: Vec<LeftOut>,
}

/// A service that both environments have.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name in both files.
    pub name: String,
    pub state: State,
    /// What runs in the environment before, as far as that is known.
    pub running: Option<Running>,
    /// Every image that is looked at, also those that are the same already.
    /// Empty when it is not known what runs.
    pub edits: Vec<Edit>,
    /// What the file there declares, where that is not what runs.
    pub declared_otherwise: Vec<ImageReference>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The file declares already what runs there.
    Same,
    /// It runs healthily there, and the file declares something else.
    Ready,
    NotReady(NotReady),
}

/// Why a service cannot be promoted now.
#[derive(Debug, Clone, PartialEq)]
pub enum NotReady {
    RollingOut {
        running: i64,
        desired: i64,
    },
    /// ECS goes back to an earlier revision.
    GoingBack,
    Failed {
        reason: Option<String>,
    },
    TasksMissing {
        running: i64,
        desired: i64,
    },
    Soaking {
        /// How long it has run undisturbed.
        so_far: Duration,
        left: Duration,
    },
    /// Nothing is told of the service.
    Problem(Problem),
    Unreadable {
        what: String,
        why: Unreadable,
    },
    /// What runs has no such container; the only one, when it has no name.
    ContainerMissing {
        container: Option<String>,
        there_are: Vec<String>,
    },
    /// ECS does not tell which image that is.
    DigestUnknown {
        container: String,
        image: String,
    },
    /// The target's repository does not have what runs.
    CopyMissing(Box<Copy>),
    /// The target's repository is another, and nobody there can be asked.
    CopyUnknown {
        repository: String,
        /// Where what runs comes from.
        other: String,
        at: Location,
    },
}

/// A copy of an image that is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Copy {
    /// Where it is missing.
    pub repository: EcrRepository,
    pub digest: Digest,
    pub from: ImageReference,
    /// With the tag that it has there, else by digest.
    pub to: String,
    /// Where the repository is declared.
    pub at: Location,
}

/// What somebody has to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// It comes right by itself.
    Wait,
    /// A rollout failed.
    Mend,
    /// Something is missing, or could not be read.
    Provide,
}

impl NotReady {
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::RollingOut { .. } | Self::TasksMissing { .. } | Self::Soaking { .. } => {
                Remedy::Wait
            }
            Self::GoingBack | Self::Failed { .. } => Remedy::Mend,
            Self::Problem(_)
            | Self::Unreadable { .. }
            | Self::ContainerMissing { .. }
            | Self::DigestUnknown { .. }
            | Self::CopyMissing(_)
            | Self::CopyUnknown { .. } => Remedy::Provide,
        }
    }
}

/// What came of it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There is something to write, and all of it is ready.
    Promoted,
    /// The file declares already what runs.
    Nothing,
    /// Something would move but is not ready, so nothing moves: what was tried
    /// together goes on together.
    NotReady(Remedy),
}

/// Lays what runs over what the target's file declares. `running` has what
/// [`sources`] tells of each of the pairs.
///
/// # Errors
/// [`Wants`]: what must be looked up first, in the target's registries. The
/// inner error: the file has no place for an image.
pub fn services(
    draft: &Draft,
    running: &[(Pairs, Runs)],
    observed: &Observed,
) -> Result<Result<Vec<Service>, LoadError>, Wants> {
    let services = all(running
        .iter()
        .map(|(pairs, running)| service(draft, pairs, running, observed)))?;
    Ok(services.into_iter().collect())
}

fn service(
    draft: &Draft,
    pairs: &Pairs,
    running: &Runs,
    observed: &Observed,
) -> Result<Result<Service, LoadError>, Wants> {
    let running = match running {
        Ok(running) => running,
        Err(why) => {
            return Ok(Ok(Service {
                name: pairs.service.clone(),
                state: State::NotReady(why.clone()),
                running: None,
                edits: Vec::new(),
                declared_otherwise: Vec::new(),
            }));
        }
    };
    let wanted = pairs
        .containers
        .iter()
        .map(|pair| (pair, Wanted::of(pair, running)));
    let wanted: Vec<_> = wanted.collect();
    let declared_otherwise = wanted
        .iter()
        .filter(|(pair, wanted)| {
            wanted
                .as_ref()
                .is_ok_and(|one| !one.is_declared(&pair.declared))
        })
        .map(|(pair, _)| pair.declared.clone())
        .collect();
    let compared = all(wanted.iter().map(|(_, wanted)| {
        Ok::<_, Wants>(match wanted {
            Ok(wanted) => check(wanted, observed)?,
            Err(why) => Err(why.clone()),
        })
    }))?;
    let (mut edits, mut trouble) = (Vec::new(), None);
    for (pair, compared) in pairs.containers.iter().zip(compared) {
        let slot = match draft.find(&pairs.service, pair.to.container.as_deref()) {
            Ok(slot) => slot,
            Err(error) => return Ok(Err(error)),
        };
        match compared {
            Ok(Declared::Same) => edits.push(Edit {
                to: slot.image.clone(),
                slot,
            }),
            Ok(Declared::Other(to)) => edits.push(Edit { slot, to }),
            Err(why) => {
                trouble.get_or_insert(why);
            }
        }
    }
    let moves = trouble.is_some() || edits.iter().any(Edit::changes);
    let state = match (&running.healthy, trouble) {
        // What is there already need not be waited for.
        _ if !moves => State::Same,
        (Err(why), _) => State::NotReady(why.clone()),
        (Ok(_), Some(why)) => State::NotReady(why),
        (Ok(_), None) => State::Ready,
    };
    Ok(Ok(Service {
        name: pairs.service.clone(),
        state,
        running: Some(running.clone()),
        edits,
        declared_otherwise,
    }))
}

impl Promotion {
    pub fn outcome(&self) -> Outcome {
        let remedies: Vec<Remedy> = self
            .services
            .iter()
            .filter_map(|service| match &service.state {
                State::NotReady(why) => Some(why.remedy()),
                State::Same | State::Ready => None,
            })
            .collect();
        // What needs a person comes before what needs only time.
        let worst = [Remedy::Mend, Remedy::Provide, Remedy::Wait];
        if let Some(remedy) = worst.into_iter().find(|one| remedies.contains(one)) {
            return Outcome::NotReady(remedy);
        }
        let moves = self
            .services
            .iter()
            .any(|service| service.state == State::Ready);
        if moves {
            Outcome::Promoted
        } else {
            Outcome::Nothing
        }
    }

    /// The services that move, each with what runs in the environment before.
    pub fn ready(&self) -> impl Iterator<Item = (&Service, &Running)> {
        self.services.iter().filter_map(|service| {
            let running = service.running.as_ref()?;
            (service.state == State::Ready).then_some((service, running))
        })
    }

    /// A few characters that stand for what moves, the same for the same
    /// promotion: the digest's where there is only one, else a hash of all.
    pub fn short(&self) -> String {
        let mut digests: Vec<&Digest> = self.edits().filter_map(|edit| edit.to.digest()).collect();
        digests.dedup();
        if let [only] = digests[..] {
            return only.as_str()[7..15].to_owned();
        }
        let mut hash = Sha256::new();
        for edit in self.edits() {
            hash.update(format!("{}={}\n", edit.slot, edit.to));
        }
        hash.finalize()[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// What is to be written.
    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.ready()
            .flat_map(|(service, _)| &service.edits)
            .filter(|edit| edit.changes())
    }
}
