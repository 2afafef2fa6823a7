//! Every rule of planning, on literals: no cloud, no clock.

mod declare;
mod ecs;
mod fields;
mod made_up;
mod whole;

use serde_json::{Value, json};

use super::*;
use crate::observed::{
    Image, ImageId, Revision, RunningImage, Scaling, ServiceRevision, Sight, Want,
};

const REGISTRY: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com";

fn digest(c: char) -> Digest {
    format!("sha256:{}", c.to_string().repeat(64))
        .parse()
        .unwrap()
}

fn arn(revision: u64) -> RevisionArn {
    format!("arn:aws:ecs:us-west-1:123456789012:task-definition/web:{revision}")
        .parse()
        .unwrap()
}

/// What is declared: `web` with this image, for container `app` unless it is
/// for the only one.
fn desired(image: &str) -> Desired {
    let source = format!(
        "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n[services.web]\n{image}\n"
    );
    crate::environment::parse("prod.toml", "prod", &source)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
}

fn tagged(tag: &str) -> Desired {
    desired(&format!("image = \"{REGISTRY}/web:{tag}\""))
}

/// What is seen: service `web` on revision 7.
struct Scene {
    service: Value,
    document: Value,
    tags: Vec<Value>,
    /// Tag or digest, its digest, platforms.
    images: Vec<(ImageId, Seen<Image>)>,
    running: Option<Digest>,
    /// Other revisions, newest first, with status.
    others: Vec<(u64, Value, &'static str)>,
    service_tags: Vec<Value>,
    scaling: Seen<Scaling>,
    /// Service revisions: of which revision, when made, with what `monitoring`.
    revisions: Vec<(&'static str, RevisionArn, i64, Value)>,
}

impl Scene {
    fn on(image: &str) -> Self {
        Self {
            service: json!({
                "serviceArn": "arn:aws:ecs:us-west-1:123456789012:service/prod/web",
                "status": "ACTIVE",
                "deployments": [{
                    "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn(7),
                    "rolloutState": "COMPLETED", "desiredCount": 2, "runningCount": 2,
                }],
                "currentServiceRevisions": [{"arn": "rev/1"}],
            }),
            document: document(image),
            tags: vec![],
            images: vec![],
            running: None,
            others: vec![],
            service_tags: vec![],
            scaling: Seen::Missing,
            revisions: vec![],
        }
    }

    fn image(mut self, tag: &str, found: char) -> Self {
        let image = Image {
            digest: digest(found),
            platforms: vec![],
        };
        self.images
            .push((ImageId::Tag(tag.into()), Seen::Found(image)));
        self
    }

    fn runs(mut self, found: char) -> Self {
        self.running = Some(digest(found));
        self
    }

    fn deployment(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.service["deployments"][0][field] = value.into();
        self
    }

    /// Answers whatever the plan wants, from this scene.
    fn plan_with(&self, desired: &Desired, options: Options) -> ServicePlan {
        let mut observed = Observed::default();
        for _ in 0..10 {
            match plan(desired, &observed, options) {
                Ok(plan) => return plan.services()[0].clone(),
                Err(Wants(wants)) => wants
                    .into_iter()
                    .for_each(|want| observed.record(self.answer(want))),
            }
        }
        panic!("the plan is never content");
    }

    fn plan(&self, desired: &Desired) -> ServicePlan {
        self.plan_with(desired, Options::default())
    }

    fn answer(&self, want: Want) -> Sight {
        let revision_of = |n: u64| -> Revision {
            let (document, status) = if n == 7 {
                (&self.document, "ACTIVE")
            } else {
                let (_, document, status) =
                    self.others.iter().find(|(other, ..)| *other == n).unwrap();
                (document, *status)
            };
            Revision {
                document: serde_json::from_value(document.clone()).unwrap(),
                status: status.into(),
                tags: self.tags.clone(),
            }
        };
        match want {
            Want::Service(key) if key.service.as_str() == "web" => {
                let document = self.service.as_object().unwrap().clone();
                let service = Service::read(document).unwrap();
                Sight::Service(key, Box::new(Seen::Found(service)))
            }
            Want::Service(key) => Sight::Service(key, Box::new(Seen::Missing)),
            Want::Document(arn) => {
                let document = revision_of(arn.revision()).document;
                Sight::Document(arn, Seen::Found(document))
            }
            Want::Revision(arn) => {
                let revision = revision_of(arn.revision());
                Sight::Revision(arn, Seen::Found(revision))
            }
            Want::Image(repository, id) => {
                let seen = self.images.iter().find(|(known, _)| *known == id);
                let seen = seen.map_or(Seen::Missing, |(_, seen)| seen.clone());
                Sight::Image(repository, id, seen)
            }
            Want::RunningImages(revision) => {
                let known = |(name, ..): &&(&str, _, _, _)| *name == revision.as_str();
                if let Some((_, arn, created_at, monitoring)) = self.revisions.iter().find(known) {
                    let document = json!({"monitoring": monitoring});
                    let seen = Seen::Found(ServiceRevision {
                        task_definition: arn.clone(),
                        created_at: *created_at,
                        images: vec![],
                        document: document.as_object().unwrap().clone(),
                    });
                    return Sight::RunningImages(revision, seen);
                }
                let seen = match &self.running {
                    None => Seen::Unreadable(Unreadable {
                        why: "denied".into(),
                        hint: None,
                    }),
                    Some(digest) => Seen::Found(ServiceRevision {
                        task_definition: arn(7),
                        created_at: 1,
                        images: vec![RunningImage {
                            container: "app".into(),
                            digest: digest.clone(),
                        }],
                        document: Map::new(),
                    }),
                };
                Sight::RunningImages(revision, seen)
            }
            Want::Scaling(key) => Sight::Scaling(key, self.scaling.clone()),
            Want::ServiceTags(arn) => {
                Sight::ServiceTags(arn, Seen::Found(self.service_tags.clone()))
            }
            Want::Newest(family) => {
                let newest = self
                    .others
                    .iter()
                    .map(|(n, ..)| arn(*n))
                    .chain([arn(7)])
                    .collect();
                Sight::Newest(family, Seen::Found(newest))
            }
            Want::History(key) => Sight::History(key, Seen::Found(vec![])),
            Want::StoppedTasks(key) => Sight::StoppedTasks(key, Seen::Found(vec![])),
            Want::ServiceNames(cluster) => {
                Sight::ServiceNames(cluster, Seen::Found(vec!["web".into(), "worker".into()]))
            }
            Want::Outside(thing) => Sight::Outside(thing, Seen::Missing),
            Want::ClusterNames => Sight::ClusterNames(Seen::Found(vec![])),
            Want::ImageTags(repository) => {
                let tags = ["1.4.1", "1.4.2", "latest"].map(str::to_owned).to_vec();
                Sight::ImageTags(repository, Seen::Found(tags))
            }
        }
    }
}

fn restarting() -> Options<'static> {
    Options {
        restart: true,
        ..Options::default()
    }
}

fn document(image: &str) -> Value {
    json!({
        "family": "web",
        "memory": "512",
        "containerDefinitions": [{"name": "app", "image": image, "environment": [
            {"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}],
    })
}

fn repo(rest: &str) -> String {
    format!("{REGISTRY}/web{rest}")
}

#[track_caller]
fn change(plan: ServicePlan) -> Change {
    match plan.verdict {
        Verdict::Change(change) => *change,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn block(plan: ServicePlan) -> Block {
    match plan.verdict {
        Verdict::Blocked(mut blocks) if blocks.len() == 1 => blocks.remove(0),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn in_sync(plan: &ServicePlan) {
    assert_eq!(plan.verdict, Verdict::InSync { revision: arn(7) });
}

#[test]
fn another_tag_is_a_change_to_its_digest() {
    let scene = Scene::on(&repo(&format!(":1.4.1@{}", digest('a')))).image("1.4.2", 'b');
    let change = change(scene.plan(&tagged("1.4.2")));
    assert_eq!(
        change.images[0].to.as_str(),
        repo(&format!(":1.4.2@{}", digest('b')))
    );
    assert_eq!(change.basis.revision, arn(7));
    assert_eq!(change.basis.deployment.as_str(), "ecs-svc/1");
    let Target::New(request) = change.to else {
        panic!("nothing to reuse")
    };
    assert_eq!(
        request["containerDefinitions"][0]["image"],
        repo(&format!(":1.4.2@{}", digest('b')))
    );
    assert_eq!(request["family"], "web");
}

#[test]
fn a_moved_tag_is_a_change() {
    let scene = Scene::on(&repo(&format!(":latest@{}", digest('a')))).image("latest", 'b');
    let change = change(scene.plan(&tagged("latest")));
    assert_eq!(change.images[0].to.digest(), Some(&digest('b')));
}

#[test]
fn the_same_digest_is_in_sync() {
    let live = repo(&format!(":1.4.1@{}", digest('a')));
    let plan = Scene::on(&live).image("1.4.1", 'a').plan(&tagged("1.4.1"));
    in_sync(&plan);
    assert_eq!(plan.notes, []);

    // Under another name it is the same image still.
    let plan = Scene::on(&live)
        .image("stable", 'a')
        .plan(&tagged("stable"));
    in_sync(&plan);
    let note = Note::OtherTag {
        container: "app".into(),
        declared: "stable".into(),
        live: "1.4.1".into(),
    };
    assert_eq!(plan.notes, [note]);
}

#[test]
fn a_pinned_image_that_runs_needs_no_registry() {
    let pinned = repo(&format!(":1.4.1@{}", digest('a')));
    // The scene's registry has no image at all.
    in_sync(&Scene::on(&pinned).plan(&desired(&format!("image = \"{pinned}\""))));
    let bare = repo(&format!("@{}", digest('a')));
    in_sync(&Scene::on(&bare).plan(&desired(&format!("image = \"{pinned}\""))));
}

#[test]
fn a_pinned_image_that_does_not_run_must_exist() {
    let pinned = desired(&format!(
        "image = \"{}\"",
        repo(&format!(":1.4.2@{}", digest('b')))
    ));
    let scene = Scene::on(&repo(":1.4.1"));
    let Block::ImageMissing { near, .. } = block(scene.plan(&pinned)) else {
        panic!("no such image")
    };
    assert_eq!(near, Ok(vec![]));

    let mut scene = Scene::on(&repo(":1.4.1"));
    let image = Image {
        digest: digest('b'),
        platforms: vec![],
    };
    scene
        .images
        .push((ImageId::Digest(digest('b')), Seen::Found(image)));
    let change = change(scene.plan(&pinned));
    assert_eq!(
        change.images[0].to.as_str(),
        repo(&format!(":1.4.2@{}", digest('b')))
    );
}

#[test]
fn nothing_rolls_out_merely_to_pin() {
    let scene = || Scene::on(&repo(":1.4.1")).image("1.4.1", 'a');
    let plan = scene().runs('a').plan(&tagged("1.4.1"));
    in_sync(&plan);
    assert_eq!(plan.notes, []);

    let change = change(scene().runs('c').plan(&tagged("1.4.1")));
    assert_eq!(change.images[0].from_digest, Some(digest('c')));

    let plan = scene().plan(&tagged("1.4.1"));
    in_sync(&plan);
    assert_eq!(
        plan.notes,
        [Note::DigestUnknown {
            container: "app".into(),
            tag: "1.4.1".into(),
            why: Some(Unreadable {
                why: "denied".into(),
                hint: None,
            }),
        }]
    );
}

#[test]
fn the_digest_of_a_platform_is_the_image_too() {
    let mut scene = Scene::on(&repo(":1.4.1")).runs('e');
    let amd64 = Platform {
        os: "linux".into(),
        architecture: "amd64".into(),
    };
    let image = Image {
        digest: digest('a'),
        platforms: vec![(amd64, digest('e'))],
    };
    scene
        .images
        .push((ImageId::Tag("1.4.1".into()), Seen::Found(image)));
    in_sync(&scene.plan(&tagged("1.4.1")));
}

#[test]
fn a_missing_tag_names_the_near_ones() {
    let scene = Scene::on(&repo(":1.4.1"));
    let Block::ImageMissing { near, at, .. } = block(scene.plan(&tagged("1.4.3"))) else {
        panic!("no such tag")
    };
    assert_eq!(near, Ok(vec!["1.4.2".to_owned(), "1.4.1".to_owned()]));
    assert_eq!(at.to_string(), "prod.toml:5:9");
}

#[test]
fn an_index_without_the_tasks_platform_blocks() {
    let mut scene = Scene::on(&repo(":1.4.1"));
    scene.document["runtimePlatform"] = json!({"cpuArchitecture": "ARM64"});
    let amd64 = Platform {
        os: "linux".into(),
        architecture: "amd64".into(),
    };
    let image = Image {
        digest: digest('b'),
        platforms: vec![(amd64.clone(), digest('c'))],
    };
    scene
        .images
        .push((ImageId::Tag("1.4.2".into()), Seen::Found(image)));
    let Block::PlatformMissing {
        wanted, there_are, ..
    } = block(scene.plan(&tagged("1.4.2")))
    else {
        panic!("it is not built for it")
    };
    assert_eq!(
        (wanted.to_string().as_str(), there_are),
        ("linux/arm64", vec![amd64])
    );
}

#[test]
fn outside_ecr_images_are_compared_as_written() {
    let declared = desired("image = \"nginx:1.27\"");
    in_sync(&Scene::on("nginx:1.27").plan(&declared));
    let change = change(Scene::on("nginx:1.26").plan(&declared));
    assert_eq!(
        (change.images[0].from.as_str(), change.images[0].to.as_str()),
        ("nginx:1.26", "nginx:1.27")
    );
}

#[test]
fn containers_are_found_or_listed() {
    let mut scene = Scene::on("nginx:1");
    scene.document["containerDefinitions"] =
        json!([{"name": "app", "image": "nginx:1"}, {"name": "log-router", "image": "f:1"}]);
    let Block::ContainerNotNamed { there_are, .. } =
        block(scene.plan(&desired("image = \"nginx:2\"")))
    else {
        panic!("which one?")
    };
    assert_eq!(there_are, ["app", "log-router"]);

    let wrong = desired("[services.web.containers.log-ruoter]\nimage = \"nginx:2\"");
    let Block::ContainerMissing {
        near,
        there_are,
        at,
        ..
    } = block(scene.plan(&wrong))
    else {
        panic!("no such one")
    };
    assert_eq!(near.as_deref(), Some("log-router"));
    assert_eq!(there_are, ["app", "log-router"]);
    assert_eq!(at.line, 5);

    let right = desired("[services.web.containers.log-router]\nimage = \"f:2\"");
    let change = change(scene.plan(&right));
    let Target::New(request) = change.to else {
        panic!("nothing to reuse")
    };
    assert_eq!(request["containerDefinitions"][0]["image"], "nginx:1");
    assert_eq!(request["containerDefinitions"][1]["image"], "f:2");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut scene = Scene::on("nginx:1");
    scene.document["containerDefinitions"] =
        json!([{"name": "app", "image": "nginx:1"}, {"name": "b", "image": "nginx:1"}]);
    let declared = desired(&format!(
        "[services.web.containers.x]\nimage = \"nginx:2\"\n[services.web.containers.b]\nimage = \"{}\"",
        repo(":nope")
    ));
    match scene.plan(&declared).verdict {
        Verdict::Blocked(blocks) => assert_eq!(blocks.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_service_lists_what_there_is() {
    let source = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n[services.worke]\nimage = \"nginx\"\n";
    let declared = crate::environment::parse("prod.toml", "prod", source).unwrap();
    let Block::ServiceMissing {
        there_are,
        near,
        at,
    } = block(Scene::on("nginx").plan(&declared))
    else {
        panic!("no such service")
    };
    assert_eq!(there_are, Ok(vec!["web".to_owned(), "worker".to_owned()]));
    assert_eq!((near.as_deref(), at.line), (Some("worker"), 4));
}

#[test]
fn what_cannot_be_deployed_is_blocked() {
    let declared = desired("image = \"nginx:2\"");
    let mut scene = Scene::on("nginx:1");
    scene.service["deploymentController"] = json!({"type": "CODE_DEPLOY"});
    assert_eq!(
        block(scene.plan(&declared)),
        Block::Controller {
            controller: "CODE_DEPLOY".into()
        }
    );
    let mut scene = Scene::on("nginx:1");
    scene.service["status"] = "DRAINING".into();
    assert_eq!(
        block(scene.plan(&declared)),
        Block::ServiceNotActive {
            status: "DRAINING".into()
        }
    );
    let mut scene = Scene::on("nginx:1");
    scene.service["deployments"] = json!([]);
    assert_eq!(block(scene.plan(&declared)), Block::NoDeployment);
}

#[test]
fn a_rollout_of_what_is_declared_is_waited_for() {
    let scene = || {
        Scene::on("nginx:2")
            .deployment("rolloutState", "IN_PROGRESS")
            .deployment("runningCount", 1)
    };
    let declared = desired("image = \"nginx:2\"");
    let expected = Verdict::RollingOut(Rollout {
        failed: false,
        deployment: "ecs-svc/1".parse().unwrap(),
        revision: arn(7),
        running: 1,
        desired: 2,
        rolls_back: false,
    });
    assert_eq!(scene().plan(&declared).verdict, expected);
    // Asking for a restart starts nothing on top of it.
    assert_eq!(scene().plan_with(&declared, restarting()).verdict, expected);
}

#[test]
fn a_rollout_of_something_else_is_superseded_and_said() {
    let scene = Scene::on("nginx:1").deployment("rolloutState", "IN_PROGRESS");
    let change = change(scene.plan(&desired("image = \"nginx:2\"")));
    assert_eq!(change.supersedes.map(|ended| ended.revision), Some(arn(7)));
}

#[test]
fn a_rollback_that_would_be_cut_short_is_called_one() {
    let scene = Scene::on("nginx:1")
        .deployment("rolloutState", "IN_PROGRESS")
        .deployment(
            "rolloutStateReason",
            "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/0.",
        );
    let change = change(scene.plan(&desired("image = \"nginx:2\"")));
    assert!(change.supersedes.is_some_and(|ended| ended.rolls_back));
}

#[test]
fn a_failed_rollout_of_what_is_declared_is_not_in_sync() {
    let scene = || {
        Scene::on("nginx:2")
            .deployment("rolloutState", "FAILED")
            .deployment("rolloutStateReason", "why")
    };
    let declared = desired("image = \"nginx:2\"");
    let expected = Verdict::FailedBefore(FailedBefore {
        revision: arn(7),
        running: arn(7),
        at: None,
        reason: Some("why".into()),
    });
    assert_eq!(scene().plan(&declared).verdict, expected);
    let retry = Options {
        retry: true,
        ..Options::default()
    };
    assert!(change(scene().plan_with(&declared, retry)).restart);
    assert!(change(scene().plan_with(&declared, restarting())).restart);
}

#[test]
fn missing_tasks_are_worth_a_note() {
    let plan = Scene::on("nginx:2")
        .deployment("runningCount", 1)
        .plan(&desired("image = \"nginx:2\""));
    in_sync(&plan);
    assert_eq!(
        plan.notes,
        [Note::TasksMissing {
            running: 1,
            desired: 2
        }]
    );
}

#[test]
fn a_time_out_that_baking_alone_exceeds_is_worth_a_note() {
    let notes = |image: &str, bakes: u64, timeout: &str| {
        let mut scene = Scene::on("nginx:1");
        scene.service["deploymentConfiguration"] =
            json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": bakes});
        let declared = format!("image = \"{image}\"\nrollout.timeout = \"{timeout}\"");
        scene.plan(&desired(&declared)).notes
    };
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let note = Note::BakesTooLong {
        bakes: minutes(30),
        timeout: minutes(15),
    };
    assert_eq!(notes("nginx:2", 30, "15m"), [note]);
    assert_eq!(notes("nginx:2", 30, "30m").len(), 1);
    assert_eq!(notes("nginx:2", 30, "31m"), []);
    // Nothing is waited for.
    assert_eq!(notes("nginx:1", 30, "15m"), []);
}

#[test]
fn a_revision_that_already_is_this_is_used() {
    let declared = desired("image = \"nginx:2\"");
    let with = |others| Scene {
        others,
        ..Scene::on("nginx:1")
    };
    let to = |scene: Scene| change(scene.plan(&declared)).to;

    let mut shuffled = document("nginx:2");
    shuffled["containerDefinitions"][0]["environment"]
        .as_array_mut()
        .unwrap()
        .reverse();
    assert_eq!(
        to(with(vec![
            (9, document("nginx:3"), "ACTIVE"),
            (8, shuffled, "ACTIVE")
        ])),
        Target::Existing(arn(8))
    );

    let inactive = with(vec![(8, document("nginx:2"), "INACTIVE")]);
    assert!(matches!(to(inactive), Target::New(_)));

    let mut other = document("nginx:2");
    other["cpu"] = "512".into();
    assert!(matches!(
        to(with(vec![(8, other, "ACTIVE")])),
        Target::New(_)
    ));
}

/// What may be the wanted document must not be registered a second time.
#[test]
fn a_revision_that_cannot_be_read_blocks_unless_it_is_not_needed() {
    let declared = desired("image = \"nginx:2\"");
    let why = Unreadable {
        why: "ecs:DescribeTaskDefinition is not allowed".into(),
        hint: None,
    };
    let scene = Scene {
        others: vec![
            (9, document("nginx:3"), "ACTIVE"),
            (8, document("nginx:2"), "ACTIVE"),
        ],
        ..Scene::on("nginx:1")
    };
    // Which look at which revision gives what.
    let verdict = |look: &dyn Fn(&Want) -> Option<u64>, gives: fn(Unreadable) -> Seen<Revision>| {
        let mut observed = Observed::default();
        loop {
            let wants = match plan(&declared, &observed, Options::default()) {
                Ok(plan) => return plan.services()[0].verdict.clone(),
                Err(Wants(wants)) => wants,
            };
            for want in wants {
                let sight = match look(&want) {
                    Some(number) => Sight::Revision(arn(number), gives(why.clone())),
                    None => scene.answer(want),
                };
                observed.record(sight);
            }
        }
    };
    let document_of =
        |number: u64| move |want: &Want| (*want == Want::Document(arn(number))).then_some(number);
    let revision_of =
        |number: u64| move |want: &Want| (*want == Want::Revision(arn(number))).then_some(number);
    let blocked = Verdict::Blocked(vec![Block::Unreadable {
        what: format!("task definition {}", arn(8)),
        why: why.clone(),
    }]);
    assert_eq!(verdict(&document_of(8), Seen::Unreadable), blocked);
    assert_eq!(verdict(&revision_of(8), Seen::Unreadable), blocked);
    let to = |verdict| match verdict {
        Verdict::Change(change) => change.to,
        other => panic!("{other:?}"),
    };
    // Revision 9 cannot be read, but 8 is the one.
    let found = verdict(&document_of(9), Seen::Unreadable);
    assert_eq!(to(found), Target::Existing(arn(8)));
    // One that is not there is not the wanted one.
    let missing = verdict(&document_of(8), |_| Seen::Missing);
    assert!(matches!(to(missing), Target::New(_)));
}

#[test]
fn the_live_tags_go_along() {
    let mut scene = Scene::on("nginx:1");
    scene.tags = vec![json!({"key": "team", "value": "web"})];
    let Target::New(request) = change(scene.plan(&desired("image = \"nginx:2\""))).to else {
        panic!("new")
    };
    assert_eq!(request["tags"], json!([{"key": "team", "value": "web"}]));
}

#[test]
fn a_restart_is_of_the_revision_that_runs() {
    let declared = desired("image = \"nginx:2\"");
    let plan = Scene::on("nginx:2").plan_with(&declared, restarting());
    let restart = change(plan);
    assert!(restart.restart && restart.images.is_empty());
    assert_eq!(restart.to, Target::Existing(arn(7)));
    // What differs is deployed as ever, which restarts it.
    let plan = Scene::on("nginx:1").plan_with(&declared, restarting());
    assert!(!change(plan).restart);
}

#[test]
fn the_first_round_asks_for_the_service_and_its_tags_together() {
    let Err(Wants(wants)) = plan(&tagged("1.4.2"), &Observed::default(), Options::default()) else {
        panic!("nothing was seen yet")
    };
    let kinds: Vec<_> = wants
        .iter()
        .map(|want| match want {
            Want::Service(_) => "service",
            Want::Image(..) => "image",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["service", "image"]);
}

#[test]
fn what_runs_is_not_asked_for_where_the_live_image_says_it() {
    let mut observed = Observed::default();
    let scene = Scene::on(&repo(&format!(":1.4.1@{}", digest('a')))).image("1.4.1", 'a');
    loop {
        match plan(&tagged("1.4.1"), &observed, Options::default()) {
            Ok(plan) => return in_sync(&plan.services()[0]),
            Err(Wants(wants)) => {
                for want in wants {
                    assert!(
                        !matches!(want, Want::RunningImages(_)),
                        "the live image has a digest"
                    );
                    observed.record(scene.answer(want));
                }
            }
        }
    }
}
