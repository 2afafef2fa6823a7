//! One form for all that ECS treats as the same.
//!
//! Errs on one side only: what has one canonical form is the same to ECS. Two
//! values that merely might be have different forms, which costs a revision,
//! never a wrong one. What the table does not know is compared as it is written.

use serde_json::{Map, Number, Value};

use super::key::field_or_default;
use super::{Field, Kind, ListKind, Shape};

/// What the meaning of a field depends on beside its own value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Context {
    /// The task's network mode is awsvpc: ECS sets every `hostPort` to its
    /// `containerPort`.
    pub awsvpc: bool,
}

impl Context {
    /// The context of everything in a task definition.
    pub fn of(task_definition: &Map<String, Value>) -> Self {
        let mode = task_definition.get("networkMode").and_then(Value::as_str);
        Self {
            awsvpc: mode == Some("awsvpc"),
        }
    }
}

/// An object without what means nothing in it: null and empty lists, and what
/// ECS fills in by itself; lists without order sorted.
pub fn canonical_shape(
    shape: &Shape,
    object: &Map<String, Value>,
    context: Context,
) -> Map<String, Value> {
    object
        .iter()
        .filter_map(|(name, value)| {
            let canonical = match shape.field(name) {
                Some(_) if is_mapped_port(name, object, context) => None,
                Some(field) => field.canonical(value, context),
                None => unknown(value),
            };
            Some((name.clone(), canonical?))
        })
        .collect()
}

/// A value without what means nothing in it, or `None` when that is all of it.
pub fn canonical(kind: &Kind, value: &Value, context: Context) -> Option<Value> {
    match (kind, value) {
        (_, Value::Null) => None,
        (_, Value::Array(list)) if list.is_empty() => None,
        // No word of AWS is the empty text; ECS keeps it, and takes it for none.
        (Kind::Choice(_), Value::String(word)) if word.is_empty() => None,
        // A map says nothing but its entries.
        (Kind::Map, Value::Object(_)) => {
            unknown(value).filter(|map| map.as_object().is_some_and(|map| !map.is_empty()))
        }
        (Kind::Object(shape), Value::Object(object)) => {
            Some(canonical_shape(shape, object, context).into())
        }
        (Kind::List(element, list_kind), Value::Array(list)) => {
            Some(canonical_list(element, *list_kind, list, context).into())
        }
        (Kind::Units(unit), _) => Some(
            unit.normal(value)
                .map_or_else(|| value.clone(), Value::from),
        ),
        // AWS reads it into a double, and answers `5.0` to `5`.
        (Kind::Number, Value::Number(number)) => {
            let double = number.as_f64().and_then(Number::from_f64);
            Some(double.map_or_else(|| value.clone(), Value::Number))
        }
        _ => unknown(value),
    }
}

impl Field {
    fn canonical(&self, value: &Value, context: Context) -> Option<Value> {
        let value = canonical(&self.kind, value, context)?;
        let default = self
            .default_value()
            .and_then(|default| canonical(&self.kind, &default, context));
        (default.as_ref() != Some(&value)).then_some(value)
    }
}

fn canonical_list(
    element: &Kind,
    list_kind: ListKind,
    list: &[Value],
    context: Context,
) -> Vec<Value> {
    let mut elements: Vec<Value> = list
        .iter()
        .map(|value| canonical(element, value, context).unwrap_or_else(|| value.clone()))
        .collect();
    match (list_kind, element) {
        (ListKind::Sequence, _) => {}
        // The key first; then the whole element, for lists with duplicates.
        (ListKind::Keyed(key), Kind::Object(shape)) => elements.sort_by_cached_key(|element| {
            let part = |name: &&str| {
                let value = field_or_default(shape, element.as_object()?, name)?;
                Some(value.to_string())
            };
            let identity: Vec<Option<String>> = key.identity.iter().map(part).collect();
            (identity, sorted(element).to_string())
        }),
        (ListKind::Keyed(_) | ListKind::Set, _) => {
            elements.sort_by_cached_key(|element| sorted(element).to_string());
        }
    }
    elements
}

/// Maps compare without order, so what they are sorted by must have none.
fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

fn is_mapped_port(name: &str, object: &Map<String, Value>, context: Context) -> bool {
    context.awsvpc && name == "hostPort" && object.get("hostPort") == object.get("containerPort")
}

/// Null, absent and an empty list are the same in any field; there is nothing
/// else to know.
fn unknown(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Object(object) => {
            let fields = object
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), unknown(value)?)));
            Some(Value::Object(fields.collect()))
        }
        other => Some(other.clone()),
    }
}
