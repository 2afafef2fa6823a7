//! The scheduler: moves one service from what it was to any later moment.
//!
//! It is a pure function of the service and the time. It goes from event to
//! event (a task's next phase, the next start, the next stop), so a day of
//! waiting costs nothing and every run of the same history is the same. It
//! knows neither requests nor the registry.

mod alarms;
mod back;
mod begin;
mod breaker;
mod finish;
#[cfg(test)]
mod fuzz;
mod hooks;
mod one_off;
mod reason;
mod staged;
mod task;
#[cfg(test)]
mod tests;

pub(super) use back::{can_roll_back, request_rollback, stop_here};
pub(super) use begin::{OF_A_REVISION, Wanted, begin};
pub(super) use hooks::{resume, shown as lifecycle_stage};
pub(super) use one_off::{advance_one_off, first_due};
pub(super) use reason::{NO_FARGATE, OUT_OF_MEMORY};
pub(super) use task::{order_stop, settled_task};

use super::clock::Millis;
use super::state::{Phase, Rollout, Service, ServiceStatus};
use finish::{
    STOPPED_AFTER, begin_pending, completed_after, drain, finish_stopped, forget_finished,
    observe_steadiness,
};

/// A healthy rollout of three tasks takes 8 to 9 seconds at this pace: slow
/// enough to be watched, fast enough to be tried again and again.
const FIRST_START: Millis = 300;
const START_EVERY: Millis = 700;
const STOP_EVERY: Millis = 1_200;
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
    begin_pending(service, now);
    task::step_all(service, now);
    back::begin_requested(service, now);
    if back::requested(service).is_none() {
        breaker::check(service, now);
        alarms::check(service, now);
        staged::advance(service, now);
    }
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
        .filter(|_| back::requested(service).is_none())
        .and_then(|primary| primary.steady_since)
        .map(|since| since + completed_after(service));
    let stopped = service
        .history
        .iter()
        .filter(|deployment| deployment.status == "STOP_REQUESTED")
        .map(|deployment| deployment.updated_at + STOPPED_AFTER)
        .min();
    let pending = service
        .history
        .iter()
        .filter(|deployment| deployment.status == "PENDING")
        .map(|deployment| deployment.created_at + FIRST_START)
        .min();
    let going_back = back::requested(service);
    let steps = [staged::next_moment(service), alarms::next_moment(service)];
    let steps = steps.into_iter().flatten();
    tasks
        .chain(start)
        .chain(stop)
        .chain(completed)
        .chain(stopped)
        .chain(pending)
        .chain(going_back)
        .chain(steps.filter(|_| going_back.is_none() && pending.is_none()))
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
    let room = match staged::may_scale_up(service) {
        Some(may) => may,
        None => living(service) < maximum(service),
    };
    primary.rollout != Rollout::Failed && own < service.desired as usize && room
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
        .find(|task| task.phase == Phase::Healthy && !of_primary(&task.deployment))
        .filter(|_| !staged::keeps_source(service));
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
