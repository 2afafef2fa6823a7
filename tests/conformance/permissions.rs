//! Least privilege, judged by an IAM that evenkeel has no hand in: ministack
//! with `AUTH=true`. A caller who may do all that `docs/iam` says is refused
//! nothing; and when one action is taken away, evenkeel names that one, and no
//! other.
//!
//! The actions are granted on `*`: ministack takes the cluster for the resource
//! of most calls. ARNs and conditions are checked in `tests/iam`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::aws;
use super::images;
use super::policy::Policy;
use super::process::Ended;
use super::world::{ACCOUNT, REGION, World};

const CLUSTER: &str = "guarded";
const REPOSITORY: &str = "guarded";
const ROLE: &str = "evenkeel";

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// A plan for another image.
    Plan,
    MissingTag,
    MissingService,
    /// A plan to go to a revision that there is already.
    KnownRevision,
    Deploy,
    Crash,
    /// What failed before, and succeeds now.
    Retry,
    /// A task before the rollout fails.
    BeforeFails,
    /// The work before the rollout is done, but its task goes on.
    BeforeLingers,
    /// A plan for a tag of the service.
    ServiceTags,
    /// A plan by way of a role.
    Role,
}

/// Where each action is missed.
const MISSED: [(&str, Scene); 18] = [
    ("ecs:DescribeServices", Scene::Plan),
    ("ecs:DescribeTaskDefinition", Scene::Plan),
    ("ecs:ListTaskDefinitions", Scene::Plan),
    ("ecr:BatchGetImage", Scene::MissingTag),
    ("ecr:ListImages", Scene::MissingTag),
    ("ecs:ListServices", Scene::MissingService),
    ("ecs:ListServiceDeployments", Scene::KnownRevision),
    ("ecs:RegisterTaskDefinition", Scene::Deploy),
    ("ecs:UpdateService", Scene::Deploy),
    ("ecs:ListTasks", Scene::Crash),
    ("ecs:DescribeTasks", Scene::Crash),
    ("logs:GetLogEvents", Scene::Crash),
    ("ecs:UntagResource", Scene::Retry),
    ("ecs:TagResource", Scene::BeforeFails),
    ("ecs:RunTask", Scene::BeforeFails),
    ("ecs:StopTask", Scene::BeforeLingers),
    ("ecs:ListTagsForResource", Scene::ServiceTags),
    ("sts:AssumeRole", Scene::Role),
];

/// What cannot be missed here, and why not. `tests/engine/permissions.rs`
/// misses them in the sandbox.
const OUT_OF_REACH: [(&str, &str); 4] = [
    (
        "ecs:DescribeServiceRevisions",
        "its services name no revisions to describe",
    ),
    (
        "ecs:DescribeServiceDeployments",
        "it lists no deployments to describe",
    ),
    (
        "ecs:StopServiceDeployment",
        "it has no blue/green, linear or canary deployments",
    ),
    (
        "iam:PassRole",
        "it does not ask for it when a revision is registered",
    ),
];

/// A service of its own, and a caller of its own.
struct Case {
    missing: Option<&'static str>,
    scene: Scene,
    service: String,
    folder: PathBuf,
    key: [String; 2],
}

#[test]
fn each_missing_permission_is_named() {
    let everything = &Policy::read("apply").actions() | &Policy::read("assume-role").actions();
    let tried = MISSED.iter().map(|(action, _)| *action);
    let tried: BTreeSet<String> = tried
        .chain(OUT_OF_REACH.iter().map(|(action, _)| *action))
        .map(str::to_owned)
        .collect();
    assert_eq!(tried, everything, "every action is tried, or says why not");

    let world = World::ministack_that_asks_iam();
    let cases = prepare(&world, &everything);
    let told = in_turns(&cases, 8, |case| case.act(&world));
    for (case, ended) in cases.iter().zip(&told) {
        let said = format!("{}{}", ended.stdout, ended.stderr);
        let named: Vec<&String> = everything
            .iter()
            .filter(|action| said.contains(action.as_str()))
            .collect();
        let missing: Vec<&str> = case.missing.into_iter().collect();
        assert_eq!(named, missing, "{:?} {:?}:\n{said}", case.scene, ended.code);
        if case.missing.is_none() {
            assert_eq!(
                ended.code,
                Some(case.scene.ends_with()),
                "{:?}:\n{said}",
                case.scene
            );
        }
    }
}

impl Scene {
    /// The exit code where nothing is missing.
    fn ends_with(self) -> i32 {
        match self {
            Self::Plan
            | Self::KnownRevision
            | Self::Deploy
            | Self::Retry
            | Self::ServiceTags
            | Self::Role => 0,
            Self::MissingTag | Self::MissingService => 1,
            Self::Crash | Self::BeforeFails | Self::BeforeLingers => 3,
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Plan
            | Self::MissingTag
            | Self::MissingService
            | Self::KnownRevision
            | Self::ServiceTags
            | Self::Role => &["plan", "prod", "--no-cache"],
            Self::Retry => &["apply", "prod", "--no-cache", "--retry"],
            _ => &["apply", "prod", "--no-cache"],
        }
    }

    fn image(self) -> String {
        match self {
            Self::MissingTag => format!("{}:1.1.0", images::repository(REPOSITORY)),
            Self::Crash | Self::BeforeFails | Self::BeforeLingers => elsewhere("1.1.0-crash"),
            _ => elsewhere("1.1.0"),
        }
    }

    /// The environment file.
    fn declares(self, service: &str) -> String {
        let role = match self {
            Self::Role => format!("role = \"arn:aws:iam::{ACCOUNT}:role/{ROLE}\"\n"),
            _ => String::new(),
        };
        let service = match self {
            Self::MissingService => "nobody",
            _ => service,
        };
        let before = match self {
            Self::BeforeFails | Self::BeforeLingers => {
                "[services.api.rollout]\ntimeout = \"10s\"\n\
                 before = [{ container = \"app\", command = [\"npm\", \"run\", \"migrate\"] }]\n"
            }
            Self::ServiceTags => "[services.api.service]\ntags = { team = \"web\" }\n",
            _ => "",
        };
        format!(
            "provenance = false\naccount = \"{ACCOUNT}\"\nregion = \"{REGION}\"\n\
             cluster = \"{CLUSTER}\"\n{role}\n[services.api]\nname = \"{service}\"\n\n\
             [services.api.containers.app]\nimage = \"{}\"\n\n{before}",
            self.image()
        )
    }
}

impl Case {
    fn act(&self, world: &World) -> Ended {
        world.evenkeel_as(&self.key, &self.folder, self.scene.arguments())
    }

    /// The calls that make its service and its caller.
    fn calls(&self, everything: &BTreeSet<String>) -> Vec<(&'static str, &'static str, Value)> {
        let name = &self.service;
        let definition = |image: &str| {
            let mut containers = vec![json!({
                "name": "app", "image": image,
                "essential": self.scene != Scene::BeforeLingers,
                "logConfiguration": {"logDriver": "awslogs", "options": {
                    "awslogs-group": "/guarded", "awslogs-region": REGION,
                    "awslogs-stream-prefix": "guarded", "awslogs-create-group": "true",
                }},
            })];
            if self.scene == Scene::BeforeLingers {
                containers.push(json!({"name": "proxy", "image": elsewhere("1.0.0")}));
            }
            json!({
                "family": name, "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
                "containerDefinitions": containers,
            })
        };
        let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true},
            "maximumPercent": 200, "minimumHealthyPercent": 100});
        let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d4e5f60718"]}});
        let mut calls = vec![
            (
                "ecs",
                "RegisterTaskDefinition",
                definition(&elsewhere("1.0.0")),
            ),
            (
                "ecs",
                "CreateService",
                json!({
                    "cluster": CLUSTER, "serviceName": name, "taskDefinition": format!("{name}:1"),
                    "desiredCount": 1, "launchType": "FARGATE",
                    "deploymentConfiguration": breaker, "networkConfiguration": network,
                }),
            ),
        ];
        if matches!(self.scene, Scene::KnownRevision | Scene::Retry) {
            calls.push((
                "ecs",
                "RegisterTaskDefinition",
                definition(&self.scene.image()),
            ));
        }
        if self.scene == Scene::Retry {
            let revision = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{name}:2");
            let tags = json!([{"key": "evenkeel:failed", "value": "app exited with code 1"}]);
            let request = json!({"resourceArn": revision, "tags": tags});
            calls.push(("ecs", "TagResource", request));
        }
        let mut allowed = everything.clone();
        allowed.retain(|action| self.missing != Some(action));
        calls.extend([
            ("iam", "CreateUser", json!({ "UserName": name })),
            (
                "iam",
                "PutUserPolicy",
                json!({"UserName": name, "PolicyName": "evenkeel", "PolicyDocument": on_all(&allowed)}),
            ),
            ("iam", "CreateAccessKey", json!({ "UserName": name })),
        ]);
        calls
    }
}

/// Makes a service and a caller for each action that is missing, and for each
/// scene with none missing; waits until all of the services run.
fn prepare(world: &World, everything: &BTreeSet<String>) -> Vec<Case> {
    let mut scenes: Vec<(Option<&str>, Scene)> = Vec::new();
    for (action, scene) in MISSED {
        scenes.push((Some(action), scene));
        if !scenes.contains(&(None, scene)) {
            scenes.push((None, scene));
        }
    }
    let mut cases: Vec<Case> = Vec::new();
    for (number, (missing, scene)) in scenes.into_iter().enumerate() {
        let service = format!("service-{number}");
        let folder = world.team().join(&service);
        std::fs::create_dir_all(folder.join("environments")).expect("a folder");
        std::fs::write(
            folder.join("environments/prod.toml"),
            scene.declares(&service),
        )
        .expect("an environment file");
        let key = [String::new(), String::new()];
        cases.push(Case {
            missing,
            scene,
            service,
            folder,
            key,
        });
    }
    let anybody = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
    }]});
    let mut calls = vec![
        ("ecs", "CreateCluster", json!({ "clusterName": CLUSTER })),
        (
            "ecr",
            "CreateRepository",
            json!({ "repositoryName": REPOSITORY }),
        ),
        (
            "iam",
            "CreateRole",
            json!({"RoleName": ROLE, "AssumeRolePolicyDocument": anybody.to_string()}),
        ),
        (
            "iam",
            "PutRolePolicy",
            json!({"RoleName": ROLE, "PolicyName": "evenkeel", "PolicyDocument": on_all(everything)}),
        ),
    ];
    calls.extend(cases.iter().flat_map(|case| case.calls(everything)));
    let answers = aws::many(world, &calls);
    let keys = answers.iter().map(|answer| &answer["AccessKey"]);
    let keys = keys.filter(|key| key.is_object());
    for (case, key) in cases.iter_mut().zip(keys) {
        assert_eq!(key["UserName"], case.service);
        case.key = ["AccessKeyId", "SecretAccessKey"]
            .map(|part| key[part].as_str().expect("a part of a key").to_owned());
    }
    settle(world, &cases);
    cases
}

fn settle(world: &World, cases: &[Case]) {
    let started = Instant::now();
    let names: Vec<&str> = cases.iter().map(|case| case.service.as_str()).collect();
    let calls: Vec<(&str, &str, Value)> = names
        .chunks(10)
        .map(|names| {
            (
                "ecs",
                "DescribeServices",
                json!({"cluster": CLUSTER, "services": names}),
            )
        })
        .collect();
    loop {
        let answers = aws::many(world, &calls);
        let services = answers
            .iter()
            .flat_map(|answer| answer["services"].as_array())
            .flatten();
        let settled = services.filter(|service| {
            service["deployments"][0]["rolloutState"] == "COMPLETED" && service["runningCount"] == 1
        });
        if settled.count() == cases.len() {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{answers:#?}");
    }
}

/// Does the same with all, some at a time; the results in their order.
fn in_turns<T: Sync, R: Send>(all: &[T], at_once: usize, act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(one) = all.get(index) else {
                return done;
            };
            done.push((index, act(one)));
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn on_all(actions: &BTreeSet<String>) -> String {
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// An image that is in no ECR, and so is registered as it is written.
fn elsewhere(tag: &str) -> String {
    format!("registry.example.com/{REPOSITORY}:{tag}")
}
