//! What a call needs leave for, as the service authorization reference of each
//! service has it: its actions, and the resources they are done to.

use serde_json::{Map, Value};

use super::super::state::Scope;
use super::super::wire::{Leave, Parsed};

/// What IAM is asked before this is answered.
pub(in super::super) fn asks(parsed: &Parsed, scope: &Scope) -> Vec<Leave> {
    let asks = Asks {
        scope,
        service: parsed.service,
        operation: &parsed.operation,
        body: &parsed.body,
    };
    asks.all()
}

struct Asks<'a> {
    scope: &'a Scope,
    service: &'static str,
    operation: &'a str,
    body: &'a Map<String, Value>,
}

impl Asks<'_> {
    /// The actions, each with the resource it is done to.
    fn all(&self) -> Vec<Leave> {
        let leave = |action: &str, resource: &str| Leave {
            action: action.to_owned(),
            resource: resource.to_owned(),
        };
        let resource = match self.service {
            "ecs" => self.ecs(),
            "ecr" => self.named("repositoryName", "ecr", "repository/"),
            "logs" => Some(self.log()),
            _ => self.text("RoleArn").map(str::to_owned),
        };
        let resource = resource.as_deref().unwrap_or("*");
        let operation = self.operation;
        let mut all = vec![leave(&format!("{}:{operation}", self.service), resource)];
        if operation == "RegisterTaskDefinition" {
            let roles = ["taskRoleArn", "executionRoleArn"];
            let roles = roles.iter().filter_map(|key| self.text(key));
            all.extend(roles.map(|role| leave("iam:PassRole", role)));
        }
        // Tags on something new need leave to tag.
        let creates = [
            "RegisterTaskDefinition",
            "RunTask",
            "CreateService",
            "CreateCluster",
        ];
        let tags = self.body.get("tags").and_then(Value::as_array);
        if creates.contains(&operation) && tags.is_some_and(|tags| !tags.is_empty()) {
            let task = self.scope.arn("ecs", &format!("task/{}/*", self.cluster()));
            let resource = if operation == "RunTask" {
                &task
            } else {
                resource
            };
            all.push(leave("ecs:TagResource", resource));
        }
        all
    }

    fn text(&self, key: &str) -> Option<&str> {
        let value = self.body.get(key)?;
        let text = value.as_str().or_else(|| value.get(0)?.as_str());
        text.filter(|text| !text.is_empty())
    }

    fn cluster(&self) -> &str {
        self.text("cluster")
            .map_or("default", |text| text.rsplit('/').next().unwrap_or(text))
    }

    /// The ARN of what a key names, by name or by ARN already.
    fn named(&self, key: &str, service: &str, prefix: &str) -> Option<String> {
        let text = self.text(key)?;
        if text.starts_with("arn:") {
            return Some(text.to_owned());
        }
        Some(self.scope.arn(service, &format!("{prefix}{text}")))
    }

    fn ecs(&self) -> Option<String> {
        let of_cluster = |kind: &str| format!("{kind}/{}/", self.cluster());
        match self.operation {
            "CreateService" => self.named("serviceName", "ecs", &of_cluster("service")),
            "DescribeServices" => self.named("services", "ecs", &of_cluster("service")),
            "UpdateService" | "DeleteService" | "ListServiceDeployments" => {
                self.named("service", "ecs", &of_cluster("service"))
            }
            "DescribeTasks" => self.named("tasks", "ecs", &of_cluster("task")),
            "StopTask" => self.named("task", "ecs", &of_cluster("task")),
            "RunTask" => self.named("taskDefinition", "ecs", "task-definition/"),
            "RegisterTaskDefinition" => {
                let family = self.named("family", "ecs", "task-definition/")?;
                Some(format!("{family}:*"))
            }
            "DescribeServiceDeployments" => self.named("serviceDeploymentArns", "ecs", ""),
            "StopServiceDeployment" | "ContinueServiceDeployment" => {
                self.named("serviceDeploymentArn", "ecs", "")
            }
            "DescribeServiceRevisions" => self.named("serviceRevisionArns", "ecs", ""),
            "DescribeClusters" => self.named("clusters", "ecs", "cluster/"),
            "CreateCluster" => self.named("clusterName", "ecs", "cluster/"),
            "TagResource" | "UntagResource" | "ListTagsForResource" => {
                self.named("resourceArn", "ecs", "")
            }
            _ => None,
        }
    }

    fn log(&self) -> String {
        let group = self
            .text("logGroupName")
            .or(self.text("logGroupIdentifier"));
        let group = group.map_or("*", |text| text.rsplit("log-group:").next().unwrap_or(text));
        let stream = self.text("logStreamName").unwrap_or_default();
        let resource = format!("log-group:{group}:log-stream:{stream}");
        self.scope.arn("logs", &resource)
    }
}
