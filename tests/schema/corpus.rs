//! Task definitions as people really write them, as environment files.

use std::collections::BTreeMap;
use std::path::Path;

use evenkeel::model::RESPONSE_ONLY;
use evenkeel::model::fields::{CONTAINER, Key, Kind, ListKind, Shape, TASK_DEFINITION};
use serde_json::{Map, Value, json};

use crate::judge::Judge;

/// What is wrong in these documents, and would be in a file.
/// The last is right as a table's key.
const WRONG: [(&str, &[&str]); 7] = [
    (
        "a string where a number belongs",
        &["085", "086", "136", "155", "273", "274", "275"],
    ),
    ("a string where true or false belongs", &["492"]),
    ("a task's memory as a number", &["038", "039"]),
    (
        "a number as the value of an environment variable",
        &["255", "647"],
    ),
    ("an empty word", &["249", "350"]),
    ("an object where a list belongs", &["557"]),
    ("a port as a string", &["031"]),
];

#[test]
fn what_people_write_fits_as_arrays() {
    judged(&WRONG, |container, task| (container, task));
}

#[test]
fn what_people_write_fits_as_tables() {
    let (_port, wrong) = WRONG.split_last().expect("documents");
    judged(wrong, |container, task| {
        let tables = |shape, object| match tables(&Kind::Object(shape), object) {
            Value::Object(object) => object,
            other => panic!("{other}"),
        };
        (
            tables(&CONTAINER, container.into()),
            tables(&TASK_DEFINITION, task.into()),
        )
    });
}

type Object = Map<String, Value>;

fn judged(wrong: &[(&str, &[&str])], written: impl Fn(Object, Object) -> (Object, Object)) {
    let judge = Judge::new();
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    let mut containers = 0;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/task-definitions");
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        let mut task = read(&path);
        let list = task.shift_remove("containerDefinitions");
        for container in list
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let mut container = container.as_object().expect("an object").clone();
            container.shift_remove("name");
            // Many are stand-ins that no registry takes.
            container.insert("image".to_owned(), "shop/web:1".into());
            let (container, task) = written(container, task.clone());
            let file = json!({
                "account": "123456789012",
                "region": "us-west-1",
                "cluster": "shop",
                "services": { "web": { "containers": { "app": container }, "task": task } },
            });
            if let Some(why) = judge.refuses(&file) {
                refused.insert(name.to_string(), why);
            }
            containers += 1;
        }
    }
    assert!(containers > 276, "{containers}");
    let wrong: Vec<&str> = wrong
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    let unexpected: Vec<String> = refused
        .iter()
        .filter(|(name, _)| !wrong.contains(&name.as_str()))
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    for name in wrong {
        assert!(refused.contains_key(name), "{name} is not refused");
    }
}

/// A document without what TOML cannot say and the table does not know.
fn read(path: &Path) -> Object {
    let bytes = std::fs::read(path).expect("a document");
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let whole: Object = serde_json::from_slice(bytes).expect("JSON");
    let wrapped = whole.get("taskDefinition").and_then(Value::as_object);
    let mut document = wrapped.unwrap_or(&whole).clone();
    document.retain(|key, _| !RESPONSE_ONLY.contains(&key.as_str()));
    match known(&Kind::Object(&TASK_DEFINITION), document.into()) {
        Value::Object(document) => document,
        other => panic!("{other}"),
    }
}

fn known(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Object(shape), Value::Object(object)) => object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .filter_map(|(name, value)| {
                let kind = shape.field(&name)?.kind;
                Some((name, known(&kind, value)))
            })
            .collect(),
        (Kind::List(element, _), Value::Array(list)) => list
            .into_iter()
            .map(|value| known(element, value))
            .collect(),
        (_, value) => value,
    }
}

/// Keyed lists as tables, where their keys tell the elements apart.
fn tables(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Object(shape), Value::Object(object)) => object
            .into_iter()
            .map(|(name, value)| match shape.field(&name) {
                Some(field) => (name, tables(&field.kind, value)),
                None => (name, value),
            })
            .collect(),
        (Kind::List(Kind::Object(shape), ListKind::Keyed(key)), Value::Array(list))
            if key.spelling.is_some() =>
        {
            table(shape, key, &list).map_or(Value::Array(list), Value::Object)
        }
        (_, value) => value,
    }
}

fn table(shape: &'static Shape, key: &Key, list: &[Value]) -> Option<Object> {
    let mut table = Map::new();
    for element in list {
        let name = key.write(&key.identity_of(shape, element)?);
        let mut fields = element.as_object()?.clone();
        fields.retain(|field, _| !key.identity.contains(&field.as_str()));
        let short = key.short.filter(|_| fields.len() == 1);
        let value = match short.and_then(|short| fields.get(short)) {
            Some(short) => short.clone(),
            None => tables(&Kind::Object(shape), fields.into()),
        };
        if key.read(&name).is_err() || table.insert(name, value).is_some() {
            return None;
        }
    }
    Some(table)
}
