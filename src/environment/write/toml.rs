//! TOML as a person would lay it out: one line where it fits, a table of its
//! own where it does not.

use std::fmt::Write as _;

use super::super::show::harmless;

/// The width that a line is made for.
const WIDTH: usize = 80;

/// A value that is to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// On one line, whatever its length.
    Plain(String),
    List(Vec<String>),
    Table(Vec<(String, Node)>),
}

impl Node {
    fn line(&self) -> String {
        match self {
            Node::Plain(text) => text.clone(),
            Node::List(items) => format!("[{}]", items.join(", ")),
            Node::Table(fields) if fields.is_empty() => "{}".to_owned(),
            Node::Table(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, node)| format!("{} = {}", key(name), node.line()))
                    .collect();
                format!("{{ {} }}", fields.join(", "))
            }
        }
    }
}

/// What stands under the header of a table: first what fits on a line, then
/// the tables below.
pub(super) fn body(out: &mut String, path: &[&str], fields: &[(String, Node)]) {
    let mut below = Vec::new();
    for (name, node) in fields {
        let line = format!("{} = {}", key(name), node.line());
        let fits = line.chars().count() <= WIDTH;
        // Writing to a String cannot fail, here and below.
        match node {
            Node::Table(inner) if !fits => below.push((name, inner)),
            Node::List(items) if !fits => {
                let _ = writeln!(out, "{} = [", key(name));
                for item in items {
                    let _ = writeln!(out, "  {item},");
                }
                out.push_str("]\n");
            }
            _ => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    for (name, inner) in below {
        let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
        // A table of nothing but tables needs no header of its own.
        let wide = |(name, node): &(String, Node)| {
            matches!(node, Node::Table(_))
                && format!("{} = {}", key(name), node.line()).chars().count() > WIDTH
        };
        if !inner.iter().all(wide) {
            header(out, &path);
        }
        body(out, &path, inner);
    }
}

pub(super) fn header(out: &mut String, path: &[&str]) {
    let path: Vec<String> = path.iter().map(|name| key(name)).collect();
    let _ = writeln!(out, "\n[{}]", path.join("."));
}

/// A key, in quotes where it must be.
pub(super) fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_owned();
    }
    text(name)
}

/// A basic string. Characters that nobody would see are written out.
pub(super) fn text(value: &str) -> String {
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if harmless(c) != c => {
                let _ = write!(text, "\\U{:08X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_keys_come_back_as_they_were() {
        for value in [
            "",
            "plain",
            "a \"quoted\" \\ word",
            "two\nlines\r\n\tand\u{0}more\u{7f}",
            "right\u{202e}to left\u{200b}\u{feff}",
            "ü🦀",
            "${NOT_FILLED_IN}",
        ] {
            let line = format!("{} = {}", key(value), text(value));
            let read: toml::Table = line.parse().unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(read[value].as_str(), Some(value), "{line}");
            assert!(line.chars().all(|c| harmless(c) == c), "{line}");
        }
    }

    #[test]
    fn what_is_long_gets_lines_of_its_own() {
        let long = |name: &str| (name.to_owned(), Node::Plain(text(&"x".repeat(60))));
        let fields = vec![
            ("a".to_owned(), Node::Table(vec![long("b"), long("c.d")])),
            ("l".to_owned(), Node::List(vec![text(&"x".repeat(60)); 2])),
            (
                "s".to_owned(),
                Node::Table(vec![("t".to_owned(), Node::Plain("1".to_owned()))]),
            ),
        ];
        let mut out = String::new();
        body(&mut out, &["top"], &fields);
        let x = "x".repeat(60);
        assert_eq!(
            out,
            format!(
                "l = [\n  \"{x}\",\n  \"{x}\",\n]\ns = {{ t = 1 }}\n\n[top.a]\nb = \"{x}\"\n\"c.d\" = \"{x}\"\n"
            )
        );
    }
}
