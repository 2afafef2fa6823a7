//! Lifecycle hooks: functions that are asked, and pauses that wait for a
//! person.

use serde_json::Value;

use super::super::clock::Millis;
use super::super::ids;
use super::super::state::{Hook, Service, ServiceDeployment, Stage};

/// How long a function takes to answer.
const ANSWERS_AFTER: Millis = 1_000;
const MINUTE: Millis = 60_000;
const A_DAY: i64 = 1_440;

/// The hooks that a configuration has for a stage.
pub(super) fn of_stage(record: &ServiceDeployment, stage: Stage, now: Millis) -> Vec<Hook> {
    let configured = record.configuration.get("lifecycleHooks");
    let configured = configured.and_then(Value::as_array).into_iter().flatten();
    let wants = |hook: &&Value| {
        let stages = hook.get("lifecycleStages").and_then(Value::as_array);
        stages.is_some_and(|stages| stages.iter().any(|own| own == name(stage)))
    };
    configured
        .enumerate()
        .filter(|(_, hook)| wants(hook))
        .map(|(number, hook)| one(record, hook, stage, number, now))
        .collect()
}

fn one(record: &ServiceDeployment, hook: &Value, stage: Stage, number: usize, now: Millis) -> Hook {
    let text = |pointer: &str| hook.pointer(pointer).and_then(Value::as_str);
    let pause = text("/targetType") == Some("PAUSE");
    let minutes = hook
        .pointer("/timeoutConfiguration/timeoutInMinutes")
        .and_then(Value::as_i64)
        .unwrap_or(A_DAY);
    let seed = format!("{} {} {number}", record.arn, name(stage));
    let (word, kind, status) = if pause {
        ("pause", "PAUSE", "AWAITING_ACTION")
    } else {
        ("lambda", "AWS_LAMBDA", "IN_PROGRESS")
    };
    Hook {
        id: format!("ecs-{word}-{}", &ids::sha256_hex(seed.as_bytes())[..43]),
        kind: kind.to_owned(),
        target: text("/hookTargetArn").filter(|_| !pause).map(str::to_owned),
        status: status.to_owned(),
        answers_at: (!pause).then_some(now + ANSWERS_AFTER),
        expires_at: now + minutes * MINUTE,
        timeout_action: text("/timeoutConfiguration/action")
            .unwrap_or("ROLLBACK")
            .to_owned(),
    }
}

/// What hooks configure a stage as.
pub(super) fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::ReconcileService => "RECONCILE_SERVICE",
        Stage::PreScaleUp => "PRE_SCALE_UP",
        Stage::ScaleUp => "SCALE_UP",
        Stage::PostScaleUp => "POST_SCALE_UP",
        Stage::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
        Stage::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
        Stage::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
        Stage::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
        Stage::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
        Stage::BakeTime => "BAKE_TIME",
        Stage::CleanUp => "CLEAN_UP",
    }
}

/// `lifecycleStage` of a service deployment. The stage before the production
/// traffic shifts has hooks but no name there.
pub(in super::super) fn shown(stage: Stage) -> &'static str {
    match stage {
        Stage::PreProductionTrafficShift => name(Stage::PostTestTrafficShift),
        _ => name(stage),
    }
}

fn waits(hook: &Hook) -> bool {
    matches!(hook.status.as_str(), "AWAITING_ACTION" | "IN_PROGRESS")
}

/// When a hook that is being waited for changes by itself.
pub(super) fn due(hook: &Hook) -> Option<Millis> {
    waits(hook).then(|| {
        hook.answers_at
            .unwrap_or(hook.expires_at)
            .min(hook.expires_at)
    })
}

pub(super) enum Verdict {
    /// Nothing stands in the way.
    Clear,
    Wait,
    Changed(Vec<Hook>),
    Failed(Vec<Hook>, &'static str),
}

pub(super) fn verdict(hooks: &[Hook], now: Millis) -> Verdict {
    let mut after = hooks.to_vec();
    let (mut changed, mut failed) = (false, None);
    for hook in &mut after {
        if due(hook).is_none_or(|due| due > now) {
            continue;
        }
        changed = true;
        let answered = hook.answers_at.is_some_and(|at| at <= now);
        // A function says no when its name says so.
        let refused = hook.target.as_ref().is_some_and(|arn| arn.contains("fail"));
        hook.status = match (answered, refused) {
            (true, false) => "SUCCEEDED",
            (true, true) => "FAILED",
            (false, _) => "TIMED_OUT",
        }
        .to_owned();
        match hook.status.as_str() {
            "FAILED" => failed = Some("lifecycle hook failed."),
            "TIMED_OUT" if hook.timeout_action != "CONTINUE" => {
                failed = Some("lifecycle hook timed out.");
            }
            _ => {}
        }
    }
    match (changed, failed) {
        (_, Some(why)) => Verdict::Failed(after, why),
        (true, None) => Verdict::Changed(after),
        (false, None) if after.iter().any(waits) => Verdict::Wait,
        (false, None) => Verdict::Clear,
    }
}

/// Answers a pause; `false` when no such pause waits.
pub(in super::super) fn resume(service: &mut Service, id: &str, go_on: bool, now: Millis) -> bool {
    let record = service.current_mut();
    let Some(record) = record.filter(|record| record.status == "IN_PROGRESS") else {
        return false;
    };
    let hooks = record
        .staged
        .iter_mut()
        .flat_map(|staged| &mut staged.hooks);
    let mut waiting = hooks.filter(|hook| hook.status == "AWAITING_ACTION");
    let Some(hook) = waiting.find(|hook| hook.id == id) else {
        return false;
    };
    hook.status = if go_on { "SUCCEEDED" } else { "FAILED" }.to_owned();
    record.updated_at = now;
    true
}
