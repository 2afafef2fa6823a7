//! UpdateService: what changes at once, and what begins a deployment.

use serde_json::{Map, Value, json};

use super::super::context::Context;
use super::super::rollout::{self, OF_A_REVISION};
use super::super::wire::{Answer, Refusal};
use super::services::{active, check_strategy, settings, wanted};
use super::{cluster, lag, name_of, view};

/// In ECS's words.
const FORCE: &str = "When switching from launch type to capacity provider strategy on an existing \
     service, or making a change to a capacity provider strategy on a service that is already \
     using one, you must force a new deployment.";

pub(super) fn update(context: &mut Context) -> Answer {
    let (cluster, name) = (cluster(context)?, name_of(context.required("service")?));
    check_strategy(context.body)?;
    let names_definition = context.text("taskDefinition").is_some();
    let current = active(context, cluster, name)?;
    let controller = current
        .settings
        .get("deploymentController")
        .and_then(|c| c.get("type"))
        .and_then(Value::as_str);
    if names_definition && matches!(controller, Some("CODE_DEPLOY" | "EXTERNAL")) {
        return Err(Refusal::parameter(
            "Unable to update task definition on services with a CODE_DEPLOY deployment controller. \
             Use AWS CodeDeploy to trigger a new deployment.",
        ));
    }
    let current_definition = current
        .deployments
        .first()
        .map(|d| d.task_definition.clone());
    let requested = context
        .text("taskDefinition")
        .map(|text| wanted(context, text))
        .transpose()?;
    let desired = context.count("desiredCount")?;
    let sent = settings(context.body);
    let force = context.flag("forceNewDeployment");

    let service = active(context, cluster, name)?;
    let strategy = |settings: &Map<String, Value>| {
        let strategy = settings.get("capacityProviderStrategy").cloned();
        strategy.filter(|strategy| *strategy != json!([]))
    };
    if sent.contains_key("capacityProviderStrategy")
        && strategy(&sent) != strategy(&service.settings)
        && !force
    {
        return Err(Refusal::parameter(FORCE));
    }
    let differs = sent.iter().any(|(key, value)| {
        OF_A_REVISION.contains(&key.as_str()) && service.settings.get(key) != Some(value)
    });
    let moves = requested
        .as_ref()
        .is_some_and(|wanted| Some(&wanted.task_definition) != current_definition.as_ref());
    let deploys = force || differs || moves;
    // What it runs stays, but its images are looked up again.
    let again = current_definition.filter(|_| deploys && requested.is_none());
    let again = again.map(|arn| wanted(context, &arn)).transpose()?;

    let (now, options) = (context.now, context.options);
    let service = active(context, cluster, name)?;
    lag::remember(service, options, now);
    for (key, value) in sent {
        match (
            service
                .settings
                .get_mut(&key)
                .and_then(Value::as_object_mut),
            value,
        ) {
            (Some(old), Value::Object(new)) if key == "deploymentConfiguration" => old.extend(new),
            (_, value) => {
                service.settings.insert(key, value);
            }
        }
    }
    // A service has either a strategy or a launch type.
    if strategy(&service.settings).is_some() {
        service.settings.shift_remove("launchType");
    } else if !service.settings.contains_key("launchType") {
        let fargate = service.settings.contains_key("platformVersion");
        let launch = if fargate { "FARGATE" } else { "EC2" };
        service.settings.insert("launchType".into(), launch.into());
    }
    if let Some(desired) = desired {
        service.desired = desired;
    }
    if let Some(wanted) = requested.or(again).filter(|_| deploys) {
        rollout::begin(service, wanted, now);
    }
    rollout::changed(service, now);
    Ok(json!({"service": view::service(service, true)}))
}
