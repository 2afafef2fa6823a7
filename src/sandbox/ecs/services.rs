//! Services: made, described, listed, deleted.

use serde_json::{Map, Value, json};

use super::super::context::{Context, listed};
use super::super::ecr;
use super::super::rollout::{self, Wanted};
use super::super::state::{Service, ServiceStatus};
use super::super::wire::{Answer, Refusal};
use super::{cluster, definitions, lag, name_of, view};

/// Request keys that are no settings of the service.
pub(super) const NO_SETTINGS: [&str; 9] = [
    "cluster",
    "serviceName",
    "service",
    "taskDefinition",
    "desiredCount",
    "clientToken",
    "forceNewDeployment",
    "tags",
    "role",
];

pub(super) fn create(context: &mut Context) -> Answer {
    let cluster = cluster(context)?.to_owned();
    let name = context.required("serviceName")?;
    if name.parse::<crate::model::ServiceName>().is_err() {
        return Err(Refusal::parameter(
            "Service name contains invalid characters.",
        ));
    }
    let key = Service::key(&cluster, name);
    let existing = context
        .place()
        .services
        .get(&key)
        .map(|service| service.status);
    if matches!(
        existing,
        Some(ServiceStatus::Active | ServiceStatus::Draining)
    ) {
        return Err(Refusal::parameter(
            "Creation of service was not idempotent.",
        ));
    }
    let wanted = wanted(context, context.required("taskDefinition")?)?;
    let desired = context.count("desiredCount")?.unwrap_or(1);
    let revision = definitions::usable(context.state, &context.scope, &wanted.task_definition)?;
    let awsvpc = revision
        .document
        .get("networkMode")
        .is_some_and(|mode| mode == "awsvpc");
    if awsvpc
        && context
            .body
            .get("networkConfiguration")
            .is_none_or(Value::is_null)
    {
        return Err(Refusal::parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    check_strategy(context.body)?;
    let settings = with_defaults(settings(context.body));
    let service = Service::new(context.scope.clone(), &cluster, name, context.now);
    let mut service = Service {
        settings,
        tags: context.values("tags").to_vec(),
        desired,
        ..service
    };
    rollout::begin(&mut service, wanted, context.now);
    rollout::changed(&mut service, context.now);
    let answer = json!({"service": view::service(&service, true)});
    context.place().services.insert(key, service);
    Ok(answer)
}

/// The revision to run and its images as the registry has them now.
pub(super) fn wanted(context: &mut Context, task_definition: &str) -> Result<Wanted, Refusal> {
    let revision = definitions::usable(context.state, &context.scope, task_definition)?.clone();
    let arn = revision
        .document
        .get("taskDefinitionArn")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let containers = ecr::deployed(context.state, &revision.document, context.now);
    Ok(Wanted {
        task_definition: arn.to_owned(),
        containers,
    })
}

/// The settings among a request's keys.
pub(super) fn settings(body: &Map<String, Value>) -> Map<String, Value> {
    let kept = body
        .iter()
        .filter(|(key, value)| !NO_SETTINGS.contains(&key.as_str()) && !value.is_null());
    kept.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Refuses a strategy that there is not.
pub(super) fn check_strategy(body: &Map<String, Value>) -> Result<(), Refusal> {
    let strategy = body.get("deploymentConfiguration");
    match strategy.and_then(|c| c.get("strategy")?.as_str()) {
        None | Some("ROLLING" | "BLUE_GREEN" | "LINEAR" | "CANARY") => Ok(()),
        Some(other) => Err(Refusal::parameter(format!(
            "Invalid deployment strategy {other}."
        ))),
    }
}

/// What CreateService fills in.
pub(in super::super) fn with_defaults(mut settings: Map<String, Value>) -> Map<String, Value> {
    let fargate = settings
        .get("launchType")
        .is_some_and(|launch| launch == "FARGATE");
    for (key, value) in [
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
        ("deploymentController", json!({"type": "ECS"})),
        ("deploymentConfiguration", json!({})),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("schedulingStrategy", json!("REPLICA")),
        ("enableECSManagedTags", json!(false)),
        ("propagateTags", json!("NONE")),
        ("enableExecuteCommand", json!(false)),
        ("availabilityZoneRebalancing", json!("ENABLED")),
    ] {
        settings.entry(key).or_insert(value);
    }
    if !settings.contains_key("launchType") && !settings.contains_key("capacityProviderStrategy") {
        settings.insert("launchType".to_owned(), "EC2".into());
    }
    if fargate {
        settings.entry("platformVersion").or_insert("LATEST".into());
        settings.entry("platformFamily").or_insert("Linux".into());
    }
    if let Some(configuration) = settings
        .get_mut("deploymentConfiguration")
        .and_then(Value::as_object_mut)
    {
        for (key, value) in [
            (
                "deploymentCircuitBreaker",
                json!({"enable": false, "rollback": false}),
            ),
            ("maximumPercent", json!(200)),
            ("minimumHealthyPercent", json!(100)),
            ("strategy", json!("ROLLING")),
            ("bakeTimeInMinutes", json!(0)),
        ] {
            configuration.entry(key).or_insert(value);
        }
    }
    settings
}

pub(super) fn describe(context: &mut Context) -> Answer {
    let cluster = cluster(context)?;
    let names = context.texts("services");
    if names.is_empty() {
        return Err(Refusal::parameter("Services cannot be empty."));
    }
    if names.len() > 10 {
        return Err(Refusal::parameter(
            "Number of services should be at most 10.",
        ));
    }
    let tags = context.includes("TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for name in names.into_iter().map(name_of) {
        match find(context, cluster, name) {
            Some(service) => {
                let shown = lag::described(service, context.now);
                services.push(view::service(shown, tags));
            }
            None => {
                let arn = context
                    .scope
                    .arn("ecs", &format!("service/{cluster}/{name}"));
                failures.push(json!({"arn": arn, "reason": "MISSING"}));
            }
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

pub(super) fn find<'a>(context: &'a Context, cluster: &str, name: &str) -> Option<&'a Service> {
    context
        .state
        .place(&context.scope)?
        .services
        .get(&Service::key(cluster, name_of(name)))
}

pub(super) fn list(context: &mut Context) -> Answer {
    let cluster = cluster(context)?;
    let (launch, scheduling) = (
        context.text("launchType"),
        context.text("schedulingStrategy"),
    );
    let place = context.state.place(&context.scope);
    let services = place.into_iter().flat_map(|place| place.services.values());
    let is = |service: &Service, key: &str, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| {
            service
                .settings
                .get(key)
                .is_some_and(|value| value == wanted)
        })
    };
    let arns = services
        .filter(|service| service.cluster == cluster && service.status != ServiceStatus::Inactive)
        .filter(|service| {
            is(service, "launchType", launch) && is(service, "schedulingStrategy", scheduling)
        })
        .map(Service::arn)
        .collect();
    Ok(listed(
        "serviceArns",
        context.page::<String>(arns, 10, 100)?,
    ))
}

pub(super) fn delete(context: &mut Context) -> Answer {
    let (cluster, name) = (cluster(context)?, name_of(context.required("service")?));
    let (force, now) = (context.flag("force"), context.now);
    let service = active(context, cluster, name)?;
    if service.desired > 0 && !force {
        return Err(Refusal::parameter(
            "The service cannot be stopped while it is scaled above 0.",
        ));
    }
    service.status = ServiceStatus::Draining;
    service.desired = 0;
    rollout::changed(service, now);
    Ok(json!({"service": view::service(service, false)}))
}

/// The service that a request is to change.
pub(super) fn active<'a>(
    context: &'a mut Context,
    cluster: &str,
    name: &str,
) -> Result<&'a mut Service, Refusal> {
    let service = context
        .place()
        .services
        .get_mut(&Service::key(cluster, name));
    match service {
        None => Err(Refusal::new(
            "ServiceNotFoundException",
            "Service not found.",
        )),
        Some(service) if service.status != ServiceStatus::Active => Err(Refusal::new(
            "ServiceNotActiveException",
            "Service was not ACTIVE.",
        )),
        Some(service) => Ok(service),
    }
}
