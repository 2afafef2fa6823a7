//! Tasks that come before a rollout.

use std::time::Duration;

use evenkeel::event::{Event, Outcome, Unfinished};
use evenkeel::plan::{Block, Options, Verdict};
use serde_json::json;
use tokio::sync::watch;

use crate::world::{World, image, one_service, one_service_within};

const MIGRATE: &str = r#"["npm", "run", "migrate"]"#;

fn file(tag: &str, command: &str) -> String {
    format!(
        "{}rollout.before = [{{ container = \"app\", command = {command} }}]\n",
        one_service(&image(tag))
    )
}

fn started(events: &[Event]) -> Vec<(bool, Option<String>)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::BeforeStarted { run, adopted, .. } => Some((*adopted, run.task.clone())),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_work_is_done_before_the_service_is_touched() {
    let file = file("1.4.2", MIGRATE);
    let world = World::seeded(&file).await;
    let plan = world.plan(&file).await;
    world.calls();
    let (report, events) = world.carry_out(&plan).await;
    assert!(
        matches!(report.services[0].outcome, Outcome::Deployed { .. }),
        "{report:?}"
    );
    assert_eq!(
        world.writes(),
        ["RegisterTaskDefinition", "RunTask", "UpdateService"]
    );
    let done = events.iter().find_map(|event| match event {
        Event::BeforeDone { log, .. } => Some(log.clone()),
        _ => None,
    });
    assert_eq!(
        done.expect("it is done").last().map(String::as_str),
        Some("2 migrations applied; the schema is up to date")
    );
    // What runs is what is declared: nothing comes before nothing.
    assert!(matches!(
        world.apply(&file).await,
        Outcome::Unchanged { .. }
    ));
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_task_runs_the_new_revision_in_the_service_s_network() {
    let file = file("1.4.2", MIGRATE);
    let world = World::seeded(&file).await;
    let (_, events) = world.carry_out(&world.plan(&file).await).await;
    let id = started(&events).remove(0).1.expect("a task");
    let tasks = json!({"cluster": "prod", "tasks": [id]});
    let task = &world.somebody("DescribeTasks", &tasks).await["tasks"][0];
    let body = json!({"cluster": "prod", "services": ["web"]});
    let service = &world.somebody("DescribeServices", &body).await["services"][0];
    assert_eq!(task["taskDefinitionArn"], service["taskDefinition"]);
    assert_eq!(
        task["overrides"]["containerOverrides"],
        json!([{"name": "app", "command": ["npm", "run", "migrate"]}])
    );
    let subnets = &service["networkConfiguration"]["awsvpcConfiguration"]["subnets"];
    let subnet = &task["attachments"][0]["details"][0]["value"];
    assert!(
        subnets.as_array().expect("subnets").contains(subnet),
        "{subnet} of {subnets}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_everything_and_is_remembered() {
    let file = format!(
        "{}\n[services.other]\nimage = \"{}\"\n",
        file("1.4.2-badmigration", MIGRATE),
        image("1.4.2")
    );
    let world = World::seeded(&file).await;
    let plan = world.plan(&file).await;
    world.calls();
    let (report, _) = world.carry_out(&plan).await;
    let web = &report.services[0];
    let Outcome::BeforeFailed {
        exit_code: Some(1),
        run,
        revision,
    } = &web.outcome
    else {
        panic!("{report:?}");
    };
    assert!(run.task.is_some());
    let diagnosis = web.diagnosis.as_ref().expect("a diagnosis");
    assert_eq!(diagnosis.causes[0].says, "app exited with code 1");
    assert!(!diagnosis.log.is_empty(), "{diagnosis:?}");
    assert!(matches!(
        &report.services[1].outcome,
        Outcome::HeldBack { because } if because == "web"
    ));
    assert_eq!(
        world.writes(),
        [
            "RegisterTaskDefinition",
            "RegisterTaskDefinition",
            "RunTask",
            "TagResource"
        ]
    );

    let verdict = world.plan(&file).await.services()[0].verdict.clone();
    let Verdict::FailedBefore(before) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(before.revision, *revision);
    let why = before.reason.expect("a reason");
    assert_eq!(
        why,
        "npm run migrate before the rollout: app exited with code 1"
    );

    // Asked for, it is tried again: with a task of its own.
    let retry = Options {
        retry: true,
        ..Options::default()
    };
    let plan = world.plan_with(&file, retry).await;
    world.calls();
    let (report, events) = world.carry_out(&plan).await;
    assert!(matches!(
        report.services[0].outcome,
        Outcome::BeforeFailed { .. }
    ));
    let again = started(&events);
    assert!(!again[0].0, "{again:?}");
    assert_ne!(again[0].1, run.task);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_over_waits_for_the_same_task() {
    let file = file("1.4.2", MIGRATE);
    let world = World::seeded(&file).await;
    let plan = world.plan(&file).await;
    let (stop, interrupt) = watch::channel(false);
    let (reports, ()) = tokio::join!(world.carry_out_until(&plan, interrupt), async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        stop.send(true).expect("somebody waits");
    });
    let (report, events) = reports;
    assert!(
        matches!(
            report.services[0].outcome,
            Outcome::BeforeUnfinished {
                because: Unfinished::Interrupted,
                ..
            }
        ),
        "{report:?}"
    );
    let first = started(&events);
    // While it runs, and after it is done: it is never started twice.
    for wait in [0, 60] {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let plan = world.plan(&file).await;
        world.calls();
        let (stop, interrupt) = watch::channel(false);
        let (reports, ()) = tokio::join!(world.carry_out_until(&plan, interrupt), async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            let _ = stop.send(wait == 0);
            // Kept until the end: a sender that is gone never interrupts.
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
        let (report, events) = reports;
        assert_eq!(started(&events), [(true, first[0].1.clone())]);
        assert!(!world.writes().contains(&"RunTask".to_owned()));
        let deployed = matches!(report.services[0].outcome, Outcome::Deployed { .. });
        assert_eq!(deployed, wait != 0, "{report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn its_time_is_that_of_a_rollout() {
    let file = format!(
        "{}rollout.before = [{{ container = \"app\", command = [\"sleep\", \"60\"] }}]\n",
        one_service_within(&image("1.4.2-slow"), "10s")
    );
    let world = World::seeded(&file).await;
    let plan = world.plan(&file).await;
    let (report, _) = world.carry_out(&plan).await;
    assert!(
        matches!(
            report.services[0].outcome,
            Outcome::BeforeUnfinished {
                because: Unfinished::TimedOut { after_seconds: 10 },
                ..
            }
        ),
        "{report:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_run_names_the_permission() {
    let file = file("1.4.2", MIGRATE);
    let sandbox = evenkeel::sandbox::Sandbox::in_memory().with_denied(["ecs:RunTask"]);
    let world = World::with(sandbox, &file, None).await;
    let outcome = world.apply(&file).await;
    let Outcome::Error {
        hint: Some(hint),
        going_on: false,
        ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(hint, "allow ecs:RunTask for this role or user");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_not_there_blocks_the_plan() {
    let file = file("1.4.2", MIGRATE).replace("container = \"app\"", "container = \"ap\"");
    let world = World::seeded(&file).await;
    let verdict = world.plan(&file).await.services()[0].verdict.clone();
    let Verdict::Blocked(blocks) = verdict else {
        panic!("{verdict:?}");
    };
    let Block::ContainerMissing { at, near, .. } = &blocks[0] else {
        panic!("{blocks:?}");
    };
    assert_eq!(near.as_deref(), Some("app"));
    assert_eq!(at.line, 7);
}
