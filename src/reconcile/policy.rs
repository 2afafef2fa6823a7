//! What an unattended run does about each service of a plan.

use super::Planned;
use super::report::Left;
use crate::environment::{Desired, OnDrift};
use crate::plan::{Cause, Plan, ServicePlan, Verdict};

/// What of the plan is carried out: what is to change and may be, and what is on
/// its way already, which is waited for.
pub(super) fn acted_on(planned: &Planned, desired: &Desired) -> Plan {
    planned.plan.keeping(|service| match &service.verdict {
        Verdict::Change(_) => left(service, planned.causes.get(&service.name), desired).is_none(),
        Verdict::RollingOut(_) => true,
        Verdict::InSync { .. }
        | Verdict::FailedBefore(_)
        | Verdict::Blocked(_)
        | Verdict::Suspended(_) => false,
    })
}

/// Why a change is left, if it is.
pub(super) fn left(
    service: &ServicePlan,
    cause: Option<&Cause>,
    desired: &Desired,
) -> Option<Left> {
    let Verdict::Change(change) = &service.verdict else {
        return None;
    };
    // Somebody is deploying, and is to see the end of it. One that ECS has
    // given up has none.
    if let Some(rollout) = change.supersedes.as_ref().filter(|rollout| !rollout.failed) {
        return Some(Left::UnderWay(rollout.clone()));
    }
    let declared = desired
        .services
        .iter()
        .find(|declared| declared.name == service.name)?;
    (declared.drift == OnDrift::Report && matches!(cause, Some(Cause::Drift(_))))
        .then_some(Left::Drift)
}
