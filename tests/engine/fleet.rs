//! Many environments in one run: what they share, and what they do not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use evenkeel::cloud::{Access, Cache, Connection, Limits, Transport};
use evenkeel::environment;
use evenkeel::event::{Event, Outcome};
use evenkeel::model::Provenance;
use evenkeel::plan::{Cause, Sign, Verdict};
use evenkeel::reconcile::{EnvironmentReport, Left, Source, State, carry_out, survey};
use evenkeel::sandbox::{Call, Fault, Sandbox};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::world::{image, seconds, seed};

/// A sandbox with environments in it.
struct Fleet {
    sandbox: Sandbox,
    cache: Option<Cache>,
    limits: Limits,
    sources: Vec<Source>,
    seen: Mutex<usize>,
}

/// An environment of a cluster of its own.
fn file(cluster: &str, services: &str) -> String {
    format!(
        "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"{cluster}\"\n{services}"
    )
}

fn web(tag: &str) -> String {
    format!("[services.web]\nimage = \"{}\"\n", image(tag))
}

fn source(name: &str, file: &str) -> Source {
    let desired = environment::parse(&format!("{name}.toml"), name, file)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)));
    Source {
        desired,
        provenance: Some(Provenance {
            environment: name.to_owned(),
            commit: None,
            run: None,
        }),
    }
}

impl Fleet {
    fn of(sandbox: Sandbox, files: &[(&str, String)]) -> Self {
        let sources: Vec<Source> = files
            .iter()
            .map(|(name, file)| source(name, file))
            .collect();
        for source in &sources {
            sandbox.seed(&seed(&source.desired)).expect("it is seeded");
        }
        Self {
            sandbox,
            cache: None,
            limits: Limits::default(),
            sources,
            seen: Mutex::new(0),
        }
    }

    fn declare(&mut self, name: &str, file: &str) {
        let changed = source(name, file);
        for source in &mut self.sources {
            if source.desired.environment == name {
                *source = changed.clone();
            }
        }
    }

    async fn connect(&self, sandbox: &Sandbox) -> Connection {
        let handler = sandbox.clone();
        let transport = Transport::InMemory(Arc::new(move |request| {
            let sandbox = handler.clone();
            Box::pin(async move { sandbox.exchange(request).await })
        }));
        let access = Access {
            account: "123456789012".parse().expect("an account"),
            region: "us-west-1".parse().expect("a region"),
            role: None,
        };
        let connection = Connection::open(access, &transport, self.cache.clone()).await;
        connection.within(&self.limits)
    }

    async fn reconcile(&self) -> Vec<EnvironmentReport> {
        self.reconcile_at(&self.sandbox, 10).await.0
    }

    async fn reconcile_at(
        &self,
        sandbox: &Sandbox,
        at_once: usize,
    ) -> (Vec<EnvironmentReport>, Vec<(String, Event)>) {
        let connection = self.connect(sandbox).await;
        let surveyed = survey(&connection, self.sources.clone(), 0).await;
        let surveyed = surveyed
            .into_iter()
            .map(|one| (one, connection.clone()))
            .collect();
        let (_never, interrupt) = watch::channel(false);
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = events.clone();
        let tell = Arc::new(move |environment: &str, event: &Event| {
            let mut heard = heard.lock().expect("no test panicked with it");
            heard.push((environment.to_owned(), event.clone()));
        });
        let reports = carry_out(surveyed, at_once, &interrupt, tell).await;
        let events = events.lock().expect("no test panicked with it").clone();
        (reports, events)
    }

    /// How often each operation was called since the last time.
    fn calls(&self) -> Vec<(String, usize)> {
        let calls = self.sandbox.calls();
        let mut seen = self.seen.lock().expect("no test panicked with it");
        let mut counts = std::collections::BTreeMap::new();
        for call in &calls[*seen..] {
            *counts.entry(call.operation.clone()).or_insert(0) += 1;
        }
        *seen = calls.len();
        counts.into_iter().collect()
    }

    /// Somebody else's call to ECS.
    async fn somebody(&self, operation: &str, body: &Value) -> Value {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let request = http::Request::post("http://evenkeel.sandbox/")
            .header("x-amz-target", target)
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-west-1/ecs/aws4_request",
            )
            .body(hyper::body::Bytes::from(body.to_string()))
            .expect("a request");
        let response = self.sandbox.answer(request).await;
        assert!(response.status().is_success(), "{operation}: {response:?}");
        serde_json::from_slice(response.body()).expect("JSON")
    }

    /// What the usual pipeline does: takes what runs, changes it, and deploys it.
    async fn change_by_hand(&self, cluster: &str, keep_tags: bool) {
        let described = self
            .somebody(
                "DescribeServices",
                &json!({"cluster": cluster, "services": ["web"]}),
            )
            .await;
        let live = &described["services"][0]["taskDefinition"];
        let body = json!({"taskDefinition": live, "include": ["TAGS"]});
        let described = self.somebody("DescribeTaskDefinition", &body).await;
        let mut request = described["taskDefinition"].clone();
        let map = request.as_object_mut().expect("an object");
        map.retain(|key, _| {
            [
                "family",
                "containerDefinitions",
                "networkMode",
                "requiresCompatibilities",
                "cpu",
                "memory",
                "executionRoleArn",
                "taskRoleArn",
                "runtimePlatform",
            ]
            .contains(&key.as_str())
        });
        request["containerDefinitions"][0]["image"] = json!(image("1.4.1"));
        if keep_tags {
            request["tags"] = described["tags"].clone();
        }
        let registered = self.somebody("RegisterTaskDefinition", &request).await;
        let revision = &registered["taskDefinition"]["taskDefinitionArn"];
        self.deploy_by_hand(cluster, revision).await;
    }

    async fn deploy_by_hand(&self, cluster: &str, revision: &Value) {
        let body = json!({"cluster": cluster, "service": "web", "taskDefinition": revision});
        self.somebody("UpdateService", &body).await;
        tokio::time::sleep(seconds(120)).await;
    }
}

fn only(reports: &[EnvironmentReport]) -> (&State, Option<&Cause>) {
    assert_eq!(reports.len(), 1);
    let services = reports[0].services();
    assert_eq!(services.len(), 1, "{reports:?}");
    (&services[0].state, services[0].cause.as_ref())
}

fn word(report: &EnvironmentReport) -> &'static str {
    report.services()[0].state.word()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_converged_services_cost_a_hundred_calls_and_one_for_each_hundred_images() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = |number: usize, tag: &str| {
        let services: String = (0..100)
            .map(|n| format!("[services.s{n}]\nimage = \"{}\"\n", image(tag)))
            .collect();
        file(&format!("c{number}"), &services)
    };
    let names: Vec<String> = (0..10).map(|n| format!("e{n}")).collect();
    let files: Vec<(&str, String)> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), environment(n, "1.4.2")))
        .collect();
    let mut fleet = Fleet::of(Sandbox::in_memory(), &files);
    fleet.cache = Some(Cache::at(folder.path()));
    // A sandbox runs the version before.
    for (n, name) in names.iter().enumerate() {
        fleet.declare(name, &environment(n, "1.4.1"));
    }
    let cold = fleet.reconcile().await;
    assert!(cold.iter().all(|one| word(one) == "in-sync"), "{cold:?}");
    fleet.calls();
    let start = Instant::now();
    let warm = fleet.reconcile().await;
    let services: usize = warm.iter().map(|one| one.services().len()).sum();
    assert_eq!(services, 1000);
    assert_eq!(
        fleet.calls(),
        [
            ("BatchGetImage".to_owned(), 1),
            ("DescribeServices".to_owned(), 100)
        ]
    );
    // They fit the bucket, which has had time to fill.
    assert!(start.elapsed() < seconds(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_large_run_is_paced_and_not_refused() {
    let mut services = String::new();
    for n in 0..300 {
        services += &format!("[services.s{n}]\nimage = \"{}\"\n", image("1.4.2"));
    }
    let latency = |_: &Call, _: usize| Fault::Delay(std::time::Duration::from_millis(50));
    let sandbox = Sandbox::in_memory()
        .with_faults(latency)
        .with_throttles(true);
    let fleet = Fleet::of(sandbox, &[("prod", file("prod", &services))]);
    let connection = fleet.connect(&fleet.sandbox).await;
    let start = Instant::now();
    let surveyed = survey(&connection, fleet.sources.clone(), 0).await;
    assert!(surveyed[0].planned.is_ok(), "{surveyed:?}");
    let took = start.elapsed().as_secs_f64();
    let calls = fleet.calls();
    // Nothing was tried again.
    let of = |operation: &str| {
        calls
            .iter()
            .find(|(name, _)| name == operation)
            .map(|(_, n)| *n)
    };
    assert_eq!(of("DescribeServices"), Some(30));
    assert_eq!(of("DescribeTaskDefinition"), Some(600));
    assert_eq!(of("ListTaskDefinitions"), Some(300));
    // Two revisions for each, and a list of revisions, from one bucket.
    let floor = (900.0 - 50.0) / 20.0;
    assert!(took < floor * 1.3, "{took} s, {floor} s at the least");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_coming_too_soon_slows_down() {
    let file = file("prod", &web("1.4.2"));
    let refused = AtomicBool::new(false);
    let refuse = move |call: &Call, _: usize| {
        if call.operation != "DescribeServices" || refused.swap(true, Ordering::Relaxed) {
            return Fault::None;
        }
        Fault::Refuse {
            status: 400,
            code: "ThrottlingException".into(),
            message: "Rate exceeded".into(),
        }
    };
    let fleet = Fleet::of(Sandbox::in_memory().with_faults(refuse), &[("prod", file)]);
    let connection = fleet.connect(&fleet.sandbox).await;
    assert!(
        survey(&connection, fleet.sources.clone(), 0).await[0]
            .planned
            .is_ok()
    );
    // The bucket is taken to be empty, and refills more slowly.
    let start = Instant::now();
    for _ in 0..40 {
        drop(survey(&connection, fleet.sources.clone(), 0).await);
    }
    assert!(start.elapsed().as_secs_f64() > 1.0, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_one_environment_stops_no_other() {
    let nowhere = |call: &Call, _: usize| {
        if call.account.as_str() == "123456789012" {
            Fault::None
        } else {
            Fault::CutBefore
        }
    };
    let files = [
        ("crash", file("one", &web("1.4.2-crash"))),
        ("good", file("two", &web("1.4.2"))),
        ("missing", file("three", &web("1.4.2"))),
        ("nowhere", file("four", &web("1.4.2"))),
    ];
    let mut fleet = Fleet::of(Sandbox::in_memory().with_faults(nowhere), &files[..3]);
    fleet.sources.push(source("nowhere", &files[3].1));
    fleet.declare("missing", &file("three", &web("9.9.9")));
    let (reports, events) = fleet.reconcile_at(&fleet.sandbox, 2).await;
    let names: Vec<&str> = reports.iter().map(|report| report.name.as_str()).collect();
    assert_eq!(names, ["crash", "good", "missing", "nowhere"]);
    let State::Failed(ended) = &reports[0].services()[0].state else {
        panic!("{reports:?}");
    };
    assert!(matches!(ended.outcome, Outcome::RolledBack { .. }));
    assert_eq!(word(&reports[1]), "corrected");
    assert_eq!(word(&reports[2]), "blocked");
    let problem = reports[3]
        .result
        .as_ref()
        .expect_err("there is no such cluster");
    assert!(problem.message.contains("no cluster four"), "{problem:?}");
    assert!(events.iter().any(|(environment, _)| environment == "good"));

    // The next run tries nothing again.
    fleet.calls();
    let reports = fleet.reconcile().await;
    assert_eq!(word(&reports[0]), "failed-before");
    assert_eq!(word(&reports[1]), "in-sync");
    let writes = fleet
        .calls()
        .into_iter()
        .find(|(name, _)| name == "UpdateService");
    assert_eq!(writes, None);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_service_does_not_keep_the_others_of_its_environment() {
    let both = |tag: &str| {
        let gone = format!("[services.gone]\nimage = \"{}\"\n", image(tag));
        file("prod", &format!("{}{gone}", web("1.4.2")))
    };
    let mut fleet = Fleet::of(Sandbox::in_memory(), &[("prod", both("1.4.2"))]);
    fleet.declare("prod", &both("9.9.9"));
    let reports = fleet.reconcile().await;
    let words: Vec<_> = reports[0]
        .services()
        .iter()
        .map(|service| service.state.word())
        .collect();
    assert_eq!(words, ["corrected", "blocked"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_may_not_be_read_does_not_hide_the_others() {
    let mut services = String::new();
    for n in 0..10 {
        services += &format!("[services.s{n}]\nimage = \"{}\"\n", image("1.4.2"));
    }
    let count = Arc::new(Mutex::new(0));
    // The call for all ten, and then that for the first one.
    let denied = move |call: &Call, _: usize| {
        let mut count = count.lock().expect("no test panicked with it");
        *count += usize::from(call.operation == "DescribeServices");
        if call.operation == "DescribeServices" && *count <= 2 {
            return Fault::Refuse {
                status: 400,
                code: "AccessDeniedException".into(),
                message:
                    "User: u is not authorized to perform: ecs:DescribeServices on resource: s0"
                        .into(),
            };
        }
        Fault::None
    };
    let fleet = Fleet::of(
        Sandbox::in_memory().with_faults(denied),
        &[("prod", file("prod", &services))],
    );
    let reports = fleet.reconcile().await;
    let blocked = reports[0]
        .services()
        .iter()
        .filter(|one| one.state == State::Blocked);
    assert_eq!(blocked.count(), 1, "{reports:?}");
    assert_eq!(reports[0].services()[1].state.word(), "corrected");
}

#[tokio::test(start_paused = true)]
async fn drift_is_corrected_or_reported_and_a_pending_change_deployed() {
    for copied in [false, true] {
        let report = format!("drift = \"report\"\n{}", file("prod", &web("1.4.2")));
        let mut fleet = Fleet::of(Sandbox::in_memory(), &[("prod", report)]);
        // The first deployment is no drift, whoever had deployed before.
        let reports = fleet.reconcile().await;
        let (state, cause) = only(&reports);
        assert_eq!((state.word(), cause), ("corrected", Some(&Cause::Pending)));

        fleet.change_by_hand("prod", copied).await;
        fleet.calls();
        let reports = fleet.reconcile().await;
        let (state, cause) = only(&reports);
        assert_eq!(*state, State::Left(Left::Drift));
        let Some(Cause::Drift(drift)) = cause else {
            panic!("{cause:?}");
        };
        match &drift.sign {
            Sign::CopiedTags => assert!(copied),
            Sign::NotOurs { ours } => {
                assert!(!copied);
                assert_eq!(ours.revision() + 1, drift.revision.revision());
            }
            other => panic!("{other:?}"),
        }
        assert!(drift.registered_by.is_some() && drift.registered_at.is_some());
        let calls = fleet.calls();
        assert!(
            !calls.iter().any(|(name, _)| name == "UpdateService"),
            "{calls:?}"
        );

        // Corrected, when it may be.
        fleet.declare("prod", &file("prod", &web("1.4.2")));
        let reports = fleet.reconcile().await;
        let (state, cause) = only(&reports);
        assert_eq!(state.word(), "corrected");
        assert!(matches!(cause, Some(Cause::Drift(_))));
        assert_eq!(only(&fleet.reconcile().await).0.word(), "in-sync");

        // Git moves on: deployed, although drift is only reported.
        let pushed: evenkeel::model::ImageReference = image("1.5.0").parse().expect("an image");
        fleet.sandbox.push_image(&pushed).expect("it is pushed");
        fleet.declare(
            "prod",
            &format!("drift = \"report\"\n{}", file("prod", &web("1.5.0"))),
        );
        let reports = fleet.reconcile().await;
        let (state, cause) = only(&reports);
        assert_eq!((state.word(), cause), ("corrected", Some(&Cause::Pending)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_revision_put_back_by_hand_is_drift() {
    let report = format!("drift = \"report\"\n{}", file("prod", &web("1.4.2")));
    let fleet = Fleet::of(Sandbox::in_memory(), &[("prod", report)]);
    let reports = fleet.reconcile().await;
    let State::Corrected(ended) = only(&reports).0 else {
        panic!("{reports:?}");
    };
    let Outcome::Deployed { revision, .. } = &ended.outcome else {
        panic!("{ended:?}");
    };
    let older = format!("{}:{}", revision.family(), revision.revision() - 1);
    fleet.deploy_by_hand("prod", &json!(older)).await;
    let reports = fleet.reconcile().await;
    let (state, cause) = only(&reports);
    assert_eq!(*state, State::Left(Left::Drift));
    let Some(Cause::Drift(drift)) = cause else {
        panic!("{cause:?}");
    };
    assert_eq!(
        drift.sign,
        Sign::PutBack {
            declared: revision.clone()
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_count_that_somebody_changed_is_drift_until_git_changes_it() {
    let with = |count: usize| {
        let service = format!(
            "{}[services.web.service]\ndesiredCount = {count}\n",
            web("1.4.2")
        );
        format!("drift = \"report\"\n{}", file("prod", &service))
    };
    let mut fleet = Fleet::of(Sandbox::in_memory(), &[("prod", with(4))]);
    assert_eq!(only(&fleet.reconcile().await).0.word(), "corrected");
    let count = json!({"cluster": "prod", "service": "web", "desiredCount": 2});
    fleet.somebody("UpdateService", &count).await;
    tokio::time::sleep(seconds(60)).await;
    let reports = fleet.reconcile().await;
    let (state, cause) = only(&reports);
    assert_eq!(*state, State::Left(Left::Drift));
    assert!(matches!(cause, Some(Cause::Drift(drift)) if drift.sign == Sign::Service));
    fleet.declare("prod", &with(5));
    let reports = fleet.reconcile().await;
    assert_eq!(only(&reports), (only(&reports).0, Some(&Cause::Pending)));
    assert_eq!(only(&reports).0.word(), "corrected");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_of_another_revision_is_left_be_and_of_this_one_waited_for() {
    let fleet = Fleet::of(
        Sandbox::in_memory(),
        &[("prod", file("prod", &web("1.4.2")))],
    );
    fleet.reconcile().await;
    // Somebody begins a restart of what is declared.
    let restart = json!({"cluster": "prod", "service": "web", "forceNewDeployment": true});
    fleet.somebody("UpdateService", &restart).await;
    let reports = fleet.reconcile().await;
    assert!(matches!(only(&reports).0, State::Adopted(_)), "{reports:?}");

    // And one of something else.
    let pushed: evenkeel::model::ImageReference = image("1.5.0").parse().expect("an image");
    fleet.sandbox.push_image(&pushed).expect("it is pushed");
    let mut other = Fleet::of(
        fleet.sandbox.clone(),
        &[("prod", file("prod", &web("1.5.0")))],
    );
    other.cache = None;
    let connection = other.connect(&fleet.sandbox).await;
    let surveyed = survey(&connection, other.sources.clone(), 0).await;
    let (_never, interrupt) = watch::channel(false);
    let surveyed = surveyed
        .into_iter()
        .map(|one| (one, connection.clone()))
        .collect();
    let tell = Arc::new(|_: &str, _: &Event| {});
    let rollout = tokio::spawn(async move { carry_out(surveyed, 1, &interrupt, tell).await });
    tokio::time::sleep(seconds(1)).await;
    fleet.calls();
    let reports = fleet.reconcile().await;
    let State::Left(Left::UnderWay(under_way)) = only(&reports).0 else {
        panic!("{reports:?}");
    };
    let Verdict::Change(change) = &reports[0].services()[0].plan.verdict else {
        panic!("{reports:?}");
    };
    assert_eq!(under_way.revision, change.basis.revision);
    assert!(
        !fleet
            .calls()
            .iter()
            .any(|(name, _)| name == "UpdateService")
    );
    let ended = rollout.await.expect("it ends");
    assert_eq!(word(&ended[0]), "corrected");
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_all_of_them() {
    let files = [
        ("one", file("one", &web("1.4.2-slow"))),
        ("two", file("two", &web("1.4.2-slow"))),
    ];
    let fleet = Fleet::of(Sandbox::in_memory(), &files);
    let connection = fleet.connect(&fleet.sandbox).await;
    let surveyed = survey(&connection, fleet.sources.clone(), 0).await;
    let surveyed = surveyed
        .into_iter()
        .map(|one| (one, connection.clone()))
        .collect();
    let (stop, interrupt) = watch::channel(false);
    let tell = Arc::new(|_: &str, _: &Event| {});
    let run = tokio::spawn(async move { carry_out(surveyed, 1, &interrupt, tell).await });
    tokio::time::sleep(seconds(5)).await;
    stop.send(true).expect("it runs");
    let reports = run.await.expect("it ends");
    let outcomes: Vec<bool> = reports
        .iter()
        .map(|report| match &report.services()[0].state {
            State::Failed(ended) => match &ended.outcome {
                Outcome::Interrupted { revision, .. } => revision.is_some(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    // The second one was not begun.
    assert_eq!(outcomes, [true, false]);
}
