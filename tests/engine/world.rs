//! A sandbox, an environment, and what happens between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::apply::Apply;
use evenkeel::cloud::{self, Access, Cache, Connection, Transport};
use evenkeel::environment::{self, Desired};
use evenkeel::event::{Event, Outcome, Report};
use evenkeel::model::RevisionArn;
use evenkeel::observed::{Observed, Seen, Want, Wants};
use evenkeel::plan::{Options, Plan, plan};
use evenkeel::sandbox::{Sandbox, Seed, SeedService};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

pub const REPOSITORY: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com/web";

/// An environment file with one service, `web`, on this image.
pub fn one_service(image: &str) -> String {
    format!("{HEAD}[services.web]\nimage = \"{image}\"\n")
}

/// The same, with a time-out.
pub fn one_service_within(image: &str, timeout: &str) -> String {
    format!("{}rollout.timeout = \"{timeout}\"\n", one_service(image))
}

pub const HEAD: &str = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n\n";

pub fn read(file: &str) -> Desired {
    environment::parse("prod.toml", "prod", file).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.render(false, 80));
    })
}

pub struct World {
    pub sandbox: Sandbox,
    connection: Connection,
    seen: Mutex<usize>,
    /// What the client sent, with the operation.
    sent: Arc<Mutex<Vec<(String, Value)>>>,
    /// What environment files name.
    files: Mutex<BTreeMap<String, String>>,
}

impl World {
    /// A sandbox with the services of this file, on the version before.
    pub async fn seeded(file: &str) -> Self {
        Self::with(Sandbox::in_memory(), file, None).await
    }

    pub async fn with(sandbox: Sandbox, file: &str, cache: Option<Cache>) -> Self {
        Self::seen_through(sandbox, file, cache, |_, _| ()).await
    }

    /// Where ECS says otherwise than the sandbox would; the operation is given.
    pub async fn amending(sandbox: Sandbox, file: &str, amend: fn(&str, &mut Value)) -> Self {
        Self::seen_through(sandbox, file, None, amend).await
    }

    async fn seen_through(
        sandbox: Sandbox,
        file: &str,
        cache: Option<Cache>,
        amend: fn(&str, &mut Value),
    ) -> Self {
        let desired = read(file);
        sandbox
            .seed(&seed(&desired))
            .expect("the sandbox is seeded");
        let handler = sandbox.clone();
        let sent: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let record = sent.clone();
        let transport = Transport::InMemory(Arc::new(move |request: http::Request<Bytes>| {
            let body = serde_json::from_slice(request.body()).unwrap_or_default();
            record
                .lock()
                .expect("no test panicked")
                .push((operation(&request), body));
            let sandbox = handler.clone();
            Box::pin(async move {
                let operation = operation(&request);
                let answer = sandbox.exchange(request).await?;
                Some(answer.map(|body| amended(&operation, body, amend)))
            })
        }));
        let access = Access {
            account: desired.account,
            region: desired.region,
            role: None,
        };
        let connection = Connection::open(access, &transport, cache).await;
        Self {
            sandbox,
            connection,
            seen: Mutex::new(0),
            sent,
            files: Mutex::default(),
        }
    }

    pub async fn plan(&self, file: &str) -> Plan {
        self.plan_with(file, Options::default()).await
    }

    pub async fn plan_with(&self, file: &str, options: Options<'_>) -> Plan {
        let plan = self.try_plan(file, options).await;
        plan.expect("the sandbox answers")
    }

    pub async fn try_plan(&self, file: &str, options: Options<'_>) -> Result<Plan, cloud::Error> {
        let files = self.files.lock().expect("no test panicked").clone();
        let content = |name: &str| match files.get(name) {
            Some(content) => Ok(content.clone().into_bytes()),
            None => Err(std::io::ErrorKind::NotFound.into()),
        };
        let desired = environment::parse_with("prod.toml", "prod", file, &content)
            .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)));
        self.connection
            .reader()
            .survey(|observed| plan(&desired, observed, options))
            .await
    }

    /// What a question is answered with, when all that it wants was looked up.
    pub async fn ask<T>(&self, question: impl Fn(&Observed) -> Result<T, Wants>) -> T {
        let reader = self.connection.reader();
        reader.survey(question).await.expect("the sandbox answers")
    }

    /// The tags of a revision.
    pub async fn tags(&self, revision: &RevisionArn) -> Vec<Value> {
        let mut observed = Observed::default();
        let wants = BTreeSet::from([Want::Revision(revision.clone())]);
        let reader = self.connection.reader();
        reader.look(wants, &mut observed).await.expect("an answer");
        match observed.revision(revision) {
            Ok(Seen::Found(revision)) => revision.tags.clone(),
            other => panic!("{other:?}"),
        }
    }

    pub async fn carry_out(&self, plan: &Plan) -> (Report, Vec<Event>) {
        let (_never, interrupt) = watch::channel(false);
        self.carry_out_until(plan, interrupt).await
    }

    pub async fn carry_out_until(
        &self,
        plan: &Plan,
        interrupt: watch::Receiver<bool>,
    ) -> (Report, Vec<Event>) {
        let (reader, writer) = (self.connection.reader(), self.connection.writer());
        let mut events = Vec::new();
        let report = Apply {
            plan,
            reader: &reader,
            writer: &writer,
            interrupt,
            report: &mut |event| events.push(event.clone()),
        }
        .run()
        .await;
        (report, events)
    }

    /// Somebody else's call to ECS.
    pub async fn somebody(&self, operation: &str, body: &Value) -> Value {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let request = http::Request::post("http://evenkeel.sandbox/")
            .header("x-amz-target", target)
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-west-1/ecs/aws4_request",
            )
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        let response = self.sandbox.answer(request).await;
        assert!(response.status().is_success(), "{operation}: {response:?}");
        *self.seen.lock().expect("no test panicked with it") += 1;
        serde_json::from_slice(response.body()).expect("JSON")
    }

    /// Takes the circuit breaker away, or lets it not roll back.
    pub async fn breaker(&self, enable: bool, rollback: bool) {
        let breaker = json!({"enable": enable, "rollback": rollback});
        let configuration = json!({"deploymentCircuitBreaker": breaker});
        let body =
            json!({"cluster": "prod", "service": "web", "deploymentConfiguration": configuration});
        self.somebody("UpdateService", &body).await;
    }

    /// Plans and applies; the outcome of the one service.
    pub async fn apply(&self, file: &str) -> Outcome {
        let plan = self.plan(file).await;
        let (report, _) = self.carry_out(&plan).await;
        assert_eq!(report.services.len(), 1);
        report.services[0].outcome.clone()
    }

    /// The operations called since the last time, in order.
    pub fn calls(&self) -> Vec<String> {
        let calls = self.sandbox.calls();
        let mut seen = self.seen.lock().expect("no test panicked with it");
        let news = calls[*seen..]
            .iter()
            .map(|call| call.operation.clone())
            .collect();
        *seen = calls.len();
        news
    }

    /// Puts an image into the registry.
    pub fn push(&self, image: &str) {
        let image = image.parse().expect("an image");
        self.sandbox.push_image(&image).expect("it is pushed");
    }

    /// A file beside the environment file.
    pub fn put(&self, name: &str, content: &str) {
        let mut files = self.files.lock().expect("no test panicked");
        files.insert(name.to_owned(), content.to_owned());
    }

    /// The bodies that the client sent to an operation since the last time.
    pub fn sent(&self, operation: &str) -> Vec<Value> {
        let mut sent = self.sent.lock().expect("no test panicked with it");
        let bodies = sent.extract_if(.., |(name, _)| name == operation);
        bodies.map(|(_, body)| body).collect()
    }

    /// The service `web` as it is described, tags and all.
    pub async fn service(&self) -> Value {
        let body = json!({"cluster": "prod", "services": ["web"], "include": ["TAGS"]});
        let answer = self.somebody("DescribeServices", &body).await;
        answer["services"][0].clone()
    }

    /// The task definition that it runs, with its tags.
    pub async fn task_definition(&self) -> Value {
        let arn = self.service().await["taskDefinition"].clone();
        let body = json!({"taskDefinition": arn, "include": ["TAGS"]});
        self.somebody("DescribeTaskDefinition", &body).await
    }

    /// Those of them that write.
    pub fn writes(&self) -> Vec<String> {
        let reads = ["Describe", "List", "BatchGet", "GetLogEvents"];
        self.calls()
            .into_iter()
            .filter(|call| !reads.iter().any(|read| call.starts_with(read)))
            .collect()
    }

    /// How many revisions a family has, whatever their status.
    pub async fn newest_revision(&self, file: &str) -> u64 {
        use evenkeel::plan::Verdict;
        match &self.plan(file).await.services()[0].verdict {
            Verdict::InSync { revision } => revision.revision(),
            Verdict::Change(change) => change.basis.revision.revision(),
            Verdict::RollingOut(rollout) => rollout.revision.revision(),
            Verdict::FailedBefore(before) => before.running.revision(),
            Verdict::Blocked(blocks) => panic!("blocked: {blocks:?}"),
        }
    }
}

fn operation(request: &http::Request<Bytes>) -> String {
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.rsplit('.').next());
    operation.unwrap_or_default().to_owned()
}

fn amended(operation: &str, body: Bytes, amend: fn(&str, &mut Value)) -> Bytes {
    let Ok(said) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    let mut amended = said.clone();
    amend(operation, &mut amended);
    if amended == said {
        return body;
    }
    Bytes::from(amended.to_string())
}

pub fn seed(desired: &Desired) -> Seed {
    Seed {
        environment: desired.environment.clone(),
        account: desired.account.clone(),
        region: desired.region.clone(),
        services: desired
            .services
            .iter()
            .map(|service| SeedService {
                name: service.name.clone(),
                cluster: service.cluster.clone(),
                service: service.service.clone(),
                images: service
                    .images
                    .iter()
                    .map(|image| (image.container.clone(), image.image.clone()))
                    .collect(),
            })
            .collect(),
    }
}

pub fn image(tag: &str) -> String {
    format!("{REPOSITORY}:{tag}")
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
