//! How the elements of a list without order are told apart, and how such a
//! list is written as a table.
//!
//! AWS states no keys: these are the fields under which ECS refuses or merges
//! duplicates.

use serde_json::Value;

use super::{Kind, Shape};

/// The fields that tell one element from the others, each with its value.
pub type Identity = Vec<(String, Value)>;

/// What tells the elements of a list apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The fields that do so together.
    pub identity: &'static [&'static str],
    /// How a table's key says them; `None` where the list is only ever written
    /// as an array.
    pub spelling: Option<Spelling>,
    /// The field that a plain value stands for: `environment = { A = "x" }`
    /// says the `value` of A.
    pub short: Option<&'static str>,
}

/// How the key of a table names an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// It is the one identity field.
    Field,
    /// A port or a range of ports, and behind a slash the protocol unless it is
    /// tcp: `8080`, `53/udp`, `8000-8010/tcp`.
    Port,
}

/// A table's key that names no element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadKey(pub String);

/// Elements with these identity fields; with one, a table's key is its value.
pub(super) const fn by(identity: &'static [&'static str]) -> Key {
    let spelling = match identity.len() {
        1 => Some(Spelling::Field),
        _ => None,
    };
    Key {
        identity,
        spelling,
        short: None,
    }
}

pub(super) const PORT: Key = Key {
    identity: &["containerPort", "containerPortRange", "protocol"],
    spelling: Some(Spelling::Port),
    short: None,
};

impl Key {
    pub(super) const fn short(self, field: &'static str) -> Self {
        Self {
            short: Some(field),
            ..self
        }
    }

    /// The element that a table's key names.
    ///
    /// # Errors
    /// The key is empty, or is no port; or the list is never written as a table.
    pub fn read(&self, key: &str) -> Result<Identity, BadKey> {
        match self.spelling {
            _ if key.is_empty() => Err(BadKey("the key is empty".to_owned())),
            Some(Spelling::Field) => {
                let field = self.identity.first().copied().unwrap_or_default();
                Ok(vec![(field.to_owned(), key.into())])
            }
            Some(Spelling::Port) => port(key).ok_or_else(|| {
                BadKey(
                    "this is no port: write it as 8080, \"8080/udp\" or \"8000-8010\"".to_owned(),
                )
            }),
            None => Err(BadKey("this list is written as an array".to_owned())),
        }
    }

    /// How an element is called in a path: as `read` takes it, or for lists
    /// that are only arrays the values of its identity fields.
    pub fn write(&self, identity: &[(String, Value)]) -> String {
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let values: Vec<String> = identity.iter().map(|(_, value)| plain(value)).collect();
        values.join("/")
    }

    /// What tells this element from the others of its list, with defaults in
    /// the place of what it leaves out. `None` when it has no identity field.
    pub fn identity_of(&self, shape: &Shape, element: &Value) -> Option<Identity> {
        let element = element.as_object()?;
        let has = |name: &&str| element.get(*name).is_some_and(|value| !value.is_null());
        if !self.identity.iter().any(has) {
            return None;
        }
        let value = |name: &&str| {
            let value = field_or_default(shape, element, name)?;
            Some(((*name).to_owned(), value))
        };
        Some(self.identity.iter().filter_map(value).collect())
    }
}

/// The value of a field of an element, or what ECS takes in its place.
pub(super) fn field_or_default(
    shape: &Shape,
    element: &serde_json::Map<String, Value>,
    name: &str,
) -> Option<Value> {
    match element.get(name) {
        Some(value) if !value.is_null() => Some(value.clone()),
        _ => shape.field(name)?.default_value(),
    }
}

fn port(key: &str) -> Option<Identity> {
    let (ports, protocol) = match key.split_once('/') {
        Some((ports, protocol)) => (ports, protocol),
        None => (key, "tcp"),
    };
    let number = |text: &str| -> Option<u16> {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        text.parse().ok().filter(|_| plain)
    };
    let (field, value) = match ports.split_once('-') {
        None => ("containerPort", Value::from(number(ports)?)),
        Some((first, last)) if number(first)? <= number(last)? => {
            ("containerPortRange", Value::from(ports))
        }
        Some(_) => return None,
    };
    ["tcp", "udp"].contains(&protocol).then(|| {
        vec![
            (field.to_owned(), value),
            ("protocol".to_owned(), protocol.into()),
        ]
    })
}

impl super::Field {
    /// The default as a value.
    pub fn default_value(&self) -> Option<Value> {
        self.default
            .and_then(|default| serde_json::from_str(default).ok())
    }

    /// Whether the field's list may be written as a table.
    pub fn is_table(&self) -> bool {
        match self.kind {
            Kind::Map | Kind::Any | Kind::Object(_) => true,
            kind => kind.key().is_some_and(|key| key.spelling.is_some()),
        }
    }
}
