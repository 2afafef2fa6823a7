//! Which log groups and streams there are: those of registered task
//! definitions and of the tasks that still are known.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::state::{DeployedContainer, Place, Task};
use super::lines::{self, Line};

pub(super) struct Stream {
    pub name: String,
    pub since: Millis,
    /// Oldest first.
    pub lines: Vec<Line>,
}

/// Every place of the caller's account: tasks may log to another region.
fn places<'a>(context: &'a Context) -> impl Iterator<Item = &'a Place> {
    let prefix = format!("{}/", context.scope.account);
    let places = context.state.places.iter();
    places
        .filter(move |(key, _)| key.starts_with(&prefix))
        .map(|(_, place)| place)
}

/// The log groups of the caller's region, with when they came to be.
pub(super) fn groups(context: &Context) -> BTreeMap<String, Millis> {
    let mut groups = BTreeMap::new();
    let revisions = places(context)
        .flat_map(|place| place.families.values())
        .flat_map(|family| family.revisions.values());
    for revision in revisions {
        let since = revision
            .document
            .get("registeredAt")
            .and_then(Value::as_f64);
        let since = since.map_or(0, |seconds| (seconds * 1000.0) as Millis);
        let containers = revision.document.get("containerDefinitions");
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        for container in containers {
            let option = |key: &str| {
                let pointer = format!("/logConfiguration/options/awslogs-{key}");
                container.pointer(&pointer).and_then(Value::as_str)
            };
            let here =
                option("region").is_none_or(|region| region == context.scope.region.as_str());
            if let Some(group) = option("group").filter(|_| here) {
                let known = groups.entry(group.to_owned()).or_insert(since);
                *known = since.min(*known);
            }
        }
    }
    groups
}

/// The streams of a group, by name.
pub(super) fn of(context: &Context, group: &str) -> Vec<Stream> {
    let mut streams: Vec<Stream> = places(context)
        .flat_map(Place::tasks)
        .flat_map(|task| task.containers.iter().map(move |c| (task, c)))
        .filter_map(|(task, container)| stream(context, group, task, container))
        .collect();
    streams.sort_by(|a, b| a.name.cmp(&b.name));
    streams
}

/// A container has a stream once it has started.
fn stream(
    context: &Context,
    group: &str,
    task: &Task,
    container: &DeployedContainer,
) -> Option<Stream> {
    let log = container.log.as_ref().filter(|log| log.group == group)?;
    let region = log.region.as_deref();
    let since = task.started_at?;
    if region.is_some_and(|region| region != context.scope.region.as_str()) {
        return None;
    }
    // Without a prefix the stream is called after Docker's id of the container.
    let name = match &log.prefix {
        Some(prefix) => format!("{prefix}/{}/{}", container.name, task.id),
        None => super::super::ids::sha256_hex(format!("{} {}", task.id, container.name).as_bytes()),
    };
    let mut lines = lines::of(task, container, since);
    let until = context.now.min(task.stopped_at.unwrap_or(Millis::MAX));
    lines.retain(|line| line.at <= until);
    Some(Stream { name, since, lines })
}
