//! The fields of ECS, from the one table in `model::fields`.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Map;

use crate::model::fields::{Effect, Field, Key, Kind, ListKind, Shape, Spelling, Unit};

use super::patterns;

/// How much of an object stands in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Any part of it: it is merged into what is live, where the rest is.
    Part,
    /// All of it, in the shape that AWS takes: it is in an array, which replaces
    /// what is live.
    Whole,
}

/// An object of this shape, without some of its fields.
pub(super) fn object(
    shape: &Shape,
    without: &[&str],
    extent: Extent,
    generator: &mut SchemaGenerator,
) -> Schema {
    let fields = || {
        shape
            .fields
            .iter()
            .filter(|field| !without.contains(&field.name))
    };
    let mut properties = Map::new();
    for field in fields() {
        let mut schema = of(&field.kind, extent, generator);
        let description = description(shape, field, extent);
        schema.insert("description".to_owned(), description.into());
        if let Some(default) = field.default_value() {
            schema.insert("default".to_owned(), default);
        }
        properties.insert(field.name.to_owned(), schema.to_value());
    }
    let mut object = json_schema!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    let required: Vec<&str> = fields()
        .filter(|field| field.required && extent == Extent::Whole)
        .map(|field| field.name)
        .collect();
    if !required.is_empty() {
        object.insert("required".to_owned(), required.into());
    }
    object
}

fn of(kind: &Kind, extent: Extent, generator: &mut SchemaGenerator) -> Schema {
    match kind {
        Kind::Text => json_schema!({ "type": "string" }),
        Kind::Integer => json_schema!({ "type": "integer" }),
        Kind::Number => json_schema!({ "type": "number" }),
        Kind::Boolean => json_schema!({ "type": "boolean" }),
        Kind::Choice(words) => json_schema!({ "type": "string", "enum": words }),
        Kind::Units(unit) => patterns::text(patterns::units(*unit)),
        Kind::Map => {
            json_schema!({ "type": "object", "additionalProperties": { "type": "string" } })
        }
        Kind::Any => json_schema!({ "type": "object" }),
        Kind::Object(shape) => object(shape, &[], extent, generator),
        Kind::List(element, list) => {
            let items = match element {
                Kind::Object(shape) => {
                    let name = shape.name.to_owned();
                    define(name, generator, |generator| {
                        object(shape, &[], Extent::Whole, generator)
                    })
                }
                other => of(other, Extent::Whole, generator),
            };
            let mut schema = json_schema!({ "type": "array", "items": items });
            if let (Extent::Part, ListKind::Keyed(key), Kind::Object(shape)) =
                (extent, list, element)
                && let Some(spelling) = key.spelling
            {
                let name = format!("{}ByKey", shape.name);
                let element = define(name, generator, |generator| by_key(shape, key, generator));
                schema.insert("type".to_owned(), ["object", "array"].as_slice().into());
                schema.insert(
                    "propertyNames".to_owned(),
                    names(shape, key, spelling).to_value(),
                );
                schema.insert("additionalProperties".to_owned(), element.to_value());
            }
            schema
        }
    }
}

/// A schema that is referred to, since it stands in many places.
fn define(
    name: String,
    generator: &mut SchemaGenerator,
    schema: impl FnOnce(&mut SchemaGenerator) -> Schema,
) -> Schema {
    let reference = Schema::new_ref(format!("#/definitions/{name}"));
    if !generator.definitions().contains_key(&name) {
        let schema = schema(generator).to_value();
        generator.definitions_mut().insert(name, schema);
    }
    reference
}

/// An element of a list that is written as a table: its identity is the key.
fn by_key(shape: &Shape, key: &Key, generator: &mut SchemaGenerator) -> Schema {
    let mut element = object(shape, key.identity, Extent::Part, generator);
    let short = key.short.and_then(|short| shape.field(short));
    match short.map(|field| field.kind) {
        None => element,
        Some(Kind::Text) => {
            element.insert("type".to_owned(), ["object", "string"].as_slice().into());
            element
        }
        Some(Kind::Integer) => {
            element.insert("type".to_owned(), ["object", "integer"].as_slice().into());
            element
        }
        Some(kind) => {
            let short = of(&kind, Extent::Part, generator);
            json_schema!({ "anyOf": [short, element] })
        }
    }
}

/// What a table's keys may be.
fn names(shape: &Shape, key: &Key, spelling: Spelling) -> Schema {
    let identity = key.identity.first().and_then(|name| shape.field(name));
    match (spelling, identity.map(|field| field.kind)) {
        (Spelling::Port, _) => json_schema!({ "pattern": patterns::PORT }),
        (Spelling::Field, Some(Kind::Choice(words))) => json_schema!({ "enum": words }),
        (Spelling::Field, _) => json_schema!({ "minLength": 1 }),
    }
}

fn description(shape: &Shape, field: &Field, extent: Extent) -> String {
    let mut says: Vec<String> = Vec::new();
    if field.required {
        says.push("ECS requires it.".to_owned());
    }
    says.extend(spelled(&field.kind, extent));
    if let Some(default) = field.default {
        says.push(format!("Without it, ECS takes `{default}`."));
    }
    match field.effect {
        Some(Effect::NewDeployment) => says.push("A change of it starts a rollout.".to_owned()),
        Some(Effect::InPlace) => says.push("A change of it starts no new tasks.".to_owned()),
        Some(Effect::NotStated) | None => {}
    }
    says.push(shape.source(field.name));
    says.join(" ")
}

/// How a value is written, where its type alone does not say it.
fn spelled(kind: &Kind, extent: Extent) -> Option<String> {
    match kind {
        Kind::Units(Unit::Cpu) => Some("CPU units, \"512\", or vCPUs, \"0.5 vCPU\".".to_owned()),
        Kind::Units(Unit::Memory) => Some("MiB, \"1024\", or GB, \"1 GB\".".to_owned()),
        Kind::List(_, ListKind::Keyed(key)) if extent == Extent::Part => {
            let by = match key.spelling? {
                Spelling::Field => key.identity.join(", "),
                Spelling::Port => "port, as in \"8080\", \"53/udp\" or \"8000-8010\"".to_owned(),
            };
            let short = key
                .short
                .map(|short| format!("; a plain value is the {short}"))
                .unwrap_or_default();
            Some(format!(
                "A table by {by}{short}: it is merged key by key. An array replaces the whole list."
            ))
        }
        Kind::List(..) if extent == Extent::Part => {
            Some("An array, which replaces the whole list.".to_owned())
        }
        _ => None,
    }
}
