use serde_json::json;

use super::*;
use crate::plan::scene::{REGISTRY, Scene, declared, digest};

fn web(tag: &str, more: &str) -> Desired {
    declared(&format!(
        "[services.web.containers.app]\nimage = \"{REGISTRY}/web:{tag}\"\n{more}"
    ))
}

fn app(tag: &str, environment: Value) -> Value {
    json!([{
        "name": "app",
        "image": format!("{REGISTRY}/web:{tag}@{}", digest('a')),
        "environment": environment,
        "portMappings": [{"containerPort": 80}],
    }])
}

fn scene() -> Scene {
    Scene::default().service("web", app("1", json!([{"name": "A", "value": "1"}])))
}

fn two() -> Desired {
    web("2", "environment = { A = \"2\" }\n")
}

fn hash(scene: &Scene, desired: &Desired) -> Hash {
    scene.clone().tag("2", 'b').plan(desired).hash()
}

/// A hash that somebody approved must hold in the next version, too: a change
/// of this one is a change of the rule, which has a number.
#[test]
fn the_rule_is_kept() {
    assert_eq!(
        hash(&scene(), &two()).as_str(),
        "f75684f30579c3a2a268822049bf71b5ecbd01e2af0aa090ca055c0462004550"
    );
}

#[test]
fn what_means_the_same_has_one_hash() {
    let hash_then = hash(&scene(), &two());
    // Another deployment of the same revision, other words of ECS.
    let again = scene().deployed("web", 7, "ecs-svc/2").field(
        "web",
        "events",
        json!([{"message": "hello", "createdAt": 1.0}]),
    );
    assert_eq!(hash(&again, &two()), hash_then);
    // Another order of keys and tables in the file, and other blanks.
    let other = declared(&format!(
        "[services.web.containers.app]\nenvironment.A = \"2\"   # why\nimage = \"{REGISTRY}/web:2\"\n"
    ));
    assert_eq!(hash(&scene(), &other), hash_then);
    // A revision that already is what is declared is used: the same is run.
    let mut there = scene().plan(&two());
    let Verdict::Change(change) = &mut there.services[0].verdict else {
        panic!("{there:?}");
    };
    change.to = Target::Existing(crate::plan::scene::arn("web", 9));
    change.provenance = vec![json!({"key": "evenkeel:run", "value": "1"})];
    there.services[0].timeout = Duration::from_secs(1);
    assert_eq!(there.hash(), scene().plan(&two()).hash());
}

#[test]
fn services_in_which_nothing_would_be_done_do_not_count() {
    let scene = scene().service("worker", app("1", json!([])));
    let both = declared(&format!(
        "[services.worker]\nimage = \"{REGISTRY}/web:1\"\n\
         [services.web.containers.app]\nimage = \"{REGISTRY}/web:2\"\nenvironment.A = \"2\"\n"
    ));
    let then = hash(&scene, &both);
    assert_eq!(then, hash(&scene, &two()));
    let rolling = scene.field("worker", "deployment.rolloutState", json!("IN_PROGRESS"));
    assert_eq!(hash(&rolling, &both), then);
    let blocked = rolling.without("worker");
    assert_ne!(hash(&blocked, &both), then);
}

#[test]
fn whatever_would_be_done_otherwise_has_another_hash() {
    let then = hash(&scene(), &two());
    let differs = |what: &str, scene: &Scene, desired: &Desired| {
        assert_ne!(hash(scene, desired), then, "{what}");
    };
    differs(
        "value",
        &scene(),
        &web("2", "environment = { A = \"3\" }\n"),
    );
    differs(
        "field",
        &scene(),
        &web("2", "environment = { A = \"2\", B = \"\" }\n"),
    );
    differs("tag", &scene(), &web("3", "environment = { A = \"2\" }\n"));
    let moved = scene().tag("2", 'c').plan(&two()).hash();
    assert_ne!(moved, then, "digest");
    let other = scene()
        .revision("web", 8, app("1", json!([{"name": "A", "value": "1"}])))
        .deployed("web", 8, "ecs-svc/1");
    differs("revision", &other, &two());
    let counted = web(
        "2",
        "environment = { A = \"2\" }\n[services.web.service]\ndesiredCount = 5\n",
    );
    differs("service field", &scene(), &counted);
    let then = hash(&scene(), &counted);
    let scaled = scene().field("web", "desiredCount", json!(3));
    assert_ne!(hash(&scaled, &counted), then, "its live value");
    let first = |command: &str| {
        let task = format!("{{ container = \"app\", command = [\"{command}\"] }}");
        web(
            "2",
            &format!("environment.A = \"2\"\n[services.web.rollout]\nbefore = [{task}]\n"),
        )
    };
    assert_ne!(hash(&scene(), &first("a")), hash(&scene(), &two()));
    assert_ne!(hash(&scene(), &first("a")), hash(&scene(), &first("b")));
    let placed = |subnets: Value| {
        let network = json!({"awsvpcConfiguration": {"subnets": subnets}});
        hash(
            &scene().field("web", "networkConfiguration", network),
            &first("a"),
        )
    };
    assert_eq!(placed(json!(["s-1", "s-2"])), placed(json!(["s-2", "s-1"])));
    assert_ne!(placed(json!(["s-1"])), placed(json!(["s-2"])));
}

/// Whoever sees the hash and all of the plan but a live value could try values
/// until the hash is right.
#[test]
fn a_live_value_cannot_be_guessed_from_it() {
    let live = |value: &str| {
        let environment = json!([{"name": "A", "value": value}, {"name": "GONE", "value": value}]);
        Scene::default().service("web", app("1", environment))
    };
    let mut desired = two();
    desired.services[0].remove = declared(&format!(
        "[services.web]\nremove = [\"containers.app.environment.GONE\"]\n\
         containers.app.image = \"{REGISTRY}/web:2\"\n"
    ))
    .services[0]
        .remove
        .clone();
    assert_eq!(desired.services[0].remove.len(), 1);
    assert_eq!(hash(&live("a"), &desired), hash(&live("b"), &desired));
}

#[test]
fn a_prefix_of_twelve_digits_is_enough() {
    let hash = hash(&scene(), &two());
    let is = |text: &str| text.parse::<Approved>().map(|approved| approved.is(&hash));
    let whole = hash.as_str();
    assert_eq!(hash.short().len(), 12);
    assert_eq!(is(hash.short()), Ok(true));
    assert_eq!(is(whole), Ok(true));
    assert_eq!(is(&format!(" {}\n", whole.to_uppercase())), Ok(true));
    assert_eq!(is(&"0".repeat(12)), Ok(false));
    for wrong in [
        "",
        &whole[..11],
        &format!("{whole}0"),
        "3f2a1b4c5d6g",
        "-3f2a1b4c5d6a",
    ] {
        assert!(is(wrong).is_err(), "{wrong}");
    }
}
