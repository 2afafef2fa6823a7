//! Service deployments and service revisions: a service's history.

use serde_json::{Map, Value, json};

use super::super::context::{Context, listed};
use super::super::rollout;
use super::super::state::{Rollout, Service, ServiceDeployment};
use super::super::wire::{Answer, Refusal};
use super::{cluster, lag, services, view};

/// The service that an ARN `…/CLUSTER/SERVICE/ID` belongs to.
fn owner<'a>(context: &'a Context, arn: &str, kind: &str) -> Option<&'a Service> {
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
            let mut brief = common(service, record);
            brief.insert(
                "targetServiceRevisionArn".to_owned(),
                record.target.clone().into(),
            );
            Value::Object(brief)
        })
        .collect();
    Ok(listed("serviceDeployments", context.page(briefs, 20, 100)?))
}

fn common(service: &Service, record: &ServiceDeployment) -> Map<String, Value> {
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("serviceDeploymentArn", record.arn.clone().into());
    put("serviceArn", service.arn().into());
    put("clusterArn", service.cluster_arn().into());
    put("status", record.status.clone().into());
    if let Some(reason) = &record.reason {
        put("statusReason", reason.clone().into());
    }
    let times = [
        ("createdAt", Some(record.created_at)),
        ("startedAt", Some(record.created_at)),
        ("finishedAt", record.finished_at),
    ];
    view::put_times(&mut view, times);
    view
}

pub(super) fn describe(context: &mut Context) -> Answer {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in at_most_20(context.texts("serviceDeploymentArns"))? {
        let service = owner(context, arn, "service-deployment");
        match service
            .and_then(|service| Some((service, service.history.iter().find(|r| r.arn == arn)?)))
        {
            Some((service, record)) => found.push(whole(service, record)),
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

fn whole(service: &Service, record: &ServiceDeployment) -> Value {
    let mut view = common(service, record);
    let weighed = |arn: &str, weight: f64| {
        let mut summary = view::revision_summary(service, arn);
        summary["requestedProductionTrafficWeight"] = weight.into();
        summary
    };
    let sources = record.sources.iter().map(|arn| weighed(arn, 0.0)).collect();
    let target = weighed(&record.target, 100.0);
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("sourceServiceRevisions", sources);
    put("targetServiceRevision", target);
    put("deploymentConfiguration", record.configuration.clone());
    let breaker = &record.breaker;
    put(
        "deploymentCircuitBreaker",
        json!({"status": breaker.status, "failureCount": breaker.failures, "threshold": breaker.threshold}),
    );
    put("alarms", json!({"status": "DISABLED", "alarmNames": []}));
    if matches!(
        record.status.as_str(),
        "IN_PROGRESS" | "ROLLBACK_IN_PROGRESS"
    ) {
        put("lifecycleStage", "SCALE_UP".into());
    }
    if let Some(rollback) = &record.rollback {
        let mut shown = Map::new();
        shown.insert("reason".to_owned(), rollback.reason.clone().into());
        view::put_times(&mut shown, [("startedAt", Some(rollback.started_at))]);
        shown.insert(
            "serviceRevisionArn".to_owned(),
            rollback.revision.clone().into(),
        );
        put("rollback", Value::Object(shown));
    }
    view::put_times(
        &mut view,
        [
            ("stoppedAt", record.stopped_at),
            ("updatedAt", Some(record.updated_at)),
        ],
    );
    Value::Object(view)
}

pub(super) fn stop(context: &mut Context) -> Answer {
    let arn = context.required("serviceDeploymentArn")?;
    let abort = context.text("stopType") == Some("ABORT");
    let now = context.now;
    let missing = || {
        Refusal::new(
            "ServiceDeploymentNotFoundException",
            "Service deployment not found.",
        )
    };
    let service = owner(context, arn, "service-deployment").ok_or_else(missing)?;
    let key = Service::key(&service.cluster, &service.name);
    let service = context.place().services.get_mut(&key).ok_or_else(missing)?;
    if !service.history.iter().any(|record| record.arn == arn) {
        return Err(missing());
    }
    let primary = service.deployments.first();
    if !primary.is_some_and(|d| {
        d.service_deployment == arn && d.rollout == Rollout::InProgress && !d.rollback
    }) {
        return Err(Refusal::new(
            "ConflictException",
            "The service deployment is not in a state that can be stopped.",
        ));
    }
    let reason = "Service deployment rolled back because of a StopServiceDeployment request.";
    if abort {
        rollout::stop_here(service, now);
    } else if !rollout::roll_back(service, reason, now) {
        return Err(Refusal::client(
            "There is no completed service revision to roll back to.",
        ));
    }
    rollout::changed(service, now);
    Ok(json!({"serviceDeploymentArn": arn}))
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
                    put(key, value.clone());
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
