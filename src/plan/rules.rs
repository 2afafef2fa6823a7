//! What ECS would refuse, before anybody asks it: of a file alone, and of what
//! a change would bring.

use serde_json::{Map, Value};

use super::overlay::{declared_at, lay_over};
use super::*;
use crate::environment::Location;
use crate::model::fields::{Path, Root};
use crate::model::rules::{self, Known, Violation};

/// A rule that a file breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file's name for the service.
    pub service: String,
    pub at: Location,
    pub violation: Violation,
}

/// Every rule that a file breaks, whatever is live. Where its base is live,
/// only what it declares itself is judged; a definition in a file is judged
/// whole.
pub fn check(desired: &Desired) -> Vec<Broken> {
    desired.services.iter().flat_map(check_service).collect()
}

fn check_service(desired: &DesiredService) -> Vec<Broken> {
    let known = match desired.definition {
        Some(_) => Known::Whole,
        None => Known::Part,
    };
    let broken = |violation: Violation| Broken {
        service: desired.name.clone(),
        at: place(desired, &violation.path),
        violation,
    };
    let [task, service] = match declared(desired) {
        Ok(documents) => documents,
        Err(blocks) => {
            return blocks
                .into_iter()
                .filter_map(|b| unfit(desired, b))
                .collect();
        }
    };
    let mut found = rules::task_definition(&task, known);
    found.extend(rules::service(&service, Known::Part));
    if known == Known::Whole {
        found.extend(rules::together(&task, &service));
    }
    found.into_iter().map(broken).collect()
}

/// What a file declares of the task definition, and of the service, laid over a
/// definition, or over nothing.
pub(super) fn declared(desired: &DesiredService) -> Result<[Map<String, Value>; 2], Vec<Block>> {
    let base = desired
        .definition
        .as_ref()
        .map(|definition| definition.document.as_map().clone())
        .unwrap_or_default();
    let task = lay_over(&base, desired, Root::Task, |_| true)?;
    let task = with_images(desired, TaskDefinition::new(task));
    let service = lay_over(&Map::new(), desired, Root::Service, |_| true)?;
    Ok([task.as_map().clone(), service])
}

/// What the file declares does not fit its definition.
fn unfit(desired: &DesiredService, block: Block) -> Option<Broken> {
    match block {
        Block::Unfit { at, why } => Some(Broken {
            service: desired.name.clone(),
            at,
            violation: Violation {
                rule: "unfit",
                path: Path::new(Root::Task).field("containerDefinitions"),
                says: why,
                hint: None,
            },
        }),
        _ => None,
    }
}

fn with_images(desired: &DesiredService, task: TaskDefinition) -> TaskDefinition {
    let only = match task.container_names().as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    };
    desired.images.iter().fold(task, |task, image| {
        let container = image.container.as_ref().or(only.as_ref());
        container
            .and_then(|container| task.with_image(container, image.image.as_str()))
            .unwrap_or(task)
    })
}

/// The rules that a change of the task definition would break, and those that
/// what is live breaks already.
pub(super) fn of_change(
    desired: &DesiredService,
    service: &Service,
    [before, after]: [Map<String, Value>; 2],
    update: &Map<String, Value>,
) -> (Vec<Block>, Vec<Note>) {
    let mut fields = (*service.document).clone();
    let live: Vec<Violation> = rules::task_definition(&before, Known::Whole)
        .into_iter()
        .chain(rules::together(&before, &fields))
        .collect();
    fields.extend(update.clone());
    let wanted = rules::task_definition(&after, Known::Whole)
        .into_iter()
        .chain(rules::together(&after, &fields));
    let (mut blocks, mut notes) = (Vec::new(), Vec::new());
    for violation in wanted {
        if live.iter().any(|known| known.is(&violation)) {
            notes.push(Note::RuleBroken {
                path: violation.path.to_string(),
                says: violation.says,
            });
        } else {
            blocks.push(refused(desired, violation));
        }
    }
    (blocks, notes)
}

/// The rules that a change of the service's own fields would break.
pub(super) fn of_service(
    desired: &DesiredService,
    [before, after]: [&Map<String, Value>; 2],
) -> Vec<Block> {
    let live = rules::service(before, Known::Whole);
    rules::service(after, Known::Whole)
        .into_iter()
        .filter(|violation| !live.iter().any(|known| known.is(violation)))
        .map(|violation| refused(desired, violation))
        .collect()
}

fn refused(desired: &DesiredService, violation: Violation) -> Block {
    Block::Refused {
        at: place(desired, &violation.path),
        violation,
    }
}

/// The line that declares it, else what declares the images, else the service.
pub(super) fn place(desired: &DesiredService, path: &Path) -> Location {
    let image = |image: &&DeclaredImage| {
        let container = image.container.as_deref().map(Path::container);
        container.is_some_and(|container| container.field("image") == *path)
    };
    let image = desired.images.iter().find(image);
    image
        .map(|image| image.image_at.clone())
        .or_else(|| declared_at(desired, path))
        .unwrap_or_else(|| desired.at.clone())
}

#[cfg(test)]
mod tests;
