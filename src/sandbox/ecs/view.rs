//! Services, deployments and tasks as responses show them.

use serde_json::{Map, Value, json};

use super::super::clock::{Millis, timestamp};
use super::super::state::{DeployedContainer, Deployment, Rollout, Service, ServiceStatus, Stage};

/// Settings that DescribeServices shows with the deployment, or not at all.
const NOT_OF_SERVICES: [&str; 5] = [
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

/// Settings that it does not show with the deployment.
const NOT_OF_DEPLOYMENTS: [&str; 4] = [
    "loadBalancers",
    "serviceRegistries",
    "gatewayConnectors",
    "monitoring",
];

pub(super) fn service(service: &Service, tags: bool) -> Value {
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("serviceArn", service.arn().into());
    put("serviceName", service.name.clone().into());
    put("clusterArn", service.cluster_arn().into());
    put("status", status(service.status).into());
    put("desiredCount", service.desired.into());
    put(
        "runningCount",
        service
            .tasks
            .iter()
            .filter(|task| task.runs())
            .count()
            .into(),
    );
    put(
        "pendingCount",
        service
            .tasks
            .iter()
            .filter(|task| task.starts())
            .count()
            .into(),
    );
    for (key, value) in &service.settings {
        if !NOT_OF_SERVICES.contains(&key.as_str()) {
            put(key, value.clone());
        }
    }
    let primary = service.deployments.first();
    let last = service.revisions.first();
    let definition = primary
        .map(|d| &d.task_definition)
        .or(last.map(|r| &r.task_definition));
    put("taskDefinition", definition.cloned().into());
    let deployments = service.deployments.iter().enumerate();
    put(
        "deployments",
        deployments
            .map(|(place, d)| deployment(service, d, place == 0))
            .collect(),
    );
    put(
        "events",
        service
            .events
            .iter()
            .map(|e| json!({"id": e.id, "createdAt": timestamp(e.at), "message": e.message}))
            .collect(),
    );
    put("createdAt", timestamp(service.created_at));
    put(
        "createdBy",
        service
            .scope
            .arn("iam", "user/sandbox")
            .replace(service.scope.region.as_str(), "")
            .into(),
    );
    put("resourceManagementType", "CUSTOMER".into());
    if let Some(primary) = primary {
        put(
            "currentServiceDeployment",
            primary.service_deployment.clone().into(),
        );
    }
    put("currentServiceRevisions", current_revisions(service));
    if tags {
        put("tags", service.tags.clone().into());
    }
    Value::Object(view)
}

fn status(status: ServiceStatus) -> &'static str {
    match status {
        ServiceStatus::Active => "ACTIVE",
        ServiceStatus::Draining => "DRAINING",
        ServiceStatus::Inactive => "INACTIVE",
    }
}

struct Counts {
    requested: usize,
    pending: usize,
    running: usize,
}

/// The tasks of the deployments that are chosen.
fn counts(service: &Service, chosen: impl Fn(&Deployment) -> bool) -> Counts {
    let mut counts = Counts {
        requested: 0,
        pending: 0,
        running: 0,
    };
    for (place, deployment) in service
        .deployments
        .iter()
        .enumerate()
        .filter(|(_, d)| chosen(d))
    {
        let own = || {
            service
                .tasks
                .iter()
                .filter(|task| task.deployment == deployment.id)
        };
        counts.pending += own().filter(|task| task.starts()).count();
        counts.running += own().filter(|task| task.runs()).count();
        counts.requested += match (place, deployment.rollout) {
            // Blue/green deployments start nothing in their first stages.
            (0, Rollout::InProgress) if is_before_scale_up(service) => 0,
            (0, Rollout::InProgress | Rollout::Completed) => service.desired as usize,
            _ => own().filter(|task| task.lives()).count(),
        };
    }
    counts
}

fn is_before_scale_up(service: &Service) -> bool {
    let staged = service.current().and_then(|record| record.staged.as_ref());
    staged.is_some_and(|staged| staged.stage < Stage::ScaleUp)
}

fn deployment(service: &Service, deployment: &Deployment, primary: bool) -> Value {
    let counts = counts(service, |d| d.id == deployment.id);
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("id", deployment.id.clone().into());
    put("status", if primary { "PRIMARY" } else { "ACTIVE" }.into());
    put("taskDefinition", deployment.task_definition.clone().into());
    put("desiredCount", counts.requested.into());
    put("pendingCount", counts.pending.into());
    put("runningCount", counts.running.into());
    put("failedTasks", deployment.failed_tasks.into());
    put("createdAt", timestamp(deployment.created_at));
    put("updatedAt", timestamp(deployment.updated_at));
    let settings = service
        .revision(&deployment.revision)
        .map(|revision| &revision.settings);
    for (key, value) in settings.into_iter().flatten() {
        if !NOT_OF_DEPLOYMENTS.contains(&key.as_str()) {
            put(key, resolved(key, value));
        }
    }
    let controller = service
        .settings
        .get("deploymentController")
        .and_then(|c| c.get("type"));
    // Behind a Classic Load Balancer ECS tells no state.
    let balancers = service.settings.get("loadBalancers");
    let classic = balancers.is_some_and(|list| list.pointer("/0/loadBalancerName").is_some());
    if controller.is_none_or(|controller| controller == "ECS") && !classic {
        put("rolloutState", rollout_state(deployment.rollout).into());
        put("rolloutStateReason", deployment.reason.clone().into());
    }
    Value::Object(view)
}

/// A setting as a deployment or a task has it: a service keeps `LATEST`, what
/// it starts has the version that this is.
pub(super) fn resolved(key: &str, value: &Value) -> Value {
    match value.as_str() {
        Some("LATEST") if key == "platformVersion" => "1.4.0".into(),
        _ => value.clone(),
    }
}

fn rollout_state(rollout: Rollout) -> &'static str {
    match rollout {
        Rollout::InProgress => "IN_PROGRESS",
        Rollout::Completed => "COMPLETED",
        Rollout::Failed => "FAILED",
    }
}

fn current_revisions(service: &Service) -> Value {
    let mut arns: Vec<&str> = Vec::new();
    for deployment in &service.deployments {
        if !arns.contains(&deployment.revision.as_str()) {
            arns.push(&deployment.revision);
        }
    }
    arns.into_iter()
        .map(|arn| revision_summary(service, arn))
        .collect()
}

/// A service revision with the tasks it has.
pub(super) fn revision_summary(service: &Service, arn: &str) -> Value {
    let counts = counts(service, |deployment| deployment.revision == arn);
    json!({
        "arn": arn,
        "requestedTaskCount": counts.requested,
        "runningTaskCount": counts.running,
        "pendingTaskCount": counts.pending,
    })
}

pub(super) fn container_images(containers: &[DeployedContainer]) -> Value {
    let image = |container: &DeployedContainer| {
        let mut view = json!({"containerName": container.name, "image": container.image});
        if let Some(digest) = &container.digest {
            view["imageDigest"] = digest.clone().into();
        }
        view
    };
    containers.iter().map(image).collect()
}

/// Puts the moments that have come.
pub(super) fn put_times<const N: usize>(
    view: &mut Map<String, Value>,
    times: [(&str, Option<Millis>); N],
) {
    for (key, at) in times {
        if let Some(at) = at {
            view.insert(key.to_owned(), timestamp(at));
        }
    }
}
