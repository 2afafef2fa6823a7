//! Each row of the table, on literals.

use serde_json::json;

use super::*;
use crate::observed::{ServiceDeployment, Sight, Want};

const ANA: &str = "arn:aws:iam::123456789012:user/ana";

fn arn(revision: u64) -> RevisionArn {
    format!("arn:aws:ecs:us-west-1:123456789012:task-definition/web:{revision}")
        .parse()
        .unwrap()
}

fn declared(service: &str) -> Desired {
    let head = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n";
    let text = format!("{head}[services.web]\nimage = \"r.example/web:2\"\n{service}");
    crate::environment::parse("f", "prod", &text)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
}

/// What evenkeel tags a revision with that it makes from this.
fn tags_of(desired: &Desired) -> Vec<Value> {
    let registered = document("r.example/web:2");
    let of = fingerprint(&desired.services[0], &registered);
    tags(&of.to_string())
}

fn tags(fingerprint: &str) -> Vec<Value> {
    of("prod", fingerprint)
}

fn of(environment: &str, fingerprint: &str) -> Vec<Value> {
    vec![
        json!({"key": "evenkeel:environment", "value": environment}),
        json!({"key": "evenkeel:fingerprint", "value": fingerprint}),
    ]
}

fn document(image: &str) -> TaskDefinition {
    serde_json::from_value(json!({
        "family": "web", "registeredBy": ANA, "registeredAt": 1_767_225_600.5,
        "containerDefinitions": [{"name": "app", "image": image}],
    }))
    .unwrap()
}

/// What is live, and what else there is.
struct Scene {
    tags: Vec<Value>,
    to: Target,
    /// Other revisions, with their tags.
    others: Vec<(u64, Vec<Value>)>,
    /// Revisions whose rollouts were completed.
    ran: Vec<u64>,
}

impl Scene {
    /// Revision 7 with these tags; what is declared must be registered.
    fn live(tags: Vec<Value>) -> Self {
        Self {
            tags,
            to: Target::New(Map::new()),
            others: vec![],
            ran: vec![],
        }
    }

    fn to(mut self, revision: u64) -> Self {
        self.to = Target::Existing(arn(revision));
        self
    }

    fn other(mut self, revision: u64, tags: Vec<Value>) -> Self {
        self.others.push((revision, tags));
        self
    }

    fn ran(mut self, revision: u64) -> Self {
        self.ran.push(revision);
        self
    }

    fn cause(&self, desired: &Desired) -> Cause {
        let change = Change {
            basis: Basis {
                revision: arn(7),
                deployment: "ecs-svc/1".parse().unwrap(),
                made: None,
            },
            to: self.to.clone(),
            images: vec![],
            fields: vec![],
            service: ServiceChange::default(),
            restart: false,
            first: vec![],
            supersedes: None,
            before: document("r.example/web:1"),
            after: document("r.example/web:2"),
            tags: self.tags.clone(),
            wanted_tags: vec![],
            provenance: vec![],
        };
        let key = ServiceKey {
            cluster: "prod".parse().unwrap(),
            service: "web".parse().unwrap(),
        };
        let mut observed = Observed::default();
        for _ in 0..5 {
            let declared = Declared {
                environment: &desired.environment,
                service: &desired.services[0],
                key: &key,
            };
            match cause(&change, &declared, &observed) {
                Ok(cause) => return cause,
                Err(Wants(wants)) => wants
                    .into_iter()
                    .for_each(|want| observed.record(self.answer(want))),
            }
        }
        panic!("it is never content");
    }

    fn answer(&self, want: Want) -> Sight {
        match want {
            Want::Newest(family) => {
                let newest = self.others.iter().map(|(n, _)| arn(*n));
                let mut newest: Vec<_> = newest.chain([arn(7)]).collect();
                newest.retain(|arn| arn.revision() > 2);
                Sight::Newest(family, Seen::Found(newest))
            }
            Want::Revision(wanted) => {
                let (_, tags) = self
                    .others
                    .iter()
                    .find(|(n, _)| arn(*n) == wanted)
                    .expect("one of the others");
                let revision = Revision {
                    document: document("r.example/web:0"),
                    status: "ACTIVE".into(),
                    tags: tags.clone(),
                };
                Sight::Revision(wanted, Seen::Found(revision))
            }
            Want::History(key) => {
                let deployments = self.ran.iter().map(|n| completed(*n)).collect();
                Sight::History(key, Seen::Found(deployments))
            }
            other => panic!("{other:?} tells nothing of it"),
        }
    }
}

fn completed(revision: u64) -> ServiceDeployment {
    ServiceDeployment {
        service: serde_json::Map::new(),
        arn: String::new(),
        status: DeploymentStatus::Successful,
        reason: None,
        revision: Some(arn(revision)),
        images: vec![],
        created_at: 0,
        updated_at: None,
        finished_at: None,
        seen_at: None,
        configuration: Default::default(),
        stage: None,
        traffic: None,
        pauses: vec![],
        triggered: false,
    }
}

#[track_caller]
fn drifted(cause: Cause) -> Sign {
    match cause {
        Cause::Drift(drift) => {
            assert_eq!(drift.revision, arn(7));
            assert_eq!(drift.registered_by.as_deref(), Some(ANA));
            assert_eq!(drift.registered_at, Some(1_767_225_600));
            drift.sign
        }
        Cause::Pending => panic!("taken for pending"),
    }
}

#[test]
fn a_revision_with_copied_tags_is_drift() {
    let desired = declared("");
    let scene = Scene::live(tags_of(&desired));
    assert_eq!(drifted(scene.cause(&desired)), Sign::CopiedTags);
}

#[test]
fn git_that_moved_on_is_pending() {
    let desired = declared("");
    for scene in [
        Scene::live(tags("0123456789abcdef")),
        // A run died after it had registered.
        Scene::live(tags("0123456789abcdef")).to(8),
        // A value that no version wrote is not taken for ours either.
        Scene::live(tags("")),
    ] {
        assert_eq!(scene.cause(&desired), Cause::Pending);
    }
}

#[test]
fn what_was_never_deployed_from_git_is_pending() {
    let desired = declared("");
    let team = vec![json!({"key": "team", "value": "web"})];
    let scene = Scene::live(team.clone()).other(6, team).other(5, vec![]);
    assert_eq!(scene.cause(&desired), Cause::Pending);
    // Another environment has the same family.
    let scene = Scene::live(vec![]).other(6, of("staging", "0123456789abcdef"));
    assert_eq!(scene.cause(&desired), Cause::Pending);
    // What evenkeel registered last did not run, and came later.
    let scene = Scene::live(vec![]).other(8, tags("0123456789abcdef"));
    assert_eq!(scene.cause(&desired), Cause::Pending);
}

#[test]
fn a_revision_past_evenkeel_is_drift() {
    let desired = declared("");
    let scene = Scene::live(vec![])
        .other(4, tags("0123456789abcdef"))
        .other(5, tags_of(&desired))
        .other(6, vec![]);
    let ours = arn(5);
    assert_eq!(drifted(scene.cause(&desired)), Sign::NotOurs { ours });
}

#[test]
fn who_deploys_past_evenkeel_often_is_noticed_where_it_is_not_overwritten() {
    let scene = Scene::live(vec![])
        .other(2, tags("0123456789abcdef"))
        .other(5, vec![])
        .ran(5)
        .ran(2);
    assert_eq!(scene.cause(&declared("")), Cause::Pending);
    let report = declared("drift = \"report\"\n");
    let ours = arn(2);
    assert_eq!(drifted(scene.cause(&report)), Sign::NotOurs { ours });
}

#[test]
fn an_older_revision_that_was_put_back_is_drift() {
    let desired = declared("");
    let declared = arn(8);
    for tags in [tags("0123456789abcdef"), vec![]] {
        let scene = Scene::live(tags).to(8).other(8, tags_of(&desired)).ran(8);
        assert_eq!(
            drifted(scene.cause(&desired)),
            Sign::PutBack {
                declared: declared.clone()
            }
        );
    }
}

#[test]
fn git_that_moved_back_is_pending() {
    let desired = declared("");
    let scene = Scene::live(tags("0123456789abcdef"))
        .to(6)
        .other(6, tags_of(&desired))
        .ran(6);
    assert_eq!(scene.cause(&desired), Cause::Pending);
    // But not when something else runs since.
    let scene = Scene::live(vec![]).to(6).other(6, tags_of(&desired)).ran(6);
    let ours = arn(6);
    assert_eq!(drifted(scene.cause(&desired)), Sign::NotOurs { ours });
}

#[test]
fn fields_of_the_service_have_drifted_while_the_declaration_is_the_same() {
    let (four, five) = (
        declared("service.desiredCount = 4\n"),
        declared("service.desiredCount = 5\n"),
    );
    let stays = |tags| Scene::live(tags).to(7);
    assert_eq!(drifted(stays(tags_of(&four)).cause(&four)), Sign::Service);
    // Git changed them, and nothing else.
    assert_eq!(stays(tags_of(&four)).cause(&five), Cause::Pending);
    // Neither makes a revision of the same declaration another one's.
    assert_eq!(
        drifted(Scene::live(tags_of(&four)).cause(&five)),
        Sign::CopiedTags
    );
    assert_eq!(stays(vec![]).cause(&four), Cause::Pending);
    let scene = stays(vec![]).other(6, tags_of(&four));
    assert_eq!(drifted(scene.cause(&four)), Sign::NotOurs { ours: arn(6) });
}
