//! Actions that the caller may not do, refused in IAM's words.

use super::super::state::Scope;
use super::super::sts;
use super::super::wire::{Call, Leave, Refusal};

/// Refuses a call when one of the actions that it needs is denied.
pub(super) fn check(denied: &[String], call: &Call) -> Result<(), Refusal> {
    let is_denied = |leave: &&Leave| denied.iter().any(|pattern| matches(pattern, &leave.action));
    match call.asks.iter().find(is_denied) {
        None => Ok(()),
        Some(leave) => Err(refusal(call, leave)),
    }
}

/// Whether a pattern with at most one `*` is this action, as IAM compares:
/// whatever the case.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.trim().to_lowercase(), action.to_lowercase());
    match pattern.split_once('*') {
        None => pattern == action,
        Some((start, end)) => {
            action.len() >= start.len() + end.len()
                && action.starts_with(start)
                && action.ends_with(end)
        }
    }
}

fn refusal(call: &Call, Leave { action, resource }: &Leave) -> Refusal {
    let scope = Scope {
        account: call.account.clone(),
        region: call.region.clone(),
    };
    let query = call.service == "sts";
    Refusal {
        status: if query { 403 } else { 400 },
        code: if query {
            "AccessDenied"
        } else {
            "AccessDeniedException"
        }
        .to_owned(),
        message: format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} \
             because no identity-based policy allows the {action} action",
            sts::identity(&scope)
        ),
    }
}
