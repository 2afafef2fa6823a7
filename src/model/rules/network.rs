//! Ports, and what goes with which network mode (API reference, PortMapping,
//! and ContainerDefinition: links, hostname, extraHosts, portMappings).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::fields::Path;
use super::{Container, Task, Violation, elements, number, text};

pub(super) fn check(task: &Task<'_>, found: &mut Vec<Violation>) {
    let mode = task.network_mode();
    let mut taken: BTreeMap<(i64, &str), &str> = BTreeMap::new();
    for container in &task.containers {
        unsupported(container, mode, found);
        for (path, mapping) in elements(&container.path, container.fields, "portMappings") {
            ports(task, &path, mapping, mode, found);
            let Some(host) = host_port(mapping, mode) else {
                continue;
            };
            let protocol = text(mapping, "protocol").unwrap_or("tcp");
            if let Some(other) = taken.insert((host, protocol), container.name) {
                let says = match other == container.name {
                    true => format!("port {host}/{protocol} is mapped twice"),
                    false => format!(
                        "port {host}/{protocol} of the host is that of container `{other}`, too"
                    ),
                };
                found.push(Violation::new("port-twice", path, says));
            }
        }
    }
}

fn unsupported(container: &Container<'_>, mode: Option<&str>, found: &mut Vec<Violation>) {
    let Some(mode) = mode else { return };
    let refused: &[&str] = match mode {
        "awsvpc" => &["links", "hostname", "extraHosts"],
        "host" => &["links"],
        "none" => &["links", "portMappings"],
        _ => &[],
    };
    for field in refused {
        let there = match container.fields.get(*field) {
            None | Some(Value::Null) => false,
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::String(text)) => !text.is_empty(),
            Some(_) => true,
        };
        if there {
            let says = format!("there is no `{field}` with the network mode {mode}");
            let path = container.path.clone().field(field);
            found.push(Violation::new("network-mode", path, says).hint("take it out"));
        }
    }
}

fn ports(
    task: &Task<'_>,
    path: &Path,
    mapping: &Map<String, Value>,
    mode: Option<&str>,
    found: &mut Vec<Violation>,
) {
    let (port, range) = (
        number(mapping, "containerPort"),
        text(mapping, "containerPortRange"),
    );
    match (port, range) {
        (Some(_), Some(_)) => {
            let says = "a port mapping has `containerPort` or `containerPortRange`, not both";
            found.push(Violation::new("port", path.clone(), says));
        }
        (None, None) if task.is_whole() => {
            let says = "a port mapping has neither `containerPort` nor `containerPortRange`";
            found.push(Violation::new("port", path.clone(), says));
        }
        (None, Some(range)) if !is_range(range) => {
            let says = format!(
                "`containerPortRange` is two ports from 1 to 65535, the lower first, not {range:?}"
            );
            found.push(
                Violation::new("port", path.clone().field("containerPortRange"), says)
                    .hint("write it like 8000-8010"),
            );
        }
        _ => {}
    }
    let host = number(mapping, "hostPort").filter(|host| *host != 0);
    if let (Some(port), Some(host), Some(mode @ ("awsvpc" | "host"))) = (port, host, mode)
        && port != host
    {
        let says = format!(
            "with the network mode {mode}, `hostPort` ({host}) must be the containerPort ({port})"
        );
        found.push(
            Violation::new("host-port", path.clone().field("hostPort"), says)
                .hint("leave `hostPort` out"),
        );
    }
}

fn is_range(text: &str) -> bool {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    text.split_once('-')
        .and_then(|(first, last)| Some(port(first)? < port(last)?))
        .unwrap_or(false)
}

/// The one port of the host, or of the task's network interface, that a
/// mapping takes.
fn host_port(mapping: &Map<String, Value>, mode: Option<&str>) -> Option<i64> {
    match mode? {
        "awsvpc" | "host" => number(mapping, "containerPort"),
        "bridge" => number(mapping, "hostPort").filter(|port| *port != 0),
        _ => None,
    }
}
