//! Service deployments steered by a person: stopped, or let go on.

use serde_json::json;

use super::super::context::Context;
use super::super::rollout;
use super::super::state::Service;
use super::super::wire::{Answer, Refusal};
use super::deployments::owner;

/// The service whose deployment the request names.
fn service<'a>(context: &'a mut Context, arn: &str) -> Result<&'a mut Service, Refusal> {
    let key = owner(context, arn, "service-deployment")
        .filter(|service| service.history.iter().any(|record| record.arn == arn))
        .map(|service| Service::key(&service.cluster, &service.name));
    let services = &mut context.place().services;
    key.and_then(|key| services.get_mut(&key)).ok_or_else(|| {
        Refusal::new(
            "ServiceDeploymentNotFoundException",
            "Service deployment not found.",
        )
    })
}

/// Whether this very deployment is under way, and not asked to go back yet.
fn goes_on(service: &Service, arn: &str) -> bool {
    let current = service.current().filter(|record| record.arn == arn);
    current.is_some_and(|record| matches!(record.status.as_str(), "PENDING" | "IN_PROGRESS"))
}

fn check_way_back(service: &Service) -> Result<(), Refusal> {
    if rollout::can_roll_back(service) {
        return Ok(());
    }
    Err(Refusal::client(
        "There is no completed service revision to roll back to.",
    ))
}

pub(super) fn stop(context: &mut Context) -> Answer {
    let arn = context.required("serviceDeploymentArn")?;
    let kind = context.text("stopType").unwrap_or("ROLLBACK");
    if !["ROLLBACK", "ABORT"].contains(&kind) {
        return Err(Refusal::parameter(format!("Invalid stop type {kind}.")));
    }
    let now = context.now;
    let service = service(context, arn)?;
    if !goes_on(service, arn) {
        return Err(Refusal::new(
            "ConflictException",
            "The service deployment is not in a state that can be stopped.",
        ));
    }
    if kind == "ABORT" {
        rollout::stop_here(service, now);
    } else {
        check_way_back(service)?;
        rollout::request_rollback(service, now);
    }
    rollout::changed(service, now);
    Ok(json!({"serviceDeploymentArn": arn}))
}

pub(super) fn go_on(context: &mut Context) -> Answer {
    let arn = context.required("serviceDeploymentArn")?;
    let hook = context.required("hookId")?;
    let action = context.text("action").unwrap_or("CONTINUE");
    if !["CONTINUE", "ROLLBACK"].contains(&action) {
        return Err(Refusal::parameter(format!("Invalid action {action}.")));
    }
    let now = context.now;
    let service = service(context, arn)?;
    let back = action == "ROLLBACK";
    if back {
        check_way_back(service)?;
    }
    if !goes_on(service, arn) || !rollout::resume(service, hook, !back, now) {
        return Err(Refusal::parameter(
            "The lifecycle hook is not awaiting an action.",
        ));
    }
    if back {
        rollout::request_rollback(service, now);
    }
    rollout::changed(service, now);
    Ok(json!({"serviceDeploymentArn": arn}))
}
