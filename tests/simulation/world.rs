//! One world: its services, drawn from the seed, in a sandbox of its own, and
//! the place where every request takes effect and is written down.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel::environment::{self, Desired};
use evenkeel::sandbox::{Sandbox, Seed, SeedService};
use http::{Request, Response};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::history::{Call, Entry, History, State, States, What, Who};
use crate::rng::Rng;
use crate::sabotage::Sabotage;

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-west-1";
const REGISTRY: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com";
const ECS: &str = "AmazonEC2ContainerServiceV20141113";
const ECR: &str = "AmazonEC2ContainerRegistry_V20150921";

/// Images that somebody else deploys; the first two are well.
pub const FOREIGN: [&str; 3] = ["9.9.1", "9.9.2", "9.9.3-crash"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    Off,
    /// It stops the deployment and leaves it failed.
    Stop,
    RollBack,
}

/// One declared service.
#[derive(Debug, Clone)]
pub struct Spec {
    pub name: String,
    pub tag: &'static str,
    pub digest: String,
    pub desired: u64,
    pub breaker: Breaker,
    pub minimum: u64,
    pub maximum: u64,
}

impl Spec {
    fn draw(rng: &mut Rng, number: usize) -> Self {
        // What never ends costs most and shows least.
        let tags = [
            "1.4.2",
            "1.4.2",
            "1.4.2",
            "1.4.2",
            "1.4.2",
            "1.4.2",
            "1.4.2",
            "1.4.2-crash",
            "1.4.2-crash",
            "1.4.2-unpullable",
            "1.4.2-unhealthy",
            "1.4.2-slow",
        ];
        let breakers = [
            Breaker::RollBack,
            Breaker::RollBack,
            Breaker::RollBack,
            Breaker::Stop,
            Breaker::Off,
        ];
        let (minimum, maximum) = *rng.pick(&[
            (100, 200),
            (100, 200),
            (50, 200),
            (50, 150),
            (0, 100),
            (50, 100),
        ]);
        Self {
            name: format!("s{number}"),
            tag: tags[rng.below(tags.len() as u64) as usize],
            digest: String::new(),
            desired: rng.below(4),
            breaker: *rng.pick(&breakers),
            minimum,
            maximum,
        }
    }

    pub fn repository(&self) -> String {
        format!("{REGISTRY}/{}", self.name)
    }

    pub fn image(&self) -> String {
        format!("{}:{}", self.repository(), self.tag)
    }

    /// Whether a rollout of it comes to a good end.
    pub fn converges(&self) -> bool {
        self.tag == "1.4.2" && self.has_room()
    }

    /// Whether there is room to start a task, or to stop one for it.
    pub fn has_room(&self) -> bool {
        let most = self.desired * self.maximum / 100;
        let least = (self.desired * self.minimum).div_ceil(100);
        most > self.desired || least < self.desired || self.desired == 0
    }

    pub fn is_declared(&self, image: &str) -> bool {
        match image.split_once('@') {
            Some((name, digest)) => {
                digest == self.digest && name.starts_with(&format!("{}:", self.repository()))
            }
            None => image == self.image(),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            tag,
            desired,
            breaker,
            minimum,
            maximum,
            ..
        } = self;
        write!(
            f,
            "{name}: {tag}, {desired} tasks, breaker {breaker:?}, {minimum}–{maximum} %"
        )
    }
}

/// What DescribeServices goes on to show for a while.
struct Stale {
    until: Instant,
    service: Value,
}

pub struct World {
    pub sandbox: Sandbox,
    pub services: Vec<Spec>,
    pub timeout: Duration,
    /// Time-out of the file that our processes read; differs from the one they
    /// are judged by only in sabotage.
    written_timeout: Duration,
    lag: Duration,
    start: Instant,
    history: Mutex<History>,
    stale: Mutex<Vec<Stale>>,
    /// How long ListTaskDefinitions does not know a new revision.
    family_lag: Duration,
    registered: Mutex<Vec<(Value, Instant)>>,
}

impl World {
    /// Draws a world and lets it come to rest.
    pub async fn draw(rng: &mut Rng, sabotage: Sabotage) -> Self {
        let count = *rng.pick(&[1, 1, 1, 2, 2, 3, 4]);
        let mut services: Vec<Spec> = (0..count).map(|number| Spec::draw(rng, number)).collect();
        let timeout = Duration::from_secs(*rng.pick(&[10, 12, 20]));
        let lag = Duration::from_millis(*rng.pick(&[0, 0, 500, 1_500, 4_000]));
        let list_lag = Duration::from_millis(*rng.pick(&[0, 0, 2_000, 6_000]));
        // About a second, as seen with ECS; the client counts on two.
        let family_lag = Duration::from_millis(*rng.pick(&[0, 0, 1_000]));
        let sandbox = Sandbox::in_memory()
            .with_list_lag(list_lag)
            .with_throttles(true)
            .with_shuffled_environment(rng.percent(50));
        sandbox
            .seed(&seed(&services))
            .expect("the sandbox is seeded");
        for spec in &services {
            for tag in FOREIGN {
                let image = format!("{}:{tag}", spec.repository());
                let image = image.parse().expect("an image");
                sandbox.push_image(&image).expect("the image is pushed");
            }
        }
        // What follows is the world's making, not part of its history, and
        // takes nothing from anybody's rates.
        let quiet = sandbox.clone().with_throttles(false);
        for spec in &mut services {
            let ids = json!({"repositoryName": spec.name, "imageIds": [{"imageTag": spec.tag}]});
            let (_, found) = ask(&quiet, ECR, "BatchGetImage", &ids);
            spec.digest = found["images"][0]["imageId"]["imageDigest"]
                .as_str()
                .expect("the image is there")
                .to_owned();
            let rolls_back = spec.breaker == Breaker::RollBack;
            let (status, answer) = ask(
                &quiet,
                ECS,
                "UpdateService",
                &json!({
                    "cluster": "prod", "service": spec.name, "desiredCount": spec.desired,
                    "deploymentConfiguration": {
                        "minimumHealthyPercent": spec.minimum, "maximumPercent": spec.maximum,
                        "deploymentCircuitBreaker": {
                            "enable": spec.breaker != Breaker::Off,
                            "rollback": rolls_back && sabotage != Sabotage::NoRollback,
                        },
                    },
                }),
            );
            assert_eq!(status, 200, "{answer}");
        }
        sleep(Duration::from_secs(60)).await;
        let mut history = History {
            services: services.clone(),
            lag,
            family_lag,
            ..History::default()
        };
        for spec in &services {
            let families = json!({"familyPrefix": spec.name});
            let (_, listed) = ask(&quiet, ECS, "ListTaskDefinitions", &families);
            for arn in listed["taskDefinitionArns"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let body = json!({"taskDefinition": arn, "include": ["TAGS"]});
                let (_, described) = ask(&quiet, ECS, "DescribeTaskDefinition", &body);
                keep(&mut history, &described);
            }
        }
        let factor = if sabotage == Sabotage::WaitsTooLong {
            10
        } else {
            1
        };
        Self {
            sandbox,
            services,
            timeout,
            written_timeout: timeout * factor,
            lag,
            start: Instant::now(),
            history: Mutex::new(history),
            stale: Mutex::default(),
            family_lag,
            registered: Mutex::default(),
        }
    }

    /// The environment, as its file declares it.
    pub fn desired(&self) -> Desired {
        let mut file =
            format!("account = \"{ACCOUNT}\"\nregion = \"{REGION}\"\ncluster = \"prod\"\n\n");
        let timeout = self.written_timeout.as_secs();
        for spec in &self.services {
            let (name, image) = (&spec.name, spec.image());
            file += &format!(
                "[services.{name}]\nimage = \"{image}\"\nrollout.timeout = \"{timeout}s\"\n"
            );
        }
        environment::parse("prod.toml", "prod", &file)
            .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
    }

    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, who: Who, what: What) {
        let at = self.start.elapsed();
        self.history().entries.push(Entry { at, who, what });
    }

    /// Lets a request take effect, and writes down what was before and after.
    ///
    /// Faults are dealt with before and after this, at the transport's edge,
    /// so that no moment passes between the looks and the effect.
    pub fn act(
        &self,
        who: Who,
        handle: &Sandbox,
        request: Request<Bytes>,
        chance: &mut Rng,
    ) -> Response<Bytes> {
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|target| target.to_str().ok())
            .unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let updates = operation == "UpdateService";
        let writes = updates || operation.starts_with("Register");
        let name = body.get(if updates { "service" } else { "family" });
        let name = name.and_then(Value::as_str).filter(|_| writes);
        let before = name.map_or(Value::Null, |name| self.look(&[name]));
        let mut response = at_once(handle.answer(request));
        let status = response.status().as_u16();
        let mut answer = if writes || status != 200 || operation == "DescribeServices" {
            serde_json::from_slice(response.body()).unwrap_or_default()
        } else {
            Value::Null
        };
        let mut call = Call {
            operation,
            body,
            status,
            answer: Value::Null,
            before: states(&before),
            after: States::new(),
            shown: States::new(),
        };
        if writes {
            call.after = if updates && status == 200 {
                // The answer does not lag behind.
                states(&json!({"services": [answer["service"].clone()]}))
            } else {
                call.before.clone()
            };
        }
        if call.operation == "DescribeServices" && status == 200 {
            call.before = states(&answer);
            if self.make_stale(&mut answer, chance) {
                *response.body_mut() = Bytes::from(answer.to_string());
            }
            call.shown = states(&answer);
            call.after = call.before.clone();
        }
        if updates && status == 200 && !self.lag.is_zero() {
            self.remember(&before, &call.body);
        }
        if call.operation == "RegisterTaskDefinition" && status == 200 {
            keep(&mut self.history(), &answer);
            let arn = answer["taskDefinition"]["taskDefinitionArn"].clone();
            self.registered().push((arn, Instant::now()));
        }
        if call.operation == "ListTaskDefinitions" && status == 200 && !self.family_lag.is_zero() {
            *response.body_mut() = self.without_news(response.body());
        }
        if call.operation != "DescribeServices" {
            call.answer = answer;
        }
        self.note(who, What::Call(Box::new(call)));
        response
    }

    /// Another person's request, with another tool.
    pub fn somebody(&self, operation: &str, body: &Value, chance: &mut Rng) -> Value {
        let handle = self.sandbox.clone().with_throttles(false);
        let request = request(ECS, operation, body);
        let response = self.act(Who::Somebody, &handle, request, chance);
        serde_json::from_slice(response.body()).unwrap_or_default()
    }

    /// All services as they really are.
    pub fn look_at_all(&self) -> Value {
        let names = self.services.iter().map(|spec| spec.name.as_str());
        self.look(&names.collect::<Vec<_>>())
    }

    fn look(&self, names: &[&str]) -> Value {
        let body = json!({"cluster": "prod", "services": names});
        let clean = self.sandbox.clone().with_throttles(false);
        ask(&clean, ECS, "DescribeServices", &body).1
    }

    fn remember(&self, before: &Value, update: &Value) {
        let services = before["services"].as_array().into_iter().flatten();
        let old = services
            .filter(|service| service["serviceName"] == update["service"])
            .map(|service| Stale {
                until: Instant::now() + self.lag,
                service: service.clone(),
            });
        self.stale
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(old);
    }

    fn registered(&self) -> MutexGuard<'_, Vec<(Value, Instant)>> {
        self.registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A list of revisions without those that it does not know yet.
    fn without_news(&self, listed: &Bytes) -> Bytes {
        let mut listed: Value = serde_json::from_slice(listed).unwrap_or_default();
        let registered = self.registered();
        let is_new = |arn: &Value| {
            let mut news = registered.iter();
            news.any(|(new, at)| new == arn && at.elapsed() < self.family_lag)
        };
        if let Some(arns) = listed["taskDefinitionArns"].as_array_mut() {
            arns.retain(|arn| !is_new(arn));
        }
        Bytes::from(listed.to_string())
    }

    /// Some of the replicas that answer have not heard of an update yet.
    fn make_stale(&self, answer: &mut Value, chance: &mut Rng) -> bool {
        let mut stale = self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        stale.retain(|stale| stale.until > Instant::now());
        let mut changed = false;
        for service in answer["services"].as_array_mut().into_iter().flatten() {
            let old = stale
                .iter()
                .find(|stale| stale.service["serviceName"] == service["serviceName"]);
            if let Some(old) = old
                && chance.percent(70)
            {
                *service = old.service.clone();
                changed = true;
            }
        }
        changed
    }
}

fn seed(services: &[Spec]) -> Seed {
    Seed {
        environment: "prod".to_owned(),
        account: ACCOUNT.parse().expect("an account"),
        region: REGION.parse().expect("a region"),
        services: services
            .iter()
            .map(|spec| SeedService {
                name: spec.name.clone(),
                cluster: "prod".parse().expect("a cluster"),
                service: spec.name.parse().expect("a service"),
                images: vec![(None, spec.image().parse().expect("an image"))],
            })
            .collect(),
    }
}

/// Keeps the document of an answer of DescribeTaskDefinition or
/// RegisterTaskDefinition.
fn keep(history: &mut History, answer: &Value) {
    let mut document = answer["taskDefinition"].clone();
    document["tags"] = answer["tags"].clone();
    let arn = document["taskDefinitionArn"].as_str().unwrap_or_default();
    history.documents.insert(arn.to_owned(), document);
}

pub fn request(service: &str, operation: &str, body: &Value) -> Request<Bytes> {
    Request::post("https://sandbox.invalid/")
        .header("x-amz-target", format!("{service}.{operation}"))
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/ecs/aws4_request"),
        )
        .body(Bytes::from(body.to_string()))
        .expect("a request")
}

fn ask(sandbox: &Sandbox, service: &str, operation: &str, body: &Value) -> (u16, Value) {
    let response = at_once(sandbox.answer(request(service, operation, body)));
    let answer = serde_json::from_slice(response.body()).unwrap_or_default();
    (response.status().as_u16(), answer)
}

/// The sandbox waits for nothing but faults, and none are set on its handles
/// here.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the sandbox has to wait"),
    }
}

pub fn states(answer: &Value) -> States {
    let services = answer["services"].as_array().into_iter().flatten();
    services
        .filter_map(|service| {
            let name = service["serviceName"].as_str()?.to_owned();
            let deployments = service["deployments"].as_array()?;
            let primary = deployments.iter().find(|d| d["status"] == "PRIMARY")?;
            let text = |key: &str| primary[key].as_str().unwrap_or_default().to_owned();
            let number = |key: &str| primary[key].as_i64().unwrap_or_default();
            let state = State {
                deployment: text("id"),
                revision: text("taskDefinition"),
                rollout: text("rolloutState"),
                running: number("runningCount"),
                desired: number("desiredCount"),
            };
            Some((name, state))
        })
        .collect()
}
