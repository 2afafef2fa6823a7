//! Nothing is done twice because an answer was lost, and nothing on a state
//! that is no longer the planned one.

use std::sync::atomic::{AtomicUsize, Ordering};

use evenkeel::event::{How, Outcome};
use evenkeel::sandbox::{Call, Fault, Sandbox};

use crate::world::{World, image, one_service};

/// Lets the first `times` calls of an operation go wrong.
fn failing(operation: &'static str, times: usize, fault: Fault) -> Sandbox {
    let done = AtomicUsize::new(0);
    Sandbox::in_memory().with_faults(move |call: &Call, _: usize| {
        if call.operation == operation && done.fetch_add(1, Ordering::Relaxed) < times {
            fault.clone()
        } else {
            Fault::None
        }
    })
}

fn refusal(status: u16, code: &str) -> Fault {
    Fault::Refuse {
        status,
        code: code.to_owned(),
        message: "for a test".to_owned(),
    }
}

async fn deploys_one_revision(sandbox: Sandbox) {
    let file = one_service(&image("1.4.2"));
    let world = World::with(sandbox, &file, None).await;
    let before = world.newest_revision(&file).await;
    let outcome = world.apply(&file).await;
    let Outcome::Deployed {
        revision,
        how: How::Started,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(revision.revision(), before + 1);
    // The next registration gets the next number: there is no other between.
    let pushed: evenkeel::model::ImageReference = image("1.9.0").parse().expect("an image");
    world.sandbox.push_image(&pushed).expect("it is pushed");
    let next = one_service(pushed.as_str());
    world.apply(&next).await;
    assert_eq!(world.newest_revision(&next).await, before + 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_register_makes_no_second_revision() {
    deploys_one_revision(failing("RegisterTaskDefinition", 1, Fault::CutAfter)).await;
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_had_no_effect_is_tried_again() {
    deploys_one_revision(failing("RegisterTaskDefinition", 2, Fault::CutBefore)).await;
    deploys_one_revision(failing(
        "RegisterTaskDefinition",
        2,
        refusal(500, "ServerException"),
    ))
    .await;
    deploys_one_revision(failing(
        "RegisterTaskDefinition",
        2,
        refusal(400, "ThrottlingException"),
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_update_is_looked_up() {
    deploys_one_revision(failing("UpdateService", 1, Fault::CutAfter)).await;
    // Also when the SDK's own attempts are all lost.
    deploys_one_revision(failing("UpdateService", 3, Fault::CutAfter)).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_registration_leaves_the_service_alone() {
    let file = one_service(&image("1.4.2"));
    let sandbox = failing(
        "RegisterTaskDefinition",
        usize::MAX,
        refusal(400, "AccessDeniedException"),
    );
    let world = World::with(sandbox, &file, None).await;
    let outcome = world.apply(&file).await;
    let Outcome::Error {
        why,
        hint,
        going_on: false,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(why, "ecs:RegisterTaskDefinition is not allowed: for a test");
    assert_eq!(
        hint.as_deref(),
        Some("allow ecs:RegisterTaskDefinition for this role or user")
    );
    assert_eq!(world.writes(), ["RegisterTaskDefinition"]);
}

#[tokio::test(start_paused = true)]
async fn one_refused_registration_holds_all_services_back() {
    let file = format!(
        "{}[services.b]\nimage = \"{}\"\n",
        one_service(&image("1.4.2")),
        image("1.4.2")
    );
    // The second registration fails: the first service must stay as it was.
    let done = AtomicUsize::new(0);
    let sandbox = Sandbox::in_memory().with_faults(move |call: &Call, _: usize| {
        if call.operation == "RegisterTaskDefinition" && done.fetch_add(1, Ordering::Relaxed) == 1 {
            refusal(400, "ClientException")
        } else {
            Fault::None
        }
    });
    let world = World::with(sandbox, &file, None).await;
    let plan = world.plan(&file).await;
    let (report, _) = world.carry_out(&plan).await;
    assert_eq!(
        report.services[0].outcome,
        Outcome::HeldBack {
            because: "b".to_owned()
        }
    );
    assert!(matches!(
        report.services[1].outcome,
        Outcome::Error {
            going_on: false,
            ..
        }
    ));
    assert!(!world.writes().contains(&"UpdateService".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_stale_plan_writes_nothing() {
    let file = one_service(&image("1.4.2"));
    let world = World::seeded(&file).await;
    let stale = world.plan(&file).await;
    world.apply(&one_service(&image("1.4.0"))).await;
    world.calls();
    let (report, _) = world.carry_out(&stale).await;
    assert!(
        matches!(report.services[0].outcome, Outcome::Stale { .. }),
        "{report:?}"
    );
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_revision_left_by_a_run_that_died_is_used() {
    let file = one_service(&image("1.4.2"));
    let sandbox = failing("UpdateService", 1, refusal(400, "AccessDeniedException"));
    let world = World::with(sandbox, &file, None).await;
    let outcome = world.apply(&file).await;
    assert!(matches!(outcome, Outcome::Error { .. }), "{outcome:?}");
    assert_eq!(world.writes(), ["RegisterTaskDefinition", "UpdateService"]);
    let outcome = world.apply(&file).await;
    assert!(matches!(outcome, Outcome::Deployed { .. }), "{outcome:?}");
    assert_eq!(world.writes(), ["UpdateService"]);
}

/// "May not be read" is not "is not there".
#[tokio::test(start_paused = true)]
async fn a_lost_answer_that_cannot_be_looked_up_is_not_sent_again() {
    let file = one_service(&image("1.4.2"));
    let registered = AtomicUsize::new(0);
    let sandbox = Sandbox::in_memory().with_faults(move |call: &Call, _: usize| {
        match call.operation.as_str() {
            "RegisterTaskDefinition" => {
                registered.fetch_add(1, Ordering::Relaxed);
                Fault::CutAfter
            }
            "ListTaskDefinitions" if registered.load(Ordering::Relaxed) > 0 => {
                refusal(400, "AccessDeniedException")
            }
            _ => Fault::None,
        }
    });
    let world = World::with(sandbox, &file, None).await;
    let outcome = world.apply(&file).await;
    assert!(matches!(outcome, Outcome::Error { .. }), "{outcome:?}");
    assert_eq!(world.writes(), ["RegisterTaskDefinition"]);
}
