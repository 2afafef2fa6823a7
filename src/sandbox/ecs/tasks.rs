//! Tasks, of services only: the sandbox runs none by itself.

use serde_json::{Value, json};

use super::super::context::{Context, listed};
use super::super::rollout::{STOPPED_VISIBLE, changed, order_stop};
use super::super::state::{Service, Task};
use super::super::wire::{Answer, Refusal};
use super::{cluster, name_of, services, task_view};

/// A stopped task is known for an hour.
fn visible(context: &Context, task: &Task) -> bool {
    task.stopped_at
        .is_none_or(|at| at + STOPPED_VISIBLE > context.now)
}

fn all<'a>(
    context: &'a Context,
    cluster: &'a str,
) -> impl Iterator<Item = (&'a Service, &'a Task)> {
    let place = context.state.place(&context.scope);
    let services = place.into_iter().flat_map(|place| place.services.values());
    services
        .filter(move |service| service.cluster == cluster)
        .flat_map(|service| service.tasks.iter().map(move |task| (service, task)))
        .filter(|(_, task)| visible(context, task))
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
    let arns = all(context, cluster)
        .filter(|(_, task)| task.lives() != stopped)
        .filter(|(of, _)| service.is_none_or(|name| name == of.name))
        .filter(|(_, task)| started_by.is_none_or(|by| by == task.deployment))
        .filter(|(_, task)| {
            family.is_none_or(|f| {
                task.task_definition
                    .contains(&format!("task-definition/{f}:"))
            })
        })
        .map(|(of, task)| of.scope.arn("ecs", &format!("task/{cluster}/{}", task.id)))
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
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in wanted.into_iter().map(name_of) {
        match all(context, cluster).find(|(_, task)| task.id == id) {
            Some((service, task)) => tasks.push(task_view::task(service, task)),
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
    let now = context.now;
    let mut services = context
        .place()
        .services
        .values_mut()
        .filter(|service| service.cluster == cluster);
    let service = services.find(|service| service.tasks.iter().any(|task| task.id == id));
    let service =
        service.ok_or_else(|| Refusal::parameter("The referenced task was not found."))?;
    for task in service
        .tasks
        .iter_mut()
        .filter(|task| task.id == id && task.lives())
    {
        order_stop(task, "UserInitiated", &reason, now);
    }
    changed(service, now);
    let stopped: Option<Value> = service
        .tasks
        .iter()
        .find(|task| task.id == id)
        .map(|task| task_view::task(service, task));
    Ok(json!({"task": stopped}))
}
