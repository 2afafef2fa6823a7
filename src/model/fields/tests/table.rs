//! The table against the API's own model, and against itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::fields::{Field, Kind, ListKind, SERVICE, Seen, Shape, TASK_DEFINITION};
use crate::model::{RESPONSE_ONLY, fields::Spelling};

const MODEL: &str = include_str!("../../../../tests/api-model/fields.txt");

/// What UpdateService takes and no file declares: see `SERVICE`.
const NOT_DECLARED: [&str; 5] = [
    "UpdateService.cluster",
    "UpdateService.service",
    "UpdateService.taskDefinition",
    "UpdateService.forceNewDeployment",
    "UpdateService.deploymentController",
];

/// Shapes of what is not declared.
const NOT_REACHED: [&str; 1] = ["DeploymentController."];

/// What ECS refuses a task definition without, though the API calls it optional.
const REQUIRED_BY_ECS: [&str; 3] = [
    "ContainerDefinition.name",
    "ContainerDefinition.image",
    "Volume.name",
];

/// Every shape of the table by its name; one that is used twice is one shape.
fn shapes() -> BTreeMap<&'static str, &'static Shape> {
    fn add(shape: &'static Shape, all: &mut BTreeMap<&'static str, &'static Shape>) {
        if let Some(before) = all.insert(shape.name, shape) {
            assert_eq!(before, shape, "two shapes have one name");
            return;
        }
        for shape in shape.fields.iter().filter_map(|field| field.kind.shape()) {
            add(shape, all);
        }
    }
    let mut all = BTreeMap::new();
    add(&TASK_DEFINITION, &mut all);
    add(&SERVICE, &mut all);
    all
}

fn fields() -> impl Iterator<Item = (&'static Shape, &'static Field)> {
    shapes()
        .into_values()
        .flat_map(|shape| shape.fields.iter().map(move |field| (shape, field)))
}

fn described(kind: &Kind) -> String {
    match kind {
        Kind::Text | Kind::Units(_) => "string".to_owned(),
        Kind::Integer => "integer".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::Choice(words) => words.join("|"),
        Kind::Map => "map".to_owned(),
        Kind::Any => "any".to_owned(),
        Kind::Object(shape) => shape.name.to_owned(),
        Kind::List(element, _) => format!("list<{}>", described(element)),
    }
}

#[test]
fn the_table_has_the_fields_of_the_api_and_no_others() {
    let listed: BTreeSet<String> = MODEL
        .lines()
        .filter(|line| !line.starts_with("seen: "))
        .filter(|line| {
            let name = line.split(['*', ' ']).next().unwrap_or_default();
            !NOT_DECLARED.contains(&name)
                && !NOT_REACHED.iter().any(|shape| line.starts_with(shape))
        })
        .map(str::to_owned)
        .collect();
    assert!(listed.len() > 300);
    let ours: BTreeSet<String> = fields()
        .filter(|(shape, field)| (shape.name, field.name) != ("UpdateService", "tags"))
        .map(|(shape, field)| {
            let name = format!("{}.{}", shape.name, field.name);
            let required = field.required && !REQUIRED_BY_ECS.contains(&name.as_str());
            let star = if required { "*" } else { "" };
            format!("{name}{star} {}", described(&field.kind))
        })
        .collect();
    let missing: Vec<_> = listed.difference(&ours).collect();
    let unknown: Vec<_> = ours.difference(&listed).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing: {missing:#?}\nunknown: {unknown:#?}"
    );
    for name in REQUIRED_BY_ECS {
        assert!(fields().any(
            |(shape, field)| format!("{}.{}", shape.name, field.name) == name && field.required
        ));
    }
}

#[test]
fn no_field_is_there_twice() {
    for shape in shapes().into_values() {
        let names: BTreeSet<&str> = shape.fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), shape.fields.len(), "{}", shape.name);
    }
}

#[test]
fn keys_name_fields_of_their_elements() {
    for (shape, field) in fields() {
        let Some(key) = field.kind.key() else {
            continue;
        };
        let at = format!("{}.{}", shape.name, field.name);
        let element = field
            .kind
            .shape()
            .unwrap_or_else(|| panic!("{at}: keyed, without fields"));
        assert!(!key.identity.is_empty(), "{at}");
        for name in key.identity.iter().chain(&key.short) {
            assert!(element.field(name).is_some(), "{at}: {name}");
        }
        if key.spelling == Some(Spelling::Field) {
            assert_eq!(key.identity.len(), 1, "{at}");
        }
        assert!(
            key.short.is_none_or(|short| !key.identity.contains(&short)),
            "{at}"
        );
    }
}

#[test]
fn defaults_fit_their_kinds() {
    for (shape, field) in fields() {
        if let Some(default) = field.default {
            let value: Value = serde_json::from_str(default).expect("JSON");
            assert_eq!(value.to_string(), default, "as it would be written");
            assert!(fits(&field.kind, &value), "{}.{}", shape.name, field.name);
            assert!(
                !field.required,
                "{}.{}: what is required has no default",
                shape.name, field.name
            );
        }
    }
}

fn fits(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Text, Value::String(_)) | (Kind::Boolean, Value::Bool(_)) => true,
        (Kind::Integer, Value::Number(number)) => number.is_i64(),
        (Kind::Number, Value::Number(number)) => number.is_f64(),
        (Kind::Choice(words), Value::String(word)) => words.contains(&word.as_str()),
        (Kind::Object(shape), Value::Object(object)) => object.iter().all(|(name, value)| {
            shape
                .field(name)
                .is_some_and(|field| fits(&field.kind, value))
        }),
        (Kind::List(element, _), Value::Array(list)) => {
            list.iter().all(|value| fits(element, value))
        }
        _ => false,
    }
}

#[test]
fn what_changes_of_a_service_do_and_where_they_are_seen_is_known() {
    let seen: BTreeMap<&str, Vec<&str>> = MODEL
        .lines()
        .filter_map(|line| line.strip_prefix("seen: ")?.split_once(' '))
        .map(|(shape, fields)| (shape, fields.split(' ').collect()))
        .collect();
    for field in SERVICE.fields {
        assert!(field.effect.is_some(), "{}", field.name);
        let (shape, first) = match field.seen {
            Seen::Service => ("Service", true),
            Seen::Deployment => ("Deployment", !seen["Service"].contains(&field.name)),
            Seen::ServiceRevision => ("ServiceRevision", !seen["Deployment"].contains(&field.name)),
        };
        assert!(seen[shape].contains(&field.name) && first, "{}", field.name);
    }
    for (shape, field) in fields().filter(|(shape, _)| shape.name != "UpdateService") {
        assert!(field.effect.is_none(), "{}.{}", shape.name, field.name);
    }
    assert!(
        RESPONSE_ONLY
            .iter()
            .all(|name| TASK_DEFINITION.field(name).is_none())
    );
}

#[test]
fn sequences_are_those_whose_order_counts_or_may() {
    let sequences: BTreeSet<&str> = fields()
        .filter(|(_, field)| matches!(field.kind, Kind::List(_, ListKind::Sequence)))
        .map(|(_, field)| field.name)
        .collect();
    assert_eq!(
        sequences.into_iter().collect::<Vec<_>>().join(" "),
        "command containerConfigurations credentialSpecs dnsSearchDomains dnsServers entryPoint \
         environmentFiles lifecycleHooks mountOptions placementStrategy"
    );
}

#[test]
fn each_field_has_its_page() {
    let page = |shape: &Shape, field| shape.source(field).rsplit('/').next().map(str::to_owned);
    let container = shapes()["ContainerDefinition"];
    for (shape, field, expected) in [
        (
            container,
            "image",
            "API_ContainerDefinition.html#ECS-Type-ContainerDefinition-image",
        ),
        (
            &TASK_DEFINITION,
            "cpu",
            "API_RegisterTaskDefinition.html#ECS-RegisterTaskDefinition-request-cpu",
        ),
        (
            &SERVICE,
            "desiredCount",
            "API_UpdateService.html#ECS-UpdateService-request-desiredCount",
        ),
        (
            &SERVICE,
            "tags",
            "API_TagResource.html#ECS-TagResource-request-tags",
        ),
    ] {
        assert_eq!(page(shape, field).as_deref(), Some(expected));
    }
}
