//! What ECS keeps of a document that it is sent, and what it then answers.
//!
//! Written from the facts about ECS, and on purpose not with the table's keys
//! and defaults: it is what they are judged by.

use serde_json::{Map, Value, json};

use crate::model::fields::{Kind, Shape};

/// Lists whose order ECS does not keep.
const WITHOUT_ORDER: &str = "containerDefinitions environment secrets secretOptions ulimits volumes \
     properties tags portMappings mountPoints tmpfs volumesFrom systemControls extraHosts dependsOn \
     resourceRequirements placementConstraints devices permissions requiresCompatibilities add drop \
     ignoredExitCodes links dockerSecurityOptions inferenceAccelerators capacityProviderStrategy \
     subnets securityGroups loadBalancers serviceRegistries services clientAliases \
     volumeConfigurations tagSpecifications alarmNames lifecycleStages vpcLatticeConfigurations \
     gatewayConnectors accessTypes metricConfigurations metricNames";

/// What tells the elements of a list apart. Of two alike, ECS takes one or
/// refuses both.
const KEYS: [(&str, &[&str]); 29] = [
    ("containerDefinitions", &["name"]),
    ("environment", &["name"]),
    ("secrets", &["name"]),
    ("secretOptions", &["name"]),
    ("ulimits", &["name"]),
    ("volumes", &["name"]),
    ("properties", &["name"]),
    ("tags", &["key"]),
    (
        "portMappings",
        &["containerPort", "containerPortRange", "protocol"],
    ),
    ("mountPoints", &["containerPath"]),
    ("tmpfs", &["containerPath"]),
    ("volumesFrom", &["sourceContainer"]),
    ("systemControls", &["namespace"]),
    ("extraHosts", &["hostname"]),
    ("dependsOn", &["containerName"]),
    ("resourceRequirements", &["type"]),
    ("devices", &["hostPath"]),
    ("inferenceAccelerators", &["deviceName"]),
    ("capacityProviderStrategy", &["capacityProvider"]),
    ("serviceRegistries", &["registryArn"]),
    ("services", &["portName"]),
    ("clientAliases", &["port", "dnsName"]),
    ("volumeConfigurations", &["name"]),
    ("tagSpecifications", &["resourceType"]),
    ("gatewayConnectors", &["portName"]),
    ("vpcLatticeConfigurations", &["targetGroupArn", "portName"]),
    (
        "loadBalancers",
        &[
            "targetGroupArn",
            "loadBalancerName",
            "containerName",
            "containerPort",
        ],
    ),
    ("subnets", &[]),
    ("securityGroups", &[]),
];

/// The document with every value in the type that the API has for it; what
/// does not fit, and what is nothing, is left out. Names nobody can write in a
/// file are ECS's to refuse.
pub fn kept(shape: &Shape, document: &Map<String, Value>) -> Map<String, Value> {
    let fields = document.iter().filter_map(|(name, value)| {
        let value = match shape.field(name) {
            Some(field) => fitting(name, &field.kind, value)?,
            None => without_nulls(value)?,
        };
        Some((name.clone(), value))
    });
    fields.collect()
}

fn fitting(name: &str, kind: &Kind, value: &Value) -> Option<Value> {
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    Some(match kind {
        Kind::Text => {
            let text = text?;
            // Neither a role nor a mode is ever the empty string.
            (!text.is_empty() || name == "value").then_some(text.into())?
        }
        Kind::Choice(_) => text.filter(|text| !text.is_empty())?.into(),
        Kind::Integer => text?.parse::<i64>().ok()?.into(),
        Kind::Number => json!(text?.parse::<f64>().ok()?),
        Kind::Boolean => text?.parse::<bool>().ok()?.into(),
        Kind::Units(unit) => unit.normal(&text?.into())?.into(),
        Kind::Any => value.as_object().map(|_| value.clone())?,
        Kind::Map => {
            let entries = value.as_object()?.iter();
            let entries: Map<String, Value> = entries
                .filter(|(name, _)| !name.is_empty())
                .filter_map(|(name, value)| {
                    Some((name.clone(), fitting("value", &Kind::Text, value)?))
                })
                .collect();
            (!entries.is_empty()).then_some(entries.into())?
        }
        Kind::Object(shape) => kept(shape, value.as_object()?).into(),
        Kind::List(element, _) => {
            let mut list: Vec<Value> = Vec::new();
            let mut known: Vec<String> = Vec::new();
            for value in value
                .as_array()?
                .iter()
                .filter_map(|v| fitting("value", element, v))
            {
                if let Some(told) = told(name, &value) {
                    let Some(told) = told else { continue };
                    if known.contains(&told) {
                        continue;
                    }
                    known.push(told);
                }
                list.push(value);
            }
            list.into()
        }
    })
}

/// What tells an element from the others, where the list has a key: `None`
/// inside for an element without any, or with one that nobody can write.
fn told(list: &str, element: &Value) -> Option<Option<String>> {
    let (_, key) = KEYS
        .iter()
        .find(|(name, key)| *name == list && !key.is_empty())?;
    let part = |name: &&str| match element.get(*name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None if *name == "protocol" => "tcp".to_owned(),
        None => String::new(),
    };
    let parts: Vec<String> = key.iter().map(part).collect();
    let fits = match list {
        "containerDefinitions" => !parts[0].is_empty() && parts[0].chars().all(plain),
        "portMappings" => {
            let port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
            let range = |text: &str| {
                text.split_once('-')
                    .is_some_and(|(a, b)| port(a) && port(b))
            };
            (port(&parts[0]) && parts[1].is_empty()) || (parts[0].is_empty() && range(&parts[1]))
        }
        _ => parts.iter().any(|part| !part.is_empty()),
    };
    Some(fits.then(|| parts.join(" ")))
}

fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn without_nulls(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(list) => Some(list.iter().filter_map(without_nulls).collect()),
        Value::Object(object) => {
            let fields = object.iter();
            let fields = fields.filter_map(|(k, v)| Some((k.clone(), without_nulls(v)?)));
            Some(Value::Object(fields.collect()))
        }
        other => Some(other.clone()),
    }
}

/// The task definition as DescribeTaskDefinition shows it: defaults filled in,
/// lists and keys in any order, nothing written as null or as an empty list.
pub fn answered(document: &Map<String, Value>, rng: &mut fastrand::Rng) -> Map<String, Value> {
    let mut document = document.clone();
    document.shift_remove("tags");
    let awsvpc = document
        .get("networkMode")
        .is_some_and(|mode| mode == "awsvpc");
    if rng.bool() {
        fill(&mut document, "networkMode", json!("bridge"));
    }
    nothing(
        &mut document,
        &["volumes", "placementConstraints", "inferenceAccelerators"],
        rng,
    );
    let containers = document
        .get_mut("containerDefinitions")
        .and_then(Value::as_array_mut);
    for container in containers
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        fill(container, "cpu", json!(0));
        fill(container, "essential", json!(true));
        nothing(
            container,
            &[
                "environment",
                "mountPoints",
                "volumesFrom",
                "systemControls",
                "portMappings",
                "links",
                "secrets",
            ],
            rng,
        );
        for port in elements(container, "portMappings") {
            fill(port, "protocol", json!("tcp"));
            match port.get("containerPort").cloned() {
                Some(number) if awsvpc => {
                    if port.get("hostPort").is_none_or(|port| *port == 0) {
                        port.insert("hostPort".into(), number);
                    }
                }
                Some(_) if rng.bool() => fill(port, "hostPort", json!(0)),
                _ => {}
            }
        }
        for (list, default) in [("mountPoints", json!(false)), ("volumesFrom", json!(false))] {
            for element in elements(container, list) {
                if rng.bool() {
                    fill(element, "readOnly", default.clone());
                }
            }
        }
        if let Some(check) = container
            .get_mut("healthCheck")
            .and_then(Value::as_object_mut)
        {
            for (name, value) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
                fill(check, name, json!(value));
            }
        }
        if let Some(policy) = container
            .get_mut("restartPolicy")
            .and_then(Value::as_object_mut)
        {
            fill(policy, "restartAttemptPeriod", json!(300));
        }
        if rng.bool() {
            fill(container, "readonlyRootFilesystem", json!(false));
            fill(container, "versionConsistency", json!("enabled"));
        }
    }
    for volume in elements(&mut document, "volumes") {
        if !volume.keys().any(|name| name.ends_with("Configuration")) {
            fill(volume, "host", json!({}));
        }
        if let Some(efs) = volume
            .get_mut("efsVolumeConfiguration")
            .and_then(Value::as_object_mut)
        {
            fill(efs, "rootDirectory", json!("/"));
            fill(efs, "transitEncryption", json!("DISABLED"));
            if let Some(access) = efs
                .get_mut("authorizationConfig")
                .and_then(Value::as_object_mut)
            {
                fill(access, "iam", json!("DISABLED"));
            }
        }
    }
    if rng.bool() {
        fill(&mut document, "enableFaultInjection", json!(false));
    }
    shuffled(
        &Kind::Object(&crate::model::fields::TASK_DEFINITION),
        &mut document.into(),
        rng,
    )
}

/// Fields of a service as they are shown: in any order.
pub fn service_answered(
    fields: &Map<String, Value>,
    rng: &mut fastrand::Rng,
) -> Map<String, Value> {
    let mut fields = fields.clone();
    nothing(
        &mut fields,
        &[
            "loadBalancers",
            "serviceRegistries",
            "placementConstraints",
            "placementStrategy",
        ],
        rng,
    );
    for (name, value) in [
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("propagateTags", json!("NONE")),
    ] {
        fill(&mut fields, name, value);
    }
    for provider in elements(&mut fields, "capacityProviderStrategy") {
        fill(provider, "weight", json!(0));
        fill(provider, "base", json!(0));
    }
    if let Some(network) = fields
        .get_mut("networkConfiguration")
        .and_then(|network| network.get_mut("awsvpcConfiguration")?.as_object_mut())
    {
        fill(network, "assignPublicIp", json!("DISABLED"));
        nothing(network, &["securityGroups"], rng);
    }
    shuffled(
        &Kind::Object(&crate::model::fields::SERVICE),
        &mut fields.into(),
        rng,
    )
}

fn fill(object: &mut Map<String, Value>, name: &str, value: Value) {
    object.entry(name).or_insert(value);
}

/// An empty list where there is none.
fn nothing(object: &mut Map<String, Value>, names: &[&str], rng: &mut fastrand::Rng) {
    for name in names {
        match rng.u8(..3) {
            0 => fill(object, name, json!([])),
            1 => fill(object, name, Value::Null),
            _ => {}
        }
    }
}

fn elements<'a>(
    object: &'a mut Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let list = object.get_mut(name).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn shuffled(kind: &Kind, document: &mut Value, rng: &mut fastrand::Rng) -> Map<String, Value> {
    shuffle("", kind, document, rng);
    document.as_object().expect("an object").clone()
}

fn shuffle(name: &str, kind: &Kind, value: &mut Value, rng: &mut fastrand::Rng) {
    match (kind, value) {
        (Kind::Object(shape), Value::Object(object)) => {
            let mut fields: Vec<(String, Value)> = std::mem::take(object).into_iter().collect();
            for (name, value) in &mut fields {
                if let Some(field) = shape.field(name) {
                    shuffle(name, &field.kind, value, rng);
                }
            }
            rng.shuffle(&mut fields);
            object.extend(fields);
        }
        (Kind::Map, Value::Object(object)) => {
            let mut fields: Vec<(String, Value)> = std::mem::take(object).into_iter().collect();
            rng.shuffle(&mut fields);
            object.extend(fields);
        }
        (Kind::List(element, _), Value::Array(list)) => {
            for value in list.iter_mut() {
                shuffle("", element, value, rng);
            }
            if WITHOUT_ORDER.split_whitespace().any(|known| known == name) {
                rng.shuffle(list);
            }
        }
        _ => {}
    }
}
