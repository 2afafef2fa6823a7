//! Paths as people write them: `containers.app.environment.LOG_LEVEL`.
//!
//! Dots part the names; a name with a dot, a quote or a blank in it stands in
//! quotes, as in TOML. Other names may go without: `portMappings.8080/tcp`.

/// A text that is no path, and the byte where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadPath {
    pub reason: &'static str,
    pub at: usize,
}

/// The names of a path.
///
/// # Errors
/// A name is empty, a quote is not closed, or something follows a quote.
pub fn split(text: &str) -> Result<Vec<String>, BadPath> {
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let at = text.len() - rest.len();
        let (name, after) = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => in_quotes(rest, quote).ok_or(BadPath {
                reason: "a quote is not closed",
                at,
            })?,
            _ => {
                let end = rest.find(['.', '"', '\'']).unwrap_or(rest.len());
                if end == 0 {
                    let reason = "a name is missing between the dots";
                    return Err(BadPath { reason, at });
                }
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        names.push(name);
        rest = match after.strip_prefix('.') {
            Some(rest) => rest,
            None if after.is_empty() => return Ok(names),
            None => {
                return Err(BadPath {
                    reason: "a dot is missing between the names",
                    at: text.len() - after.len(),
                });
            }
        };
    }
}

/// The text inside quotes, and what follows them. In double quotes a backslash
/// makes the next character plain.
fn in_quotes(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            c if c == quote => return Some((name, &text[at + 1..])),
            '\\' if quote == '"' => name.push(characters.next()?.1),
            c => name.push(c),
        }
    }
    None
}

/// The text of a path: what `split` takes apart.
pub fn join<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    names.join(".")
}

/// A name as it stands in a path: in quotes where it must.
pub fn quoted(name: &str) -> String {
    let odd = |c: char| c == '.' || c == '"' || c == '\'' || c.is_whitespace() || c.is_control();
    if !name.is_empty() && !name.contains(odd) {
        return name.to_owned();
    }
    let mut text = String::from('"');
    for c in name.chars() {
        if c == '"' || c == '\\' {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}
