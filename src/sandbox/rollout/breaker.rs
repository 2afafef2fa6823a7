//! The deployment circuit breaker.

use serde_json::Value;

use super::super::clock::Millis;
use super::super::state::{Rollout, Service};
use super::back::{self, Cause};

/// Without a breaker ECS starts failing tasks again and again, at growing
/// intervals ("service throttle logic"). From this many failures on.
const THROTTLED_FROM: u32 = 10;
const THROTTLED_AT_MOST: Millis = 60_000;

fn setting<'a>(service: &'a Service, key: &str) -> Option<&'a Value> {
    service
        .settings
        .get("deploymentConfiguration")?
        .get("deploymentCircuitBreaker")?
        .get(key)
}

fn is_on(service: &Service, key: &str, default: bool) -> bool {
    setting(service, key)
        .and_then(Value::as_bool)
        .unwrap_or(default)
}

pub(super) fn enabled(service: &Service) -> bool {
    is_on(service, "enable", false)
}

/// How many failed tasks trip the breaker: half of the desired count, at least
/// 3 and at most 200, unless `thresholdConfiguration` says otherwise.
pub(super) fn threshold(service: &Service) -> u32 {
    let configured =
        |key: &str| setting(service, "thresholdConfiguration").and_then(|c| c.get(key));
    let value = configured("value").and_then(Value::as_u64).unwrap_or(50);
    let share = (u64::from(service.desired) * value).div_ceil(100);
    let count = match configured("type").and_then(Value::as_str) {
        Some("COUNT") => value.max(1),
        Some("UNBOUNDED_PERCENT") => share.max(1),
        _ => share.clamp(3, 200),
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A task of the deployment became healthy: the count starts anew.
pub(super) fn healthy_task(service: &mut Service, deployment: &str) {
    if !is_on(service, "resetOnHealthyTask", true) {
        return;
    }
    if let Some(deployment) = service.deployments.iter_mut().find(|d| d.id == deployment) {
        deployment.failures_in_a_row = 0;
    }
}

/// A task of the deployment failed. Without a breaker the next start waits.
pub(super) fn failed_task(service: &mut Service, id: &str, now: Millis) {
    let throttles = !enabled(service);
    let Some(deployment) = service.deployments.iter_mut().find(|d| d.id == id) else {
        return;
    };
    deployment.failed_tasks += 1;
    deployment.failures_in_a_row += 1;
    deployment.updated_at = now;
    let (failures, record) = (
        deployment.failures_in_a_row,
        deployment.service_deployment.clone(),
    );
    if let Some(record) = service.history.iter_mut().find(|r| r.arn == record) {
        record.breaker.failures = failures;
    }
    if throttles && failures >= THROTTLED_FROM {
        let doublings = ((failures - THROTTLED_FROM) / 2).min(16);
        let wait = (1_000 << doublings).min(THROTTLED_AT_MOST);
        service.next_start = service.next_start.max(now + wait);
        if failures % THROTTLED_FROM == 0 {
            service.event(now, "is unable to consistently start tasks successfully.");
        }
    }
}

/// Trips the breaker when the PRIMARY deployment has failed often enough.
pub(super) fn check(service: &mut Service, now: Millis) {
    let limit = threshold(service);
    let on = enabled(service) && back::requested(service).is_none();
    let Some(primary) = service.deployments.first() else {
        return;
    };
    if !on || primary.rollout != Rollout::InProgress || primary.failures_in_a_row < limit {
        return;
    }
    let record = primary.service_deployment.clone();
    if let Some(record) = service.history.iter_mut().find(|r| r.arn == record) {
        record.breaker.status = "TRIGGERED".to_owned();
    }
    let rollback = is_on(service, "rollback", false);
    back::fail(service, &Cause::Breaker, rollback, now);
}
