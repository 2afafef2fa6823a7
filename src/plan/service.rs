//! The declared fields of the service itself: what differs, what to send, and
//! what that starts.

use serde_json::{Map, Value, json};

use super::difference::{FieldChange, differences};
use super::overlay::{declared_at, lay_over};
use super::*;
use crate::model::fields::{
    Context, Effect, Kind, Path, Root, Seen as Place, Step, canonical_shape,
};
use crate::model::{ServiceArn, Tag};
use crate::observed::ServiceRevision;

/// What differs between the declared and the live fields of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceChange {
    /// What differs.
    pub fields: Vec<FieldChange>,
    /// What UpdateService is to be sent: whole top-level fields, and only those
    /// in which something declared differs.
    pub update: Map<String, Value>,
    /// The same fields as they are live, to go back to.
    pub undo: Map<String, Value>,
    /// What is to become of its tags, if they differ.
    pub tags: Option<TagChange>,
}

/// Tags of a service, which UpdateService does not take.
#[derive(Debug, Clone, PartialEq)]
pub struct TagChange {
    pub service: ServiceArn,
    /// As TagResource takes them.
    pub set: Vec<Tag>,
    /// Keys of those that go away.
    pub remove: Vec<String>,
}

impl ServiceChange {
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// What sending it does to the tasks that run: the strongest of what its
    /// fields do.
    pub fn effect(&self) -> Effect {
        let effects = || {
            self.update
                .keys()
                .map(|name| effect(name).unwrap_or(Effect::NotStated))
        };
        [Effect::NewDeployment, Effect::NotStated]
            .into_iter()
            .find(|strong| effects().any(|effect| effect == *strong))
            .unwrap_or(Effect::InPlace)
    }

    /// Whether ECS takes it only as part of a new deployment: "When switching
    /// from launch type to capacity provider strategy on an existing service,
    /// or making a change to a capacity provider strategy on a service that is
    /// already using one, you must force a new deployment" (what UpdateService
    /// answers else, in public reports).
    pub fn forces(&self) -> bool {
        forces(&self.update)
    }

    /// Whether a deployment that is shown so had these very fields. What it is
    /// not shown with it may have had.
    pub(super) fn brought_by(&self, shown: &Map<String, Value>) -> bool {
        let form = |name: &str, value: &Value| {
            let fields = Map::from_iter([(name.to_owned(), value.clone())]);
            canonical_shape(Root::Service.shape(), &fields, Context::default())
        };
        self.update.iter().all(|(name, wanted)| {
            shown
                .get(name)
                .is_none_or(|had| name == "desiredCount" || form(name, had) == form(name, wanted))
        })
    }

    /// How many tasks are to run, where that changes.
    pub fn count(&self) -> Option<i64> {
        self.update.get("desiredCount")?.as_i64()
    }
}

/// Whether UpdateService takes these fields only with `forceNewDeployment`.
pub fn forces(fields: &Map<String, Value>) -> bool {
    fields.contains_key("capacityProviderStrategy")
}

/// What changing a top-level field of a service does.
pub fn effect(name: &str) -> Option<Effect> {
    Root::Service.shape().field(name)?.effect
}

/// Compares the declared fields of a service with the live ones.
pub(super) fn compare(
    desired: &DesiredService,
    service: &Service,
    primary: &Deployment,
    observed: &Observed,
) -> Result<Result<ServiceChange, Vec<Block>>, Wants> {
    let declared: BTreeSet<&str> = desired
        .assignments
        .iter()
        .map(|declared| &declared.path)
        .chain(desired.remove.iter().map(|removal| &removal.path))
        .filter(|path| path.root == Root::Service)
        .filter_map(top)
        .collect();
    if declared.is_empty() {
        return Ok(Ok(ServiceChange::default()));
    }
    let mut live = Map::new();
    for name in declared {
        match value(name, service, primary, observed)? {
            Ok(value) => live.extend(value.map(|value| (name.to_owned(), value))),
            Err(block) => return Ok(Err(vec![block])),
        }
    }
    let wanted = match lay_over(&live, desired, Root::Service, |_| true) {
        Ok(wanted) => wanted,
        Err(blocks) => return Ok(Err(blocks)),
    };
    let mut change = ServiceChange {
        fields: differences(Root::Service, &live, &wanted),
        ..ServiceChange::default()
    };
    let mut blocks = Vec::new();
    for field in &mut change.fields {
        field.at = declared_at(desired, &field.path);
    }
    let names: Vec<String> = change
        .fields
        .iter()
        .filter_map(|field| top(&field.path).map(str::to_owned))
        .collect();
    for name in names {
        if name == "tags" {
            let (live, wanted) = (live.get("tags"), wanted.get("tags"));
            change.tags = Some(tags(service.service_arn.clone(), live, wanted));
            continue;
        }
        match sent(&name, wanted.get(&name)) {
            Some(value) => {
                change
                    .undo
                    .extend(sent(&name, live.get(&name)).map(|value| (name.clone(), value)));
                change.update.insert(name, value);
            }
            None => blocks.push(Block::Unfit {
                at: change
                    .fields
                    .iter()
                    .find(|field| top(&field.path) == Some(&name))
                    .and_then(|field| field.at.clone())
                    .unwrap_or_else(|| desired.at.clone()),
                why: format!(
                    "ECS has no way to take away {name}: declare the value that it should have"
                ),
            }),
        }
    }
    Ok(if blocks.is_empty() {
        Ok(change)
    } else {
        Err(blocks)
    })
}

fn top(path: &Path) -> Option<&str> {
    match path.steps.first() {
        Some(Step::Field(name)) => Some(name),
        _ => None,
    }
}

/// What UpdateService takes for a field: an empty list clears one.
fn sent(name: &str, wanted: Option<&Value>) -> Option<Value> {
    match wanted.filter(|value| !value.is_null()) {
        Some(value) => Some(value.clone()),
        None => {
            matches!(Root::Service.shape().field(name)?.kind, Kind::List(..)).then(|| json!([]))
        }
    }
}

/// The live value of a top-level field, from where ECS shows it.
fn value(
    name: &str,
    service: &Service,
    primary: &Deployment,
    observed: &Observed,
) -> Result<Result<Option<Value>, Block>, Wants> {
    let unreadable = |what: String, why: &Unreadable| Block::Unreadable {
        what,
        why: why.clone(),
    };
    if name == "tags" {
        return Ok(match observed.service_tags(&service.service_arn)? {
            Seen::Found(tags) => Ok(Some(
                tags.iter().filter(|tag| !is_of_aws(tag)).cloned().collect(),
            )),
            Seen::Missing => Ok(None),
            Seen::Unreadable(why) => Err(unreadable(
                format!("tags of service {}", service.service_arn.service()),
                why,
            )),
        });
    }
    let place = Root::Service
        .shape()
        .field(name)
        .map_or(Place::Service, |field| field.seen);
    Ok(Ok(match place {
        Place::Service => service.document.get(name).cloned(),
        Place::Deployment => service
            .deployment_document(&primary.id)
            .and_then(|deployment| deployment.get(name))
            .cloned(),
        Place::ServiceRevision => {
            let current = service.current_service_revisions.iter();
            let looks = current.map(|current| {
                let seen = observed.running_images(&current.arn)?;
                Ok::<_, Wants>((&current.arn, seen))
            });
            let mut newest: Option<&ServiceRevision> = None;
            for (arn, seen) in crate::observed::all(looks)? {
                match seen {
                    Seen::Found(revision) => {
                        let is_primary = revision.task_definition == primary.task_definition;
                        let is_newer = newest.is_none_or(|n| n.created_at < revision.created_at);
                        if is_primary && is_newer {
                            newest = Some(revision);
                        }
                    }
                    Seen::Missing => {}
                    Seen::Unreadable(why) => {
                        return Ok(Err(unreadable(format!("service revision {arn}"), why)));
                    }
                }
            }
            newest.and_then(|revision| revision.document.get(name).cloned())
        }
    }))
}

/// Whether AWS set a tag, which nobody else may change (tagging guide, "aws:").
fn is_of_aws(tag: &Value) -> bool {
    let key = tag.get("key").and_then(Value::as_str);
    key.is_some_and(|key| key.starts_with("aws:"))
}

/// The tags to set and the keys of those to take away.
fn tags(service: ServiceArn, live: Option<&Value>, wanted: Option<&Value>) -> TagChange {
    let list = |tags: Option<&Value>| -> Vec<Tag> {
        let tags = tags.and_then(Value::as_array).into_iter().flatten();
        tags.filter_map(|tag| serde_json::from_value(tag.clone()).ok())
            .collect()
    };
    let (live, wanted) = (list(live), list(wanted));
    TagChange {
        service,
        remove: live
            .iter()
            .map(|tag| &tag.key)
            .filter(|key| !wanted.iter().any(|tag| tag.key == **key))
            .cloned()
            .collect(),
        set: wanted
            .into_iter()
            .filter(|tag| !live.contains(tag))
            .collect(),
    }
}
