//! Single values: read, checked by the model's rules, and where one is wrong,
//! the value that was probably meant.

use std::io::ErrorKind;
use std::str::FromStr;
use std::time::Duration;

use crate::model::{AccountId, ClusterName, ImageReference, Invalid, Region, ServiceName};

use super::definition;
use super::desired::{Definition, OnFailure};
use super::duration;
use super::keys::nearest;
use super::load_error::why;
use super::mistakes::Mistake;
use super::parse::Above;
use super::regions;
use super::show::{self, brief};
use super::walk::{Entry, Findings};

/// A rollout that ends sooner cannot be told from one that has not begun: ECS
/// needs several seconds to start a task at all.
const SHORTEST: Duration = Duration::from_secs(10);
/// Longer than any sensible bake time; past it a number was mistyped.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// As long as ECS remembers a deployment; past it nobody could tell.
const LONGEST_SOAK: Duration = Duration::from_secs(90 * 24 * 3600);

pub(super) fn account(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<AccountId> {
    let unquoted = |raw: &str| {
        let account = raw.replace('_', "").parse::<AccountId>().ok()?;
        Some(format!(
            "write \"{account}\" (a number would lose leading zeros)"
        ))
    };
    let example = "write its 12 digits in quotes, such as \"123456789012\"";
    let text = entry.string(found, unquoted, example)?;
    checked(entry, text, found, example, |text| {
        vec![text.replace(['-', ' '], "")]
    })
}

pub(super) fn region(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Region> {
    let example = "write it like \"us-west-1\"";
    let text = entry.string(found, |_| None, example)?;
    let Invalid(reason) = match text.parse() {
        Ok(region) => return Some(region),
        Err(invalid) => invalid,
    };
    let meant = regions::meant(text);
    let help = match meant[..] {
        [] if text.trim().is_empty() => Some(example.to_owned()),
        [] => None,
        _ => Some(format!("write \"{}\"", meant.join("\" or \""))),
    };
    found.add(Mistake::new(entry.span.clone(), format!("invalid `region`: {reason}")).help(help));
    None
}

pub(super) fn cluster(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<ClusterName> {
    name(entry, found, "write the cluster's name, such as \"shop\"")
}

pub(super) fn service(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<ServiceName> {
    name(
        entry,
        found,
        "write the ECS service's name, or leave `name` out",
    )
}

/// The name of a cluster or a service: one rule for both.
fn name<T: FromStr<Err = Invalid>>(
    entry: &Entry<'_>,
    found: &mut Findings<'_>,
    example: &str,
) -> Option<T> {
    let text = entry.string(found, quoted::<T>, example)?;
    checked(entry, text, found, example, |text| {
        let last = match text.strip_prefix("arn:") {
            Some(_) => text.rsplit('/').next().unwrap_or_default(),
            None => text,
        };
        vec![last.trim().to_owned()]
    })
}

pub(super) fn image(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<ImageReference> {
    let text = entry.string(found, |_| None, EXAMPLE_IMAGE)?;
    image_reference(text)
        .map_err(|(message, help)| {
            found.add(Mistake::new(entry.span.clone(), message).help(help));
        })
        .ok()
}

const EXAMPLE_IMAGE: &str = "write image = \"REPOSITORY:TAG\"";

/// An image, or what is wrong with it and what to write.
pub(super) fn image_reference(text: &str) -> Result<ImageReference, (String, Option<String>)> {
    if text.contains("${") || text.contains("{{") {
        return Err((
            "invalid `image`: variables are not filled in".to_owned(),
            Some("write the tag itself; the file in Git says what runs".to_owned()),
        ));
    }
    check("image", text, EXAMPLE_IMAGE, |text| {
        let bare = text.trim();
        let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
        vec![bare.to_owned(), bare.trim_end_matches(':').to_owned()]
    })
}

/// The role to assume: `arn:aws*:iam::ACCOUNT:role/…` (IAM user guide,
/// "IAM identifiers"), in the file's own account.
pub(super) fn role(
    entry: &Entry<'_>,
    account: Option<&(AccountId, std::ops::Range<usize>)>,
    found: &mut Findings<'_>,
) -> Option<String> {
    let owner = account.map_or("123456789012", |(account, _)| account.as_str());
    let example = format!("it looks like \"arn:aws:iam::{owner}:role/evenkeel\"");
    let text = entry.string(found, |_| None, &example)?;
    let Some(owner) = role_account(text) else {
        found.add(
            Mistake::new(
                entry.span.clone(),
                "invalid `role`: this is not the ARN of an IAM role",
            )
            .help(example),
        );
        return None;
    };
    if let Some((account, span)) = account
        && owner != *account
    {
        found.add(
            Mistake::new(
                entry.span.clone(),
                format!("`role` is in account {owner}, the file is for {account}"),
            )
            .also(span.clone(), "the file's account")
            .help(format!("use a role of {account}, or change `account`")),
        );
        return None;
    }
    Some(text.to_owned())
}

fn role_account(text: &str) -> Option<AccountId> {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = fields[..] else {
        return None;
    };
    let path = resource.strip_prefix("role/")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c);
    let right = partition.starts_with("aws")
        && !path.ends_with('/')
        && !path.is_empty()
        && path.chars().all(fits);
    let plain = partition
        .chars()
        .all(|c| c.is_ascii_lowercase() || c == '-');
    (right && plain).then(|| account.parse().ok())?
}

pub(super) fn timeout(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Duration> {
    let bounds = (SHORTEST, "10 seconds", LONGEST, "24 hours");
    length(entry, bounds, found)
}

/// How long something must have run.
pub(super) fn soak(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Duration> {
    let bounds = (Duration::ZERO, "0 seconds", LONGEST_SOAK, "90 days (2160h)");
    length(entry, bounds, found)
}

/// A length of time between two bounds, each with its name.
fn length(
    entry: &Entry<'_>,
    (shortest, at_least, longest, at_most): (Duration, &str, Duration, &str),
    found: &mut Findings<'_>,
) -> Option<Duration> {
    let example = || "write it with its units, such as \"15m\", \"90s\" or \"1h30m\"".to_owned();
    let such_as = |meant: &str| format!("write it with its unit, such as \"{meant}\"");
    let unquoted = |raw: &str| Some(such_as(&duration::with_unit(raw.parse().ok()?)?));
    let text = entry.string(found, unquoted, &such_as("15m"))?;
    let (reason, help) = match duration::parse(text) {
        Err(wrong) => (
            wrong.reason.to_owned(),
            wrong
                .write
                .map_or_else(example, |write| format!("write \"{write}\"")),
        ),
        Ok(length) if length < shortest => (format!("it must be at least {at_least}"), example()),
        Ok(length) if length > longest => (format!("it must be at most {at_most}"), example()),
        Ok(length) => return Some(length),
    };
    let message = format!("invalid `{}`: {reason}", brief(entry.name));
    found.add(Mistake::new(entry.span.clone(), message).help(help));
    None
}

pub(super) fn on_failure(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<OnFailure> {
    let example = "write \"rollback\" or \"stop\"";
    let text = entry.string(found, |_| None, example)?;
    match text {
        "rollback" => return Some(OnFailure::Rollback),
        "stop" => return Some(OnFailure::Stop),
        _ => {}
    }
    let help = match nearest(text, ["rollback", "stop"]) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => example.to_owned(),
    };
    found.add(
        Mistake::new(
            entry.span.clone(),
            "invalid `on-failure`: it is \"rollback\" or \"stop\"",
        )
        .help(help),
    );
    None
}

/// The names of variables, in a list.
pub(super) fn names(entry: &Entry<'_>, found: &mut Findings<'_>) -> Vec<String> {
    let example = "write it like [\"NAME\"]";
    let Some(items) = entry.items() else {
        if !entry.span.is_empty() {
            found.add(entry.mismatch("a list").help(example.to_owned()));
        }
        return Vec::new();
    };
    let name = |item: &Entry<'_>| item.string(found, |_| None, example).map(str::to_owned);
    items.iter().filter_map(name).collect()
}

/// The file that holds a whole task definition, read.
pub(super) fn definition(
    entry: &Entry<'_>,
    above: &Above<'_>,
    found: &mut Findings<'_>,
) -> Option<Definition> {
    let file = entry.string(found, |_| None, "write definition = \"FILE.json\"")?;
    let shown = show::whole(file);
    let read = (above.files)(file);
    let (message, help) = match read.map(|bytes| definition::read(&bytes)) {
        Ok(Ok(document)) => {
            return Some(Definition {
                file: file.to_owned(),
                document,
                at: above.source.location(entry.span.start),
            });
        }
        Ok(Err(wrong)) => (
            format!("{shown} {}", show::whole(&wrong.reason)),
            wrong.help,
        ),
        Err(error) => {
            let message = match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => {
                    format!("there is no file {shown}")
                }
                _ => format!("cannot read {shown}: {}", show::whole(&why(&error))),
            };
            (message, "the path starts at the environment file's folder")
        }
    };
    found.add(Mistake::new(entry.span.clone(), message).help(help.to_owned()));
    None
}

/// The help for a value without its quotes, if it is right with them.
fn quoted<T: FromStr>(raw: &str) -> Option<String> {
    raw.parse::<T>().is_ok().then(|| format!("write \"{raw}\""))
}

/// Parses a value; what is wrong with it is a mistake.
fn checked<T: FromStr<Err = Invalid>>(
    entry: &Entry<'_>,
    text: &str,
    found: &mut Findings<'_>,
    example: &str,
    candidates: impl FnOnce(&str) -> Vec<String>,
) -> Option<T> {
    check(entry.name, text, example, candidates)
        .map_err(|(message, help)| {
            found.add(Mistake::new(entry.span.clone(), message).help(help));
        })
        .ok()
}

/// Parses the value of a key; where it is wrong, the first candidate that would
/// be right is suggested, and where there is none at all, the example.
fn check<T: FromStr<Err = Invalid>>(
    key: &str,
    text: &str,
    example: &str,
    candidates: impl FnOnce(&str) -> Vec<String>,
) -> Result<T, (String, Option<String>)> {
    text.parse().map_err(|Invalid(reason)| {
        let help = candidates(text)
            .into_iter()
            .find(|candidate| candidate.parse::<T>().is_ok())
            .map(|candidate| format!("write \"{}\"", brief(&candidate)))
            .or_else(|| text.trim().is_empty().then(|| example.to_owned()));
        (format!("invalid `{key}`: {reason}"), help)
    })
}
