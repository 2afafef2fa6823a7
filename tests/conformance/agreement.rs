//! evenkeel does the same in both worlds, and in each what it promises.

use serde_json::{Value, json};

use super::adoption;
use super::deviations::{self, Deviation, judge};
use super::difference::between;
use super::docker::Engine;
use super::scenario::{self, Told};
use super::world::World;

#[test]
fn a_service_is_deployed() {
    let [sandbox, ministack] = in_both(scenario::tell);
    for told in [&sandbox, &ministack] {
        nothing_happens_unless_something_differs(told);
        nothing_is_lost(told);
        a_missing_image_blocks(told);
    }
    agree(&sandbox.record, &ministack.record, deviations::OF_DEPLOYING);
}

#[test]
fn a_service_is_adopted() {
    let [sandbox, ministack] = in_both(adoption::tell);
    for told in [&sandbox, &ministack] {
        for step in ["plan", "apply"] {
            let acted = &told.record[step];
            assert_eq!(acted["exit"], 0, "{step}: {acted:#}");
            assert_eq!(acted["wrote"], json!([]), "{step}: {acted:#}");
        }
    }
    agree(&sandbox.record, &ministack.record, deviations::OF_ADOPTING);

    let plan =
        |told: &adoption::Told| told.moved["result"]["environments"][0]["services"][0].clone();
    let change = &plan(&sandbox)["changes"][0];
    let [first, second] = &sandbox.digests;
    assert_eq!(sandbox.moved["exit"], 2, "{:#}", sandbox.moved);
    assert_eq!(change["from_digest"], *first);
    assert!(change["to"].as_str().is_some_and(|to| to.ends_with(second)));
    // ministack has no service revisions, so nobody can tell what a bare tag
    // runs: it is taken at its word, and the note says so.
    assert_eq!(ministack.moved["exit"], 0, "{:#}", ministack.moved);
    assert_eq!(plan(&ministack)["verdict"], "in-sync");
    assert_eq!(plan(&ministack)["notes"].as_array().map(Vec::len), Some(1));
}

/// Lets a story be told in both worlds at once; the sandbox's comes first.
fn in_both<T: Send>(tell: fn(&World) -> T) -> [T; 2] {
    both(|| tell(&World::sandbox()), || tell(&World::ministack()))
}

/// The same, where ministack starts and judges tasks itself.
pub fn in_both_with_engine<T: Send>(tell: fn(&World) -> T) -> [T; 2] {
    both(|| tell(&World::sandbox()), || with_engine(tell))
}

/// Lets a story be told where ministack starts and judges tasks itself.
pub fn with_engine<T>(tell: fn(&World) -> T) -> T {
    let world = World::ministack_with_engine();
    let told = tell(&world);
    let refused = world.engine().map(Engine::refused);
    assert_eq!(
        refused,
        Some(Vec::new()),
        "ministack asks its engine for more"
    );
    told
}

fn both<T: Send>(
    sandbox: impl FnOnce() -> T + Send,
    ministack: impl FnOnce() -> T + Send,
) -> [T; 2] {
    std::thread::scope(|scope| {
        let (sandbox, ministack) = (scope.spawn(sandbox), scope.spawn(ministack));
        [sandbox.join(), ministack.join()]
    })
    .map(|told| told.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

#[track_caller]
pub fn agree(sandbox: &Value, ministack: &Value, known: &[Deviation]) {
    if let Err(complaints) = judge(&between(sandbox, ministack), known) {
        panic!(
            "the worlds differ otherwise than tests/conformance/deviations.rs says\n{complaints}"
        );
    }
}

fn nothing_happens_unless_something_differs(told: &Told) {
    let exit = |step: &str| &told.record[step]["exit"];
    let wrote = |step: &str| -> Vec<&Value> {
        let list = told.record[step]["wrote"].as_array();
        list.into_iter()
            .flatten()
            .map(|call| &call["operation"])
            .collect()
    };
    let writes = ["RegisterTaskDefinition", "UpdateService"];
    for (step, code, calls) in [
        ("plan", 0, [].as_slice()),
        ("plan with exit code", 2, &[]),
        ("apply", 0, &writes),
        ("apply again", 0, &[]),
        ("plan again", 0, &[]),
        ("plan after the tag moved", 2, &[]),
        ("apply after the tag moved", 0, &writes),
        ("plan of a missing tag", 1, &[]),
        ("apply of a missing tag", 1, &[]),
        ("plan of a missing service", 1, &[]),
        ("plan of a missing cluster", 1, &[]),
        ("plan of a missing repository", 1, &[]),
        ("plan of another account", 1, &[]),
        ("apply of another account", 1, &[]),
    ] {
        assert_eq!(
            exit(step),
            code,
            "{}: {step}: {:#}",
            told.world,
            told.record[step]
        );
        assert_eq!(wrote(step), calls, "{}: {step}", told.world);
    }
    assert_eq!(
        told.record["running"], told.record["running still"],
        "{}: applying again changed something",
        told.world
    );
}

fn nothing_is_lost(told: &Told) {
    let [before, after, moved] = &told.revisions;
    let repository = "123456789012.dkr.ecr.us-west-1.amazonaws.com/ledger-api:1.4.2";
    for (from, to, digest) in [
        (before, after, &told.digests[0]),
        (after, moved, &told.digests[1]),
    ] {
        let changed = between(from, to);
        let mut places: Vec<&str> = changed.iter().map(|place| place.at.as_str()).collect();
        places.sort_unstable();
        assert_eq!(
            places,
            [
                "taskDefinition.containerDefinitions[0].image",
                "taskDefinition.registeredAt",
                "taskDefinition.revision",
                "taskDefinition.taskDefinitionArn",
            ],
            "{}: the image alone is to differ",
            told.world
        );
        assert_eq!(
            to["taskDefinition"]["containerDefinitions"][0]["image"],
            format!("{repository}@{digest}")
        );
    }
}

fn a_missing_image_blocks(told: &Told) {
    let service = &told.record["plan of a missing tag"]["result"]["environments"][0]["services"][0];
    assert_eq!(service["verdict"], "blocked");
    assert_eq!(service["reasons"][0]["reason"], "image-missing");
    assert_eq!(
        told.record["running at the end"], told.record["running after the tag moved"],
        "{}: a blocked plan changed something",
        told.world
    );
    assert_ne!(service["reasons"][0]["message"], json!(null));
}
