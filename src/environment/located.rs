//! Mistakes that are found once a file is read, shown with its lines as those
//! of the text are.

use std::path::Path;

use super::desired::Location;
use super::load_error::LoadError;
use super::mistakes::{Mistake, Mistakes};
use super::read;
use super::show::whole;
use super::source::Source;

/// What is wrong at these places of a file: what, and what to do. At least one.
pub fn mistakes(file: &str, found: &[(Location, String, Option<String>)]) -> LoadError {
    let text = match read::text(Path::new(file)) {
        Ok(text) => text,
        // It was there a moment ago.
        Err(unreadable) => return unreadable.into(),
    };
    let source = Source::new(file, text.strip_prefix('\u{feff}').unwrap_or(&text));
    let list = found
        .iter()
        .map(|(at, message, help)| {
            let start = source.offset(at.line, at.column);
            let end = start + word(&source.text[start..]);
            Mistake::new(start..end, whole(message)).help(help.as_deref().map(whole))
        })
        .collect();
    Mistakes::new(source, list).into()
}

/// How long the key or the value is that a text begins with.
fn word(text: &str) -> usize {
    for quotes in ["\"\"\"", "'''", "\"", "'"] {
        if let Some(rest) = text.strip_prefix(quotes) {
            let end = rest.find(quotes).unwrap_or(rest.len());
            return (quotes.len() + end + quotes.len()).min(text.len());
        }
    }
    let bare = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.find(|c| !bare(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_marked_whole() {
        for (text, marked) in [
            ("stopTimeout = 1", "stopTimeout"),
            ("\"a b\" = 1", "\"a b\""),
            ("'x.json'\n", "'x.json'"),
            ("app.image", "app"),
            ("\"open", "\"open"),
            ("", ""),
        ] {
            assert_eq!(&text[..word(text)], marked);
        }
        let source = Source::new("f", "é = 1\r\nabc");
        assert_eq!(
            [(1, 1), (1, 2), (2, 3), (2, 9), (7, 1)].map(|(l, c)| source.offset(l, c)),
            [0, 2, 10, 11, 11]
        );
    }
}
