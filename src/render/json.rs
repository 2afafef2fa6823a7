//! Plans, events and reports as JSON.
//!
//! One `format_version` for all of it; it grows when a field changes its
//! meaning or goes away, not when one is added.

use serde_json::{Value, json};

use super::block::{Said, held, said};
use super::plan::note_text;
use crate::event::{Ended, Event, Report, rfc3339};
use crate::model::fields::Effect;
use crate::plan::{Change, Count, FieldChange, Mask, Plan, ServicePlan, Target, Verdict};

pub(super) const FORMAT_VERSION: u32 = 1;

/// All plans of a run, as one document.
pub fn plans_json(plans: &[Plan]) -> String {
    let document = json!({
        "format_version": FORMAT_VERSION,
        "environments": plans.iter().map(plan).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

/// A plan that is about to be carried out, on one line.
pub fn planned_json(made: &Plan) -> String {
    let line = json!({
        "format_version": FORMAT_VERSION,
        "environment": made.environment(),
        "event": "planned",
        "plan": plan(made),
    });
    format!("{line}\n")
}

/// The end of a run that was blocked before anything was carried out.
pub fn blocked_json(environment: &str, exit_code: u8) -> String {
    let line = json!({
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "event": "finished",
        "exit_code": exit_code,
        "services": [],
    });
    format!("{line}\n")
}

/// What kept a command from its work, on one line. `mistakes` are those of
/// environment files: place, message, hint.
pub fn error_json(message: &str, hint: Option<&str>, mistakes: &[Value], exit_code: u8) -> String {
    let line = json!({
        "format_version": FORMAT_VERSION,
        "event": "error",
        "message": message,
        "hint": hint,
        "mistakes": mistakes,
        "exit_code": exit_code,
    });
    format!("{line}\n")
}

/// What kept a plan from being carried out: in which ways things are not what
/// they were, on one line.
pub fn moved_json(message: &str, hint: &str, differences: &[String], exit_code: u8) -> String {
    let line = json!({
        "format_version": FORMAT_VERSION,
        "event": "error",
        "message": message,
        "hint": hint,
        "mistakes": [],
        "differences": differences,
        "exit_code": exit_code,
    });
    format!("{line}\n")
}

/// One event, on one line.
pub fn event_json(environment: &str, event: &Event) -> String {
    let mut line = json!({ "format_version": FORMAT_VERSION, "environment": environment });
    if let (Value::Object(line), Ok(Value::Object(event))) =
        (&mut line, serde_json::to_value(event))
    {
        line.extend(event);
    }
    format!("{line}\n")
}

/// The end of a run, on one line: every service with its outcome.
pub fn report_json(environment: &str, report: &Report, exit_code: u8) -> String {
    let services: Vec<Value> = report.services.iter().map(ended_json).collect();
    let line = json!({
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "event": "finished",
        "exit_code": exit_code,
        "services": services,
    });
    format!("{line}\n")
}

/// A service with how it ended.
pub(super) fn ended_json(ended: &Ended) -> Value {
    let mut entry = json!({
        "service": ended.service,
        "cluster": ended.key.cluster,
        "ecs_service": ended.key.service,
        "diagnosis": ended.diagnosis,
        "now": ended.now,
        "elapsed_seconds": ended.elapsed.as_secs(),
    });
    if let (Value::Object(entry), Ok(Value::Object(outcome))) =
        (&mut entry, serde_json::to_value(&ended.outcome))
    {
        entry.extend(outcome);
    }
    entry
}

pub(super) fn plan(plan: &Plan) -> Value {
    let Count {
        change,
        restart,
        rolling_out,
        failed_before,
        blocked,
        suspended,
        in_sync,
    } = plan.count();
    json!({
        "environment": plan.environment(),
        "account": plan.account(),
        "region": plan.region(),
        "cluster": plan.cluster(),
        "hash": plan.hash(),
        "services": plan.services().iter().map(service_json).collect::<Vec<_>>(),
        "counts": {
            "change": change, "restart": restart, "rolling_out": rolling_out, "failed_before": failed_before, "blocked": blocked + suspended, "suspended": suspended, "in_sync": in_sync,
        },
    })
}

/// A field, by its path; live values of environment variables are masked.
fn field(change: &FieldChange, mask: &Mask) -> Value {
    let path = &change.path;
    json!({
        "field": path.to_string(),
        "from": change.from.as_ref().map(|value| mask.live(path, value)),
        "to": change.to.as_ref().map(|value| mask.wanted(path, value)),
        "declared_at": change.at.as_ref().map(ToString::to_string),
    })
}

/// All that differs, images first.
fn changes(change: &Change) -> Vec<Value> {
    let mask = Mask::of(&change.before);
    let images = change.images.iter().map(|image| {
        json!({
            "container": image.container,
            "field": "image",
            "from": image.from,
            "from_digest": image.from_digest,
            "to": image.to.as_str(),
            "declared_at": image.at.to_string(),
        })
    });
    let fields = change.fields.iter().chain(&change.service.fields);
    images
        .chain(fields.map(|change| field(change, &mask)))
        .collect()
}

pub(super) fn service_json(service: &ServicePlan) -> Value {
    let mut entry = json!({
        "name": service.name,
        "cluster": service.key.cluster,
        "ecs_service": service.key.service,
        "verdict": match &service.verdict {
            Verdict::InSync { .. } => "in-sync",
            Verdict::Change(_) => "change",
            Verdict::RollingOut(_) => "rolling-out",
            Verdict::FailedBefore(_) => "failed-before",
            Verdict::Blocked(_) | Verdict::Suspended(_) => "blocked",
        },
    });
    let details = match &service.verdict {
        Verdict::InSync { revision } => json!({ "revision": revision }),
        Verdict::Change(change) => change_json(change),
        Verdict::RollingOut(rollout) => json!({
            "revision": rollout.revision,
            "deployment": rollout.deployment,
            "running": rollout.running,
            "desired": rollout.desired,
        }),
        Verdict::FailedBefore(before) => json!({
            "revision": before.revision,
            "running": before.running,
            "failed_at": before.at.and_then(rfc3339),
            "failed_because": before.reason,
        }),
        Verdict::Blocked(blocks) => json!({
            "reasons": blocks.iter().map(|block| reason(&said(block))).collect::<Vec<_>>(),
        }),
        Verdict::Suspended(suspended) => {
            let mut details = change_json(&suspended.change);
            details["reasons"] = json!([reason(&held(&suspended.why))]);
            details["until"] = json!(suspended.why.until.and_then(rfc3339));
            details
        }
    };
    if let (Value::Object(entry), Value::Object(details)) = (&mut entry, details) {
        entry.extend(details);
        entry.insert(
            "notes".into(),
            service.notes.iter().map(note_text).collect(),
        );
    }
    entry
}

fn change_json(change: &Change) -> Value {
    json!({
        "from": { "revision": change.basis.revision, "deployment": change.basis.deployment },
        "to": match &change.to {
            Target::Existing(revision) => json!({ "revision": revision, "register": false }),
            Target::New(_) => json!({ "revision": null, "register": true }),
        },
        "restart": change.restart,
        "before": change.first.iter().map(|task| json!({
            "container": task.container, "command": task.command,
        })).collect::<Vec<_>>(),
        "supersedes": change.supersedes.as_ref().map(|ended| json!({
            "revision": ended.revision, "deployment": ended.deployment,
        })),
        "effect": match change.effect() {
            Effect::NewDeployment => "new-rollout",
            Effect::InPlace => "no-new-tasks",
            Effect::NotStated => "not-stated",
        },
        "changes": changes(change),
    })
}

fn reason(said: &Said) -> Value {
    json!({
        "reason": said.name,
        "message": said.says,
        "at": said.at,
        "has": said.has,
        "hint": said.hint,
    })
}
