//! The published rates of ECS and ECR: for each account, region and operation
//! a bucket that refills by tokio's clock.

use std::collections::HashMap;

use tokio::time::Instant;

use super::super::wire::{Call, Refusal};

/// How many calls at once, and how many a second, as AWS publishes it. An
/// operation that is not here is not held back.
fn rate(call: &Call) -> Option<(f64, f64)> {
    Some(match (call.service, call.operation.as_str()) {
        ("ecs", "RegisterTaskDefinition" | "DeregisterTaskDefinition") => (20.0, 1.0),
        ("ecs", "DescribeTaskDefinition" | "ListTaskDefinitions") => (50.0, 20.0),
        ("ecs", "CreateService" | "UpdateService" | "DeleteService") => (50.0, 5.0),
        ("ecs", "DescribeServices" | "ListServices") => (100.0, 20.0),
        ("ecs", "DescribeServiceDeployments" | "ListServiceDeployments") => (50.0, 20.0),
        ("ecs", "DescribeServiceRevisions") => (50.0, 20.0),
        ("ecs", "DescribeTasks" | "ListTasks") => (100.0, 20.0),
        ("ecs", "TagResource") => (20.0, 10.0),
        ("ecr", "BatchGetImage") => (2_000.0, 2_000.0),
        _ => return None,
    })
}

#[derive(Default)]
pub(super) struct Buckets(HashMap<String, Bucket>);

struct Bucket {
    calls: f64,
    at: Instant,
}

impl Buckets {
    pub(super) fn take(&mut self, call: &Call) -> Result<(), Refusal> {
        let Some((burst, refill)) = rate(call) else {
            return Ok(());
        };
        let now = Instant::now();
        let key = format!(
            "{}/{}/{}:{}",
            call.account, call.region, call.service, call.operation
        );
        let bucket = self.0.entry(key).or_insert(Bucket {
            calls: burst,
            at: now,
        });
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.calls = (bucket.calls + since * refill).min(burst);
        bucket.at = now;
        if bucket.calls < 1.0 {
            return Err(Refusal::new("ThrottlingException", "Rate exceeded"));
        }
        bucket.calls -= 1.0;
        Ok(())
    }
}
