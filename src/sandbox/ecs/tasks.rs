//! Tasks, of services and by themselves: listed, described, stopped.

use serde_json::json;

use super::super::context::{Context, listed};
use super::super::rollout::{STOPPED_VISIBLE, changed, order_stop};
use super::super::state::Task;
use super::super::wire::{Answer, Refusal};
use super::task_view::{self, Known};
use super::{cluster, name_of, services};

/// A stopped task is known for an hour.
fn visible(context: &Context, task: &Task) -> bool {
    task.stopped_at
        .is_none_or(|at| at + STOPPED_VISIBLE > context.now)
}

fn all<'a>(context: &'a Context, cluster: &'a str) -> impl Iterator<Item = Known<'a>> {
    let place = context.state.place(&context.scope);
    let services = place.into_iter().flat_map(|place| place.services.values());
    let of_services = services.flat_map(|service| {
        service
            .tasks
            .iter()
            .map(move |t| Known::OfService(service, t))
    });
    let scope = &context.scope;
    let own = place.into_iter().flat_map(|place| &place.one_off);
    of_services
        .chain(own.map(move |one| Known::OneOff(scope, one)))
        .filter(move |known| known.cluster() == cluster)
        .filter(|known| visible(context, known.task()))
}

pub(super) fn list(context: &mut Context) -> Answer {
    let cluster = cluster(context)?;
    let stopped = context.text("desiredStatus") == Some("STOPPED");
    let (service, family) = (
        context.text("serviceName").map(name_of),
        context.text("family"),
    );
    let started_by = context.text("startedBy");
    if service.is_some_and(|name| services::find(context, cluster, name).is_none()) {
        return Err(Refusal::new(
            "ServiceNotFoundException",
            "Service not found.",
        ));
    }
    let of_family = |task: &Task, family: &str| {
        let part = format!("task-definition/{family}:");
        task.task_definition.contains(&part)
    };
    let arns = all(context, cluster)
        .filter(|known| known.task().lives() != stopped)
        .filter(|known| service.is_none_or(|name| known.service() == Some(name)))
        .filter(|known| started_by.is_none_or(|by| known.started_by() == Some(by)))
        .filter(|known| family.is_none_or(|family| of_family(known.task(), family)))
        .map(Known::arn)
        .collect();
    Ok(listed("taskArns", context.page::<String>(arns, 100, 100)?))
}

pub(super) fn describe(context: &mut Context) -> Answer {
    let cluster = cluster(context)?;
    let wanted = context.texts("tasks");
    if wanted.is_empty() || wanted.len() > 100 {
        return Err(Refusal::parameter(
            "Tasks must have between 1 and 100 entries.",
        ));
    }
    let tags = context.includes("TAGS");
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in wanted.into_iter().map(name_of) {
        match all(context, cluster).find(|known| known.task().id == id) {
            Some(known) => tasks.push(task_view::task(known, tags)),
            None => {
                let arn = context.scope.arn("ecs", &format!("task/{cluster}/{id}"));
                failures.push(json!({"arn": arn, "reason": "MISSING"}));
            }
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

pub(super) fn stop(context: &mut Context) -> Answer {
    let (cluster, id) = (cluster(context)?, name_of(context.required("task")?));
    let reason = context
        .text("reason")
        .unwrap_or("Task stopped by user")
        .to_owned();
    let (now, scope) = (context.now, context.scope.clone());
    let missing = || Refusal::parameter("The referenced task was not found.");
    let place = context.place();
    let mut own = place.one_off.iter_mut();
    if let Some(one) = own.find(|one| one.cluster == cluster && one.task.id == id) {
        if one.task.lives() {
            order_stop(&mut one.task, "UserInitiated", &reason, now);
        }
        return Ok(json!({"task": task_view::task(Known::OneOff(&scope, one), true)}));
    }
    let services = place.services.values_mut();
    let service = services
        .filter(|service| service.cluster == cluster)
        .find(|service| service.tasks.iter().any(|task| task.id == id))
        .ok_or_else(missing)?;
    let mut tasks = service.tasks.iter_mut();
    if let Some(task) = tasks.find(|task| task.id == id && task.lives()) {
        order_stop(task, "UserInitiated", &reason, now);
    }
    changed(service, now);
    let mut tasks = service.tasks.iter();
    let task = tasks.find(|task| task.id == id).ok_or_else(missing)?;
    Ok(json!({"task": task_view::task(Known::OfService(service, task), false)}))
}
