//! What runs and what ran, as facts to show.
//!
//! Pure, and asks like a plan does: a fact that is lacking comes back as
//! [`Wants`](crate::observed::Wants). Nothing is compared with what is declared
//! and nothing is decided here; what could not be read is told as such.

mod history;
mod status;
#[cfg(test)]
mod tests;

pub use history::{Ended, Entry, Facts, History, Source, history};
pub use status::{Deployed, Details, Phase, Problem, Running, Service, Status, status};

use crate::model::{Digest, TaskDefinition};
use crate::observed::RunningImage;

/// The image of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub container: String,
    /// As the revision has it.
    pub image: String,
    /// What runs, where ECS tells.
    pub running: Option<Digest>,
}

/// The images of a revision, in its order.
fn images(document: &TaskDefinition, running: &[RunningImage]) -> Vec<Image> {
    document
        .container_names()
        .into_iter()
        .map(|container| Image {
            container: container.to_owned(),
            image: document.image(container).unwrap_or_default().to_owned(),
            running: running
                .iter()
                .find(|image| image.container == container)
                .map(|image| image.digest.clone()),
        })
        .collect()
}
