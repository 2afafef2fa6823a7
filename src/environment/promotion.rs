//! `[promotion]`: from which environment images come, and when.

use std::time::Duration;

use super::desired::{Promotion, Upstream};
use super::keys::{self, nearest};
use super::load_error::{LoadError, Unreadable};
use super::mistakes::Mistake;
use super::show::{brief, whole};
use super::source::Source;
use super::values;
use super::walk::{Entry, Findings, Table};

const EXAMPLE: &str = "write it as a table:\n[promotion]\nfrom = \"staging\"\nsoak = \"30m\"";

impl Upstream {
    /// An error about this environment, at the place where it is named.
    pub fn refuse(&self, why: &str, help: Option<&str>) -> LoadError {
        let error = Unreadable::plain(why.to_owned()).at(self.at.clone());
        match help {
            Some(help) => error.help(help).into(),
            None => error.into(),
        }
    }
}

/// The table; what is wrong in it counts as not said. `services` is the entry
/// that declares the services of the file.
pub(super) fn read(
    entry: &Entry<'_>,
    environment: &str,
    services: Option<&Entry<'_>>,
    source: &Source,
    found: &mut Findings<'_>,
) -> Option<Promotion> {
    let mut table = entry.table(found, || EXAMPLE.to_owned())?;
    let from = table
        .take("from")
        .and_then(|entry| from(&entry, environment, source, found));
    let soak = table
        .take("soak")
        .map_or(Some(Duration::ZERO), |entry| values::soak(&entry, found));
    let listed = table
        .take("services")
        .map_or_else(Vec::new, |entry| listed(&entry, services, found));
    table.refuse_rest(&keys::PROMOTION, found);
    Some(Promotion {
        from,
        soak: soak.unwrap_or_default(),
        services: listed,
    })
}

/// The name of an environment whose file lies beside this one. Whether it is
/// there is for whoever opens it to say.
fn from(
    entry: &Entry<'_>,
    environment: &str,
    source: &Source,
    found: &mut Findings<'_>,
) -> Option<Upstream> {
    let name = entry.string(found, |_| None, "write from = \"staging\"")?;
    let mut wrong = |message: &str, help: String| {
        found.add(Mistake::new(entry.span.clone(), message).help(help));
    };
    let stem = name.rsplit('/').next().unwrap_or(name);
    let stem = stem.strip_suffix(".toml").unwrap_or(stem);
    if stem.is_empty() || stem.contains('\\') {
        let help = "write the name of an environment, such as \"staging\"";
        wrong("`from` names no environment", help.to_owned());
        return None;
    }
    if stem != name {
        let message = "`from` is the name of an environment, not a path";
        wrong(message, format!("write \"{}\"", brief(stem)));
        return None;
    }
    if name == environment {
        let message = "an environment cannot be promoted to itself";
        wrong(message, "name the environment before it".to_owned());
        return None;
    }
    Some(Upstream {
        environment: name.to_owned(),
        at: source.location(entry.span.start),
    })
}

/// Services of this file.
fn listed(
    entry: &Entry<'_>,
    services: Option<&Entry<'_>>,
    found: &mut Findings<'_>,
) -> Vec<String> {
    const LIST: &str = "write it like [\"api\", \"worker\"]";
    let Some(items) = entry.list(found, LIST) else {
        return Vec::new();
    };
    if items.is_empty() {
        let mistake = Mistake::new(entry.span.clone(), "`services` lists no service");
        found.add(mistake.help("leave it out to promote all of them".to_owned()));
    }
    let declared: Vec<String> = match services.map(|entry| entry.value) {
        Some(toml::de::DeValue::Table(table)) => Table::new(table)
            .entries()
            .map(|entry| entry.name.to_owned())
            .collect(),
        // Nothing can be said against a name.
        _ => Vec::new(),
    };
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let Some(name) = item.string(found, |_| None, LIST) else {
            continue;
        };
        if !declared.is_empty() && declared.iter().all(|one| one != name) {
            let all: Vec<String> = declared.iter().map(|name| brief(name)).collect();
            let help = match nearest(name, declared.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean \"{}\"?", brief(meant)),
                None => format!("its services: {}", all.join(", ")),
            };
            let message = format!("this file declares no service `{}`", whole(name));
            found.add(Mistake::new(item.span, message).help(help));
        } else if names.iter().any(|one| one == name) {
            let message = format!("service `{}` is listed twice", brief(name));
            found.add(Mistake::new(item.span, message).help("keep one of them".to_owned()));
        } else {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::parse;

    fn file(promotion: &str) -> String {
        format!(
            "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"shop\"\n\
             {promotion}\n[services.web]\nimage = \"web:1\"\n[services.mail]\nimage = \"mail:1\"\n"
        )
    }

    fn read(promotion: &str) -> Option<Promotion> {
        parse("prod.toml", "prod", &file(promotion))
            .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
            .promotion
    }

    #[test]
    fn all_of_it_or_nothing() {
        assert_eq!(read(""), None);
        let promotion = read(
            "[promotion]\nfrom = \"staging\"\nsoak = \"30m\"\nservices = [\"mail\", \"web\"]\n",
        )
        .unwrap();
        let from = promotion.from.unwrap();
        assert_eq!(from.environment, "staging");
        assert_eq!(from.at.to_string(), "prod.toml:5:8");
        assert_eq!(promotion.soak, Duration::from_secs(1800));
        assert_eq!(promotion.services, ["mail", "web"]);
        assert_eq!(read("promotion = {}").unwrap().soak, Duration::ZERO);
        let longest = read("promotion.soak = \"2160h\"").unwrap();
        assert_eq!(longest.soak.as_secs(), 90 * 24 * 3600);
    }

    #[test]
    fn every_mistake_says_what_to_write() {
        for (promotion, says) in [
            ("promotion = \"staging\"", "must be a table, not a string"),
            ("promotion.from = 1", "hint: write from = \"staging\""),
            ("promotion.from = \"\"", "`from` names no environment"),
            (
                "promotion.from = \"environments/staging.toml\"",
                "hint: write \"staging\"",
            ),
            (
                "promotion.from = \"prod\"",
                "an environment cannot be promoted to itself",
            ),
            (
                "promotion.soak = 30",
                "write it with its unit, such as \"30m\"",
            ),
            (
                "promotion.soak = \"30\"",
                "invalid `soak`: the unit is missing",
            ),
            (
                "promotion.soak = \"2161h\"",
                "it must be at most 90 days (2160h)",
            ),
            ("promotion.services = \"web\"", "hint: write it like"),
            ("promotion.services = []", "`services` lists no service"),
            ("promotion.services = [\"wbe\"]", "did you mean \"web\"?"),
            (
                "promotion.services = [\"colour\"]",
                "its services: web, mail",
            ),
            (
                "promotion.services = [\"web\", \"web\"]",
                "service `web` is listed twice",
            ),
            ("promotion.form = \"staging\"", "did you mean `from`?"),
            ("soak = \"30m\"", "write it under [promotion]"),
            (
                "[services.chat]\nimage = \"chat:1\"\npromotion = {}",
                "write it as [promotion], a table of its own",
            ),
        ] {
            let mistakes = parse("prod.toml", "prod", &file(promotion)).expect_err(promotion);
            let text = mistakes.render(false, 80);
            assert!(text.contains(says), "{promotion}:\n{text}");
            assert_eq!(mistakes.count(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_missing_above_it_is_missed_above_it() {
        let text = file("[promotion]\nfrom = \"staging\"").replace("cluster = \"shop\"\n", "");
        let mistakes = parse("prod.toml", "prod", &text).expect_err("no cluster");
        let (at, message, _) = mistakes.iter().next().unwrap();
        assert_eq!((at.line, message), (3, "`cluster` is missing"));
    }
}
