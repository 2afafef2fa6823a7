//! Containers: their names, images, sizes and variables.

use std::collections::BTreeSet;

use super::super::fields::Unit;
use super::{Container, Task, Violation, elements, number, text};

pub(super) fn check(task: &Task<'_>, found: &mut Vec<Violation>) {
    let mut taken = BTreeSet::new();
    for container in &task.containers {
        let path = &container.path;
        if !taken.insert(container.name) {
            let says = format!("two containers are called `{}`", container.name);
            found.push(Violation::new("container-twice", path.clone(), says));
        }
        if task.is_whole() {
            for field in ["name", "image"] {
                if text(container.fields, field).is_none() {
                    let says = format!("a container has no `{field}`");
                    found.push(Violation::new("required", path.clone().field(field), says));
                }
            }
        }
        variables(container, found);
        sizes(task, container, found);
    }
    sums(task, found);
}

/// "The secret name must be unique and not shared with any new or existing
/// environment variables set on the container": what ECS answers.
fn variables(container: &Container<'_>, found: &mut Vec<Violation>) {
    let plain: BTreeSet<&str> = elements(&container.path, container.fields, "environment")
        .into_iter()
        .filter_map(|(_, variable)| text(variable, "name"))
        .collect();
    let mut taken = BTreeSet::new();
    for (path, secret) in elements(&container.path, container.fields, "secrets") {
        let Some(name) = text(secret, "name") else {
            continue;
        };
        let says = if plain.contains(name) {
            format!("`{name}` is in `environment` and in `secrets`")
        } else if !taken.insert(name) {
            format!("`{name}` is in `secrets` twice")
        } else {
            continue;
        };
        found.push(Violation::new("variable-twice", path, says).hint("keep one of them"));
    }
}

/// ContainerDefinition, memory and memoryReservation. (Equal ones are taken.)
fn sizes(task: &Task<'_>, container: &Container<'_>, found: &mut Vec<Violation>) {
    let of = |field| number(container.fields, field);
    let (memory, reserved) = (of("memory"), of("memoryReservation"));
    if let (Some(memory), Some(reserved)) = (memory, reserved)
        && memory < reserved
    {
        let says = format!("`memory` ({memory}) is less than `memoryReservation` ({reserved})");
        let path = container.path.clone().field("memory");
        found.push(Violation::new("memory", path, says));
    }
    let none = |size: Option<i64>| size.is_none_or(|size| size == 0);
    let unlimited = none(memory) && none(reserved) && task.lacks("memory");
    if task.is_whole() && unlimited {
        let says = format!(
            "container `{}` has no `memory` and no `memoryReservation`, and the task has no `memory`",
            container.name
        );
        let path = container.path.clone().field("memory");
        found.push(Violation::new("memory", path, says));
    }
    for (field, size) in [("memory", memory), ("memoryReservation", reserved)] {
        if let (Some(size), Some(whole)) = (size, task_size(task, "memory", Unit::Memory))
            && size > whole
        {
            let says = format!("`{field}` ({size}) is more than the task's `memory` ({whole})");
            let path = container.path.clone().field(field);
            found.push(Violation::new("memory-of-task", path, says));
        }
    }
}

/// ContainerDefinition, memory: "the total amount of memory reserved for all
/// containers within a task must be lower than the task memory value"; cpu:
/// likewise, for Fargate. (Just as much is taken.)
fn sums(task: &Task<'_>, found: &mut Vec<Violation>) {
    let reserved = |c: &Container<'_>| {
        number(c.fields, "memoryReservation")
            .filter(|reserved| *reserved > 0)
            .or_else(|| number(c.fields, "memory"))
    };
    let memory: i64 = task.containers.iter().filter_map(reserved).sum();
    let alone = |v: &Violation| v.rule == "memory-of-task";
    if let Some(whole) = task_size(task, "memory", Unit::Memory)
        && memory > whole
        && !found.iter().any(alone)
    {
        let says =
            format!("the containers reserve {memory} MiB of memory, more than the task's {whole}");
        found.push(Violation::new("memory-of-task", task.path("memory"), says));
    }
    let cpu = |c: &Container<'_>| number(c.fields, "cpu");
    let cpu: i64 = task.containers.iter().filter_map(cpu).sum();
    if let Some(whole) = task_size(task, "cpu", Unit::Cpu)
        && task.on_fargate()
        && cpu > whole
    {
        let says = format!("the containers reserve {cpu} CPU units, more than the task's {whole}");
        found.push(Violation::new("cpu-of-task", task.path("cpu"), says));
    }
}

/// A size of the task in its small units.
pub(super) fn task_size(task: &Task<'_>, field: &str, unit: Unit) -> Option<i64> {
    let size = task.document.get(field)?;
    unit.normal(size)?.parse().ok()
}
