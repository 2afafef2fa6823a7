//! What the TOML parser could not read, in plain words, and which other
//! mistakes are still sure beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use toml::de::{DeTable, DeValue, Error};

use super::explain;
use super::mistakes::Mistake;
use super::show::brief;
use super::source::Source;

/// The syntax errors of a file.
pub(super) struct Syntax {
    mistakes: Vec<Mistake>,
    /// Where the parser lost its way: the errors that are not mere repetitions.
    lost: BTreeSet<usize>,
    /// Where each part of the file begins that a table's header opens.
    sections: Vec<usize>,
}

impl Syntax {
    pub(super) fn new(source: &Source, table: &DeTable<'_>, errors: &[Error]) -> Self {
        let text = source.text.as_str();
        let mut syntax = Self {
            mistakes: Vec::new(),
            lost: BTreeSet::new(),
            sections: Vec::new(),
        };
        if errors.is_empty() {
            return syntax;
        }
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            if line.trim_start().starts_with('[') {
                syntax.sections.push(offset);
            }
            offset += line.len();
        }
        let firsts = Firsts::new(text, &syntax.sections, table);
        // One error a line, and no errors about what repeats in a table that
        // is itself a repetition: the rest are echoes of the first.
        let mut lines = BTreeMap::new();
        let mut repeated = BTreeSet::new();
        let never_closed = errors
            .iter()
            .any(|error| explain::never_closed(error.message()));
        let mut open = false;
        for error in errors {
            let span = error.span().unwrap_or(text.len()..text.len());
            let section = syntax.section(span.start);
            // In a list or inline table that is not closed every following
            // line is an error, if only because it is another key or header.
            let within = explain::within_brackets(error.message());
            if open && (within || never_closed) {
                continue;
            }
            open |= within;
            let first = (error.message() == "duplicate key")
                .then(|| firsts.before(&span))
                .flatten();
            let mistake = match first {
                Some(_) if repeated.contains(&section) => continue,
                Some(first) => {
                    if source.line_of(section) == source.line_of(span.start)
                        && syntax.sections.contains(&section)
                    {
                        repeated.insert(section);
                    }
                    repetition(text, &span, first)
                }
                None => {
                    syntax.lost.insert(span.start);
                    explain::mistake(text, span.clone(), error.message())
                }
            };
            lines.entry(source.line_of(span.start)).or_insert(mistake);
        }
        syntax.mistakes = lines.into_values().collect();
        syntax
    }

    /// All that is surely wrong. What is missing is only sure when everything
    /// could be read; what is there, up to where the parser lost its way and
    /// again from the next header on.
    pub(super) fn with(self, found: Vec<Mistake>, missing: Vec<Mistake>) -> Vec<Mistake> {
        let missing = if self.lost.is_empty() {
            missing
        } else {
            Vec::new()
        };
        let sure: Vec<Mistake> = found
            .into_iter()
            .filter(|mistake| {
                let start = self.section(mistake.span.start);
                let end = mistake.span.end.max(start);
                self.lost.range(start..=end).next().is_none()
            })
            .collect();
        self.mistakes
            .into_iter()
            .chain(sure)
            .chain(missing)
            .collect()
    }

    fn section(&self, offset: usize) -> usize {
        match self.sections.partition_point(|start| *start <= offset) {
            0 => 0,
            after => self.sections[after - 1],
        }
    }
}

/// Where keys and headers stand first; the parser only says where they repeat.
struct Firsts<'a> {
    text: &'a str,
    keys: HashMap<&'a str, Vec<Range<usize>>>,
    headers: HashMap<String, Range<usize>>,
}

impl<'a> Firsts<'a> {
    fn new(text: &'a str, sections: &[usize], table: &'a DeTable<'a>) -> Self {
        let mut keys = HashMap::new();
        collect(table, &mut keys);
        for places in keys.values_mut() {
            places.sort_by_key(|place| place.start);
        }
        let mut headers = HashMap::new();
        for start in sections {
            let (header, span) = header(text, *start);
            headers.entry(header).or_insert(span);
        }
        Self {
            text,
            keys,
            headers,
        }
    }

    fn before(&self, span: &Range<usize>) -> Option<Range<usize>> {
        // A dotted key repeats only in its first part; what it leads to is new.
        if self.text.get(span.end..)?.trim_start().starts_with('.') {
            return None;
        }
        let line = self
            .text
            .get(..span.start)?
            .rfind('\n')
            .map_or(0, |end| end + 1);
        if self.text[line..].trim_start().starts_with('[') {
            let (header, own) = header(self.text, line);
            return self
                .headers
                .get(&header)
                .filter(|first| first.start < own.start)
                .cloned();
        }
        let name = self.text.get(span.clone())?.trim_matches(['"', '\'']);
        let places = self.keys.get(name)?;
        let earlier = places.partition_point(|place| place.start < span.start);
        places.get(earlier.checked_sub(1)?).cloned()
    }
}

fn collect<'a>(table: &'a DeTable<'a>, keys: &mut HashMap<&'a str, Vec<Range<usize>>>) {
    for (key, value) in table {
        keys.entry(key.get_ref()).or_default().push(key.span());
        match value.get_ref() {
            DeValue::Table(inner) => collect(inner, keys),
            DeValue::Array(list) => {
                for inner in list.iter().filter_map(|item| item.get_ref().as_table()) {
                    collect(inner, keys);
                }
            }
            _ => {}
        }
    }
}

/// A header without its spaces, and where it stands.
fn header(text: &str, line: usize) -> (String, Range<usize>) {
    let whole = text[line..].lines().next().unwrap_or_default();
    let indent = whole.len() - whole.trim_start().len();
    let end = whole
        .rfind(']')
        .map_or(whole.len(), |close| close + 1)
        .max(indent);
    let header = whole[indent..end]
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    (header, line + indent..line + end)
}

fn repetition(text: &str, span: &Range<usize>, first: Range<usize>) -> Mistake {
    let name = brief(text.get(span.clone()).unwrap_or_default());
    Mistake::new(span.clone(), format!("`{name}` is declared twice"))
        .also(first, "first here")
        .help("keep one of them".to_owned())
}
