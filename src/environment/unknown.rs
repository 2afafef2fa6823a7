//! Keys among AWS's fields that the table of fields does not have, or that no
//! file can declare: what was meant, and what to do.

use crate::model::RESPONSE_ONLY;
use crate::model::fields::{CONTAINER, SERVICE, Shape, TASK_DEFINITION};

use super::keys::{self, nearest};
use super::mistakes::Mistake;
use super::show::brief;
use super::walk::{Entry, Findings};

/// Fields of AWS that evenkeel fills in itself, or that cannot be changed.
const DECIDED: [(&str, &str); 11] = [
    (
        "taskDefinition",
        "evenkeel registers the revision; declare its fields under `containers` and `task`",
    ),
    (
        "forceNewDeployment",
        "use `evenkeel apply --force-new-deployment`",
    ),
    ("cluster", "write it under [services.NAME]"),
    ("service", "write `name` under [services.NAME]"),
    ("serviceName", "write `name` under [services.NAME]"),
    (
        "deploymentController",
        "evenkeel works with the controller ECS alone",
    ),
    (
        "launchType",
        "it is chosen when the service is created; declare `capacityProviderStrategy` to change it",
    ),
    (
        "schedulingStrategy",
        "it is chosen when the service is created",
    ),
    ("role", "it is chosen when the service is created"),
    ("roleArn", "it is chosen when the service is created"),
    ("clientToken", "it is of use only to create a service"),
];

/// More fields than this are not listed.
const MOST_LISTED: usize = 10;

/// Refuses a key that is right nowhere, whatever else is allowed. True when it
/// has done so.
pub(super) fn refuse_decided(entry: &Entry<'_>, shape: &Shape, found: &mut Findings<'_>) -> bool {
    let name = entry.name;
    let help = if *shape == SERVICE {
        DECIDED
            .iter()
            .find(|(decided, _)| *decided == name)
            .map(|(_, help)| (*help).to_owned())
    } else if *shape == TASK_DEFINITION && name == "containerDefinitions" {
        Some("write [services.NAME.containers.CONTAINER] for each".to_owned())
    } else if *shape == TASK_DEFINITION && RESPONSE_ONLY.contains(&name) {
        Some("ECS gives it to each revision; take it out".to_owned())
    } else {
        None
    };
    let Some(help) = help else { return false };
    let message = format!("`{}` cannot be declared here", brief(name));
    found.add(Mistake::new(entry.key.clone(), message).help(help));
    true
}

/// Refuses a key that the shape does not have.
pub(super) fn refuse(entry: &Entry<'_>, shape: &Shape, found: &mut Findings<'_>) {
    let name = entry.name;
    if let Some(place) = keys::own(name).or_else(|| home(name)) {
        found.belongs(&entry.key, name, place);
        return;
    }
    let help = match nearest(name, shape.fields.iter().map(|field| field.name)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => known(shape),
    };
    let message = format!("unknown key `{}`", brief(name));
    found.add(Mistake::new(entry.key.clone(), message).help(help));
}

/// What there is in a shape.
fn known(shape: &Shape) -> String {
    if shape.fields.len() > MOST_LISTED {
        return format!(
            "the fields here are those of {} in AWS's API reference;\nfor one that is newer than evenkeel, set allow-unknown-fields = true",
            shape.name
        );
    }
    let names: Vec<String> = shape
        .fields
        .iter()
        .map(|field| format!("`{}`", field.name))
        .collect();
    format!("the keys here: {}", names.join(", "))
}

/// The table where a field of AWS is at the top level.
pub(super) fn home(name: &str) -> Option<&'static str> {
    let is = |shape: &Shape| shape.field(name).is_some();
    match (is(&CONTAINER), is(&TASK_DEFINITION), is(&SERVICE)) {
        _ if name == "containerDefinitions" => Some("[services.NAME.containers.CONTAINER]"),
        (true, false, _) => Some("[services.NAME.containers.CONTAINER]"),
        (false, true, false) => Some("[services.NAME.task]"),
        (false, false, true) => Some("[services.NAME.service]"),
        (true, true, _) => Some("[services.NAME.containers.CONTAINER] or [services.NAME.task]"),
        (false, true, true) => Some("[services.NAME.task] or [services.NAME.service]"),
        (false, false, false) => None,
    }
}
