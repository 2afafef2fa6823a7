//! Values of environment variables that only the live document has. They may
//! be secrets; what the file declares is in Git already.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::TaskDefinition;
use crate::model::fields::{Path, Root, Step};

/// What stands in the place of a hidden value.
pub const MASKED: &str = "(masked)";

/// What the live document has in its environments.
pub struct Mask(BTreeSet<Variable>);

/// Container, name, value.
type Variable = (String, String, String);

impl Mask {
    pub fn of(live: &TaskDefinition) -> Self {
        let mut known = BTreeSet::new();
        let document = Value::Object(live.as_map().clone());
        Veil {
            keep: |container: &str, name: &str, value: &Value| {
                known.insert((container.to_owned(), name.to_owned(), value.to_string()));
                true
            },
        }
        .inside("", &document);
        Self(known)
    }

    /// A live value, with all variables masked.
    pub fn live(&self, path: &Path, value: &Value) -> Value {
        Veil {
            keep: |_: &str, _: &str, _: &Value| false,
        }
        .at(path, value)
    }

    /// A wanted value, with those variables masked that are as they are live.
    pub fn wanted(&self, path: &Path, value: &Value) -> Value {
        Veil {
            keep: |container: &str, name: &str, value: &Value| {
                let variable = (container.to_owned(), name.to_owned(), value.to_string());
                !self.0.contains(&variable)
            },
        }
        .at(path, value)
    }

    /// A whole live document.
    pub fn live_document(&self, document: &mut Map<String, Value>) {
        self.document(document, Self::live);
    }

    /// A whole wanted document.
    pub fn wanted_document(&self, document: &mut Map<String, Value>) {
        self.document(document, Self::wanted);
    }

    fn document(&self, document: &mut Map<String, Value>, side: fn(&Self, &Path, &Value) -> Value) {
        let root = Path::new(Root::Task);
        for (name, value) in document.iter_mut() {
            *value = side(self, &root.clone().field(name), value);
        }
    }
}

/// Whether the path leads to an environment or into one.
pub fn is_variable(path: &Path) -> bool {
    let is = |step: &Step| matches!(step, Step::Field(name) if name == ENVIRONMENT);
    path.steps.iter().any(is)
}

const ENVIRONMENT: &str = "environment";

struct Veil<F> {
    /// Whether a variable's value may be seen.
    keep: F,
}

impl<F: FnMut(&str, &str, &Value) -> bool> Veil<F> {
    fn at(&mut self, path: &Path, value: &Value) -> Value {
        let text = |step: &Step| match step {
            Step::Element(identity) => identity
                .first()
                .and_then(|(_, key)| key.as_str())
                .map(str::to_owned),
            Step::Field(_) => None,
        };
        let is = |step: &Step| matches!(step, Step::Field(name) if name == ENVIRONMENT);
        let list = path.steps.iter().position(is);
        let before = &path.steps[..list.unwrap_or(path.steps.len())];
        let container = before.iter().rev().find_map(text).unwrap_or_default();
        match list {
            None => self.inside(&container, value),
            Some(at) => match path.steps.get(at + 1).and_then(text) {
                None => self.list(&container, value),
                Some(name) => self.variable(&container, &name, value),
            },
        }
    }

    /// A value that may have environments in it.
    fn inside(&mut self, container: &str, value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let name = object.get("name").and_then(Value::as_str);
                let container = name.unwrap_or(container);
                let fields = object.iter().map(|(name, value)| {
                    let value = match name.as_str() {
                        ENVIRONMENT => self.list(container, value),
                        _ => self.inside(container, value),
                    };
                    (name.clone(), value)
                });
                Value::Object(fields.collect())
            }
            Value::Array(list) => {
                let list = list.iter().map(|value| self.inside(container, value));
                Value::Array(list.collect())
            }
            other => other.clone(),
        }
    }

    /// An environment, or whatever stands in its place.
    fn list(&mut self, container: &str, value: &Value) -> Value {
        match value {
            Value::Array(list) => {
                let list = list.iter().map(|entry| {
                    let name = entry.get("name").and_then(Value::as_str);
                    self.variable(container, name.unwrap_or_default(), entry)
                });
                Value::Array(list.collect())
            }
            Value::Null => Value::Null,
            other => self.variable(container, "", other),
        }
    }

    /// A variable, or its value alone.
    fn variable(&mut self, container: &str, name: &str, value: &Value) -> Value {
        match value {
            Value::Object(entry) => {
                let fields = entry.iter().map(|(field, value)| {
                    let value = match field.as_str() {
                        "name" => value.clone(),
                        _ => self.variable(container, name, value),
                    };
                    (field.clone(), value)
                });
                Value::Object(fields.collect())
            }
            Value::Null => Value::Null,
            value if (self.keep)(container, name, value) => value.clone(),
            _ => MASKED.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "hunter2";

    fn live() -> TaskDefinition {
        serde_json::from_value(json!({
            "family": "f",
            "environment": {"ODD": SECRET},
            "containerDefinitions": [
                {"name": "app", "image": "i", "environment": [
                    {"name": "A", "value": SECRET}, {"name": "A", "valueFrom": SECRET},
                    {"name": "B", "value": "1"},
                ]},
                {"name": "odd", "environment": {"A": SECRET}},
            ],
        }))
        .unwrap()
    }

    fn environment() -> Path {
        Path::container("app").field("environment")
    }

    #[test]
    fn no_live_value_is_seen_whatever_its_path_and_shape() {
        let (live, mask) = (live(), Mask::of(&live()));
        let list = environment();
        let element = list.clone().element(vec![("name".into(), "A".into())]);
        let containers = Path::new(Root::Task).field("containerDefinitions");
        let document = Value::Object(live.as_map().clone());
        for (path, value) in [
            (containers, document["containerDefinitions"].clone()),
            (
                Path::container("app"),
                document["containerDefinitions"][0].clone(),
            ),
            (
                Path::container("odd"),
                document["containerDefinitions"][1].clone(),
            ),
            (
                list.clone(),
                document["containerDefinitions"][0]["environment"].clone(),
            ),
            (
                list,
                document["containerDefinitions"][1]["environment"].clone(),
            ),
            (element.clone(), json!({"name": "A", "value": SECRET})),
            (element.clone(), json!({"name": "A", "valueFrom": SECRET})),
            (element.clone().field("value"), json!(SECRET)),
            (element.field("someday"), json!({"x": [SECRET]})),
            (
                Path::new(Root::Task).field("environment"),
                document["environment"].clone(),
            ),
        ] {
            let shown = mask.live(&path, &value).to_string();
            assert!(
                !shown.contains(SECRET) && shown.contains(MASKED),
                "{path}: {shown}"
            );
        }
        let mut whole = live.as_map().clone();
        mask.live_document(&mut whole);
        let shown = Value::Object(whole.clone()).to_string();
        assert!(!shown.contains(SECRET), "{shown}");
        // Names and all else are seen.
        assert_eq!(
            whole["containerDefinitions"][0]["environment"][2]["name"],
            "B"
        );
        assert_eq!(whole["containerDefinitions"][0]["image"], "i");
    }

    #[test]
    fn of_what_is_wanted_only_what_is_not_live_is_seen() {
        let mask = Mask::of(&live());
        let wanted = json!([
            {"name": "A", "value": SECRET}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"},
        ]);
        assert_eq!(
            mask.wanted(&environment(), &wanted),
            json!([
                {"name": "A", "value": MASKED}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"},
            ])
        );
        // The same in another container is somebody's declaration.
        let sidecar = json!({"name": "sidecar", "environment": [{"name": "B", "value": "1"}]});
        assert_eq!(mask.wanted(&Path::container("sidecar"), &sidecar), sidecar);
    }
}
