//! The documents of tests/corpus, declared whole: what the file says is what
//! the document says.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::*;
use crate::model::RESPONSE_ONLY;
use crate::model::fields::{Context, Kind, Path as Place, Root, TASK_DEFINITION, canonical_shape};

/// A document as an environment file would declare it, lists as tables where
/// they can be.
fn declared(document: &Map<String, Value>) -> String {
    let mut text = "account='123456789012'\nregion='us-west-1'\ncluster='c'\n[services.s]\nallow-unknown-fields = true\n".to_owned();
    let containers: Vec<&Map<String, Value>> = document["containerDefinitions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let names: Vec<Value> = containers
        .iter()
        .filter_map(|container| container.get("environment")?.as_array())
        .flatten()
        .filter_map(|variable| variable.get("name").cloned())
        .collect();
    writeln!(text, "allow-plain-secrets = {}", Value::from(names)).unwrap();
    let task = document
        .iter()
        .filter(|(name, _)| *name != "containerDefinitions");
    fields(&mut text, "task", &Place::new(Root::Task), task);
    for container in containers {
        let name = container["name"].as_str().unwrap();
        let header = format!("containers.{}", Value::from(name));
        let rest = container.iter().filter(|(field, _)| *field != "name");
        fields(&mut text, &header, &Place::container(name), rest);
    }
    text
}

fn fields<'a>(
    text: &mut String,
    header: &str,
    path: &Place,
    fields: impl Iterator<Item = (&'a String, &'a Value)>,
) {
    writeln!(text, "[services.s.{header}]").unwrap();
    for (name, value) in fields.filter(|(_, value)| !value.is_null()) {
        let kind = path.clone().field(name).kind();
        writeln!(text, "{} = {}", quoted(name), inline(kind, value)).unwrap();
    }
}

fn quoted(text: &str) -> String {
    // The strings of JSON are basic strings of TOML.
    Value::from(text).to_string()
}

fn inline(kind: Option<Kind>, value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let shape = kind.and_then(|kind| kind.shape());
            let fields = object.iter().filter(|(_, value)| !value.is_null());
            let fields = fields.map(|(name, value)| {
                let field = shape.and_then(|shape| shape.field(name));
                format!(
                    "{} = {}",
                    quoted(name),
                    inline(field.map(|field| field.kind), value)
                )
            });
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(list) => keyed(kind, list).unwrap_or_else(|| {
            // Inside an array everything is in AWS's shape.
            let elements: Vec<String> = list.iter().map(|value| inline(None, value)).collect();
            format!("[{}]", elements.join(", "))
        }),
        other => other.to_string(),
    }
}

/// A list as a table, if each of its elements has a key of its own.
fn keyed(kind: Option<Kind>, list: &[Value]) -> Option<String> {
    let (key, shape) = (kind?.key()?, kind?.shape()?);
    key.spelling.filter(|_| !list.is_empty())?;
    let mut elements = BTreeMap::new();
    for element in list {
        let name = key.write(&key.identity_of(shape, element)?);
        key.read(&name).ok()?;
        let mut rest = element.as_object()?.clone();
        rest.retain(|field, value| !key.identity.contains(&field.as_str()) && !value.is_null());
        let short = key
            .short
            .and_then(|short| rest.get(short).filter(|_| rest.len() == 1));
        let said = match short {
            Some(value) => inline(None, value),
            None => inline(Some(Kind::Object(shape)), &Value::Object(rest)),
        };
        if elements.insert(name, said).is_some() {
            return None;
        }
    }
    let elements = elements
        .iter()
        .map(|(name, said)| format!("{} = {said}", quoted(name)));
    Some(format!("{{ {} }}", elements.collect::<Vec<_>>().join(", ")))
}

fn built(service: &Service) -> Map<String, Value> {
    let mut document = Map::new();
    for image in &service.images {
        let container = Place::container(image.container.as_deref().unwrap());
        let text = image.image.to_string().into();
        container.field("image").set(&mut document, text).unwrap();
    }
    for assignment in &service.assignments {
        assignment
            .path
            .set(&mut document, assignment.value.clone())
            .unwrap();
    }
    document
}

fn canonical(document: &Map<String, Value>) -> Map<String, Value> {
    canonical_shape(&TASK_DEFINITION, document, Context::of(document))
}

#[test]
fn the_corpus_declared_whole_says_what_it_said() {
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut same, mut different) = (0, Vec::new());
    for entry in std::fs::read_dir("tests/corpus/task-definitions").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let read = definition::read(&std::fs::read(&path).unwrap()).unwrap();
        let mut document = read.as_map().clone();
        document.retain(|field, _| !RESPONSE_ONLY.contains(&field.as_str()));
        let containers = document["containerDefinitions"].as_array_mut().unwrap();
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            container.insert("image".to_owned(), "r.example/app:1".into());
        }
        let source = declared(&document);
        match parse("f", "f", &source) {
            Err(mistakes) => {
                for (_, message, _) in mistakes.iter() {
                    let names = refused.entry(message.to_owned()).or_default();
                    if names.last() != Some(&name) {
                        names.push(name.clone());
                    }
                }
            }
            Ok(desired) => {
                let built = built(&desired.services[0]);
                if canonical(&built) == canonical(&document) {
                    same += 1;
                } else {
                    different.push(name);
                }
            }
        }
    }
    let refused: Vec<String> = refused
        .into_iter()
        .map(|(message, mut names)| {
            names.sort();
            format!("{message}: {}", names.join(" "))
        })
        .collect();
    // They have a map or a table in the place of a list, or a port in quotes; the
    // file says what AWS takes.
    different.sort();
    assert_eq!(different.join(" "), "031 080 081 567");
    insta::assert_snapshot!(format!("{same} are right\n{}", refused.join("\n")), @r#"
    247 are right
    `"sidecar-11"` is declared twice: 118 119
    `AWS_REGION` is in the list twice: 152
    `AWS_S3_BUCKET_NAME` is in the list twice: 152
    `LIMIT_DEFAULT_VAR_PER_MINUTE` must be a string, not a number: 255
    `LIMIT_SERVICE_ACCOUNT_VAR_PER_VAR` must be a string, not a number: 255
    `LIMIT_TOKEN_VAR_PER_MINUTE` must be a string, not a number: 255
    `LIMIT_USER_VAR_PER_VAR` must be a string, not a number: 255
    `NODE_ENV` is in the list twice: 152
    `RateLimit__Auth__Var_2` must be a string, not a number: 647
    `autoprovision` must be true or false, not a string: 492
    `containerPort` must be a whole number, not a string: 085 086 155
    `cpu` must be a whole number, not a string: 273 274 275
    `dockerLabels` declares nothing: 322 688 714 716
    `hostPort` must be a whole number, not a string: 085 086
    `memoryReservation` must be a whole number, not a string: 136
    `memory` must be a string, not a number: 038 039
    `memory` must be a whole number, not a string: 273 274 275
    `task` declares nothing: 150 255 256 324
    invalid container name `$REPOSITORY_URI/$IMAGE_REPO_NAME`: a name has only letters, digits, hyphens and underscores, not '$': 085 086
    invalid container name ``: the name is empty: 290
    invalid container name `{{ must_env `BOT_NAME` }}`: a name has only letters, digits, hyphens and underscores, not '{': 249
    invalid key `ContainerPort` in `portMappings`: 557
    invalid key `HostPort` in `portMappings`: 557
    invalid key `Protcol` in `portMappings`: 557
    "#);
}
