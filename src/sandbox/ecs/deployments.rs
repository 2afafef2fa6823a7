//! Service deployments and service revisions: a service's history.

use serde_json::{Map, Value, json};

use super::super::context::{Context, listed};
use super::super::state::Service;
use super::super::wire::{Answer, Refusal};
use super::{cluster, deployment_view, lag, services, view};

/// The service that an ARN `…/CLUSTER/SERVICE/ID` belongs to.
pub(super) fn owner<'a>(context: &'a Context, arn: &str, kind: &str) -> Option<&'a Service> {
    let prefix = context.scope.arn("ecs", &format!("{kind}/"));
    let (path, _) = arn.strip_prefix(&prefix)?.rsplit_once('/')?;
    context.state.place(&context.scope)?.services.get(path)
}

pub(super) fn list(context: &mut Context) -> Answer {
    let (cluster, name) = (cluster(context)?, context.required("service")?);
    let service = services::find(context, cluster, name);
    let service =
        service.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?;
    let service = lag::listed(service, context.now);
    let statuses = context.texts("status");
    let bound = |key: &str| {
        context
            .body
            .get("createdAt")
            .and_then(|range| range.get(key))
            .and_then(Value::as_f64)
    };
    let (after, before) = (bound("after"), bound("before"));
    let briefs: Vec<Value> = service
        .history
        .iter()
        .filter(|record| statuses.is_empty() || statuses.contains(&record.status.as_str()))
        .filter(|record| {
            let created = record.created_at as f64 / 1000.0;
            after.is_none_or(|after| created >= after)
                && before.is_none_or(|before| created <= before)
        })
        .map(|record| {
            let mut brief = deployment_view::common(service, record);
            brief.insert(
                "targetServiceRevisionArn".to_owned(),
                record.target.clone().into(),
            );
            Value::Object(brief)
        })
        .collect();
    Ok(listed("serviceDeployments", context.page(briefs, 20, 100)?))
}

pub(super) fn describe(context: &mut Context) -> Answer {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in at_most_20(context.texts("serviceDeploymentArns"))? {
        let service = owner(context, arn, "service-deployment");
        match service
            .and_then(|service| Some((service, service.history.iter().find(|r| r.arn == arn)?)))
        {
            Some((service, record)) => found.push(deployment_view::whole(service, record)),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}

fn at_most_20(arns: Vec<&str>) -> Result<Vec<&str>, Refusal> {
    if arns.is_empty() || arns.len() > 20 {
        return Err(Refusal::parameter(
            "Between 1 and 20 ARNs can be described at a time.",
        ));
    }
    Ok(arns)
}

pub(super) fn revisions(context: &mut Context) -> Answer {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in at_most_20(context.texts("serviceRevisionArns"))? {
        let service = owner(context, arn, "service-revision");
        match service.and_then(|service| Some((service, service.revision(arn)?))) {
            Some((service, revision)) => {
                let mut view = Map::new();
                let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
                put("serviceRevisionArn", arn.into());
                put("serviceArn", service.arn().into());
                put("clusterArn", service.cluster_arn().into());
                put("taskDefinition", revision.task_definition.clone().into());
                for (key, value) in &revision.settings {
                    put(key, view::resolved(key, value));
                }
                put(
                    "containerImages",
                    view::container_images(&revision.containers),
                );
                put("guardDutyEnabled", false.into());
                view::put_times(&mut view, [("createdAt", Some(revision.created_at))]);
                found.push(Value::Object(view));
            }
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceRevisions": found, "failures": failures}))
}
