//! ECS: one function an operation.

mod clusters;
mod definitions;
mod deployment_view;
mod deployments;
mod lag;
mod normal;
mod run;
mod services;
mod steer;
mod tags;
mod task_view;
mod tasks;
mod update;
mod view;

pub(super) use definitions::store as store_revision;
pub(super) use normal::normalised;
pub(super) use services::with_defaults;

use super::context::Context;
use super::wire::{Answer, Refusal, unknown};

pub(super) fn answer(operation: &str, context: &mut Context) -> Answer {
    match operation {
        "CreateCluster" => clusters::create(context),
        "DescribeClusters" => clusters::describe(context),
        "ListClusters" => clusters::list(context),
        "RegisterTaskDefinition" => definitions::register(context),
        "DescribeTaskDefinition" => definitions::describe(context),
        "DeregisterTaskDefinition" => definitions::deregister(context),
        "ListTaskDefinitions" => definitions::list(context),
        "ListTaskDefinitionFamilies" => definitions::families(context),
        "CreateService" => services::create(context),
        "DescribeServices" => services::describe(context),
        "ListServices" => services::list(context),
        "UpdateService" => update::update(context),
        "DeleteService" => services::delete(context),
        "RunTask" => run::run(context),
        "ListTasks" => tasks::list(context),
        "DescribeTasks" => tasks::describe(context),
        "StopTask" => tasks::stop(context),
        "ListServiceDeployments" => deployments::list(context),
        "DescribeServiceDeployments" => deployments::describe(context),
        "StopServiceDeployment" => steer::stop(context),
        "ContinueServiceDeployment" => steer::go_on(context),
        "DescribeServiceRevisions" => deployments::revisions(context),
        "TagResource" => tags::tag(context),
        "UntagResource" => tags::untag(context),
        "ListTagsForResource" => tags::list(context),
        _ => Err(unknown(&format!(
            "the sandbox's ECS has no operation {operation}"
        ))),
    }
}

/// The last part of an ARN's resource, or the name itself.
fn name_of(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

/// The cluster that a request names, `default` when it names none.
fn cluster_name<'a>(context: &Context<'a>) -> &'a str {
    context.text("cluster").map_or("default", name_of)
}

/// The same, once it is known to exist.
fn cluster<'a>(context: &Context<'a>) -> Result<&'a str, Refusal> {
    let name = cluster_name(context);
    let exists = context
        .state
        .place(&context.scope)
        .is_some_and(|place| place.clusters.contains_key(name));
    if exists {
        Ok(name)
    } else {
        Err(Refusal::new(
            "ClusterNotFoundException",
            "Cluster not found.",
        ))
    }
}
