//! `[services.NAME]` and what is under it.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use crate::model::{ClusterName, ServiceName};

use super::before;
use super::content::Content;
use super::desired::{DEFAULT_TIMEOUT, OnFailure, OneOff, Service};
use super::keys;
use super::mistakes::Mistake;
use super::parse::Above;
use super::show::brief;
use super::source::Source;
use super::unattended::Unattended;
use super::values;
use super::walk::{Entry, Findings, Table};

/// The services in the file's order. Those with mistakes are left out.
pub(super) fn read(table: Table<'_>, above: &Above<'_>, found: &mut Findings<'_>) -> Vec<Service> {
    let mut taken = HashMap::new();
    let mut services = Vec::new();
    for entry in table.into_entries() {
        services.extend(service(&entry, above, &mut taken, found));
    }
    services
}

type Taken = HashMap<(ClusterName, ServiceName), Range<usize>>;

fn service(
    entry: &Entry<'_>,
    above: &Above<'_>,
    taken: &mut Taken,
    found: &mut Findings<'_>,
) -> Option<Service> {
    let shown = brief(entry.name);
    let mut table = entry.table(found, || match entry.value.as_str() {
        Some(_) => format!("write it as [services.{shown}], and under that image = \"…\""),
        None => format!("write it as [services.{shown}]"),
    })?;

    let name = table.take("name");
    let name_at = name.as_ref().map_or(&entry.key, |name| &name.span).clone();
    let label_fits = check_label(entry, found);
    let service = match &name {
        Some(name) => values::service(name, found),
        None if label_fits => table_name(entry, found),
        None => None,
    };
    let cluster = match table.take("cluster") {
        Some(cluster) => values::cluster(&cluster, found),
        None => above.cluster.cloned(),
    };
    if let (Some(cluster), Some(service)) = (&cluster, &service) {
        refuse_twice(cluster, service, &name_at, taken, found);
    }

    let content = Content::read(&mut table, entry, above, found);
    let (own, before) = table
        .take("rollout")
        .map_or_else(Default::default, |entry| {
            rollout(&entry, &shown, above.source, found)
        });
    let unattended = Unattended::read(&mut table, above.source, found);
    if !above.provenance {
        unattended.refuse_without_provenance(found);
    }
    let meant = table.refuse_rest(&keys::SERVICE, found);
    if content.is_nothing && Content::KEYS.iter().all(|key| !meant.contains(key)) {
        nothing(entry, above, found);
    }
    Some(Service {
        name: entry.name.to_owned(),
        service: service?,
        cluster: cluster?,
        images: content.images,
        assignments: content.assignments,
        remove: content.remove,
        definition: content.definition,
        timeout: own
            .timeout
            .or(above.rollout.timeout)
            .unwrap_or(DEFAULT_TIMEOUT),
        on_failure: own
            .on_failure
            .or(above.rollout.on_failure)
            .unwrap_or_default(),
        before,
        drift: unattended
            .drift
            .or(above.unattended.drift)
            .unwrap_or_default(),
        suspend: unattended
            .suspend
            .or_else(|| above.unattended.suspend.clone()),
        at: above.source.location(entry.key.start),
        name_at: above.source.location(name_at.start),
    })
    .filter(|_| label_fits)
}

/// Our own name for a service. Commands write it as `SERVICE/CONTAINER=IMAGE`.
fn check_label(entry: &Entry<'_>, found: &mut Findings<'_>) -> bool {
    if entry.name.is_empty() {
        let mistake = Mistake::new(entry.key.clone(), "this service has no name");
        found.add(mistake.help("name its table, such as [services.api]".to_owned()));
        return false;
    }
    let odd = entry
        .name
        .chars()
        .find(|c| c.is_control() || c.is_whitespace() || "/=".contains(*c));
    if let Some(odd) = odd {
        found.add(
            Mistake::new(
                entry.key.clone(),
                format!("a service's own name cannot have {odd:?} in it"),
            )
            .help("commands take a service as NAME or NAME/CONTAINER=IMAGE".to_owned()),
        );
    }
    odd.is_none()
}

fn table_name(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<ServiceName> {
    match entry.name.parse::<ServiceName>() {
        Ok(name) => Some(name),
        Err(invalid) => {
            found.add(
                Mistake::new(
                    entry.key.clone(),
                    format!("invalid service name `{}`: {invalid}", brief(entry.name)),
                )
                .help(
                    "add name = \"…\" with the ECS service's name, or rename the table".to_owned(),
                ),
            );
            None
        }
    }
}

fn refuse_twice(
    cluster: &ClusterName,
    service: &ServiceName,
    at: &Range<usize>,
    taken: &mut Taken,
    found: &mut Findings<'_>,
) {
    let key = (cluster.clone(), service.clone());
    match taken.get(&key) {
        Some(first) => found.add(
            Mistake::new(
                at.clone(),
                format!(
                    "two services are the same ECS service `{}`",
                    brief(service.as_str())
                ),
            )
            .also(first.clone(), "the other")
            .help(format!(
                "both are in cluster {}; keep one of them",
                brief(cluster.as_str())
            )),
        ),
        None => {
            taken.insert(key, at.clone());
        }
    }
}

fn nothing(entry: &Entry<'_>, above: &Above<'_>, found: &mut Findings<'_>) {
    let shown = brief(entry.name);
    found.add_missing(
        Mistake::new(entry.key.clone(), format!("service `{shown}` declares nothing")).help(format!(
            "add under its header:\nimage = \"{}\"\nor, with several containers, name each: [services.{shown}.containers.NAME]",
            above.example_image(&shown)
        )),
    );
}

/// What a `rollout` table says; what is wrong in it counts as not said.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rollout {
    timeout: Option<Duration>,
    on_failure: Option<OnFailure>,
}

/// `[rollout]`, at the top of the file.
pub(super) fn rollouts(entry: &Entry<'_>, found: &mut Findings<'_>) -> Rollout {
    let Some(mut table) = rollout_table(entry, "rollout", found) else {
        return Rollout::default();
    };
    let rollout = common(&mut table, found);
    table.refuse_rest(&keys::ROLLOUTS, found);
    rollout
}

/// `[services.NAME.rollout]`, which can also have tasks to run before.
fn rollout(
    entry: &Entry<'_>,
    service: &str,
    source: &Source,
    found: &mut Findings<'_>,
) -> (Rollout, Vec<OneOff>) {
    let header = format!("services.{service}.rollout");
    let Some(mut table) = rollout_table(entry, &header, found) else {
        return Default::default();
    };
    let rollout = common(&mut table, found);
    let before = table.take("before").map_or_else(Vec::new, |entry| {
        before::read(&entry, service, source, found)
    });
    table.refuse_rest(&keys::ROLLOUT, found);
    (rollout, before)
}

/// `header` is the table's place in the file, for help.
fn rollout_table<'a>(
    entry: &Entry<'a>,
    header: &str,
    found: &mut Findings<'_>,
) -> Option<Table<'a>> {
    entry.table(found, || {
        format!("write timeout = \"15m\" under [{header}]")
    })
}

fn common(table: &mut Table<'_>, found: &mut Findings<'_>) -> Rollout {
    Rollout {
        timeout: table
            .take("timeout")
            .and_then(|entry| values::timeout(&entry, found)),
        on_failure: table
            .take("on-failure")
            .and_then(|entry| values::on_failure(&entry, found)),
    }
}
