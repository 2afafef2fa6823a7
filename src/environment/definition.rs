//! `definition = "task-definition.json"`: the bytes of a file → a whole task
//! definition, as it would be registered.

use serde_json::{Map, Value};

use crate::model::{RESPONSE_ONLY, TaskDefinition};

/// Why a file's bytes are no task definition, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Follows the file's name.
    pub(super) reason: String,
    pub(super) help: &'static str,
}

const FORMS: &str = "it is what `aws ecs describe-task-definition` prints, or what `aws ecs register-task-definition` takes";

/// What describe prints (wrapped, its tags beside the document) or what
/// register takes. What only responses have is left out.
pub(super) fn read(bytes: &[u8]) -> Result<TaskDefinition, Wrong> {
    let text = text(bytes)?;
    let json: Value = serde_json::from_str(&text).map_err(|error| not_json(&error))?;
    let Value::Object(mut whole) = json else {
        return Err(no_definition("it is not an object"));
    };
    let mut document = match whole.get_mut("taskDefinition") {
        Some(Value::Object(inner)) if !inner.is_empty() => std::mem::take(inner),
        Some(_) => return Err(no_definition("its `taskDefinition` is not an object")),
        None => std::mem::take(&mut whole),
    };
    if !document
        .get("containerDefinitions")
        .is_some_and(Value::is_array)
    {
        return Err(no_definition("it has no list `containerDefinitions`"));
    }
    document.retain(|key, _| !RESPONSE_ONLY.contains(&key.as_str()));
    if let Some(tags) = tags_beside(&mut whole)
        && !document.contains_key("tags")
    {
        document.insert("tags".to_owned(), tags);
    }
    Ok(TaskDefinition::new(document))
}

fn tags_beside(whole: &mut Map<String, Value>) -> Option<Value> {
    let tags = whole.remove("tags")?;
    tags.as_array()
        .is_some_and(|tags| !tags.is_empty())
        .then_some(tags)
}

fn no_definition(reason: &str) -> Wrong {
    Wrong {
        reason: format!("is not a task definition: {reason}"),
        help: FORMS,
    }
}

fn not_json(error: &serde_json::Error) -> Wrong {
    let text = error.to_string();
    let (line, column) = (error.line(), error.column());
    let what = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(what, _)| what);
    Wrong {
        reason: format!("is not JSON: {what} in line {line}, column {column}"),
        help: "mend the file, or print it anew with `aws ecs describe-task-definition`",
    }
}

/// UTF-8 with or without a byte order mark, or UTF-16 with one, as Windows
/// shells write it.
fn text(bytes: &[u8]) -> Result<String, Wrong> {
    let wrong = |reason: &str| Wrong {
        reason: reason.to_owned(),
        help: "save the file as UTF-8",
    };
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
        text.filter(|_| bytes.len().is_multiple_of(2))
            .ok_or_else(|| wrong("is not the UTF-16 text that it begins as"))
    };
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return utf16(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    String::from_utf8(bytes.to_vec()).map_err(|_| wrong("is not UTF-8 text"))
}
