//! A service whose image is declared, on a scheduler that judges its tasks: what
//! evenkeel does with it and says of it.

use serde_json::{Value, json};

use super::team::{act, declare};
use super::witness::Witness;
use super::world::{ACCOUNT, REGION, World};

pub const CLUSTER: &str = "rollouts";

/// How many tasks a service is to have.
pub const TASKS: u64 = 2;

/// Whether there is a circuit breaker, and whether it goes back.
pub type Breaker = Option<bool>;

/// A service whose image is declared.
pub struct Shop<'a> {
    world: &'a World,
    witness: &'a Witness,
    service: &'a str,
}

impl<'a> Shop<'a> {
    /// Creates the service with its first revision, and waits until that runs.
    pub fn open(
        world: &'a World,
        witness: &'a Witness,
        service: &'a str,
        breaker: Breaker,
        image: &str,
    ) -> Self {
        world.ecs("CreateCluster", &json!({ "clusterName": CLUSTER }));
        world.ecs(
            "RegisterTaskDefinition",
            &json!({
                "family": service, "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
                "containerDefinitions": [{
                    "name": "app", "image": image,
                    "healthCheck": {"command": ["CMD-SHELL", "true"]},
                    "logConfiguration": {"logDriver": "awslogs", "options": {
                        "awslogs-group": "/shop", "awslogs-region": REGION,
                        "awslogs-stream-prefix": "shop", "awslogs-create-group": "true",
                    }},
                }],
            }),
        );
        world.ecs(
            "CreateService",
            &json!({
                "cluster": CLUSTER, "serviceName": service, "taskDefinition": service,
                "desiredCount": TASKS, "launchType": "FARGATE",
                "deploymentConfiguration": {
                    "deploymentCircuitBreaker": {
                        "enable": breaker.is_some(), "rollback": breaker == Some(true),
                    },
                    "maximumPercent": 200, "minimumHealthyPercent": 100,
                },
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d4e5f60718"]}},
            }),
        );
        world.settled(CLUSTER, service);
        Self {
            world,
            witness,
            service,
        }
    }

    pub fn declare(&self, image: &str) {
        declare(self.world, ACCOUNT, [CLUSTER, self.service], image);
    }

    /// What evenkeel did and said, without what another run of the same would
    /// do or say otherwise: how many tasks there were, and their ids.
    pub fn act(&self, arguments: &[&str]) -> Value {
        let acted = act(self.world, self.witness, arguments);
        let result = &acted["result"];
        let service = [
            &result["services"][0],
            &result["environments"][0]["services"][0],
        ]
        .into_iter()
        .find(|service| service.is_object())
        .unwrap_or_else(|| panic!("{}: no service in {acted:#}", self.world.name));
        let wrote: Vec<String> = acted["wrote"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|call| {
                let operation = call["operation"].as_str().unwrap_or_default();
                match call["request"]["taskDefinition"].as_str() {
                    Some(arn) => format!("{operation} {}", short(arn)),
                    None => operation.to_owned(),
                }
            })
            .collect();
        let mut told = json!({ "exit": acted["exit"], "wrote": wrote });
        for key in [
            "verdict",
            "outcome",
            "how",
            "to",
            "by",
            "complete",
            "left",
            "reason",
            "failed_because",
        ] {
            if !service[key].is_null() {
                told[key] = service[key].clone();
            }
        }
        if let Some((_, rest)) = told["reason"]
            .as_str()
            .and_then(|reason| reason.split_once(" tasks have failed"))
        {
            told["reason"] = format!("N tasks have failed{rest}").into();
        }
        for key in ["at", "failed_at"] {
            if !service[key].is_null() {
                told[key] = json!("TIME");
            }
        }
        let diagnosis = &service["diagnosis"];
        if diagnosis.is_object() {
            let causes = diagnosis["causes"].as_array().into_iter().flatten();
            told["causes"] = causes
                .map(|cause| {
                    let says = cause["says"].as_str().unwrap_or_default();
                    // Behind a colon are the words of whoever failed.
                    let says = says.split(": ").next();
                    json!({ "says": says, "container": cause["container"] })
                })
                .collect();
            told["log"] = diagnosis["log"][0].clone();
            told["events"] = diagnosis["events"].clone();
            told["gaps"] = diagnosis["gaps"].clone();
        }
        told
    }

    /// The PRIMARY deployment.
    pub fn running(&self) -> Value {
        let request = json!({ "cluster": CLUSTER, "services": [self.service] });
        let answer = self.world.ecs("DescribeServices", &request);
        let primary = primary(&answer);
        json!({
            "revision": short(primary["taskDefinition"].as_str().unwrap_or_default()),
            "rolloutState": primary["rolloutState"], "running": primary["runningCount"],
            "desired": primary["desiredCount"],
        })
    }

    /// A rollout that succeeds: evenkeel does not say so before ECS does.
    pub fn is_deployed_when_ecs_says_so(&self, revision: u64) {
        self.witness.take();
        let apply = ["apply", "prod", "--no-cache"];
        let ended = self.world.evenkeel(self.witness.address(), &apply);
        let calls = self.witness.take();
        assert_eq!(ended.code, Some(0), "{}: {ended:#?}", self.world.name);
        let says = format!("revision {revision} runs");
        assert!(ended.stdout.contains(&says), "{says}: {ended:#?}");
        let states: Vec<String> = calls
            .iter()
            .skip_while(|call| call.operation != "UpdateService")
            .filter(|call| call.operation == "DescribeServices")
            .map(|call| {
                let primary = primary(call.answer());
                let revision = short(primary["taskDefinition"].as_str().unwrap_or_default());
                let state = primary["rolloutState"].as_str().unwrap_or_default();
                format!("{revision} {state}")
            })
            .collect();
        let completed = format!("{}:{revision} COMPLETED", self.service);
        let first = states.iter().position(|state| *state == completed);
        assert!(
            first.is_some() && first == states.len().checked_sub(1),
            "{}: the last look is to be the first that sees it completed: {states:?}",
            self.world.name
        );
    }

    /// What failed before is tried again, without another revision, and fails
    /// again. What a person then reads has the cause at the top.
    pub fn fails_again(&self, cause: &str) {
        self.witness.take();
        let arguments = ["apply", "prod", "--retry", "--no-cache"];
        let ended = self.world.evenkeel(self.witness.address(), &arguments);
        assert_eq!(ended.code, Some(3), "{}: {ended:#?}", self.world.name);
        let from = ended
            .stdout
            .lines()
            .skip_while(|line| !line.starts_with('✗'));
        let top: Vec<&str> = from.take(3).collect();
        assert!(
            top.iter().any(|line| line.contains(cause)),
            "{}: {ended:#?}",
            self.world.name
        );
        let calls = self.witness.take();
        let wrote: Vec<&str> = calls
            .iter()
            .filter(|call| call.writes())
            .map(|call| call.operation.as_str())
            .collect();
        assert_eq!(wrote, ["UpdateService"], "{}: {ended:#?}", self.world.name);
    }
}

fn primary(described: &Value) -> &Value {
    let deployments = described["services"][0]["deployments"].as_array();
    let is_primary = |deployment: &&Value| deployment["status"] == "PRIMARY";
    let found = deployments.into_iter().flatten().find(is_primary);
    found.unwrap_or_else(|| panic!("no PRIMARY deployment in {described:#}"))
}

/// `web:3` for the ARN of a revision.
fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
