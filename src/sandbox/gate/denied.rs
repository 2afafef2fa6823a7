//! Actions that the caller may not do, refused in IAM's words.

use serde_json::{Map, Value};

use super::super::state::Scope;
use super::super::sts;
use super::super::wire::{Call, Refusal};

/// Refuses a call when one of the actions that it needs is denied.
pub(super) fn check(
    denied: &[String],
    call: &Call,
    body: &Map<String, Value>,
) -> Result<(), Refusal> {
    if denied.is_empty() {
        return Ok(());
    }
    let scope = Scope {
        account: call.account.clone(),
        region: call.region.clone(),
    };
    let asks = Asks { scope, call, body };
    for (action, resource) in asks.all() {
        if denied.iter().any(|pattern| matches(pattern, &action)) {
            return Err(refusal(&asks.scope, call, &action, &resource));
        }
    }
    Ok(())
}

/// Whether a pattern with at most one `*` is this action, as IAM compares:
/// whatever the case.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.trim().to_lowercase(), action.to_lowercase());
    match pattern.split_once('*') {
        None => pattern == action,
        Some((start, end)) => {
            action.len() >= start.len() + end.len()
                && action.starts_with(start)
                && action.ends_with(end)
        }
    }
}

fn refusal(scope: &Scope, call: &Call, action: &str, resource: &str) -> Refusal {
    let query = call.service == "sts";
    Refusal {
        status: if query { 403 } else { 400 },
        code: if query {
            "AccessDenied"
        } else {
            "AccessDeniedException"
        }
        .to_owned(),
        message: format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} \
             because no identity-based policy allows the {action} action",
            sts::identity(scope)
        ),
    }
}

/// What a call asks leave for.
struct Asks<'a> {
    scope: Scope,
    call: &'a Call,
    body: &'a Map<String, Value>,
}

impl Asks<'_> {
    /// The actions, each with the resource it is done to.
    fn all(&self) -> Vec<(String, String)> {
        let own = format!("{}:{}", self.call.service, self.call.operation);
        let resource = match self.call.service {
            "ecs" => self.ecs(),
            "ecr" => self.named("repositoryName", "ecr", "repository/"),
            "logs" => Some(self.log()),
            _ => self.text("RoleArn").map(str::to_owned),
        };
        let mut all = vec![(own, resource.unwrap_or_else(|| "*".to_owned()))];
        let operation = self.call.operation.as_str();
        if operation == "RegisterTaskDefinition" {
            let roles = ["taskRoleArn", "executionRoleArn"];
            let roles = roles.iter().filter_map(|key| self.text(key));
            all.extend(roles.map(|role| ("iam:PassRole".to_owned(), role.to_owned())));
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
            let resource = if operation == "RunTask" {
                self.scope.arn("ecs", &format!("task/{}/*", self.cluster()))
            } else {
                all[0].1.clone()
            };
            all.push(("ecs:TagResource".to_owned(), resource));
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
        match self.call.operation.as_str() {
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
