//! Blue/green, linear and canary deployments: where they are, what they wait
//! for, and how they go on.

use std::sync::Arc;

use evenkeel::event::{By, Event, Outcome, Pause, Report};
use evenkeel::plan::{Note, Verdict};
use evenkeel::sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::world::{World, image, one_service, one_service_within, seconds};

/// A service that is deployed so.
async fn deployed_by(configuration: Value, file: &str) -> World {
    let world = World::with(Sandbox::in_memory(), file, None).await;
    let body =
        json!({"cluster": "prod", "service": "web", "deploymentConfiguration": configuration});
    world.somebody("UpdateService", &body).await;
    world.calls();
    world
}

/// Blue/green with a hook that waits for a person once test traffic is there.
fn pausing() -> Value {
    let hook = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]});
    json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, "lifecycleHooks": [hook]})
}

fn outcome(report: &Report) -> &Outcome {
    &report.services[0].outcome
}

fn pauses(events: &[Event]) -> Vec<&Pause> {
    let pause = events.iter().filter_map(|event| match event {
        Event::Paused { pause, .. } => Some(pause),
        _ => None,
    });
    pause.collect()
}

/// What the command that is printed sends.
async fn answer(world: &World, pause: &Pause, action: &str) {
    let body = json!({
        "serviceDeploymentArn": pause.deployment, "hookId": pause.hook, "action": action,
    });
    world.somebody("ContinueServiceDeployment", &body).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_said_once_and_again_when_time_is_up() {
    let file = one_service_within(&image("1.4.2"), "2m");
    let world = deployed_by(pausing(), &file).await;
    let (report, events) = world.carry_out(&world.plan(&file).await).await;
    let said = pauses(&events);
    assert_eq!(said.len(), 1, "{events:?}");
    assert_eq!(said[0].stage, "POST_TEST_TRAFFIC_SHIFT");
    assert_eq!(said[0].then.as_deref(), Some("ROLLBACK"));
    assert!(said[0].until.is_some());
    // While nothing moves, nothing is said.
    let lines = events
        .iter()
        .filter(|event| matches!(event, Event::Progress { .. }));
    assert!(lines.count() < 20, "{events:?}");
    let Outcome::TimedOut { pauses, .. } = outcome(&report) else {
        panic!("{report:?}");
    };
    assert_eq!(pauses.iter().collect::<Vec<_>>(), said);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_pause_lets_it_go_on_or_back() {
    for action in ["CONTINUE", "ROLLBACK"] {
        let short = one_service_within(&image("1.4.2"), "1m");
        let world = deployed_by(pausing(), &short).await;
        let (report, _) = world.carry_out(&world.plan(&short).await).await;
        let Outcome::TimedOut { pauses, .. } = outcome(&report) else {
            panic!("{report:?}");
        };
        // Somebody decides while the next run waits.
        let long = one_service(&image("1.4.2"));
        let world = Arc::new(world);
        let plan = world.plan(&long).await;
        assert!(matches!(plan.services()[0].verdict, Verdict::RollingOut(_)));
        let somebody = {
            let (world, pause) = (world.clone(), pauses[0].clone());
            tokio::spawn(async move {
                sleep(seconds(60)).await;
                answer(&world, &pause, action).await;
            })
        };
        let (report, events) = world.carry_out(&plan).await;
        somebody.await.expect("somebody ends");
        assert_eq!(self::pauses(&events), [&pauses[0]]);
        let outcome = outcome(&report);
        match action {
            "CONTINUE" => assert!(outcome.is_good(), "{outcome:?}"),
            _ => assert!(
                matches!(outcome, Outcome::RolledBack { by: By::Ecs, .. }),
                "{outcome:?}"
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_says_what_is_waited_for() {
    let file = one_service(&image("1.4.2"));
    let world = deployed_by(pausing(), &file).await;
    let plan = world.plan(&file).await;
    let (stop, interrupt) = watch::channel(false);
    tokio::spawn(async move {
        sleep(seconds(90)).await;
        let _ = stop.send(true);
        sleep(seconds(3600)).await;
    });
    let (report, _) = world.carry_out_until(&plan, interrupt).await;
    let Outcome::Interrupted { pauses, .. } = outcome(&report) else {
        panic!("{report:?}");
    };
    assert_eq!(pauses.len(), 1);
}

/// Stage and seconds left, each time that is said.
fn baking(events: &[Event]) -> Vec<(&str, u64)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Progress {
                stage: Some(stage), ..
            } => Some((stage.name.as_str(), stage.bake_left?.as_secs())),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_time_that_is_left_to_bake_is_counted_down() {
    let file = one_service(&image("1.4.2"));
    let canary = json!({"canaryPercent": 5, "canaryBakeTimeInMinutes": 2});
    let configuration =
        json!({"strategy": "CANARY", "bakeTimeInMinutes": 3, "canaryConfiguration": canary});
    let world = deployed_by(configuration, &file).await;
    let (report, events) = world.carry_out(&world.plan(&file).await).await;
    assert!(outcome(&report).is_good(), "{report:?}");
    let said: Vec<(&str, u64)> = baking(&events)
        .into_iter()
        .map(|(stage, left)| (stage, left.div_ceil(60)))
        .collect();
    assert_eq!(
        said,
        [
            ("PRODUCTION_TRAFFIC_SHIFT", 2),
            ("PRODUCTION_TRAFFIC_SHIFT", 1),
            ("BAKE_TIME", 3),
            ("BAKE_TIME", 2),
            ("BAKE_TIME", 1),
        ],
        "a line a minute: {events:?}"
    );
}

/// Nobody saw when it began, but ECS tells when anything last changed.
#[tokio::test(start_paused = true)]
async fn a_run_that_comes_later_knows_what_is_left_too() {
    let short = one_service_within(&image("1.4.2"), "2m");
    let blue_green = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10});
    let world = deployed_by(blue_green, &short).await;
    let plan = world.plan(&short).await;
    assert!(
        matches!(plan.services()[0].notes[..], [Note::BakesTooLong { .. }]),
        "{plan:?}"
    );
    let (_, events) = world.carry_out(&plan).await;
    let (_, before) = *baking(&events).last().expect("it bakes");
    sleep(seconds(120)).await;
    let (_, events) = world.carry_out(&world.plan(&short).await).await;
    let (_, after) = baking(&events)[0];
    let passed = before - after;
    assert!((120..=180).contains(&passed), "{before} {after}");
}

/// A pause that somebody has let go on is no reason for a time-out any more.
#[tokio::test(start_paused = true)]
async fn a_pause_that_is_over_is_not_waited_for() {
    let file = one_service_within(&image("1.4.2"), "2m");
    let mut configuration = pausing();
    configuration["bakeTimeInMinutes"] = json!(30);
    let world = Arc::new(deployed_by(configuration, &file).await);
    let plan = world.plan(&file).await;
    let somebody = {
        let world = world.clone();
        tokio::spawn(async move {
            sleep(seconds(60)).await;
            let listed = world
                .somebody(
                    "ListServiceDeployments",
                    &json!({"cluster": "prod", "service": "web"}),
                )
                .await;
            let arn = &listed["serviceDeployments"][0]["serviceDeploymentArn"];
            let described = world
                .somebody(
                    "DescribeServiceDeployments",
                    &json!({"serviceDeploymentArns": [arn]}),
                )
                .await;
            let hook = &described["serviceDeployments"][0]["lifecycleHookDetails"][0]["hookId"];
            let body = json!({"serviceDeploymentArn": arn, "hookId": hook});
            world.somebody("ContinueServiceDeployment", &body).await;
        })
    };
    let (report, _) = world.carry_out(&plan).await;
    somebody.await.expect("somebody ends");
    let Outcome::TimedOut { pauses, .. } = outcome(&report) else {
        panic!("{report:?}");
    };
    assert_eq!(*pauses, []);
}
