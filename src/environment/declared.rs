//! What a service declares of AWS's fields: tables → assignments, one for each
//! value. Objects, maps and lists with keys are walked into; an array is one
//! value, since it replaces the whole list.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::de::DeValue;

use crate::model::fields::{Field, Key, Kind, Path, Root, Shape};

use super::desired::Assignment;
use super::mistakes::Mistake;
use super::secrets::is_secret;
use super::show::{self, brief};
use super::source::Source;
use super::walk::{Entry, Findings, Table};
use super::{typed, unknown};

/// What is allowed in one service.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowed {
    /// Fields that the table of fields does not have.
    pub(super) unknown_fields: bool,
    /// Variables of the environment that look like secrets and are none.
    pub(super) plain_secrets: Vec<String>,
}

/// The assignments of one service, as they are found.
pub(super) struct Declared<'s> {
    source: &'s Source,
    /// The service's own name, for help.
    service: String,
    allowed: Allowed,
    list: Vec<(Range<usize>, Assignment)>,
}

impl<'s> Declared<'s> {
    pub(super) fn new(source: &'s Source, service: &str, allowed: Allowed) -> Self {
        Self {
            source,
            service: brief(service),
            allowed,
            list: Vec::new(),
        }
    }

    /// In the file's order, each with the place of its key.
    pub(super) fn into_list(mut self) -> Vec<(Range<usize>, Assignment)> {
        self.list.sort_by_key(|(key, _)| key.start);
        self.list
    }

    /// `task` or `service`, directly under a service.
    pub(super) fn root(&mut self, entry: &Entry<'_>, root: Root, found: &mut Findings<'_>) {
        let path = Path::new(root);
        let header = self.header(&path);
        let Some(table) = entry.table(found, || format!("write it as {header}")) else {
            return;
        };
        if table.first().is_none() {
            found.add_missing(
                Mistake::new(
                    entry.key.clone(),
                    format!("`{}` declares nothing", entry.name),
                )
                .help("take it out, or declare a field".to_owned()),
            );
        }
        self.fields(table, root.shape(), &path, found);
    }

    /// Every entry of a table as a field of a shape.
    pub(super) fn fields(
        &mut self,
        table: Table<'_>,
        shape: &'static Shape,
        path: &Path,
        found: &mut Findings<'_>,
    ) {
        for entry in table.into_entries() {
            if unknown::refuse_decided(&entry, shape, found) {
                continue;
            }
            let path = path.clone().field(entry.name);
            match shape.field(entry.name) {
                Some(field) => self.field(&entry, field, path, found),
                None if self.allowed.unknown_fields => {
                    if let Some(value) = typed::json(&entry, found) {
                        self.assign(&entry, path, value);
                    }
                }
                None => unknown::refuse(&entry, shape, found),
            }
        }
    }

    fn field(
        &mut self,
        entry: &Entry<'_>,
        field: &'static Field,
        path: Path,
        found: &mut Findings<'_>,
    ) {
        match (field.kind, entry.value) {
            (Kind::Object(shape), _) => {
                let header = self.header(&path);
                let Some(table) = entry.table(found, || format!("write it as {header}")) else {
                    return;
                };
                if table.first().is_none() {
                    return self.assign(entry, path, Value::Object(Map::new()));
                }
                self.fields(table, shape, &path, found);
            }
            (Kind::Map, DeValue::Table(table)) => {
                let table = Table::new(table);
                if table.first().is_none() {
                    return nothing(
                        entry,
                        "take it out; `remove` takes single names away",
                        found,
                    );
                }
                for value in table.into_entries() {
                    let path = path.clone().field(value.name);
                    if let Some(text) = typed::value(&value, &Kind::Text, &path, false, found) {
                        self.assign(&value, path, text);
                    }
                }
            }
            (Kind::List(Kind::Object(shape), _), DeValue::Table(table)) => {
                match field.kind.key().filter(|key| key.spelling.is_some()) {
                    Some(key) => self.keyed(entry, Table::new(table), shape, key, path, found),
                    None => {
                        let header = self.header(&path);
                        let help = format!("write [{header}] for each, in double brackets");
                        found.add(entry.mismatch("a list").help(help));
                    }
                }
            }
            (kind, _) => {
                let unknown_fields = self.allowed.unknown_fields;
                let Some(value) = typed::value(entry, &kind, &path, unknown_fields, found) else {
                    return;
                };
                if field.name == "environment" {
                    self.refuse_secrets_in(entry, found);
                }
                self.assign(entry, path, value);
            }
        }
    }

    /// A list written as a table: one entry an element.
    fn keyed(
        &mut self,
        list: &Entry<'_>,
        table: Table<'_>,
        shape: &'static Shape,
        key: Key,
        path: Path,
        found: &mut Findings<'_>,
    ) {
        if table.first().is_none() {
            return nothing(list, "take it out; to empty the list, write []", found);
        }
        let mut taken: Vec<(Path, Range<usize>)> = Vec::new();
        for entry in table.into_entries() {
            let identity = match key.read(entry.name) {
                Ok(identity) => identity,
                Err(bad) => {
                    let message = format!("invalid key `{}` in `{}`", brief(entry.name), list.name);
                    found.add(Mistake::new(entry.key, message).help(bad.to_string()));
                    continue;
                }
            };
            if !self.allowed.unknown_fields && typed::refuse_key(&entry, shape, &identity, found) {
                continue;
            }
            let path = path.clone().element(identity);
            if let Some((_, first)) = taken.iter().find(|(known, _)| *known == path) {
                let message = format!("`{}` is declared twice", brief(entry.name));
                found.add(
                    Mistake::new(entry.key, message)
                        .also(first.clone(), "first here")
                        .help("keep one of them".to_owned()),
                );
                continue;
            }
            taken.push((path.clone(), entry.key.clone()));
            self.element(list, &entry, shape, key, path, found);
        }
    }

    fn element(
        &mut self,
        list: &Entry<'_>,
        entry: &Entry<'_>,
        shape: &'static Shape,
        key: Key,
        path: Path,
        found: &mut Findings<'_>,
    ) {
        let short = key.short.and_then(|name| shape.field(name));
        if let DeValue::Table(table) = entry.value {
            let table = Table::new(table);
            if table.first().is_none() {
                return self.assign(entry, path, Value::Object(Map::new()));
            }
            let (named, rest) = table.split(|field| key.identity.contains(&field.name));
            for field in named {
                let message = format!("`{}` does not belong here", field.name);
                found.add(
                    Mistake::new(field.key, message)
                        .help(format!("the key says it: `{}`", brief(entry.name))),
                );
            }
            if list.name == "environment" {
                for value in rest.entries().filter(|field| field.name == "value") {
                    self.refuse_secret(entry.name, value, found);
                }
            }
            return self.fields(rest, shape, &path, found);
        }
        match short {
            Some(field) => {
                if list.name == "environment" {
                    self.refuse_secret(entry.name, entry, found);
                }
                self.field(entry, field, path.field(field.name), found);
            }
            None if entry.span.is_empty() => {}
            None => {
                let name = brief(entry.name);
                let help = match shape
                    .fields
                    .iter()
                    .find(|f| !key.identity.contains(&f.name))
                {
                    Some(field) => format!("write {name} = {{ {} = … }}", field.name),
                    None => format!("write {name} = {{}}"),
                };
                found.add(entry.mismatch("a table").help(help));
            }
        }
    }

    fn refuse_secrets_in(&self, list: &Entry<'_>, found: &mut Findings<'_>) {
        let tables = list
            .value
            .as_array()
            .into_iter()
            .flat_map(|list| list.iter());
        for table in tables.filter_map(|item| item.get_ref().as_table()) {
            let mut table = Table::new(table);
            let name = table.take("name").and_then(|name| name.value.as_str());
            if let (Some(name), Some(value)) = (name, table.take("value")) {
                self.refuse_secret(name, &value, found);
            }
        }
    }

    fn refuse_secret(&self, name: &str, value: &Entry<'_>, found: &mut Findings<'_>) {
        let Some(text) = value.value.as_str() else {
            return;
        };
        let allowed = &self.allowed.plain_secrets;
        if !is_secret(name, text) || allowed.iter().any(|allowed| allowed == name) {
            return;
        }
        let (shown, service) = (brief(name), &self.service);
        let message = format!("the value of `{shown}` in `environment` looks like a secret");
        let help = format!(
            "keep it in SSM or Secrets Manager, and write its ARN:\nsecrets = {{ {shown} = \"arn:aws:ssm:…\" }}\nif it is no secret, write under [services.{service}]:\nallow-plain-secrets = [\"{shown}\"]"
        );
        found.add(Mistake::new(value.key.clone(), message).help(help).hidden());
    }

    fn assign(&mut self, entry: &Entry<'_>, path: Path, value: Value) {
        let at = self.source.location(entry.key.start);
        let assignment = Assignment { path, value, at };
        self.list.push((entry.key.clone(), assignment));
    }

    /// The header of the table at a path.
    fn header(&self, path: &Path) -> String {
        let path = show::whole(&path.to_string());
        format!("[services.{}.{path}]", self.service)
    }
}

fn nothing(entry: &Entry<'_>, help: &str, found: &mut Findings<'_>) {
    let message = format!("`{}` declares nothing", brief(entry.name));
    found.add(Mistake::new(entry.key.clone(), message).help(help.to_owned()));
}
