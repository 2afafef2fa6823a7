//! A plan as it is saved: versioned, complete as to what it was made against,
//! and without a live value of an environment variable, since the file may lie
//! where many can read it.
//!
//! So a saved plan is no order to carry out, it has not even the request to
//! register. It is what a plan that is made anew must be like.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hash::Hash;
use super::*;
use crate::environment::Original;
use crate::model::fields::Path;
use crate::model::{DeploymentId, ServiceName};

/// Grows when a saved plan means something else to whoever reads it.
pub const FORMAT_VERSION: u64 = 1;
const KIND: &str = "evenkeel saved plan";

/// All plans of a run, as they are saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    format_version: u64,
    kind: String,
    /// The version of evenkeel that saved it.
    pub evenkeel: String,
    /// In the order in which they were planned.
    pub environments: Vec<SavedPlan>,
}

/// One environment's plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    pub environment: String,
    /// The environment file, as it was named.
    pub file: String,
    pub account: AccountId,
    pub region: Region,
    pub cluster: ClusterName,
    /// The commit of that file, where it was known.
    pub commit: Option<Commit>,
    /// The environment file and the definitions that it names.
    pub files: Vec<Original>,
    /// The services that were asked for; empty for all of the file's.
    pub only: Vec<String>,
    /// Whether it was asked for to overwrite what is newer.
    pub allow_older: bool,
    pub hash: Hash,
    pub services: Vec<SavedService>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedService {
    /// The file's name for it.
    pub name: String,
    pub cluster: ClusterName,
    pub ecs_service: ServiceName,
    pub verdict: Kind,
    /// What ran; nothing where that could not be told.
    pub live: Option<Live>,
    /// What was to change, or would be without the suspension.
    pub changes: Vec<SavedChange>,
    /// The tasks that were to run first.
    pub before: Vec<Vec<String>>,
    /// Stands for all of what was to be done; none for nothing.
    pub hash: Option<Hash>,
}

/// The PRIMARY deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    pub revision: RevisionArn,
    pub deployment: DeploymentId,
}

/// One field, live values of environment variables masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedChange {
    /// Its path, in the environment file's spelling.
    pub field: String,
    pub from: Option<Value>,
    pub to: Option<Value>,
}

/// A verdict without what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    InSync,
    Change,
    RollingOut,
    FailedBefore,
    Blocked,
    Suspended,
}

impl From<&Verdict> for Kind {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::InSync { .. } => Self::InSync,
            Verdict::Change(_) => Self::Change,
            Verdict::RollingOut(_) => Self::RollingOut,
            Verdict::FailedBefore(_) => Self::FailedBefore,
            Verdict::Blocked(_) => Self::Blocked,
            Verdict::Suspended(_) => Self::Suspended,
        }
    }
}

/// What a plan was made of, beside what was seen.
#[derive(Debug, Clone, Copy)]
pub struct MadeFrom<'a> {
    pub desired: &'a Desired,
    pub commit: Option<&'a Commit>,
    /// The services that were asked for; empty for all.
    pub only: &'a [String],
    pub allow_older: bool,
}

impl Plan {
    /// What to save of it.
    pub fn saved(&self, from: MadeFrom<'_>) -> SavedPlan {
        SavedPlan {
            environment: self.environment.clone(),
            file: from.desired.file.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            cluster: self.cluster.clone(),
            commit: from.commit.cloned(),
            files: from.desired.originals.clone(),
            only: from.only.to_vec(),
            allow_older: from.allow_older,
            hash: self.hash(),
            services: self.services.iter().map(ServicePlan::saved).collect(),
        }
    }
}

impl ServicePlan {
    pub(super) fn saved(&self) -> SavedService {
        let change = match &self.verdict {
            Verdict::Change(change) => Some(&**change),
            Verdict::Suspended(suspended) => Some(&suspended.change),
            Verdict::InSync { .. }
            | Verdict::RollingOut(_)
            | Verdict::FailedBefore(_)
            | Verdict::Blocked(_) => None,
        };
        let (changes, before) = match change {
            Some(change) => (
                changes(change),
                change
                    .first
                    .iter()
                    .map(|task| {
                        let container = std::iter::once(task.container.clone());
                        container.chain(task.command.iter().cloned()).collect()
                    })
                    .collect(),
            ),
            None => (Vec::new(), Vec::new()),
        };
        SavedService {
            name: self.name.clone(),
            cluster: self.key.cluster.clone(),
            ecs_service: self.key.service.clone(),
            verdict: Kind::from(&self.verdict),
            live: self.live.as_ref().map(|live| Live {
                revision: live.revision.clone(),
                deployment: live.deployment.clone(),
            }),
            changes,
            before,
            hash: self.hash(),
        }
    }
}

fn changes(change: &Change) -> Vec<SavedChange> {
    let images = change.images.iter().map(|image| SavedChange {
        field: Path::container(&image.container).field("image").to_string(),
        from: Some(Value::from(image.from.as_str())),
        to: Some(Value::from(image.to.as_str())),
    });
    let mask = Mask::of(&change.before);
    let fields = change.fields.iter().chain(&change.service.fields);
    images
        .chain(fields.map(|field| {
            SavedChange {
                field: field.path.to_string(),
                from: field
                    .from
                    .as_ref()
                    .map(|value| mask.live(&field.path, value)),
                to: field
                    .to
                    .as_ref()
                    .map(|value| mask.wanted(&field.path, value)),
            }
        }))
        .collect()
}

/// Why a text is no saved plan that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    #[error("it is empty")]
    Empty,
    #[error("it is cut off in line {line}: a plan that was saved whole is longer")]
    CutOff { line: usize },
    #[error("it is not JSON: line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error("it is what `evenkeel plan --format json` prints, which cannot be carried out")]
    Printed,
    #[error("it is no plan that evenkeel has saved")]
    Foreign,
    #[error(
        "it was saved by evenkeel {by}, in format {version}; this version knows format {FORMAT_VERSION}"
    )]
    OtherVersion { version: u64, by: String },
    #[error("it is not as it was saved: its checksum is that of something else")]
    Altered,
    #[error("it lacks something that a saved plan has: {0}")]
    Incomplete(String),
}

impl Saved {
    pub fn new(environments: Vec<SavedPlan>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            kind: KIND.to_owned(),
            evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
            environments,
        }
    }

    /// As a file has it: JSON, with a checksum at its end.
    ///
    /// # Errors
    /// A value cannot be written as JSON, which is a mistake in evenkeel.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        let mut document = serde_json::to_value(self)?;
        let checksum = checksum(&document);
        if let Value::Object(document) = &mut document {
            document.insert("checksum".to_owned(), Value::from(checksum.as_str()));
        }
        Ok(format!("{document:#}\n"))
    }

    /// # Errors
    /// The text is not what `text` wrote, or another version did.
    pub fn read(text: &str) -> Result<Self, NoPlan> {
        if text.trim().is_empty() {
            return Err(NoPlan::Empty);
        }
        let mut document: Value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            if error.is_eof() {
                NoPlan::CutOff { line }
            } else {
                NoPlan::NotJson { line, column }
            }
        })?;
        let word = |name: &str| document.get(name).and_then(Value::as_str);
        if word("kind") != Some(KIND) {
            let printed = document.get("format_version").is_some()
                && (document.get("environments").is_some() || document.get("event").is_some());
            return Err(if printed {
                NoPlan::Printed
            } else {
                NoPlan::Foreign
            });
        }
        let version = document.get("format_version").and_then(Value::as_u64);
        if let Some(version) = version.filter(|version| *version != FORMAT_VERSION) {
            let by = word("evenkeel")
                .unwrap_or("of an unknown version")
                .to_owned();
            return Err(NoPlan::OtherVersion { version, by });
        }
        let said = document
            .as_object_mut()
            .and_then(|document| document.shift_remove("checksum"));
        match said.as_ref().map(Value::as_str) {
            None => return Err(NoPlan::Incomplete("its checksum".to_owned())),
            Some(said) if said != Some(checksum(&document).as_str()) => {
                return Err(NoPlan::Altered);
            }
            Some(_) => {}
        }
        serde_json::from_value(document).map_err(|error| NoPlan::Incomplete(error.to_string()))
    }
}

/// Of all but the checksum itself, however it is laid out.
fn checksum(document: &Value) -> Hash {
    let mut document = document.clone();
    document.sort_all_objects();
    Hash::of_text(&document.to_string())
}

#[cfg(test)]
mod tests;
