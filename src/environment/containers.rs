//! `[services.NAME.containers.CONTAINER]`.

use std::ops::Range;

use crate::model::ServiceName;
use crate::model::fields::{CONTAINER, Path};

use super::declared::Declared;
use super::desired::Image;
use super::mistakes::Mistake;
use super::parse::Above;
use super::show::brief;
use super::values;
use super::walk::{Entry, Findings};

/// The images of all containers, each with the place of its key; what else
/// they declare goes to `declared`.
pub(super) fn read(
    entry: &Entry<'_>,
    service: &str,
    above: &Above<'_>,
    declared: &mut Declared<'_>,
    found: &mut Findings<'_>,
) -> Vec<(Range<usize>, Image)> {
    let service = brief(service);
    let header = || format!("write [services.{service}.containers.NAME] for each");
    let Some(table) = entry.table(found, header) else {
        return Vec::new();
    };
    if table.first().is_none() {
        found.add_missing(
            Mistake::new(entry.key.clone(), "no container is named here").help(header()),
        );
    }
    let container = |entry: Entry<'_>| container(&entry, &service, above, declared, found);
    table
        .into_entries()
        .into_iter()
        .filter_map(container)
        .collect()
}

fn container(
    entry: &Entry<'_>,
    service: &str,
    above: &Above<'_>,
    declared: &mut Declared<'_>,
    found: &mut Findings<'_>,
) -> Option<(Range<usize>, Image)> {
    let shown = brief(entry.name);
    let mut table = entry.table(found, || match entry.name {
        name if CONTAINER.field(name).is_some() => {
            format!("name the container: [services.{service}.containers.NAME]")
        }
        _ => format!("write it as [services.{service}.containers.{shown}]"),
    })?;
    // Containers are named by the rule of services (API reference, ContainerDefinition).
    if let Err(invalid) = entry.name.parse::<ServiceName>() {
        found.add(
            Mistake::new(
                entry.key.clone(),
                format!("invalid container name `{shown}`: {invalid}"),
            )
            .help("write the name that the task definition has".to_owned()),
        );
    }
    if table.first().is_none() {
        found.add_missing(
            Mistake::new(
                entry.key.clone(),
                format!("container `{shown}` declares nothing"),
            )
            .help(format!(
                "add under its header:\nimage = \"{}\"",
                above.example_image(service)
            )),
        );
    }
    if let Some(name) = table.take("name") {
        found.add(
            Mistake::new(name.key, "`name` does not belong here")
                .help(format!("the table is named after the container: `{shown}`")),
        );
    }
    let image = table.take("image");
    declared.fields(table, &CONTAINER, &Path::container(entry.name), found);
    let declared = image?;
    let image = Image {
        container: Some(entry.name.to_owned()),
        image: values::image(&declared, found)?,
        container_at: above.source.location(entry.key.start),
        image_at: above.source.location(declared.span.start),
    };
    Some((declared.key, image))
}
