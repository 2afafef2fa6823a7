//! The life of one task, from PROVISIONING to STOPPED.

use serde_json::Value;

use super::super::clock::Millis;
use super::super::ids;
use super::super::state::{Behaviour, Deployment, Phase, Service, Stop, Task};
use super::reason::Target;
use super::{alarms, breaker, reason};

pub(super) const PROVISIONING: Millis = 900;
pub(super) const PENDING: Millis = 1_300;
/// Long enough that whoever waits for it gives up first.
pub(super) const PENDING_SLOW: Millis = 600_000;
const HEALTHY_AFTER: Millis = 800;
pub(super) const CRASHES_AFTER: Millis = 2_000;
const UNHEALTHY_AFTER: Millis = 5_000;
const STOPPING: Millis = 1_500;

/// Starts one task of the PRIMARY deployment, if there is room for it.
pub(super) fn start(service: &mut Service, now: Millis) {
    let full = full_subnet(service);
    let homeless = |deployment: &&Deployment| {
        let mut containers = deployment.containers.iter();
        full || containers.any(|container| container.behaviour == Behaviour::NoCapacity)
    };
    if let Some(primary) = service.deployments.first().filter(homeless) {
        let id = primary.id.clone();
        service.event(now, &reason::unplaced(service));
        breaker::failed_task(service, &id, now);
        return;
    }
    let id = ids::hex(&service.next_seed());
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    primary.updated_at = now;
    let task = Task {
        id: id.clone(),
        deployment: primary.id.clone(),
        task_definition: primary.task_definition.clone(),
        containers: primary.containers.clone(),
        phase: Phase::Provisioning,
        due: Some(now + PROVISIONING),
        created_at: now,
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        stop: None,
        run: None,
    };
    service.tasks.push(task);
    service.event(now, &format!("has started 1 tasks: (task {id})."));
}

/// Whether a subnet of the service asks for there to be no room in it, as an
/// image's tag does.
fn full_subnet(service: &Service) -> bool {
    let network = service.settings.get("networkConfiguration");
    let subnets = network.and_then(|network| network.pointer("/awsvpcConfiguration/subnets"));
    let mut subnets = subnets.and_then(Value::as_array).into_iter().flatten();
    subnets.any(|subnet| subnet.as_str().is_some_and(|id| id.contains("nocapacity")))
}

/// A task that has been healthy for long: what a service has that is there
/// from the beginning.
pub(in super::super) fn settled_task(deployment: &Deployment, seed: &str, since: Millis) -> Task {
    Task {
        id: ids::hex(seed),
        deployment: deployment.id.clone(),
        task_definition: deployment.task_definition.clone(),
        containers: deployment.containers.clone(),
        phase: Phase::Healthy,
        due: None,
        created_at: since - PROVISIONING - PENDING,
        started_at: Some(since),
        stopping_at: None,
        stopped_at: None,
        stop: None,
        run: None,
    }
}

/// Moves every task whose next phase is due.
pub(super) fn step_all(service: &mut Service, now: Millis) {
    for index in 0..service.tasks.len() {
        if service.tasks[index].due.is_some_and(|due| due <= now) {
            step(service, index, now);
        }
    }
}

fn step(service: &mut Service, index: usize, now: Millis) {
    let task = &service.tasks[index];
    let behaviour = task.culprit().map_or(Behaviour::Healthy, |c| c.behaviour);
    let target = (behaviour == Behaviour::FailsElb).then(|| Target::of(service));
    let task = &mut service.tasks[index];
    match (task.phase, behaviour) {
        (Phase::Provisioning, _) => {
            task.phase = Phase::Pending;
            let pending = if behaviour == Behaviour::Slow {
                PENDING_SLOW
            } else {
                PENDING
            };
            task.due = Some(now + pending);
        }
        (Phase::Pending, Behaviour::Unpullable) => {
            let reason = reason::pull(task.culprit());
            finish(task, "TaskFailedToStart", &reason, true, now);
        }
        (Phase::Pending, Behaviour::NoSecret) => {
            let reason = reason::secret(task.culprit(), &task.id);
            finish(task, "TaskFailedToStart", &reason, true, now);
        }
        (Phase::Pending, _) => {
            task.phase = Phase::Running;
            task.started_at = Some(now);
            task.due = Some(now + until_verdict(behaviour));
        }
        (Phase::Running, Behaviour::Crash | Behaviour::OutOfMemory) => {
            finish(
                task,
                "EssentialContainerExited",
                "Essential container in task exited",
                true,
                now,
            );
        }
        (Phase::Running, Behaviour::Unhealthy | Behaviour::FailsElb) => {
            let reason = target.as_ref().map_or_else(
                || "Task failed container health checks".to_owned(),
                Target::reason,
            );
            order_stop(task, "ServiceSchedulerInitiated", &reason, now);
            if let Some(stop) = &mut task.stop {
                stop.failure = true;
            }
            let id = task.id.clone();
            if let Some(target) = target {
                service.event(now, &target.event(&id));
            }
            service.event(now, &format!("has stopped 1 running tasks: (task {id})."));
        }
        (Phase::Running, _) => {
            task.phase = Phase::Healthy;
            task.due = None;
            let deployment = task.deployment.clone();
            breaker::healthy_task(service, &deployment);
            alarms::healthy_task(service, &deployment, now);
            return;
        }
        (Phase::Stopping, _) => {
            task.phase = Phase::Stopped;
            task.stopped_at = Some(now);
            task.due = None;
        }
        (Phase::Healthy | Phase::Stopped, _) => task.due = None,
    }
    let task = &service.tasks[index];
    if task.phase == Phase::Stopped && task.stop.as_ref().is_some_and(|stop| stop.failure) {
        let deployment = task.deployment.clone();
        breaker::failed_task(service, &deployment, now);
    }
}

fn until_verdict(behaviour: Behaviour) -> Millis {
    match behaviour {
        Behaviour::Crash | Behaviour::OutOfMemory => CRASHES_AFTER,
        Behaviour::Unhealthy | Behaviour::FailsElb => UNHEALTHY_AFTER,
        _ => HEALTHY_AFTER,
    }
}

/// Tells a living task to stop; it is gone a little later.
pub(in super::super) fn order_stop(task: &mut Task, code: &str, reason: &str, now: Millis) {
    task.phase = Phase::Stopping;
    task.stopping_at = Some(now);
    task.due = Some(now + STOPPING);
    task.stop = Some(Stop {
        code: code.to_owned(),
        reason: reason.to_owned(),
        failure: false,
    });
}

pub(super) fn finish(task: &mut Task, code: &str, reason: &str, failure: bool, now: Millis) {
    task.phase = Phase::Stopped;
    task.stopping_at = Some(now);
    task.stopped_at = Some(now);
    task.due = None;
    task.stop = Some(Stop {
        code: code.to_owned(),
        reason: reason.to_owned(),
        failure,
    });
}
