//! The scheduler: moves one service from what it was to any later moment.
//!
//! It is a pure function of the service and the time. It goes from event to
//! event (a task's next phase, the next start, the next stop), so a day of
//! waiting costs nothing and every run of the same history is the same. It
//! knows neither requests nor the registry.

mod begin;
mod breaker;
mod one_off;
mod reason;
mod task;
#[cfg(test)]
mod tests;

pub(super) use begin::{OF_A_REVISION, Wanted, begin};
pub(super) use breaker::{roll_back, stop_here};
pub(super) use one_off::{advance_one_off, first_due};
pub(super) use reason::{NO_FARGATE, OUT_OF_MEMORY};
pub(super) use task::{order_stop, settled_task};

use super::clock::Millis;
use super::state::{Phase, Rollout, Service, ServiceStatus};

/// A healthy rollout of three tasks takes 8 to 9 seconds at this pace: slow
/// enough to be watched, fast enough to be tried again and again.
const FIRST_START: Millis = 300;
const START_EVERY: Millis = 700;
const STOP_EVERY: Millis = 1_200;
/// From the last old task gone to COMPLETED.
const COMPLETED_AFTER: Millis = 1_000;
/// From STOP_REQUESTED to STOPPED of a service deployment.
const STOPPED_AFTER: Millis = 2_000;
/// How long ListTasks and DescribeTasks still know a stopped task.
pub(super) const STOPPED_VISIBLE: Millis = 3_600_000;

/// Brings the service to `now`. Changes nothing when nothing is due.
pub(super) fn advance(service: &mut Service, now: Millis) {
    while let Some(moment) = next_moment(service).filter(|moment| *moment <= now) {
        service.clock = moment.max(service.clock);
        settle(service);
    }
}

/// After a change made by a request at `now`: what follows from it at once.
pub(super) fn changed(service: &mut Service, now: Millis) {
    service.clock = now.max(service.clock);
    service.next_start = service.next_start.max(service.clock + FIRST_START);
    settle(service);
}

/// Does all that is due at the service's clock.
fn settle(service: &mut Service) {
    let now = service.clock;
    task::step_all(service, now);
    breaker::check(service, now);
    if service.status == ServiceStatus::Draining {
        drain(service, now);
        return;
    }
    if may_start(service) && service.next_start <= now {
        service.next_start = now + START_EVERY;
        task::start(service, now);
        breaker::check(service, now);
    }
    stop_at_once(service, now);
    if let Some(task) = surplus(service).filter(|_| service.next_stop <= now) {
        stop_surplus(service, &task, now);
        service.next_stop = now + STOP_EVERY;
    }
    forget_finished(service);
    observe_steadiness(service, now);
    finish_stopped(service, now);
    service
        .tasks
        .retain(|task| task.stopped_at.is_none_or(|at| at + STOPPED_VISIBLE > now));
}

/// When something is due next; `None` once the service is at rest.
fn next_moment(service: &Service) -> Option<Millis> {
    let tasks = service.tasks.iter().filter_map(|task| task.due);
    let active = service.status == ServiceStatus::Active;
    let start = (active && may_start(service)).then_some(service.next_start);
    let stop = (active && surplus(service).is_some()).then_some(service.next_stop);
    let completed = service
        .deployments
        .first()
        .filter(|primary| primary.rollout == Rollout::InProgress)
        .and_then(|primary| primary.steady_since)
        .map(|since| since + COMPLETED_AFTER);
    let stopped = service
        .history
        .iter()
        .filter(|deployment| deployment.status == "STOP_REQUESTED")
        .map(|deployment| deployment.updated_at + STOPPED_AFTER)
        .min();
    tasks
        .chain(start)
        .chain(stop)
        .chain(completed)
        .chain(stopped)
        .min()
}

fn percent(service: &Service, key: &str, default: u64) -> u64 {
    let configured = service
        .settings
        .get("deploymentConfiguration")
        .and_then(|c| c.get(key));
    configured
        .and_then(serde_json::Value::as_u64)
        .unwrap_or(default)
}

/// minimumHealthyPercent of the desired count, rounded up.
fn minimum(service: &Service) -> usize {
    (u64::from(service.desired) * percent(service, "minimumHealthyPercent", 100)).div_ceil(100)
        as usize
}

/// maximumPercent of the desired count, rounded down.
fn maximum(service: &Service) -> usize {
    (u64::from(service.desired) * percent(service, "maximumPercent", 200) / 100) as usize
}

fn living(service: &Service) -> usize {
    service.tasks.iter().filter(|task| task.lives()).count()
}

fn healthy(service: &Service) -> usize {
    service
        .tasks
        .iter()
        .filter(|task| task.phase == Phase::Healthy)
        .count()
}

/// Whether the PRIMARY deployment lacks a task and there is room for one.
fn may_start(service: &Service) -> bool {
    let Some(primary) = service.deployments.first() else {
        return false;
    };
    let own = service
        .tasks
        .iter()
        .filter(|task| task.lives() && task.deployment == primary.id)
        .count();
    primary.rollout != Rollout::Failed
        && own < service.desired as usize
        && living(service) < maximum(service)
}

/// The next running task that is one too many, if the minimum allows to stop it.
fn surplus(service: &Service) -> Option<String> {
    let primary = service.deployments.first()?;
    if primary.rollout == Rollout::Failed {
        return None;
    }
    let of_primary = |deployment: &str| deployment == primary.id;
    let old = service
        .tasks
        .iter()
        .find(|task| task.phase == Phase::Healthy && !of_primary(&task.deployment));
    if let Some(old) = old {
        let spare = healthy(service) > service.desired as usize;
        let room_needed =
            living(service) >= maximum(service) && healthy(service) > minimum(service);
        return (spare || room_needed).then(|| old.id.clone());
    }
    let own: Vec<_> = service
        .tasks
        .iter()
        .filter(|task| task.lives() && of_primary(&task.deployment))
        .collect();
    if own.len() <= service.desired as usize {
        return None;
    }
    let starting = own.iter().rev().find(|task| task.starts());
    starting.or(own.last()).map(|task| task.id.clone())
}

/// Tasks of replaced or failed deployments that serve nobody go without ado.
fn stop_at_once(service: &mut Service, now: Millis) {
    let Some(primary) = service.deployments.first() else {
        return;
    };
    let (id, given_up) = (primary.id.clone(), primary.rollout == Rollout::Failed);
    let useless: Vec<String> = service
        .tasks
        .iter()
        .filter(|task| task.lives() && task.phase != Phase::Healthy)
        .filter(|task| {
            if given_up {
                task.deployment == id
            } else {
                task.deployment != id
            }
        })
        .map(|task| task.id.clone())
        .collect();
    for task in useless {
        stop_surplus(service, &task, now);
    }
}

fn stop_surplus(service: &mut Service, id: &str, now: Millis) {
    let Some(task) = service.tasks.iter_mut().find(|task| task.id == id) else {
        return;
    };
    let reason = format!(
        "Scaling activity initiated by (deployment {})",
        task.deployment
    );
    order_stop(task, "ServiceSchedulerInitiated", &reason, now);
    service.event(now, &format!("has stopped 1 running tasks: (task {id})."));
}

/// Replaced deployments leave the list with their last task; a failed one
/// stays until what replaced it has completed, as long as people look for it.
fn forget_finished(service: &mut Service) {
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
    primary.rollout != Rollout::Failed && other == 0 && own == service.desired as usize
}

/// Notices that everything is as wanted, and a little later completes the
/// deployment.
fn observe_steadiness(service: &mut Service, now: Millis) {
    let steady = is_steady(service);
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
    if primary.rollout == Rollout::InProgress && since + COMPLETED_AFTER <= now {
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
        if record.breaker.status == "MONITORING" {
            record.breaker.status = "MONITORING_COMPLETE".to_owned();
        }
    }
    service.event(now, &format!("(deployment {id}) deployment completed."));
    service.event(now, "has reached a steady state.");
    forget_finished(service);
}

/// STOP_REQUESTED becomes STOPPED.
fn finish_stopped(service: &mut Service, now: Millis) {
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
fn drain(service: &mut Service, now: Millis) {
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
                "IN_PROGRESS" | "STOP_REQUESTED" | "ROLLBACK_IN_PROGRESS"
            ) {
                record.status = "STOPPED".to_owned();
                record.stopped_at = Some(now);
            }
        }
    }
}
