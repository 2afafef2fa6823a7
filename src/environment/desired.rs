//! What an environment file declares, checked and located.

use std::time::Duration;

use serde_json::Value;

use crate::model::fields::Path;
use crate::model::{AccountId, ClusterName, ImageReference, Region, ServiceName, TaskDefinition};

/// How long a rollout may take when the file does not say. Long enough for a
/// service behind a load balancer to start, pass its checks and drain the old
/// tasks (the default deregistration delay alone is five minutes).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// A place in an environment file; line and column count from 1, the column in
/// characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as it was named by the caller.
    pub file: String,
    pub line: usize,
    pub column: usize,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A file that was read, and what was in it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Original {
    /// The file as it was named, a definition by the way to it from there.
    pub file: String,
    /// Of its bytes, in hex.
    pub sha256: String,
}

/// One environment, as its file declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The environment's name: the file's name without `.toml`.
    pub environment: String,
    /// The file, as it was named.
    pub file: String,
    pub account: AccountId,
    pub region: Region,
    /// The cluster of every service that names none.
    pub cluster: ClusterName,
    /// The role that is assumed before any call.
    pub role: Option<String>,
    /// Whether revisions that are registered carry tags that say where they
    /// come from.
    pub provenance: bool,
    /// What is promoted into this environment, and from where.
    pub promotion: Option<Promotion>,
    /// In the file's order; never empty.
    pub services: Vec<Service>,
    /// Every file that this was read from, the environment file first; empty
    /// when it was not read from files.
    pub originals: Vec<Original>,
}

/// What comes into this environment from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The name of the other environment, whose file lies beside this one.
    pub from: Option<Upstream>,
    /// How long it must have run there undisturbed.
    pub soak: Duration,
    /// By their names in the file; none stands for all that both have.
    pub services: Vec<String>,
}

/// The environment that images come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    pub environment: String,
    /// Where it is named (the value).
    pub at: Location,
}

/// One service, as declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Our name for it, the same in every environment: the table's name.
    pub name: String,
    /// The ECS service.
    pub service: ServiceName,
    pub cluster: ClusterName,
    /// In the file's order. Empty only where something else is declared.
    pub images: Vec<Image>,
    /// Every declared field but images, in the file's order.
    pub assignments: Vec<Assignment>,
    /// What is to be taken away, in the file's order.
    pub remove: Vec<Removal>,
    /// The base of the new revision in the place of the one that runs.
    pub definition: Option<Definition>,
    /// How long to wait for a rollout to end.
    pub timeout: Duration,
    /// What to do when a rollout fails.
    pub on_failure: OnFailure,
    /// Tasks to run, one after the other, before a rollout.
    pub before: Vec<OneOff>,
    /// What an unattended run does when somebody changed what runs.
    pub drift: OnDrift,
    /// Why nothing is written for it, if so.
    pub suspend: Option<Suspension>,
    /// Where the service is declared (its table's header).
    pub at: Location,
    /// Where its ECS name is declared (`name = …`, else the table's header).
    pub name_at: Location,
}

/// A task to run before a rollout, of the revision that is to be deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOff {
    /// The container that does the work.
    pub container: String,
    /// What it runs instead of its own command; never empty.
    pub command: Vec<String>,
    /// Where the container is named (the value).
    pub at: Location,
}

/// What to do when a rollout fails and ECS does not go back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Go back to the revision that ran healthily before.
    #[default]
    Rollback,
    /// Leave things as they are, and say how to continue.
    Stop,
}

/// What an unattended run does when somebody changed what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// Deploy what is declared.
    #[default]
    Correct,
    /// Say so, and leave it.
    Report,
}

/// Nothing is to be written, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    pub reason: String,
    /// Seconds since the epoch; over from then on. Without it, until it is
    /// taken out of the file.
    pub until: Option<i64>,
    pub at: Location,
}

/// One declared field.
///
/// Objects and lists written as tables are declared field by field; an array is
/// one value, which replaces the whole list. An empty object only asks for the
/// element or object to be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    pub path: Path,
    /// In AWS's shape.
    pub value: Value,
    /// Where the field is named (its key).
    pub at: Location,
}

/// Something that is to be taken away.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    pub path: Path,
    pub at: Location,
}

/// A whole task definition from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// As it is named in the environment file.
    pub file: String,
    /// What would be registered: without what only responses have, its tags
    /// inside.
    pub document: TaskDefinition,
    /// Where the file is named (the value).
    pub at: Location,
}

/// The image of one container, as declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The container's name; `None` stands for the only container (`image = …`
    /// directly under the service).
    pub container: Option<String>,
    pub image: ImageReference,
    /// Where the container is named (its table's header), or the image when
    /// the container is not named.
    pub container_at: Location,
    /// Where the image is declared (the value).
    pub image_at: Location,
}
