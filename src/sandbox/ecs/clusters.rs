//! Clusters: no more than names that services live in.

use serde_json::{Map, Value, json};

use super::super::context::{Context, listed};
use super::super::state::{Cluster, Place, Scope, ServiceStatus};
use super::super::wire::{Answer, Refusal};
use super::name_of;

pub(super) fn create(context: &mut Context) -> Answer {
    let name = context.text("clusterName").unwrap_or("default");
    if name.parse::<crate::model::ClusterName>().is_err() {
        return Err(Refusal::parameter(format!("Invalid cluster name {name}.")));
    }
    let mut settings = context.body.clone();
    settings.shift_remove("clusterName");
    let tags = context.values("tags").to_vec();
    settings.shift_remove("tags");
    let cluster = Cluster { settings, tags };
    context
        .place()
        .clusters
        .entry(name.to_owned())
        .or_insert(cluster);
    let scope = context.scope.clone();
    Ok(json!({"cluster": view(&scope, context.place(), name, true)}))
}

pub(super) fn describe(context: &mut Context) -> Answer {
    let mut names = context.texts("clusters");
    if names.is_empty() {
        names.push("default");
    }
    let (scope, tags) = (context.scope.clone(), context.includes("TAGS"));
    let none = Place::default();
    let place = context.state.place(&scope).unwrap_or(&none);
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for name in names.into_iter().map(name_of) {
        if place.clusters.contains_key(name) {
            clusters.push(view(&scope, place, name, tags));
        } else {
            failures.push(
                json!({"arn": scope.arn("ecs", &format!("cluster/{name}")), "reason": "MISSING"}),
            );
        }
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

pub(super) fn list(context: &mut Context) -> Answer {
    let names: Vec<String> = context
        .state
        .place(&context.scope)
        .into_iter()
        .flat_map(|p| p.clusters.keys().cloned())
        .collect();
    let arns = names
        .iter()
        .map(|name| context.scope.arn("ecs", &format!("cluster/{name}")))
        .collect();
    Ok(listed(
        "clusterArns",
        context.page::<String>(arns, 100, 100)?,
    ))
}

fn view(scope: &Scope, place: &Place, name: &str, tags: bool) -> Value {
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    let services: Vec<_> = place
        .services
        .values()
        .filter(|s| s.cluster == name)
        .collect();
    let one_off = || place.one_off.iter().filter(|one| one.cluster == name);
    let tasks = || {
        let of_services = services.iter().flat_map(|service| &service.tasks);
        of_services.chain(one_off().map(|one| &one.task))
    };
    put(
        "clusterArn",
        scope.arn("ecs", &format!("cluster/{name}")).into(),
    );
    put("clusterName", name.into());
    put("status", "ACTIVE".into());
    put("registeredContainerInstancesCount", 0.into());
    put(
        "runningTasksCount",
        tasks().filter(|task| task.runs()).count().into(),
    );
    put(
        "pendingTasksCount",
        tasks().filter(|task| task.starts()).count().into(),
    );
    put(
        "activeServicesCount",
        services
            .iter()
            .filter(|s| s.status == ServiceStatus::Active)
            .count()
            .into(),
    );
    for key in [
        "statistics",
        "settings",
        "capacityProviders",
        "defaultCapacityProviderStrategy",
    ] {
        put(key, Value::Array(Vec::new()));
    }
    if let Some(cluster) = place.clusters.get(name) {
        for (key, value) in &cluster.settings {
            put(key, value.clone());
        }
        put(
            "tags",
            if tags {
                cluster.tags.clone().into()
            } else {
                Value::Array(Vec::new())
            },
        );
    }
    Value::Object(view)
}
