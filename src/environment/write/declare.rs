//! Live values as a file can declare them, by the table of fields. What it
//! cannot declare, or must not, is left out and told.
//!
//! The mirror of `typed.rs` and `declared.rs`, which read what is written here.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::fields::{Identity, Key, Kind, ListKind, Path, Shape};

use super::super::secrets::is_secret;
use super::toml::{Node, key, text};

/// Something that is live and is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub path: Path,
    pub why: Why,
}

/// Why something is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Git is no place for it.
    Secret,
    /// The table of fields does not have it.
    Unknown,
    /// It has another shape than the API reference says, or words that
    /// evenkeel does not know.
    Odd,
}

impl Why {
    /// Behind the name of what is left out.
    pub fn says(self) -> &'static str {
        match self {
            Why::Secret => "looks like a secret",
            Why::Unknown => "is a field that evenkeel does not know",
            Why::Odd => "has a value that a file cannot declare",
        }
    }
}

/// The fields of an object, each as a node; those of `skipped` are not looked
/// at.
pub(super) fn fields(
    shape: &'static Shape,
    object: &Map<String, Value>,
    path: &Path,
    skipped: &[&str],
    left: &mut Vec<LeftOut>,
) -> Vec<(String, Node)> {
    let mut nodes = Vec::new();
    for (name, value) in object {
        if skipped.contains(&name.as_str()) || value.is_null() {
            continue;
        }
        let path = path.clone().field(name);
        let found = match shape.field(name) {
            Some(field) => node(field.kind, value, &path, left),
            None => Err(Why::Unknown),
        };
        match found {
            Ok(Some(node)) => nodes.push((name.clone(), node)),
            Ok(None) => {}
            Err(why) => left.push(LeftOut { path, why }),
        }
    }
    nodes
}

/// A value of this kind; nothing where it says nothing.
fn node(
    kind: Kind,
    value: &Value,
    path: &Path,
    left: &mut Vec<LeftOut>,
) -> Result<Option<Node>, Why> {
    match (kind, value) {
        (Kind::Object(shape), Value::Object(object)) => {
            Ok(table(fields(shape, object, path, &[], left)))
        }
        (Kind::Map, Value::Object(map)) => {
            let mut nodes = Vec::new();
            for (name, value) in map {
                let path = path.clone().field(name);
                match value.as_str() {
                    Some(value) if is_secret(name, value) => left.push(LeftOut {
                        path,
                        why: Why::Secret,
                    }),
                    Some(value) => nodes.push((name.clone(), Node::Plain(text(value)))),
                    None => left.push(LeftOut {
                        path,
                        why: Why::Odd,
                    }),
                }
            }
            Ok(table(nodes))
        }
        (Kind::List(element, list_kind), Value::Array(list)) => {
            if list.is_empty() {
                return Ok(None);
            }
            if let (ListKind::Keyed(key), Kind::Object(shape)) = (list_kind, *element)
                && let Some(found) = keyed(key, shape, list, path, left)
            {
                return Ok(table(found));
            }
            array(element, list_kind, list).map(|items| Some(Node::List(items)))
        }
        _ => plain(&kind, value).map(|text| Some(Node::Plain(text))),
    }
}

fn table(nodes: Vec<(String, Node)>) -> Option<Node> {
    (!nodes.is_empty()).then_some(Node::Table(nodes))
}

/// A list as a table, if each of its elements has a key of its own.
fn keyed(
    key: Key,
    shape: &'static Shape,
    list: &[Value],
    path: &Path,
    left: &mut Vec<LeftOut>,
) -> Option<Vec<(String, Node)>> {
    key.spelling?;
    let mut names = BTreeSet::new();
    let mut elements = Vec::new();
    for element in list {
        let identity = key.identity_of(shape, element)?;
        let name = name(key, &identity)?;
        if !names.insert(name.clone()) {
            return None;
        }
        elements.push((name, identity, element.as_object()?));
    }
    let mut nodes = Vec::new();
    for (name, identity, element) in elements {
        let path = path.clone().element(identity);
        let value = element.get("value").and_then(Value::as_str);
        if value.is_some_and(|value| is_secret(&name, value)) {
            let why = Why::Secret;
            left.push(LeftOut { path, why });
            continue;
        }
        let before = left.len();
        let mut fields = fields(shape, element, &path, key.identity, left);
        let node = match (key.short, fields.as_slice()) {
            (Some(short), [(only, Node::Plain(_))]) if only == short => fields.remove(0).1,
            // Nothing of it can be declared, so neither is that it is there.
            (_, []) if left.len() > before => continue,
            _ => Node::Table(fields),
        };
        nodes.push((name, node));
    }
    Some(nodes)
}

/// The key that names an element; a port without the protocol that is meant
/// anyway.
fn name(key: Key, identity: &Identity) -> Option<String> {
    let whole = key.write(identity);
    let brief = whole.strip_suffix("/tcp").map(str::to_owned);
    let is = |name: &String| key.read(name).is_ok_and(|read| read == *identity);
    brief.into_iter().chain([whole]).find(is)
}

/// A value in AWS's shape, on one line.
fn plain(kind: &Kind, value: &Value) -> Result<String, Why> {
    match (kind, value) {
        (Kind::Text, Value::String(value)) if is_secret("", value) => Err(Why::Secret),
        (Kind::Text, Value::String(value)) => Ok(text(value)),
        (Kind::Choice(words), Value::String(word)) if words.contains(&word.as_str()) => {
            Ok(text(word))
        }
        (Kind::Units(unit), Value::String(size)) if unit.normal(value).is_some() => Ok(text(size)),
        (Kind::Boolean, Value::Bool(value)) => Ok(value.to_string()),
        (Kind::Integer, Value::Number(number)) => {
            number.as_i64().map(|n| n.to_string()).ok_or(Why::Odd)
        }
        (Kind::Number, Value::Number(_)) | (Kind::Any, Value::Object(_)) => json(value),
        (Kind::Object(shape), Value::Object(object)) => whole(shape, object),
        (Kind::Map, Value::Object(map)) => {
            let pairs = map.iter().map(|(name, value)| match value.as_str() {
                Some(value) if is_secret(name, value) => Err(Why::Secret),
                Some(value) => Ok(format!("{} = {}", key(name), text(value))),
                None => Err(Why::Odd),
            });
            braces(pairs)
        }
        (Kind::List(element, list_kind), Value::Array(list)) => Ok(format!(
            "[{}]",
            array(element, *list_kind, list)?.join(", ")
        )),
        _ => Err(Why::Odd),
    }
}

/// The elements of an array, which replaces the whole list: all, or none.
fn array(element: &Kind, list_kind: ListKind, list: &[Value]) -> Result<Vec<String>, Why> {
    if let (ListKind::Keyed(key), Kind::Object(shape)) = (list_kind, element) {
        let mut names = BTreeSet::new();
        for identity in list.iter().filter_map(|e| key.identity_of(shape, e)) {
            if !names.insert(key.write(&identity)) {
                return Err(Why::Odd);
            }
        }
    }
    list.iter().map(|value| plain(element, value)).collect()
}

/// An object inside an array: nothing that AWS requires may be missing.
fn whole(shape: &'static Shape, object: &Map<String, Value>) -> Result<String, Why> {
    let lacks = |name: &str| object.get(name).is_none_or(Value::is_null);
    if shape.fields.iter().any(|f| f.required && lacks(f.name)) {
        return Err(Why::Odd);
    }
    let value_of = |name: &str| object.get(name).and_then(Value::as_str);
    if let (Some(name), Some(value)) = (value_of("name"), value_of("value"))
        && is_secret(name, value)
    {
        return Err(Why::Secret);
    }
    let fields = object.iter().filter(|(_, value)| !value.is_null());
    braces(fields.map(|(name, value)| {
        let field = shape.field(name).ok_or(Why::Unknown)?;
        Ok(format!("{} = {}", key(name), plain(&field.kind, value)?))
    }))
}

fn braces(pairs: impl Iterator<Item = Result<String, Why>>) -> Result<String, Why> {
    let pairs = pairs.collect::<Result<Vec<String>, Why>>()?;
    Ok(match pairs.as_slice() {
        [] => "{}".to_owned(),
        _ => format!("{{ {} }}", pairs.join(", ")),
    })
}

/// Any JSON but null, which TOML does not have.
fn json(value: &Value) -> Result<String, Why> {
    match value {
        Value::Null => Err(Why::Odd),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Ok(number.to_string()),
            None => match number.as_f64() {
                // With its point: TOML's integers are others.
                Some(number) if number.is_finite() => Ok(format!("{number:?}")),
                _ => Err(Why::Odd),
            },
        },
        Value::String(value) if is_secret("", value) => Err(Why::Secret),
        Value::String(value) => Ok(text(value)),
        Value::Array(list) => {
            let items = list
                .iter()
                .map(json)
                .collect::<Result<Vec<String>, Why>>()?;
            Ok(format!("[{}]", items.join(", ")))
        }
        Value::Object(object) => braces(object.iter().map(|(name, value)| {
            if value.as_str().is_some_and(|value| is_secret(name, value)) {
                return Err(Why::Secret);
            }
            Ok(format!("{} = {}", key(name), json(value)?))
        })),
    }
}
