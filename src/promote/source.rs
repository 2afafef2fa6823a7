//! What runs in the environment that images come from, and whether it is fit
//! to go on.

use std::time::Duration;

use super::NotReady;
use crate::environment::{Desired, Service as Declared};
use crate::live::{self, Deployed, Details, Image, Phase, status};
use crate::model::{Commit, RevisionArn};
use crate::observed::{
    DeploymentStatus, Observed, Seen, ServiceDeployment, ServiceKey, Wants, all,
};

/// What a service runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    pub revision: RevisionArn,
    /// Where the revision's tags say that it comes from.
    pub commit: Option<Commit>,
    pub images: Vec<Image>,
    /// Whether it runs as it should, and for how long.
    pub healthy: Result<Soak, NotReady>,
}

/// What a service runs, or why that is not known.
pub type Runs = Result<Running, NotReady>;

/// How long a service has run undisturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soak {
    /// When its last deployment ended, in seconds since the epoch.
    pub since: i64,
    /// From then until it was looked at.
    pub so_far: Duration,
}

/// What every service of an environment runs, in the file's order; or why
/// nothing is known of it. `clock` is the caller's, in seconds since the epoch,
/// for where AWS does not tell its own.
///
/// # Errors
/// [`Wants`]: what must be looked up first.
pub fn sources(
    desired: &Desired,
    soak: Duration,
    clock: i64,
    observed: &Observed,
) -> Result<Vec<(String, Runs)>, Wants> {
    let history = |service: &Declared| {
        observed.history(&ServiceKey {
            cluster: service.cluster.clone(),
            service: service.service.clone(),
        })
    };
    // Asked for together, so that one round answers both.
    all([
        status(desired, observed).map(drop),
        all(desired.services.iter().map(history)).map(drop),
    ])?;
    let services = desired
        .services
        .iter()
        .zip(status(desired, observed)?.services);
    all(services.map(|(declared, service)| {
        let history = history(declared)?;
        let running = match service.state {
            Ok(running) => of(&running, history, soak, clock),
            Err(problem) => Err(NotReady::Problem(problem)),
        };
        Ok::<_, Wants>((service.name, running))
    }))
}

fn of(
    running: &live::Running,
    history: &Seen<Vec<ServiceDeployment>>,
    soak: Duration,
    clock: i64,
) -> Result<Running, NotReady> {
    let primary = &running.primary;
    let Details { commit, images, .. } = match &primary.details {
        Ok(details) => details,
        Err(why) => {
            return Err(NotReady::Unreadable {
                what: format!("revision {}", primary.revision.revision()),
                why: why.clone(),
            });
        }
    };
    let healthy = match is_up(running) {
        Some(why) => Err(why),
        None => settled(primary, history, soak, clock),
    };
    Ok(Running {
        revision: primary.revision.clone(),
        commit: commit.clone(),
        images: images.clone(),
        healthy,
    })
}

/// Why it does not run as it should, if so.
fn is_up(running: &live::Running) -> Option<NotReady> {
    let Deployed {
        running: up,
        desired,
        ..
    } = running.primary;
    match &running.phase {
        Phase::GoesOn => Some(NotReady::RollingOut {
            running: up,
            desired,
        }),
        Phase::GoesBack => Some(NotReady::GoingBack),
        Phase::Failed { reason } => Some(NotReady::Failed {
            reason: reason.clone(),
        }),
        // What runs in no task runs healthily nowhere.
        Phase::Complete if up < desired || desired == 0 => Some(NotReady::TasksMissing {
            running: up,
            desired,
        }),
        Phase::Complete => None,
    }
}

/// Since when nothing has been deployed. Every deployment begins the time
/// anew, also one that was rolled back: its tasks came and went beside these.
fn settled(
    primary: &Deployed,
    history: &Seen<Vec<ServiceDeployment>>,
    soak: Duration,
    clock: i64,
) -> Result<Soak, NotReady> {
    let newest = match history {
        Seen::Found(deployments) => deployments.first(),
        Seen::Missing => None,
        // Without a soak nobody needs to know.
        Seen::Unreadable(_) if soak.is_zero() => None,
        Seen::Unreadable(why) => {
            return Err(NotReady::Unreadable {
                what: "since when it runs".to_owned(),
                why: why.clone(),
            });
        }
    };
    let (since, now) = match newest {
        Some(newest) => {
            if let Some(why) = goes_on(newest, primary) {
                return Err(why);
            }
            let ended = newest.finished_at.or(newest.updated_at);
            (
                ended.unwrap_or(newest.created_at),
                newest.seen_at.unwrap_or(clock),
            )
        }
        // ECS forgets deployments after 90 days; it was made before that.
        None => (primary.since.unwrap_or(clock), clock),
    };
    let so_far = Duration::from_secs(u64::try_from(now - since).unwrap_or(0));
    match soak.checked_sub(so_far) {
        Some(left) if !left.is_zero() => Err(NotReady::Soaking { so_far, left }),
        _ => Ok(Soak { since, so_far }),
    }
}

/// Whether the newest deployment is still at work, or is not yet the one that
/// the service was seen with.
fn goes_on(newest: &ServiceDeployment, primary: &Deployed) -> Option<NotReady> {
    let rolling_out = Some(NotReady::RollingOut {
        running: primary.running,
        desired: primary.desired,
    });
    match newest.status {
        DeploymentStatus::Pending | DeploymentStatus::InProgress | DeploymentStatus::Unknown => {
            rolling_out
        }
        DeploymentStatus::StopRequested
        | DeploymentStatus::RollbackRequested
        | DeploymentStatus::RollbackInProgress => Some(NotReady::GoingBack),
        DeploymentStatus::Successful
            if newest
                .revision
                .as_ref()
                .is_some_and(|revision| *revision != primary.revision) =>
        {
            rolling_out
        }
        DeploymentStatus::RollbackFailed => Some(NotReady::Failed {
            reason: newest.reason.clone(),
        }),
        DeploymentStatus::Successful
        | DeploymentStatus::Stopped
        | DeploymentStatus::RollbackSuccessful => None,
    }
}
