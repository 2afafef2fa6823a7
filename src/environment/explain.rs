//! The TOML parser's messages in plain words, with what to do.
//!
//! A message that is not known here is shown as it is.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::mistakes::Mistake;
use super::show::brief;

/// Whether the parser came to the end of the file between brackets.
pub(super) fn never_closed(message: &str) -> bool {
    message.starts_with("unclosed inline table")
        || (message.starts_with("unclosed array") && !message.starts_with("unclosed array table"))
}

/// Whether the parser was between the brackets of a list or an inline table.
pub(super) fn within_brackets(message: &str) -> bool {
    message.starts_with("missing comma")
        || message.starts_with("missing key for inline table")
        || message.starts_with("invalid inline table element")
        || message.starts_with("unexpected `=` in array")
        || never_closed(message)
}

pub(super) fn mistake(text: &str, span: Range<usize>, message: &str) -> Mistake {
    let raw = text.get(span.clone()).unwrap_or_default();
    let line_start = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
    let before = text[line_start..span.start].trim();
    let starts = |beginning| message.starts_with(beginning);
    let at = |what: &str| Mistake::new(span.clone(), what);
    // Words that begin like `true`, `nan` or `inf` are taken for misspelled ones.
    let word = starts("invalid boolean") || starts("invalid float");
    if starts("string values must be quoted")
        || (word && raw.starts_with(|c: char| c.is_ascii_alphabetic()))
    {
        return unquoted(at, raw, before);
    }
    if starts("key with no value") {
        let rest = text[span.start..].lines().next().unwrap_or_default().trim();
        return no_value(at, before, rest);
    }
    if starts("unquoted keys cannot be empty") {
        return match before.starts_with('[') {
            true => {
                at("this header has an empty name").help("write it as [services.NAME]".to_owned())
            }
            false => at("the key is missing").help("write KEY = VALUE".to_owned()),
        };
    }
    if starts("invalid multi-line") {
        return open_string(text, span);
    }
    let next = text[span.start..].chars().next();
    if next.is_some_and(|c| c.is_control() && !"\r\n".contains(c)) {
        return at("a control character cannot stand here").help("take it out".to_owned());
    }
    if starts("invalid basic string") || starts("invalid literal string") {
        return at("this string does not end")
            .help("close it with the quote it starts with".to_owned());
    }
    if starts("unclosed") {
        let what = message
            .split(',')
            .next()
            .unwrap_or_default()
            .trim_start_matches("unclosed ");
        let what = match what {
            "table" | "array table" => "header",
            "array" => "list",
            other => other,
        };
        let close = message.rsplit('`').nth(1).unwrap_or("]");
        return at(&format!("this {what} does not end")).help(format!("close it with {close}"));
    }
    if within_brackets(message) {
        return at("the list or inline table before this does not end")
            .help("close it with ] or }, or put a comma between its parts".to_owned());
    }
    if starts("duplicate key") {
        return at(&format!(
            "`{}` is already declared in another way",
            brief(raw)
        ))
        .help("keep all of a table under its [header]".to_owned());
    }
    if starts("cannot extend value") {
        return at(&format!(
            "`{}` is already declared, and not as a table",
            brief(raw)
        ))
        .help("keep one of them".to_owned());
    }
    let (what, help) = match message {
        _ if starts("unexpected key or value") => (
            "the line should end here",
            "write one key or one [header] a line",
        ),
        _ if starts("missing value") => ("the value is missing", "write it after the ="),
        _ if starts("unexpected leading zero") => (
            "a number cannot start with 0",
            "if it is text, such as an account, put it in quotes",
        ),
        _ if starts("missing escaped value") => (
            "a backslash means something in a string",
            "write \\\\ for one, or put the string in 'single quotes'",
        ),
        _ if starts("carriage return") => (
            "a carriage return stands alone",
            "save the file with ordinary line ends (LF or CRLF)",
        ),
        _ if starts("cannot recurse") || starts("recursion limit") => (
            "this is nested too deeply",
            "no table of an environment file goes so deep",
        ),
        _ => return at(&format!("not valid TOML: {message}")),
    };
    at(what).help(help.to_owned())
}

fn unquoted(at: impl Fn(&str) -> Mistake, raw: &str, before: &str) -> Mistake {
    // Word processors and chats make quotes curly.
    let bare = raw.trim_matches(['“', '”', '‘', '’', '„', '«', '»', '"', '\'']);
    let key = before.trim_end_matches('=').trim_end();
    if bare.is_empty() {
        return at("the value is missing").help(format!("write {} = \"…\"", brief(key)));
    }
    if key == "provenance" {
        // The only key that is no string; YAML and others have many words for it.
        let help = match bare.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => "write true",
            "false" | "no" | "off" => "write false",
            _ => "write true or false",
        };
        return at("this is neither true nor false").help(help.to_owned());
    }
    let what = if bare == raw {
        "a string needs quotes"
    } else {
        "these are not straight quotes"
    };
    at(what).help(format!("write \"{}\"", brief(bare)))
}

fn no_value(at: impl Fn(&str) -> Mistake, before: &str, rest: &str) -> Mistake {
    if rest.starts_with(']') {
        return at("this header does not begin").help(format!("write [{}]", brief(before)));
    }
    if let Some(key) = before.strip_suffix(':') {
        return at("a value comes after =, not after :").help(as_in_toml(key, rest));
    }
    let key = brief(before);
    at(&format!("`{key}` has no value")).help(format!("write {key} = …"))
}

/// A line of YAML (or of a JSON object) in TOML.
fn as_in_toml(key: &str, value: &str) -> String {
    let quoted = value.starts_with(['"', '\'']);
    let value = match value.find(" #") {
        Some(comment) if !quoted => &value[..comment],
        _ => value,
    };
    let value = value.trim_end().trim_end_matches(',');
    let key = brief(key.trim());
    if value.is_empty() || value.starts_with('#') {
        return match key.as_str() {
            "services" => "write [services.NAME] for each service".to_owned(),
            _ => format!("write [{key}] for a table, {key} = \"…\" for a value"),
        };
    }
    match DeValue::parse(value).as_ref().map(Spanned::get_ref) {
        Ok(DeValue::Boolean(_)) if key == "provenance" => format!("write {key} = {value}"),
        Ok(DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_)) => {
            format!("write {key} = {}", brief(value))
        }
        // All other values of an environment file are strings.
        _ if !value.contains(['"', '\\']) => format!("write {key} = \"{}\"", brief(value)),
        _ => format!("write {key} = \"…\""),
    }
}

/// The parser finds the end of the file; the string's beginning is what helps.
fn open_string(text: &str, span: Range<usize>) -> Mistake {
    let quotes = if text[..span.start].rfind("\"\"\"") > text[..span.start].rfind("'''") {
        "\"\"\""
    } else {
        "'''"
    };
    let span = text[..span.start]
        .rfind(quotes)
        .map_or(span, |start| start..start + 3);
    Mistake::new(span, "this string does not end").help(format!("close it with {quotes}"))
}
