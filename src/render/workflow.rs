//! What GitHub Actions reads out of a step: workflow commands on the two
//! streams, and the step's outputs in a file.
//!
//! From the runner's source (actions/runner, `ActionCommand.cs`): a line is a
//! command when it begins with `::`, whatever blanks come before, or has `##[`
//! anywhere.

use std::borrow::Cow;

use super::words::defuse;
use crate::environment::Location;

/// A command that shows an error, at a line of a file.
pub fn annotation(at: Option<&Location>, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(at) = at {
        properties.push(format!("file={}", property(&at.file)));
        properties.push(format!("line={}", at.line));
        properties.push(format!("col={}", at.column));
    }
    properties.push(format!("title={}", property(&defuse(title))));
    // Line by line, so that the line ends stay.
    let lines: Vec<String> = message.lines().map(defuse).collect();
    let (properties, message) = (properties.join(","), data(&lines.join("\n")));
    format!("::error {properties}::{message}\n")
}

/// A command that folds the log up to the next [`END_OF_GROUP`].
pub fn group(title: &str) -> String {
    format!("::group::{}\n", data(&defuse(title)))
}

pub const END_OF_GROUP: &str = "::endgroup::\n";

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// An output of the step, as the runner's file wants it. The delimiter must be
/// one that nobody can guess. None when the value has it all the same.
pub fn output(name: &str, value: &str, delimiter: &str) -> Option<String> {
    (!value.contains(delimiter)).then(|| format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// The text with no line in it that the runner would take for a command. What
/// is JSON stays that, and says the same.
pub fn harmless(text: &str) -> Cow<'_, str> {
    // Nearly all text has neither, nor styles that may hide it.
    if !text.contains("::") && !text.contains("##") && !text.contains('\x1b') {
        return Cow::Borrowed(text);
    }
    // The runner takes either for the end of a line.
    let lines = text.split_inclusive(['\n', '\r']).map(harmless_line);
    Cow::Owned(lines.collect())
}

fn harmless_line(line: &str) -> Cow<'_, str> {
    // Styles may be taken out on the way.
    let plain = anstream::adapter::strip_str(line).to_string();
    let begins = plain.trim_start().starts_with("::");
    if !begins && !plain.contains("##[") {
        return Cow::Borrowed(line);
    }
    let is_json = plain.trim_start().starts_with(['{', '"']);
    let broken = if is_json { "#\\u0023[" } else { "##'[" };
    let mark = if begins { "'" } else { "" };
    Cow::Owned(format!("{mark}{}", plain.replace("##[", broken)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the runner would take any line for a command.
    fn has_command(text: &str) -> bool {
        text.split(['\n', '\r'])
            .any(|line| line.trim_start().starts_with("::") || line.contains("##["))
    }

    #[test]
    fn an_annotation_is_one_line_whatever_is_in_it() {
        let at = Location {
            file: "a,b:c%\n.toml".to_owned(),
            line: 7,
            column: 9,
        };
        assert_eq!(
            annotation(Some(&at), "x::y,z", "50%\n::error::pwned\r\x1b[m"),
            "::error file=a%2Cb%3Ac%25%0A.toml,line=7,col=9,title=x%3A%3Ay%2Cz::\
             50%25%0A'::error::pwned \\u{1b}[m\n"
        );
        assert_eq!(annotation(None, "t", "m"), "::error title=t::m\n");
        assert_eq!(group("a\n::b"), "::group::a ::b\n");
    }

    #[test]
    fn no_line_is_a_command() {
        for text in [
            "::error::x\n",
            "  \t::error::x",
            "a\n::stop-commands::x\nb\n",
            "a\r::error::x\n",
            "\x1b[31m::error::x\x1b[0m\n",
            "\u{2003}::error::x",
            "a ##[error]x",
            "#\x1b[0m#[error]x",
            "{\"a\": \"##[error]\"}\n",
        ] {
            let safe = harmless(text);
            let shown = anstream::adapter::strip_str(&safe).to_string();
            assert!(!has_command(&shown), "{text:?}: {safe:?}");
        }
    }

    #[test]
    fn all_else_stays() {
        for text in [
            "",
            "one\ntwo\n",
            "\x1b[1mprod\x1b[0m ## title\n",
            "arn:aws:iam::123456789012:role/x\n",
        ] {
            assert_eq!(harmless(text), text);
        }
        let json = "{\"a\": \"##[error]::x\"}";
        let read: serde_json::Value = serde_json::from_str(&harmless(json)).unwrap();
        assert_eq!(read, serde_json::json!({"a": "##[error]::x"}));
    }

    #[test]
    fn an_output_ends_only_at_its_delimiter() {
        assert_eq!(
            output("plan", "a\nb=c\n", "EOF-1").as_deref(),
            Some("plan<<EOF-1\na\nb=c\n\nEOF-1\n")
        );
        assert_eq!(output("plan", "a\nEOF-1\nx=y", "EOF-1"), None);
    }
}
