//! Everything the sandbox remembers: plain data, kept as JSON between
//! commands. Nothing here acts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::clock::Millis;
use crate::model::{AccountId, Region};

/// The format of the state file. Another number is another program's file.
pub(super) const VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Says whose file this is; [`VERSION`].
    pub evenkeel_sandbox: u32,
    /// Sandbox time when the state last changed.
    pub now: Millis,
    /// Counts everything that needs an id of its own.
    pub sequence: u64,
    /// The account of callers whose access key names none.
    pub account: Option<AccountId>,
    /// Seeded environments, as `ACCOUNT/REGION/NAME`.
    pub environments: BTreeSet<String>,
    /// ECS and ECR of each account and region, keyed `ACCOUNT/REGION`.
    pub places: BTreeMap<String, Place>,
}

/// An account in a region: what one ECS endpoint knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scope {
    pub account: AccountId,
    pub region: Region,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub clusters: BTreeMap<String, Cluster>,
    pub families: BTreeMap<String, Family>,
    /// Keyed `CLUSTER/SERVICE`.
    pub services: BTreeMap<String, Service>,
    pub repositories: BTreeMap<String, Repository>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Cluster {
    /// The request of CreateCluster.
    pub settings: Map<String, Value>,
    pub tags: Vec<Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Family {
    /// Revision numbers are never used twice, so the last one is kept apart.
    pub last: u64,
    pub revisions: BTreeMap<u64, Revision>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Revision {
    /// The document as DescribeTaskDefinition returns it.
    pub document: Map<String, Value>,
    pub tags: Vec<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Service {
    pub scope: Scope,
    pub cluster: String,
    pub name: String,
    pub status: ServiceStatus,
    /// What CreateService and UpdateService were sent, unknown fields too.
    pub settings: Map<String, Value>,
    pub tags: Vec<Value>,
    pub desired: u32,
    pub created_at: Millis,
    /// Newest first; the first is PRIMARY, all others ACTIVE.
    pub deployments: Vec<Deployment>,
    /// Newest first.
    pub history: Vec<ServiceDeployment>,
    /// Newest first.
    pub revisions: Vec<ServiceRevision>,
    pub tasks: Vec<Task>,
    /// Newest first, at most 100.
    pub events: Vec<Event>,
    pub sequence: u64,
    /// How far the scheduler has come.
    pub clock: Millis,
    /// When the scheduler may start, and stop, the next task.
    pub next_start: Millis,
    pub next_stop: Millis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ServiceStatus {
    Active,
    Draining,
    Inactive,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Deployment {
    /// `ecs-svc/…`
    pub id: String,
    pub task_definition: String,
    pub rollout: Rollout,
    pub reason: String,
    pub failed_tasks: u32,
    /// What the circuit breaker counts: failures since a task became healthy.
    pub failures_in_a_row: u32,
    pub created_at: Millis,
    pub updated_at: Millis,
    /// Since when everything is as wanted; completed a little later.
    pub steady_since: Option<Millis>,
    pub containers: Vec<DeployedContainer>,
    /// ARN of its service revision.
    pub revision: String,
    /// ARN of its service deployment.
    pub service_deployment: String,
    /// Made by a rollback, so its end is the rollback's end.
    pub rollback: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

/// A container of a deployment, its image resolved when the deployment began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DeployedContainer {
    pub name: String,
    pub image: String,
    pub digest: Option<String>,
    pub essential: bool,
    pub behaviour: Behaviour,
}

/// How tasks of an image fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Behaviour {
    Healthy,
    Slow,
    Unpullable,
    Crash,
    OutOfMemory,
    Unhealthy,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub id: String,
    /// Id of its deployment.
    pub deployment: String,
    pub task_definition: String,
    pub containers: Vec<DeployedContainer>,
    pub phase: Phase,
    /// When its next phase begins, unless it stays as it is.
    pub due: Option<Millis>,
    pub created_at: Millis,
    pub started_at: Option<Millis>,
    pub stopping_at: Option<Millis>,
    pub stopped_at: Option<Millis>,
    pub stop: Option<Stop>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    Provisioning,
    Pending,
    /// Runs, its health check not yet passed.
    Running,
    /// Runs and passed its health check.
    Healthy,
    Stopping,
    Stopped,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stop {
    pub code: String,
    pub reason: String,
    /// Whether it counts among the deployment's failed tasks.
    pub failure: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    pub id: String,
    pub at: Millis,
    pub message: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ServiceDeployment {
    pub arn: String,
    /// PENDING, IN_PROGRESS, SUCCESSFUL, … as AWS spells them.
    pub status: String,
    pub reason: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub finished_at: Option<Millis>,
    pub stopped_at: Option<Millis>,
    /// ARNs of service revisions.
    pub sources: Vec<String>,
    pub target: String,
    pub configuration: Value,
    pub breaker: Breaker,
    pub rollback: Option<Rollback>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Breaker {
    pub status: String,
    pub failures: u32,
    pub threshold: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rollback {
    pub reason: String,
    pub started_at: Millis,
    pub revision: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ServiceRevision {
    pub arn: String,
    pub task_definition: String,
    pub created_at: Millis,
    pub containers: Vec<DeployedContainer>,
    /// The service's settings that a revision carries.
    pub settings: Map<String, Value>,
    /// Id of its latest deployment, which a rollback names.
    pub deployment: String,
    /// A deployment of it was COMPLETED, so a rollback may go back to it.
    pub completed: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Repository {
    pub scope: Scope,
    pub name: String,
    pub created_at: Millis,
    pub settings: Map<String, Value>,
    /// Manifests by digest.
    pub images: BTreeMap<String, Image>,
    /// Tag to digest.
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Image {
    pub manifest: Manifest,
    pub media_type: String,
    pub pushed_at: Millis,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Manifest {
    /// As PutImage sent it.
    Sent(String),
    /// One of the manifests of an image that the sandbox made. Made again when
    /// asked for, which keeps the state file small.
    Made { seed: String, part: usize },
}

impl State {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            evenkeel_sandbox: VERSION,
            now,
            sequence: 0,
            account: None,
            environments: BTreeSet::new(),
            places: BTreeMap::new(),
        }
    }

    /// A number never given before, for ids.
    pub(super) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn place(&self, scope: &Scope) -> Option<&Place> {
        self.places.get(&scope.key())
    }

    pub(super) fn place_mut(&mut self, scope: &Scope) -> &mut Place {
        self.places.entry(scope.key()).or_default()
    }
}

impl Scope {
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    /// The ARN of a resource of this account and region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        let partition = match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!(
            "arn:{partition}:{service}:{}:{}:{resource}",
            self.region, self.account
        )
    }

    /// The host name of the private ECR registry.
    pub(super) fn registry(&self) -> String {
        let domain = if self.region.as_str().starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        format!("{}.dkr.ecr.{}.{domain}", self.account, self.region)
    }
}

impl Service {
    pub(super) fn key(cluster: &str, name: &str) -> String {
        format!("{cluster}/{name}")
    }

    pub(super) fn arn(&self) -> String {
        self.scope
            .arn("ecs", &format!("service/{}/{}", self.cluster, self.name))
    }

    pub(super) fn cluster_arn(&self) -> String {
        self.scope.arn("ecs", &format!("cluster/{}", self.cluster))
    }

    /// A seed for an id that no other thing of this service has.
    pub(super) fn next_seed(&mut self) -> String {
        self.sequence += 1;
        format!("{} {} {}", self.arn(), self.created_at, self.sequence)
    }

    /// Records an event, in AWS's form `(service NAME) …`.
    pub(super) fn event(&mut self, at: Millis, message: &str) {
        let id = super::ids::uuid(&self.next_seed());
        let message = format!("(service {}) {message}", self.name);
        self.events.insert(0, Event { id, at, message });
        self.events.truncate(100);
    }

    pub(super) fn revision(&self, arn: &str) -> Option<&ServiceRevision> {
        self.revisions.iter().find(|revision| revision.arn == arn)
    }
}

impl Task {
    pub(super) fn runs(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Healthy)
    }

    pub(super) fn starts(&self) -> bool {
        matches!(self.phase, Phase::Provisioning | Phase::Pending)
    }

    /// Neither stopped nor told to stop.
    pub(super) fn lives(&self) -> bool {
        self.runs() || self.starts()
    }

    /// The container that decides how the task fares.
    pub(super) fn culprit(&self) -> Option<&DeployedContainer> {
        self.containers
            .iter()
            .find(|container| container.behaviour != Behaviour::Healthy)
    }
}
