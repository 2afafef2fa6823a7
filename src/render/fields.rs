//! The fields that a change touches, ready to be shown: grouped, in words,
//! live values masked. Text and Markdown are made of these rows.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::words::{defuse, defuse_line};
use crate::model::fields::{Effect, Identity, Kind, Path, Root, Step, quoted};
use crate::plan::{Change, FieldChange, MASKED, Mask, effect, is_variable};

/// A value longer than this is shown by what differs inside it.
const LONG: usize = 44;
/// Words that stay the same around a difference inside a long text.
const AROUND: usize = 3;
/// A side of a difference that is still longer than this is cut down to the
/// characters around what differs.
const LONGEST: usize = 66;
const CHARACTERS_AROUND: usize = 20;

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The container's name, `task` or `service`.
    pub group: String,
    /// The field below that, in the file's spelling.
    pub field: String,
    /// As it is live, on one line; `None` when it is not there.
    pub from: Option<String>,
    /// As it is to be.
    pub to: Option<String>,
    /// What differs inside, line by line; takes the place of `from` and `to`.
    pub inside: Vec<(ChangeTag, String)>,
    /// What it does to the tasks, for a field of the service.
    pub effect: Option<&'static str>,
    /// It is part of something that is new as a whole.
    pub part: bool,
}

/// The rows of a change: containers, the task, the service. Live values of
/// environment variables are masked unless `values`.
pub fn rows(change: &Change, values: bool) -> Vec<Row> {
    let mask = (!values).then(|| Mask::of(&change.before));
    let mut rows: Vec<Row> = change
        .fields
        .iter()
        .chain(&change.service.fields)
        .flat_map(|field| of_change(field, mask.as_ref()))
        .collect();
    let place = |row: &Row| match row.group.as_str() {
        "service" => 2,
        "task" => 1,
        _ => 0,
    };
    rows.sort_by_key(place);
    rows
}

/// A container that is new is shown field by field, one that goes by its image.
fn of_change(change: &FieldChange, mask: Option<&Mask>) -> Vec<Row> {
    if !is_container(&change.path) {
        return vec![row(change, mask)];
    }
    let (group, _) = place(&change.path);
    let whole = |from: Option<String>, to: Option<String>| Row {
        group: group.clone(),
        field: "(container)".to_owned(),
        from,
        to,
        inside: Vec::new(),
        effect: None,
        part: false,
    };
    let image = |container: &Value| {
        let image = container.get("image").and_then(Value::as_str);
        defuse(image.unwrap_or("(no image)"))
    };
    match (&change.from, &change.to) {
        (Some(from), None) => vec![whole(Some(image(from)), None)],
        (None, Some(to)) => {
            let mut rows = vec![whole(None, Some("new".to_owned()))];
            let mut parts = Vec::new();
            leaves(&change.path, to, &mut parts);
            rows.extend(parts.into_iter().map(|(path, value)| {
                let part = FieldChange {
                    path,
                    from: None,
                    to: Some(value),
                    at: change.at.clone(),
                };
                Row {
                    part: true,
                    ..row(&part, mask)
                }
            }));
            rows
        }
        _ => vec![row(change, mask)],
    }
}

fn is_container(path: &Path) -> bool {
    path.root == Root::Task
        && matches!(path.steps.as_slice(), [Step::Field(list), Step::Element(_)] if list == "containerDefinitions")
}

/// What a new container says, each with its path.
fn leaves(path: &Path, value: &Value, found: &mut Vec<(Path, Value)>) {
    match (path.kind(), value) {
        (Some(Kind::Object(shape)), Value::Object(object)) if !object.is_empty() => {
            let key: &[(String, Value)] = match path.steps.last() {
                Some(Step::Element(identity)) => identity,
                _ => &[],
            };
            let rest = || object.iter().filter(|(name, _)| !is_key(key, name));
            if rest().next().is_none() && !is_container(path) {
                return found.push((path.clone(), value.clone()));
            }
            // The image before all else, as it is asked for first.
            let image = |name: &str| shape.name != "ContainerDefinition" || name != "image";
            let mut fields: Vec<_> = rest().collect();
            fields.sort_by_key(|(name, _)| image(name));
            for (name, value) in fields {
                leaves(&path.clone().field(name), value, found);
            }
        }
        (Some(Kind::Map), Value::Object(map)) if !map.is_empty() => {
            for (name, value) in map {
                found.push((path.clone().field(name), value.clone()));
            }
        }
        (Some(kind @ Kind::List(..)), Value::Array(list)) if !list.is_empty() => {
            let identities: Option<Vec<Identity>> =
                kind.key().zip(kind.shape()).and_then(|(key, shape)| {
                    list.iter()
                        .map(|element| key.identity_of(shape, element))
                        .collect()
                });
            match identities {
                Some(identities) => {
                    for (identity, element) in identities.into_iter().zip(list) {
                        leaves(&path.clone().element(identity), element, found);
                    }
                }
                None => found.push((path.clone(), value.clone())),
            }
        }
        _ => found.push((path.clone(), value.clone())),
    }
}

fn is_key(key: &[(String, Value)], name: &str) -> bool {
    key.iter().any(|(field, _)| field == name)
}

fn row(change: &FieldChange, mask: Option<&Mask>) -> Row {
    let (group, field) = place(&change.path);
    let path = &change.path;
    let from = change.from.as_ref().map(|value| match mask {
        Some(mask) => mask.live(path, value),
        None => value.clone(),
    });
    let to = change.to.as_ref().map(|value| match mask {
        Some(mask) => mask.wanted(path, value),
        None => value.clone(),
    });
    let masked = mask.is_some() && is_variable(path);
    let inside = match (&from, &to) {
        (Some(from), Some(to)) if !masked => inside(from, to),
        _ => Vec::new(),
    };
    let shown = |value: &Value| plain(path, value);
    Row {
        effect: (path.root == Root::Service)
            .then(|| match path.steps.first() {
                Some(Step::Field(name)) => effect(name).unwrap_or(Effect::NotStated),
                _ => Effect::NotStated,
            })
            .map(words),
        group,
        field,
        from: from.as_ref().map(shown),
        to: to.as_ref().map(shown),
        inside,
        part: false,
    }
}

/// What changing a field of the service does, in words.
pub fn words(effect: Effect) -> &'static str {
    match effect {
        Effect::NewDeployment => "new rollout",
        Effect::InPlace => "no new tasks",
        Effect::NotStated => "perhaps a new rollout",
    }
}

/// The group and the rest of a path.
fn place(path: &Path) -> (String, String) {
    let text = path.to_string();
    if let [Step::Field(list), Step::Element(identity), ..] = path.steps.as_slice()
        && path.root == Root::Task
        && list == "containerDefinitions"
        && let Some((_, Value::String(name))) = identity.first()
    {
        let head = format!("containers.{}", quoted(name));
        let rest = text.strip_prefix(&head).unwrap_or(&text);
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        return (defuse(name), defuse(rest));
    }
    match text.split_once('.') {
        Some((group, rest)) => (group.to_owned(), defuse(rest)),
        None => (text, String::new()),
    }
}

/// A value on one line, as the file would say it. An element goes without its
/// key, which the path has; one that says one thing more is that thing.
fn plain(path: &Path, value: &Value) -> String {
    let (Some(Step::Element(key)), Value::Object(element)) = (path.steps.last(), value) else {
        return defuse(&written(value));
    };
    let short = path.known().and_then(|field| field.kind.key()?.short);
    let rest: serde_json::Map<String, Value> = element
        .iter()
        .filter(|(name, _)| !is_key(key, name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    match short
        .and_then(|short| rest.get(short))
        .filter(|_| rest.len() == 1)
    {
        Some(only) => defuse(&written(only)),
        None => defuse(&written(&rest.into())),
    }
}

/// A value as an environment file has it.
fn written(value: &Value) -> String {
    match value {
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(written).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(object) => {
            let fields = object.iter();
            let fields =
                fields.map(|(name, value)| format!("{} = {}", quoted(name), written(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) if text == MASKED => text.clone(),
        other => other.to_string(),
    }
}

/// The difference inside two long values: of documents line by line, of a text
/// word by word. Empty where they are best shown whole.
fn inside(from: &Value, to: &Value) -> Vec<(ChangeTag, String)> {
    let long = |value: &Value| value.to_string().chars().count() > LONG;
    if !long(from) && !long(to) {
        return Vec::new();
    }
    match (from, to) {
        (Value::String(from), Value::String(to)) => match (document(from), document(to)) {
            (Some(from), Some(to)) => by_line(&from, &to),
            _ if from.contains('\n') || to.contains('\n') => by_line(from, to),
            _ => by_word(from, to),
        },
        (Value::String(_), _) | (_, Value::String(_)) => Vec::new(),
        (from, to) => by_line(&pretty(from), &pretty(to)),
    }
}

/// A string that holds JSON, such as a policy or a configuration.
fn document(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_object() || value.is_array()).then(|| pretty(&value))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn by_line(from: &str, to: &str) -> Vec<(ChangeTag, String)> {
    let diff = TextDiff::from_lines(from, to);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(1).iter().enumerate() {
        if index > 0 {
            lines.push((ChangeTag::Equal, "⋯".to_owned()));
        }
        for op in group {
            for line in diff.iter_changes(op) {
                lines.push((line.tag(), defuse_line(line.value())));
            }
        }
    }
    lines
}

/// One line for each side, the same stretches cut down to what is around.
fn by_word(from: &str, to: &str) -> Vec<(ChangeTag, String)> {
    let diff = TextDiff::from_words(from, to);
    let changes: Vec<(ChangeTag, &str)> = diff
        .iter_all_changes()
        .map(|change| (change.tag(), change.value()))
        .collect();
    let near = |index: usize| {
        let start = index.saturating_sub(AROUND);
        let end = (index + AROUND + 1).min(changes.len());
        changes[start..end]
            .iter()
            .any(|(tag, _)| *tag != ChangeTag::Equal)
    };
    let side = |wanted: ChangeTag| {
        let mut text = String::new();
        let mut cut = false;
        for (index, (tag, word)) in changes.iter().enumerate() {
            if *tag == ChangeTag::Equal && !near(index) {
                if !cut {
                    text.push('…');
                }
                cut = true;
            } else if *tag == ChangeTag::Equal || *tag == wanted {
                cut = false;
                text += word;
            }
        }
        text
    };
    let (old, new) = (side(ChangeTag::Delete), side(ChangeTag::Insert));
    let too_long = |text: &str| text.chars().count() > LONGEST;
    let (old, new) = if too_long(&old) || too_long(&new) {
        by_character(from, to)
    } else {
        (old, new)
    };
    vec![
        (ChangeTag::Delete, defuse(&old)),
        (ChangeTag::Insert, defuse(&new)),
    ]
}

/// Both sides without what they begin and end with alike, but for a little.
fn by_character(from: &str, to: &str) -> (String, String) {
    let (old, new): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let least = old.len().min(new.len());
    let alike = |(a, b): &(&char, &char)| a == b;
    let head = old.iter().zip(&new).take_while(alike).count();
    let tail = old.iter().rev().zip(new.iter().rev());
    let tail = tail.take(least - head).take_while(alike).count();
    let side = |text: &[char]| {
        let start = head.saturating_sub(CHARACTERS_AROUND);
        let end = text.len() - tail + tail.min(CHARACTERS_AROUND);
        let cut = |cut: bool| if cut { "…" } else { "" };
        let shown: String = text[start..end].iter().collect();
        format!("{}{shown}{}", cut(start > 0), cut(end < text.len()))
    };
    (side(&old), side(&new))
}
