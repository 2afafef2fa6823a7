//! Small texts that are the same everywhere.

use std::fmt::Write as _;
use std::time::Duration;

/// The width that text is made for.
pub(super) const WIDTH: usize = 80;

/// A duration for a person, in at most two units: `48 s`, `3 min 5 s`, `2 h 10 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// `3 of 3 tasks`, `1 of 1 task`.
pub fn tasks(running: i64, desired: i64) -> String {
    format!(
        "{running} of {desired} task{}",
        if desired == 1 { "" } else { "s" }
    )
}

/// A moment for a person, in UTC: `2026-11-23 03:12 UTC`. Takes seconds since
/// the epoch.
pub(super) fn time(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => "at an unknown time".to_owned(),
    }
}

/// Makes text from outside harmless: control characters (which move cursors
/// and colour terminals) become visible, line ends become spaces, and what
/// GitHub Actions would take for a workflow command no longer looks like one.
pub fn defuse(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            c if c.is_control() || is_invisible(c) => {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", c as u32);
            }
            c => safe.push(c),
        }
    }
    if safe.starts_with("::") || safe.starts_with("##[") {
        safe.insert(0, '\'');
    }
    safe
}

/// The same for a line of a document, whose indentation stays.
pub(super) fn defuse_line(line: &str) -> String {
    let line = line.trim_end();
    let body = line.trim_start_matches([' ', '\t']);
    format!("{}{}", &line[..line.len() - body.len()], defuse(body))
}

/// Characters that reorder or hide text (Unicode's bidirectional controls and
/// zero-width characters).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `a, b and c`; at most `most`, then how many more.
pub(super) fn list(names: &[String], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| defuse(name)).collect();
    match (shown.as_slice(), names.len().saturating_sub(most)) {
        ([], _) => "none".into(),
        ([only], 0) => only.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (some, more) => format!("{} and {more} more", some.join(", ")),
    }
}

/// A paragraph behind a label: `label  text…`, wrapped to 80 columns with the
/// following lines under the text.
pub fn paragraph(indent: usize, label: &str, text: &str) -> String {
    let gap = if label.is_empty() { "" } else { " " };
    let head = format!("{:indent$}{label}{gap}", "");
    let under = " ".repeat(textwrap::core::display_width(&head));
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(&head)
        .subsequent_indent(&under)
        .break_words(true)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

/// A command as somebody would type it: words in which a shell would find more
/// than a word in quotes.
pub fn command(words: &[String]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            let word = defuse(word);
            let plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
            if word.is_empty() || !word.chars().all(plain) {
                format!("'{}'", word.replace('\'', "'\\''"))
            } else {
                word
            }
        })
        .collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        let text = |s| duration(Duration::from_secs(s));
        assert_eq!(
            [0, 59, 60, 61, 3600, 3660, 90061].map(text),
            [
                "0 s",
                "59 s",
                "1 min",
                "1 min 1 s",
                "1 h",
                "1 h 1 min",
                "25 h 1 min"
            ]
        );
    }

    #[test]
    fn text_from_outside_is_defused() {
        assert_eq!(defuse("plain ünïcode"), "plain ünïcode");
        assert_eq!(defuse("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(defuse("one\ntwo\r\n::error::x"), "one two  ::error::x");
        assert_eq!(defuse(" ::set-output name=x::y"), "'::set-output name=x::y");
        assert_eq!(defuse("##[group]"), "'##[group]");
        assert_eq!(defuse("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn a_command_says_in_a_shell_what_it_says() {
        let words =
            |words: &[&str]| command(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            words(&["npm", "run", "a:b", "--x=1,2"]),
            "npm run a:b --x=1,2"
        );
        assert_eq!(words(&["a;b", "$(c)", "", "*"]), "'a;b' '$(c)' '' '*'");
        assert_eq!(words(&["it's", "a&b"]), "'it'\\''s' 'a&b'");
    }

    #[test]
    fn a_line_keeps_its_indentation_and_stays_one_line() {
        assert_eq!(defuse_line("    x  "), "    x");
        assert_eq!(defuse_line("  \r\n\r\n| a\nb"), "  | a b");
        assert_eq!(defuse_line("  ::error::x"), "  '::error::x");
    }

    #[test]
    fn lists_end_with_and() {
        let names = |n: usize| (1..=n).map(|i| format!("s{i}")).collect::<Vec<_>>();
        assert_eq!(list(&names(0), 3), "none");
        assert_eq!(list(&names(1), 3), "s1");
        assert_eq!(list(&names(3), 3), "s1, s2 and s3");
        assert_eq!(list(&names(5), 3), "s1, s2, s3 and 2 more");
    }
}
