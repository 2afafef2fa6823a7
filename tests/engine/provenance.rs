//! Revisions say where they come from, and nothing else depends on it.

use std::sync::atomic::{AtomicUsize, Ordering};

use evenkeel::event::{Event, Outcome};
use evenkeel::model::{Provenance, RevisionArn};
use evenkeel::plan::{Options, Verdict};
use evenkeel::sandbox::{Call, Fault, Sandbox};
use serde_json::{Value, json};

use crate::world::{World, image, one_service};

fn of_commit(digit: char) -> Provenance {
    Provenance {
        environment: "prod".into(),
        commit: Some(digit.to_string().repeat(40).parse().expect("a commit")),
        run: Some("https://github.com/shop/deploy/actions/runs/42".into()),
    }
}

/// Plans and applies, saying where it comes from.
async fn apply(world: &World, file: &str, provenance: &Provenance) -> (Outcome, Vec<Event>) {
    let options = Options {
        provenance: Some(provenance),
        ..Options::default()
    };
    let plan = world.plan_with(file, options).await;
    let (report, events) = world.carry_out(&plan).await;
    (report.services[0].outcome.clone(), events)
}

#[track_caller]
fn deployed(outcome: &Outcome) -> RevisionArn {
    match outcome {
        Outcome::Deployed { revision, .. } => revision.clone(),
        other => panic!("{other:?}"),
    }
}

fn value<'a>(tags: &'a [Value], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag["key"] == key)?["value"].as_str()
}

fn ours(tags: &[Value]) -> usize {
    tags.iter()
        .filter(|tag| {
            tag["key"]
                .as_str()
                .is_some_and(|key| key.starts_with("evenkeel:"))
        })
        .count()
}

/// The first `times` calls of an operation go wrong.
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

fn denied(message: &str) -> Fault {
    Fault::Refuse {
        status: 400,
        code: "AccessDeniedException".to_owned(),
        message: message.to_owned(),
    }
}

/// Leaves the live revision without tags, so that registering it again needs no
/// leave to tag.
async fn take_all_tags(world: &World, file: &str) {
    let plan = world.plan(file).await;
    let Verdict::Change(change) = &plan.services()[0].verdict else {
        panic!("{plan:?}");
    };
    let keys: Vec<&Value> = change.tags.iter().map(|tag| &tag["key"]).collect();
    let body = json!({"resourceArn": change.basis.revision, "tagKeys": keys});
    world.somebody("UntagResource", &body).await;
    world.calls();
}

#[tokio::test(start_paused = true)]
async fn a_registered_revision_is_tagged_and_the_next_one_anew() {
    let file = one_service(&image("1.4.2"));
    let world = World::seeded(&file).await;
    let (outcome, _) = apply(&world, &file, &of_commit('a')).await;
    let first = world.tags(&deployed(&outcome)).await;
    assert_eq!(value(&first, "evenkeel:environment"), Some("prod"));
    assert_eq!(
        value(&first, "evenkeel:commit"),
        Some("a".repeat(40).as_str())
    );
    assert_eq!(
        value(&first, "evenkeel:run"),
        Some("https://github.com/shop/deploy/actions/runs/42")
    );
    assert_eq!(
        value(&first, "evenkeel:fingerprint").map(str::len),
        Some(16)
    );
    assert_eq!(world.writes(), ["RegisterTaskDefinition", "UpdateService"]);

    // In sync, whatever commit asks.
    let (outcome, _) = apply(&world, &file, &of_commit('b')).await;
    assert!(matches!(outcome, Outcome::Unchanged { .. }), "{outcome:?}");
    assert_eq!(world.writes(), Vec::<String>::new());

    let pushed: evenkeel::model::ImageReference = image("1.5.0").parse().expect("an image");
    world.sandbox.push_image(&pushed).expect("it is pushed");
    let (outcome, _) = apply(&world, &one_service(pushed.as_str()), &of_commit('b')).await;
    let second = world.tags(&deployed(&outcome)).await;
    assert_eq!(ours(&second), 4);
    assert_eq!(
        value(&second, "evenkeel:commit"),
        Some("b".repeat(40).as_str())
    );
    assert_ne!(
        value(&second, "evenkeel:fingerprint"),
        value(&first, "evenkeel:fingerprint")
    );
}

#[tokio::test(start_paused = true)]
async fn an_environment_can_do_without() {
    let with = one_service(&image("1.4.2"));
    let world = World::seeded(&with).await;
    apply(&world, &with, &of_commit('a')).await;
    let pushed: evenkeel::model::ImageReference = image("1.5.0").parse().expect("an image");
    world.sandbox.push_image(&pushed).expect("it is pushed");
    // What was said of the revision before is not said of the next.
    let without = format!("provenance = false\n{}", one_service(pushed.as_str()));
    let (outcome, _) = apply(&world, &without, &of_commit('b')).await;
    assert_eq!(ours(&world.tags(&deployed(&outcome)).await), 0);
}

#[tokio::test(start_paused = true)]
async fn a_revision_of_another_commit_is_used_again() {
    let (new, old) = (one_service(&image("1.4.2")), one_service(&image("1.4.1")));
    let sandbox = failing("UpdateService", 1, denied("for a test"));
    let world = World::with(sandbox, &new, None).await;
    // A run that died.
    let (outcome, _) = apply(&world, &new, &of_commit('a')).await;
    assert!(matches!(outcome, Outcome::Error { .. }), "{outcome:?}");
    world.calls();
    let (outcome, events) = apply(&world, &new, &of_commit('b')).await;
    deployed(&outcome);
    assert!(matches!(events[0], Event::Reused { .. }), "{events:?}");
    assert_eq!(world.writes(), ["UpdateService"]);
    // A change that is taken back, to a revision that says nothing.
    let (outcome, _) = apply(&world, &old, &of_commit('c')).await;
    deployed(&outcome);
    assert_eq!(world.writes(), ["UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_revision() {
    let file = one_service(&image("1.4.2"));
    let world = World::with(
        failing("RegisterTaskDefinition", 1, Fault::CutAfter),
        &file,
        None,
    )
    .await;
    let before = world.newest_revision(&file).await;
    let (outcome, _) = apply(&world, &file, &of_commit('a')).await;
    assert_eq!(deployed(&outcome).revision(), before + 1);
    assert_eq!(world.writes(), ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn without_leave_to_tag_it_is_deployed_all_the_same() {
    let file = one_service(&image("1.4.2"));
    let sandbox = Sandbox::in_memory().with_denied(["ecs:TagResource"]);
    let world = World::with(sandbox, &file, None).await;
    take_all_tags(&world, &file).await;
    let (outcome, events) = apply(&world, &file, &of_commit('a')).await;
    let revision = deployed(&outcome);
    assert_eq!(
        world.writes(),
        [
            "RegisterTaskDefinition",
            "RegisterTaskDefinition",
            "UpdateService"
        ]
    );
    assert_eq!(world.tags(&revision).await, Vec::<Value>::new());
    let warning = Event::Untagged {
        service: "web".into(),
        revision: revision.clone(),
        why: "ecs:TagResource is not allowed".into(),
    };
    assert_eq!(
        events[..2],
        [
            Event::Registered {
                service: "web".into(),
                revision,
            },
            warning,
        ]
    );
    // And the next run finds nothing to do.
    let (outcome, events) = apply(&world, &file, &of_commit('b')).await;
    assert!(matches!(outcome, Outcome::Unchanged { .. }), "{outcome:?}");
    assert!(!events.iter().any(|e| matches!(e, Event::Untagged { .. })));
}

#[tokio::test(start_paused = true)]
async fn any_other_refusal_is_one() {
    let file = one_service(&image("1.4.2"));
    for (message, tries, hint) in [
        // The tags of the live revision need leave, too.
        (
            "User: u is not authorized to perform: ecs:TagResource on resource: r",
            2,
            "allow ecs:TagResource for this role or user",
        ),
        (
            "User: u is not authorized to perform: iam:PassRole on resource: r",
            1,
            "allow iam:PassRole for this role or user",
        ),
    ] {
        let sandbox = failing("RegisterTaskDefinition", usize::MAX, denied(message));
        let world = World::with(sandbox, &file, None).await;
        let (outcome, _) = apply(&world, &file, &of_commit('a')).await;
        let Outcome::Error { hint: given, .. } = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(given.as_deref(), Some(hint));
        assert_eq!(world.writes(), vec!["RegisterTaskDefinition"; tries]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_tagged_by_hand_stays() {
    let file = one_service(&image("1.4.2"));
    let world = World::seeded(&file).await;
    let (outcome, _) = apply(&world, &file, &of_commit('a')).await;
    let revision = deployed(&outcome);
    let before = world.tags(&revision).await.len();
    let tag = json!({"key": "owner", "value": "ana"});
    let body = json!({"resourceArn": revision, "tags": [tag]});
    world.somebody("TagResource", &body).await;
    let pushed: evenkeel::model::ImageReference = image("1.5.0").parse().expect("an image");
    world.sandbox.push_image(&pushed).expect("it is pushed");
    let (outcome, _) = apply(&world, &one_service(pushed.as_str()), &of_commit('b')).await;
    let tags = world.tags(&deployed(&outcome)).await;
    assert_eq!(value(&tags, "owner"), Some("ana"));
    assert_eq!(tags.len(), before + 1);
}
