//! Deliberately broken variants, to show that every invariant bites. They sit
//! where our client's requests leave and answers arrive, so that to the
//! sandbox and to the history they look like mistakes of ours.

use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// A rollout under way passes for a complete one.
    ClaimsSuccess,
    /// Every registration is sent twice.
    RegistersTwice,
    /// A field that nobody declared is lost.
    DropsAField,
    /// An update scales, too.
    Scales,
    /// Planning updates what it sees.
    PlanWrites,
    /// Whatever is seen after planning is updated to what it is.
    Ensures,
    /// ECS does not roll back although the service says so.
    NoRollback,
    /// Plans do not see what is rolling out, and restart it.
    Blind,
    /// An update that took effect passes for a refused one.
    HidesUpdates,
    /// The wait is ten times as long as declared.
    WaitsTooLong,
}

impl Sabotage {
    /// What is sent in place of a request's body.
    pub fn request(self, operation: &str, body: &mut Value) {
        match (self, operation) {
            (Self::DropsAField, "RegisterTaskDefinition") => {
                if let Some(container) = body["containerDefinitions"][0].as_object_mut() {
                    container.remove("stopTimeout");
                }
            }
            (Self::Scales, "UpdateService") => body["desiredCount"] = json!(1),
            _ => {}
        }
    }

    /// What is sent beside a request, right before it: operation and body.
    pub fn beside(
        self,
        operation: &str,
        body: &Value,
        planning: bool,
        seen: &Value,
    ) -> Vec<(&'static str, Value)> {
        let updates = || {
            let services = seen["services"].as_array().into_iter().flatten();
            services
                .map(|service| {
                    let body = json!({
                        "cluster": "prod",
                        "service": service["serviceName"],
                        "taskDefinition": service["taskDefinition"],
                    });
                    ("UpdateService", body)
                })
                .collect()
        };
        match (self, operation) {
            (Self::RegistersTwice, "RegisterTaskDefinition") => {
                vec![("RegisterTaskDefinition", body.clone())]
            }
            (Self::PlanWrites, "DescribeServices") if planning => updates(),
            (Self::Ensures, "DescribeServices") if !planning => updates(),
            _ => Vec::new(),
        }
    }

    /// What arrives in place of an answer; `true` when it is another.
    pub fn answer(self, operation: &str, answer: &mut Value, planning: bool) -> bool {
        if self == Self::HidesUpdates && operation == "UpdateService" {
            *answer = json!({"__type": "AccessDeniedException", "message": "by sabotage"});
            return true;
        }
        let lies = match self {
            Self::ClaimsSuccess => !planning,
            Self::Blind => planning,
            _ => false,
        };
        if !lies || operation != "DescribeServices" {
            return false;
        }
        for service in answer["services"].as_array_mut().into_iter().flatten() {
            for deployment in service["deployments"].as_array_mut().into_iter().flatten() {
                if deployment["rolloutState"] == "IN_PROGRESS" {
                    deployment["rolloutState"] = "COMPLETED".into();
                }
            }
        }
        true
    }
}
