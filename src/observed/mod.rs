//! What was seen of the live state, what could not be seen, and what a plan
//! still needs to see.
//!
//! Planning is pure and asks; the cloud answers. A plan that lacks something
//! returns [`Wants`], whoever drives it looks those up in as few calls as it
//! can, records the answers here, and plans again. So a rule that needs one
//! more fact asks for it where it needs it, and nothing is read in vain.

mod history;
mod outside;
mod strategy;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::{
    ClusterName, DeploymentId, Digest, EcrRepository, Platform, RevisionArn, ServiceArn,
    ServiceName, ServiceRevisionArn, TaskDefinition,
};

pub use history::{DeploymentStatus, PauseHook, ServiceDeployment};
pub use outside::{Outside, OutsideKind};
pub use strategy::{Canary, CircuitBreaker, DeploymentConfiguration, Linear};
pub use tasks::{Task, TaskContainer};

/// How many of a family's newest ACTIVE revisions are compared with the wanted
/// document before a new one is registered. A run that died just before left
/// its revision at the top; the others serve a change that is taken back.
pub const NEWEST: usize = 5;

/// One thing to look up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    Service(ServiceKey),
    /// A revision's document. It never changes, so a cache may answer.
    Document(RevisionArn),
    /// A revision's document, status and tags as they are now.
    Revision(RevisionArn),
    Image(EcrRepository, ImageId),
    /// Which digests the tasks of a service revision run.
    RunningImages(ServiceRevisionArn),
    /// The newest ACTIVE revisions of a family, at most [`NEWEST`].
    Newest(String),
    /// The newest deployments of a service, newest first.
    History(ServiceKey),
    /// The tasks of a service that have stopped within the last hour or so.
    StoppedTasks(ServiceKey),
    /// The tags of a service, whole.
    ServiceTags(ServiceArn),
    /// Between which counts autoscaling keeps a service, if it does.
    Scaling(ServiceKey),
    /// The services of a cluster, for an error that lists what there is.
    ServiceNames(ClusterName),
    /// The clusters of the region, for an error that lists what there is.
    ClusterNames,
    /// The tags of a repository, for an error that lists what there is.
    ImageTags(EcrRepository),
    /// Whether something beside ECS and ECR is there.
    Outside(Outside),
}

/// What a plan still needs to see; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wants(pub BTreeSet<Want>);

impl From<Want> for Wants {
    fn from(want: Want) -> Self {
        Self(BTreeSet::from([want]))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceKey {
    pub cluster: ClusterName,
    pub service: ServiceName,
}

impl std::fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.cluster, self.service)
    }
}

/// How a registry is asked for an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageId {
    Tag(String),
    Digest(Digest),
}

impl std::fmt::Display for ImageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => f.write_str(digest.short()),
        }
    }
}

/// The three answers to a look. What could not be read is never "missing".
#[derive(Debug, Clone, PartialEq)]
pub enum Seen<T> {
    Found(T),
    Missing,
    Unreadable(Unreadable),
}

/// Why something could not be read, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub why: String,
    pub hint: Option<String>,
}

/// A service as DescribeServices returns it: what planning and waiting need.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    pub service_arn: ServiceArn,
    pub status: String,
    pub task_definition: Option<String>,
    #[serde(default)]
    pub desired_count: i64,
    #[serde(default)]
    pub running_count: i64,
    #[serde(default)]
    pub pending_count: i64,
    pub deployment_controller: Option<DeploymentController>,
    #[serde(default)]
    pub deployments: Vec<Deployment>,
    #[serde(default)]
    pub current_service_revisions: Vec<CurrentServiceRevision>,
    #[serde(default)]
    pub deployment_configuration: DeploymentConfiguration,
    /// Newest first; at most a hundred.
    #[serde(default)]
    pub events: Vec<ServiceEvent>,
    /// The description, whole but for the events: a hundred of them are larger
    /// than all the rest, and a run may hold a thousand services.
    #[serde(skip)]
    pub document: Box<Map<String, Value>>,
}

/// Something that ECS says about a service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEvent {
    /// Seconds since the epoch.
    pub created_at: Option<f64>,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DeploymentController {
    #[serde(rename = "type")]
    pub kind: String,
}

/// One of a service's deployments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    pub id: DeploymentId,
    /// `PRIMARY`, `ACTIVE`, `INACTIVE`; `DRAINING` has been seen.
    pub status: String,
    pub task_definition: RevisionArn,
    #[serde(default)]
    pub desired_count: i64,
    #[serde(default)]
    pub pending_count: i64,
    #[serde(default)]
    pub running_count: i64,
    #[serde(default)]
    pub failed_tasks: i64,
    /// Absent behind a classic load balancer and for other controllers.
    pub rollout_state: Option<RolloutState>,
    pub rollout_state_reason: Option<String>,
    /// Seconds since the epoch.
    pub created_at: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RolloutState {
    InProgress,
    Completed,
    Failed,
    /// A state that AWS has added since. It is waited on, never taken for success.
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CurrentServiceRevision {
    pub arn: ServiceRevisionArn,
}

impl Service {
    /// # Errors
    /// The description lacks what every service has, or has it in another shape.
    pub fn read(mut document: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let mut service = Self::deserialize(&document)?;
        document.shift_remove("events");
        *service.document = document;
        Ok(service)
    }

    /// The deployment that ECS is carrying out or has carried out last.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|d| d.status == "PRIMARY")
    }

    /// A deployment as it is described, whole.
    pub fn deployment_document(&self, id: &DeploymentId) -> Option<&Map<String, Value>> {
        let deployments = self.document.get("deployments")?.as_array()?;
        let mut deployments = deployments.iter().filter_map(Value::as_object);
        deployments.find(|shown| shown.get("id").and_then(Value::as_str) == Some(id.as_str()))
    }

    /// Whether ECS replaces tasks in place, rather than shifting traffic
    /// between two sets of them.
    pub fn is_rolling(&self) -> bool {
        self.deployment_configuration
            .strategy
            .as_deref()
            .is_none_or(|strategy| strategy == "ROLLING")
    }

    /// The controller; ECS's own when the service names none.
    pub fn controller(&self) -> &str {
        self.deployment_controller
            .as_ref()
            .map_or("ECS", |c| &c.kind)
    }
}

impl Deployment {
    /// Whether ECS has finished this deployment. Where it gives no
    /// rolloutState (classic load balancers), a deployment is finished when it
    /// is the only one and all its tasks run.
    pub fn is_complete(&self, alone: bool) -> bool {
        match self.rollout_state {
            Some(state) => state == RolloutState::Completed,
            None => alone && self.running_count == self.desired_count && self.pending_count == 0,
        }
    }

    /// Whether ECS made this deployment to go back. It says so only in words:
    /// `ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/N.`
    /// (seen in public output of DescribeServices), and only until it is
    /// complete.
    pub fn rolls_back(&self) -> bool {
        self.rollout_state_reason
            .as_deref()
            .is_some_and(|reason| reason.contains("rolling back"))
    }
}

/// A revision with what can change about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    pub document: TaskDefinition,
    /// `ACTIVE`, `INACTIVE`, `DELETE_IN_PROGRESS`.
    pub status: String,
    /// The tags, whole, as the response has them.
    pub tags: Vec<Value>,
}

/// An image that the registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub digest: Digest,
    /// For an image index: what it holds for which platform. Empty for a plain
    /// manifest, whose platform the registry does not tell.
    pub platforms: Vec<(Platform, Digest)>,
}

/// The counts between which Application Auto Scaling keeps a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    pub least: i64,
    pub most: i64,
}

impl Image {
    /// Whether a digest means this image: ECS may tell that of the index, or
    /// that of the platform's image in it.
    pub fn is(&self, digest: &Digest) -> bool {
        self.digest == *digest || self.platforms.iter().any(|(_, image)| image == digest)
    }
}

/// The digest that a container of a service revision runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningImage {
    pub container: String,
    pub digest: Digest,
}

/// What a service revision runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRevision {
    pub task_definition: RevisionArn,
    /// Seconds since the epoch, when told; to tell the newest of several.
    pub created_at: i64,
    pub images: Vec<RunningImage>,
    /// The description, whole.
    pub document: Map<String, Value>,
}

/// Everything that was looked up so far.
#[derive(Debug, Default)]
pub struct Observed {
    services: BTreeMap<ServiceKey, Seen<Service>>,
    documents: BTreeMap<RevisionArn, Seen<TaskDefinition>>,
    revisions: BTreeMap<RevisionArn, Seen<Revision>>,
    images: BTreeMap<(EcrRepository, ImageId), Seen<Image>>,
    running_images: BTreeMap<ServiceRevisionArn, Seen<ServiceRevision>>,
    newest: BTreeMap<String, Seen<Vec<RevisionArn>>>,
    histories: BTreeMap<ServiceKey, Seen<Vec<ServiceDeployment>>>,
    stopped_tasks: BTreeMap<ServiceKey, Seen<Vec<Task>>>,
    service_tags: BTreeMap<ServiceArn, Seen<Vec<Value>>>,
    scaling: BTreeMap<ServiceKey, Seen<Scaling>>,
    service_names: BTreeMap<ClusterName, Seen<Vec<String>>>,
    cluster_names: Option<Seen<Vec<String>>>,
    image_tags: BTreeMap<EcrRepository, Seen<Vec<String>>>,
    outside: BTreeMap<Outside, Seen<()>>,
}

/// The answer to one [`Want`].
#[derive(Debug)]
pub enum Sight {
    Service(ServiceKey, Box<Seen<Service>>),
    Document(RevisionArn, Seen<TaskDefinition>),
    Revision(RevisionArn, Seen<Revision>),
    Image(EcrRepository, ImageId, Seen<Image>),
    RunningImages(ServiceRevisionArn, Seen<ServiceRevision>),
    Newest(String, Seen<Vec<RevisionArn>>),
    History(ServiceKey, Seen<Vec<ServiceDeployment>>),
    StoppedTasks(ServiceKey, Seen<Vec<Task>>),
    ServiceTags(ServiceArn, Seen<Vec<Value>>),
    Scaling(ServiceKey, Seen<Scaling>),
    ServiceNames(ClusterName, Seen<Vec<String>>),
    ClusterNames(Seen<Vec<String>>),
    ImageTags(EcrRepository, Seen<Vec<String>>),
    Outside(Outside, Seen<()>),
}

impl Observed {
    pub fn record(&mut self, sight: Sight) {
        match sight {
            Sight::Service(key, seen) => {
                self.services.insert(key, *seen);
            }
            Sight::Document(arn, seen) => {
                self.documents.insert(arn, seen);
            }
            Sight::Revision(arn, seen) => {
                // What was read afresh serves as the document, too.
                let document = match &seen {
                    Seen::Found(revision) => Seen::Found(revision.document.clone()),
                    Seen::Missing => Seen::Missing,
                    Seen::Unreadable(why) => Seen::Unreadable(why.clone()),
                };
                self.documents.insert(arn.clone(), document);
                self.revisions.insert(arn, seen);
            }
            Sight::Image(repository, id, seen) => {
                self.images.insert((repository, id), seen);
            }
            Sight::RunningImages(arn, seen) => {
                self.running_images.insert(arn, seen);
            }
            Sight::Newest(family, seen) => {
                self.newest.insert(family, seen);
            }
            Sight::History(key, seen) => {
                self.histories.insert(key, seen);
            }
            Sight::StoppedTasks(key, seen) => {
                self.stopped_tasks.insert(key, seen);
            }
            Sight::ServiceTags(arn, seen) => {
                self.service_tags.insert(arn, seen);
            }
            Sight::Scaling(key, seen) => {
                self.scaling.insert(key, seen);
            }
            Sight::ServiceNames(cluster, seen) => {
                self.service_names.insert(cluster, seen);
            }
            Sight::Outside(outside, seen) => {
                self.outside.insert(outside, seen);
            }
            Sight::ClusterNames(seen) => self.cluster_names = Some(seen),
            Sight::ImageTags(repository, seen) => {
                self.image_tags.insert(repository, seen);
            }
        }
    }

    /// The services that were found, whatever was asked for else.
    pub fn found_services(&self) -> impl Iterator<Item = &Service> {
        self.services.values().filter_map(|seen| match seen {
            Seen::Found(service) => Some(service),
            Seen::Missing | Seen::Unreadable(_) => None,
        })
    }

    pub fn service(&self, key: &ServiceKey) -> Result<&Seen<Service>, Wants> {
        self.services
            .get(key)
            .ok_or_else(|| Want::Service(key.clone()).into())
    }

    pub fn document(&self, arn: &RevisionArn) -> Result<&Seen<TaskDefinition>, Wants> {
        self.documents
            .get(arn)
            .ok_or_else(|| Want::Document(arn.clone()).into())
    }

    pub fn revision(&self, arn: &RevisionArn) -> Result<&Seen<Revision>, Wants> {
        self.revisions
            .get(arn)
            .ok_or_else(|| Want::Revision(arn.clone()).into())
    }

    pub fn image(&self, repository: &EcrRepository, id: &ImageId) -> Result<&Seen<Image>, Wants> {
        self.images
            .get(&(repository.clone(), id.clone()))
            .ok_or_else(|| Want::Image(repository.clone(), id.clone()).into())
    }

    pub fn running_images(
        &self,
        arn: &ServiceRevisionArn,
    ) -> Result<&Seen<ServiceRevision>, Wants> {
        self.running_images
            .get(arn)
            .ok_or_else(|| Want::RunningImages(arn.clone()).into())
    }

    pub fn newest(&self, family: &str) -> Result<&Seen<Vec<RevisionArn>>, Wants> {
        self.newest
            .get(family)
            .ok_or_else(|| Want::Newest(family.to_owned()).into())
    }

    pub fn history(&self, key: &ServiceKey) -> Result<&Seen<Vec<ServiceDeployment>>, Wants> {
        self.histories
            .get(key)
            .ok_or_else(|| Want::History(key.clone()).into())
    }

    pub fn service_tags(&self, arn: &ServiceArn) -> Result<&Seen<Vec<Value>>, Wants> {
        self.service_tags
            .get(arn)
            .ok_or_else(|| Want::ServiceTags(arn.clone()).into())
    }

    pub fn scaling(&self, key: &ServiceKey) -> Result<&Seen<Scaling>, Wants> {
        self.scaling
            .get(key)
            .ok_or_else(|| Want::Scaling(key.clone()).into())
    }

    pub fn stopped_tasks(&self, key: &ServiceKey) -> Result<&Seen<Vec<Task>>, Wants> {
        self.stopped_tasks
            .get(key)
            .ok_or_else(|| Want::StoppedTasks(key.clone()).into())
    }

    pub fn service_names(&self, cluster: &ClusterName) -> Result<&Seen<Vec<String>>, Wants> {
        self.service_names
            .get(cluster)
            .ok_or_else(|| Want::ServiceNames(cluster.clone()).into())
    }

    pub fn outside(&self, outside: &Outside) -> Result<&Seen<()>, Wants> {
        self.outside
            .get(outside)
            .ok_or_else(|| Want::Outside(outside.clone()).into())
    }

    pub fn cluster_names(&self) -> Result<&Seen<Vec<String>>, Wants> {
        self.cluster_names
            .as_ref()
            .ok_or_else(|| Want::ClusterNames.into())
    }

    pub fn image_tags(&self, repository: &EcrRepository) -> Result<&Seen<Vec<String>>, Wants> {
        self.image_tags
            .get(repository)
            .ok_or_else(|| Want::ImageTags(repository.clone()).into())
    }
}

/// Gathers the answers to several looks: all of them, or everything that is
/// still wanted, so that it can be looked up in one round.
pub fn all<T, E>(answers: impl IntoIterator<Item = Result<T, E>>) -> Result<Vec<T>, Wants>
where
    E: Into<Wants>,
{
    let mut found = Vec::new();
    let mut wants = BTreeSet::new();
    for answer in answers {
        match answer {
            Ok(value) => found.push(value),
            Err(missing) => wants.extend(missing.into().0),
        }
    }
    if wants.is_empty() {
        Ok(found)
    } else {
        Err(Wants(wants))
    }
}
