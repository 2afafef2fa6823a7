//! The task definition and the settings of a seeded service: rich enough that
//! losing a field would show.

use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::state::Scope;
use super::SeedService;

pub(super) fn container(
    scope: &Scope,
    declared: &SeedService,
    environment: &str,
    name: &str,
    image: &str,
    first: bool,
) -> Value {
    let parameter = scope.arn(
        "ssm",
        &format!("parameter/{environment}/{}/DATABASE_URL", declared.name),
    );
    let mut container = json!({
        "name": name,
        "image": image,
        "cpu": 0,
        "essential": first,
        "environment": [
            {"name": "APP_ENV", "value": environment},
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "AWS_REGION", "value": scope.region},
        ],
        "secrets": [{"name": "DATABASE_URL", "valueFrom": parameter}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": format!("/ecs/{}", declared.service),
                "awslogs-region": scope.region,
                "awslogs-stream-prefix": name,
            },
        },
    });
    if first {
        container["portMappings"] =
            json!([{"name": "http", "containerPort": 8080, "appProtocol": "http"}]);
        container["healthCheck"] = json!({
            "command": ["CMD-SHELL", "curl -fsS http://localhost:8080/health || exit 1"],
            "interval": 10, "timeout": 5, "retries": 3, "startPeriod": 10,
        });
        container["stopTimeout"] = 30.into();
    }
    container
}

pub(super) fn document(scope: &Scope, family: &str, containers: Vec<Value>) -> Map<String, Value> {
    let role = |name: &str| {
        scope
            .arn("iam", &format!("role/{name}"))
            .replace(scope.region.as_str(), "")
    };
    let document = json!({
        "family": family,
        "containerDefinitions": containers,
        "taskRoleArn": role(&format!("{family}-task")),
        "executionRoleArn": role("ecsTaskExecutionRole"),
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    });
    match document {
        Value::Object(document) => document,
        _ => Map::new(),
    }
}

pub(super) fn settings(scope: &Scope) -> Map<String, Value> {
    let seed = scope.key();
    let id = |kind: &str| format!("{kind}-0{}", &ids::hex(&format!("{seed} {kind}"))[..16]);
    let settings = json!({
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
        },
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": [id("subnet"), format!("{}b", &id("subnet")[..23])],
            "securityGroups": [id("sg")],
            "assignPublicIp": "DISABLED",
        }},
        "healthCheckGracePeriodSeconds": 60,
        "propagateTags": "SERVICE",
        "enableECSManagedTags": true,
    });
    match settings {
        Value::Object(settings) => settings,
        _ => Map::new(),
    }
}
