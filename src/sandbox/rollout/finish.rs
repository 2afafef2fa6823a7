//! Beginnings and ends: what is pending begins, what is steady completes, what
//! was stopped or deleted is gone.

use super::super::clock::Millis;
use super::super::state::{Phase, Rollout, Service, ServiceStatus};
use super::{FIRST_START, alarms, back, order_stop, staged};

/// From the last old task gone to COMPLETED.
const COMPLETED_AFTER: Millis = 1_000;
/// From STOP_REQUESTED to STOPPED of a service deployment.
pub(super) const STOPPED_AFTER: Millis = 2_000;

/// From steady to COMPLETED; with alarms there is something to watch.
pub(super) fn completed_after(service: &Service) -> Millis {
    let record = service.current();
    let watched = record.is_some_and(|r| r.alarms.is_some() && r.staged.is_none());
    if watched {
        alarms::WATCHED_FOR
    } else {
        COMPLETED_AFTER
    }
}

/// PENDING becomes IN_PROGRESS.
pub(super) fn begin_pending(service: &mut Service, now: Millis) {
    let pending = service.history.iter_mut();
    for record in pending.filter(|record| record.status == "PENDING") {
        if record.created_at + FIRST_START <= now {
            record.status = "IN_PROGRESS".to_owned();
            record.updated_at = now;
        }
    }
}

/// Replaced deployments leave the list with their last task; a failed one
/// stays until what replaced it has completed, as long as people look for it.
pub(super) fn forget_finished(service: &mut Service) {
    let Some(primary) = service.deployments.first() else {
        return;
    };
    let completed = primary.rollout == Rollout::Completed;
    let tasks = &service.tasks;
    let mut position = 0;
    service.deployments.retain(|deployment| {
        position += 1;
        position == 1
            || tasks
                .iter()
                .any(|task| task.deployment == deployment.id && task.phase != Phase::Stopped)
            || (deployment.rollout == Rollout::Failed && !completed)
    });
}

fn is_steady(service: &Service) -> bool {
    let Some(primary) = service.deployments.first() else {
        return false;
    };
    let (mut own, mut other) = (0, 0);
    for task in service
        .tasks
        .iter()
        .filter(|task| task.phase != Phase::Stopped)
    {
        match task.phase {
            Phase::Healthy if task.deployment == primary.id => own += 1,
            _ => other += 1,
        }
    }
    primary.rollout != Rollout::Failed
        && other == 0
        && own == service.desired as usize
        && !staged::keeps_source(service)
        && back::requested(service).is_none()
}

/// Notices that everything is as wanted, and a little later completes the
/// deployment.
pub(super) fn observe_steadiness(service: &mut Service, now: Millis) {
    let steady = is_steady(service);
    let after = completed_after(service);
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    let since = match (steady, primary.steady_since) {
        (false, _) => {
            primary.steady_since = None;
            return;
        }
        (true, Some(since)) => since,
        (true, None) => {
            primary.steady_since = Some(now);
            if primary.rollout == Rollout::Completed {
                service.event(now, "has reached a steady state.");
            }
            return;
        }
    };
    if primary.rollout == Rollout::InProgress && since + after <= now {
        complete(service, now);
    }
}

fn complete(service: &mut Service, now: Millis) {
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    primary.rollout = Rollout::Completed;
    primary.reason = format!("ECS deployment {} completed.", primary.id);
    primary.updated_at = now;
    let (id, revision) = (primary.id.clone(), primary.revision.clone());
    let (record, rolled_back) = (primary.service_deployment.clone(), primary.rollback);
    if let Some(revision) = service.revisions.iter_mut().find(|r| r.arn == revision) {
        revision.completed = true;
    }
    if let Some(record) = service.history.iter_mut().find(|r| r.arn == record) {
        record.status = if rolled_back {
            "ROLLBACK_SUCCESSFUL"
        } else {
            "SUCCESSFUL"
        }
        .to_owned();
        record.updated_at = now;
        record.finished_at = Some(now);
        let alarms = record.alarms.iter_mut().map(|alarms| &mut alarms.status);
        for status in alarms.chain([&mut record.breaker.status]) {
            if status == "MONITORING" {
                *status = "MONITORING_COMPLETE".to_owned();
            }
        }
    }
    service.event(now, &format!("(deployment {id}) deployment completed."));
    service.event(now, "has reached a steady state.");
    forget_finished(service);
}

/// STOP_REQUESTED becomes STOPPED.
pub(super) fn finish_stopped(service: &mut Service, now: Millis) {
    for record in service
        .history
        .iter_mut()
        .filter(|record| record.status == "STOP_REQUESTED")
    {
        if record.updated_at + STOPPED_AFTER <= now {
            record.status = "STOPPED".to_owned();
            record.updated_at = now;
            record.finished_at = Some(now);
            record.stopped_at = Some(now);
        }
    }
}

/// A deleted service stops everything, then is INACTIVE.
pub(super) fn drain(service: &mut Service, now: Millis) {
    for task in service.tasks.iter_mut().filter(|task| task.lives()) {
        let reason = "Scaling activity initiated by service deletion";
        order_stop(task, "ServiceSchedulerInitiated", reason, now);
    }
    if service
        .tasks
        .iter()
        .all(|task| task.phase == Phase::Stopped)
    {
        service.status = ServiceStatus::Inactive;
        service.deployments.clear();
        for record in &mut service.history {
            if matches!(
                record.status.as_str(),
                "PENDING"
                    | "IN_PROGRESS"
                    | "STOP_REQUESTED"
                    | "ROLLBACK_REQUESTED"
                    | "ROLLBACK_IN_PROGRESS"
            ) {
                record.status = "STOPPED".to_owned();
                record.stopped_at = Some(now);
            }
        }
    }
}
