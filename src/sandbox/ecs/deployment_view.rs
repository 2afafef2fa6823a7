//! Service deployments as responses show them.

use serde_json::{Map, Value, json};

use super::super::clock::timestamp;
use super::super::rollout::lifecycle_stage;
use super::super::state::{Hook, Rollback, Service, ServiceDeployment, Staged};
use super::view::{put_times, revision_summary};

/// What a list and a description have in common.
pub(super) fn common(service: &Service, record: &ServiceDeployment) -> Map<String, Value> {
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("serviceDeploymentArn", record.arn.clone().into());
    put("serviceArn", service.arn().into());
    put("clusterArn", service.cluster_arn().into());
    put("status", record.status.clone().into());
    if let Some(reason) = &record.reason {
        put("statusReason", reason.clone().into());
    }
    let started = (record.status != "PENDING").then_some(record.created_at);
    let times = [
        ("createdAt", Some(record.created_at)),
        ("startedAt", started),
        ("finishedAt", record.finished_at),
    ];
    put_times(&mut view, times);
    view
}

pub(super) fn whole(service: &Service, record: &ServiceDeployment) -> Value {
    let mut view = common(service, record);
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    let staged = record.staged.as_ref();
    let share = staged.map_or((100.0, None), |s| (s.production, Some(s.test)));
    let weighed = |arn: &str, (production, test): (f64, Option<f64>)| {
        let mut summary = revision_summary(service, arn);
        summary["requestedProductionTrafficWeight"] = production.into();
        if let Some(test) = test {
            summary["requestedTestTrafficWeight"] = test.into();
        }
        summary
    };
    // What the target does not get goes where it went before: to the oldest.
    let sources = record.sources.iter().enumerate().map(|(place, arn)| {
        let last = place + 1 == record.sources.len();
        let rest = |share: f64| if last { 100.0 - share } else { 0.0 };
        weighed(arn, (rest(share.0), share.1.map(rest)))
    });
    put("sourceServiceRevisions", sources.collect());
    put("targetServiceRevision", weighed(&record.target, share));
    put("deploymentConfiguration", record.configuration.clone());
    let breaker = &record.breaker;
    put(
        "deploymentCircuitBreaker",
        json!({"status": breaker.status, "failureCount": breaker.failures, "threshold": breaker.threshold}),
    );
    put("alarms", alarms(record));
    let goes_on = [
        "PENDING",
        "IN_PROGRESS",
        "ROLLBACK_REQUESTED",
        "ROLLBACK_IN_PROGRESS",
    ];
    if goes_on.contains(&record.status.as_str()) {
        let stage = staged.map_or("SCALE_UP", |staged| lifecycle_stage(staged.stage));
        put("lifecycleStage", stage.into());
        if let Some(hooks) = staged.and_then(hooks) {
            put("lifecycleHookDetails", hooks);
        }
    }
    if let Some(rollback) = &record.rollback {
        put("rollback", shown(rollback));
    }
    let times = [
        ("stoppedAt", record.stopped_at),
        ("updatedAt", Some(record.updated_at)),
    ];
    put_times(&mut view, times);
    Value::Object(view)
}

fn alarms(record: &ServiceDeployment) -> Value {
    let Some(alarms) = &record.alarms else {
        return json!({"status": "DISABLED", "alarmNames": []});
    };
    let mut view = json!({"status": alarms.status, "alarmNames": alarms.names});
    if alarms.status == "TRIGGERED" {
        view["triggeredAlarmNames"] = json!(alarms.names.get(..1));
    }
    view
}

fn hooks(staged: &Staged) -> Option<Value> {
    let one = |hook: &Hook| {
        let mut view = json!({"hookId": hook.id, "targetType": hook.kind, "status": hook.status});
        if let Some(target) = &hook.target {
            view["targetArn"] = target.clone().into();
        }
        view["expiresAt"] = timestamp(hook.expires_at);
        view["timeoutAction"] = hook.timeout_action.clone().into();
        view
    };
    (!staged.hooks.is_empty()).then(|| staged.hooks.iter().map(one).collect())
}

fn shown(rollback: &Rollback) -> Value {
    json!({
        "reason": rollback.reason,
        "startedAt": timestamp(rollback.started_at),
        "serviceRevisionArn": rollback.revision,
    })
}
