//! evenkeel does the same in both worlds, and in each what it promises.

use serde_json::{Value, json};

use super::deviations::{KNOWN, judge};
use super::difference::between;
use super::scenario::{Told, tell};
use super::world::World;

#[test]
fn the_sandbox_and_ministack_agree() {
    let (sandbox, ministack) = std::thread::scope(|scope| {
        let one = scope.spawn(|| tell(&World::sandbox()));
        let other = scope.spawn(|| tell(&World::ministack()));
        (one.join(), other.join())
    });
    let sandbox = sandbox.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let ministack = ministack.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    for told in [&sandbox, &ministack] {
        nothing_happens_unless_something_differs(told);
        nothing_is_lost(told);
        a_missing_image_blocks(told);
    }
    let found = between(&sandbox.record, &ministack.record);
    if let Err(complaints) = judge(&found, KNOWN) {
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
