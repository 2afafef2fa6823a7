//! What differs between two documents, field by field.
//!
//! The documents are compared in their canonical form, so whatever ECS treats
//! as the same is no difference; and what differs is named by its path and
//! shown as the documents have it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::environment::Location;
use crate::model::fields::{Context, Identity, Kind, ListKind, Path, Root, canonical_shape};

/// A field that is to change.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    pub path: Path,
    /// What is live; `None` when nothing is.
    pub from: Option<Value>,
    /// What is wanted; `None` when it goes away.
    pub to: Option<Value>,
    /// Where that is declared, when one line declares it.
    pub at: Option<Location>,
}

/// What differs, in the documents' order.
pub(super) fn differences(
    root: Root,
    from: &Map<String, Value>,
    to: &Map<String, Value>,
) -> Vec<FieldChange> {
    // What ECS fills in depends on the document that it is a part of.
    let canonical = |document: &Map<String, Value>| {
        Value::Object(canonical_shape(
            root.shape(),
            document,
            Context::of(document),
        ))
    };
    let mut walk = Walk {
        from,
        to,
        found: Vec::new(),
        elsewhere: 0,
    };
    walk.compare(
        &Path::new(root),
        Some(Kind::Object(root.shape())),
        Some(&canonical(from)),
        Some(&canonical(to)),
    );
    walk.found
}

struct Walk<'a> {
    from: &'a Map<String, Value>,
    to: &'a Map<String, Value>,
    found: Vec<FieldChange>,
    /// How many places differ only by what surrounds them.
    elsewhere: usize,
}

impl Walk<'_> {
    fn compare(&mut self, path: &Path, kind: Option<Kind>, a: Option<&Value>, b: Option<&Value>) {
        if a == b {
            return;
        }
        let so_far = |walk: &Self| walk.found.len() + walk.elsewhere;
        let before = so_far(self);
        self.inside(path, kind, a, b);
        // Nothing inside differs, so it is the thing itself that is there or not.
        if so_far(self) == before {
            let (from, to) = (shown(path, self.from), shown(path, self.to));
            // With another network mode the same hostPort means something
            // else; that is the mode's difference.
            if from.is_some() && from == to {
                self.elsewhere += 1;
                return;
            }
            self.found.push(FieldChange {
                path: path.clone(),
                from,
                to,
                at: None,
            });
        }
    }

    /// Goes into what has fields or keyed elements.
    fn inside(&mut self, path: &Path, kind: Option<Kind>, a: Option<&Value>, b: Option<&Value>) {
        match kind {
            Some(Kind::List(element, ListKind::Keyed(_))) => {
                let (Some(a), Some(b)) = (elements(kind, a), elements(kind, b)) else {
                    return;
                };
                for identity in a.iter().map(|(key, _)| key).chain(news(&a, &b)) {
                    let of = |list: &[(Identity, Value)]| {
                        list.iter()
                            .find(|(key, _)| key == identity)
                            .map(|(_, element)| element.clone())
                    };
                    let path = path.clone().element(identity.clone());
                    match (of(&a), of(&b)) {
                        (Some(a), Some(b)) => {
                            self.compare(&path, Some(*element), Some(&a), Some(&b));
                        }
                        // A whole element comes or goes.
                        _ => self.found.push(FieldChange {
                            from: shown(&path, self.from),
                            to: shown(&path, self.to),
                            path,
                            at: None,
                        }),
                    }
                }
            }
            Some(Kind::Object(_) | Kind::Map | Kind::Any) | None => {
                let empty = Map::new();
                let object = |side: Option<&Value>| match side {
                    None => Some(empty.clone()),
                    Some(Value::Object(object)) => Some(object.clone()),
                    Some(_) => None,
                };
                let (Some(a), Some(b)) = (object(a), object(b)) else {
                    return;
                };
                let news = b.keys().filter(|name| !a.contains_key(*name));
                for name in a.keys().chain(news) {
                    let path = path.clone().field(name);
                    let kind = path.kind();
                    self.compare(&path, kind, a.get(name), b.get(name));
                }
            }
            Some(_) => {}
        }
    }
}

/// The elements of a keyed list, by what tells them apart; none of a list that
/// is not there. `None` where some cannot be told apart.
fn elements(kind: Option<Kind>, list: Option<&Value>) -> Option<Vec<(Identity, Value)>> {
    let (shape, key) = (kind?.shape()?, kind?.key()?);
    let list = match list {
        None => return Some(Vec::new()),
        Some(list) => list.as_array()?,
    };
    let named: Option<Vec<(Identity, Value)>> = list
        .iter()
        .map(|element| Some((key.identity_of(shape, element)?, element.clone())))
        .collect();
    let named = named?;
    let texts: BTreeSet<String> = named
        .iter()
        .map(|(identity, _)| format!("{identity:?}"))
        .collect();
    (texts.len() == named.len()).then_some(named)
}

fn news<'a>(
    a: &'a [(Identity, Value)],
    b: &'a [(Identity, Value)],
) -> impl Iterator<Item = &'a Identity> {
    b.iter()
        .map(|(key, _)| key)
        .filter(|key| !a.iter().any(|(known, _)| known == *key))
}

/// The value as the document has it. What the document leaves to ECS is not
/// there.
fn shown(path: &Path, document: &Map<String, Value>) -> Option<Value> {
    path.get(document)
        .ok()
        .flatten()
        .filter(|value| !value.is_null())
        .cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(from: &Value, to: &Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        let (Value::Object(from), Value::Object(to)) = (from, to) else {
            panic!("objects");
        };
        differences(Root::Task, from, to)
            .into_iter()
            .map(|change| (change.path.to_string(), change.from, change.to))
            .collect()
    }

    fn app(fields: Value) -> Value {
        let mut app = json!({"name": "app", "image": "i"});
        app.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        json!({"family": "f", "containerDefinitions": [app]})
    }

    #[test]
    fn what_ecs_treats_as_the_same_is_no_difference() {
        let from = app(json!({"cpu": 0, "environment": [], "essential": true}));
        assert_eq!(changes(&from, &app(json!({}))), []);
    }

    #[test]
    fn elements_are_named_by_their_key() {
        let from =
            app(json!({"environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}));
        let to =
            app(json!({"environment": [{"name": "C", "value": "3"}, {"name": "A", "value": "0"}]}));
        assert_eq!(
            changes(&from, &to),
            [
                (
                    "containers.app.environment.A".into(),
                    Some(json!("1")),
                    Some(json!("0"))
                ),
                (
                    "containers.app.environment.B".into(),
                    Some(json!({"name": "B", "value": "2"})),
                    None
                ),
                (
                    "containers.app.environment.C".into(),
                    None,
                    Some(json!({"name": "C", "value": "3"}))
                ),
            ]
        );
    }

    #[test]
    fn what_another_network_mode_makes_of_a_port_is_no_difference_of_the_port() {
        let port = json!({"containerPort": 80, "hostPort": 80});
        let of = |mode: &str| {
            let mut document = app(json!({"portMappings": [port]}));
            document["networkMode"] = mode.into();
            document
        };
        assert_eq!(
            changes(&of("awsvpc"), &of("host")),
            [(
                "task.networkMode".into(),
                Some(json!("awsvpc")),
                Some(json!("host"))
            )]
        );
    }

    #[test]
    fn a_field_below_something_new_is_named_itself() {
        assert_eq!(
            changes(
                &app(json!({})),
                &app(json!({"linuxParameters": {"initProcessEnabled": true}}))
            ),
            [(
                "containers.app.linuxParameters.initProcessEnabled".into(),
                None,
                Some(json!(true))
            )]
        );
    }

    #[test]
    fn lists_with_an_order_and_unknown_fields_are_shown_whole() {
        let from = app(json!({"command": ["a", "b"], "someday": [1]}));
        let to = app(json!({"command": ["b", "a"], "someday": [2]}));
        assert_eq!(
            changes(&from, &to),
            [
                (
                    "containers.app.command".into(),
                    Some(json!(["a", "b"])),
                    Some(json!(["b", "a"]))
                ),
                (
                    "containers.app.someday".into(),
                    Some(json!([1])),
                    Some(json!([2]))
                ),
            ]
        );
    }

    #[test]
    fn elements_that_cannot_be_told_apart_are_shown_as_a_list() {
        let twice = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
        let from = app(json!({"environment": twice}));
        let found = changes(&from, &app(json!({})));
        assert_eq!(
            found,
            [("containers.app.environment".into(), Some(twice), None)]
        );
    }
}
