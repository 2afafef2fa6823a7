//! What ECS is known to refuse, each rule in one place.
//!
//! The rules come from the API reference (and where it says so the developer
//! guide and the quotas); none that might refuse what ECS takes is here. They
//! judge documents alone: no clock, no calls, and nothing that is not known.

mod containers;
mod depends;
mod fargate;
mod limits;
mod logs;
mod network;
mod service;
mod tags;
mod task;
mod volumes;

use serde_json::{Map, Value};

use super::fields::{Path, Root};

pub use service::{service, together};

/// Something that ECS would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule's name, for programs, and to tell whether it was broken before.
    pub rule: &'static str,
    /// What breaks it.
    pub path: Path,
    pub says: String,
    pub hint: Option<String>,
}

/// How much of a document is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// What is not there is absent.
    Whole,
    /// What is not there may be live, so nothing is concluded from it.
    Part,
}

impl Violation {
    fn new(rule: &'static str, path: Path, says: impl Into<String>) -> Self {
        Self {
            rule,
            path,
            says: says.into(),
            hint: None,
        }
    }

    #[must_use]
    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the other breaks the same rule at the same place.
    pub fn is(&self, other: &Self) -> bool {
        self.rule == other.rule && self.path == other.path
    }
}

/// What is wrong with the request of RegisterTaskDefinition, its tags inside.
pub fn task_definition(document: &Map<String, Value>, known: Known) -> Vec<Violation> {
    let task = Task::of(document, known);
    let mut found = Vec::new();
    limits::check(Root::Task, document, &mut found);
    tags::check(Root::Task, document, &mut found);
    task::check(&task, &mut found);
    containers::check(&task, &mut found);
    network::check(&task, &mut found);
    depends::check(&task, &mut found);
    volumes::check(&task, &mut found);
    logs::check(&task, &mut found);
    fargate::check(&task, &mut found);
    found
}

/// A task definition, as the rules look at it.
struct Task<'a> {
    document: &'a Map<String, Value>,
    known: Known,
    containers: Vec<Container<'a>>,
}

struct Container<'a> {
    name: &'a str,
    path: Path,
    fields: &'a Map<String, Value>,
}

impl<'a> Task<'a> {
    fn of(document: &'a Map<String, Value>, known: Known) -> Self {
        let containers = list(document, "containerDefinitions")
            .filter_map(|container| {
                let fields = container.as_object()?;
                let name = text(fields, "name").unwrap_or_default();
                Some(Container {
                    name,
                    path: Path::container(name),
                    fields,
                })
            })
            .collect();
        Self {
            document,
            known,
            containers,
        }
    }

    fn is_whole(&self) -> bool {
        self.known == Known::Whole
    }

    fn lacks(&self, field: &str) -> bool {
        let value = self.document.get(field);
        value.is_none_or(|value| value.is_null() || value == "")
    }

    fn container(&self, name: &str) -> Option<&Container<'a>> {
        self.containers.iter().find(|c| c.name == name)
    }

    /// The network mode, where it is known.
    fn network_mode(&self) -> Option<&'a str> {
        let absent = self.is_whole().then_some("bridge");
        text(self.document, "networkMode").or(absent)
    }

    /// Whether it is known that it must run on Fargate.
    fn on_fargate(&self) -> bool {
        list(self.document, "requiresCompatibilities").any(|word| word == "FARGATE")
    }

    fn path(&self, field: &str) -> Path {
        Path::new(Root::Task).field(field)
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn number(object: &Map<String, Value>, name: &str) -> Option<i64> {
    object.get(name)?.as_i64()
}

/// The elements of a list; none when there is no such list.
fn list<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = object.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// The elements of a list of objects, each with its path.
fn elements<'a>(
    at: &Path,
    object: &'a Map<String, Value>,
    name: &str,
) -> Vec<(Path, &'a Map<String, Value>)> {
    let at = at.clone().field(name);
    list(object, name)
        .filter_map(|element| Some((element_path(&at, element), element.as_object()?)))
        .collect()
}

/// The path of an element, where its list has keys; else that of the list.
fn element_path(list: &Path, element: &Value) -> Path {
    let kind = list.kind();
    let key = kind.and_then(|kind| kind.key());
    let shape = kind.and_then(|kind| kind.shape());
    let identity = key
        .zip(shape)
        .and_then(|(key, shape)| key.identity_of(shape, element));
    match identity {
        Some(identity) => list.clone().element(identity),
        None => list.clone(),
    }
}

/// Names for a message: `a`, `b`.
fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
