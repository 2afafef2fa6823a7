//! What ECS does to a task definition that it is sent: refuses what is wrong,
//! fills in defaults, and writes sizes as integers. Whatever was sent and is
//! right stays as it was sent, unknown fields included.

use serde_json::{Map, Value};

use super::super::wire::Refusal;

const MOST_BYTES: usize = 64 * 1024;

/// A task definition as it is kept: the tags lie beside the document.
pub(in super::super) struct Normal {
    pub document: Map<String, Value>,
    pub tags: Vec<Value>,
}

/// The request as ECS keeps it, or why it is refused.
pub(in super::super) fn normalised(request: &Map<String, Value>) -> Result<Normal, Refusal> {
    let mut document = request.clone();
    let tags = document.shift_remove("tags");
    let tags = tags
        .as_ref()
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let length = Value::Object(document.clone()).to_string().len();
    if length > MOST_BYTES {
        return Err(Refusal::client(format!(
            "Actual length: '{length}'. Max allowed length is '{MOST_BYTES}' bytes."
        )));
    }
    check_tags(&tags)?;
    check_family(&document)?;
    check_containers(&document)?;
    for (key, units) in [
        ("cpu", cpu_units as fn(&str) -> Option<u64>),
        ("memory", memory_units),
    ] {
        let Some(text) = size(&document, key)? else {
            continue;
        };
        let units = units(&text)
            .ok_or_else(|| Refusal::client(format!("Invalid '{key}' setting for task.")))?;
        document.insert(key.to_owned(), units.to_string().into());
    }
    default(&mut document, "networkMode", "bridge".into());
    for key in ["volumes", "placementConstraints"] {
        default(&mut document, key, Value::Array(Vec::new()));
    }
    check_fargate(&document)?;
    let awsvpc = word(&document, "networkMode") == Some("awsvpc");
    let containers = document
        .get_mut("containerDefinitions")
        .and_then(Value::as_array_mut);
    for container in containers
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        fill_container(container, awsvpc);
    }
    Ok(Normal { document, tags })
}

fn word<'a>(document: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    document.get(key).and_then(Value::as_str)
}

fn default(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.entry(key).or_insert(value);
}

fn check_tags(tags: &[Value]) -> Result<(), Refusal> {
    if tags.len() > 50 {
        return Err(Refusal::parameter("A resource can have at most 50 tags."));
    }
    let mut keys: Vec<&str> = tags
        .iter()
        .filter_map(|tag| tag.get("key")?.as_str())
        .collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Refusal::parameter(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ));
    }
    Ok(())
}

fn check_family(document: &Map<String, Value>) -> Result<(), Refusal> {
    let family = word(document, "family").unwrap_or_default();
    if family.is_empty() {
        return Err(Refusal::client("Family should not be null or empty."));
    }
    if family.len() > 255
        || !family
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        return Err(Refusal::client("Family contains invalid characters."));
    }
    Ok(())
}

fn check_containers(document: &Map<String, Value>) -> Result<(), Refusal> {
    let containers = document
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let containers = containers.filter(|list| !list.is_empty());
    let containers =
        containers.ok_or_else(|| Refusal::client("Container list cannot be empty."))?;
    if containers.len() > 10 {
        return Err(Refusal::client(
            "Container list cannot have more than 10 containers.",
        ));
    }
    let mut names: Vec<&str> = Vec::new();
    for container in containers {
        let text = |key: &str| {
            container
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let name = text("name")
            .ok_or_else(|| Refusal::client("Container.name should not be null or empty."))?;
        if text("image").is_none() {
            return Err(Refusal::client(
                "Container.image should not be null or empty.",
            ));
        }
        if names.contains(&name) {
            return Err(Refusal::client(format!(
                "Container name {name} is not unique within the task definition."
            )));
        }
        names.push(name);
    }
    let essential = |c: &Value| c.get("essential").and_then(Value::as_bool).unwrap_or(true);
    if !containers.iter().any(essential) {
        return Err(Refusal::client(
            "Task definition must have at least one essential container.",
        ));
    }
    Ok(())
}

/// Task sizes are strings in the API's model; a number is refused as AWS's
/// own parser refuses it.
fn size(document: &Map<String, Value>, key: &str) -> Result<Option<String>, Refusal> {
    match document.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::new(
            "SerializationException",
            "NUMBER_VALUE can not be converted to a String",
        )),
    }
}

/// `1024`, `1 vCPU` or `.5vcpu`, in CPU units.
fn cpu_units(text: &str) -> Option<u64> {
    units(text, "vcpu")
}

/// `2048`, `2GB` or `0.5 gb`, in MiB.
fn memory_units(text: &str) -> Option<u64> {
    units(text, "gb")
}

/// A plain integer, or a decimal number of a unit that is 1024 small ones.
fn units(text: &str, unit: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else {
        return text.parse().ok();
    };
    let number: f64 = number.trim().parse().ok()?;
    let small = number * 1024.0;
    (small.is_finite() && small >= 0.0).then_some(small as u64)
}

fn check_fargate(document: &Map<String, Value>) -> Result<(), Refusal> {
    let compatibilities = document
        .get("requiresCompatibilities")
        .and_then(Value::as_array);
    if !compatibilities.is_some_and(|list| list.iter().any(|entry| entry == "FARGATE")) {
        return Ok(());
    }
    if word(document, "networkMode") != Some("awsvpc") {
        return Err(Refusal::client(
            "Fargate only supports network mode ‘awsvpc’.",
        ));
    }
    let number = |key| word(document, key).and_then(|text| text.parse::<u64>().ok());
    let (Some(cpu), Some(memory)) = (number("cpu"), number("memory")) else {
        return Err(Refusal::client(
            "Fargate requires that 'cpu' and 'memory' be defined at the task level.",
        ));
    };
    if fargate_size(cpu, memory) {
        return Ok(());
    }
    Err(Refusal::client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. \
         See the Amazon ECS documentation for the valid values."
    )))
}

/// Developer guide, "Task CPU and memory" for Fargate.
fn fargate_size(cpu: u64, memory: u64) -> bool {
    let (least, most, step) = match cpu {
        256 => return [512, 1024, 2048].contains(&memory),
        512 => (1024, 4096, 1024),
        1024 => (2048, 8192, 1024),
        2048 => (4096, 16_384, 1024),
        4096 => (8192, 30_720, 1024),
        8192 => (16_384, 61_440, 4096),
        16_384 => (32_768, 122_880, 8192),
        32_768 => (61_440, 249_856, 4096),
        _ => return false,
    };
    (least..=most).contains(&memory) && (memory - least).is_multiple_of(step)
}

fn fill_container(container: &mut Map<String, Value>, awsvpc: bool) {
    default(container, "cpu", 0.into());
    default(container, "essential", true.into());
    for key in [
        "portMappings",
        "environment",
        "mountPoints",
        "volumesFrom",
        "systemControls",
    ] {
        default(container, key, Value::Array(Vec::new()));
    }
    let ports = container
        .get_mut("portMappings")
        .and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        default(port, "protocol", "tcp".into());
        if let Some(number) = port.get("containerPort").cloned().filter(|_| awsvpc) {
            default(port, "hostPort", number);
        }
    }
    if let Some(check) = container
        .get_mut("healthCheck")
        .and_then(Value::as_object_mut)
    {
        for (key, value) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
            default(check, key, value.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn done(request: Value) -> Result<String, Refusal> {
        let Value::Object(request) = request else {
            panic!("an object")
        };
        normalised(&request).map(|normal| Value::Object(normal.document).to_string())
    }

    #[test]
    fn what_was_sent_stays_and_defaults_are_added() {
        let sent: Value = serde_json::from_str(
            r#"{"family":"f","novel":{"x":1.50},"containerDefinitions":[{"name":"a","image":"i","portMappings":[{"containerPort":80,"y":null}]}],"networkMode":"awsvpc","cpu":".5 vCPU","memory":"1GB","requiresCompatibilities":["FARGATE"]}"#,
        )
        .unwrap();
        assert_eq!(
            done(sent).unwrap(),
            r#"{"family":"f","novel":{"x":1.50},"containerDefinitions":[{"name":"a","image":"i","portMappings":[{"containerPort":80,"y":null,"protocol":"tcp","hostPort":80}],"cpu":0,"essential":true,"environment":[],"mountPoints":[],"volumesFrom":[],"systemControls":[]}],"networkMode":"awsvpc","cpu":"512","memory":"1024","requiresCompatibilities":["FARGATE"],"volumes":[],"placementConstraints":[]}"#
        );
    }

    #[test]
    fn what_is_wrong_is_refused_in_awss_words() {
        let why = |request| done(request).unwrap_err().message;
        let app = json!([{"name": "a", "image": "i"}]);
        assert_eq!(
            why(json!({"containerDefinitions": app})),
            "Family should not be null or empty."
        );
        assert_eq!(
            why(json!({"family": "f"})),
            "Container list cannot be empty."
        );
        assert_eq!(
            why(json!({"family": "f", "containerDefinitions": [{"name": "a"}]})),
            "Container.image should not be null or empty."
        );
        assert_eq!(
            why(json!({"family": "f", "containerDefinitions": [app[0], app[0]]})),
            "Container name a is not unique within the task definition."
        );
        let fargate = json!({"family": "f", "containerDefinitions": app, "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "4096"});
        assert_eq!(
            why(fargate),
            "No Fargate configuration exists for given values: 256 CPU, 4096 memory. See the Amazon ECS documentation for the valid values."
        );
        let long = json!({"family": "f", "containerDefinitions": app, "x": "y".repeat(70_000)});
        assert!(why(long).ends_with("Max allowed length is '65536' bytes."));
    }
}
