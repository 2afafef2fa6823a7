//! What everyone here speaks of: names and ARNs, image references, and the
//! task definition as a document.
//!
//! Text is parsed once, at the border; past it these types are trusted. This
//! module does no I/O and knows neither TOML nor the AWS SDK.

mod arn;
pub mod fields;
mod image;
mod names;
mod provenance;
pub mod rules;
mod task_definition;

pub use arn::{DeploymentId, RevisionArn, ServiceArn, ServiceRevisionArn};
pub use image::{Digest, EcrRepository, ImageReference, Platform};
pub use names::{AccountId, ClusterName, Invalid, Region, ServiceName};
pub use provenance::{
    Commit, FAILED, MOST_TAGS, Provenance, commit_of, failed_because, failed_tag, fingerprint_of,
    is_of_environment, without_provenance,
};
pub use task_definition::{RESPONSE_ONLY, Tag, TaskDefinition};
