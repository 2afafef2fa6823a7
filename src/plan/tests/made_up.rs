//! Documents that nobody has written: any field of the table, with any value.

use serde_json::{Map, Value, json};

use crate::model::fields::{Field, Kind, ListKind, Shape};

/// An object of this shape with some of its fields: those that AWS requires,
/// and others by chance.
pub fn object(shape: &Shape, rng: &mut fastrand::Rng) -> Map<String, Value> {
    let most = if shape.fields.len() > 15 { 0.25 } else { 0.6 };
    let mut object = Map::new();
    for field in shape.fields {
        if field.required || rng.f64() < most {
            let value = value(field, shape, rng);
            object.insert(field.name.to_owned(), value);
        }
    }
    // A mapping has either a port or a range.
    if shape.name == "PortMapping" {
        object.shift_remove("containerPortRange");
        if rng.bool() {
            object.shift_remove("containerPort");
            let first = rng.u16(1..60_000);
            let range = format!("{first}-{}", first + rng.u16(0..10));
            object.insert("containerPortRange".into(), range.into());
        } else {
            object.insert("containerPort".into(), rng.u16(1..).into());
        }
    }
    object
}

fn value(field: &Field, shape: &Shape, rng: &mut fastrand::Rng) -> Value {
    if field.name == "image" {
        return json!("registry.example/app:1");
    }
    if field.name == "name" && shape.name == "ContainerDefinition" {
        let letters: String = (0..8).map(|_| rng.alphanumeric()).collect();
        return letters.into();
    }
    if field.name == "family" {
        return json!("web");
    }
    of(&field.kind, rng)
}

fn of(kind: &Kind, rng: &mut fastrand::Rng) -> Value {
    match kind {
        Kind::Text => text(rng).into(),
        Kind::Integer => rng.u32(..100_000).into(),
        Kind::Number => json!(f64::from(rng.u8(..100)) / 2.0),
        Kind::Boolean => rng.bool().into(),
        Kind::Choice(words) => rng.choice(*words).copied().expect("a word").into(),
        Kind::Units(_) => (256 * rng.u32(1..64)).to_string().into(),
        Kind::Map => (0..rng.usize(1..4))
            .map(|_| (text(rng), Value::from(text(rng))))
            .collect::<Map<_, _>>()
            .into(),
        Kind::Any => json!({"x": text(rng), "list": [1, 2.5, true, {"y": []}]}),
        Kind::Object(shape) => object(shape, rng).into(),
        Kind::List(element, list_kind) => {
            let least = usize::from(matches!(list_kind, ListKind::Sequence));
            let list = (0..rng.usize(least..4)).map(|_| of(element, rng));
            list.collect()
        }
    }
}

/// Texts that are awkward for JSON, for TOML, or for a path.
fn text(rng: &mut fastrand::Rng) -> String {
    const ODD: [&str; 14] = [
        ".", "\"", "\\", "\n", "\u{7}", "=", "[", "'", " ", "#", "ü", "/", "\u{2028}", "-1",
    ];
    let length = rng.usize(1..8);
    (0..length)
        .map(|_| match rng.u8(..6) {
            0 => (*rng.choice(&ODD).expect("one")).to_owned(),
            _ => rng.alphanumeric().to_string(),
        })
        .collect()
}
