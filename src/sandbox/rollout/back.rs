//! How a deployment fails: what goes back, and what stops.

use super::super::clock::Millis;
use super::super::ids;
use super::super::state::{Deployment, Rollback, Rollout, Service, ServiceRevision, Stage};
use super::OF_A_REVISION;

/// From ROLLBACK_REQUESTED to ROLLBACK_IN_PROGRESS.
const ROLLBACK_AFTER: Millis = 1_000;

/// Why a deployment does not go on.
pub(super) enum Cause {
    Breaker,
    Alarm(String),
    /// A lifecycle hook failed, or was not answered in time.
    Hook(&'static str),
    Request,
}

impl Cause {
    /// Who says so, in the reason of a deployment.
    fn speaker(&self) -> &'static str {
        match self {
            Self::Breaker => "ECS deployment circuit breaker:",
            Self::Alarm(_) => "ECS deployment alarms:",
            Self::Hook(_) => "ECS deployment lifecycle hook:",
            Self::Request => "ECS deployment stopped on request:",
        }
    }

    fn failure(&self) -> &'static str {
        match self {
            Self::Breaker => "tasks failed to start.",
            Self::Alarm(_) => "alarm detected.",
            Self::Hook(what) => what,
            Self::Request => "stopped on request.",
        }
    }

    fn because(&self) -> String {
        match self {
            Self::Breaker => "the circuit breaker threshold was exceeded.".to_owned(),
            Self::Alarm(name) => format!("the CloudWatch alarm {name} was triggered."),
            Self::Hook(what) => format!("a {what}"),
            Self::Request => "of a StopServiceDeployment request.".to_owned(),
        }
    }

    fn rolled_back(&self) -> String {
        format!("Service deployment rolled back because {}", self.because())
    }

    fn stopped(&self) -> String {
        format!("Service deployment stopped because {}", self.because())
    }
}

/// The PRIMARY deployment has failed: it goes back if it may, else it stops
/// where it is.
pub(super) fn fail(service: &mut Service, cause: &Cause, rollback: bool, now: Millis) {
    let Some(primary) = service.deployments.first() else {
        return;
    };
    let (id, record) = (primary.id.clone(), primary.service_deployment.clone());
    let was_rollback = primary.rollback;
    let failure = cause.failure();
    fail_primary(service, &format!("{} {failure}", cause.speaker()), now);
    service.event(
        now,
        &format!("(deployment {id}) deployment failed: {failure}"),
    );
    if !was_rollback && rollback && roll_back(service, cause, now) {
        return;
    }
    let status = if was_rollback {
        "ROLLBACK_FAILED"
    } else {
        "STOPPED"
    };
    finish_record(service, &record, status, &cause.stopped(), now);
}

/// Whether there is a revision to go back to.
pub(in super::super) fn can_roll_back(service: &Service) -> bool {
    destination(service).is_some()
}

/// StopServiceDeployment with ROLLBACK, or a person at a pause: the way back
/// begins a moment later.
pub(in super::super) fn request_rollback(service: &mut Service, now: Millis) {
    if let Some(record) = service.current_mut() {
        record.status = "ROLLBACK_REQUESTED".to_owned();
        record.reason = Some(Cause::Request.rolled_back());
        record.updated_at = now;
    }
}

/// When a rollback that was asked for begins.
pub(super) fn requested(service: &Service) -> Option<Millis> {
    let record = service.current()?;
    (record.status == "ROLLBACK_REQUESTED").then_some(record.updated_at + ROLLBACK_AFTER)
}

/// Begins a rollback that was asked for, when it is due.
pub(super) fn begin_requested(service: &mut Service, now: Millis) {
    if requested(service).is_some_and(|due| due <= now) && !roll_back(service, &Cause::Request, now)
    {
        stop_here(service, now);
    }
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

/// The last completed service revision, if another one is being deployed.
fn destination(service: &Service) -> Option<&ServiceRevision> {
    let failed = &service.deployments.first()?.revision;
    let mut revisions = service.revisions.iter();
    revisions.find(|revision| revision.completed && revision.arn != *failed)
}

/// Goes back to the last completed service revision: a new PRIMARY deployment
/// that takes over the tasks of that revision which still run. `false` when
/// there is nothing to go back to.
fn roll_back(service: &mut Service, cause: &Cause, now: Millis) -> bool {
    let reason = &cause.rolled_back();
    let Some(target) = destination(service).cloned() else {
        return false;
    };
    let Some(failed) = service.deployments.first() else {
        return false;
    };
    let record_arn = failed.service_deployment.clone();
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
            "{} rolling back to deploymentId {}.",
            cause.speaker(),
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
    service
        .settings
        .retain(|key, _| !OF_A_REVISION.contains(&key.as_str()));
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
        // All traffic is where it was, at once.
        if let Some(staged) = &mut record.staged {
            (staged.production, staged.test) = (0.0, 0.0);
            staged.stage = Stage::CleanUp;
            staged.hooks.clear();
        }
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
