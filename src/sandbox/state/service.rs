//! Services, their deployments and tasks, as they are remembered.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::clock::Millis;
use super::Scope;
use super::ServiceDeployment;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Service {
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
    /// What reads that lag still see, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<Stale>,
}

/// A service as it was before an update, for reads that lag.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Stale {
    /// Until when DescribeServices shows it.
    pub services_until: Millis,
    /// Until when ListServiceDeployments shows it.
    pub deployments_until: Millis,
    pub service: Service,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum ServiceStatus {
    Active,
    Draining,
    Inactive,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Deployment {
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
pub(in crate::sandbox) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

/// A container of a deployment, its image resolved when the deployment began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sandbox) struct DeployedContainer {
    pub name: String,
    pub image: String,
    pub digest: Option<String>,
    pub essential: bool,
    pub behaviour: Behaviour,
    /// The first secret it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Where it logs to CloudWatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
}

/// The options of the `awslogs` driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Log {
    pub group: String,
    pub region: Option<String>,
    pub prefix: Option<String>,
}

/// What a container needs before it can start, and who is to read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Secret {
    /// `valueFrom`: an ARN, or the name of an SSM parameter.
    pub from: String,
    /// ARN of the execution role.
    pub role: String,
}

/// How tasks of an image fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum Behaviour {
    Healthy,
    Slow,
    Unpullable,
    Crash,
    OutOfMemory,
    Unhealthy,
    /// The load balancer's health checks fail.
    FailsElb,
    /// A secret cannot be read.
    NoSecret,
    /// There is no room to place a task.
    NoCapacity,
    /// Its tasks do well, but an alarm goes off.
    Alarm,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Task {
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
    /// What a task of no service is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
}

/// The work of a task that was started by RunTask.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Run {
    /// The container that does it.
    pub container: String,
    pub command: Vec<String>,
    pub fails: bool,
}

/// A task of no service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct OneOff {
    pub cluster: String,
    pub group: String,
    pub started_by: Option<String>,
    pub client_token: Option<String>,
    /// What RunTask was sent of `launchType`, `networkConfiguration` and the like.
    pub settings: Map<String, Value>,
    pub overrides: Value,
    pub tags: Vec<Value>,
    pub task: Task,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum Phase {
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
pub(in crate::sandbox) struct Stop {
    pub code: String,
    pub reason: String,
    /// Whether it counts among the deployment's failed tasks.
    pub failure: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Event {
    pub id: String,
    pub at: Millis,
    pub message: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct ServiceRevision {
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

impl Service {
    /// A service that has nothing yet.
    pub(in crate::sandbox) fn new(scope: Scope, cluster: &str, name: &str, now: Millis) -> Self {
        Self {
            scope,
            cluster: cluster.to_owned(),
            name: name.to_owned(),
            status: ServiceStatus::Active,
            settings: Map::new(),
            tags: Vec::new(),
            desired: 0,
            created_at: now,
            deployments: Vec::new(),
            history: Vec::new(),
            revisions: Vec::new(),
            tasks: Vec::new(),
            events: Vec::new(),
            sequence: 0,
            clock: now,
            next_start: now,
            next_stop: now,
            stale: Vec::new(),
        }
    }

    pub(in crate::sandbox) fn key(cluster: &str, name: &str) -> String {
        format!("{cluster}/{name}")
    }

    pub(in crate::sandbox) fn arn(&self) -> String {
        self.scope
            .arn("ecs", &format!("service/{}/{}", self.cluster, self.name))
    }

    pub(in crate::sandbox) fn cluster_arn(&self) -> String {
        self.scope.arn("ecs", &format!("cluster/{}", self.cluster))
    }

    /// A seed for an id that no other thing of this service has.
    pub(in crate::sandbox) fn next_seed(&mut self) -> String {
        self.sequence += 1;
        format!("{} {} {}", self.arn(), self.created_at, self.sequence)
    }

    /// Records an event, in AWS's form `(service NAME) …`.
    pub(in crate::sandbox) fn event(&mut self, at: Millis, message: &str) {
        let id = super::super::ids::uuid(&self.next_seed());
        let message = format!("(service {}) {message}", self.name);
        self.events.insert(0, Event { id, at, message });
        self.events.truncate(100);
    }

    /// The service deployment that is under way: not done, and not going back.
    pub(in crate::sandbox) fn current(&self) -> Option<&ServiceDeployment> {
        let arn = self.current_arn()?;
        self.history.iter().find(|record| record.arn == arn)
    }

    pub(in crate::sandbox) fn current_mut(&mut self) -> Option<&mut ServiceDeployment> {
        let arn = self.current_arn()?.to_owned();
        self.history.iter_mut().find(|record| record.arn == arn)
    }

    fn current_arn(&self) -> Option<&str> {
        let primary = self.deployments.first()?;
        let goes_on = primary.rollout == Rollout::InProgress && !primary.rollback;
        goes_on.then_some(primary.service_deployment.as_str())
    }

    pub(in crate::sandbox) fn revision(&self, arn: &str) -> Option<&ServiceRevision> {
        self.revisions.iter().find(|revision| revision.arn == arn)
    }
}

impl Task {
    pub(in crate::sandbox) fn runs(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Healthy)
    }

    pub(in crate::sandbox) fn starts(&self) -> bool {
        matches!(self.phase, Phase::Provisioning | Phase::Pending)
    }

    /// Neither stopped nor told to stop.
    pub(in crate::sandbox) fn lives(&self) -> bool {
        self.runs() || self.starts()
    }

    /// The container that decides how the task fares.
    pub(in crate::sandbox) fn culprit(&self) -> Option<&DeployedContainer> {
        self.containers
            .iter()
            .find(|container| container.behaviour != Behaviour::Healthy)
    }
}
