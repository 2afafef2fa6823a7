//! Keeps within the rates at which AWS takes calls.
//!
//! ECS holds each account and region to a bucket of calls for each kind of
//! operation. [`Limits`] has the same buckets on this side, shared by
//! everything in a run that acts in an account and region, so that a run over
//! a thousand services is paced instead of refused. A run that is small enough
//! for the buckets never waits. Somebody else may draw from AWS's buckets, too:
//! an answer that a call came too soon slows its kind down further, for a time.
//!
//! Waiting is on tokio's clock. It comes before a call and its time-outs begin,
//! not within them.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use serde::Deserialize;
use tokio::time::Instant;
use tracing::info;

use super::error::is_throttling;
use crate::model::{AccountId, Region};

/// A bucket: how many calls it holds, and how many it gains a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Rate {
    /// What the bucket is for.
    kind: &'static str,
    burst: u32,
    a_second: u32,
}

const fn rate(kind: &'static str, burst: u32, a_second: u32) -> Rate {
    Rate {
        kind,
        burst,
        a_second,
    }
}

/// What AWS publishes: "Request throttling for the Amazon ECS API" in its API
/// reference, and "Amazon ECR service quotas". Actions of one row draw from one
/// bucket here. If AWS has one for each of them, that errs on the slow side, and
/// hardly: one of each row is seldom called.
const PUBLISHED: [(Rate, &[&str]); 9] = [
    (
        rate("task definition writes", 20, 1),
        &["ecs:RegisterTaskDefinition"],
    ),
    (
        rate("task definition reads", 50, 20),
        &["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"],
    ),
    (rate("service writes", 50, 5), &["ecs:UpdateService"]),
    (
        rate("service reads", 100, 20),
        &["ecs:DescribeServices", "ecs:ListServices"],
    ),
    (
        rate("service deployment reads", 50, 20),
        &[
            "ecs:ListServiceDeployments",
            "ecs:DescribeServiceDeployments",
        ],
    ),
    (
        rate("service revision reads", 50, 20),
        &["ecs:DescribeServiceRevisions"],
    ),
    (
        rate("task reads", 100, 20),
        &["ecs:DescribeTasks", "ecs:ListTasks"],
    ),
    (
        rate("tag writes", 20, 10),
        &["ecs:TagResource", "ecs:UntagResource"],
    ),
    (rate("image reads", 2000, 2000), &["ecr:BatchGetImage"]),
];

/// What of a published rate is used, in percent. Calls arrive less evenly than
/// they are sent; the rest keeps them from being refused for it.
const USED: u32 = 95;
/// What a bucket gains in one second, divided by this, is left in it when it
/// runs out, for the same reason: the calls of its burst may arrive a fifth of a
/// second later than they were sent.
const SPARE: u32 = 5;
/// How a bucket that AWS found empty goes on: at this part of its rate, a part
/// of that again when AWS finds it empty again, and never below the slowest.
const SLOWER: f64 = 0.7;
const SLOWEST: f64 = 0.1;
/// Refusals within this time are of calls that were under way together.
const TOGETHER: Duration = Duration::from_secs(1);
/// Without a refusal for this long, a step of slowing down is taken back.
const RECOVERS: Duration = Duration::from_secs(10);

/// The buckets of all accounts and regions of a run. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Limits(Arc<Mutex<HashMap<Whose, Allowance>>>);

/// An account, where one is known, and a region.
type Whose = (Option<AccountId>, Region);

impl Limits {
    /// The buckets of one account and region.
    pub(super) fn of(&self, account: Option<&AccountId>, region: &Region) -> Allowance {
        lock(&self.0)
            .entry((account.cloned(), region.clone()))
            .or_default()
            .clone()
    }
}

/// What one account may do in one region.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowance(Arc<Mutex<HashMap<Rate, Arc<Bucket>>>>);

impl Allowance {
    /// Waits until a call may be sent. Calls that nobody limits are not waited
    /// for. `action` is the IAM action.
    pub(super) async fn take(&self, action: &str) {
        if let Some(bucket) = self.bucket(action) {
            bucket.take().await;
        }
    }

    /// AWS said that a call came too soon.
    pub(super) fn throttled(&self, action: &str) {
        if let Some(bucket) = self.bucket(action) {
            bucket.throttled();
        }
    }

    fn bucket(&self, action: &str) -> Option<Arc<Bucket>> {
        let (rate, _) = PUBLISHED
            .iter()
            .find(|(_, actions)| actions.contains(&action))?;
        let mut buckets = lock(&self.0);
        let bucket = buckets
            .entry(*rate)
            .or_insert_with(|| Arc::new(Bucket::new(*rate)));
        Some(bucket.clone())
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Tokio, NoOpMiddleware<Duration>>;

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// First come, first served: only one waits for the bucket, the others for
    /// their turn.
    queue: tokio::sync::Mutex<()>,
    pace: Mutex<Pace>,
    clock: Tokio,
}

#[derive(Debug)]
struct Pace {
    limiter: Arc<Limiter>,
    /// The part of the rate that is used now.
    part: f64,
    /// When that last changed.
    since: Instant,
    /// When a call last had to wait.
    waited: Option<Instant>,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        let clock = Tokio(Instant::now());
        Self {
            rate,
            queue: tokio::sync::Mutex::default(),
            pace: Mutex::new(Pace {
                limiter: Arc::new(Limiter::direct_with_clock(rate.quota(1.0), clock)),
                part: 1.0,
                since: Instant::now(),
                waited: None,
            }),
            clock,
        }
    }

    async fn take(&self) {
        let _turn = self.queue.lock().await;
        // Another pace may have been set while this slept.
        loop {
            let limiter = self.limiter();
            let Err(early) = limiter.check() else {
                return;
            };
            if self.ran_out() {
                while let Ok(Err(early)) = limiter.check_n(self.rate.spare()) {
                    tokio::time::sleep(early.wait_time_from(self.clock.now())).await;
                }
                continue;
            }
            tokio::time::sleep(early.wait_time_from(self.clock.now())).await;
        }
    }

    /// Whether the bucket has been full, or nearly, since a call last waited.
    fn ran_out(&self) -> bool {
        let mut pace = lock(&self.pace);
        let fills = Duration::from_secs_f64(f64::from(self.rate.burst) / self.rate.used(pace.part));
        let waited = pace.waited.replace(Instant::now());
        waited.is_none_or(|waited| waited.elapsed() >= fills)
    }

    fn limiter(&self) -> Arc<Limiter> {
        let mut pace = lock(&self.pace);
        if pace.part < 1.0 && pace.since.elapsed() >= RECOVERS {
            let part = (pace.part / SLOWER).min(1.0);
            self.set(&mut pace, part);
        }
        pace.limiter.clone()
    }

    fn throttled(&self) {
        let mut pace = lock(&self.pace);
        if pace.part < 1.0 && pace.since.elapsed() < TOGETHER {
            return;
        }
        let part = (pace.part * SLOWER).max(SLOWEST);
        info!(
            "AWS throttles {}; going on at {:.0} % of the published rate",
            self.rate.kind,
            part * f64::from(USED)
        );
        self.set(&mut pace, part);
    }

    /// Another pace, from an empty bucket: AWS's own is not full either.
    fn set(&self, pace: &mut Pace, part: f64) {
        let limiter = Limiter::direct_with_clock(self.rate.quota(part), self.clock);
        // All that a bucket can hold, it holds when it is new.
        let _ = limiter.check_n(self.rate.burst());
        *pace = Pace {
            limiter: Arc::new(limiter),
            part,
            since: Instant::now(),
            waited: Some(Instant::now()),
        };
    }
}

impl Rate {
    fn burst(&self) -> NonZeroU32 {
        NonZeroU32::new(self.burst).unwrap_or(NonZeroU32::MIN)
    }

    fn spare(&self) -> NonZeroU32 {
        NonZeroU32::new(self.a_second / SPARE).unwrap_or(NonZeroU32::MIN)
    }

    /// Calls a second, at this part of what is used of the rate.
    fn used(&self, part: f64) -> f64 {
        f64::from(self.a_second) * f64::from(USED) / 100.0 * part
    }

    fn quota(&self, part: f64) -> Quota {
        Quota::with_period(Duration::from_secs_f64(1.0 / self.used(part)))
            // Only a period of nothing at all is none.
            .unwrap_or_else(|| Quota::per_second(self.burst()))
            .allow_burst(self.burst())
    }
}

/// Tokio's clock, for the buckets.
#[derive(Debug, Clone, Copy)]
struct Tokio(Instant);

impl Clock for Tokio {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Tells the buckets of every attempt that AWS refused for coming too soon, also
/// of those that the SDK tries again by itself.
#[derive(Debug)]
pub(super) struct NoteThrottling(pub Allowance);

impl Intercept for NoteThrottling {
    fn name(&self) -> &'static str {
        "NoteThrottling"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        #[derive(Deserialize)]
        struct Refusal {
            #[serde(rename = "__type")]
            kind: String,
        }
        let Some(response) = context.response() else {
            return Ok(());
        };
        let status = response.status().as_u16();
        if status < 400 {
            return Ok(());
        }
        let refusal: Option<Refusal> = response
            .body()
            .bytes()
            .and_then(|body| serde_json::from_slice(body).ok());
        // `com.amazonaws.ecs#ThrottlingException`, or the name alone.
        let throttled = refusal.is_some_and(|refusal| {
            is_throttling(refusal.kind.rsplit('#').next().unwrap_or_default())
        });
        if (status == 429 || throttled)
            && let Some(operation) = config.load::<Metadata>()
        {
            let service = operation.service().to_ascii_lowercase();
            self.0.throttled(&format!("{service}:{}", operation.name()));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance() -> Allowance {
        let region = "us-west-1".parse().unwrap();
        Limits::default().of(Some(&"123456789012".parse().unwrap()), &region)
    }

    /// How long it takes to be allowed so many calls.
    async fn takes(allowance: &Allowance, action: &str, calls: usize) -> f64 {
        let start = Instant::now();
        for _ in 0..calls {
            allowance.take(action).await;
        }
        start.elapsed().as_secs_f64()
    }

    #[test]
    fn an_action_has_one_bucket() {
        let mut actions: Vec<&str> = PUBLISHED
            .iter()
            .flat_map(|(_, all)| *all)
            .copied()
            .collect();
        let all = actions.len();
        actions.sort_unstable();
        actions.dedup();
        assert_eq!(actions.len(), all);
    }

    #[tokio::test(start_paused = true)]
    async fn what_fits_the_bucket_does_not_wait() {
        let allowance = allowance();
        assert!(takes(&allowance, "ecs:DescribeServices", 100).await < 0.001);
        assert!(takes(&allowance, "ecs:DescribeTaskDefinition", 50).await < 0.001);
        assert!(takes(&allowance, "ecr:BatchGetImage", 1000).await < 0.001);
        assert!(takes(&allowance, "logs:GetLogEvents", 10_000).await < 0.001);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_waits_for_its_rate() {
        let allowance = allowance();
        takes(&allowance, "ecs:DescribeServices", 100).await;
        let waited = takes(&allowance, "ecs:DescribeServices", 190).await;
        assert!((10.1..10.4).contains(&waited), "{waited}");
        // A row of the table is one bucket, and no other's.
        assert!(takes(&allowance, "ecs:ListServices", 19).await > 0.9);
        assert!(takes(&allowance, "ecs:UpdateService", 1).await < 0.001);
        takes(&allowance, "ecs:RegisterTaskDefinition", 20).await;
        let waited = takes(&allowance, "ecs:RegisterTaskDefinition", 5).await;
        assert!((6.0..6.5).contains(&waited), "{waited}");
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_and_regions_have_their_own() {
        let limits = Limits::default();
        let of = |account: &str, region: &str| {
            limits.of(Some(&account.parse().unwrap()), &region.parse().unwrap())
        };
        let here = of("123456789012", "us-west-1");
        takes(&here, "ecs:DescribeServices", 100).await;
        for other in [
            of("210987654321", "us-west-1"),
            of("123456789012", "us-east-1"),
        ] {
            assert!(takes(&other, "ecs:DescribeServices", 100).await < 0.001);
        }
        // And whoever asks for the same, shares it.
        let same = of("123456789012", "us-west-1");
        assert!(takes(&same, "ecs:DescribeServices", 19).await > 0.9);
    }

    #[tokio::test(start_paused = true)]
    async fn being_refused_slows_down_for_a_time() {
        let allowance = allowance();
        const ACTION: &str = "ecs:DescribeServices";
        takes(&allowance, ACTION, 10).await;
        // Ten calls that were under way together are one sign.
        for _ in 0..10 {
            allowance.throttled(ACTION);
        }
        let waited = takes(&allowance, ACTION, 19).await;
        assert!((1.4..1.5).contains(&waited), "{waited}");
        allowance.throttled(ACTION);
        let waited = takes(&allowance, ACTION, 19).await;
        assert!((2.0..2.1).contains(&waited), "{waited}");
        for _ in 0..20 {
            tokio::time::advance(Duration::from_secs(2)).await;
            allowance.throttled(ACTION);
        }
        let waited = takes(&allowance, ACTION, 1).await;
        assert!((0.5..0.6).contains(&waited), "{waited}");
        // It is not for ever.
        for _ in 0..10 {
            tokio::time::advance(RECOVERS).await;
            takes(&allowance, ACTION, 1).await;
        }
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(takes(&allowance, ACTION, 100).await < 0.3);
    }
}
