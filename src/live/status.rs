//! What runs where, since when, and from which commit.

use super::{Image, images};
use crate::environment::{Desired, Service as Declared};
use crate::model::{
    AccountId, ClusterName, Commit, ImageReference, Region, RevisionArn, TaskDefinition, commit_of,
};
use crate::observed::{
    Deployment, Observed, RolloutState, RunningImage, Seen, Service as SeenService, ServiceKey,
    Unreadable, Wants, all,
};

/// The services of an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    pub environment: String,
    pub account: AccountId,
    pub region: Region,
    pub cluster: ClusterName,
    /// In the file's order.
    pub services: Vec<Service>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The file's name for it.
    pub name: String,
    pub key: ServiceKey,
    pub state: Result<Running, Problem>,
}

/// Why nothing is told of a service.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// The cluster has no such service.
    Missing,
    /// It is being deleted, or was.
    NotActive {
        status: String,
    },
    /// ECS names no PRIMARY deployment: so it is with other controllers.
    NoDeployment {
        controller: String,
    },
    Unreadable(Unreadable),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// What ECS deploys, or has deployed last.
    pub primary: Deployed,
    pub phase: Phase,
    /// What still runs beside it, newest first.
    pub beside: Vec<Deployed>,
}

/// How far the PRIMARY deployment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    Complete,
    GoesOn,
    /// ECS goes back to this revision.
    GoesBack,
    Failed {
        reason: Option<String>,
    },
}

/// A deployment with tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    pub revision: RevisionArn,
    /// When the deployment was made, in seconds since the epoch.
    pub since: Option<i64>,
    pub running: i64,
    pub pending: i64,
    pub desired: i64,
    pub details: Result<Details, Unreadable>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// Where the revision's tags say that it comes from.
    pub commit: Option<Commit>,
    pub images: Vec<Image>,
    /// Why the digests that run are not known, where that was asked for.
    pub gap: Option<Unreadable>,
}

/// What runs of what an environment declares.
///
/// # Errors
/// [`Wants`]: everything that must be looked up first.
pub fn status(desired: &Desired, observed: &Observed) -> Result<Status, Wants> {
    Ok(Status {
        environment: desired.environment.clone(),
        account: desired.account.clone(),
        region: desired.region.clone(),
        cluster: desired.cluster.clone(),
        services: all(desired
            .services
            .iter()
            .map(|service| of_service(service, observed)))?,
    })
}

impl Status {
    /// Whether everything that was looked for could be seen.
    pub fn is_whole(&self) -> bool {
        self.services.iter().all(|service| match &service.state {
            Ok(running) => std::iter::once(&running.primary)
                .chain(&running.beside)
                .all(|deployed| {
                    deployed
                        .details
                        .as_ref()
                        .is_ok_and(|details| details.gap.is_none())
                }),
            Err(_) => false,
        })
    }
}

fn of_service(declared: &Declared, observed: &Observed) -> Result<Service, Wants> {
    let key = ServiceKey {
        cluster: declared.cluster.clone(),
        service: declared.service.clone(),
    };
    let state = match observed.service(&key)? {
        Seen::Found(service) => running(service, observed)?,
        Seen::Missing => Err(Problem::Missing),
        Seen::Unreadable(why) => Err(Problem::Unreadable(why.clone())),
    };
    Ok(Service {
        name: declared.name.clone(),
        key,
        state,
    })
}

fn running(service: &SeenService, observed: &Observed) -> Result<Result<Running, Problem>, Wants> {
    if service.status != "ACTIVE" {
        let status = service.status.clone();
        return Ok(Err(Problem::NotActive { status }));
    }
    let Some(primary) = service.primary() else {
        let controller = service.controller().to_owned();
        return Ok(Err(Problem::NoDeployment { controller }));
    };
    let phase = if primary.rollout_state == Some(RolloutState::Failed) {
        Phase::Failed {
            reason: primary.rollout_state_reason.clone(),
        }
    } else if primary.is_complete(service.deployments.len() == 1) {
        Phase::Complete
    } else if primary.rolls_back() {
        Phase::GoesBack
    } else {
        Phase::GoesOn
    };
    let beside = service
        .deployments
        .iter()
        .filter(|deployment| deployment.id != primary.id && deployment.running_count > 0);
    let mut deployed = all(std::iter::once(primary)
        .chain(beside)
        .map(|deployment| of_deployment(deployment, service, observed)))?;
    Ok(Ok(Running {
        primary: deployed.remove(0),
        phase,
        beside: deployed,
    }))
}

fn of_deployment(
    deployment: &Deployment,
    service: &SeenService,
    observed: &Observed,
) -> Result<Deployed, Wants> {
    let revision = &deployment.task_definition;
    let details = match observed.revision(revision)? {
        Seen::Found(found) => {
            let (digests, gap) = if pinned(&found.document) {
                (&[][..], None)
            } else {
                digests(revision, service, observed)?
            };
            Ok(Details {
                commit: commit_of(&found.tags),
                images: images(&found.document, digests),
                gap,
            })
        }
        Seen::Missing => Err(Unreadable {
            why: "ECS does not have it".into(),
            hint: None,
        }),
        Seen::Unreadable(why) => Err(why.clone()),
    };
    Ok(Deployed {
        revision: revision.clone(),
        // ECS tells milliseconds; nobody needs them here.
        since: deployment.created_at.map(|at| at as i64),
        running: deployment.running_count,
        pending: deployment.pending_count,
        desired: deployment.desired_count,
        details,
    })
}

/// Whether every image says by itself what runs.
fn pinned(document: &TaskDefinition) -> bool {
    document.container_names().into_iter().all(|container| {
        let image = document.image(container).map(str::parse::<ImageReference>);
        matches!(image, Some(Ok(image)) if image.digest().is_some())
    })
}

/// The digests that a revision's containers run, from its newest service
/// revision; and why they are not known.
fn digests<'a>(
    revision: &RevisionArn,
    service: &SeenService,
    observed: &'a Observed,
) -> Result<(&'a [RunningImage], Option<Unreadable>), Wants> {
    let seen = all(service
        .current_service_revisions
        .iter()
        .map(|current| observed.running_images(&current.arn)))?;
    let mut newest = None;
    let mut gap = None;
    for seen in seen {
        match seen {
            Seen::Found(found) if found.task_definition == *revision => {
                newest = newest
                    .into_iter()
                    .chain([found])
                    .max_by_key(|one| one.created_at);
            }
            Seen::Found(_) | Seen::Missing => {}
            Seen::Unreadable(why) => gap = Some(why.clone()),
        }
    }
    Ok(match newest {
        Some(newest) => (&newest.images, None),
        None => (&[], gap),
    })
}
