//! The task definition as a whole.

use serde_json::Value;

use super::super::fields::{Path, Root};
use super::{Task, Violation};

/// Service quotas, "Task definition size".
const MOST_BYTES: usize = 64 * 1024;

pub(super) fn check(task: &Task<'_>, found: &mut Vec<Violation>) {
    let mut request = task.document.clone();
    request.shift_remove("tags");
    let bytes = Value::Object(request).to_string().len();
    if bytes > MOST_BYTES {
        let says = format!("the task definition has {bytes} bytes, and may have {MOST_BYTES}");
        found.push(
            Violation::new(
                "size",
                Path::new(Root::Task).field("containerDefinitions"),
                says,
            )
            .hint("long values belong in SSM, Secrets Manager or environmentFiles"),
        );
    }
    if !task.is_whole() {
        return;
    }
    let containers = task.path("containerDefinitions");
    if task.containers.is_empty() {
        let says = "the task definition has no container";
        found.push(Violation::new("no-container", containers, says));
    } else if task
        .containers
        .iter()
        .all(|c| c.fields.get("essential") == Some(&Value::Bool(false)))
    {
        // ContainerDefinition, essential.
        let says = "at least one container must be essential";
        found.push(
            Violation::new("essential", containers, says)
                .hint("leave `essential` out, or say true, for the one that does the work"),
        );
    }
}
