//! A place in a task definition or a service, and what stands there.
//!
//! Elements of lists are named by what tells them apart, never by their
//! position. Whatever is not on the path is never touched.

use std::fmt;

use serde_json::{Map, Value};

use super::key::field_or_default;
use super::{Field, Identity, Kind, SERVICE, Shape, TASK_DEFINITION, join};

/// The document that a path begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// The request of RegisterTaskDefinition, `tags` included.
    Task,
    /// The fields of UpdateService, and `tags`.
    Service,
}

/// From an object to one of its fields, or from a list to one of its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Field(String),
    Element(Identity),
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub root: Root,
    pub steps: Vec<Step>,
}

/// The document has another shape than the path: nothing can be read or
/// written there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at} is {found}, not {wanted}")]
pub struct WrongShape {
    /// The place, in the file's spelling.
    pub at: String,
    pub found: &'static str,
    pub wanted: &'static str,
}

impl Root {
    pub fn shape(self) -> &'static Shape {
        match self {
            Root::Task => &TASK_DEFINITION,
            Root::Service => &SERVICE,
        }
    }
}

impl Path {
    pub fn new(root: Root) -> Self {
        Self {
            root,
            steps: Vec::new(),
        }
    }

    /// The definition of a container.
    pub fn container(name: &str) -> Self {
        Self::new(Root::Task)
            .field("containerDefinitions")
            .element(vec![("name".to_owned(), name.into())])
    }

    #[must_use]
    pub fn field(mut self, name: &str) -> Self {
        self.steps.push(Step::Field(name.to_owned()));
        self
    }

    #[must_use]
    pub fn element(mut self, identity: Identity) -> Self {
        self.steps.push(Step::Element(identity));
        self
    }

    /// Whether the other path is this one or below it.
    pub fn contains(&self, other: &Self) -> bool {
        self.root == other.root && other.steps.starts_with(&self.steps)
    }

    /// What the table knows of the last field on the path, `None` when that
    /// field is not in it. For an element it is the field of its list.
    pub fn known(&self) -> Option<&'static Field> {
        self.walk().last().and_then(|(field, _)| *field)
    }

    /// The kind of what stands here, where the table knows it.
    pub fn kind(&self) -> Option<Kind> {
        match self.walk().last() {
            Some((_, kind)) => *kind,
            None => Some(Kind::Object(self.root.shape())),
        }
    }

    /// The page of the API reference that describes the last field on the path.
    pub fn source(&self) -> Option<String> {
        let is_field = |step: &Step| matches!(step, Step::Field(_));
        let last = self.steps.iter().rposition(is_field)?;
        let above = Self {
            root: self.root,
            steps: self.steps[..last].to_vec(),
        };
        match (above.kind()?, &self.steps[last]) {
            (Kind::Object(shape), Step::Field(name)) => {
                shape.field(name).map(|field| shape.source(field.name))
            }
            _ => None,
        }
    }

    /// For each step the field that it is in, and the kind of what it leads to.
    fn walk(&self) -> Vec<(Option<&'static Field>, Option<Kind>)> {
        let mut kind = Some(Kind::Object(self.root.shape()));
        let mut within = None;
        let step = |step: &Step| {
            (within, kind) = match (step, kind) {
                (Step::Field(name), Some(Kind::Object(shape))) => {
                    let field = shape.field(name);
                    (field, field.map(|field| field.kind))
                }
                (Step::Field(_), Some(Kind::Map)) => (within, Some(Kind::Text)),
                (Step::Element(_), Some(Kind::List(element, _))) => (within, Some(*element)),
                _ => (None, None),
            };
            (within, kind)
        };
        self.steps.iter().map(step).collect()
    }

    /// What stands here.
    ///
    /// # Errors
    /// The document has another shape on the way, or two elements of a list
    /// have the identity.
    pub fn get<'a>(
        &self,
        document: &'a Map<String, Value>,
    ) -> Result<Option<&'a Value>, WrongShape> {
        let kinds = self.walk();
        let Some((Step::Field(first), rest)) = self.steps.split_first() else {
            return Ok(None);
        };
        let Some(mut here) = document.get(first) else {
            return Ok(None);
        };
        for (index, step) in rest.iter().enumerate() {
            let next = match (step, here) {
                (_, Value::Null) => None,
                (Step::Field(name), Value::Object(object)) => object.get(name),
                (Step::Element(identity), Value::Array(list)) => {
                    let position = self.find(index + 1, kinds[index].1, identity, list)?;
                    position.and_then(|position| list.get(position))
                }
                (step, found) => return Err(self.wrong(index + 1, step, found)),
            };
            match next {
                Some(value) => here = value,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    /// Puts a value here. What is missing on the way is made; a new element
    /// goes to the end of its list. An object for an element, or for a field
    /// that the table knows as an object, is merged into what is there, so
    /// that an empty one only asks for it to be there; every other value
    /// replaces what was there.
    ///
    /// # Errors
    /// The document has another shape on the way, or two elements of a list
    /// have the identity. The document is then as it was.
    pub fn set(&self, document: &mut Map<String, Value>, value: Value) -> Result<(), WrongShape> {
        let Some((Step::Field(first), rest)) = self.steps.split_first() else {
            return Ok(());
        };
        let kinds = self.walk();
        let mut here = document.entry(first.as_str()).or_insert(Value::Null);
        for (index, step) in rest.iter().enumerate() {
            if here.is_null() {
                *here = match step {
                    Step::Field(_) => Value::Object(Map::new()),
                    Step::Element(_) => Value::Array(Vec::new()),
                };
            }
            here = match (step, here) {
                (Step::Field(name), Value::Object(object)) => {
                    object.entry(name.as_str()).or_insert(Value::Null)
                }
                (Step::Element(identity), Value::Array(list)) => {
                    let kind = kinds[index].1;
                    let position = match self.find(index + 1, kind, identity, list)? {
                        Some(position) => position,
                        None => {
                            list.push(new_element(kind, identity));
                            list.len() - 1
                        }
                    };
                    &mut list[position]
                }
                (step, found) => return Err(self.wrong(index + 1, step, found)),
            };
        }
        let merged = matches!(self.kind(), Some(Kind::Object(_) | Kind::Map));
        match (here, value) {
            (Value::Object(there), Value::Object(fields)) if merged => there.extend(fields),
            (here, value) => *here = value,
        }
        Ok(())
    }

    /// Takes away what stands here, and answers what it was.
    ///
    /// # Errors
    /// As of `get`; the document is then as it was.
    pub fn remove(&self, document: &mut Map<String, Value>) -> Result<Option<Value>, WrongShape> {
        if self.get(document)?.is_none() {
            return Ok(None);
        }
        let Some((last, above)) = self.steps.split_last() else {
            return Ok(None);
        };
        let kinds = self.walk();
        let Some((Step::Field(first), rest)) = above.split_first() else {
            return Ok(match last {
                Step::Field(name) => document.shift_remove(name),
                Step::Element(_) => None,
            });
        };
        let mut here = document.get_mut(first);
        for (index, step) in rest.iter().enumerate() {
            here = match (step, here) {
                (Step::Field(name), Some(Value::Object(object))) => object.get_mut(name),
                (Step::Element(identity), Some(Value::Array(list))) => {
                    let position = self.find(index + 1, kinds[index].1, identity, list)?;
                    position.and_then(|position| list.get_mut(position))
                }
                _ => None,
            };
        }
        Ok(match (last, here) {
            (Step::Field(name), Some(Value::Object(object))) => object.shift_remove(name),
            (Step::Element(identity), Some(Value::Array(list))) => {
                let kind = kinds[above.len() - 1].1;
                let position = self.find(above.len(), kind, identity, list)?;
                position.map(|position| list.remove(position))
            }
            _ => None,
        })
    }

    /// The position of the one element with this identity; what an element
    /// leaves out counts as its default.
    fn find(
        &self,
        steps: usize,
        list_kind: Option<Kind>,
        identity: &Identity,
        list: &[Value],
    ) -> Result<Option<usize>, WrongShape> {
        let shape = list_kind.and_then(|kind| kind.shape());
        let is = |element: &Value| {
            let Some(element) = element.as_object() else {
                return false;
            };
            identity.iter().all(|(name, wanted)| match shape {
                Some(shape) => field_or_default(shape, element, name).as_ref() == Some(wanted),
                None => element.get(name) == Some(wanted),
            })
        };
        let mut found = (0..list.len()).filter(|position| is(&list[*position]));
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(WrongShape {
                at: self.up_to(steps + 1),
                found: "there more than once",
                wanted: "one element",
            }),
        }
    }

    fn wrong(&self, steps: usize, step: &Step, found: &Value) -> WrongShape {
        WrongShape {
            at: self.up_to(steps),
            found: match found {
                Value::Null => "null",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                Value::String(_) => "a string",
                Value::Array(_) => "a list",
                Value::Object(_) => "an object",
            },
            wanted: match step {
                Step::Field(_) => "an object",
                Step::Element(_) => "a list",
            },
        }
    }

    fn up_to(&self, steps: usize) -> String {
        let steps = self.steps[..steps.min(self.steps.len())].to_vec();
        let root = self.root;
        Self { root, steps }.to_string()
    }
}

/// An element that is nothing but its identity, less what ECS fills in anyway.
fn new_element(list_kind: Option<Kind>, identity: &Identity) -> Value {
    let shape = list_kind.and_then(|kind| kind.shape());
    let filled_in = |name: &str, value: &Value| {
        let field = shape.and_then(|shape| shape.field(name));
        field.and_then(Field::default_value).as_ref() == Some(value)
    };
    let told = identity
        .iter()
        .filter(|(name, value)| !filled_in(name, value));
    Value::Object(told.cloned().collect())
}

/// As the environment file spells it: `containers.app.environment.LOG_LEVEL`,
/// `task.cpu`, `service.desiredCount`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.walk();
        let key_of = |element: usize| {
            let list = element.checked_sub(1).and_then(|list| kinds.get(list));
            list.and_then(|(_, kind)| kind.as_ref()?.key())
        };
        let mut names: Vec<String> = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Field(name) => {
                    let last = index + 1 == self.steps.len();
                    let key = index.checked_sub(1).and_then(key_of);
                    let short = key.and_then(|key| key.short);
                    // A plain value stands for the whole element.
                    if !(last && short == Some(name.as_str())) {
                        names.push(name.clone());
                    }
                }
                Step::Element(identity) => names.push(match key_of(index) {
                    Some(key) => key.write(identity),
                    None => Value::Object(identity.iter().cloned().collect()).to_string(),
                }),
            }
        }
        if self.root == Root::Task && names.first().is_some_and(|n| n == "containerDefinitions") {
            names[0] = "containers".to_owned();
        } else {
            let root = match self.root {
                Root::Task => "task",
                Root::Service => "service",
            };
            names.insert(0, root.to_owned());
        }
        f.write_str(&join(names.iter().map(String::as_str)))
    }
}
