//! What is told of services, on literals: no cloud, no clock.

use serde_json::{Value, json};

use super::*;
use crate::environment::Desired;
use crate::model::RevisionArn;
use crate::observed::{
    DeploymentStatus, Observed, Revision, Seen, ServiceDeployment, ServiceRevision, Sight,
    Unreadable, Want, Wants,
};

const COMMIT: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

fn arn(revision: u64) -> RevisionArn {
    format!("arn:aws:ecs:us-west-1:123456789012:task-definition/web:{revision}")
        .parse()
        .unwrap()
}

fn digest(c: char) -> Digest {
    format!("sha256:{}", c.to_string().repeat(64))
        .parse()
        .unwrap()
}

fn refused() -> Unreadable {
    Unreadable {
        why: "not allowed".into(),
        hint: None,
    }
}

fn desired() -> Desired {
    crate::environment::parse(
        "prod.toml",
        "prod",
        "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"c\"\n\
         [services.web]\nimage = \"web:7\"\n",
    )
    .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
}

/// A service on revision 7; revision N has image `web:N`.
struct Scene {
    service: Value,
    /// By the ARN of the service revision.
    running: Vec<(&'static str, Seen<ServiceRevision>)>,
    unreadable: Option<u64>,
    history: Seen<Vec<ServiceDeployment>>,
    tags: Vec<Value>,
}

impl Scene {
    fn new() -> Self {
        Self {
            service: json!({
                "serviceArn": "arn:aws:ecs:us-west-1:123456789012:service/c/web",
                "status": "ACTIVE",
                "deployments": [{
                    "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn(7),
                    "rolloutState": "COMPLETED", "desiredCount": 2, "runningCount": 2,
                    "createdAt": 1700000000.5,
                }],
                "currentServiceRevisions": [{"arn": "rev/1"}, {"arn": "rev/2"}],
            }),
            running: vec![],
            unreadable: None,
            history: Seen::Found(vec![]),
            tags: vec![json!({"key": "evenkeel:commit", "value": COMMIT})],
        }
    }

    fn deployment(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.service["deployments"][0][field] = value.into();
        self
    }

    fn answer(&self, want: Want) -> Sight {
        match want {
            Want::Service(key) => {
                let service = serde_json::from_value(self.service.clone()).unwrap();
                Sight::Service(key, Box::new(Seen::Found(service)))
            }
            Want::Revision(arn) if self.unreadable == Some(arn.revision()) => {
                Sight::Revision(arn, Seen::Unreadable(refused()))
            }
            Want::Revision(arn) => {
                let number = arn.revision();
                let image = format!("web:{number}");
                let document = json!({
                    "family": "web",
                    "registeredBy": "arn:aws:iam::1:user/ann",
                    "registeredAt": 1600000000.25,
                    "containerDefinitions": [{"name": "app", "image": image}],
                });
                let revision = Revision {
                    document: serde_json::from_value(document).unwrap(),
                    status: "ACTIVE".into(),
                    tags: self.tags.clone(),
                };
                Sight::Revision(arn, Seen::Found(revision))
            }
            Want::RunningImages(arn) => {
                let found = self.running.iter().find(|(of, _)| *of == arn.as_str());
                let seen = found.map_or(Seen::Missing, |(_, seen)| seen.clone());
                Sight::RunningImages(arn, seen)
            }
            Want::History(key) => Sight::History(key, self.history.clone()),
            Want::Newest(family) => Sight::Newest(family, Seen::Found(vec![arn(8), arn(7)])),
            other => panic!("nobody needs {other:?}"),
        }
    }

    fn tell<T>(&self, of: impl Fn(&Observed) -> Result<T, Wants>) -> T {
        let mut observed = Observed::default();
        for _ in 0..10 {
            match of(&observed) {
                Ok(told) => return told,
                Err(Wants(wants)) => wants
                    .into_iter()
                    .for_each(|want| observed.record(self.answer(want))),
            }
        }
        panic!("it is never content");
    }

    fn status(&self) -> Status {
        self.tell(|observed| status(&desired(), observed))
    }

    fn state(&self) -> Result<Running, Problem> {
        self.status().services.remove(0).state
    }
}

fn running_revision(revision: u64, created_at: i64, of: char) -> Seen<ServiceRevision> {
    Seen::Found(ServiceRevision {
        task_definition: arn(revision),
        created_at,
        images: vec![RunningImage {
            container: "app".into(),
            digest: digest(of),
        }],
        document: serde_json::Map::new(),
    })
}

#[test]
fn what_runs_is_told_with_its_time_its_commit_and_its_images() {
    let running = Scene::new().state().unwrap();
    assert_eq!(running.phase, Phase::Complete);
    assert_eq!(running.beside, []);
    let primary = running.primary;
    assert_eq!(
        (primary.revision, primary.since),
        (arn(7), Some(1_700_000_000))
    );
    let details = primary.details.unwrap();
    assert_eq!(details.commit.unwrap().as_str(), COMMIT);
    assert_eq!(
        details.images,
        [Image {
            container: "app".into(),
            image: "web:7".into(),
            running: None,
        }]
    );
}

#[test]
fn a_digest_comes_from_the_newest_service_revision_of_the_revision() {
    let mut scene = Scene::new();
    scene.running = vec![
        ("rev/1", running_revision(7, 5, 'b')),
        ("rev/2", running_revision(7, 4, 'a')),
    ];
    let image = |scene: &Scene| {
        let details = scene.state().unwrap().primary.details.unwrap();
        (details.images[0].running.clone(), details.gap)
    };
    assert_eq!(image(&scene), (Some(digest('b')), None));
    // Of another revision it says nothing.
    scene.running[0].1 = running_revision(6, 5, 'b');
    assert_eq!(image(&scene), (Some(digest('a')), None));
    // What was not needed is no gap; what was, is.
    scene.running[0].1 = Seen::Unreadable(refused());
    assert_eq!(image(&scene), (Some(digest('a')), None));
    scene.running.pop();
    assert_eq!(image(&scene), (None, Some(refused())));
    assert!(!scene.status().is_whole());
}

#[test]
fn how_far_a_rollout_is() {
    let phase = |scene: Scene| scene.state().unwrap().phase;
    let going = || Scene::new().deployment("rolloutState", "IN_PROGRESS");
    assert_eq!(phase(going()), Phase::GoesOn);
    assert_eq!(
        phase(going().deployment(
            "rolloutStateReason",
            "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1."
        )),
        Phase::GoesBack
    );
    let failed = Scene::new()
        .deployment("rolloutState", "FAILED")
        .deployment("rolloutStateReason", "why");
    assert_eq!(
        phase(failed),
        Phase::Failed {
            reason: Some("why".into())
        }
    );
}

#[test]
fn what_runs_beside_is_told_and_what_has_no_tasks_is_not() {
    let mut scene = Scene::new().deployment("rolloutState", "IN_PROGRESS");
    let deployments = scene.service["deployments"].as_array_mut().unwrap();
    for (id, revision, running) in [("ecs-svc/2", 6, 3), ("ecs-svc/3", 5, 0)] {
        deployments.push(json!({
            "id": id, "status": "ACTIVE", "taskDefinition": arn(revision), "runningCount": running,
        }));
    }
    let beside = scene.state().unwrap().beside;
    assert_eq!(beside.len(), 1);
    assert_eq!((&beside[0].revision, beside[0].running), (&arn(6), 3));
    assert_eq!(beside[0].details.as_ref().unwrap().images[0].image, "web:6");
    scene.unreadable = Some(6);
    assert!(!scene.status().is_whole());
}

#[test]
fn a_revision_that_cannot_be_read_does_not_hide_the_rest() {
    let mut scene = Scene::new();
    scene.unreadable = Some(7);
    let running = scene.state().unwrap();
    assert_eq!(running.primary.running, 2);
    assert_eq!(running.primary.details, Err(refused()));
    assert!(!scene.status().is_whole());
}

#[test]
fn services_of_which_nothing_can_be_told() {
    let mut scene = Scene::new();
    scene.service["deployments"] = json!([]);
    scene.service["deploymentController"] = json!({"type": "CODE_DEPLOY"});
    let controller = "CODE_DEPLOY".into();
    assert_eq!(scene.state(), Err(Problem::NoDeployment { controller }));
    scene.service["status"] = json!("DRAINING");
    let status = "DRAINING".into();
    assert_eq!(scene.state(), Err(Problem::NotActive { status }));
    assert!(!scene.status().is_whole());
}

fn told(scene: &Scene, most: usize) -> Result<History, Problem> {
    let desired = desired();
    scene.tell(|observed| history(&desired.services[0], most, observed))
}

fn deployment(revision: u64, status: DeploymentStatus, began: i64) -> ServiceDeployment {
    ServiceDeployment {
        arn: format!("deployment/{began}"),
        status,
        reason: Some("ECS's words".into()),
        revision: Some(arn(revision)),
        service: serde_json::Map::new(),
        images: vec![RunningImage {
            container: "app".into(),
            digest: digest('d'),
        }],
        created_at: began,
        updated_at: None,
        seen_at: None,
        configuration: crate::observed::DeploymentConfiguration::default(),
        finished_at: Some(began + 60),
        stage: None,
        traffic: None,
        pauses: Vec::new(),
        triggered: false,
    }
}

#[test]
fn a_history_is_of_the_newest_deployments_and_marks_the_current_one() {
    let mut scene = Scene::new();
    scene.history = Seen::Found(vec![
        deployment(8, DeploymentStatus::RollbackSuccessful, 300),
        deployment(7, DeploymentStatus::Successful, 200),
        deployment(7, DeploymentStatus::Successful, 100),
    ]);
    let history = told(&scene, 20).unwrap();
    assert_eq!(history.told_by, Source::Deployments);
    let current: Vec<bool> = history.entries.iter().map(|entry| entry.current).collect();
    assert_eq!(current, [false, true, false]);
    let newest = &history.entries[0];
    assert_eq!(newest.revision, Some(arn(8)));
    assert!(newest.deployment.as_ref().unwrap().failed);
    let facts = newest.facts.as_ref().unwrap();
    assert_eq!(facts.images[0].running, Some(digest('d')));
    assert_eq!(
        facts.registered_by.as_deref(),
        Some("arn:aws:iam::1:user/ann")
    );
    assert_eq!(facts.registered_at, Some(1_600_000_000));
    assert!(history.is_whole());
    assert_eq!(told(&scene, 2).unwrap().entries.len(), 2);
}

#[test]
fn a_deployment_that_evenkeel_gave_up_failed_and_one_that_was_replaced_did_not() {
    let mut scene = Scene::new();
    scene.history = Seen::Found(vec![deployment(7, DeploymentStatus::Stopped, 100)]);
    let ended = |scene: &Scene| {
        told(scene, 1)
            .unwrap()
            .entries
            .remove(0)
            .deployment
            .unwrap()
    };
    assert!(!ended(&scene).failed);
    scene.tags = vec![json!({"key": "evenkeel:failed", "value": "3 tasks have failed"})];
    assert!(ended(&scene).failed);
    assert_eq!(ended(&scene).reason.as_deref(), Some("3 tasks have failed"));
    // The tag is of another attempt when this one succeeded.
    scene.history = Seen::Found(vec![deployment(7, DeploymentStatus::Successful, 100)]);
    assert!(!ended(&scene).failed);
}

#[test]
fn without_a_record_the_newest_revisions_are_told() {
    let mut scene = Scene::new();
    let history = told(&scene, 20).unwrap();
    assert_eq!(history.told_by, Source::Revisions { instead: None });
    assert!(history.is_whole());
    let revisions: Vec<_> = history
        .entries
        .iter()
        .map(|entry| (entry.revision.clone().unwrap(), entry.current))
        .collect();
    assert_eq!(revisions, [(arn(8), false), (arn(7), true)]);
    assert_eq!(history.entries[0].deployment, None);

    scene.history = Seen::Unreadable(refused());
    let history = told(&scene, 1).unwrap();
    let instead = Some(refused());
    assert_eq!(history.told_by, Source::Revisions { instead });
    assert_eq!(history.entries.len(), 1);
    assert!(!history.is_whole());
}

#[test]
fn a_deployment_whose_revision_is_not_known_is_told_all_the_same() {
    let mut scene = Scene::new();
    let mut unknown = deployment(7, DeploymentStatus::Successful, 100);
    unknown.revision = None;
    scene.history = Seen::Found(vec![unknown, deployment(6, DeploymentStatus::Stopped, 50)]);
    scene.unreadable = Some(6);
    let history = told(&scene, 20).unwrap();
    assert!(history.entries[0].facts.is_err());
    assert_eq!(history.entries[1].facts, Err(refused()));
    assert!(!history.is_whole());
}
