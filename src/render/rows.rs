//! Rows of changed fields as text, for 80 columns: `group   field  old → new`,
//! on lines of their own where one line is too short.

use std::fmt::Write as _;

use similar::ChangeTag;

use super::fields::Row;
use super::style::{BAD, DIM, GOOD, Styled};
use super::words::WIDTH;

/// Where the lines of a group begin: its names have this width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indent(usize);

impl Indent {
    pub fn of(names: usize) -> Self {
        Self(names)
    }

    /// Below a field's name.
    pub fn below(self) -> usize {
        4 + self.0 + 3
    }

    /// The beginning of a line: `name` or, below the first, nothing.
    pub fn head(self, name: &str) -> String {
        format!("    {name:width$}   ", width = self.0)
    }
}

/// The rows of one group; `named` when lines above have named it.
pub(super) fn rows_text(text: &mut String, rows: &[&Row], named: bool, indent: Indent) {
    for (index, row) in rows.iter().enumerate() {
        let name = if named || index > 0 { "" } else { &row.group };
        row_text(text, row, &indent.head(name), indent);
    }
}

fn row_text(text: &mut String, row: &Row, head: &str, indent: Indent) {
    let below = indent.below();
    let effect = row
        .effect
        .map_or_else(String::new, |effect| format!("   ({effect})"));
    let head = format!("{head}{}", row.field);
    let wide = |text: &str| textwrap::core::display_width(text);
    let title = if wide(&head) + wide(&effect) <= WIDTH {
        format!("{head}{effect}")
    } else {
        format!("{head}\n{:below$}{}", "", effect.trim_start())
    };
    // Writing to a String cannot fail, here and below.
    if !row.inside.is_empty() {
        let _ = writeln!(text, "{title}");
        for (tag, line) in &row.inside {
            let (style, mark) = match tag {
                ChangeTag::Delete => (BAD, "- "),
                ChangeTag::Insert => (GOOD, "+ "),
                ChangeTag::Equal => (DIM, "  "),
            };
            hanging(text, style, below, mark, line);
        }
        return;
    }
    let none = "(none)";
    let (from, to) = (row.from.as_deref(), row.to.as_deref());
    let (old, new) = (from.unwrap_or(none), to.unwrap_or(none));
    let styled = |side: Option<&str>, style| side.map_or(DIM, |_| style);
    let (red, green) = (styled(from, BAD), styled(to, GOOD));
    if row.part && wide(&head) + 2 + wide(new) <= WIDTH {
        let _ = writeln!(text, "{head}  {}", Styled(green, new));
        return;
    }
    if wide(&head) + wide(old) + wide(new) + wide(&effect) + 5 <= WIDTH {
        let (old, new) = (Styled(red, old), Styled(green, new));
        let _ = writeln!(text, "{head}  {old} → {new}{effect}");
        return;
    }
    let _ = writeln!(text, "{title}");
    if from.is_some() {
        hanging(text, red, below, "", old);
    }
    match row.part {
        true => hanging(text, green, below, "", new),
        false => hanging(text, green, below - 2, "→ ", new),
    }
}

/// A value on a line of its own, or on several.
fn hanging(text: &mut String, style: anstyle::Style, indent: usize, mark: &str, value: &str) {
    let first = " ".repeat(indent) + mark;
    let under = " ".repeat(indent + mark.chars().count());
    let options = textwrap::Options::new(WIDTH.max(indent + 20) - first.chars().count())
        .break_words(true)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    for (index, line) in textwrap::wrap(value, options).iter().enumerate() {
        // A mark is part of what is coloured, an arrow is not.
        let line = match (index, mark) {
            (0, "→ ") => format!("{first}{}", Styled(style, line)),
            (0, _) => format!("{:indent$}{}", "", Styled(style, format!("{mark}{line}"))),
            _ => format!("{under}{}", Styled(style, line)),
        };
        let _ = writeln!(text, "{}", line.trim_end());
    }
}
