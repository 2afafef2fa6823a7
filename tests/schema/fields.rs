//! Every field of the table is in the schema, wherever it can be written, and
//! nothing beside it.

use evenkeel::model::fields::{
    CONTAINER, Key, Kind, ListKind, SERVICE, Shape, Spelling, TASK_DEFINITION,
};
use serde_json::{Map, Value, json};

use crate::judge::Judge;

/// A file that says every field, in every way of writing lists there is.
fn everything(tables: bool) -> Value {
    json!({
        "account": "123456789012",
        "region": "us-west-1",
        "cluster": "shop",
        "services": { "web": {
            "containers": { "app": object(&CONTAINER, &["name"], tables) },
            "task": object(&TASK_DEFINITION, &["containerDefinitions"], tables),
            "service": object(&SERVICE, &[], tables),
        } },
    })
}

fn object(shape: &Shape, without: &[&str], tables: bool) -> Value {
    let fields = shape
        .fields
        .iter()
        .filter(|field| !without.contains(&field.name))
        .map(|field| {
            let value = match field.name {
                "image" => "shop/web:1".into(),
                _ => value(&field.kind, tables),
            };
            (field.name.to_owned(), value)
        });
    Value::Object(fields.collect())
}

fn value(kind: &Kind, tables: bool) -> Value {
    match kind {
        Kind::Text => "x".into(),
        Kind::Integer => 1.into(),
        Kind::Number => json!(1.5),
        Kind::Boolean => true.into(),
        Kind::Choice(words) => words[0].into(),
        Kind::Units(_) => "512".into(),
        Kind::Map => json!({ "a": "b" }),
        Kind::Any => json!({ "a": [1] }),
        Kind::Object(shape) => object(shape, &[], tables),
        Kind::List(Kind::Object(shape), ListKind::Keyed(key)) if tables => {
            match key.spelling.map(|spelling| name(shape, key, spelling)) {
                Some(name) => json!({ name: object(shape, key.identity, tables) }),
                None => json!([object(shape, &[], false)]),
            }
        }
        Kind::List(element, _) => json!([value(element, false)]),
    }
}

fn name(shape: &Shape, key: &Key, spelling: Spelling) -> String {
    match (spelling, shape.field(key.identity[0]).map(|f| f.kind)) {
        (Spelling::Port, _) => "8080/udp".to_owned(),
        (Spelling::Field, Some(Kind::Choice(words))) => words[0].to_owned(),
        (Spelling::Field, _) => "x".to_owned(),
    }
}

#[test]
fn every_field_is_known() {
    let judge = Judge::new();
    for tables in [true, false] {
        assert_eq!(judge.refuses(&everything(tables)), None);
    }
}

/// Wherever an object has fields of the table, one more is a slip.
#[test]
fn no_other_field_is_known() {
    let judge = Judge::new();
    for tables in [true, false] {
        let file = everything(tables);
        let mut objects = Vec::new();
        closed_objects(&file["services"]["web"], "/services/web", &mut objects);
        assert!(objects.len() > 50, "{}", objects.len());
        for at in objects {
            let mut file = file.clone();
            let object = file.pointer_mut(&at).and_then(Value::as_object_mut);
            object
                .expect("an object")
                .insert("zz".to_owned(), json!("x"));
            assert!(judge.refuses(&file).is_some(), "{at}");
        }
    }
}

/// The places of the objects whose keys are fields: not names that people give.
fn closed_objects(value: &Value, at: &str, found: &mut Vec<String>) {
    let below = |name: &str| format!("{at}/{}", name.replace('/', "~1"));
    match value {
        Value::Object(object) => {
            if has_fields(object) {
                found.push(at.to_owned());
            }
            for (name, value) in object {
                closed_objects(value, &below(name), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                closed_objects(value, &below(&index.to_string()), found);
            }
        }
        _ => {}
    }
}

/// Names that people give are one letter or a port here, or a container's.
fn has_fields(object: &Map<String, Value>) -> bool {
    !object
        .keys()
        .any(|name| name.len() == 1 || name == "app" || name.contains('/'))
}

/// In an array an element is whole, as AWS takes it: what ECS requires must be
/// there. What is merged may be any part.
#[test]
fn only_what_is_whole_needs_what_ecs_requires() {
    let judge = Judge::new();
    let app = |fields: Value| {
        json!({
            "account": "123456789012",
            "region": "us-west-1",
            "cluster": "shop",
            "services": { "web": { "containers": { "app": fields } } },
        })
    };
    for part in [
        json!({ "healthCheck": {} }),
        json!({ "ulimits": { "nofile": {} } }),
        json!({ "secrets": { "A": {} } }),
    ] {
        assert_eq!(judge.refuses(&app(part)), None);
    }
    for whole in [
        json!({ "ulimits": [{ "name": "nofile" }] }),
        json!({ "secrets": [{ "name": "A" }] }),
    ] {
        assert!(judge.refuses(&app(whole.clone())).is_some(), "{whole}");
    }
}
