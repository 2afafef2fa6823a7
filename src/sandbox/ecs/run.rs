//! RunTask: tasks of no service.

use serde_json::{Map, Value, json};

use super::super::behaviour;
use super::super::clock::Millis;
use super::super::context::Context;
use super::super::rollout::{NO_FARGATE, STOPPED_VISIBLE, first_due};
use super::super::state::{Behaviour, DeployedContainer, OneOff, Phase, Run, Task};
use super::super::wire::{Answer, Refusal};
use super::super::{ecr, ids};
use super::task_view::{self, Known};
use super::{cluster, definitions};
use crate::model::ImageReference;

/// Request keys that say where and how the task runs.
const SETTINGS: [&str; 8] = [
    "launchType",
    "capacityProviderStrategy",
    "networkConfiguration",
    "platformVersion",
    "enableExecuteCommand",
    "enableECSManagedTags",
    "placementConstraints",
    "placementStrategy",
];

pub(super) fn run(context: &mut Context) -> Answer {
    let cluster = cluster(context)?.to_owned();
    let wanted = context.required("taskDefinition")?;
    let revision = definitions::usable(context.state, &context.scope, wanted)?.clone();
    let document = &revision.document;
    let count = context.count("count")?.unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(Refusal::parameter("Count must be between 1 and 10."));
    }
    let text = |key: &str| {
        document
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let network = context.body.get("networkConfiguration");
    if text("networkMode") == "awsvpc" && network.is_none_or(Value::is_null) {
        return Err(Refusal::parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    let overrides = context.body.get("overrides").cloned().unwrap_or(json!({}));
    let containers = ecr::deployed(context.state, document, context.now);
    let work = work(document, &containers, &overrides)?;

    let token = context.text("clientToken").map(str::to_owned);
    let now = context.now;
    if let Some(token) = &token {
        let started = context.place().one_off.iter();
        let before = started.filter(|one| one.client_token.as_ref() == Some(token));
        let before: Vec<OneOff> = before.cloned().collect();
        if !before.is_empty() {
            return Ok(answer(context, &before));
        }
    }
    let settings = settings(context.body);
    if containers
        .iter()
        .any(|c| c.behaviour == Behaviour::NoCapacity)
    {
        return Ok(json!({"tasks": [], "failures": [no_room(context, &settings)]}));
    }
    let mut tags = context.values("tags").to_vec();
    if tags.is_empty() && context.text("propagateTags") == Some("TASK_DEFINITION") {
        tags.clone_from(&revision.tags);
    }
    let started: Vec<OneOff> = (0..count)
        .map(|_| OneOff {
            cluster: cluster.clone(),
            group: context
                .text("group")
                .map_or_else(|| format!("family:{}", text("family")), str::to_owned),
            started_by: context.text("startedBy").map(str::to_owned),
            client_token: token.clone(),
            settings: settings.clone(),
            overrides: overrides.clone(),
            tags: tags.clone(),
            task: Task {
                run: Some(work.clone()),
                ..task(context, text("taskDefinitionArn"), &containers, now)
            },
        })
        .collect();
    let known = &mut context.place().one_off;
    known.retain(|one| {
        one.task
            .stopped_at
            .is_none_or(|at| at + STOPPED_VISIBLE > now)
    });
    known.extend(started.iter().cloned());
    Ok(answer(context, &started))
}

fn answer(context: &Context, started: &[OneOff]) -> Value {
    let tasks = started.iter();
    let tasks = tasks.map(|one| task_view::task(Known::OneOff(&context.scope, one), true));
    json!({"tasks": tasks.collect::<Value>(), "failures": []})
}

fn task(
    context: &mut Context,
    definition: &str,
    containers: &[DeployedContainer],
    now: Millis,
) -> Task {
    let seed = format!("{} run {now} {}", context.scope.key(), context.state.next());
    Task {
        id: ids::hex(&seed),
        deployment: String::new(),
        task_definition: definition.to_owned(),
        containers: containers.to_vec(),
        phase: Phase::Provisioning,
        due: Some(first_due(now)),
        created_at: now,
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        stop: None,
        run: None,
    }
}

/// The settings of the task, with what RunTask fills in.
fn settings(body: &Map<String, Value>) -> Map<String, Value> {
    let sent = body
        .iter()
        .filter(|(key, value)| SETTINGS.contains(&key.as_str()) && !value.is_null());
    let mut settings: Map<String, Value> = sent
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let provider = settings.get("capacityProviderStrategy");
    let provider = provider.and_then(|p| p.get(0)?.get("capacityProvider")?.as_str());
    let launch = match provider {
        Some(name) if name.starts_with("FARGATE") => "FARGATE",
        _ => "EC2",
    };
    let launch = settings
        .entry("launchType")
        .or_insert(launch.into())
        .clone();
    if launch == "FARGATE" {
        let version = settings.entry("platformVersion").or_insert("LATEST".into());
        if version == "LATEST" {
            *version = "1.4.0".into();
        }
        settings.entry("platformFamily").or_insert("Linux".into());
    }
    settings
}

fn no_room(context: &Context, settings: &Map<String, Value>) -> Value {
    if settings
        .get("launchType")
        .is_some_and(|launch| launch == "EC2")
    {
        let id = ids::hex(&format!("{} instance", context.scope.key()));
        let arn = context
            .scope
            .arn("ecs", &format!("container-instance/{id}"));
        return json!({"arn": arn, "reason": "RESOURCE:ENI"});
    }
    json!({"reason": NO_FARGATE})
}

/// Which container does the work, and how that ends.
fn work(
    document: &Map<String, Value>,
    containers: &[DeployedContainer],
    overrides: &Value,
) -> Result<Run, Refusal> {
    let overrides = overrides
        .get("containerOverrides")
        .and_then(Value::as_array);
    let mut chosen = None;
    for container in overrides.into_iter().flatten() {
        let name = container
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !containers.iter().any(|known| known.name == name) {
            return Err(Refusal::parameter(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
        if chosen.is_none() || container.get("command").is_some() {
            chosen = Some((name, container.get("command")));
        }
    }
    let first = || containers.iter().find(|container| container.essential);
    let name = match chosen {
        Some((name, _)) => name.to_owned(),
        None => first().map(|c| c.name.clone()).unwrap_or_default(),
    };
    let own = document
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let own = own
        .into_iter()
        .flatten()
        .find(|container| {
            container
                .get("name")
                .is_some_and(|own| own == name.as_str())
        })
        .and_then(|container| container.get("command"));
    let command = chosen.and_then(|(_, command)| command).or(own);
    let command: Vec<String> = command
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect();
    let image = containers.iter().find(|container| container.name == name);
    let image = image.and_then(|c| c.image.parse::<ImageReference>().ok());
    let bad = image.is_some_and(|image| image.tag().is_some_and(behaviour::fails_once));
    let fails = bad || command.iter().any(|word| word.contains("fail"));
    Ok(Run {
        container: name,
        command,
        fails,
    })
}
