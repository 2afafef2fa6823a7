//! Ranges, lengths, counts and characters of single fields.

use serde_json::{Map, Value};

use super::super::fields::{Kind, Path, Root};
use super::super::image::ImageReference;
use super::{Violation, element_path};

/// `(shape, field, least, most)`, from the description of the field in the API
/// reference.
const RANGES: [(&str, &str, f64, f64); 24] = [
    ("ContainerDefinition", "cpu", 0.0, MAX),
    // The least that any Docker daemon takes.
    ("ContainerDefinition", "memory", 4.0, MAX),
    ("PortMapping", "containerPort", 1.0, 65_535.0),
    ("PortMapping", "hostPort", 0.0, 65_535.0),
    ("HealthCheck", "interval", 5.0, 300.0),
    ("HealthCheck", "timeout", 2.0, 60.0),
    ("HealthCheck", "retries", 1.0, 10.0),
    ("HealthCheck", "startPeriod", 0.0, 300.0),
    (
        "ContainerRestartPolicy",
        "restartAttemptPeriod",
        60.0,
        1_800.0,
    ),
    ("LinuxParameters", "swappiness", 0.0, 100.0),
    ("LinuxParameters", "maxSwap", 0.0, MAX),
    ("EphemeralStorage", "sizeInGiB", 21.0, 200.0),
    (
        "EFSVolumeConfiguration",
        "transitEncryptionPort",
        0.0,
        65_535.0,
    ),
    ("UpdateService", "desiredCount", 0.0, MAX),
    ("UpdateService", "healthCheckGracePeriodSeconds", 0.0, MAX),
    (
        "DeploymentConfiguration",
        "minimumHealthyPercent",
        0.0,
        100.0,
    ),
    ("CapacityProviderStrategyItem", "weight", 0.0, 1_000.0),
    ("CapacityProviderStrategyItem", "base", 0.0, 100_000.0),
    ("CanaryConfiguration", "canaryPercent", 0.1, 100.0),
    (
        "CanaryConfiguration",
        "canaryBakeTimeInMinutes",
        0.0,
        1_440.0,
    ),
    ("LinearConfiguration", "stepPercent", 3.0, 100.0),
    ("LinearConfiguration", "stepBakeTimeInMinutes", 0.0, 1_440.0),
    ("ServiceConnectClientAlias", "port", 1.0, 65_535.0),
    ("LoadBalancer", "containerPort", 1.0, 65_535.0),
];

/// The largest integer of the API.
const MAX: f64 = 2_147_483_647.0;

/// `(shape, field, most)` of lists; that of containers is a quota ("Amazon ECS
/// service quotas", containers per task definition), the others are in the API
/// reference (CapacityProviderStrategyItem: in that of CreateService).
const COUNTS: [(&str, &str, usize); 9] = [
    ("RegisterTaskDefinition", "containerDefinitions", 10),
    ("RegisterTaskDefinition", "placementConstraints", 10),
    ("ContainerDefinition", "environmentFiles", 10),
    ("ContainerRestartPolicy", "ignoredExitCodes", 50),
    ("UpdateService", "capacityProviderStrategy", 20),
    ("UpdateService", "placementConstraints", 10),
    ("UpdateService", "placementStrategy", 5),
    ("AwsVpcConfiguration", "subnets", 16),
    ("AwsVpcConfiguration", "securityGroups", 5),
];

/// Names, by the API reference of each.
const NAMES: [(&str, &str, Check); 5] = [
    ("RegisterTaskDefinition", "family", ecs_name),
    ("ContainerDefinition", "name", ecs_name),
    ("Volume", "name", ecs_name),
    ("PortMapping", "name", port_name),
    ("ContainerDefinition", "image", image),
];

/// Why a text is none, if it is not.
type Check = fn(&str) -> Option<String>;

pub(super) fn check(root: Root, document: &Map<String, Value>, found: &mut Vec<Violation>) {
    object(root.shape().name, &Path::new(root), document, found);
}

fn object(shape: &str, at: &Path, fields: &Map<String, Value>, found: &mut Vec<Violation>) {
    for (name, value) in fields {
        let path = at.clone().field(name);
        range(shape, name, &path, value, found);
        count(shape, name, &path, value, found);
        if let Some(text) = value.as_str() {
            spelling(shape, name, &path, text, found);
        }
        match (path.kind(), value) {
            (Some(Kind::Object(shape)), Value::Object(inner)) => {
                object(shape.name, &path, inner, found);
            }
            (Some(Kind::List(Kind::Object(shape), _)), Value::Array(list)) => {
                for element in list {
                    if let Value::Object(inner) = element {
                        object(shape.name, &element_path(&path, element), inner, found);
                    }
                }
            }
            _ => {}
        }
    }
}

fn range(shape: &str, name: &str, path: &Path, value: &Value, found: &mut Vec<Violation>) {
    let limits = RANGES.iter().find(|(s, f, ..)| *s == shape && *f == name);
    let (Some((.., least, most)), Some(number)) = (limits, value.as_f64()) else {
        return;
    };
    if (*least..=*most).contains(&number) {
        return;
    }
    let says = if *most < MAX {
        format!("`{name}` must be between {least} and {most}, not {value}")
    } else if number < *least {
        format!("`{name}` must be at least {least}, not {value}")
    } else {
        format!("`{name}` must be at most {most}, not {value}")
    };
    found.push(Violation::new("range", path.clone(), says));
}

fn count(shape: &str, name: &str, path: &Path, value: &Value, found: &mut Vec<Violation>) {
    let limit = COUNTS.iter().find(|(s, f, _)| *s == shape && *f == name);
    let (Some((.., most)), Some(list)) = (limit, value.as_array()) else {
        return;
    };
    if list.len() > *most {
        let name = match name {
            "containerDefinitions" => "containers",
            name => name,
        };
        let says = format!("there can be at most {most} `{name}`, not {}", list.len());
        found.push(Violation::new("count", path.clone(), says));
    }
}

fn spelling(shape: &str, name: &str, path: &Path, text: &str, found: &mut Vec<Violation>) {
    let check = NAMES.iter().find(|(s, f, _)| *s == shape && *f == name);
    if let Some(why) = check.and_then(|(.., check)| check(text)) {
        let says = format!("`{name}` is not valid: {why}");
        found.push(Violation::new("name", path.clone(), says));
    }
}

fn ecs_name(text: &str) -> Option<String> {
    // Families, containers and volumes are named by the rule of services.
    let wrong = text.parse::<super::super::ServiceName>().err();
    wrong.map(|invalid| invalid.to_string())
}

fn port_name(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if text.len() > 64 {
        return Some("it has more than 64 characters".to_owned());
    }
    if text.starts_with('-') {
        return Some("it begins with a hyphen".to_owned());
    }
    let odd = text.chars().find(|c| !fits(*c));
    odd.map(|odd| format!("it has lower-case letters, digits, _ and -, not {odd:?}"))
}

/// With a digest, the limit holds for what is before it.
fn image(text: &str) -> Option<String> {
    let named = text.split('@').next().unwrap_or_default();
    if named.len() > 255 {
        return Some("it has more than 255 characters".to_owned());
    }
    let wrong = text.parse::<ImageReference>().err();
    wrong.map(|invalid| invalid.to_string())
}
