//! Pieces of GitHub's Markdown in which foreign text stays text.
//!
//! Names, values and what AWS says may hold anything: table bars, fences of any
//! length, HTML, links, mentions. Each function takes plain text and gives
//! Markdown that shows just that. Mentions (`@team`) and references (`#12`) are
//! made of the rendered text, so no backslash keeps them from being made; only
//! code does, or a character of no width in them.

use std::fmt::Write as _;

use super::words::{defuse, defuse_line};

/// A code span. Nothing in it is Markdown, a mention or a reference.
pub fn code(text: &str) -> String {
    let text = defuse(text);
    if text.is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    // A space next to the ticks is taken away again, on both sides at once.
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Running text.
pub fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() * 2);
    let mut before = [' ', ' '];
    for c in defuse(text).chars() {
        if c.is_ascii_punctuation() {
            safe.push('\\');
        }
        safe.push(c);
        // Mentions, references (also `GH-12`), addresses.
        let gh = c == '-' && before.map(|c| c.to_ascii_uppercase()) == ['G', 'H'];
        let address = matches!(
            (before, c),
            ([':', '/'], '/') | (['w' | 'W', 'w' | 'W'], '.')
        );
        if matches!(c, '@' | '#') || gh || address {
            safe += "&#8203;";
        }
        before = [before[1], c];
    }
    safe
}

/// What stands in a cell of a table: bars end cells even inside of code, unless
/// there is a backslash before them, which the table takes away.
pub fn cell(inline: &str) -> String {
    inline.replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// A fenced block of these lines, its fence longer than any in them.
pub fn fence(language: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| defuse_line(line)).collect();
    let longest = lines.iter().map(|line| longest_run(line)).max();
    let ticks = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let mut block = format!("{ticks}{language}\n");
    for line in lines {
        block += &line;
        block.push('\n');
    }
    block + &ticks + "\n"
}

/// A fenced block of a whole text.
pub fn fenced(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().lines().map(str::to_owned).collect();
    fence("text", &lines)
}

/// Something folded below a line; `summary` is HTML.
pub fn folded(summary: &str, body: &str) -> String {
    // HTML goes on until a blank line.
    format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n")
}

/// Text within an element of HTML.
pub fn html(text: &str) -> String {
    let mut safe = String::new();
    for c in defuse(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // What could be markup, a mention or a reference.
            c if c.is_ascii_punctuation() && !".,:;()".contains(c) => {
                let _ = write!(safe, "&#{};", c as u32);
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Code in HTML, for a summary.
pub fn html_code(text: &str) -> String {
    format!("<code>{}</code>", html(text))
}

/// A comment that nobody sees, to find this again by: the names with whatever
/// could end a comment written as `%XX`.
pub fn marker(kind: &str, names: &[&str]) -> String {
    let mut safe = String::new();
    for name in names {
        if !safe.is_empty() {
            safe.push(',');
        }
        for byte in name.bytes() {
            let c = char::from(byte);
            let plain = c.is_ascii_alphanumeric()
                || matches!(c, '_' | '.')
                || (c == '-' && !safe.ends_with('-'));
            if plain {
                safe.push(c);
            } else {
                safe += &format!("%{byte:02X}");
            }
        }
    }
    safe.truncate(LONGEST_MARKER);
    format!("<!-- evenkeel:{kind}:{safe} -->\n")
}

/// Enough to tell two sets of environments apart.
const LONGEST_MARKER: usize = 400;

/// The beginning of a text that is too long.
pub fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{beginning}…")
}

/// The longest row of backticks.
pub fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
pub(super) mod tests;
