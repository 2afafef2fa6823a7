//! The beginning of a deployment.

use serde_json::{Map, Value};

use super::super::clock::Millis;
use super::super::ids;
use super::super::state::{
    Breaker, DeployedContainer, Deployment, Phase, Rollout, Service, ServiceDeployment,
    ServiceRevision,
};
use super::{alarms, breaker, staged};

/// What a deployment is to bring.
pub(in super::super) struct Wanted {
    /// ARN of the revision.
    pub task_definition: String,
    pub containers: Vec<DeployedContainer>,
}

/// Settings of a service that belong to its revision: they start a deployment
/// when they change (API reference, UpdateService).
pub(in super::super) const OF_A_REVISION: [&str; 12] = [
    "capacityProviderStrategy",
    "gatewayConnectors",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "platformFamily",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "monitoring",
];

/// Makes a new PRIMARY deployment. One that is still in progress is
/// superseded: it becomes ACTIVE and its service deployment stops.
pub(in super::super) fn begin(service: &mut Service, wanted: Wanted, now: Millis) {
    let superseded = service
        .deployments
        .first()
        .filter(|d| d.rollout == Rollout::InProgress);
    let superseded = superseded.map(|d| d.service_deployment.clone());
    if let Some(record) = service
        .history
        .iter_mut()
        .find(|r| Some(&r.arn) == superseded.as_ref())
    {
        record.status = "STOP_REQUESTED".to_owned();
        record.reason =
            Some("Service deployment was superseded by a newer service deployment.".to_owned());
        record.updated_at = now;
    }
    let id = ids::digits(&service.next_seed());
    let path = format!("{}/{}", service.cluster, service.name);
    let revision = service
        .scope
        .arn("ecs", &format!("service-revision/{path}/{id}"));
    let record = ids::hex(&service.next_seed())[..21].to_owned();
    let record = service
        .scope
        .arn("ecs", &format!("service-deployment/{path}/{record}"));
    let deployment = format!("ecs-svc/{id}");

    let sources = sources(service);
    let configuration = service
        .settings
        .get("deploymentConfiguration")
        .cloned()
        .unwrap_or(Value::Null);
    let status = if breaker::enabled(service) {
        "MONITORING"
    } else {
        "DISABLED"
    };
    let threshold = if breaker::enabled(service) {
        breaker::threshold(service)
    } else {
        0
    };
    service.history.insert(
        0,
        ServiceDeployment {
            arn: record.clone(),
            status: "PENDING".to_owned(),
            reason: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
            stopped_at: None,
            sources,
            target: revision.clone(),
            breaker: Breaker {
                status: status.to_owned(),
                failures: 0,
                threshold,
            },
            rollback: None,
            staged: staged::begun(&configuration),
            alarms: alarms::configured(&configuration),
            configuration,
        },
    );
    service.revisions.insert(
        0,
        ServiceRevision {
            arn: revision.clone(),
            task_definition: wanted.task_definition.clone(),
            created_at: now,
            containers: wanted.containers.clone(),
            settings: revision_settings(&service.settings),
            deployment: deployment.clone(),
            completed: false,
        },
    );
    service.deployments.insert(
        0,
        Deployment {
            reason: format!("ECS deployment {deployment} in progress."),
            id: deployment,
            task_definition: wanted.task_definition,
            rollout: Rollout::InProgress,
            failed_tasks: 0,
            failures_in_a_row: 0,
            created_at: now,
            updated_at: now,
            steady_since: None,
            containers: wanted.containers,
            revision,
            service_deployment: record,
            rollback: false,
        },
    );
    staged::start(service, now);
}

fn revision_settings(settings: &Map<String, Value>) -> Map<String, Value> {
    let kept = settings
        .iter()
        .filter(|(key, _)| OF_A_REVISION.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The service revisions whose tasks are to be replaced.
fn sources(service: &Service) -> Vec<String> {
    let mut arns: Vec<String> = Vec::new();
    for deployment in &service.deployments {
        let alive = service
            .tasks
            .iter()
            .any(|t| t.deployment == deployment.id && t.phase != Phase::Stopped);
        if alive && !arns.contains(&deployment.revision) {
            arns.push(deployment.revision.clone());
        }
    }
    arns
}
