//! ECS's own words for why a task did not start, or was stopped.

use serde_json::Value;

use super::super::ids;
use super::super::state::{DeployedContainer, Service};

const GUIDE: &str =
    "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
pub(in super::super) const NO_FARGATE: &str = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
pub(in super::super) const OUT_OF_MEMORY: &str =
    "OutOfMemoryError: Container killed due to memory usage";

/// An image that the registry does not have, on Fargate.
pub(super) fn pull(container: Option<&DeployedContainer>) -> String {
    let image = container.map_or("", |c| c.image.as_str());
    format!(
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): \
         failed to resolve ref {image}: {image}: not found"
    )
}

/// A secret that the execution role may not read.
pub(super) fn secret(container: Option<&DeployedContainer>, task: &str) -> String {
    let start = "ResourceInitializationError: unable to pull secrets or registry auth: \
                 execution resource retrieval failed:";
    let Some(secret) = container.and_then(|container| container.secret.as_ref()) else {
        return format!(
            "{start} unable to retrieve ecr registry auth: service call has been retried 3 time(s): \
             RequestError: send request failed. Please check your task network configuration."
        );
    };
    let mut parts = secret.role.splitn(6, ':').skip(1);
    let partition = parts.next().unwrap_or("aws");
    let account = parts.nth(2).unwrap_or_default();
    let role = secret.role.rsplit('/').next().unwrap_or_default();
    let user = format!("arn:{partition}:sts::{account}:assumed-role/{role}/{task}");
    let from = &secret.from;
    let request = ids::uuid(&format!("{task} {from}"));
    let denied = |action: &str| {
        format!(
            "AccessDeniedException: User: {user} is not authorized to perform: {action} on resource: {from} \
             because no identity-based policy allows the {action} action status code: 400, request id: {request}"
        )
    };
    if from.contains(":secretsmanager:") {
        return format!(
            "{start} unable to retrieve secret from asm: service call has been retried 1 time(s): \
             failed to fetch secret {from} from secrets manager: {}",
            denied("secretsmanager:GetSecretValue")
        );
    }
    format!(
        "{start} unable to retrieve secrets from ssm: service call has been retried 1 time(s): {}",
        denied("ssm:GetParameters")
    )
}

/// The target group of the service's load balancer, and the port behind it.
pub(super) struct Target {
    arn: String,
    port: u64,
}

impl Target {
    pub(super) fn of(service: &Service) -> Self {
        let balancer = service
            .settings
            .get("loadBalancers")
            .and_then(|list| list.get(0));
        let arn = balancer.and_then(|b| b.get("targetGroupArn")?.as_str());
        let port = balancer.and_then(|b| b.get("containerPort")?.as_u64());
        // A service without a load balancer fails as if it had one: whoever
        // asks for this failure wants to see it.
        let made = || {
            let id = &ids::hex(&service.arn())[..16];
            let resource = format!("targetgroup/{}/{id}", service.name);
            service.scope.arn("elasticloadbalancing", &resource)
        };
        Self {
            arn: arn.map_or_else(made, str::to_owned),
            port: port.unwrap_or(8080),
        }
    }

    pub(super) fn reason(&self) -> String {
        format!(
            "Task failed ELB health checks in (target-group {})",
            self.arn
        )
    }

    pub(super) fn event(&self, task: &str) -> String {
        format!(
            "(task {task}) (port {}) is unhealthy in (target-group {}) due to \
             (reason Health checks failed with these codes: [502]).",
            self.port, self.arn
        )
    }
}

/// The event of a task for which there is no room.
pub(super) fn unplaced(service: &Service) -> String {
    if service.settings.get("launchType").and_then(Value::as_str) == Some("EC2") {
        let instance = ids::hex(&format!("{} instance", service.cluster_arn()));
        return format!(
            "was unable to place a task because no container instance met all of its requirements. \
             The closest matching (container-instance {instance}) encountered error \"RESOURCE:ENI\". {GUIDE}"
        );
    }
    format!("was unable to place a task. Reason: {NO_FARGATE}. {GUIDE}")
}
