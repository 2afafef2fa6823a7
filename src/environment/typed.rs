//! Single values and whole arrays of AWS's fields, checked by the table of
//! fields: TOML → JSON in AWS's shape.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use crate::model::fields::{Identity, Kind, ListKind, Path, Root, Shape, Step, Unit};

use super::keys::nearest;
use super::mistakes::Mistake;
use super::show::brief;
use super::unknown;
use super::walk::{Entry, Findings};

/// The value of a field of this kind. Objects are only read here when they are
/// elements of an array; then they must be whole.
pub(super) fn value(
    entry: &Entry<'_>,
    kind: &Kind,
    path: &Path,
    allow_unknown: bool,
    found: &mut Findings<'_>,
) -> Option<Value> {
    match kind {
        Kind::Text => text(entry, found),
        Kind::Integer => integer(entry, path, found),
        Kind::Number => number(entry, found),
        Kind::Boolean => entry.boolean(found).map(Value::from),
        Kind::Choice(words) => choice(entry, words, allow_unknown, found),
        Kind::Units(unit) => size(entry, *unit, found),
        Kind::Map => {
            let help = || format!("write {} = {{ NAME = \"…\" }}", entry.name);
            let mut map = Map::new();
            for value in entry.table(found, help)?.into_entries() {
                map.insert(value.name.to_owned(), text(&value, found)?);
            }
            Some(map.into())
        }
        Kind::Any => {
            entry.table(found, || format!("write {} = {{ … }}", entry.name))?;
            json(entry, found)
        }
        Kind::Object(shape) => object(entry, shape, path, allow_unknown, found),
        Kind::List(element, list_kind) => {
            list(entry, element, *list_kind, path, allow_unknown, found)
        }
    }
}

fn text(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Value> {
    let quoted = |raw: &str| Some(format!("write \"{raw}\""));
    let example = match entry.value {
        DeValue::Boolean(value) => format!("write \"{value}\""),
        _ => "write it in quotes".to_owned(),
    };
    entry.string(found, quoted, &example).map(Value::from)
}

fn integer(entry: &Entry<'_>, path: &Path, found: &mut Findings<'_>) -> Option<Value> {
    let name = brief(entry.name);
    let mistake = match entry.value {
        DeValue::Integer(number) => {
            if let Ok(number) = i64::from_str_radix(number.as_str(), number.radix()) {
                return Some(number.into());
            }
            let message = format!("invalid `{name}`: the number is too large");
            Mistake::new(entry.span.clone(), message)
        }
        _ if entry.span.is_empty() => return None,
        DeValue::Float(_) => {
            let message = format!("`{name}` must be a whole number");
            Mistake::new(entry.span.clone(), message).help(integer_help(entry, path))
        }
        _ => entry
            .mismatch("a whole number")
            .help(integer_help(entry, path)),
    };
    found.add(mistake);
    None
}

fn integer_help(entry: &Entry<'_>, path: &Path) -> Option<String> {
    let of_container = match path.steps.as_slice() {
        [Step::Field(_), Step::Element(_), Step::Field(name)] if path.root == Root::Task => {
            match name.as_str() {
                "cpu" => Some(Unit::Cpu),
                "memory" | "memoryReservation" => Some(Unit::Memory),
                _ => None,
            }
        }
        _ => None,
    };
    match entry.value {
        DeValue::String(text) => {
            let plain = text.trim().parse::<i64>().ok().map(|n| n.to_string());
            let units = of_container.and_then(|unit| unit.normal(&Value::from(text.as_ref())));
            let number = plain.or(units)?;
            Some(match of_container {
                Some(_) => format!(
                    "write {number}, without quotes (a container's size is a number, a task's a string)"
                ),
                None => format!("write {number}, without quotes"),
            })
        }
        DeValue::Float(float) => {
            let (whole, fraction) = float.as_str().split_once('.')?;
            let whole: i64 = whole.parse().ok()?;
            fraction
                .bytes()
                .all(|b| b == b'0')
                .then(|| format!("write {whole}"))
        }
        _ => Some("write a number, without quotes".to_owned()),
    }
}

fn number(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Value> {
    let number = match entry.value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(Number::from),
        DeValue::Float(float) => finite(float.as_str()),
        _ if entry.span.is_empty() => return None,
        _ => {
            found.add(
                entry
                    .mismatch("a number")
                    .help("write a number, without quotes".to_owned()),
            );
            return None;
        }
    };
    if number.is_none() {
        found.add(no_number(entry));
    }
    number.map(Value::Number)
}

fn finite(text: &str) -> Option<Number> {
    text.parse().ok().and_then(Number::from_f64)
}

fn no_number(entry: &Entry<'_>) -> Mistake {
    let name = brief(entry.name);
    let message = format!("invalid `{name}`: JSON has no such number");
    Mistake::new(entry.span.clone(), message)
}

/// Whether a key of a table names its element by a word that AWS does not have,
/// which is a mistake then.
pub(super) fn refuse_key(
    entry: &Entry<'_>,
    shape: &Shape,
    identity: &Identity,
    found: &mut Findings<'_>,
) -> bool {
    let wrong = identity.iter().find_map(|(name, value)| {
        let (Kind::Choice(words), Some(word)) = (shape.field(name)?.kind, value.as_str()) else {
            return None;
        };
        (!words.contains(&word)).then_some(words)
    });
    let Some(words) = wrong else {
        return false;
    };
    let help = match nearest(entry.name, words.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the words that AWS knows: {}", words.join(", ")),
    };
    let message = format!("invalid key `{}`: AWS has no such word", brief(entry.name));
    found.add(Mistake::new(entry.key.clone(), message).help(help));
    true
}

fn choice(
    entry: &Entry<'_>,
    words: &[&'static str],
    allow_unknown: bool,
    found: &mut Findings<'_>,
) -> Option<Value> {
    let known = words.iter().map(|word| format!("\"{word}\""));
    let known = known.collect::<Vec<_>>().join(", ");
    let example = match words {
        [only] => format!("write \"{only}\""),
        _ => format!("the words that AWS knows: {known}"),
    };
    let word = entry.string(found, |_| None, &example)?;
    if allow_unknown || words.contains(&word) {
        return Some(word.into());
    }
    let help = match nearest(word, words.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => example,
    };
    let message = format!("invalid `{}`: AWS has no such word", brief(entry.name));
    found.add(Mistake::new(entry.span.clone(), message).help(help));
    None
}

fn size(entry: &Entry<'_>, unit: Unit, found: &mut Findings<'_>) -> Option<Value> {
    let quoted = |raw: &str| {
        let raw = raw.replace('_', "");
        Some(format!(
            "write \"{raw}\" (a task's size is a string, a container's a number)"
        ))
    };
    let example = match unit {
        Unit::Cpu => "write it like \"512\" or \".5 vCPU\"",
        Unit::Memory => "write it like \"1024\" (MiB) or \"1 GB\"",
    };
    let text = entry.string(found, quoted, example)?;
    if unit.normal(&text.into()).is_some() {
        return Some(text.into());
    }
    let fits = |meant: &String| unit.normal(&Value::from(meant.as_str())).is_some();
    let help = meant_size(text, unit)
        .filter(fits)
        .map_or_else(|| example.to_owned(), |meant| format!("write \"{meant}\""));
    let message = format!("invalid `{}`: this is no size", brief(entry.name));
    found.add(Mistake::new(entry.span.clone(), message).help(help));
    None
}

/// What people write for a size, as ECS has it.
fn meant_size(text: &str, unit: Unit) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let without = |endings: &[&str]| {
        let number = endings.iter().find_map(|ending| text.strip_suffix(ending));
        number.map(|number| number.trim_end().to_owned())
    };
    match unit {
        Unit::Cpu => {
            let number = without(&["vcpus", "cpus", "cpu"]).unwrap_or_else(|| text.clone());
            Some(format!("{number} vCPU"))
        }
        Unit::Memory => without(&["mib", "mb", "mi", "m"])
            .or_else(|| without(&["gib", "gi", "g"]).map(|number| format!("{number} GB"))),
    }
}

/// A whole array, in AWS's shape.
fn list(
    entry: &Entry<'_>,
    element: &Kind,
    list_kind: ListKind,
    path: &Path,
    allow_unknown: bool,
    found: &mut Findings<'_>,
) -> Option<Value> {
    let Some(items) = entry.items() else {
        if !entry.span.is_empty() {
            let help = list_help(entry, element, list_kind);
            found.add(entry.mismatch("a list").help(help));
        }
        return None;
    };
    let mut elements = Vec::new();
    let mut taken = HashSet::new();
    let mut whole = true;
    for item in items {
        if matches!(element, Kind::Object(_)) && !item.value.is_table() && !item.span.is_empty() {
            let help = list_help(entry, element, list_kind);
            let message = format!("`{}` must be a list of tables", brief(entry.name));
            found.add(Mistake::new(item.span.clone(), message).help(help));
            return None;
        }
        match value(&item, element, path, allow_unknown, found) {
            Some(value) => {
                if let Some(identity) = identity(element, list_kind, &value)
                    && !taken.insert(identity.clone())
                {
                    let message = format!("`{}` is in the list twice", brief(&identity));
                    found.add(Mistake::new(item.span, message).help("keep one of them".to_owned()));
                }
                elements.push(value);
            }
            None => whole = false,
        }
    }
    whole.then_some(Value::Array(elements))
}

/// What tells an element from the others, for a message.
fn identity(element: &Kind, list_kind: ListKind, value: &Value) -> Option<String> {
    let (ListKind::Keyed(key), Kind::Object(shape)) = (list_kind, element) else {
        return None;
    };
    Some(key.write(&key.identity_of(shape, value)?))
}

fn list_help(entry: &Entry<'_>, element: &Kind, list_kind: ListKind) -> String {
    let name = brief(entry.name);
    match (element, list_kind, entry.value) {
        (Kind::Object(_), ListKind::Keyed(key), _) if key.short.is_some() => {
            format!("write it as a table: {name} = {{ NAME = \"…\" }}")
        }
        (Kind::Object(_), ListKind::Keyed(key), _) if key.spelling.is_some() => {
            format!("write it as a table: {name} = {{ KEY = {{ … }} }}")
        }
        (Kind::Object(_), ..) => format!("write {name} = [{{ … }}]"),
        (_, ListKind::Sequence, DeValue::String(text)) if is_plain_command(text) => {
            let words: Vec<String> = text
                .split_whitespace()
                .map(|w| format!("\"{w}\""))
                .collect();
            format!("write {name} = [{}]", words.join(", "))
        }
        (_, _, DeValue::String(text)) => format!("write {name} = [\"{}\"]", brief(text)),
        _ => format!("write {name} = [\"…\"]"),
    }
}

/// Whether splitting a text at its blanks is what a shell would do.
fn is_plain_command(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_./=:".contains(c);
    text.len() < 60 && text.contains(' ') && text.chars().all(plain)
}

/// An element of an array: it replaces what was there, so nothing that AWS
/// requires may be missing.
fn object(
    entry: &Entry<'_>,
    shape: &'static Shape,
    path: &Path,
    allow_unknown: bool,
    found: &mut Findings<'_>,
) -> Option<Value> {
    let table = entry.table(found, || format!("write {} = {{ … }}", brief(entry.name)))?;
    let mut object = Map::new();
    let mut whole = true;
    for field in table.into_entries() {
        let below = path.clone().field(field.name);
        let value = match shape.field(field.name) {
            Some(known) => value(&field, &known.kind, &below, allow_unknown, found),
            None if allow_unknown => json(&field, found),
            None => {
                unknown::refuse(&field, shape, found);
                None
            }
        };
        match value {
            Some(value) => {
                object.insert(field.name.to_owned(), value);
            }
            None => whole = false,
        }
    }
    if !whole {
        return None;
    }
    for missing in shape.fields.iter().filter(|field| field.required) {
        if !object.contains_key(missing.name) {
            let name = missing.name;
            found.add_missing(
                Mistake::new(entry.span.clone(), format!("`{name}` is missing"))
                    .help(format!("AWS requires it: add {name} = …")),
            );
        }
    }
    Some(object.into())
}

/// A value as it is written, for what the table does not know.
pub(super) fn json(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Value> {
    match entry.value {
        DeValue::String(text) => Some(Value::from(text.as_ref())),
        DeValue::Boolean(value) => Some((*value).into()),
        DeValue::Integer(_) | DeValue::Float(_) => number(entry, found),
        DeValue::Datetime(_) => {
            found.add(
                Mistake::new(entry.span.clone(), "AWS's fields have no dates")
                    .help("write it in quotes".to_owned()),
            );
            None
        }
        DeValue::Array(_) => {
            let items = entry.items()?;
            let values: Option<Vec<Value>> = items.iter().map(|item| json(item, found)).collect();
            values.map(Value::Array)
        }
        DeValue::Table(_) => {
            let table = entry.table(found, String::new)?;
            let fields = table.into_entries();
            let field = |field: &Entry<'_>| Some((field.name.to_owned(), json(field, found)?));
            let object: Option<Map<String, Value>> = fields.iter().map(field).collect();
            object.map(Value::Object)
        }
    }
}
