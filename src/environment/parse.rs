//! The text of an environment file → [`Desired`], or all its mistakes.

use std::io;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::model::{AccountId, ClusterName, Region};

use super::desired::{Desired, Service};
use super::keys;
use super::mistakes::{Mistake, Mistakes};
use super::promotion;
use super::services::{self, Rollout};
use super::source::Source;
use super::syntax::Syntax;
use super::unattended::Unattended;
use super::values;
use super::walk::{Findings, Table};

/// Reads a file that an environment file names, by the name that it has there.
pub type Files<'a> = dyn Fn(&str) -> io::Result<Vec<u8>> + 'a;

/// What the services need to know of the file they are in.
pub(super) struct Above<'a> {
    pub(super) source: &'a Source,
    account: Option<&'a AccountId>,
    region: Option<&'a Region>,
    pub(super) cluster: Option<&'a ClusterName>,
    /// What holds for all services that do not say otherwise.
    pub(super) rollout: Rollout,
    pub(super) unattended: Unattended,
    pub(super) provenance: bool,
    pub(super) unknown_fields: bool,
    pub(super) files: &'a Files<'a>,
}

impl Above<'_> {
    /// An image to show to someone who has none, in the file's own registry.
    pub(super) fn example_image(&self, service: &str) -> String {
        let account = self.account.map_or("123456789012", AccountId::as_str);
        let region = self.region.map_or("us-west-1", Region::as_str);
        let repository = if service.chars().all(|c| c.is_ascii_lowercase()) {
            service
        } else {
            "app"
        };
        format!("{account}.dkr.ecr.{region}.amazonaws.com/{repository}:1.4.2")
    }
}

/// The smallest file that says anything.
const SMALLEST: &str = r#"account = "123456789012"
region = "us-west-1"
cluster = "wage-prod"

[services.api]
image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2""#;

/// Reads the text of an environment file that names no other file. `file` is
/// its name for messages and locations; a byte order mark at its start is
/// ignored.
///
/// # Errors
/// All the mistakes in it at once, at least one.
pub fn parse(file: &str, environment: &str, source: &str) -> Result<Desired, Mistakes> {
    let none = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
    parse_with(file, environment, source, &none)
}

/// As `parse`; what the file names is read by `files`.
///
/// # Errors
/// All the mistakes in it at once, at least one.
pub fn parse_with(
    file: &str,
    environment: &str,
    source: &str,
    files: &Files<'_>,
) -> Result<Desired, Mistakes> {
    let source = Source::new(file, source.strip_prefix('\u{feff}').unwrap_or(source));
    if let Some(mistake) = json(&source.text) {
        return Err(Mistakes::new(source, vec![mistake]));
    }
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    let syntax = Syntax::new(&source, root.get_ref(), &errors);
    let mut found = Findings::new(&source.text);

    let table = Table::new(root.get_ref());
    if table.first().is_none() && errors.is_empty() {
        let message = if source.text.trim().is_empty() {
            "the file is empty"
        } else {
            "the file declares nothing"
        };
        let mistake = Mistake::new(0..0, message)
            .help(format!("the smallest file looks like this:\n{SMALLEST}"));
        return Err(Mistakes::new(source, vec![mistake]));
    }
    let desired = top(table, &source, environment, files, &mut found);

    let Findings { list, missing, .. } = found;
    let list = syntax.with(list, missing);
    match desired {
        Some(desired) if list.is_empty() => Ok(desired),
        _ => Err(Mistakes::new(source, list)),
    }
}

/// TOML cannot begin with a brace; a template may, with two of them.
fn json(text: &str) -> Option<Mistake> {
    let at = text.find(|c: char| !c.is_whitespace())?;
    let inside = text[at..].strip_prefix('{')?;
    (!inside.starts_with(['{', '%', '#'])).then(|| {
        Mistake::new(at..at + 1, "this is JSON; an environment file is TOML")
            .help(format!("the smallest file looks like this:\n{SMALLEST}"))
    })
}

fn top(
    mut table: Table<'_>,
    source: &Source,
    environment: &str,
    files: &Files<'_>,
    found: &mut Findings<'_>,
) -> Option<Desired> {
    let first = table
        .first()
        .map_or(0..0, |first| first.key.start..first.key.start);
    let mut absent = Vec::new();
    let mut required = |name: &'static str| {
        let entry = table.take(name);
        if entry.is_none() {
            absent.push(name);
        }
        entry
    };
    let account_entry = required("account");
    let region_entry = required("region");
    let cluster_entry = required("cluster");
    let services_entry = required("services");
    let role_entry = table.take("role");
    let provenance_entry = table.take("provenance");
    let unknown_entry = table.take("allow-unknown-fields");
    let rollout_entry = table.take("rollout");
    let promotion_entry = table.take("promotion");
    // Missing keys go above the first header, so that is where they are missed.
    let start = [&rollout_entry, &promotion_entry, &services_entry]
        .into_iter()
        .flatten()
        .map(|table| table.key.clone())
        .min_by_key(|key| key.start)
        .filter(|_| services_entry.is_some())
        .unwrap_or(first);

    let account =
        account_entry.and_then(|entry| Some((values::account(&entry, found)?, entry.span)));
    let region = region_entry.and_then(|entry| values::region(&entry, found));
    let cluster = cluster_entry.and_then(|entry| values::cluster(&entry, found));
    let role = match &role_entry {
        Some(entry) => values::role(entry, account.as_ref(), found).map(Some),
        None => Some(None),
    };
    let provenance = provenance_entry.map_or(Some(true), |entry| entry.boolean(found));
    let unknown_fields = unknown_entry.map_or(Some(false), |entry| entry.boolean(found));
    let rollout =
        rollout_entry.map_or_else(Rollout::default, |entry| services::rollouts(&entry, found));
    let unattended = Unattended::read(&mut table, source, found);
    if provenance == Some(false) {
        unattended.refuse_without_provenance(found);
    }
    let above = Above {
        source,
        account: account.as_ref().map(|(account, _)| account),
        region: region.as_ref(),
        cluster: cluster.as_ref(),
        rollout,
        unattended,
        provenance: provenance.unwrap_or(true),
        // A wrong value is one mistake, not one for every field.
        unknown_fields: unknown_fields.unwrap_or(true),
        files,
    };
    let promotion = promotion_entry.and_then(|entry| {
        promotion::read(&entry, environment, services_entry.as_ref(), source, found)
    });
    let services = services_entry.and_then(|entry| {
        let services = entry.table(found, || match entry.value {
            DeValue::Array(_) => {
                "write [services.NAME] for each service, in single brackets".to_owned()
            }
            _ => "write [services.NAME] for each service".to_owned(),
        })?;
        if services.first().is_none() {
            no_service(entry.key, &above, found);
        }
        Some(services::read(services, &above, found))
    });
    let meant = table.refuse_rest(&keys::TOP, found);
    absent.retain(|name| !meant.contains(name) && !found.misplaced.contains(name));
    refuse_absent(&absent, start, &above, found);

    Some(Desired {
        environment: environment.to_owned(),
        file: source.file.clone(),
        account: account?.0,
        region: region?,
        cluster: cluster?,
        role: role?,
        provenance: provenance?,
        promotion,
        services: services.filter(|services: &Vec<Service>| !services.is_empty())?,
        originals: Vec::new(),
    })
}

/// One mistake for all the missing keys: they are added in one place.
fn refuse_absent(
    absent: &[&'static str],
    at: Range<usize>,
    above: &Above<'_>,
    found: &mut Findings<'_>,
) {
    let keys: Vec<&str> = absent
        .iter()
        .filter(|name| **name != "services")
        .copied()
        .collect();
    let lines: Vec<&str> = keys
        .iter()
        .map(|name| match *name {
            "account" => "account = \"123456789012\"",
            "region" => "region = \"us-west-1\"",
            _ => "cluster = \"wage-prod\"",
        })
        .collect();
    let named: Vec<String> = keys.iter().map(|name| format!("`{name}`")).collect();
    let message = match &named[..] {
        [] => None,
        [one] => Some(format!("{one} is missing")),
        [init @ .., last] => Some(format!("{} and {last} are missing", init.join(", "))),
    };
    if let Some(message) = message {
        let help = format!(
            "add above the first [table], with your values:\n{}",
            lines.join("\n")
        );
        found.add_missing(Mistake::new(at.clone(), message).help(help));
    }
    if absent.contains(&"services") {
        let end = source_end(above.source);
        no_service(end..end, above, found);
    }
}

/// Behind the last character that is not a blank: where a file is continued.
fn source_end(source: &Source) -> usize {
    source.text.trim_end().len()
}

fn no_service(at: Range<usize>, above: &Above<'_>, found: &mut Findings<'_>) {
    found.add_missing(Mistake::new(at, "no service is declared").help(format!(
        "add one:\n[services.api]\nimage = \"{}\"",
        above.example_image("api")
    )));
}
