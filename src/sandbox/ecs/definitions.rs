//! Task definitions: kept as the document that was sent, with what ECS adds.

use serde_json::{Map, Value, json};

use super::super::context::{Context, listed};
use super::super::ids;
use super::super::state::{Revision, Scope, State};
use super::super::wire::{Answer, Refusal};
use super::super::{clock, sts};
use super::normal::normalised;

pub(super) fn register(context: &mut Context) -> Answer {
    let normal = normalised(context.body)?;
    let (scope, now) = (context.scope.clone(), context.now);
    let revision = store(context.state, &scope, &normal.document, normal.tags, now);
    let mut answer = Map::new();
    answer.insert(
        "taskDefinition".to_owned(),
        document(&revision, context.options.shuffled),
    );
    if !revision.tags.is_empty() {
        answer.insert("tags".to_owned(), Value::from(revision.tags));
    }
    Ok(Value::Object(answer))
}

/// Adds the next revision of a family.
pub(in super::super) fn store(
    state: &mut State,
    scope: &Scope,
    request: &Map<String, Value>,
    tags: Vec<Value>,
    now: clock::Millis,
) -> Revision {
    let name = request
        .get("family")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let family = state
        .place_mut(scope)
        .families
        .entry(name.clone())
        .or_default();
    family.last += 1;
    let number = family.last;
    let mut document = Map::new();
    let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
    put(
        "taskDefinitionArn",
        scope
            .arn("ecs", &format!("task-definition/{name}:{number}"))
            .into(),
    );
    for (key, value) in request {
        put(key, value.clone());
    }
    put("revision", number.into());
    put("status", "ACTIVE".into());
    put("requiresAttributes", attributes(request));
    put("compatibilities", compatibilities(request));
    put("registeredAt", clock::timestamp(now));
    put("registeredBy", sts::identity(scope).into());
    let revision = Revision { document, tags };
    family.revisions.insert(number, revision.clone());
    revision
}

pub(super) fn describe(context: &mut Context) -> Answer {
    let wanted = context.required("taskDefinition")?;
    let found = find(context.state, &context.scope, wanted);
    let revision = found.ok_or_else(|| Refusal::client("Unable to describe task definition."))?;
    let mut answer = Map::new();
    answer.insert(
        "taskDefinition".to_owned(),
        document(revision, context.options.shuffled),
    );
    if context.includes("TAGS") {
        answer.insert("tags".to_owned(), Value::from(revision.tags.clone()));
    }
    Ok(Value::Object(answer))
}

pub(super) fn deregister(context: &mut Context) -> Answer {
    let wanted = context.required("taskDefinition")?;
    let (now, shuffled) = (context.now, context.options.shuffled);
    let Some((family, Some(number))) = name(wanted) else {
        return Err(Refusal::client(format!(
            "Invalid revision number. Number: {wanted}"
        )));
    };
    let revision = context
        .place()
        .families
        .get_mut(family)
        .and_then(|family| family.revisions.get_mut(&number));
    let revision =
        revision.ok_or_else(|| Refusal::client("The specified task definition does not exist."))?;
    revision
        .document
        .insert("status".to_owned(), "INACTIVE".into());
    revision
        .document
        .insert("deregisteredAt".to_owned(), clock::timestamp(now));
    Ok(json!({"taskDefinition": document(revision, shuffled)}))
}

pub(super) fn list(context: &mut Context) -> Answer {
    let (prefix, status) = (
        context.text("familyPrefix"),
        context.text("status").unwrap_or("ACTIVE"),
    );
    let place = context.state.place(&context.scope);
    let families = place.into_iter().flat_map(|place| &place.families);
    let mut arns: Vec<String> = families
        .filter(|(name, _)| prefix.is_none_or(|prefix| prefix == name.as_str()))
        .flat_map(|(_, family)| family.revisions.values())
        .filter(|revision| status_of(revision) == status)
        .filter_map(|revision| {
            revision
                .document
                .get("taskDefinitionArn")?
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    if context.text("sort") == Some("DESC") {
        arns.reverse();
    }
    Ok(listed("taskDefinitionArns", context.page(arns, 100, 100)?))
}

pub(super) fn families(context: &mut Context) -> Answer {
    let (prefix, status) = (
        context.text("familyPrefix").unwrap_or_default(),
        context.text("status").unwrap_or("ALL"),
    );
    let place = context.state.place(&context.scope);
    let families = place.into_iter().flat_map(|place| &place.families);
    let names: Vec<String> = families
        .filter(|(name, family)| {
            let active = family
                .revisions
                .values()
                .any(|revision| status_of(revision) == "ACTIVE");
            name.starts_with(prefix) && (status == "ALL" || active == (status == "ACTIVE"))
        })
        .map(|(name, _)| name.clone())
        .collect();
    Ok(listed("families", context.page(names, 100, 100)?))
}

/// Takes `ARN`, `family:revision` or `family` apart.
pub(super) fn name(text: &str) -> Option<(&str, Option<u64>)> {
    let text = text
        .rsplit_once("task-definition/")
        .map_or(text, |(_, name)| name);
    match text.rsplit_once(':') {
        None => Some((text, None)),
        Some((family, number)) => Some((family, Some(number.parse().ok()?))),
    }
}

/// The revision that a text names; a family alone is its newest ACTIVE one.
pub(super) fn find<'a>(state: &'a State, scope: &Scope, text: &str) -> Option<&'a Revision> {
    if text.starts_with("arn:") && !text.starts_with(&scope.arn("ecs", "task-definition/")) {
        return None;
    }
    let (family, number) = name(text)?;
    let revisions = &state.place(scope)?.families.get(family)?.revisions;
    match number {
        Some(number) => revisions.get(&number),
        None => revisions
            .values()
            .rev()
            .find(|revision| status_of(revision) == "ACTIVE"),
    }
}

/// The revision that a service is to run: it must be there and ACTIVE.
pub(super) fn usable<'a>(
    state: &'a State,
    scope: &Scope,
    text: &str,
) -> Result<&'a Revision, Refusal> {
    let found =
        find(state, scope, text).ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
    if status_of(found) != "ACTIVE" {
        return Err(Refusal::client("TaskDefinition is inactive"));
    }
    Ok(found)
}

fn status_of(revision: &Revision) -> &str {
    revision
        .document
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The document as a response has it.
fn document(revision: &Revision, shuffled: bool) -> Value {
    let mut document = revision.document.clone();
    let containers = document
        .get_mut("containerDefinitions")
        .and_then(Value::as_array_mut);
    for container in containers.filter(|_| shuffled).into_iter().flatten() {
        if let Some(list) = container
            .get_mut("environment")
            .and_then(Value::as_array_mut)
        {
            list.sort_by_cached_key(|entry| ids::number(&entry.to_string()));
        }
    }
    Value::Object(document)
}

fn compatibilities(request: &Map<String, Value>) -> Value {
    if request.get("networkMode").and_then(Value::as_str) == Some("awsvpc") {
        json!(["EC2", "FARGATE"])
    } else {
        json!(["EXTERNAL", "EC2"])
    }
}

/// The capabilities that the document needs of a container instance.
fn attributes(request: &Map<String, Value>) -> Value {
    let containers: Vec<&Value> = request
        .get("containerDefinitions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    let any = |key: &str| {
        containers.iter().any(|c| {
            c.get(key)
                .is_some_and(|v| v.as_array().is_none_or(|a| !a.is_empty()))
        })
    };
    let awslogs = containers.iter().any(|c| {
        c.pointer("/logConfiguration/logDriver")
            .is_some_and(|d| d == "awslogs")
    });
    let mut names = Vec::new();
    if awslogs {
        names.push("com.amazonaws.ecs.capability.logging-driver.awslogs");
        if request.contains_key("executionRoleArn") {
            names.push("ecs.capability.execution-role-awslogs");
        }
    }
    if request.contains_key("executionRoleArn") {
        names.push("com.amazonaws.ecs.capability.ecr-auth");
        names.push("ecs.capability.execution-role-ecr-pull");
    }
    if request.contains_key("taskRoleArn") {
        names.push("com.amazonaws.ecs.capability.task-iam-role");
    }
    if any("healthCheck") {
        names.push("ecs.capability.container-health-check");
    }
    if any("secrets") {
        names.push("ecs.capability.secrets.ssm.environment-variables");
    }
    if request.get("networkMode").and_then(Value::as_str) == Some("awsvpc") {
        names.push("ecs.capability.task-eni");
    }
    names.push("com.amazonaws.ecs.capability.docker-remote-api.1.18");
    names
        .into_iter()
        .map(|name| json!({"name": name}))
        .collect()
}
