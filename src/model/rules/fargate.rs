//! What Fargate has and has not, for task definitions that require it (API
//! reference, RegisterTaskDefinition, ContainerDefinition, LinuxParameters,
//! KernelCapabilities, Volume; developer guide, "Task size").

use serde_json::Value;

use super::super::fields::{Path, Root, Unit};
use super::containers::task_size;
use super::{Container, Task, Violation, elements, list, number, text};

pub(super) fn check(task: &Task<'_>, found: &mut Vec<Violation>) {
    if !task.on_fargate() {
        return;
    }
    let mut without = |path: Path, says: String| {
        found.push(Violation::new("fargate", path, says).hint("take it out"));
    };
    if let Some(mode) = text(task.document, "ipcMode") {
        without(
            task.path("ipcMode"),
            format!("Fargate has no `ipcMode` ({mode})"),
        );
    }
    if text(task.document, "pidMode") == Some("host") {
        without(
            task.path("pidMode"),
            "on Fargate there is no host's `pidMode`".into(),
        );
    }
    if list(task.document, "placementConstraints").next().is_some() {
        let path = task.path("placementConstraints");
        without(path, "Fargate has no `placementConstraints`".into());
    }
    for (path, volume) in elements(&Path::new(Root::Task), task.document, "volumes") {
        let name = text(volume, "name").unwrap_or_default();
        let host = volume.get("host").and_then(Value::as_object);
        if host.is_some_and(|host| text(host, "sourcePath").is_some()) {
            let path = path.clone().field("host").field("sourcePath");
            without(
                path,
                format!("Fargate has no path of the host (volume `{name}`)"),
            );
        }
        if volume
            .get("dockerVolumeConfiguration")
            .is_some_and(Value::is_object)
        {
            let path = path.field("dockerVolumeConfiguration");
            without(
                path,
                format!("Fargate has no Docker volumes (volume `{name}`)"),
            );
        }
    }
    for container in &task.containers {
        in_container(container, &mut without);
    }
    for container in &task.containers {
        for field in ["startTimeout", "stopTimeout"] {
            if let Some(seconds) = number(container.fields, field).filter(|s| *s > 120) {
                let says = format!("`{field}` is at most 120 on Fargate, not {seconds}");
                let path = container.path.clone().field(field);
                found.push(Violation::new("fargate", path, says));
            }
        }
    }
    if task.network_mode().is_some_and(|mode| mode != "awsvpc") {
        let says = "Fargate needs the network mode awsvpc";
        found.push(
            Violation::new("fargate", task.path("networkMode"), says)
                .hint("write networkMode = \"awsvpc\""),
        );
    }
    size(task, found);
}

fn in_container(container: &Container<'_>, without: &mut impl FnMut(Path, String)) {
    let at = |field: &str| container.path.clone().field(field);
    if container.fields.get("privileged") == Some(&Value::Bool(true)) {
        without(
            at("privileged"),
            "on Fargate no container is `privileged`".into(),
        );
    }
    if list(container.fields, "dockerSecurityOptions")
        .next()
        .is_some()
    {
        let path = at("dockerSecurityOptions");
        without(path, "Fargate has no `dockerSecurityOptions`".into());
    }
    let Some(linux) = container
        .fields
        .get("linuxParameters")
        .and_then(Value::as_object)
    else {
        return;
    };
    let path = at("linuxParameters");
    if list(linux, "devices").next().is_some() {
        without(
            path.clone().field("devices"),
            "Fargate has no `devices`".into(),
        );
    }
    for field in ["sharedMemorySize", "maxSwap", "swappiness"] {
        if number(linux, field).is_some() {
            without(
                path.clone().field(field),
                format!("Fargate has no `{field}`"),
            );
        }
    }
    let capabilities = linux.get("capabilities").and_then(Value::as_object);
    for added in capabilities.into_iter().flat_map(|c| list(c, "add")) {
        if added != "SYS_PTRACE" {
            let added = added.as_str().unwrap_or_default();
            without(
                path.clone().field("capabilities").field("add"),
                format!("on Fargate only the capability SYS_PTRACE can be added, not {added}"),
            );
        }
    }
}

/// The CPU units that there are, each with the least and most memory in MiB
/// and the step between.
const SIZES: [(i64, i64, i64, i64); 8] = [
    (256, 512, 2_048, 0),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
    (32_768, 61_440, 249_856, 4_096),
];

fn size(task: &Task<'_>, found: &mut Vec<Violation>) {
    for field in ["cpu", "memory"] {
        if task.is_whole() && task.lacks(field) {
            let says = format!("Fargate needs the task's `{field}`");
            found.push(Violation::new("fargate-size", task.path(field), says));
        }
    }
    let Some(cpu) = task_size(task, "cpu", Unit::Cpu) else {
        return;
    };
    let Some((_, least, most, step)) = SIZES.iter().find(|(units, ..)| *units == cpu) else {
        let all: Vec<String> = SIZES.iter().map(|(units, ..)| units.to_string()).collect();
        let says = format!("Fargate has no task of {cpu} CPU units");
        found.push(
            Violation::new("fargate-size", task.path("cpu"), says)
                .hint(format!("it has {}", all.join(", "))),
        );
        return;
    };
    let Some(memory) = task_size(task, "memory", Unit::Memory) else {
        return;
    };
    let (fits, there_are) = match step {
        // The smallest has three sizes that are no steps.
        0 => (
            [512, 1_024, 2_048].contains(&memory),
            "512, 1024 or 2048".to_owned(),
        ),
        step => (
            (*least..=*most).contains(&memory) && (memory - least) % step == 0,
            format!("{least} to {most} in steps of {step}"),
        ),
    };
    if !fits {
        let says = format!("Fargate has no task of {cpu} CPU units and {memory} MiB");
        found.push(
            Violation::new("fargate-size", task.path("memory"), says)
                .hint(format!("with {cpu} CPU units it has {there_are}")),
        );
    }
}
