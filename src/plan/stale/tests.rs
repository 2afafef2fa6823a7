use serde_json::json;

use super::*;
use crate::plan::scene::{REGISTRY, Scene, arn, declared, digest};
use crate::plan::{MadeFrom, Saved};

const WEB: &str = "containers.app.image";

fn image(tag: &str, found: char) -> String {
    format!("{REGISTRY}/web:{tag}@{}", digest(found))
}

fn app(more: Value) -> Value {
    let mut app = json!({"name": "app", "image": image("1", 'a')});
    app.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!([app])
}

fn scene() -> Scene {
    Scene::default()
        .service("web", app(json!({})))
        .service("worker", app(json!({})))
        .tag("2", 'b')
}

fn file(web: &str, worker: &str) -> Desired {
    declared(&format!(
        "[services.web]\nimage = \"{REGISTRY}/web:{web}\"\nservice.desiredCount = 2\n\
         [services.worker]\nimage = \"{REGISTRY}/web:{worker}\"\n"
    ))
}

fn save(scene: &Scene, desired: &Desired) -> SavedPlan {
    let plan = scene.plan(desired).saved(MadeFrom {
        desired,
        commit: None,
        only: &[],
        allow_older: false,
    });
    // As a file gives it back.
    let text = Saved::new(vec![plan]).text().unwrap();
    Saved::read(&text).unwrap().environments.remove(0)
}

/// What is not as it was, and how many of how many changes were made.
fn moved(then: &SavedPlan, now: &Scene, desired: &Desired) -> (Vec<(String, How)>, (usize, usize)) {
    let plan = now.plan(desired);
    let moved = now.survey(|observed| moved_there(then, &plan, true, observed));
    let services = moved.into_iter().map(|moved| match moved {
        Moved::Service { service, how } => (service, *how),
        other => panic!("{other:?}"),
    });
    (services.collect(), carried_out(then, &plan))
}

fn of_web(how: How) -> Vec<(String, How)> {
    vec![("web".to_owned(), how)]
}

#[test]
fn nothing_has_moved() {
    let desired = file("2", "1");
    let then = save(&scene(), &desired);
    assert_eq!(moved(&then, &scene(), &desired), (vec![], (0, 1)));
}

#[test]
fn what_was_done_already_is_no_reason_and_the_rest_is_still_to_do() {
    let desired = file("2", "2");
    let then = save(&scene(), &desired);
    let wanted = json!([{"name": "app", "image": image("2", 'b')}]);
    let half = scene()
        .revision("web", 8, wanted.clone())
        .deployed("web", 8, "ecs-svc/2");
    assert_eq!(moved(&then, &half, &desired), (vec![], (1, 2)));
    let rolling = half
        .clone()
        .revision("worker", 8, wanted)
        .deployed("worker", 8, "ecs-svc/2")
        .field("worker", "deployment.rolloutState", json!("IN_PROGRESS"));
    assert_eq!(moved(&then, &rolling, &desired), (vec![], (2, 2)));
    // Half done, and the other half is not what it was.
    let other = half.deployed("worker", 7, "ecs-svc/3");
    let (how, _) = moved(&then, &other, &desired);
    assert!(
        matches!(&how[..], [(worker, How::Deployment { .. })] if worker == "worker"),
        "{how:?}"
    );
}

#[test]
fn each_way_has_its_name() {
    let desired = file("2", "1");
    let then = save(&scene(), &desired);
    let how = |now: Scene| moved(&then, &now, &desired).0;
    assert_eq!(
        how(scene().tag("2", 'c')),
        of_web(How::Wanted {
            field: WEB.into(),
            then: Some(json!(image("2", 'b'))),
            now: Some(json!(image("2", 'c'))),
        })
    );
    let by_hand = |number, more| {
        scene()
            .revision("web", number, app(more))
            .deployed("web", number, "ecs-svc/2")
    };
    let revision = |differs: &[&str]| How::Revision {
        then: arn("web", 7),
        now: arn("web", 8),
        differs: differs.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(
        how(by_hand(
            8,
            json!({"environment": [{"name": "A", "value": "hunter2"}]})
        )),
        of_web(revision(&["containers.app.environment.A"]))
    );
    // Only a copy: then nothing differs, but it is another all the same.
    assert_eq!(how(by_hand(8, json!({}))), of_web(revision(&[])));
    assert_eq!(
        how(scene().deployed("web", 7, "ecs-svc/9")),
        of_web(How::Deployment {
            revision: arn("web", 7),
            then: "ecs-svc/1".parse().unwrap(),
            now: "ecs-svc/9".parse().unwrap(),
        })
    );
    assert_eq!(
        how(scene().field("web", "desiredCount", json!(9))),
        of_web(How::More(SavedChange {
            field: "service.desiredCount".into(),
            from: Some(json!(9)),
            to: Some(json!(2)),
        }))
    );
    assert!(matches!(
        &how(scene().without("web"))[..],
        [(_, How::Blocked(blocks))] if matches!(blocks[..], [Block::ServiceMissing { .. }])
    ));
}

#[test]
fn a_service_that_was_in_sync_counts_when_something_would_be_done() {
    let desired = file("2", "1");
    let then = save(&scene(), &desired);
    let restarted = scene().deployed("worker", 7, "ecs-svc/9");
    assert_eq!(moved(&then, &restarted, &desired), (vec![], (0, 1)));
    let other = json!([{"name": "app", "image": image("0", 'd')}]);
    let drifted = scene()
        .revision("worker", 8, other)
        .deployed("worker", 8, "ecs-svc/2");
    let (how, _) = moved(&then, &drifted, &desired);
    let names: Vec<&str> = how.iter().map(|(service, _)| service.as_str()).collect();
    assert_eq!(names, ["worker", "worker"]);
    assert!(matches!(how[0].1, How::Revision { .. }), "{how:?}");
    assert!(
        matches!(&how[1].1, How::More(change) if change.field == WEB),
        "{how:?}"
    );
}

#[test]
fn fields_that_change_otherwise_are_named() {
    let at = |count: i64| scene().field("web", "desiredCount", json!(count));
    let desired = file("2", "1");
    let then = save(&at(3), &desired);
    let field = || "service.desiredCount".to_owned();
    assert_eq!(
        moved(&then, &at(4), &desired).0,
        of_web(How::Live {
            field: field(),
            then: Some(json!(3)),
            now: Some(json!(4)),
        })
    );
    assert_eq!(
        moved(&then, &at(2), &desired).0,
        of_web(How::Less { field: field() })
    );
}

/// Another network is no field that changes, but the migration would run there.
#[test]
fn what_has_no_field_is_noticed_by_the_hash() {
    let desired = declared(&format!(
        "[services.web]\nimage = \"{REGISTRY}/web:2\"\n\
         rollout.before = [{{ container = \"app\", command = [\"migrate\"] }}]\n"
    ));
    let network = |subnet: &str| {
        let network = json!({"awsvpcConfiguration": {"subnets": [subnet]}});
        scene().field("web", "networkConfiguration", network)
    };
    let then = save(&network("subnet-1"), &desired);
    assert_eq!(then.services[0].before, [["app", "migrate"]]);
    assert_eq!(moved(&then, &network("subnet-1"), &desired).0, []);
    assert_eq!(
        moved(&then, &network("subnet-2"), &desired).0,
        of_web(How::Otherwise)
    );
}

#[test]
fn blocked_and_failed_stay_what_they_are() {
    let desired = file("2", "1");
    let gone = scene().without("web");
    let then = save(&gone, &desired);
    assert_eq!(moved(&then, &gone, &desired).0, []);
    let back = moved(&then, &scene(), &desired).0;
    assert!(matches!(&back[..], [(_, How::More(_))]), "{back:?}");
    let failed = |scene: Scene| scene.field("worker", "deployment.rolloutState", json!("FAILED"));
    let (how, _) = moved(&save(&scene(), &desired), &failed(scene()), &desired);
    assert!(matches!(&how[..], [(_, How::Failed(_))]), "{how:?}");
    let then = save(&failed(scene()), &desired);
    assert_eq!(moved(&then, &failed(scene()), &desired).0, []);
}

#[test]
fn files_and_commits_move_before_anything_is_looked_up() {
    let original = |file: &str, sha256: &str| Original {
        file: file.into(),
        sha256: sha256.into(),
    };
    let commit = |text: &str| -> Commit { text.repeat(40).parse().unwrap() };
    let mut desired = file("2", "1");
    desired.originals = vec![original("prod.toml", "1"), original("a.json", "2")];
    let mut then = save(&scene(), &desired);
    then.commit = Some(commit("a"));
    let (a, b) = (commit("a"), commit("b"));
    assert_eq!(moved_here(&then, &desired, Some(&a)), []);
    assert_eq!(
        moved_here(&then, &desired, Some(&b)),
        [Moved::Commit {
            then: a.clone(),
            now: Some(b),
        }]
    );
    assert_eq!(
        moved_here(&then, &desired, None),
        [Moved::Commit { then: a, now: None }]
    );
    then.commit = None;
    assert_eq!(moved_here(&then, &desired, Some(&commit("b"))), []);
    desired.originals = vec![original("prod.toml", "9"), original("b.json", "2")];
    desired.region = "eu-west-1".parse().unwrap();
    assert_eq!(
        moved_here(&then, &desired, None),
        [
            Moved::File {
                file: "prod.toml".into()
            },
            Moved::FileGone {
                file: "a.json".into()
            },
            Moved::FileNew {
                file: "b.json".into()
            },
            Moved::Region {
                then: "us-west-1".parse().unwrap(),
                now: "eu-west-1".parse().unwrap(),
            },
        ]
    );
}

#[test]
fn a_suspension_is_one_thing_and_its_end_another() {
    let file = |suspend: &str| {
        declared(&format!(
            "[services.web]\n{suspend}image = \"{REGISTRY}/web:2\"\n"
        ))
    };
    let held = file("suspend = { reason = \"frozen\", until = 2026-12-01 }\n");
    let then = save(&scene(), &held);
    assert_eq!(then.services[0].verdict, Kind::Suspended);
    assert_eq!(then.services[0].changes.len(), 1);
    assert_eq!(moved(&then, &scene(), &held), (vec![], (0, 0)));
    let unplanned = How::Unplanned {
        then: Kind::Suspended,
    };
    assert_eq!(moved(&then, &scene(), &file("")).0, of_web(unplanned));
    let (how, _) = moved(&save(&scene(), &file("")), &scene(), &held);
    assert!(matches!(&how[..], [(_, How::Suspended(_))]), "{how:?}");
}
