//! `dependsOn` (API reference, ContainerDependency).

use serde_json::Value;

use super::{Container, Task, Violation, elements, names, text};

pub(super) fn check(task: &Task<'_>, found: &mut Vec<Violation>) {
    for container in &task.containers {
        for (path, dependency) in elements(&container.path, container.fields, "dependsOn") {
            let Some(on) = text(dependency, "containerName") else {
                continue;
            };
            let condition = text(dependency, "condition").unwrap_or_default();
            if on == container.name {
                let says = format!("container `{on}` depends on itself");
                found.push(Violation::new("depends-on", path, says));
                continue;
            }
            let Some(other) = task.container(on) else {
                if task.is_whole() {
                    let all = names(task.containers.iter().map(|c| c.name));
                    let says =
                        format!("`{}` depends on `{on}`, which is not there", container.name);
                    found.push(
                        Violation::new("depends-on", path, says)
                            .hint(format!("the containers: {all}")),
                    );
                }
                continue;
            };
            if let Some((why, hint)) = unmet(task, other, condition) {
                found.push(Violation::new("condition", path.field("condition"), why).hint(hint));
            }
        }
    }
    cycle(task, found);
}

/// Why a container never fulfils a condition.
fn unmet(task: &Task<'_>, other: &Container<'_>, condition: &str) -> Option<(String, String)> {
    let name = other.name;
    match condition {
        "HEALTHY"
            if task.is_whole()
                && !other
                    .fields
                    .get("healthCheck")
                    .is_some_and(Value::is_object) =>
        {
            Some((
                format!("`{name}` has no `healthCheck`, so it is never HEALTHY"),
                format!("give `{name}` a healthCheck, or wait for START"),
            ))
        }
        "COMPLETE" | "SUCCESS" => {
            let essential = match other.fields.get("essential") {
                Some(value) => value == &Value::Bool(true),
                // It is, unless something else is said.
                None => task.is_whole(),
            };
            essential.then(|| {
                (
                    format!(
                        "`{name}` is essential, so its end is that of the task, not {condition}"
                    ),
                    format!("say essential = false for `{name}`"),
                )
            })
        }
        _ => None,
    }
}

/// The first cycle that there is, if there is one.
fn cycle(task: &Task<'_>, found: &mut Vec<Violation>) {
    let on = |container: &Container<'_>| -> Vec<String> {
        elements(&container.path, container.fields, "dependsOn")
            .into_iter()
            .filter_map(|(_, dependency)| text(dependency, "containerName").map(str::to_owned))
            .collect()
    };
    for start in &task.containers {
        // The way back to where it began, if there is one; each is gone once.
        let mut ways = vec![vec![start.name.to_owned()]];
        let mut seen = Vec::new();
        while let Some(way) = ways.pop() {
            let last = way.last().cloned().unwrap_or_default();
            let next = task.container(&last).map(&on).unwrap_or_default();
            // What depends on itself is told already.
            for name in next.into_iter().filter(|name| *name != last) {
                if name == start.name && way.len() > 1 {
                    let mut around = way.clone();
                    around.push(name);
                    let says = format!("containers wait for each other: {}", around.join(" → "));
                    let path = start.path.clone().field("dependsOn");
                    found.push(Violation::new("depends-on-cycle", path, says));
                    return;
                }
                if !seen.contains(&name) {
                    seen.push(name.clone());
                    let mut further = way.clone();
                    further.push(name);
                    ways.push(further);
                }
            }
        }
    }
}
