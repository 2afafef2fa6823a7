//! A document, or any part of it, as somebody may write it in an environment
//! file: every kind of spelling that the file has.

use serde_json::{Map, Value};

use crate::model::fields::{Key, Kind, ListKind, Root, Shape, Unit, join};

/// One value that is declared, and may be changed.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Its path as a plan names it.
    pub path: String,
    /// Where the value is in the document that was declared.
    pub pointer: String,
    pub kind: Kind,
}

/// What an environment file says of a document.
pub struct Declared {
    /// What stands under `[services.web]`, but for `containers`.
    pub tree: Map<String, Value>,
    pub leaves: Vec<Leaf>,
}

struct Writer<'a> {
    rng: &'a mut fastrand::Rng,
    /// How likely each field is to be declared.
    share: f64,
    leaves: Vec<Leaf>,
}

/// A place in the document: as a plan names it, and as a JSON pointer.
#[derive(Clone)]
struct At {
    names: Vec<String>,
    pointer: String,
}

impl At {
    fn field(&self, name: &str) -> Self {
        let mut at = self.clone();
        at.names.push(name.to_owned());
        at.pointer = self.below(name);
        at
    }

    fn element(&self, index: usize, name: String) -> Self {
        let mut at = self.clone();
        at.names.push(name);
        at.pointer = format!("{}/{index}", self.pointer);
        at
    }

    fn below(&self, name: &str) -> String {
        let name = name.replace('~', "~0").replace('/', "~1");
        format!("{}/{name}", self.pointer)
    }
}

/// Declares parts of a document. The same choices are made for a document of
/// the same shape with other values in it.
pub fn declare(
    root: Root,
    document: &Map<String, Value>,
    share: f64,
    rng: &mut fastrand::Rng,
) -> Declared {
    let mut writer = Writer {
        rng,
        share,
        leaves: Vec::new(),
    };
    let at = |name: &str| At {
        names: vec![name.to_owned()],
        pointer: String::new(),
    };
    let mut tree = Map::new();
    if root == Root::Service {
        let fields = writer.fields(root.shape(), document, &at("service"), &[]);
        put(&mut tree, "service", fields);
        let leaves = writer.leaves;
        return Declared { tree, leaves };
    }
    let fields = writer.fields(
        root.shape(),
        document,
        &at("task"),
        &["containerDefinitions"],
    );
    put(&mut tree, "task", fields);
    let mut containers = Map::new();
    let list = document
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let Some(Kind::List(Kind::Object(container), _)) = root
        .shape()
        .field("containerDefinitions")
        .map(|field| field.kind)
    else {
        panic!("containers are a list");
    };
    for (index, value) in list.into_iter().flatten().enumerate() {
        let fields = value.as_object().expect("a container");
        let name = fields["name"].as_str().expect("a name");
        let at = At {
            names: vec!["containers".to_owned(), name.to_owned()],
            pointer: format!("/containerDefinitions/{index}"),
        };
        let fields = writer.fields(container, fields, &at, &["name", "image"]);
        put(&mut containers, name, fields);
    }
    put(&mut tree, "containers", containers);
    let leaves = writer.leaves;
    Declared { tree, leaves }
}

fn put(tree: &mut Map<String, Value>, name: &str, fields: Map<String, Value>) {
    if !fields.is_empty() {
        tree.insert(name.to_owned(), fields.into());
    }
}

impl Writer<'_> {
    fn picks(&mut self) -> bool {
        self.rng.f64() < self.share
    }

    fn fields(
        &mut self,
        shape: &Shape,
        object: &Map<String, Value>,
        at: &At,
        skip: &[&str],
    ) -> Map<String, Value> {
        let mut written = Map::new();
        for (name, value) in object {
            if skip.contains(&name.as_str()) || !self.picks() {
                continue;
            }
            let value = match shape.field(name) {
                Some(field) => self.value(&field.kind, value, &at.field(name)),
                None => Some(value.clone()),
            };
            if let Some(value) = value {
                written.insert(name.clone(), value);
            }
        }
        written
    }

    /// A value where tables are walked into.
    fn value(&mut self, kind: &Kind, value: &Value, at: &At) -> Option<Value> {
        match (kind, value) {
            (Kind::Object(shape), Value::Object(object)) => {
                Some(self.fields(shape, object, at, &[]).into())
            }
            (Kind::Map, Value::Object(object)) => {
                let mut written = Map::new();
                for (name, value) in object {
                    if self.picks() {
                        self.leaf(&Kind::Text, &at.field(name));
                        written.insert(name.clone(), value.clone());
                    }
                }
                (!written.is_empty()).then_some(written.into())
            }
            (Kind::List(Kind::Object(shape), ListKind::Keyed(key)), Value::Array(list)) => {
                let table = self.rng.bool() && key.spelling.is_some() && !list.is_empty();
                if table {
                    self.table(shape, *key, list, at)
                } else {
                    self.array(kind, value, at)
                }
            }
            (Kind::List(..), _) => self.array(kind, value, at),
            (Kind::Any, _) => Some(value.clone()),
            _ => {
                self.leaf(kind, at);
                Some(self.spelled(kind, value))
            }
        }
    }

    /// A list with keys, element by element.
    fn table(&mut self, shape: &Shape, key: Key, list: &[Value], at: &At) -> Option<Value> {
        let mut written = Map::new();
        for (index, element) in list.iter().enumerate() {
            let identity = key.identity_of(shape, element)?;
            let name = key.write(&identity);
            let fields = element.as_object()?;
            if !self.picks() {
                continue;
            }
            let at = at.element(index, name.clone());
            let first = self.leaves.len();
            let fields = self.fields(shape, fields, &at, key.identity);
            let short = key
                .short
                .filter(|short| fields.len() == 1 && fields.contains_key(*short));
            if let Some(short) = key.short {
                // A plan names the element alone.
                let long = join(at.field(short).names.iter().map(String::as_str));
                for leaf in &mut self.leaves[first..] {
                    if leaf.path == long {
                        leaf.path = join(at.names.iter().map(String::as_str));
                    }
                }
            }
            let plain = self.rng.bool();
            let value = match short {
                Some(short) if plain => fields[short].clone(),
                _ => fields.into(),
            };
            written.insert(name, value);
        }
        (!written.is_empty()).then_some(written.into())
    }

    /// A whole list, in AWS's shape and in any order that means the same.
    fn array(&mut self, kind: &Kind, value: &Value, at: &At) -> Option<Value> {
        if !is_whole(kind, value) {
            return None;
        }
        self.leaves_in(kind, value, at);
        Some(self.transcribed(kind, value))
    }

    fn transcribed(&mut self, kind: &Kind, value: &Value) -> Value {
        match (kind, value) {
            (Kind::Object(shape), Value::Object(object)) => {
                let fields = object.iter().map(|(name, value)| {
                    let kind = shape.field(name).map_or(Kind::Any, |field| field.kind);
                    (name.clone(), self.transcribed(&kind, value))
                });
                Value::Object(fields.collect())
            }
            (Kind::List(element, list_kind), Value::Array(list)) => {
                let mut list: Vec<Value> = list
                    .iter()
                    .map(|value| self.transcribed(element, value))
                    .collect();
                if !matches!(list_kind, ListKind::Sequence) {
                    self.rng.shuffle(&mut list);
                }
                list.into()
            }
            _ => self.spelled(kind, value),
        }
    }

    /// What may be changed inside a whole list, and how a plan then names it.
    fn leaves_in(&mut self, kind: &Kind, value: &Value, at: &At) {
        match (kind, value) {
            (Kind::Object(shape), Value::Object(object)) => {
                for (name, value) in object {
                    if let Some(field) = shape.field(name) {
                        self.leaves_in(&field.kind, value, &at.field(name));
                    }
                }
            }
            (Kind::Map, Value::Object(object)) => {
                for name in object.keys() {
                    self.leaf(&Kind::Text, &at.field(name));
                }
            }
            (Kind::List(Kind::Object(shape), ListKind::Keyed(key)), Value::Array(list)) => {
                for (index, element) in list.iter().enumerate() {
                    let Some(identity) = key.identity_of(shape, element) else {
                        continue;
                    };
                    let at = at.element(index, key.write(&identity));
                    for (name, value) in element.as_object().into_iter().flatten() {
                        let Some(field) = shape.field(name) else {
                            continue;
                        };
                        if key.identity.contains(&name.as_str()) {
                            continue;
                        }
                        let mut below = at.field(name);
                        if key.short == Some(name.as_str()) {
                            below.names.pop();
                        }
                        self.leaves_in(&field.kind, value, &below);
                    }
                }
            }
            (Kind::List(element, _), Value::Array(list)) => {
                // The list is named as a whole, whatever changes in it.
                for (index, value) in list.iter().enumerate() {
                    let first = self.leaves.len();
                    self.leaves_in(element, value, &at.element(index, String::new()));
                    for leaf in &mut self.leaves[first..] {
                        leaf.path = join(at.names.iter().map(String::as_str));
                    }
                }
            }
            (Kind::Any, _) => {}
            _ => self.leaf(kind, at),
        }
    }

    fn leaf(&mut self, kind: &Kind, at: &At) {
        self.leaves.push(Leaf {
            path: join(at.names.iter().map(String::as_str)),
            pointer: at.pointer.clone(),
            kind: *kind,
        });
    }

    /// A size in any of its spellings.
    fn spelled(&mut self, kind: &Kind, value: &Value) -> Value {
        let Kind::Units(unit) = kind else {
            return value.clone();
        };
        let large = self.rng.u8(..3);
        let small: f64 = value.as_str().and_then(|v| v.parse().ok()).expect("a size");
        let word = if *unit == Unit::Cpu { "vCPU" } else { "GB" };
        match large {
            0 => value.clone(),
            1 => format!("{} {word}", small / 1024.0).into(),
            _ => format!("{}{}", small / 1024.0, word.to_lowercase()).into(),
        }
    }
}

/// Whether no object in a list lacks what AWS requires of it.
fn is_whole(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Object(shape), Value::Object(object)) => {
            shape
                .fields
                .iter()
                .all(|field| !field.required || object.contains_key(field.name))
                && object.iter().all(|(name, value)| {
                    shape
                        .field(name)
                        .is_none_or(|field| is_whole(&field.kind, value))
                })
        }
        (Kind::List(element, _), Value::Array(list)) => {
            list.iter().all(|value| is_whole(element, value))
        }
        _ => true,
    }
}

/// Another value of the same kind, which ECS never takes for the same.
pub fn changed(leaf: &Leaf, value: &Value) -> Value {
    let number = || value.to_string().parse::<f64>().expect("a number");
    match leaf.kind {
        Kind::Integer => (number() as i64 + 1).into(),
        Kind::Number => (number() + 1.5).into(),
        Kind::Boolean => (!value.as_bool().expect("true or false")).into(),
        Kind::Units(_) => {
            let size: u64 = value.as_str().and_then(|v| v.parse().ok()).expect("a size");
            (size * 2).max(1).to_string().into()
        }
        Kind::Choice(words) if words.len() > 1 => {
            let here = value.as_str().expect("a word");
            let other = words.iter().find(|word| **word != here);
            (*other.expect("another word")).into()
        }
        _ => format!("{}x", value.as_str().expect("a text")).into(),
    }
}

/// The environment file.
pub fn file(tree: &Map<String, Value>, rng: &mut fastrand::Rng) -> String {
    let mut plain = Vec::new();
    names(&Value::Object(tree.clone()), &mut plain);
    let plain: Vec<String> = plain.iter().map(|name| text(name)).collect();
    let mut file = format!(
        "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n\
         allow-unknown-fields = true\n\n[services.web]\nallow-plain-secrets = [{}]\n",
        plain.join(", ")
    );
    for (name, value) in tree {
        match value {
            Value::Object(fields) if name == "containers" => {
                for (container, fields) in fields {
                    file += &format!("\n[services.web.containers.{}]\n", text(container));
                    table(&mut file, fields, rng);
                }
            }
            Value::Object(_) => {
                file += &format!("\n[services.web.{name}]\n");
                table(&mut file, value, rng);
            }
            // Before the first header.
            value => {
                let line = format!("{name} = {}\n", inline(value));
                let head = file.find("allow-plain-secrets").expect("it is there");
                file.insert_str(head, &line);
            }
        }
    }
    file
}

/// Every name in it, since a value beside it may look like a secret.
fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.push(name.clone());
                if name == "name" {
                    found.extend(value.as_str().map(str::to_owned));
                }
                names(value, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

fn table(file: &mut String, fields: &Value, rng: &mut fastrand::Rng) {
    for (name, value) in fields.as_object().expect("a table") {
        line(file, &key(name, rng), value, rng);
    }
}

fn line(file: &mut String, at: &str, value: &Value, rng: &mut fastrand::Rng) {
    match value {
        Value::Object(fields) if !fields.is_empty() && rng.bool() => {
            for (name, value) in fields {
                let at = format!("{at}.{}", key(name, rng));
                line(file, &at, value, rng);
            }
        }
        _ => *file += &format!("{at} = {}\n", inline(value)),
    }
}

fn key(name: &str, rng: &mut fastrand::Rng) -> String {
    let bare = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if rng.bool() && bare {
        name.to_owned()
    } else {
        text(name)
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(inline).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{} = {}", text(name), inline(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Null => panic!("TOML has no null"),
        other => other.to_string(),
    }
}

/// A string as TOML writes it.
fn text(value: &str) -> String {
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => text += &format!("\\u{:04X}", c as u32),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}
