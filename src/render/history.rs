//! A service's history, as text for 80 columns and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::image::{images_json, images_text};
use super::json::FORMAT_VERSION;
use super::style::{BAD, BOLD, BUSY, DIM, GOOD, Styled};
use super::words::{defuse, duration, paragraph, time};
use crate::environment::Desired;
use crate::live::{Ended, Entry, History, Source};
use crate::observed::{DeploymentStatus, Unreadable};

/// A block for each deployment, newest first.
pub fn history_text(desired: &Desired, history: &History) -> String {
    let place = format!(
        "{} · {} · {} · {}",
        history.key.service, history.key.cluster, desired.region, desired.account
    );
    let mut text = format!(
        "{}   {}\n\n",
        Styled(BOLD, &history.name),
        Styled(DIM, place)
    );
    for entry in &history.entries {
        entry_text(&mut text, entry);
    }
    if let Source::Revisions { instead } = &history.told_by {
        if !history.entries.is_empty() {
            text.push('\n');
        }
        let says = revisions_note(instead.as_ref());
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "{}", paragraph(0, "note ", &says));
        if let Some(hint) = instead.as_ref().and_then(|why| why.hint.as_ref()) {
            let _ = writeln!(text, "{}", paragraph(0, "hint ", &defuse(hint)));
        }
    }
    text
}

fn entry_text(text: &mut String, entry: &Entry) {
    let facts = entry.facts.as_ref();
    let at = match &entry.deployment {
        Some(ended) => Some(ended.began),
        None => facts.ok().and_then(|facts| facts.registered_at),
    };
    let mut head: Vec<String> = vec![at.map_or_else(|| "at an unknown time".to_owned(), time)];
    head.push(match &entry.revision {
        Some(revision) => format!("revision {}", revision.revision()),
        None => "revision not known".to_owned(),
    });
    let mark = match &entry.deployment {
        Some(ended) => {
            let (mark, _, says) = outcome(ended);
            head.push(match took(ended) {
                Some(seconds) => {
                    format!("{says} after {}", duration(Duration::from_secs(seconds)))
                }
                None => says.to_owned(),
            });
            mark
        }
        None => {
            head.push("registered".to_owned());
            Styled(DIM, "·")
        }
    };
    if entry.current {
        head.push("current".to_owned());
    }
    let _ = writeln!(text, "{mark} {}", head.join("   "));
    let mut line = |label: &str, says: &str| {
        let _ = writeln!(text, "{}", paragraph(4, label, says));
    };
    match facts {
        Ok(facts) => {
            images_text(text, &facts.images);
            let from: Vec<String> = [
                facts
                    .commit
                    .as_ref()
                    .map(|commit| format!("commit {}", commit.short())),
                facts
                    .registered_by
                    .as_ref()
                    .map(|by| format!("by {}", who(by))),
            ]
            .into_iter()
            .flatten()
            .collect();
            if !from.is_empty() {
                let _ = writeln!(text, "{}", paragraph(4, "", &from.join(", ")));
            }
        }
        Err(why) => {
            line("note ", &unreadable(why));
            if let Some(hint) = &why.hint {
                line("hint ", &defuse(hint));
            }
        }
    }
    if let Some(reason) = entry.deployment.as_ref().and_then(reason) {
        let _ = writeln!(text, "{}", paragraph(4, "reason ", &defuse(reason)));
    }
}

/// Why a deployment did not succeed, in ECS's words.
fn reason(ended: &Ended) -> Option<&str> {
    let succeeded = ended.status == DeploymentStatus::Successful;
    ended.reason.as_deref().filter(|_| !succeeded)
}

fn took(ended: &Ended) -> Option<u64> {
    u64::try_from(ended.ended? - ended.began).ok()
}

/// A mark, a word for programs, and words for people.
fn outcome(ended: &Ended) -> (Styled<&'static str>, &'static str, &'static str) {
    let (good, bad, busy) = (Styled(GOOD, "✓"), Styled(BAD, "✗"), Styled(BUSY, "…"));
    match ended.status {
        DeploymentStatus::Pending => (busy, "pending", "pending"),
        DeploymentStatus::InProgress => (busy, "in-progress", "in progress"),
        DeploymentStatus::Successful => (good, "successful", "successful"),
        DeploymentStatus::StopRequested | DeploymentStatus::Stopped if ended.failed => {
            (bad, "failed", "failed")
        }
        DeploymentStatus::StopRequested => (busy, "stopping", "stopping"),
        DeploymentStatus::Stopped => (Styled(DIM, "-"), "stopped", "stopped"),
        DeploymentStatus::RollbackRequested | DeploymentStatus::RollbackInProgress => {
            (bad, "rolling-back", "rolling back")
        }
        DeploymentStatus::RollbackSuccessful => (bad, "rolled-back", "rolled back"),
        DeploymentStatus::RollbackFailed => (bad, "rollback-failed", "rollback failed"),
        DeploymentStatus::Unknown => (Styled(DIM, "?"), "unknown", "ended in an unknown way"),
    }
}

/// Who it was, from an ARN: `deploy/ci` of
/// `arn:aws:sts::123456789012:assumed-role/deploy/ci`.
pub(super) fn who(arn: &str) -> String {
    let name = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    let name = ["assumed-role/", "user/", "role/"]
        .into_iter()
        .find_map(|kind| name.strip_prefix(kind))
        .unwrap_or(name);
    defuse(name)
}

fn unreadable(why: &Unreadable) -> String {
    format!("the revision could not be read: {}", defuse(&why.why))
}

fn revisions_note(instead: Option<&Unreadable>) -> String {
    let why = match instead {
        Some(why) => format!(
            "the service's deployments could not be read: {}",
            defuse(&why.why)
        ),
        None => "ECS has no record of the service's deployments".to_owned(),
    };
    format!("{why}; these are the newest revisions, whether they were deployed or not")
}

/// The same as one document.
pub fn history_json(desired: &Desired, history: &History) -> String {
    let (told_by, note) = match &history.told_by {
        Source::Deployments => ("deployments", None),
        Source::Revisions { instead } => ("revisions", Some(revisions_note(instead.as_ref()))),
    };
    let document = json!({
        "format_version": FORMAT_VERSION,
        "environment": desired.environment,
        "account": desired.account,
        "region": desired.region,
        "service": history.name,
        "cluster": history.key.cluster,
        "ecs_service": history.key.service,
        "told_by": told_by,
        "note": note,
        "entries": history.entries.iter().map(entry_json).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn entry_json(entry: &Entry) -> Value {
    let facts = entry.facts.as_ref().ok();
    json!({
        "revision": entry.revision,
        "current": entry.current,
        "outcome": entry.deployment.as_ref().map(|ended| outcome(ended).1),
        "reason": entry.deployment.as_ref().and_then(reason),
        "began_at": entry.deployment.as_ref().map(|ended| ended.began),
        "ended_at": entry.deployment.as_ref().and_then(|ended| ended.ended),
        "images": facts.map_or_else(|| json!([]), |facts| images_json(&facts.images)),
        "commit": facts.and_then(|facts| facts.commit.as_ref()),
        "registered_by": facts.and_then(|facts| facts.registered_by.as_ref()),
        "registered_at": facts.and_then(|facts| facts.registered_at),
        "note": entry.facts.as_ref().err().map(unreadable),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_registered_it_is_told_by_name() {
        for (arn, name) in [
            (
                "arn:aws:sts::123456789012:assumed-role/deploy/ci-7",
                "deploy/ci-7",
            ),
            ("arn:aws:iam::123456789012:user/ann", "ann"),
            ("arn:aws:iam::123456789012:root", "root"),
            ("somebody", "somebody"),
            ("\u{1b}[1mann", "\\u{1b}[1mann"),
        ] {
            assert_eq!(who(arn), name);
        }
    }
}
