//! The life of a task of no service: it works for some seconds and ends.

use super::super::clock::Millis;
use super::super::state::{Behaviour, OneOff, Phase};
use super::reason;
use super::task::{CRASHES_AFTER, PENDING, PENDING_SLOW, PROVISIONING, finish};

const WORKS_FOR: Millis = 4_000;

/// When the first phase of a task that is made now ends.
pub(in super::super) fn first_due(now: Millis) -> Millis {
    now + PROVISIONING
}

/// Brings the task to `now`.
pub(in super::super) fn advance_one_off(one: &mut OneOff, now: Millis) {
    while let Some(due) = one.task.due.filter(|due| *due <= now) {
        step(one, due);
    }
}

fn step(one: &mut OneOff, now: Millis) {
    let task = &mut one.task;
    let behaviour = task.culprit().map_or(Behaviour::Healthy, |c| c.behaviour);
    match (task.phase, behaviour) {
        (Phase::Provisioning, _) => {
            let slow = behaviour == Behaviour::Slow;
            task.phase = Phase::Pending;
            task.due = Some(now + if slow { PENDING_SLOW } else { PENDING });
        }
        (Phase::Pending, Behaviour::Unpullable) => {
            let reason = reason::pull(task.culprit());
            finish(task, "TaskFailedToStart", &reason, true, now);
        }
        (Phase::Pending, Behaviour::NoSecret) => {
            let reason = reason::secret(task.culprit(), &task.id);
            finish(task, "TaskFailedToStart", &reason, true, now);
        }
        (Phase::Pending, Behaviour::Crash | Behaviour::OutOfMemory) => {
            task.phase = Phase::Running;
            task.started_at = Some(now);
            task.due = Some(now + CRASHES_AFTER);
        }
        (Phase::Pending, _) => {
            task.phase = Phase::Running;
            task.started_at = Some(now);
            task.due = Some(now + WORKS_FOR);
        }
        (Phase::Running | Phase::Healthy, _) => {
            let reason = "Essential container in task exited";
            finish(task, "EssentialContainerExited", reason, true, now);
        }
        (Phase::Stopping, _) => {
            task.phase = Phase::Stopped;
            task.stopped_at = Some(now);
            task.due = None;
        }
        (Phase::Stopped, _) => task.due = None,
    }
}
