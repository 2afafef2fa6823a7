//! What is declared, laid over what is live (or over a definition in a file):
//! the document that is wanted, and what differs.

use serde_json::{Map, Value};

use super::difference::{FieldChange, differences};
use super::*;
use crate::environment::{Image as DeclaredImage, Location};
use crate::model::fields::{Path, Root, Step, WrongShape};
use crate::model::without_provenance;

/// The wanted task definition. Its images still are what is live: they are
/// compared apart, by their digests.
pub(super) struct Overlay {
    pub document: TaskDefinition,
    /// The tags that are wanted, without those that say where it comes from.
    pub tags: Vec<Value>,
    /// What the document is compared with: the live one, as it would be
    /// registered.
    live: Map<String, Value>,
}

/// Whether the tags of the live revision are needed to tell what differs.
pub(super) fn needs_tags(desired: &DesiredService) -> bool {
    let is_tags = |path: &Path| {
        path.root == Root::Task
            && matches!(path.steps.first(), Some(Step::Field(name)) if name == "tags")
    };
    desired.assignments.iter().any(|a| is_tags(&a.path))
        || desired.remove.iter().any(|r| is_tags(&r.path))
        || desired
            .definition
            .as_ref()
            .is_some_and(|definition| definition.document.as_map().contains_key("tags"))
}

/// Every image that is declared: those of the file, and those of a definition
/// for the containers that the file says nothing of.
pub(super) fn images(desired: &DesiredService) -> Result<Vec<DeclaredImage>, Vec<Block>> {
    let mut images = desired.images.clone();
    let Some(definition) = &desired.definition else {
        return Ok(images);
    };
    let mut blocks = Vec::new();
    for name in definition.document.container_names() {
        let named = |image: &DeclaredImage| {
            image
                .container
                .as_deref()
                .is_none_or(|container| container == name)
        };
        if desired.images.iter().any(named) || removes(desired, &Path::container(name)) {
            continue;
        }
        let written = definition.document.image(name).unwrap_or_default();
        match written.parse() {
            Ok(image) => images.push(DeclaredImage {
                container: Some(name.to_owned()),
                image,
                container_at: definition.at.clone(),
                image_at: definition.at.clone(),
            }),
            Err(invalid) => blocks.push(Block::Unfit {
                at: definition.at.clone(),
                why: format!(
                    "the image of {name} in {} is not valid: {invalid}; mend it, or declare \
                     containers.{name}.image",
                    definition.file
                ),
            }),
        }
    }
    if blocks.is_empty() {
        Ok(images)
    } else {
        Err(blocks)
    }
}

fn removes(desired: &DesiredService, path: &Path) -> bool {
    desired.remove.iter().any(|removal| removal.path == *path)
}

/// Lays what is declared over what is live.
///
/// A declared field that the live document has, in whatever spelling, is left
/// in the live spelling: nothing is touched that does not differ.
pub(super) fn overlay(
    desired: &DesiredService,
    live: &TaskDefinition,
    live_tags: &[Value],
) -> Result<Overlay, Vec<Block>> {
    let tags = without_provenance(live_tags);
    let declares_tags = needs_tags(desired);
    let live = live.register_request(if declares_tags { &tags } else { &[] });
    let base = match &desired.definition {
        None => live.clone(),
        Some(definition) => {
            let mut base = definition.document.as_map().clone();
            // A file printed from a revision says where that came from.
            if let Some(Value::Array(tags)) = base.get_mut("tags") {
                *tags = without_provenance(tags);
            }
            for kept in ["family", "tags"] {
                if let Some(value) = live.get(kept)
                    && !base.contains_key(kept)
                {
                    base.insert(kept.to_owned(), value.clone());
                }
            }
            base
        }
    };
    let all = lay_over(&base, desired, Root::Task, |_| true)?;
    let mut document = if desired.definition.is_some() {
        all
    } else {
        let differs = differences(Root::Task, &live, &all);
        lay_over(&base, desired, Root::Task, |path| {
            differs
                .iter()
                .any(|change| path.contains(&change.path) || change.path.contains(path))
        })?
    };
    let tags = if declares_tags {
        match document.shift_remove("tags") {
            Some(Value::Array(tags)) => tags,
            _ => Vec::new(),
        }
    } else {
        tags
    };
    let blocks = incomplete(desired, &live, &document);
    if !blocks.is_empty() {
        return Err(blocks);
    }
    Ok(Overlay {
        document: TaskDefinition::new(document),
        tags,
        live,
    })
}

impl Overlay {
    /// What differs once the images are what they should be, less the images
    /// that are shown apart.
    pub fn changes(&self, desired: &DesiredService, after: &TaskDefinition) -> Vec<FieldChange> {
        let tags: &[Value] = if needs_tags(desired) { &self.tags } else { &[] };
        let mut changes = differences(Root::Task, &self.live, &after.register_request(tags));
        changes.retain(|change| {
            !matches!(change.path.steps.as_slice(),
                [_, Step::Element(_), Step::Field(name)] if name == "image" && is_container(&change.path))
        });
        for change in &mut changes {
            change.at = declared_at(desired, &change.path);
        }
        changes
    }
}

fn is_container(path: &Path) -> bool {
    path.root == Root::Task
        && matches!(path.steps.first(), Some(Step::Field(name)) if name == "containerDefinitions")
}

/// The document with every removal and every assignment that `applies`.
pub(super) fn lay_over(
    base: &Map<String, Value>,
    desired: &DesiredService,
    root: Root,
    applies: impl Fn(&Path) -> bool,
) -> Result<Map<String, Value>, Vec<Block>> {
    let mut document = base.clone();
    let mut blocks = Vec::new();
    let unfit = |at: &Location, wrong: WrongShape| Block::Unfit {
        at: at.clone(),
        why: wrong.to_string(),
    };
    for removal in desired.remove.iter().filter(|r| r.path.root == root) {
        if let Err(wrong) = removal.path.remove(&mut document) {
            blocks.push(unfit(&removal.at, wrong));
        }
    }
    for declared in &desired.assignments {
        if declared.path.root != root || !applies(&declared.path) {
            continue;
        }
        if let Err(wrong) = declared.path.set(&mut document, declared.value.clone()) {
            blocks.push(unfit(&declared.at, wrong));
        }
    }
    if blocks.is_empty() {
        Ok(document)
    } else {
        Err(blocks)
    }
}

/// A container that is declared but not live is added; ECS takes it only with
/// an image, and with a limit of memory where the task has none (API reference,
/// ContainerDefinition, `memory`).
fn incomplete(
    desired: &DesiredService,
    live: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Vec<Block> {
    let names = |document: &Map<String, Value>| -> BTreeSet<String> {
        TaskDefinition::new(document.clone())
            .container_names()
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let live_names = names(live);
    let mut blocks = Vec::new();
    for name in names(wanted).difference(&live_names) {
        let path = Path::container(name);
        let Some(at) = declared_at(desired, &path) else {
            continue;
        };
        if desired.definition.is_some() {
            continue;
        }
        let has_image = desired
            .images
            .iter()
            .any(|image| image.container.as_deref() == Some(name));
        let container = path.get(wanted).ok().flatten();
        let has = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
        let limited = has(wanted.get("memory"))
            || ["memory", "memoryReservation"]
                .iter()
                .any(|field| has(container.and_then(|container| container.get(*field))));
        let lacks: Vec<&'static str> = [(has_image, "image"), (limited, "memory")]
            .into_iter()
            .filter_map(|(has, name)| (!has).then_some(name))
            .collect();
        if !lacks.is_empty() {
            blocks.push(Block::ContainerIncomplete {
                at,
                container: name.clone(),
                lacks,
                near: nearest(name, live_names.iter().map(String::as_str), 1).pop(),
            });
        }
    }
    blocks
}

/// Where a field is declared: the nearest line that says something of it.
pub(super) fn declared_at(desired: &DesiredService, path: &Path) -> Option<Location> {
    let related = |other: &Path| other.contains(path) || path.contains(other);
    desired
        .assignments
        .iter()
        .map(|declared| (&declared.path, &declared.at))
        .chain(
            desired
                .remove
                .iter()
                .map(|removal| (&removal.path, &removal.at)),
        )
        .find(|(other, _)| related(other))
        .map(|(_, at)| at.clone())
        .or_else(|| {
            desired
                .definition
                .as_ref()
                .filter(|_| path.root == Root::Task)
                .map(|definition| definition.at.clone())
        })
}
