//! The report as JSON: a line for each environment, and one for all of them.

use serde_json::{Map, Value, json};

use super::super::json::{FORMAT_VERSION, ended_json, service_json};
use super::{drift, sentence};
use crate::event::rfc3339;
use crate::plan::{Cause, Drift, Sign, Verdict};
use crate::reconcile::{EnvironmentReport, Left, Problem, Report, ServiceReport, State};

/// The lines. `code` is the exit code of one environment, `all` that of the run.
pub fn reconciled_json(
    report: &Report,
    code: impl Fn(&EnvironmentReport) -> u8,
    all: u8,
) -> String {
    let mut text = String::new();
    for environment in &report.environments {
        let line = environment_json(environment, code(environment));
        text += &format!("{line}\n");
    }
    let states = report.states();
    let counts: Map<String, Value> = states
        .counts
        .iter()
        .map(|(word, count)| (word.replace('-', "_"), json!(count)))
        .collect();
    let line = json!({
        "format_version": FORMAT_VERSION,
        "event": "report",
        "exit_code": all,
        "environments": report.environments.len(),
        "not_reconciled": states.unread,
        "counts": counts,
    });
    text += &format!("{line}\n");
    text
}

fn environment_json(environment: &EnvironmentReport, code: u8) -> Value {
    let place = environment.place.as_ref();
    json!({
        "format_version": FORMAT_VERSION,
        "environment": environment.name,
        "event": "reconciled",
        "account": place.map(|place| &place.account),
        "region": place.map(|place| &place.region),
        "cluster": place.map(|place| &place.cluster),
        "exit_code": code,
        "error": environment.result.as_ref().err().map(problem),
        "services": environment.services().iter().map(service).collect::<Vec<_>>(),
    })
}

fn problem(problem: &Problem) -> Value {
    let mistakes: Vec<Value> = problem
        .mistakes
        .iter()
        .map(|(at, message, hint)| {
            let at = at.as_ref().map(ToString::to_string);
            json!({ "at": at, "message": message, "hint": hint })
        })
        .collect();
    json!({ "message": problem.message, "hint": problem.hint, "mistakes": mistakes })
}

fn service(service: &ServiceReport) -> Value {
    let (_, says) = sentence(service);
    let mut entry = json!({
        "service": service.plan.name,
        "cluster": service.plan.key.cluster,
        "ecs_service": service.plan.key.service,
        "state": service.state.word(),
        "message": says,
    });
    if let (State::InSync, Verdict::InSync { revision }) = (&service.state, &service.plan.verdict) {
        entry["revision"] = json!(revision);
        return entry;
    }
    entry["cause"] = json!(service.cause.as_ref().map(|cause| match cause {
        Cause::Pending => "pending",
        Cause::Drift(_) => "drift",
    }));
    if let Some(Cause::Drift(drift)) = &service.cause {
        entry["drift"] = drift_json(drift);
    }
    if let State::Left(Left::UnderWay(rollout)) = &service.state {
        entry["under_way"] = json!({
            "revision": rollout.revision,
            "deployment": rollout.deployment,
            "running": rollout.running,
            "desired": rollout.desired,
        });
    }
    entry["plan"] = service_json(&service.plan);
    entry["result"] = match &service.state {
        State::Corrected(ended) | State::Adopted(ended) | State::Failed(ended) => ended_json(ended),
        _ => Value::Null,
    };
    entry
}

fn drift_json(of: &Drift) -> Value {
    let (sign, earlier) = match &of.sign {
        Sign::CopiedTags => ("copied-tags", None),
        Sign::NotOurs { ours } => ("not-ours", Some(ours)),
        Sign::PutBack { declared } => ("put-back", Some(declared)),
        Sign::Service => ("service", None),
    };
    json!({
        "sign": sign,
        "message": drift(of).0,
        "revision": of.revision,
        "ours": earlier,
        "registered_by": of.registered_by,
        "registered_at": of.registered_at.and_then(rfc3339),
    })
}
