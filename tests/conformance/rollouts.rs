//! Rollouts that succeed and rollouts that fail, on schedulers that evenkeel
//! has no hand in: the sandbox's, and ministack's own with the engine stand-in
//! of [`super::docker`]. Whatever becomes of a rollout, evenkeel must say so,
//! and what ran healthily before must run afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use super::agreement::{agree, in_both_with_engine, with_engine};
use super::deviations;
use super::shop::{Breaker, CLUSTER, Shop, TASKS};
use super::team::{add, normal};
use super::witness::Witness;
use super::world::{World, ecs};
use super::{aws, images};

const REPOSITORY: &str = "shop";

#[test]
fn a_breaker_that_goes_back() {
    let told = in_both_with_engine(|world| {
        let repository = json!({ "repositoryName": REPOSITORY });
        aws::call(world, ["ecr", "create-repository"], &repository);
        let first = images::push(world, REPOSITORY, "1.0.0", "one");
        for tag in ["1.1.0", "1.2.0-crash", "1.2.1"] {
            images::push(world, REPOSITORY, tag, tag);
        }
        let image = |tag: &str| format!("{}:{tag}", images::repository(REPOSITORY));
        let running = format!("{}@{first}", image("1.0.0"));
        let witness = Witness::before(world.address);
        let shop = Shop::open(world, &witness, "web", Some(true), &running);
        let mut record = Map::new();
        let mut step = |name: &str, value: Value| {
            record.insert(name.to_owned(), normal(value));
        };

        shop.declare(&image("1.1.0"));
        shop.is_deployed_when_ecs_says_so(2);
        step("running", shop.running());
        step("apply again", shop.act(&["apply", "prod"]));

        shop.declare(&image("1.2.0-crash"));
        step("failing", shop.act(&["apply", "prod"]));
        step("running after it failed", shop.running());
        step("plan of what failed", shop.act(&["plan", "prod"]));
        step("apply of what failed", shop.act(&["apply", "prod"]));
        shop.fails_again("app exited with code 1");
        step("running after the retry", shop.running());

        shop.declare(&image("1.2.1"));
        step("fixed", shop.act(&["apply", "prod"]));
        step("running at the end", shop.running());
        step("plan at the end", shop.act(&["plan", "prod"]));
        Value::Object(record)
    });
    for record in &told {
        let of = |step: &str| &record[step];
        is(of("apply again"), 0, "unchanged", &[]);
        let failed = of("failing");
        is(
            failed,
            3,
            "rolled-back",
            &["RegisterTaskDefinition", "UpdateService web:3"],
        );
        assert_eq!(
            (&failed["by"], &failed["complete"]),
            (&json!("ecs"), &json!(true))
        );
        assert_eq!(failed["causes"][0]["says"], "app exited with code 1");
        assert_eq!(failed["log"], "Error: connect ECONNREFUSED 10.0.3.4:5432");
        assert_eq!(of("plan of what failed")["exit"], 3);
        assert_eq!(of("plan of what failed")["verdict"], "failed-before");
        is(of("apply of what failed"), 3, "failed-before", &[]);
        for step in [
            "running",
            "running after it failed",
            "running after the retry",
        ] {
            runs(of(step), 2);
        }
        is(
            of("fixed"),
            0,
            "deployed",
            &["RegisterTaskDefinition", "UpdateService web:4"],
        );
        runs(of("running at the end"), 4);
        assert_eq!(of("plan at the end")["verdict"], "in-sync");
    }
    agree(&told[0], &told[1], deviations::OF_A_BREAKER_THAT_GOES_BACK);
}

#[test]
fn a_breaker_that_only_stops() {
    let told = in_both_with_engine(|world| {
        let witness = Witness::before(world.address);
        fails_and_is_fixed(world, &witness, Some(false))
    });
    for record in &told {
        evenkeel_went_back(record);
    }
    agree(&told[0], &told[1], deviations::OF_A_BREAKER_THAT_STOPS);
}

#[test]
fn no_breaker() {
    let told = in_both_with_engine(|world| {
        let counts = Arc::<AtomicBool>::default();
        let (address, counting) = (world.address, counts.clone());
        let does_not_count = world.engine().is_some();
        let witness = Witness::amending(address, move |operation, answer| {
            if operation != "DescribeServices" {
                return;
            }
            let deployments = answer["services"][0]["deployments"].as_array_mut();
            for deployment in deployments.into_iter().flatten() {
                if deployment["failedTasks"].as_u64() > Some(0) {
                    counting.store(true, Ordering::SeqCst);
                } else if does_not_count && deployment["rolloutState"] == "IN_PROGRESS" {
                    deployment["failedTasks"] = json!(failures(address, deployment));
                }
            }
        });
        let mut record = fails_and_is_fixed(world, &witness, None);
        // Not before ten tasks have failed does ECS say something.
        record["failing"]["events"].take();
        record["counts failed tasks"] = json!(counts.load(Ordering::SeqCst));
        record
    });
    for record in &told {
        evenkeel_went_back(record);
    }
    agree(&told[0], &told[1], deviations::OF_NO_BREAKER);
}

#[test]
fn failures_of_every_kind() {
    let told = in_both_with_engine(|world| {
        let witness = Witness::before(world.address);
        let mut record: Value = ["unpullable", "oom", "unhealthy"]
            .map(|word| {
                let shop = Shop::open(world, &witness, word, Some(true), &elsewhere("1.0.0"));
                shop.declare(&elsewhere(&format!("1.1.0-{word}")));
                let apply = shop.act(&["apply", "prod"]);
                let told = json!({"apply": apply, "running": shop.running()});
                (word.to_owned(), normal(told))
            })
            .into_iter()
            .collect();
        // What is said of it differs as much as what becomes of it.
        record["unhealthy"] = json!({
            "outcome": record["unhealthy"]["apply"]["outcome"],
            "revision": record["unhealthy"]["running"]["revision"],
        });
        record
    });
    for record in &told {
        for word in ["unpullable", "oom"] {
            let told = &record[word];
            assert_eq!(told["apply"]["exit"], 3, "{told:#}");
            assert_eq!(told["apply"]["outcome"], "rolled-back", "{told:#}");
            runs(&told["running"], 1);
        }
    }
    agree(&told[0], &told[1], deviations::OF_FAILURES);
}

#[test]
fn a_rollout_that_nobody_waits_for() {
    let [apply, plan, running] = with_engine(|world| {
        let witness = Witness::before(world.address);
        let shop = Shop::open(world, &witness, "web", Some(true), &elsewhere("1.0.0"));
        shop.declare(&elsewhere("1.1.0-slow"));
        add(world, "[services.api.rollout]\ntimeout = \"10s\"\n");
        let apply = shop.act(&["apply", "prod"]);
        [apply, shop.act(&["plan", "prod"]), shop.running()]
    });
    let writes = ["RegisterTaskDefinition", "UpdateService web:2"];
    is(&apply, 4, "timed-out", &writes);
    assert_eq!(plan["verdict"], "rolling-out", "{plan:#}");
    let going =
        json!({"revision": "web:2", "rolloutState": "IN_PROGRESS", "running": 0, "desired": TASKS});
    assert_eq!(running, going);
}

/// An image that crashes; then one that does not.
fn fails_and_is_fixed(world: &World, witness: &Witness, breaker: Breaker) -> Value {
    let shop = Shop::open(world, witness, "web", breaker, &elsewhere("1.0.0"));
    shop.declare(&elsewhere("1.1.0-crash"));
    let failing = shop.act(&["apply", "prod"]);
    let running = shop.running();
    let plan = shop.act(&["plan", "prod"]);
    let again = shop.act(&["apply", "prod"]);
    shop.declare(&elsewhere("1.1.1"));
    let fixed = shop.act(&["apply", "prod"]);
    normal(json!({
        "failing": failing, "running after it failed": running, "plan of what failed": plan,
        "apply of what failed": again, "fixed": fixed, "running at the end": shop.running(),
    }))
}

fn evenkeel_went_back(record: &Value) {
    let failed = &record["failing"];
    assert_eq!(failed["exit"], 3, "{record:#}");
    assert_eq!(failed["outcome"], "rolled-back", "{record:#}");
    assert_eq!(
        (&failed["by"], &failed["complete"]),
        (&json!("evenkeel"), &json!(true))
    );
    assert_eq!(failed["causes"][0]["says"], "app exited with code 1");
    runs(&record["running after it failed"], 1);
    assert_eq!(
        record["plan of what failed"]["verdict"], "failed-before",
        "{record:#}"
    );
    is(&record["apply of what failed"], 3, "failed-before", &[]);
    is(
        &record["fixed"],
        0,
        "deployed",
        &["RegisterTaskDefinition", "UpdateService web:3"],
    );
    runs(&record["running at the end"], 3);
}

#[track_caller]
fn is(acted: &Value, exit: i32, outcome: &str, wrote: &[&str]) {
    assert_eq!(acted["exit"], exit, "{acted:#}");
    assert_eq!(acted["outcome"], outcome, "{acted:#}");
    assert_eq!(acted["wrote"], json!(wrote), "{acted:#}");
}

#[track_caller]
fn runs(running: &Value, revision: u64) {
    let family = running["revision"]
        .as_str()
        .and_then(|name| name.split(':').next());
    let wanted = format!("{}:{revision}", family.unwrap_or_default());
    assert_eq!(
        *running,
        json!({"revision": wanted, "rolloutState": "COMPLETED", "running": TASKS, "desired": TASKS})
    );
}

/// How many tasks of a deployment have failed, which ministack counts only
/// for a breaker.
fn failures(address: std::net::SocketAddr, deployment: &Value) -> usize {
    let stopped = json!({ "cluster": CLUSTER, "desiredStatus": "STOPPED" });
    let tasks = ecs(address, "ListTasks", &stopped)["taskArns"].clone();
    let described = ecs(
        address,
        "DescribeTasks",
        &json!({ "cluster": CLUSTER, "tasks": tasks }),
    );
    let failed = |task: &&Value| {
        let codes = ["EssentialContainerExited", "TaskFailedToStart"];
        task["taskDefinitionArn"] == deployment["taskDefinition"]
            && task["createdAt"].as_f64() >= deployment["createdAt"].as_f64()
            && task["stopCode"]
                .as_str()
                .is_some_and(|code| codes.contains(&code))
    };
    described["tasks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(failed)
        .count()
}

/// An image that is in no ECR, and so is registered as it is written.
fn elsewhere(tag: &str) -> String {
    format!("registry.example.com/{REPOSITORY}:{tag}")
}
