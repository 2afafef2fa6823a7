//! The deployment circuit breaker, and what goes back or stops because of it.

use serde_json::Value;

use super::super::clock::Millis;
use super::super::ids;
use super::super::state::{Deployment, Rollback, Rollout, Service};

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
    let on = enabled(service);
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    if !on || primary.rollout != Rollout::InProgress || primary.failures_in_a_row < limit {
        return;
    }
    let (was_rollback, record) = (primary.rollback, primary.service_deployment.clone());
    fail_primary(
        service,
        "ECS deployment circuit breaker: tasks failed to start.",
        now,
    );
    let id = service
        .deployments
        .first()
        .map(|d| d.id.clone())
        .unwrap_or_default();
    service.event(
        now,
        &format!("(deployment {id}) deployment failed: tasks failed to start."),
    );
    if let Some(record) = service.history.iter_mut().find(|r| r.arn == record) {
        record.breaker.status = "TRIGGERED".to_owned();
    }
    let reason =
        "Service deployment rolled back because the circuit breaker threshold was exceeded.";
    if !was_rollback && is_on(service, "rollback", false) && roll_back(service, reason, now) {
        return;
    }
    let status = if was_rollback {
        "ROLLBACK_FAILED"
    } else {
        "STOPPED"
    };
    finish_record(
        service,
        &record,
        status,
        "Service deployment stopped because the circuit breaker threshold was exceeded.",
        now,
    );
}

/// StopServiceDeployment with ABORT: nothing more is started.
pub(in super::super) fn stop_here(service: &mut Service, now: Millis) {
    fail_primary(service, "ECS deployment stopped on request.", now);
    let record = service
        .deployments
        .first()
        .map(|d| d.service_deployment.clone())
        .unwrap_or_default();
    finish_record(
        service,
        &record,
        "STOP_REQUESTED",
        "Service deployment was stopped by the user.",
        now,
    );
}

fn fail_primary(service: &mut Service, reason: &str, now: Millis) {
    if let Some(primary) = service.deployments.first_mut() {
        primary.rollout = Rollout::Failed;
        primary.reason = reason.to_owned();
        primary.steady_since = None;
        primary.updated_at = now;
    }
}

fn finish_record(service: &mut Service, arn: &str, status: &str, reason: &str, now: Millis) {
    if let Some(record) = service.history.iter_mut().find(|record| record.arn == arn) {
        record.status = status.to_owned();
        record.reason = Some(reason.to_owned());
        record.updated_at = now;
        if status != "STOP_REQUESTED" {
            record.finished_at = Some(now);
            record.stopped_at = Some(now);
        }
    }
}

/// Goes back to the last completed service revision: a new PRIMARY deployment
/// that takes over the tasks of that revision which still run. `false` when
/// there is nothing to go back to.
pub(in super::super) fn roll_back(service: &mut Service, reason: &str, now: Millis) -> bool {
    let Some(failed) = service.deployments.first_mut() else {
        return false;
    };
    let (failed_revision, record_arn) =
        (failed.revision.clone(), failed.service_deployment.clone());
    let target = service
        .revisions
        .iter()
        .find(|r| r.completed && r.arn != failed_revision)
        .cloned();
    let Some(target) = target else {
        return false;
    };
    if let Some(failed) = service
        .deployments
        .first_mut()
        .filter(|d| d.rollout == Rollout::InProgress)
    {
        failed.rollout = Rollout::Failed;
        failed.reason = "ECS deployment stopped on request.".to_owned();
        failed.updated_at = now;
    }
    let id = format!("ecs-svc/{}", ids::digits(&service.next_seed()));
    let deployment = Deployment {
        id: id.clone(),
        task_definition: target.task_definition.clone(),
        rollout: Rollout::InProgress,
        reason: format!(
            "ECS deployment circuit breaker: rolling back to deploymentId {}.",
            target.deployment
        ),
        failed_tasks: 0,
        failures_in_a_row: 0,
        created_at: now,
        updated_at: now,
        steady_since: None,
        containers: target.containers.clone(),
        revision: target.arn.clone(),
        service_deployment: record_arn.clone(),
        rollback: true,
    };
    let adopted: Vec<String> = service
        .deployments
        .iter()
        .filter(|d| d.revision == target.arn)
        .map(|d| d.id.clone())
        .collect();
    for task in service
        .tasks
        .iter_mut()
        .filter(|task| adopted.contains(&task.deployment))
    {
        task.deployment.clone_from(&id);
    }
    service.deployments.retain(|d| !adopted.contains(&d.id));
    service.deployments.insert(0, deployment);
    for (key, value) in &target.settings {
        service.settings.insert(key.clone(), value.clone());
    }
    if let Some(revision) = service.revisions.iter_mut().find(|r| r.arn == target.arn) {
        revision.deployment = id;
    }
    if let Some(record) = service
        .history
        .iter_mut()
        .find(|record| record.arn == record_arn)
    {
        record.status = "ROLLBACK_IN_PROGRESS".to_owned();
        record.reason = Some(reason.to_owned());
        record.updated_at = now;
        record.rollback = Some(Rollback {
            reason: reason.to_owned(),
            started_at: now,
            revision: target.arn.clone(),
        });
    }
    service.event(
        now,
        &format!("rolling back to deployment {}.", target.deployment),
    );
    true
}
