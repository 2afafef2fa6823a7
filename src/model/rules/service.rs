//! The fields of UpdateService, and what must fit the task definition.

use serde_json::{Map, Value};

use super::super::fields::{Path, Root};
use super::{Known, Task, Violation, elements, limits, list, names, number, tags, text};

/// What is wrong with fields of a service.
pub fn service(fields: &Map<String, Value>, known: Known) -> Vec<Violation> {
    let mut found = Vec::new();
    limits::check(Root::Service, fields, &mut found);
    tags::check(Root::Service, fields, &mut found);
    percents(fields, &mut found);
    capacity(fields, known, &mut found);
    for (path, balancer) in elements(&Path::new(Root::Service), fields, "loadBalancers") {
        let (group, name) = (
            text(balancer, "targetGroupArn"),
            text(balancer, "loadBalancerName"),
        );
        if group.is_some() && name.is_some() {
            // API reference, LoadBalancer.
            let says = "a load balancer has `targetGroupArn` or `loadBalancerName`, not both";
            found.push(Violation::new("load-balancer", path, says));
        }
    }
    found
}

/// "Both minimumHealthyPercent and maximumPercent cannot be 100 as this will
/// block deployments": what ECS answers.
fn percents(fields: &Map<String, Value>, found: &mut Vec<Violation>) {
    let configuration = fields
        .get("deploymentConfiguration")
        .and_then(Value::as_object);
    let of = |name| configuration.and_then(|c| number(c, name));
    if let (Some(least), Some(most)) = (of("minimumHealthyPercent"), of("maximumPercent"))
        && least >= 100
        && most <= 100
    {
        let says = "with a minimum and a maximum of 100 percent nothing can be deployed";
        let path = at("deploymentConfiguration").field("maximumPercent");
        found.push(Violation::new("percents", path, says).hint("write maximumPercent = 200"));
    }
}

/// API reference, CapacityProviderStrategyItem.
fn capacity(fields: &Map<String, Value>, known: Known, found: &mut Vec<Violation>) {
    let items = elements(
        &Path::new(Root::Service),
        fields,
        "capacityProviderStrategy",
    );
    let with = |name: &str| {
        let above = |(_, item): &&(Path, &Map<String, Value>)| number(item, name).unwrap_or(0) > 0;
        items.iter().filter(above).count()
    };
    let mut wrong = |says: &str| {
        found.push(Violation::new(
            "capacity",
            at("capacityProviderStrategy"),
            says,
        ));
    };
    if with("base") > 1 {
        wrong("only one capacity provider can have a `base`");
    }
    if known == Known::Whole && items.len() > 1 && with("weight") == 0 {
        wrong("at least one capacity provider must have a `weight` above 0");
    }
}

fn at(field: &str) -> Path {
    Path::new(Root::Service).field(field)
}

/// What of a service's fields does not fit its task definition, which is there
/// whole (API reference, LoadBalancer, ServiceVolumeConfiguration,
/// ServiceConnectService).
pub fn together(document: &Map<String, Value>, fields: &Map<String, Value>) -> Vec<Violation> {
    let task = Task::of(document, Known::Whole);
    let mut found = Vec::new();
    for (path, balancer) in elements(&Path::new(Root::Service), fields, "loadBalancers") {
        balanced(&task, path, balancer, &mut found);
    }
    let volumes: Vec<&str> = list(document, "volumes")
        .filter_map(|volume| text(volume.as_object()?, "name"))
        .collect();
    for (path, volume) in elements(&Path::new(Root::Service), fields, "volumeConfigurations") {
        let name = text(volume, "name").unwrap_or_default();
        if !volumes.contains(&name) {
            let says = format!("the task definition has no volume `{name}`");
            found.push(Violation::new("service-volume", path, says));
        }
    }
    let ports: Vec<&str> = task
        .containers
        .iter()
        .flat_map(|container| list(container.fields, "portMappings"))
        .filter_map(|mapping| text(mapping.as_object()?, "name"))
        .collect();
    let connect = fields
        .get("serviceConnectConfiguration")
        .and_then(Value::as_object);
    let connected = connect.map_or_else(Vec::new, |connect| {
        elements(&at("serviceConnectConfiguration"), connect, "services")
    });
    for (path, service) in connected {
        let name = text(service, "portName").unwrap_or_default();
        if !ports.contains(&name) {
            let says = format!("no port of the task definition is called `{name}`");
            let hint = format!("the names of its ports: {}", names(ports.iter().copied()));
            found.push(Violation::new("port-name", path, says).hint(hint));
        }
    }
    found
}

fn balanced(
    task: &Task<'_>,
    path: Path,
    balancer: &Map<String, Value>,
    found: &mut Vec<Violation>,
) {
    let Some(name) = text(balancer, "containerName") else {
        return;
    };
    let Some(container) = task.container(name) else {
        let all = names(task.containers.iter().map(|c| c.name));
        let says = format!("a load balancer names container `{name}`, which is not there");
        found.push(
            Violation::new("load-balancer", path, says).hint(format!("the containers: {all}")),
        );
        return;
    };
    let ports: Vec<&Map<String, Value>> = list(container.fields, "portMappings")
        .filter_map(Value::as_object)
        .collect();
    // What is in a range is mapped, too, and is not looked for.
    let ranges = ports
        .iter()
        .any(|mapping| text(mapping, "containerPortRange").is_some());
    if let Some(port) = number(balancer, "containerPort")
        && !ranges
        && !ports
            .iter()
            .any(|mapping| number(mapping, "containerPort") == Some(port))
    {
        let says = format!("container `{name}` does not map port {port} of a load balancer");
        found.push(Violation::new("load-balancer", path, says));
    }
}
