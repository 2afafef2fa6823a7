//! `drift` and `suspend`: what unattended runs may do.

use std::ops::Range;

use toml::de::DeValue;
use toml::value::Datetime;

use super::desired::{OnDrift, Suspension};
use super::keys::{self, nearest};
use super::mistakes::Mistake;
use super::show::brief;
use super::source::Source;
use super::walk::{Entry, Findings, Table};

const EXAMPLE: &str = r#"write suspend = { reason = "…", until = 2026-12-01 }"#;

/// What these two keys say; `None` where they are not there, or wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Unattended {
    pub(super) drift: Option<OnDrift>,
    pub(super) suspend: Option<Suspension>,
    /// Where `drift = "report"` stands, if it does.
    pub(super) reports: Option<Range<usize>>,
}

impl Unattended {
    /// Takes the two keys from the top of the file, or from a service.
    pub(super) fn read(table: &mut Table<'_>, source: &Source, found: &mut Findings<'_>) -> Self {
        let drift = table.take("drift").and_then(|entry| {
            let drift = drift(&entry, found)?;
            Some((drift, entry.span))
        });
        let suspend = table
            .take("suspend")
            .and_then(|entry| suspension(&entry, source, found));
        Self {
            drift: drift.as_ref().map(|(drift, _)| *drift),
            suspend,
            reports: drift
                .filter(|(drift, _)| *drift == OnDrift::Report)
                .map(|(_, span)| span),
        }
    }

    /// Drift is told by the tags that revisions carry. Without them there would
    /// be nothing to report.
    pub(super) fn refuse_without_provenance(&self, found: &mut Findings<'_>) {
        if let Some(span) = &self.reports {
            found.add(
                Mistake::new(
                    span.clone(),
                    "`drift = \"report\"` cannot go with `provenance = false`",
                )
                .help(
                    "drift is told by the tags that provenance leaves: take `provenance` out"
                        .to_owned(),
                ),
            );
        }
    }
}

fn drift(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<OnDrift> {
    let example = "write \"correct\" or \"report\"";
    let text = entry.string(found, |_| None, example)?;
    match text {
        "correct" => return Some(OnDrift::Correct),
        "report" => return Some(OnDrift::Report),
        _ => {}
    }
    let help = match nearest(text, ["correct", "report"]) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => example.to_owned(),
    };
    found.add(
        Mistake::new(
            entry.span.clone(),
            "invalid `drift`: it is \"correct\" or \"report\"",
        )
        .help(help),
    );
    None
}

fn suspension(entry: &Entry<'_>, source: &Source, found: &mut Findings<'_>) -> Option<Suspension> {
    let mut table = entry.table(found, || match entry.value.as_str() {
        Some(reason) => format!("write suspend = {{ reason = \"{}\" }}", brief(reason)),
        None => EXAMPLE.to_owned(),
    })?;
    let reason = table.take("reason");
    let until = table.take("until");
    let meant = table.refuse_rest(&keys::SUSPEND, found);
    if reason.is_none() && !meant.contains("reason") {
        let message = "`suspend` has no `reason`";
        found.add_missing(
            Mistake::new(entry.key.clone(), message)
                .help("say why, for whoever finds it: suspend = { reason = \"…\" }".to_owned()),
        );
    }
    let reason = reason.and_then(|entry| {
        let text = entry.string(found, |_| None, "write the reason in quotes")?;
        if text.trim().is_empty() {
            let message = "`reason` is empty";
            let help = "say why, for whoever finds it".to_owned();
            found.add(Mistake::new(entry.span.clone(), message).help(help));
            return None;
        }
        Some(text.trim().to_owned())
    });
    let until = match until {
        Some(entry) => Some(moment(&entry, found)?),
        None => None,
    };
    Some(Suspension {
        reason: reason?,
        until,
        at: source.location(entry.key.start),
    })
}

/// A date, which stands for the moment in which it begins in UTC, or a date and
/// time with its offset. In seconds since the epoch.
fn moment(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<i64> {
    let example = "write a date like 2026-12-01, or a time like 2026-12-01T09:00:00Z";
    let DeValue::Datetime(written) = entry.value else {
        if entry.span.is_empty() {
            return None;
        }
        let quoted = entry.value.as_str().map(str::trim);
        let help = match quoted {
            Some(text)
                if text
                    .parse::<Datetime>()
                    .is_ok_and(|at| seconds(&at).is_some()) =>
            {
                format!("write {text}, without quotes")
            }
            _ => example.to_owned(),
        };
        found.add(entry.mismatch("a date or time").help(help));
        return None;
    };
    if let Some(seconds) = seconds(written) {
        return Some(seconds);
    }
    let (message, help) = match (written.date, written.time, written.offset) {
        (Some(_), Some(_), None) => (
            "invalid `until`: it does not say in which time zone",
            format!("for UTC write {written}Z; or with an offset, {written}+02:00"),
        ),
        (None, ..) => ("invalid `until`: the date is missing", example.to_owned()),
        _ => ("invalid `until`: no calendar has it", example.to_owned()),
    };
    found.add(Mistake::new(entry.span.clone(), message).help(help));
    None
}

fn seconds(at: &Datetime) -> Option<i64> {
    let text = match (at.date, at.time, at.offset) {
        (Some(date), None, None) => format!("{date}T00:00:00Z"),
        (Some(_), Some(_), Some(_)) => at.to_string(),
        _ => return None,
    };
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_in_utc() {
        let of = |text: &str| seconds(&text.parse().unwrap());
        assert_eq!(of("2026-12-01"), Some(1_796_083_200));
        assert_eq!(of("2026-12-01T02:00:00+02:00"), Some(1_796_083_200));
        assert_eq!(of("2026-12-01T00:00:00.9Z"), Some(1_796_083_200));
        assert_eq!(of("2026-12-01T00:00:00"), None);
        assert_eq!(of("09:00:00"), None);
    }
}
