//! Least privilege. What the calls of a run ask for is compared with the
//! policies of `docs/iam`, both ways; and whatever is taken away is named by
//! what evenkeel then says, and nothing else is.

use std::collections::BTreeSet;

use evenkeel::plan::Options;
use evenkeel::render::{Detail, event_line, plan_text, report_text};
use evenkeel::sandbox::{Leave, Sandbox};
use serde_json::{Value, json};

use crate::policy::Policy;
use crate::world::{World, seconds};

/// What somebody does, and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    Deploy,
    /// A service whose revision names its image by a bare tag.
    Adopt,
    MissingTag,
    MissingService,
    /// To a revision that there is already.
    GoBackByFile,
    Crash,
    CrashWithoutBreaker,
    /// What failed before, and succeeds now.
    Retry,
    CrashOfBlueGreen,
    Before,
    /// The work is done, but its task goes on.
    BeforeThatLingers,
    /// One tag of the service is set, and one taken away.
    ServiceTags,
}

const SCENES: [Scene; 12] = [
    Scene::Deploy,
    Scene::Adopt,
    Scene::MissingTag,
    Scene::MissingService,
    Scene::GoBackByFile,
    Scene::Crash,
    Scene::CrashWithoutBreaker,
    Scene::Retry,
    Scene::CrashOfBlueGreen,
    Scene::Before,
    Scene::BeforeThatLingers,
    Scene::ServiceTags,
];

/// Where each action is missed.
const MISSED: [(&str, Scene); 24] = [
    ("ecs:DescribeServices", Scene::Deploy),
    ("ecs:DescribeTaskDefinition", Scene::Deploy),
    ("ecs:DescribeServiceRevisions", Scene::Adopt),
    ("ecs:ListTaskDefinitions", Scene::Deploy),
    ("ecr:BatchGetImage", Scene::Deploy),
    ("ecr:ListImages", Scene::MissingTag),
    ("ecs:ListServices", Scene::MissingService),
    ("ecs:ListServiceDeployments", Scene::GoBackByFile),
    ("ecs:DescribeServiceDeployments", Scene::GoBackByFile),
    ("ecs:RegisterTaskDefinition", Scene::Deploy),
    ("iam:PassRole", Scene::Deploy),
    ("ecs:UpdateService", Scene::Deploy),
    ("ecs:ListTasks", Scene::Crash),
    ("ecs:DescribeTasks", Scene::Crash),
    ("logs:GetLogEvents", Scene::Crash),
    // With a revision, and on its own.
    ("ecs:TagResource", Scene::Deploy),
    ("ecs:TagResource", Scene::CrashWithoutBreaker),
    ("ecs:UntagResource", Scene::Retry),
    ("ecs:StopServiceDeployment", Scene::CrashOfBlueGreen),
    ("ecs:RunTask", Scene::Before),
    ("ecs:StopTask", Scene::BeforeThatLingers),
    ("ecs:ListTagsForResource", Scene::ServiceTags),
    ("ecs:TagResource", Scene::ServiceTags),
    ("ecs:UntagResource", Scene::ServiceTags),
];

/// The services, the repository and the account of the policies' placeholders.
fn file(tag: &str) -> String {
    format!(
        "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"wage-prod\"\n\n\
         [services.api]\nname = \"fastify-backend-prod\"\n\
         image = \"123456789012.dkr.ecr.us-west-1.amazonaws.com/wage-backend-api:{tag}\"\n"
    )
}

fn before(tag: &str) -> String {
    let file = file(tag);
    format!(
        "{file}rollout.timeout = \"1m\"\n\
         rollout.before = [{{ container = \"app\", command = [\"npm\", \"run\", \"migrate\"] }}]\n"
    )
}

/// What was asked for in a run, and what was said.
struct Told {
    plan: Vec<Leave>,
    apply: Vec<Leave>,
    said: String,
}

impl Scene {
    /// Plays it with these actions denied, once all is prepared.
    async fn play(self, denied: &[&str]) -> Told {
        let sandbox = Sandbox::in_memory();
        let first = file("1.4.2");
        let all = World::with(sandbox.clone(), &first, None).await;
        let (mut declared, mut retry) = (first.clone(), false);
        match self {
            Self::Deploy => {}
            Self::Adopt => by_a_bare_tag(&all).await,
            Self::MissingTag => declared = file("1.4.21"),
            Self::MissingService => {
                declared = first.replace("fastify-backend-prod", "fastify-backend");
            }
            Self::GoBackByFile => {
                all.apply(&first).await;
                all.apply(&file("1.5.0")).await;
            }
            Self::Crash => declared = file("1.4.2-crash"),
            Self::CrashWithoutBreaker => {
                configure(
                    &all,
                    json!({"deploymentCircuitBreaker": {"enable": false, "rollback": false}}),
                )
                .await;
                declared = file("1.4.2-crash");
            }
            Self::Retry => {
                let registered = all.apply(&first).await;
                all.apply(&file("1.5.0")).await;
                let evenkeel::event::Outcome::Deployed { revision, .. } = registered else {
                    panic!("{registered:?}");
                };
                let tags = json!([{"key": "evenkeel:failed", "value": "app exited with code 1"}]);
                let body = json!({"resourceArn": revision, "tags": tags});
                all.somebody("TagResource", &body).await;
                retry = true;
            }
            Self::CrashOfBlueGreen => {
                let configuration = json!({
                    "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1,
                    "deploymentCircuitBreaker": {"enable": false, "rollback": false},
                });
                configure(&all, configuration).await;
                declared = file("1.4.2-crash");
            }
            Self::ServiceTags => {
                all.apply(&first).await;
                let body = json!({"cluster": "wage-prod", "services": ["fastify-backend-prod"]});
                let described = all.somebody("DescribeServices", &body).await;
                let tags = json!([{"key": "old", "value": "1"}]);
                let arn = &described["services"][0]["serviceArn"];
                all.somebody("TagResource", &json!({"resourceArn": arn, "tags": tags}))
                    .await;
                declared = format!(
                    "{first}remove = [\"service.tags.old\"]\nservice.tags.team = \"web\"\n"
                );
            }
            Self::Before | Self::BeforeThatLingers => declared = before("1.4.2"),
        }
        let caller = sandbox.clone().with_denied(denied.iter().copied());
        let lingers = |operation: &str, answer: &mut Value| {
            let tasks = answer["tasks"].as_array_mut();
            for task in tasks.into_iter().flatten() {
                if operation == "DescribeTasks" && task["lastStatus"] == "RUNNING" {
                    task["containers"][0]["exitCode"] = json!(0);
                }
            }
        };
        let world = match self {
            Self::BeforeThatLingers => World::amending(caller, &first, lingers).await,
            _ => World::with(caller, &first, None).await,
        };
        act(&world, &sandbox, &declared, retry).await
    }
}

async fn act(world: &World, sandbox: &Sandbox, declared: &str, retry: bool) -> Told {
    let asked = |from: usize| -> Vec<Leave> {
        let calls = sandbox.calls();
        calls[from..]
            .iter()
            .flat_map(|call| call.asks.clone())
            .collect()
    };
    let begun = sandbox.calls().len();
    let options = Options {
        retry,
        ..Options::default()
    };
    let plan = match world.try_plan(declared, options).await {
        Ok(plan) => plan,
        Err(error) => {
            return Told {
                plan: asked(begun),
                apply: Vec::new(),
                said: format!("{error} {:?}", error.hint()),
            };
        }
    };
    let planned = sandbox.calls().len();
    let mut said = plan_text(&plan, Detail::default());
    let mut told = Told {
        plan: asked(begun),
        apply: Vec::new(),
        said: String::new(),
    };
    if plan.count().blocked == 0 {
        let (report, events) = world.carry_out(&plan).await;
        for event in &events {
            said += &event_line(event).unwrap_or_default();
        }
        said += &report_text("prod", false, &report);
        told.apply = asked(planned);
    }
    // Long words are broken where a line is full.
    told.said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    told
}

/// Lets the service run a revision that somebody else registered.
async fn by_a_bare_tag(world: &World) {
    let image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/wage-backend-api:1.4.2";
    let body = json!({
        "family": "fastify-backend-prod", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "app", "image": image}],
    });
    let registered = world.somebody("RegisterTaskDefinition", &body).await;
    let revision = &registered["taskDefinition"]["taskDefinitionArn"];
    let body = json!({
        "cluster": "wage-prod", "service": "fastify-backend-prod", "taskDefinition": revision,
    });
    world.somebody("UpdateService", &body).await;
    // Longer than any rollout in the sandbox that goes well.
    tokio::time::sleep(seconds(120)).await;
}

async fn configure(world: &World, configuration: Value) {
    let body = json!({
        "cluster": "wage-prod", "service": "fastify-backend-prod",
        "deploymentConfiguration": configuration,
    });
    world.somebody("UpdateService", &body).await;
}

fn actions(asked: &[Leave]) -> BTreeSet<String> {
    asked.iter().map(|leave| leave.action.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_runs_ask_for_is_what_the_policies_allow() {
    let (plan, apply) = (Policy::read("plan"), Policy::read("apply"));
    let (mut planning, mut applying) = (BTreeSet::new(), BTreeSet::new());
    for scene in SCENES {
        let told = scene.play(&[]).await;
        for leave in &told.plan {
            assert!(
                plan.covers(&leave.action, &leave.resource),
                "{scene:?}: {leave:?}"
            );
        }
        for leave in told.plan.iter().chain(&told.apply) {
            assert!(
                apply.covers(&leave.action, &leave.resource),
                "{scene:?}: {leave:?}"
            );
        }
        planning.extend(actions(&told.plan));
        applying.extend(actions(&told.apply));
    }
    assert_eq!(planning, plan.actions(), "plan");
    assert_eq!(&planning | &applying, apply.actions(), "apply");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_named_and_nothing_else() {
    let all = Policy::read("apply").actions();
    let tried: BTreeSet<String> = MISSED
        .iter()
        .map(|(action, _)| (*action).to_owned())
        .collect();
    assert_eq!(tried, all);
    for (missing, scene) in MISSED {
        let told = scene.play(&[missing]).await;
        let named: Vec<&String> = all
            .iter()
            .filter(|action| told.said.contains(action.as_str()))
            .collect();
        assert_eq!(named, [missing], "{scene:?}: {}", told.said);
    }
}

/// Where nothing is missing, no permission is spoken of.
#[tokio::test(start_paused = true)]
async fn with_all_of_them_none_is_named() {
    let all = Policy::read("apply").actions();
    for scene in SCENES {
        let told = scene.play(&[]).await;
        for action in &all {
            assert!(
                !told.said.contains(action.as_str()),
                "{scene:?}: {}",
                told.said
            );
        }
    }
}
