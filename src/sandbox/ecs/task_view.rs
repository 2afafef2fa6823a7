//! Tasks as responses show them.

use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::rollout::{OF_A_REVISION, OUT_OF_MEMORY};
use super::super::state::{Behaviour, DeployedContainer, Phase, Service, Task};
use super::view::put_times;

pub(super) fn task(service: &Service, task: &Task) -> Value {
    let arn = service
        .scope
        .arn("ecs", &format!("task/{}/{}", service.cluster, task.id));
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("taskArn", arn.clone().into());
    put("clusterArn", service.cluster_arn().into());
    put("taskDefinitionArn", task.task_definition.clone().into());
    put("group", format!("service:{}", service.name).into());
    put("startedBy", task.deployment.clone().into());
    put("lastStatus", last_status(task.phase).into());
    put(
        "desiredStatus",
        if task.lives() { "RUNNING" } else { "STOPPED" }.into(),
    );
    put("healthStatus", health(task).into());
    for key in ["launchType", "platformVersion", "platformFamily"] {
        if let Some(value) = service
            .settings
            .get(key)
            .filter(|_| OF_A_REVISION.contains(&key))
        {
            put(key, value.clone());
        }
    }
    put(
        "availabilityZone",
        format!("{}a", service.scope.region).into(),
    );
    put("connectivity", "CONNECTED".into());
    put(
        "containers",
        task.containers
            .iter()
            .map(|c| container(service, task, &arn, c))
            .collect(),
    );
    put(
        "overrides",
        json!({"containerOverrides": [], "inferenceAcceleratorOverrides": []}),
    );
    put("attachments", json!([]));
    put("attributes", json!([]));
    put("tags", json!([]));
    put("version", 1.into());
    if let Some(stop) = &task.stop {
        put("stopCode", stop.code.clone().into());
        put("stoppedReason", stop.reason.clone().into());
    }
    let times = [
        ("createdAt", Some(task.created_at)),
        ("startedAt", task.started_at),
        ("stoppingAt", task.stopping_at),
        ("stoppedAt", task.stopped_at),
    ];
    put_times(&mut view, times);
    Value::Object(view)
}

fn last_status(phase: Phase) -> &'static str {
    match phase {
        Phase::Provisioning => "PROVISIONING",
        Phase::Pending => "PENDING",
        Phase::Running | Phase::Healthy => "RUNNING",
        Phase::Stopping => "DEPROVISIONING",
        Phase::Stopped => "STOPPED",
    }
}

fn health(task: &Task) -> &'static str {
    let failed_checks = task
        .culprit()
        .is_some_and(|c| c.behaviour == Behaviour::Unhealthy);
    match task.phase {
        Phase::Healthy => "HEALTHY",
        Phase::Stopping | Phase::Stopped if failed_checks => "UNHEALTHY",
        _ => "UNKNOWN",
    }
}

fn container(
    service: &Service,
    task: &Task,
    task_arn: &str,
    container: &DeployedContainer,
) -> Value {
    let id = ids::uuid(&format!("{} {}", task.id, container.name));
    let arn = service.scope.arn(
        "ecs",
        &format!("container/{}/{}/{id}", service.cluster, task.id),
    );
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("containerArn", arn.into());
    put("taskArn", task_arn.into());
    put("name", container.name.clone().into());
    put("image", container.image.clone().into());
    if let Some(digest) = container
        .digest
        .as_ref()
        .filter(|_| task.started_at.is_some())
    {
        put("imageDigest", digest.clone().into());
    }
    if task.started_at.is_some() {
        put(
            "runtimeId",
            format!("{}-{}", task.id, ids::number(&id) % 10_000_000_000).into(),
        );
    }
    put("lastStatus", last_status(task.phase).into());
    put("healthStatus", health(task).into());
    put("networkInterfaces", json!([]));
    put("networkBindings", json!([]));
    let guilty = task
        .culprit()
        .is_some_and(|culprit| culprit.name == container.name);
    if let Some(stop) = task.stop.as_ref().filter(|_| task.phase == Phase::Stopped) {
        let behaviour = if guilty && stop.failure {
            container.behaviour
        } else {
            Behaviour::Healthy
        };
        if behaviour == Behaviour::Unpullable {
            put("reason", stop.reason.clone().into());
        }
        if behaviour == Behaviour::OutOfMemory {
            put("reason", OUT_OF_MEMORY.into());
        }
        if task.started_at.is_some() {
            put("exitCode", exit_code(behaviour).into());
        }
    }
    Value::Object(view)
}

fn exit_code(behaviour: Behaviour) -> i64 {
    match behaviour {
        Behaviour::Crash => 1,
        // Killed: by the kernel, or because it did not stop when told to.
        Behaviour::OutOfMemory | Behaviour::Unhealthy => 137,
        // Stopped when told to, and said so.
        Behaviour::FailsElb => 143,
        _ => 0,
    }
}
