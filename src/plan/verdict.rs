//! What a plan says, as data.

use std::time::Duration;

use super::*;
use crate::environment::{Location, Suspension};
use crate::model::DeploymentId;
use crate::model::rules::Violation;

/// What to do in one environment, with what it was made against. Immutable.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a plan does nothing until it is carried out"]
pub struct Plan {
    pub(super) environment: String,
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) cluster: ClusterName,
    pub(super) services: Vec<ServicePlan>,
}

impl Plan {
    pub fn environment(&self) -> &str {
        &self.environment
    }
    pub fn account(&self) -> &AccountId {
        &self.account
    }
    pub fn region(&self) -> &Region {
        &self.region
    }
    /// The cluster of services that name none.
    pub fn cluster(&self) -> &ClusterName {
        &self.cluster
    }
    /// In the file's order.
    pub fn services(&self) -> &[ServicePlan] {
        &self.services
    }
    /// What is left to wait for: the services that run what is declared or are
    /// on their way to it, with nothing to write even when one fails; and the
    /// names of all others.
    pub fn under_way(&self) -> (Plan, Vec<String>) {
        let (mut waiting, mut others) = (self.clone(), Vec::new());
        waiting.services.retain_mut(|service| {
            service.watch_only = true;
            let waits = matches!(
                service.verdict,
                Verdict::InSync { .. } | Verdict::RollingOut(_)
            );
            if !waits {
                others.push(service.name.clone());
            }
            waits
        });
        (waiting, others)
    }

    /// Whether there is something to approve: changes, and nothing in their way.
    pub fn is_approvable(&self) -> bool {
        let count = self.count();
        count.change + count.restart > 0 && count.blocked + count.suspended == 0
    }

    /// The same plan for these services alone.
    pub fn keeping(&self, keeps: impl Fn(&ServicePlan) -> bool) -> Plan {
        let mut plan = self.clone();
        plan.services.retain(keeps);
        plan
    }

    pub fn count(&self) -> Count {
        let mut count = Count::default();
        for service in &self.services {
            match &service.verdict {
                Verdict::InSync { .. } => count.in_sync += 1,
                Verdict::Change(change) if change.restart => count.restart += 1,
                Verdict::Change(_) => count.change += 1,
                Verdict::RollingOut(_) => count.rolling_out += 1,
                Verdict::FailedBefore(_) => count.failed_before += 1,
                Verdict::Blocked(_) => count.blocked += 1,
                Verdict::Suspended(_) => count.suspended += 1,
            }
        }
        count
    }
}

/// How many services have which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub change: usize,
    pub restart: usize,
    pub rolling_out: usize,
    pub failed_before: usize,
    pub blocked: usize,
    pub suspended: usize,
    pub in_sync: usize,
}

/// What to do with one service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServicePlan {
    /// The environment file's name for it.
    pub name: String,
    pub key: ServiceKey,
    /// How long to wait for its rollout.
    pub timeout: Duration,
    /// Whether to go back when it fails.
    pub on_failure: OnFailure,
    /// Nothing is written for it, whatever happens.
    pub watch_only: bool,
    /// The revision that ran healthily before, to go back to.
    pub healthy: Option<RevisionArn>,
    /// The revision to deploy carries the mark of a rollout that failed, which
    /// comes off when this one succeeds.
    pub marked: bool,
    /// What was live; `None` where that could not be told.
    pub live: Option<Basis>,
    pub verdict: Verdict,
    pub notes: Vec<Note>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// What is declared runs.
    InSync {
        revision: RevisionArn,
    },
    Change(Box<Change>),
    /// What is declared is being deployed: wait for it, start nothing.
    RollingOut(Rollout),
    /// The very state that is declared failed before: not tried again, until
    /// the file changes or somebody asks for it.
    FailedBefore(FailedBefore),
    /// Nothing can be done, for every one of these reasons; never empty.
    Blocked(Vec<Block>),
    /// Something is to change, and the file says that nothing may be written.
    Suspended(Box<Suspended>),
}

/// A change that is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspended {
    pub change: Change,
    pub why: Suspension,
}

/// A failure that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedBefore {
    pub revision: RevisionArn,
    /// What runs instead.
    pub running: RevisionArn,
    /// Seconds since the epoch.
    pub at: Option<i64>,
    pub reason: Option<String>,
}

/// A rollout to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub basis: Basis,
    pub to: Target,
    /// The images that differ.
    pub images: Vec<ImageChange>,
    /// What differs else in the task definition.
    pub fields: Vec<FieldChange>,
    /// What differs in the service itself.
    pub service: ServiceChange,
    /// Nothing differs; the rollout was asked for.
    pub restart: bool,
    /// The tasks to run before it, one after the other.
    pub first: Vec<OneOff>,
    /// A rollout of something else that this one ends.
    pub supersedes: Option<Rollout>,
    /// The live document.
    pub before: TaskDefinition,
    /// The wanted document.
    pub after: TaskDefinition,
    /// The live revision's tags.
    pub tags: Vec<Value>,
    /// The tags that a new one gets: the live ones and what is declared, but
    /// for those that say where the live one comes from.
    pub wanted_tags: Vec<Value>,
    /// The tags that say where the new revision comes from; empty when none is
    /// registered.
    pub provenance: Vec<Value>,
}

/// What a change was planned against. It holds only while this deployment is
/// PRIMARY with this revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    pub revision: RevisionArn,
    pub deployment: DeploymentId,
    /// When that was made: what is older is no news of it.
    pub made: Option<Moment>,
}

/// A moment as ECS tells it, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    /// From seconds since the epoch.
    pub fn of(seconds: f64) -> Self {
        Self((seconds * 1000.0) as i64)
    }
}

/// The revision that a change deploys.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One that exists and is ACTIVE.
    Existing(RevisionArn),
    /// One to register, from this request.
    New(Map<String, Value>),
}

/// A deployment under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    pub deployment: DeploymentId,
    pub revision: RevisionArn,
    pub running: i64,
    pub desired: i64,
    /// ECS started it to go back to this revision.
    pub rolls_back: bool,
    /// ECS has given it up.
    pub failed: bool,
}

impl Basis {
    pub fn of(deployment: &Deployment) -> Self {
        Self {
            revision: deployment.task_definition.clone(),
            deployment: deployment.id.clone(),
            made: deployment.created_at.map(Moment::of),
        }
    }
}

impl Rollout {
    pub fn of(deployment: &Deployment) -> Self {
        Self {
            deployment: deployment.id.clone(),
            revision: deployment.task_definition.clone(),
            running: deployment.running_count,
            desired: deployment.desired_count,
            rolls_back: deployment.rolls_back(),
            failed: deployment.rollout_state == Some(RolloutState::Failed),
        }
    }
}

/// Another image for one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageChange {
    pub container: String,
    /// As the live document has it.
    pub from: String,
    /// What runs, when `from` has no digest but it is known.
    pub from_digest: Option<Digest>,
    /// As it will be registered.
    pub to: ImageReference,
    /// Where it is declared.
    pub at: Location,
}

/// Something worth saying that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The declared tag is another name of the image that runs.
    OtherTag {
        container: String,
        declared: String,
        live: String,
    },
    /// The live image has no digest, and what it runs could not be found out;
    /// why not, when ECS refused to tell.
    DigestUnknown {
        container: String,
        tag: String,
        why: Option<Unreadable>,
    },
    /// Whether the service's deployments before this one failed could not be
    /// found out.
    HistoryUnknown { why: Unreadable },
    /// In sync, but not all tasks run.
    TasksMissing { running: i64, desired: i64 },
    /// Autoscaling sets the declared count, too; it may lie outside its bounds.
    Autoscaled {
        declared: i64,
        least: i64,
        most: i64,
    },
    /// The count changes, and whether autoscaling sets it could not be read.
    ScalingUnknown { why: String },
    /// Time alone keeps the rollout from being over before its time-out.
    BakesTooLong { bakes: Duration, timeout: Duration },
    /// The live revision has so many tags that those that say where the new
    /// one comes from are left out.
    NoRoomForProvenance { tags: usize },
    /// Nothing is to change, and nothing might.
    Suspended(Suspension),
    /// The file still has a suspension that is over.
    SuspensionOver { until: Option<i64>, at: Location },
    /// What is live breaks a rule of ECS, and so does the new revision.
    RuleBroken { path: String, says: String },
}

impl Change {
    /// Whether another revision is to run.
    pub fn moves(&self) -> bool {
        !matches!(&self.to, Target::Existing(revision) if *revision == self.basis.revision)
    }

    /// Whether tasks that run stay, or AWS does not say.
    pub fn effect(&self) -> Effect {
        if self.moves() || self.restart {
            Effect::NewDeployment
        } else {
            self.service.effect()
        }
    }
}

/// Why nothing can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    ServiceMissing {
        at: Location,
        /// The services of the cluster, or why they could not be listed.
        there_are: Result<Vec<String>, Unreadable>,
        near: Option<String>,
    },
    /// DRAINING or INACTIVE.
    ServiceNotActive {
        status: String,
    },
    /// CODE_DEPLOY or EXTERNAL, where UpdateService cannot change the revision.
    Controller {
        controller: String,
    },
    NoDeployment,
    ContainerMissing {
        at: Location,
        container: String,
        revision: RevisionArn,
        there_are: Vec<String>,
        near: Option<String>,
    },
    /// A container that is to be added lacks what ECS wants of each.
    ContainerIncomplete {
        at: Location,
        container: String,
        lacks: Vec<&'static str>,
        /// The live container that may have been meant.
        near: Option<String>,
    },
    /// What is declared does not fit what is live.
    Unfit {
        at: Location,
        why: String,
    },
    /// What is declared breaks a rule of ECS that what is live does not break.
    Refused {
        at: Location,
        violation: Violation,
    },
    /// `image` directly under a service that has several containers.
    ContainerNotNamed {
        at: Location,
        /// The environment file's name for the service.
        service: String,
        there_are: Vec<String>,
    },
    ImageMissing {
        at: Location,
        image: ImageReference,
        repository: EcrRepository,
        /// The tags that look most like it, or why they could not be listed.
        near: Result<Vec<String>, Unreadable>,
    },
    /// The image index has nothing for the task's platform.
    PlatformMissing {
        at: Location,
        image: ImageReference,
        wanted: Platform,
        there_are: Vec<Platform>,
    },
    /// What runs was deployed from a newer commit than what is declared.
    Older {
        live: Commit,
        ours: Commit,
    },
    Unreadable {
        what: String,
        why: Unreadable,
    },
}
