//! What is fit to go on, on literals: no cloud, no clock.

use serde_json::{Value, json};

use super::*;
use crate::environment::Desired;
use crate::model::RevisionArn;
use crate::observed::{
    DeploymentConfiguration, DeploymentStatus, Image, ImageId, Revision, RunningImage, Seen,
    ServiceDeployment, ServiceRevision, Sight, Want,
};

const TOP: &str = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"c\"\n";
const ECR: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com/web";
/// When the world is looked at, by AWS's clock.
const NOW: i64 = 1_700_000_000;

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

fn refused() -> Unreadable {
    Unreadable {
        why: "not allowed".into(),
        hint: None,
    }
}

fn parse(environment: &str, services: &str) -> Desired {
    let text = format!("{TOP}{services}");
    crate::environment::parse(&format!("{environment}.toml"), environment, &text)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
}

/// Staging, where revision 7 runs, and what the registries have.
struct Scene {
    service: Value,
    containers: Vec<(&'static str, String)>,
    running: Seen<ServiceRevision>,
    history: Seen<Vec<ServiceDeployment>>,
    /// By tag or digest, in prod's registry.
    images: Vec<(String, Image)>,
    /// What prod declares.
    prod: String,
    soak: Duration,
}

impl Scene {
    /// Staging runs `web:2@aaaa…` since ten minutes; prod declares `web:1`.
    fn new() -> Self {
        Self {
            service: json!({
                "serviceArn": "arn:aws:ecs:us-west-1:123456789012:service/c/web",
                "status": "ACTIVE",
                "deployments": [{
                    "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn(7),
                    "rolloutState": "COMPLETED", "desiredCount": 2, "runningCount": 2,
                    "createdAt": NOW - 900,
                }],
                "currentServiceRevisions": [{"arn": "rev/1"}],
            }),
            containers: vec![("app", format!("{ECR}:2@{}", digest('a')))],
            running: Seen::Missing,
            history: Seen::Found(vec![deployment(7, DeploymentStatus::Successful, NOW - 600)]),
            images: vec![has(&digest('a').to_string(), 'a'), has("1", 'b')],
            prod: format!("[services.web]\nimage = \"{ECR}:1\"\n"),
            soak: Duration::ZERO,
        }
    }

    fn deployment(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.service["deployments"][0][field] = value.into();
        self
    }

    fn history(mut self, deployments: &[ServiceDeployment]) -> Self {
        self.history = Seen::Found(deployments.to_vec());
        self
    }

    fn runs(mut self, image: &str, running: Option<Digest>) -> Self {
        self.containers = vec![("app", image.to_owned())];
        if let Some(digest) = running {
            self.running = Seen::Found(ServiceRevision {
                task_definition: arn(7),
                created_at: 1,
                images: vec![RunningImage {
                    container: "app".into(),
                    digest,
                }],
                document: serde_json::Map::new(),
            });
        }
        self
    }

    fn prod(mut self, image: &str) -> Self {
        self.prod = format!("[services.web]\nimage = \"{image}\"\n");
        self
    }

    fn soak(mut self, seconds: u64) -> Self {
        self.soak = Duration::from_secs(seconds);
        self
    }

    fn answer(&self, want: Want) -> Sight {
        match want {
            Want::Service(key) => {
                let service = serde_json::from_value(self.service.clone()).unwrap();
                Sight::Service(key, Box::new(Seen::Found(service)))
            }
            Want::Revision(arn) => {
                let containers = self.containers.iter();
                let containers: Vec<Value> = containers
                    .map(|(name, image)| json!({"name": name, "image": image}))
                    .collect();
                let document = json!({"family": "web", "containerDefinitions": containers});
                let revision = Revision {
                    document: serde_json::from_value(document).unwrap(),
                    status: "ACTIVE".into(),
                    tags: vec![],
                };
                Sight::Revision(arn, Seen::Found(revision))
            }
            Want::RunningImages(arn) => Sight::RunningImages(arn, self.running.clone()),
            Want::History(key) => Sight::History(key, self.history.clone()),
            Want::Image(repository, id) => {
                let name = match &id {
                    ImageId::Tag(tag) => tag.clone(),
                    ImageId::Digest(digest) => digest.to_string(),
                };
                let found = self.images.iter().find(|(known, _)| *known == name);
                let seen = found.map_or(Seen::Missing, |(_, image)| Seen::Found(image.clone()));
                Sight::Image(repository, id, seen)
            }
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

    fn service(&self) -> Service {
        let staging = parse("staging", &format!("[services.web]\nimage = \"{ECR}:2\"\n"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prod.toml");
        std::fs::write(&file, format!("{TOP}{}", self.prod)).unwrap();
        let draft = Draft::open(&file).unwrap();
        let (mut pairs, _) = pairs(&staging, draft.desired(), &[]).unwrap();
        let mut sources = self.tell(|observed| sources(&staging, self.soak, NOW, observed));
        let looked = [(pairs.remove(0), sources.remove(0).1)];
        self.tell(|observed| services(&draft, &looked, observed))
            .unwrap()
            .remove(0)
    }

    fn state(&self) -> State {
        self.service().state
    }

    fn not_ready(&self) -> NotReady {
        match self.state() {
            State::NotReady(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// What would be written.
    fn image(&self) -> String {
        let service = self.service();
        assert_eq!(service.state, State::Ready);
        service.edits[0].to.to_string()
    }
}

fn has(name: &str, of: char) -> (String, Image) {
    let image = Image {
        digest: digest(of),
        platforms: vec![],
    };
    (name.to_owned(), image)
}

fn deployment(revision: u64, status: DeploymentStatus, ended: i64) -> ServiceDeployment {
    ServiceDeployment {
        service: serde_json::Map::new(),
        arn: "deployment/1".into(),
        status,
        reason: Some("ECS's words".into()),
        revision: Some(arn(revision)),
        images: vec![],
        created_at: ended - 60,
        updated_at: None,
        seen_at: Some(NOW),
        configuration: DeploymentConfiguration::default(),
        finished_at: Some(ended),
        stage: None,
        traffic: None,
        pauses: vec![],
        triggered: false,
    }
}

#[test]
fn what_runs_goes_on_with_its_tag_and_digest() {
    assert_eq!(Scene::new().image(), format!("{ECR}:2@{}", digest('a')));
    // Whatever the tag of the file; the digest that ECS tells, where the
    // revision has none.
    let scene = Scene::new().runs(&format!("{ECR}:2"), Some(digest('a')));
    assert_eq!(scene.image(), format!("{ECR}:2@{}", digest('a')));
    // What has no tag gets none.
    let scene = Scene::new().runs(&format!("{ECR}@{}", digest('a')), None);
    assert_eq!(scene.image(), format!("{ECR}@{}", digest('a')));
    // The target's repository stays.
    let other = "210987654321.dkr.ecr.us-west-1.amazonaws.com/web-prod";
    let scene = Scene::new().prod(&format!("{other}:1"));
    assert_eq!(scene.image(), format!("{other}:2@{}", digest('a')));
}

#[test]
fn what_is_declared_there_and_does_not_run_is_told() {
    let declared = |scene: Scene| {
        let declared = scene.service().declared_otherwise;
        declared.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(declared(Scene::new()).is_empty());
    let pinned = format!("{ECR}@{}", digest('a'));
    assert!(declared(Scene::new().runs(&pinned, None)).is_empty());
    let other = format!("{ECR}:1@{}", digest('a'));
    assert_eq!(
        declared(Scene::new().runs(&other, None)),
        [format!("{ECR}:2")]
    );
}

#[test]
fn the_same_digest_is_the_same_whatever_its_tag_and_need_not_be_waited_for() {
    let same = |image: &str| {
        let scene = Scene::new().prod(image).soak(3600);
        let scene = scene.deployment("rolloutState", "IN_PROGRESS");
        assert_eq!(scene.state(), State::Same, "{image}");
    };
    same(&format!("{ECR}:2@{}", digest('a')));
    same(&format!("{ECR}:stable@{}", digest('a')));
    // A tag that is this image now is not pinned for its own sake.
    let mut scene = Scene::new().prod(&format!("{ECR}:stable"));
    scene.images.push(has("stable", 'a'));
    assert_eq!(scene.state(), State::Same);
    // The index holds the very image that ECS tells of.
    let platform = ("linux/amd64", digest('a'));
    let platform = (
        serde_json::from_value(json!({"os": "linux", "architecture": "amd64"})).unwrap(),
        platform.1,
    );
    let index = Image {
        digest: digest('c'),
        platforms: vec![platform],
    };
    for (name, image) in [
        ("stable".to_owned(), format!("{ECR}:stable")),
        (digest('c').to_string(), format!("{ECR}:9@{}", digest('c'))),
    ] {
        let mut scene = Scene::new().prod(&image);
        scene.images.push((name, index.clone()));
        assert_eq!(scene.state(), State::Same, "{image}");
    }
    // The same words outside ECR; another tag is another image.
    let outside = |prod: &str| {
        Scene::new()
            .runs("nginx:1.27", Some(digest('a')))
            .prod(prod)
    };
    assert_eq!(outside("nginx:1.27").state(), State::Same);
    assert_eq!(
        outside("nginx:1.26").image(),
        format!("nginx:1.27@{}", digest('a'))
    );
}

#[test]
fn what_does_not_run_as_it_should_waits() {
    let rolling = Scene::new()
        .deployment("rolloutState", "IN_PROGRESS")
        .deployment("runningCount", 1);
    let why = rolling.not_ready();
    assert_eq!(
        why,
        NotReady::RollingOut {
            running: 1,
            desired: 2
        }
    );
    assert_eq!(why.remedy(), Remedy::Wait);
    let back = Scene::new()
        .deployment("rolloutState", "IN_PROGRESS")
        .deployment(
            "rolloutStateReason",
            "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.",
        );
    assert_eq!(back.not_ready(), NotReady::GoingBack);
    let failed = Scene::new()
        .deployment("rolloutState", "FAILED")
        .deployment("rolloutStateReason", "why");
    let why = failed.not_ready();
    assert_eq!(
        why,
        NotReady::Failed {
            reason: Some("why".into())
        }
    );
    assert_eq!(why.remedy(), Remedy::Mend);
    for (running, desired) in [(1, 2), (0, 0)] {
        let scene = Scene::new()
            .deployment("runningCount", running)
            .deployment("desiredCount", desired);
        assert_eq!(
            scene.not_ready(),
            NotReady::TasksMissing { running, desired }
        );
    }
    let mut gone = Scene::new();
    gone.service["status"] = json!("DRAINING");
    assert_eq!(gone.not_ready().remedy(), Remedy::Provide);
}

#[test]
fn it_soaks_since_the_last_deployment_ended() {
    assert_eq!(Scene::new().soak(600).state(), State::Ready);
    let why = Scene::new().soak(601).not_ready();
    assert_eq!(
        why,
        NotReady::Soaking {
            so_far: Duration::from_secs(600),
            left: Duration::from_secs(1),
        }
    );
    assert_eq!(why.remedy(), Remedy::Wait);
    // Another deployment beside it begins the time anew.
    let disturbed = Scene::new().soak(600).history(&[
        deployment(8, DeploymentStatus::RollbackSuccessful, NOW - 60),
        deployment(7, DeploymentStatus::Successful, NOW - 9000),
    ]);
    assert!(
        matches!(disturbed.not_ready(), NotReady::Soaking { left, .. } if left.as_secs() == 540)
    );
    // What ECS forgot was made more than 90 days ago.
    let forgotten = Scene::new().soak(900).history(&[]);
    assert_eq!(forgotten.state(), State::Ready);
    let soak = Scene::new().service().running.unwrap().healthy.unwrap();
    assert_eq!(soak.since, NOW - 600);
}

#[test]
fn a_deployment_that_the_service_does_not_show_yet_counts() {
    for (revision, status, why) in [
        (7, DeploymentStatus::InProgress, "RollingOut"),
        (8, DeploymentStatus::Successful, "RollingOut"),
        (8, DeploymentStatus::Unknown, "RollingOut"),
        (8, DeploymentStatus::RollbackInProgress, "GoingBack"),
        (8, DeploymentStatus::RollbackFailed, "Failed"),
    ] {
        let scene = Scene::new().history(&[deployment(revision, status, NOW - 600)]);
        let found = format!("{:?}", scene.not_ready());
        assert!(found.starts_with(why), "{status:?}: {found}");
    }
}

#[test]
fn what_could_not_be_read_is_never_taken_for_healthy() {
    let mut scene = Scene::new().soak(1);
    scene.history = Seen::Unreadable(refused());
    let why = scene.not_ready();
    assert!(matches!(why, NotReady::Unreadable { .. }), "{why:?}");
    assert_eq!(why.remedy(), Remedy::Provide);
    // Without a soak nobody needs to know since when.
    assert_eq!(scene.soak(0).state(), State::Ready);
    let unknown = Scene::new().runs(&format!("{ECR}:2"), None);
    assert!(matches!(
        unknown.not_ready(),
        NotReady::DigestUnknown { .. }
    ));
}

#[test]
fn a_copy_that_is_missing_is_named() {
    let mut scene = Scene::new();
    scene.images.remove(0);
    let NotReady::CopyMissing(copy) = scene.not_ready() else {
        panic!("{:?}", scene.state());
    };
    assert_eq!(copy.repository.name, "web");
    assert_eq!(copy.digest, digest('a'));
    assert_eq!(copy.from.to_string(), format!("{ECR}:2@{}", digest('a')));
    assert_eq!(copy.to, format!("{ECR}:2"));
    let elsewhere = Scene::new().prod("ghcr.io/shop/web:1");
    assert!(matches!(
        elsewhere.not_ready(),
        NotReady::CopyUnknown { .. }
    ));
}

#[test]
fn containers_go_by_their_names() {
    let mut scene = Scene::new();
    scene.containers.insert(0, ("proxy", format!("{ECR}:9")));
    let why = scene.not_ready();
    let NotReady::ContainerMissing {
        container: None,
        there_are,
    } = why
    else {
        panic!("{why:?}");
    };
    assert_eq!(there_are, ["proxy", "app"]);
    scene.prod = format!("[services.web.containers.app]\nimage = \"{ECR}:1\"\n");
    assert_eq!(scene.image(), format!("{ECR}:2@{}", digest('a')));
}

fn matched(from: &str, to: &str, services: &[&str]) -> Result<(String, String), Vec<Mismatch>> {
    let services: Vec<String> = services.iter().map(ToString::to_string).collect();
    let (pairs, left_out) = pairs(&parse("staging", from), &parse("prod", to), &services)?;
    let container = |name: &Option<String>| name.clone().unwrap_or_else(|| "*".into());
    let mut found = Vec::new();
    for pairs in pairs {
        for pair in pairs.containers {
            found.push(format!(
                "{}: {} to {}",
                pairs.service,
                container(&pair.from),
                container(&pair.to.container)
            ));
        }
    }
    let left_out: Vec<String> = left_out
        .iter()
        .map(|one| format!("{} {:?}", one.service, one.why))
        .collect();
    Ok((found.join(", "), left_out.join(", ")))
}

#[test]
fn two_files_are_matched_by_name() {
    let only = "[services.web]\nimage = \"a:1\"\n";
    let named = "[services.web.containers.app]\nimage = \"a:1\"\n";
    let other = "[services.web.containers.proxy]\nimage = \"a:1\"\n";
    let both = format!("{named}{other}");
    for (from, to, pairs) in [
        (only, only, "web: * to *"),
        (named, named, "web: app to app"),
        (only, named, "web: app to app"),
        (named, only, "web: app to *"),
        (named, &both, "web: app to app"),
        (&both, &both, "web: app to app, web: proxy to proxy"),
    ] {
        let (found, left_out) = matched(from, to, &[]).unwrap();
        assert_eq!(
            (found.as_str(), left_out.as_str()),
            (pairs, ""),
            "{from}→{to}"
        );
    }
    let wrong = |from, to| matched(from, to, &[]).unwrap_err().remove(0);
    assert!(
        matches!(wrong(&both, named), Mismatch::NoPlace { container: Some(name), .. } if name == "proxy")
    );
    assert!(
        matches!(wrong(named, other), Mismatch::NoPlace { container: Some(name), .. } if name == "app")
    );
    assert!(
        matches!(wrong(&both, only), Mismatch::WhichOne { there_are, .. } if there_are.len() == 2)
    );
    let fields = "[services.web.task]\ncpu = \"256\"\n";
    assert!(matches!(
        wrong(only, fields),
        Mismatch::NoPlace {
            container: None,
            ..
        }
    ));
}

#[test]
fn what_only_one_of_them_has_is_left_out_unless_it_is_asked_for() {
    let one = "[services.web]\nimage = \"a:1\"\n[services.mail]\nimage = \"m:1\"\n";
    let other = "[services.cron]\nimage = \"c:1\"\n[services.web]\nimage = \"a:1\"\n";
    let (found, left_out) = matched(one, other, &[]).unwrap();
    assert_eq!(found, "web: * to *");
    assert_eq!(left_out, "cron OnlyHere, mail OnlyThere");
    let (found, left_out) = matched(one, other, &["web"]).unwrap();
    assert_eq!((found.as_str(), left_out.as_str()), ("web: * to *", ""));
    let asked = matched(one, other, &["mail", "web"]).unwrap_err();
    assert!(matches!(
        &asked[..],
        [Mismatch::Asked(LeftOut {
            why: Why::OnlyThere,
            ..
        })]
    ));
    let fields = "[services.web.task]\ncpu = \"256\"\n";
    let (_, left_out) = matched(fields, one, &[]).unwrap();
    assert_eq!(left_out, "web NoImageThere, mail OnlyHere");
}

#[test]
fn one_that_is_not_ready_holds_the_others_back() {
    let promotion = |states: &[State]| Promotion {
        from: "staging".into(),
        to: "prod".into(),
        file: "prod.toml".into(),
        soak: Duration::ZERO,
        services: states
            .iter()
            .map(|state| Service {
                name: "web".into(),
                state: state.clone(),
                running: None,
                edits: vec![],
                declared_otherwise: vec![],
            })
            .collect(),
        left_out: vec![],
    };
    let waits = State::NotReady(NotReady::TasksMissing {
        running: 0,
        desired: 1,
    });
    let failed = State::NotReady(NotReady::Failed { reason: None });
    for (states, outcome) in [
        (&[][..], Outcome::Nothing),
        (&[State::Same], Outcome::Nothing),
        (&[State::Same, State::Ready], Outcome::Promoted),
        (
            &[State::Ready, waits.clone()],
            Outcome::NotReady(Remedy::Wait),
        ),
        (&[waits, failed], Outcome::NotReady(Remedy::Mend)),
    ] {
        assert_eq!(promotion(states).outcome(), outcome, "{states:?}");
    }
}
