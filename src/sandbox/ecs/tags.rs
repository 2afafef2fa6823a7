//! Tags of clusters, services and task definitions.

use serde_json::{Value, json};

use super::super::context::Context;
use super::super::wire::{Answer, Refusal};
use super::definitions;

pub(super) fn tag(context: &mut Context) -> Answer {
    let added = context.values("tags");
    let tags = of(context)?;
    for tag in added {
        tags.retain(|old| old.get("key") != tag.get("key"));
        tags.push(tag.clone());
    }
    Ok(json!({}))
}

pub(super) fn untag(context: &mut Context) -> Answer {
    let keys = context.texts("tagKeys");
    of(context)?.retain(|tag| {
        tag.get("key")
            .and_then(Value::as_str)
            .is_none_or(|key| !keys.contains(&key))
    });
    Ok(json!({}))
}

pub(super) fn list(context: &mut Context) -> Answer {
    let tags = of(context)?.clone();
    Ok(json!({"tags": tags}))
}

/// The tags of the resource that the request names.
fn of<'a>(context: &'a mut Context) -> Result<&'a mut Vec<Value>, Refusal> {
    let arn = context.required("resourceArn")?;
    let prefix = context.scope.arn("ecs", "");
    let resource = arn.strip_prefix(&prefix).unwrap_or_default();
    let place = context.place();
    let found = match resource.split_once('/') {
        Some(("cluster", name)) => place
            .clusters
            .get_mut(name)
            .map(|cluster| &mut cluster.tags),
        Some(("service", key)) => place.services.get_mut(key).map(|service| &mut service.tags),
        Some(("task-definition", name)) => definitions::name(name).and_then(|(family, number)| {
            let revision = place
                .families
                .get_mut(family)?
                .revisions
                .get_mut(&number?)?;
            Some(&mut revision.tags)
        }),
        _ => None,
    };
    found.ok_or_else(|| Refusal::parameter(format!("The specified resource was not found: {arn}")))
}
