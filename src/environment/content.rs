//! What a service declares but for its name, its cluster and its rollout.

use std::ops::Range;

use crate::model::fields::{Path, Root};

use super::declared::{Allowed, Declared};
use super::desired::{Assignment, Definition, Image, Removal};
use super::mistakes::Mistake;
use super::parse::Above;
use super::show::brief;
use super::source::Source;
use super::walk::{Entry, Findings, Table};
use super::{containers, removals, tags, values};

pub(super) struct Content {
    pub(super) images: Vec<Image>,
    pub(super) assignments: Vec<Assignment>,
    pub(super) remove: Vec<Removal>,
    pub(super) definition: Option<Definition>,
    /// None of its keys is there.
    pub(super) is_nothing: bool,
}

impl Content {
    /// The keys of a service that declare something.
    pub(super) const KEYS: [&'static str; 6] = [
        "image",
        "containers",
        "task",
        "service",
        "remove",
        "definition",
    ];

    /// Takes these keys, and those that say what is allowed in them.
    pub(super) fn read(
        table: &mut Table<'_>,
        service: &Entry<'_>,
        above: &Above<'_>,
        found: &mut Findings<'_>,
    ) -> Self {
        let [image, containers, task, of_service, remove, definition] =
            Self::KEYS.map(|key| table.take(key));
        // An empty list removes nothing.
        let remove = remove.filter(|list| list.items().is_none_or(|list| !list.is_empty()));
        let all = [
            &image,
            &containers,
            &task,
            &of_service,
            &remove,
            &definition,
        ];
        let is_nothing = all.iter().all(|entry| entry.is_none());
        if let (Some(image), Some(containers)) = (&image, &containers) {
            refuse_both(service, image, containers, found);
        }

        let allowed = allowed(table, above, found);
        let unknown_fields = allowed.unknown_fields;
        let mut declared = Declared::new(above.source, service.name, allowed);
        let mut images: Vec<(Range<usize>, Image)> = Vec::new();
        images.extend(image.and_then(|image| only_image(&image, above.source, found)));
        if let Some(entry) = containers {
            let more = containers::read(&entry, service.name, above, &mut declared, found);
            images.extend(more);
        }
        for (entry, root) in [(task, Root::Task), (of_service, Root::Service)] {
            if let Some(entry) = entry {
                declared.root(&entry, root, found);
            }
        }
        let assignments = declared.into_list();
        tags::refuse_reserved(&assignments, found);
        let removals = remove.map_or_else(Vec::new, |entry| {
            removals::read(&entry, unknown_fields, above.source, found)
        });
        removals::refuse_declared(&removals, &assignments, &image_paths(&images), found);
        Self {
            images: plain(images),
            assignments: plain(assignments),
            remove: plain(removals),
            definition: definition.and_then(|entry| values::definition(&entry, above, found)),
            is_nothing,
        }
    }
}

fn plain<T>(placed: Vec<(Range<usize>, T)>) -> Vec<T> {
    placed.into_iter().map(|(_, thing)| thing).collect()
}

fn refuse_both(
    entry: &Entry<'_>,
    image: &Entry<'_>,
    containers: &Entry<'_>,
    found: &mut Findings<'_>,
) {
    let (first, second) = if image.key.start < containers.key.start {
        (&image.key, &containers.key)
    } else {
        (&containers.key, &image.key)
    };
    let message = format!(
        "service `{}` has both `image` and `containers`",
        brief(entry.name)
    );
    found.add(
        Mistake::new(second.clone(), message)
            .also(first.clone(), "the other")
            .help("keep `image` for the only container, or `containers` to name each".to_owned()),
    );
}

/// What a service allows, or else the file.
fn allowed(table: &mut Table<'_>, above: &Above<'_>, found: &mut Findings<'_>) -> Allowed {
    let unknown_fields = table
        .take("allow-unknown-fields")
        .map_or(Some(above.unknown_fields), |entry| entry.boolean(found));
    let plain_secrets = table
        .take("allow-plain-secrets")
        .map_or_else(Vec::new, |entry| values::names(&entry, found));
    Allowed {
        // A wrong value is one mistake, not one for every field.
        unknown_fields: unknown_fields.unwrap_or(true),
        plain_secrets,
    }
}

fn only_image(
    entry: &Entry<'_>,
    source: &Source,
    found: &mut Findings<'_>,
) -> Option<(Range<usize>, Image)> {
    let image_at = source.location(entry.span.start);
    let image = Image {
        container: None,
        image: values::image(entry, found)?,
        container_at: image_at.clone(),
        image_at,
    };
    Some((entry.key.clone(), image))
}

/// Where in the task definition the images of named containers are.
fn image_paths(images: &[(Range<usize>, Image)]) -> Vec<(Range<usize>, Path)> {
    let path = |(key, image): &(Range<usize>, Image)| {
        let container = image.container.as_deref()?;
        Some((key.clone(), Path::container(container).field("image")))
    };
    images.iter().filter_map(path).collect()
}
