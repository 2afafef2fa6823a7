//! A rollout that fails is explained, undone, and remembered.

use std::sync::atomic::{AtomicBool, Ordering};

use evenkeel::event::{By, Ended, Event, How, Left, Outcome};
use evenkeel::model::{RevisionArn, failed_because};
use evenkeel::plan::{Options, Verdict};
use evenkeel::sandbox::{Call, Fault, Sandbox};
use serde_json::json;

use crate::world::{World, image, one_service};

async fn fails(world: &World, file: &str) -> (Ended, Vec<Event>) {
    let plan = world.plan(file).await;
    let (report, events) = world.carry_out(&plan).await;
    (report.services[0].clone(), events)
}

fn causes(ended: &Ended) -> Vec<&str> {
    let diagnosis = ended.diagnosis.as_ref().expect("a diagnosis");
    diagnosis
        .causes
        .iter()
        .map(|cause| cause.says.as_str())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_way_to_fail_names_its_cause() {
    let rows = [
        ("crash", "app exited with code 1"),
        ("unpullable", "cannot be pulled"),
        ("nosecret", "a secret cannot be read"),
        ("oom", "app ran out of memory"),
        ("unhealthy", "failed its container's health checks"),
        ("elb", "failed the load balancer's health checks"),
        ("nocapacity", "no task could be placed"),
    ];
    for (word, says) in rows {
        let file = one_service(&image(&format!("1.4.2-{word}")));
        let world = World::seeded(&file).await;
        let (ended, _) = fails(&world, &file).await;
        assert!(
            matches!(ended.outcome, Outcome::RolledBack { .. }),
            "{word}: {ended:?}"
        );
        let causes = causes(&ended);
        assert!(
            causes.first().is_some_and(|first| first.contains(says)),
            "{word}: {causes:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_shows_its_last_lines() {
    let file = one_service(&image("1.4.2-crash"));
    let world = World::seeded(&file).await;
    let (ended, _) = fails(&world, &file).await;
    let log = &ended.diagnosis.as_ref().expect("a diagnosis").log;
    assert!(
        log.iter().any(|line| line.contains("ECONNREFUSED")),
        "{log:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_a_gap_and_no_error() {
    let file = one_service(&image("1.4.2-crash"));
    let sandbox =
        evenkeel::sandbox::Sandbox::in_memory().with_denied(["logs:GetLogEvents", "ecs:ListTasks"]);
    let world = World::with(sandbox, &file, None).await;
    let (ended, _) = fails(&world, &file).await;
    assert!(
        matches!(ended.outcome, Outcome::RolledBack { .. }),
        "{ended:?}"
    );
    let gaps = &ended.diagnosis.as_ref().expect("a diagnosis").gaps;
    assert!(gaps[0].contains("allow ecs:ListTasks"), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn where_ecs_does_not_go_back_evenkeel_does() {
    for (enable, word) in [(true, "crash"), (false, "crash"), (false, "oom")] {
        let file = one_service(&image(&format!("1.4.2-{word}")));
        let world = World::seeded(&file).await;
        world.breaker(enable, false).await;
        let healthy = world.newest_revision(&file).await;
        world.calls();
        let (ended, events) = fails(&world, &file).await;
        let Outcome::RolledBack {
            revision,
            to,
            by: By::Evenkeel,
            complete: true,
            ..
        } = &ended.outcome
        else {
            panic!("{enable}: {ended:?}");
        };
        assert_eq!((revision.revision(), to.revision()), (healthy + 1, healthy));
        assert_eq!(ended.now.len(), 1, "{ended:?}");
        assert_eq!((&ended.now[0].revision, ended.now[0].running), (to, 3));
        assert!(
            events
                .iter()
                .any(|event| matches!(event, Event::GoingBack { .. }))
        );
        // Going back registers nothing.
        let writes = world.writes();
        let tags = if enable { vec![] } else { vec!["TagResource"] };
        let expected: Vec<&str> = ["RegisterTaskDefinition", "UpdateService"]
            .into_iter()
            .chain(tags)
            .chain(["UpdateService"])
            .collect();
        assert_eq!(writes, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn on_failure_stop_leaves_things_as_they_are() {
    let file = format!(
        "{}rollout.on-failure = \"stop\"\n",
        one_service(&image("1.4.2-crash"))
    );
    let world = World::seeded(&file).await;
    world.breaker(true, false).await;
    world.calls();
    let (ended, _) = fails(&world, &file).await;
    assert!(
        matches!(
            ended.outcome,
            Outcome::Failed {
                left: Left::AsDeclared,
                ..
            }
        ),
        "{ended:?}"
    );
    assert_eq!(causes(&ended), ["app exited with code 1"]);
    assert_eq!(world.writes(), ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_not_tried_again_until_somebody_asks() {
    for (enable, rollback) in [(true, true), (true, false), (false, false)] {
        let file = one_service(&image("1.4.2-crash"));
        let world = World::seeded(&file).await;
        world.breaker(enable, rollback).await;
        let (ended, _) = fails(&world, &file).await;
        let Outcome::RolledBack { revision, .. } = ended.outcome else {
            panic!("{ended:?}")
        };
        world.calls();

        let plan = world.plan(&file).await;
        let Verdict::FailedBefore(before) = &plan.services()[0].verdict else {
            panic!("{enable} {rollback}: {plan:?}");
        };
        assert_eq!(before.revision, revision);
        let (report, _) = world.carry_out(&plan).await;
        assert!(matches!(
            report.services[0].outcome,
            Outcome::FailedBefore { .. }
        ));
        assert_eq!(world.writes(), Vec::<String>::new());

        // Asked for, it is tried again, with the revision that there is.
        let retry = Options {
            retry: true,
            ..Options::default()
        };
        let plan = world.plan_with(&file, retry).await;
        let (report, _) = world.carry_out(&plan).await;
        assert!(
            matches!(report.services[0].outcome, Outcome::RolledBack { .. }),
            "{report:?}"
        );
        assert!(
            !world
                .writes()
                .contains(&"RegisterTaskDefinition".to_owned())
        );

        // Another image is tried by itself.
        let outcome = world.apply(&one_service(&image("1.4.2-slow"))).await;
        assert!(
            !matches!(outcome, Outcome::FailedBefore { .. }),
            "{outcome:?}"
        );
    }
}

/// A revision that was registered, never ran, and is marked as failed.
async fn with_a_marked_revision(sandbox: Sandbox, file: &str) -> (World, RevisionArn) {
    let refused = AtomicBool::new(false);
    let sandbox = sandbox.with_faults(move |call: &Call, _: usize| {
        if call.operation == "UpdateService" && !refused.swap(true, Ordering::Relaxed) {
            return Fault::Refuse {
                status: 400,
                code: "ClientException".to_owned(),
                message: "for a test".to_owned(),
            };
        }
        Fault::None
    });
    let world = World::with(sandbox, file, None).await;
    let plan = world.plan(file).await;
    let (_, events) = world.carry_out(&plan).await;
    let Event::Registered { revision, .. } = events[0].clone() else {
        panic!("{events:?}");
    };
    let tags = json!([{"key": "evenkeel:failed", "value": "app exited with code 1"}]);
    let body = json!({"resourceArn": revision, "tags": tags});
    world.somebody("TagResource", &body).await;
    world.calls();
    (world, revision)
}

const RETRY: Options<'_> = Options {
    restart: false,
    retry: true,
    now: None,
    provenance: None,
};

#[tokio::test(start_paused = true)]
async fn a_retry_that_succeeds_takes_the_mark_off() {
    let file = one_service(&image("1.4.2"));
    let (world, revision) = with_a_marked_revision(Sandbox::in_memory(), &file).await;
    let plan = world.plan(&file).await;
    assert!(
        matches!(plan.services()[0].verdict, Verdict::FailedBefore(_)),
        "{plan:?}"
    );
    let others = world.tags(&revision).await.len() - 1;
    let (report, events) = world.carry_out(&world.plan_with(&file, RETRY).await).await;
    assert!(
        matches!(report.services[0].outcome, Outcome::Deployed { .. }),
        "{report:?}"
    );
    assert!(
        !events
            .iter()
            .any(|e| matches!(e, Event::StillMarked { .. }))
    );
    assert_eq!(world.writes(), ["UpdateService", "UntagResource"]);
    let tags = world.tags(&revision).await;
    assert_eq!(failed_because(&tags), None);
    assert_eq!(tags.len(), others, "no other tag goes: {tags:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_fails_leaves_the_mark() {
    let file = one_service(&image("1.4.2-crash"));
    let (world, revision) = with_a_marked_revision(Sandbox::in_memory(), &file).await;
    let (report, _) = world.carry_out(&world.plan_with(&file, RETRY).await).await;
    assert!(
        matches!(report.services[0].outcome, Outcome::RolledBack { .. }),
        "{report:?}"
    );
    assert_eq!(world.writes(), ["UpdateService"]);
    assert!(failed_because(&world.tags(&revision).await).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_may_not_be_taken_off_is_a_note() {
    let file = one_service(&image("1.4.2"));
    let sandbox = Sandbox::in_memory().with_denied(["ecs:UntagResource"]);
    let (world, revision) = with_a_marked_revision(sandbox, &file).await;
    let (report, events) = world.carry_out(&world.plan_with(&file, RETRY).await).await;
    assert!(
        matches!(report.services[0].outcome, Outcome::Deployed { .. }),
        "{report:?}"
    );
    let note = events.iter().find_map(|event| match event {
        Event::StillMarked { hint, .. } => hint.clone(),
        _ => None,
    });
    assert_eq!(
        note.as_deref(),
        Some("allow ecs:UntagResource for this role or user")
    );
    assert!(failed_because(&world.tags(&revision).await).is_some());
}

/// A retry that was interrupted, and is waited for by the next run; `wait`
/// writes nothing.
#[tokio::test(start_paused = true)]
async fn a_retry_found_under_way_takes_the_mark_off_too() {
    for waits in [false, true] {
        let file = one_service(&image("1.4.2"));
        let (world, revision) = with_a_marked_revision(Sandbox::in_memory(), &file).await;
        world.breaker(false, false).await;
        let body = json!({"cluster": "prod", "service": "web", "taskDefinition": revision});
        world.somebody("UpdateService", &body).await;
        world.calls();
        let mut plan = world.plan(&file).await;
        assert!(
            matches!(plan.services()[0].verdict, Verdict::RollingOut(_)),
            "{plan:?}"
        );
        if waits {
            (plan, _) = plan.under_way();
        }
        let (report, _) = world.carry_out(&plan).await;
        assert!(
            matches!(report.services[0].outcome, Outcome::Deployed { .. }),
            "{report:?}"
        );
        let writes = if waits { vec![] } else { vec!["UntagResource"] };
        assert_eq!(world.writes(), writes);
    }
}

#[tokio::test(start_paused = true)]
async fn going_back_by_file_to_what_ran_before_is_no_failure() {
    let bad = one_service(&image("1.4.2-crash"));
    let good = one_service(&image("1.4.0"));
    let world = World::seeded(&bad).await;
    fails(&world, &bad).await;
    let outcome = world.apply(&good).await;
    assert!(
        matches!(
            outcome,
            Outcome::Deployed {
                how: How::Started,
                ..
            }
        ),
        "{outcome:?}"
    );
}
