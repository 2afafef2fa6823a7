//! How rollouts end, and how soon that is noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evenkeel::event::{By, Event, How, Outcome};
use evenkeel::plan::Verdict;
use evenkeel::sandbox::{Call, Fault, Sandbox};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::world::{World, image, one_service, one_service_within, seconds};

#[tokio::test(start_paused = true)]
async fn success_ends_within_a_second_of_the_rollout() {
    let file = one_service(&image("1.4.2"));
    let world = Arc::new(World::seeded(&file).await);
    // Another pair of eyes on the same sandbox, looking ten times a second.
    let watcher = {
        let (world, file) = (world.clone(), file.clone());
        tokio::spawn(async move {
            loop {
                sleep(seconds(1) / 10).await;
                if let Verdict::InSync { .. } = world.plan(&file).await.services()[0].verdict {
                    return Instant::now();
                }
            }
        })
    };
    let outcome = world.apply(&file).await;
    let noticed = Instant::now();
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
    let ended = watcher.await.expect("the watcher ends");
    let late = noticed.saturating_duration_since(ended);
    assert!(late <= seconds(1), "noticed {late:?} after the end");
}

#[tokio::test(start_paused = true)]
async fn a_crashing_image_is_a_failure_that_says_what_runs() {
    for word in ["crash", "unpullable"] {
        let file = one_service(&image(&format!("1.4.2-{word}")));
        let world = World::seeded(&file).await;
        let before = world.newest_revision(&file).await;
        let plan = world.plan(&file).await;
        let (report, _) = world.carry_out(&plan).await;
        let ended = &report.services[0];
        let Outcome::RolledBack {
            revision,
            to,
            reason: Some(reason),
            by: By::Ecs,
            complete: true,
        } = &ended.outcome
        else {
            panic!("{word}: {ended:?}");
        };
        assert_eq!(revision.revision(), before + 1);
        assert_eq!(to.revision(), before);
        assert!(!reason.is_empty());
        assert_eq!(ended.now[0].revision, *to, "{word}: {ended:?}");
        assert!(ended.now[0].running > 0, "{word}: {ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_rollout_times_out_on_time_and_is_adopted_later() {
    let file = one_service_within(&image("1.4.2-slow"), "90s");
    let world = World::seeded(&file).await;
    let plan = world.plan(&file).await;
    let start = Instant::now();
    let (report, _) = world.carry_out(&plan).await;
    assert!(
        matches!(
            report.services[0].outcome,
            Outcome::TimedOut {
                after_seconds: 90,
                ..
            }
        ),
        "{report:?}"
    );
    let took = start.elapsed();
    assert!(took >= seconds(90) && took < seconds(92), "{took:?}");
    world.calls();

    let patient = one_service_within(&image("1.4.2-slow"), "2h");
    let plan = world.plan(&patient).await;
    assert!(matches!(plan.services()[0].verdict, Verdict::RollingOut(_)));
    let (report, events) = world.carry_out(&plan).await;
    assert!(
        matches!(
            report.services[0].outcome,
            Outcome::Deployed {
                how: How::Adopted,
                ..
            }
        ),
        "{report:?}"
    );
    assert!(matches!(events[0], Event::Adopted { .. }));
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_rollout_replaced_by_another_is_not_a_success() {
    let file = one_service(&image("1.4.2-slow"));
    let world = Arc::new(World::seeded(&file).await);
    let other = {
        let world = world.clone();
        tokio::spawn(async move {
            sleep(seconds(20)).await;
            world.apply(&one_service(&image("1.4.0"))).await
        })
    };
    let outcome = world.apply(&file).await;
    assert!(matches!(outcome, Outcome::Superseded { .. }), "{outcome:?}");
    let other = other.await.expect("the other ends");
    assert!(matches!(other, Outcome::Deployed { .. }), "{other:?}");
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_the_wait_and_starts_nothing() {
    let file = one_service(&image("1.4.2-slow"));
    let world = World::seeded(&file).await;
    let plan = world.plan(&file).await;

    let (stop, interrupt) = watch::channel(true);
    let (report, _) = world.carry_out_until(&plan, interrupt).await;
    assert_eq!(
        report.services[0].outcome,
        Outcome::Interrupted {
            revision: None,
            pauses: vec![]
        }
    );
    assert_eq!(world.writes(), Vec::<String>::new());
    drop(stop);

    let (stop, interrupt) = watch::channel(false);
    let start = Instant::now();
    tokio::spawn(async move {
        sleep(seconds(30)).await;
        let _ = stop.send(true);
        sleep(seconds(3600)).await;
    });
    let (report, _) = world.carry_out_until(&plan, interrupt).await;
    assert!(
        matches!(
            report.services[0].outcome,
            Outcome::Interrupted {
                revision: Some(_),
                ..
            }
        ),
        "{report:?}"
    );
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_lost_network_is_ridden_out() {
    let down = Arc::new(AtomicBool::new(false));
    let faults = down.clone();
    let sandbox = Sandbox::in_memory().with_faults(move |_: &Call, _: usize| {
        if faults.load(Ordering::Relaxed) {
            Fault::CutBefore
        } else {
            Fault::None
        }
    });
    let file = one_service(&image("1.4.2"));
    let world = World::with(sandbox, &file, None).await;
    let plan = world.plan(&file).await;
    tokio::spawn(async move {
        sleep(seconds(4)).await;
        down.store(true, Ordering::Relaxed);
        sleep(seconds(120)).await;
        down.store(false, Ordering::Relaxed);
    });
    let (report, events) = world.carry_out(&plan).await;
    assert!(
        matches!(report.services[0].outcome, Outcome::Deployed { .. }),
        "{report:?}"
    );
    let troubles = events
        .iter()
        .filter(|event| matches!(event, Event::Trouble { .. }))
        .count();
    assert_eq!(troubles, 1, "said once: {events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_over_before_the_first_look_has_its_reason() {
    let down = Arc::new(AtomicBool::new(false));
    let faults = down.clone();
    let sandbox = Sandbox::in_memory().with_faults(move |call: &Call, _: usize| {
        if call.operation == "UpdateService" {
            faults.store(true, Ordering::Relaxed);
        } else if faults.load(Ordering::Relaxed) {
            return Fault::CutBefore;
        }
        Fault::None
    });
    let file = one_service(&image("1.4.2-crash"));
    let world = World::with(sandbox, &file, None).await;
    let plan = world.plan(&file).await;
    tokio::spawn(async move {
        sleep(seconds(300)).await;
        down.store(false, Ordering::Relaxed);
    });
    let (report, _) = world.carry_out(&plan).await;
    let Outcome::RolledBack {
        reason: Some(reason),
        complete: true,
        ..
    } = &report.services[0].outcome
    else {
        panic!("{report:?}");
    };
    assert!(reason.contains("circuit breaker"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn several_services_roll_out_side_by_side() {
    let file = format!(
        "{}[services.b]\nimage = \"{}\"\n",
        one_service(&image("1.4.2")),
        image("1.4.2")
    );
    let world = World::seeded(&file).await;
    let plan = world.plan(&file).await;
    let start = Instant::now();
    let (report, _) = world.carry_out(&plan).await;
    assert!(
        report.services.iter().all(|ended| ended.outcome.is_good()),
        "{report:?}"
    );
    let longest = report
        .services
        .iter()
        .map(|ended| ended.elapsed)
        .max()
        .unwrap_or_default();
    assert!(start.elapsed() < longest + seconds(2));
}
