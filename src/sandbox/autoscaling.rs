//! Application Auto Scaling, as far as it keeps the bounds of services. Nobody
//! is scaled.

use serde_json::{Value, json};

use super::clock::timestamp;
use super::context::Context;
use super::wire::{Answer, Refusal, unknown};

pub(super) fn answer(operation: &str, context: &mut Context) -> Answer {
    match operation {
        "RegisterScalableTarget" => register(context),
        "DeregisterScalableTarget" => deregister(context),
        "DescribeScalableTargets" => describe(context),
        _ => Err(unknown(&format!(
            "the sandbox's Application Auto Scaling has no operation {operation}"
        ))),
    }
}

fn register(context: &mut Context) -> Answer {
    let resource = context.required("ResourceId")?.to_owned();
    let known = context.place().scalable.get(&resource).cloned();
    let bound = |name: &str| -> Result<Value, Refusal> {
        match (context.count(name)?, &known) {
            (Some(count), _) => Ok(count.into()),
            (None, Some(known)) => Ok(known[name].clone()),
            (None, None) => Err(Refusal::new(
                "ValidationException",
                format!("{name} must be set to register a scalable target"),
            )),
        }
    };
    let target = json!({
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": bound("MinCapacity")?,
        "MaxCapacity": bound("MaxCapacity")?,
        "CreationTime": timestamp(context.now),
    });
    context.place().scalable.insert(resource, target);
    Ok(json!({}))
}

fn deregister(context: &mut Context) -> Answer {
    let resource = context.required("ResourceId")?;
    match context.place().scalable.remove(resource) {
        Some(_) => Ok(json!({})),
        None => Err(Refusal::new(
            "ObjectNotFoundException",
            format!("No scalable target registered for resource ID: {resource}"),
        )),
    }
}

fn describe(context: &mut Context) -> Answer {
    let resources = context.texts("ResourceIds");
    if resources.len() > 50 {
        return Err(Refusal::new(
            "ValidationException",
            "At most 50 resource IDs can be described at a time.",
        ));
    }
    let targets = context.place().scalable.iter();
    let targets = targets
        .filter(|(resource, _)| resources.is_empty() || resources.contains(&resource.as_str()));
    let targets: Vec<Value> = targets.map(|(_, target)| target.clone()).collect();
    Ok(json!({"ScalableTargets": targets}))
}
