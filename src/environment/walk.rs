//! The spanned tree of a TOML file, walked table by table: each key is taken
//! once, and what is left over is refused.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::keys::{Guess, Keys, TOP};
use super::mistakes::Mistake;
use super::show::brief;

/// What has been found wrong so far.
pub(super) struct Findings<'a> {
    pub(super) text: &'a str,
    pub(super) list: Vec<Mistake>,
    /// What is not there. Apart, since it proves nothing when part of the file
    /// could not be read.
    pub(super) missing: Vec<Mistake>,
    /// Top-level keys that were found elsewhere: not to be called missing too.
    pub(super) misplaced: BTreeSet<&'static str>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            list: Vec::new(),
            missing: Vec::new(),
            misplaced: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, mistake: Mistake) {
        self.list.push(mistake);
    }

    /// Refuses a key that is right in another place.
    pub(super) fn belongs(&mut self, key: &Range<usize>, name: &str, place: &str) {
        if let Some(known) = TOP.known.iter().find(|known| **known == name) {
            self.misplaced.insert(known);
        }
        let place = if place.starts_with('[') {
            format!("under {place}")
        } else {
            place.to_owned()
        };
        let message = format!("`{}` does not belong here", brief(name));
        self.add(Mistake::new(key.clone(), message).help(format!("write it {place}")));
    }

    pub(super) fn add_missing(&mut self, mistake: Mistake) {
        self.missing.push(mistake);
    }
}

/// A key and its value, each with its place.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) key: Range<usize>,
    pub(super) value: &'a DeValue<'a>,
    /// The value's place; empty where the parser put a stand-in for a value
    /// that it could not read.
    pub(super) span: Range<usize>,
}

/// A table, less the keys that have been taken; in the file's order.
pub(super) struct Table<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(table: &'a DeTable<'a>) -> Self {
        let mut entries: Vec<Entry<'a>> = table
            .iter()
            .map(|(key, value)| Entry {
                name: key.get_ref(),
                key: key.span(),
                value: value.get_ref(),
                span: value.span(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key.start);
        Self { entries }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Entry<'a>> {
        let at = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.remove(at))
    }

    /// What has not been taken.
    pub(super) fn into_entries(self) -> Vec<Entry<'a>> {
        self.entries
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries.iter()
    }

    /// The entries that are picked, and the table of the others.
    pub(super) fn split(self, picked: impl FnMut(&Entry<'a>) -> bool) -> (Vec<Entry<'a>>, Self) {
        let (picked, entries) = self.entries.into_iter().partition(picked);
        (picked, Self { entries })
    }

    pub(super) fn first(&self) -> Option<&Entry<'a>> {
        self.entries.first()
    }

    /// Refuses every key that has not been taken. Answers which known keys
    /// were probably meant by them.
    pub(super) fn refuse_rest(
        self,
        keys: &Keys,
        found: &mut Findings<'_>,
    ) -> BTreeSet<&'static str> {
        let mut meant = BTreeSet::new();
        for Entry { name, key, .. } in self.entries {
            let shown = brief(name);
            let (message, help) = match keys.guess(name) {
                Guess::Elsewhere(place) => {
                    found.belongs(&key, name, place);
                    continue;
                }
                Guess::Meant(known) => {
                    meant.insert(known);
                    (
                        format!("unknown key `{shown}`"),
                        format!("did you mean `{known}`?"),
                    )
                }
                Guess::Unknown => {
                    let known: Vec<String> = keys
                        .known
                        .iter()
                        .map(|known| format!("`{known}`"))
                        .collect();
                    (
                        format!("unknown key `{shown}`"),
                        format!("the keys here: {}", known.join(", ")),
                    )
                }
            };
            found.add(Mistake::new(key, message).help(help));
        }
        meant
    }
}

impl<'a> Entry<'a> {
    /// The value as a string; anything else is a mistake that says so. Its help
    /// is made from what is written where that only lacks its quotes, else it
    /// is the example.
    pub(super) fn string(
        &self,
        found: &mut Findings<'_>,
        unquoted: impl FnOnce(&str) -> Option<String>,
        example: &str,
    ) -> Option<&'a str> {
        if let DeValue::String(text) = self.value {
            return Some(text);
        }
        if self.span.is_empty() {
            return None;
        }
        let help = match self.value {
            DeValue::Array(list) => match list.iter().as_slice() {
                [only] => only
                    .get_ref()
                    .as_str()
                    .map(|text| format!("write \"{}\"", brief(text))),
                _ => None,
            },
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => unquoted(&brief(
                found.text.get(self.span.clone()).unwrap_or_default(),
            )),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Table(_) => None,
        };
        let help = help.unwrap_or_else(|| example.to_owned());
        found.add(self.mismatch("a string").help(help));
        None
    }

    /// The value as true or false; anything else is a mistake that says so.
    pub(super) fn boolean(&self, found: &mut Findings<'_>) -> Option<bool> {
        if let DeValue::Boolean(value) = self.value {
            return Some(*value);
        }
        if self.span.is_empty() {
            return None;
        }
        let help = match self.value.as_str() {
            Some(word @ ("true" | "false")) => format!("write {word}, without quotes"),
            _ => "write true or false".to_owned(),
        };
        found.add(self.mismatch("true or false").help(help));
        None
    }

    /// The value as a table; anything else is a mistake, with `help` what to write.
    pub(super) fn table(
        &self,
        found: &mut Findings<'_>,
        help: impl FnOnce() -> String,
    ) -> Option<Table<'a>> {
        if let DeValue::Table(table) = self.value {
            return Some(Table::new(table));
        }
        if self.span.is_empty() {
            return None;
        }
        found.add(self.mismatch("a table").help(help()));
        None
    }

    /// The value as a list; anything else is a mistake, with `help` what to write.
    pub(super) fn list(&self, found: &mut Findings<'_>, help: &str) -> Option<Vec<Entry<'a>>> {
        let items = self.items();
        if items.is_none() && !self.span.is_empty() {
            found.add(self.mismatch("a list").help(help.to_owned()));
        }
        items
    }

    /// The elements of a list, each named after it.
    pub(super) fn items(&self) -> Option<Vec<Entry<'a>>> {
        let list = self.value.as_array()?.iter();
        let item = |item: &'a toml::Spanned<DeValue<'a>>| Entry {
            name: self.name,
            key: item.span(),
            value: item.get_ref(),
            span: item.span(),
        };
        Some(list.map(item).collect())
    }

    pub(super) fn mismatch(&self, wanted: &str) -> Mistake {
        let kind = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(list) if list.iter().any(|item| item.get_ref().is_table()) => {
                "a list of tables"
            }
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        Mistake::new(
            self.span.clone(),
            format!("`{}` must be {wanted}, not {kind}", brief(self.name)),
        )
    }
}
