//! CloudWatch alarms that watch a deployment. One goes off when the images of
//! the deployment say so.

use serde_json::Value;

use super::super::clock::Millis;
use super::super::state::{Alarms, Behaviour, Service};
use super::back::{self, Cause};

/// From the first request that the new tasks answer to the alarm.
const GOES_OFF_AFTER: Millis = 1_500;
/// How long a rolling deployment is watched once its tasks are steady.
pub(super) const WATCHED_FOR: Millis = 3_000;

/// The alarms that a deployment configuration switches on.
pub(super) fn configured(configuration: &Value) -> Option<Alarms> {
    let alarms = configuration.get("alarms")?;
    let flag = |key: &str| alarms.get(key).and_then(Value::as_bool).unwrap_or(false);
    let names = alarms.get("alarmNames").and_then(Value::as_array);
    let names: Vec<String> = names
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    (flag("enable") && !names.is_empty()).then(|| Alarms {
        names,
        rollback: flag("rollback"),
        status: "MONITORING".to_owned(),
        due: None,
    })
}

/// A task of the deployment is healthy. Where traffic shifts by itself, that
/// is when the new tasks get some.
pub(super) fn healthy_task(service: &mut Service, deployment: &str, now: Millis) {
    let primary = service.deployments.first();
    let own = primary.is_some_and(|primary| primary.id == deployment);
    if own
        && service
            .current()
            .is_some_and(|record| record.staged.is_none())
    {
        traffic(service, now);
    }
}

/// The new tasks get traffic from now on.
pub(super) fn traffic(service: &mut Service, now: Millis) {
    let primary = service.deployments.first();
    let bad = primary.is_some_and(|primary| {
        let mut containers = primary.containers.iter();
        containers.any(|container| container.behaviour == Behaviour::Alarm)
    });
    let alarms = service.current_mut().and_then(|r| r.alarms.as_mut());
    if let Some(alarms) = alarms.filter(|alarms| bad && alarms.due.is_none()) {
        alarms.due = Some(now + GOES_OFF_AFTER);
    }
}

/// When an alarm goes off.
pub(super) fn next_moment(service: &Service) -> Option<Millis> {
    let record = service.current().filter(|r| r.status == "IN_PROGRESS")?;
    record.alarms.as_ref()?.due
}

/// Fails the deployment when an alarm goes off.
pub(super) fn check(service: &mut Service, now: Millis) {
    if next_moment(service).is_none_or(|due| due > now) {
        return;
    }
    let Some(alarms) = service.current_mut().and_then(|r| r.alarms.as_mut()) else {
        return;
    };
    alarms.status = "TRIGGERED".to_owned();
    let rollback = alarms.rollback;
    let name = alarms.names.first().cloned().unwrap_or_default();
    back::fail(service, &Cause::Alarm(name), rollback, now);
}
