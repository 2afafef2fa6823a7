//! The fields that a change touches, ready to be shown: grouped, in words,
//! live values masked. Text and Markdown are made of these rows.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::words::{defuse, defuse_line};
use crate::model::fields::{Effect, Path, Root, Step, quoted};
use crate::plan::{Change, FieldChange, effect};

/// A value longer than this is shown by what differs inside it.
const LONG: usize = 44;
/// Words that stay the same around a difference inside a long text.
const AROUND: usize = 3;
pub(super) const MASKED: &str = "(masked)";

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
}

/// The rows of a change: containers, the task, the service. Live values of
/// environment variables are masked unless `values`.
pub fn rows(change: &Change, values: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = change
        .fields
        .iter()
        .chain(&change.service.fields)
        .map(|field| row(field, values))
        .collect();
    let place = |row: &Row| match row.group.as_str() {
        "service" => 2,
        "task" => 1,
        _ => 0,
    };
    rows.sort_by_key(place);
    rows
}

fn row(change: &FieldChange, values: bool) -> Row {
    let (group, field) = place(&change.path);
    let masked = is_variable(&change.path) && !values;
    let live = |value: &Value| {
        if masked {
            MASKED.to_owned()
        } else {
            plain(&change.path, value)
        }
    };
    let inside = match (&change.from, &change.to) {
        (Some(from), Some(to)) if !masked => inside(from, to),
        _ => Vec::new(),
    };
    Row {
        effect: (change.path.root == Root::Service)
            .then(|| match change.path.steps.first() {
                Some(Step::Field(name)) => effect(name).unwrap_or(Effect::NotStated),
                _ => Effect::NotStated,
            })
            .map(words),
        group,
        field,
        from: change.from.as_ref().map(live),
        to: change.to.as_ref().map(|value| plain(&change.path, value)),
        inside,
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
        let rest = if rest.is_empty() { "(container)" } else { rest };
        return (defuse(name), defuse(rest));
    }
    match text.split_once('.') {
        Some((group, rest)) => (group.to_owned(), defuse(rest)),
        None => (text, String::new()),
    }
}

/// Whether it is the value of an environment variable, which may be a secret.
pub(super) fn is_variable(path: &Path) -> bool {
    matches!(path.steps.get(2), Some(Step::Field(name)) if name == "environment")
}

/// A value on one line. An element that says one thing only is that thing.
fn plain(path: &Path, value: &Value) -> String {
    if let (Some(Step::Element(identity)), Value::Object(element)) = (path.steps.last(), value) {
        let rest: Vec<&Value> = element
            .iter()
            .filter(|(name, _)| !identity.iter().any(|(key, _)| key == *name))
            .map(|(_, value)| value)
            .collect();
        if let [only] = rest[..] {
            return defuse(&only.to_string());
        }
    }
    defuse(&value.to_string())
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
        (wanted, defuse(&text))
    };
    vec![side(ChangeTag::Delete), side(ChangeTag::Insert)]
}
