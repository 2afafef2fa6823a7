//! What must be there for a file to be deployed, and is not.
//!
//! Asks only for what the file declares; and makes a plan, whose reasons to
//! block are what ECS and ECR lack.

use serde_json::{Map, Value};

use super::rules::{declared, place};
use super::*;
use crate::environment::Location;
use crate::model::fields::Path;
use crate::observed::{Outside, OutsideKind, all};

/// What came of looking.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Online {
    pub missing: Vec<Absent>,
    /// What could not be found out, for a missing permission or the like.
    pub unknown: Vec<Unknown>,
    /// What evenkeel does not look up: where it is declared, and the service.
    pub not_asked: Vec<(Path, &'static str)>,
    /// How many things were found.
    pub there: usize,
}

/// Something that is not there, or does not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Absent {
    pub service: String,
    pub at: Location,
    pub why: Lack,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Lack {
    Outside {
        path: Path,
        kind: OutsideKind,
        id: String,
    },
    /// What blocks a plan.
    Block(Box<Block>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    pub service: String,
    pub what: String,
    pub why: Unreadable,
}

/// Looks for everything that a file needs.
///
/// # Errors
/// [`Wants`]: what must be looked up.
pub fn online(desired: &Desired, observed: &Observed) -> Result<Online, Wants> {
    let mut found = Online::default();
    let mut needs = Vec::new();
    for service in &desired.services {
        for need in needed(service, &desired.region, &mut found.not_asked) {
            needs.push((service, need));
        }
    }
    let planned = plan(desired, observed, Options::default());
    let looked = all(needs
        .iter()
        .map(|(_, (_, outside))| observed.outside(outside).cloned()));
    // One round of calls for both.
    let (planned, looked) = match (planned, looked) {
        (Ok(planned), Ok(looked)) => (planned, looked),
        (planned, looked) => {
            return all([planned.map(drop), looked.map(drop)]).map(|_| found);
        }
    };
    for ((service, (path, outside)), seen) in needs.into_iter().zip(looked) {
        match seen {
            Seen::Found(()) => found.there += 1,
            Seen::Missing => found.missing.push(Absent {
                service: service.name.clone(),
                at: place(service, &path),
                why: Lack::Outside {
                    path,
                    kind: outside.kind,
                    id: outside.id,
                },
            }),
            Seen::Unreadable(why) => found.unknown.push(Unknown {
                service: service.name.clone(),
                what: path.to_string(),
                why,
            }),
        }
    }
    for (service, planned) in desired.services.iter().zip(planned.services()) {
        let Verdict::Blocked(blocks) = &planned.verdict else {
            // The service, its cluster, and each image.
            found.there += 1 + service.images.len();
            continue;
        };
        for block in blocks.iter().cloned() {
            match block {
                Block::Unreadable { what, why } => found.unknown.push(Unknown {
                    service: service.name.clone(),
                    what,
                    why,
                }),
                block => found.missing.push(Absent {
                    service: service.name.clone(),
                    at: at(&block)
                        .cloned()
                        .unwrap_or_else(|| service.name_at.clone()),
                    why: Lack::Block(Box::new(block)),
                }),
            }
        }
    }
    Ok(found)
}

fn at(block: &Block) -> Option<&Location> {
    match block {
        Block::ServiceMissing { at, .. }
        | Block::ContainerMissing { at, .. }
        | Block::ContainerIncomplete { at, .. }
        | Block::Unfit { at, .. }
        | Block::Refused { at, .. }
        | Block::ContainerNotNamed { at, .. }
        | Block::ImageMissing { at, .. }
        | Block::PlatformMissing { at, .. } => Some(at),
        Block::ServiceNotActive { .. }
        | Block::Controller { .. }
        | Block::NoDeployment
        | Block::Older { .. }
        | Block::Unreadable { .. } => None,
    }
}

/// What a service's declared fields name outside ECS, each with its path.
fn needed(
    desired: &DesiredService,
    region: &Region,
    not_asked: &mut Vec<(Path, &'static str)>,
) -> Vec<(Path, Outside)> {
    let Ok([task, service]) = declared(desired) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let containers = task.get("containerDefinitions").and_then(Value::as_array);
    for container in containers.into_iter().flatten() {
        let Some(name) = container.get("name").and_then(Value::as_str) else {
            continue;
        };
        let path = Path::container(name);
        secrets(container, &path, "secrets", &mut found, not_asked);
        if let Some(logs) = container.get("logConfiguration") {
            let path = path.clone().field("logConfiguration");
            secrets(logs, &path, "secretOptions", &mut found, not_asked);
            found.extend(log_group(logs, &path, region));
        }
        let credentials = container.pointer("/repositoryCredentials/credentialsParameter");
        if let Some(from) = credentials.and_then(Value::as_str) {
            let path = path
                .field("repositoryCredentials")
                .field("credentialsParameter");
            secret(from, path, &mut found, not_asked);
        }
    }
    for role in ["taskRoleArn", "executionRoleArn"] {
        if task.contains_key(role) {
            not_asked.push((
                Path::new(crate::model::fields::Root::Task).field(role),
                "IAM",
            ));
        }
    }
    found.extend(target_groups(&service));
    found
}

/// The secrets of a list.
fn secrets(
    of: &Value,
    path: &Path,
    list: &str,
    found: &mut Vec<(Path, Outside)>,
    not_asked: &mut Vec<(Path, &'static str)>,
) {
    let entries = of.get(list).and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        if let (Some(name), Some(from)) = (text("name"), text("valueFrom")) {
            let path = path.clone().field(list);
            let path = path.element(vec![("name".to_owned(), name.into())]);
            secret(from, path.field("valueFrom"), found, not_asked);
        }
    }
}

/// The ARN of a secret may go on with what of it is meant
/// (`…:secret:NAME:KEY:STAGE:VERSION`); all else is a parameter of SSM.
fn secret(
    from: &str,
    path: Path,
    found: &mut Vec<(Path, Outside)>,
    not_asked: &mut Vec<(Path, &'static str)>,
) {
    let parts: Vec<&str> = from.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "secretsmanager", region, _, "secret", _, ..] => {
            found.extend(region.parse().ok().map(|region| {
                let id = parts[..7].join(":");
                let kind = OutsideKind::Secret;
                (path, Outside { kind, region, id })
            }));
        }
        _ => not_asked.push((path, "SSM")),
    }
}

/// The log group, unless the driver is to make it.
fn log_group(logs: &Value, path: &Path, region: &Region) -> Option<(Path, Outside)> {
    let option = |name: &str| logs.get("options")?.get(name)?.as_str();
    let other = logs
        .get("logDriver")
        .is_some_and(|driver| driver != "awslogs");
    let group = option("awslogs-group")?;
    if other || option("awslogs-create-group") == Some("true") {
        return None;
    }
    let region = match option("awslogs-region") {
        Some(region) => region.parse().ok()?,
        None => region.clone(),
    };
    Some((
        path.clone().field("options").field("awslogs-group"),
        Outside {
            kind: OutsideKind::LogGroup,
            region,
            id: group.to_owned(),
        },
    ))
}

fn target_groups(service: &Map<String, Value>) -> Vec<(Path, Outside)> {
    let path = Path::new(crate::model::fields::Root::Service).field("loadBalancers");
    let balancers = service.get("loadBalancers").and_then(Value::as_array);
    balancers
        .into_iter()
        .flatten()
        .flat_map(|balancer| {
            [
                balancer.get("targetGroupArn"),
                balancer.pointer("/advancedConfiguration/alternateTargetGroupArn"),
            ]
        })
        .flatten()
        .filter_map(|arn| {
            let id = arn.as_str()?.to_owned();
            let region = id.split(':').nth(3)?.parse().ok()?;
            let kind = OutsideKind::TargetGroup;
            Some((path.clone(), Outside { kind, region, id }))
        })
        .collect()
}
