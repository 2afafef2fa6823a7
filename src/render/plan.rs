//! A plan as text, for 80 columns.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::block::{Said, held, said, until};
use super::fields::{Row, rows, words as effect_words};
use super::lines::{Columns, title};
use super::rows::{Indent, rows_text};
use super::style::{BAD, BUSY, CHANGE, DIM, GOOD, Styled};
use super::words::{command, defuse, defuse_line, duration, paragraph, tasks, time};
use crate::model::ImageReference;
use crate::observed::Unreadable;
use crate::plan::{
    Change, Count, FailedBefore, ImageChange, Mask, Note, Plan, ServicePlan, Target, Verdict,
};

/// How much a plan's text shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detail {
    /// The difference of the whole documents.
    pub documents: bool,
    /// Values of environment variables in it.
    pub values: bool,
}

/// The plan, ending in a line that counts.
pub fn plan_text(plan: &Plan, detail: Detail) -> String {
    let mut text = String::new();
    text += &title(
        plan.environment(),
        plan.cluster(),
        plan.region(),
        plan.account(),
    );
    text.push('\n');
    let services = plan.services().iter();
    let columns = Columns::of(
        services.map(|service| (service.name.as_str(), &service.key)),
        plan.cluster(),
    );
    for service in plan.services() {
        service_text(&mut text, service, &columns, detail);
    }
    text.push('\n');
    // Writing to a String cannot fail, here and elsewhere.
    let _ = writeln!(text, "{}", count_text(plan.count()));
    text
}

/// What to approve of the plan by, below it; empty where nothing is.
pub fn hash_text(plan: &Plan) -> String {
    if !plan.is_approvable() {
        return String::new();
    }
    format!("{}\n", Styled(DIM, format!("plan {}", plan.hash().short())))
}

fn service_text(text: &mut String, service: &ServicePlan, columns: &Columns, detail: Detail) {
    let (mark, says) = headline(&service.verdict);
    *text += &columns.row(mark, &service.name, &service.key, &says);
    match &service.verdict {
        Verdict::InSync { .. } => {}
        Verdict::Change(change) => change_text(text, change, detail),
        Verdict::RollingOut(rollout) => {
            let _ = writeln!(
                text,
                "    {} run so far",
                tasks(rollout.running, rollout.desired)
            );
        }
        Verdict::FailedBefore(before) => failed_before_text(text, before),
        Verdict::Blocked(blocks) => {
            for block in blocks {
                said_text(text, &said(block));
            }
        }
        Verdict::Suspended(suspended) => {
            change_text(text, &suspended.change, detail);
            said_text(text, &held(&suspended.why));
        }
    }
    for note in &service.notes {
        let label = if is_warning(note) { "warning" } else { "note " };
        let _ = writeln!(text, "{}", paragraph(4, label, &note_text(note)));
    }
}

/// A mark, and what is said of a service in its first line.
pub(super) fn headline(verdict: &Verdict) -> (Styled<&'static str>, String) {
    match verdict {
        Verdict::InSync { revision } => (
            Styled(GOOD, "="),
            format!("revision {}", revision.revision()),
        ),
        Verdict::Change(change) => change_headline(change),
        Verdict::RollingOut(rollout) => (
            Styled(BUSY, "…"),
            format!("revision {} is rolling out", rollout.revision.revision()),
        ),
        Verdict::FailedBefore(before) => (
            Styled(BAD, "✗"),
            format!("revision {} runs", before.running.revision()),
        ),
        Verdict::Blocked(_) => (Styled(BAD, "✗"), "blocked".into()),
        Verdict::Suspended(suspended) => {
            let (_, would) = change_headline(&suspended.change);
            (Styled(BUSY, "‖"), format!("suspended ({would})"))
        }
    }
}

fn change_headline(change: &Change) -> (Styled<&'static str>, String) {
    let from = change.basis.revision.revision();
    match (&change.to, change.restart) {
        _ if !change.moves() && !change.service.is_empty() => (
            Styled(CHANGE, "~"),
            format!("revision {from} stays, {}", effect_words(change.effect())),
        ),
        (Target::Existing(_), true) => (Styled(CHANGE, "↻"), format!("restart of revision {from}")),
        (Target::New(_), true) => (
            Styled(CHANGE, "↻"),
            format!("restart: revision {from} → new"),
        ),
        (Target::Existing(to), false) => (
            Styled(CHANGE, "~"),
            format!("revision {from} → {}", to.revision()),
        ),
        (Target::New(_), false) => (Styled(CHANGE, "~"), format!("revision {from} → new")),
    }
}

/// Whether what is declared will not last.
fn is_warning(note: &Note) -> bool {
    matches!(note, Note::Autoscaled { declared, least, most } if !(least..=most).contains(&declared))
}

fn failed_before_text(text: &mut String, before: &FailedBefore) {
    let when = before
        .at
        .map_or_else(String::new, |at| format!(" at {}", time(at)));
    let says = if before.revision == before.running {
        format!("what is declared of the service was rolled out, and that failed{when}")
    } else {
        format!(
            "what is declared is revision {}, and its rollout failed{when}",
            before.revision.revision()
        )
    };
    let _ = writeln!(text, "{}", paragraph(4, "", &says));
    if let Some(reason) = &before.reason {
        let _ = writeln!(text, "{}", paragraph(4, "reason ", &defuse(reason)));
    }
    let hint = "declare another image; or try this one again with apply --retry";
    let _ = writeln!(text, "{}", paragraph(4, "hint   ", hint));
}

pub(super) fn change_text(text: &mut String, change: &Change, detail: Detail) {
    let rows = rows(change, detail.values);
    differences_text(text, change, &rows);
    for task in &change.first {
        let line = format!("{} in {}", command(&task.command), defuse(&task.container));
        let _ = writeln!(text, "{}", paragraph(4, "first  ", &line));
    }
    if let (Target::Existing(revision), true) = (&change.to, change.moves()) {
        let line = format!(
            "revision {} already is what is declared; no new one is needed",
            revision.revision()
        );
        let _ = writeln!(text, "{}", paragraph(4, "note ", &line));
    }
    if let Some(ended) = &change.supersedes {
        let line = format!(
            "this ends the {} revision {} that is under way, {}",
            if ended.rolls_back {
                "rollback to"
            } else {
                "rollout of"
            },
            ended.revision.revision(),
            tasks(ended.running, ended.desired)
        );
        let _ = writeln!(text, "{}", paragraph(4, "note ", &line));
    }
    if detail.documents {
        document_text(text, change, detail.values);
    }
}

/// Each group once: a container with its image and its fields, then the task,
/// then the service.
fn differences_text(text: &mut String, change: &Change, rows: &[Row]) {
    let containers = change.images.iter().map(|image| defuse(&image.container));
    let mut groups: Vec<String> = Vec::new();
    for group in containers.chain(rows.iter().map(|row| row.group.clone())) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    // The task and the service come last, in the order of their rows.
    groups.sort_by_key(|group| ["task", "service"].contains(&group.as_str()));
    let lengths = groups.iter().map(|group| group.chars().count());
    let indent = Indent::of(lengths.max().unwrap_or(0));
    for group in &groups {
        let mut images = change
            .images
            .iter()
            .filter(|image| defuse(&image.container) == *group);
        let image = images.next();
        if let Some(image) = image {
            image_text(text, image, indent);
        }
        let rows: Vec<&Row> = rows.iter().filter(|row| row.group == *group).collect();
        rows_text(text, &rows, image.is_some(), indent);
    }
}

fn image_text(text: &mut String, change: &ImageChange, indent: Indent) {
    let from: Option<ImageReference> = change.from.parse().ok();
    let same_repository = from
        .as_ref()
        .is_some_and(|from| from.base() == change.to.base());
    let head = indent.head(&defuse(&change.container));
    let old = Side::of_live(&change.from, from.as_ref(), change);
    let new = Side::of(&change.to);
    // The lines below stand under the field's name.
    let indent = indent.below();
    if same_repository {
        let _ = writeln!(text, "{head}image  {}", change.to.short_repository());
    } else {
        let _ = writeln!(text, "{head}image");
        let repository = |side: &Side| side.repository.clone();
        let _ = writeln!(text, "{:indent$}{}", "", Styled(BAD, repository(&old)));
    }
    let tag = old.tag.chars().count().max(new.tag.chars().count()).min(40);
    let line = |side: &Side| {
        format!("{:tag$}  {}", side.tag, side.digest)
            .trim_end()
            .to_owned()
    };
    let _ = writeln!(text, "{:indent$}{}", "", Styled(BAD, line(&old)));
    let arrow = indent - 2;
    if same_repository {
        let _ = writeln!(text, "{:arrow$}→ {}", "", Styled(GOOD, line(&new)));
    } else {
        let _ = writeln!(text, "{:arrow$}→ {}", "", Styled(GOOD, &new.repository));
        let _ = writeln!(text, "{:indent$}{}", "", Styled(GOOD, line(&new)));
    }
}

/// One side of an image change, in words.
struct Side {
    repository: String,
    tag: String,
    digest: String,
}

impl Side {
    fn of(image: &ImageReference) -> Self {
        Self {
            repository: image.base().to_owned(),
            tag: image.tag().unwrap_or("(no tag)").to_owned(),
            digest: image
                .digest()
                .map_or_else(String::new, |digest| digest.short().to_owned()),
        }
    }

    fn of_live(written: &str, image: Option<&ImageReference>, change: &ImageChange) -> Self {
        let Some(image) = image else {
            let repository = if written.is_empty() {
                "(no image)".to_owned()
            } else {
                defuse(written)
            };
            return Self {
                repository,
                tag: String::new(),
                digest: String::new(),
            };
        };
        let mut side = Self::of(image);
        if side.digest.is_empty() && change.to.digest().is_some() {
            side.digest = match &change.from_digest {
                Some(digest) => format!("{} (what runs)", digest.short()),
                None => "(digest unknown)".to_owned(),
            };
        }
        side
    }
}

/// The difference of the documents that are compared, as a unified diff.
fn document_text(text: &mut String, change: &Change, values: bool) {
    let mask = (!values).then(|| Mask::of(&change.before));
    let pretty =
        |document: Map<String, Value>| serde_json::to_string_pretty(&document).unwrap_or_default();
    let mut before = change.before.register_request(&change.tags);
    let mut after = change.after.register_request(&change.tags_after());
    if let Some(mask) = mask {
        mask.live_document(&mut before);
        mask.wanted_document(&mut after);
    }
    let (before, after) = (pretty(before), pretty(after));
    let diff = TextDiff::from_lines(&before, &after);
    for group in diff.grouped_ops(3) {
        let _ = writeln!(text, "    {}", Styled(DIM, "⋯"));
        for op in group {
            for line in diff.iter_changes(&op) {
                let shown = defuse_line(line.value());
                let _ = match line.tag() {
                    ChangeTag::Delete => {
                        writeln!(text, "    {}", Styled(BAD, format!("- {shown}")))
                    }
                    ChangeTag::Insert => {
                        writeln!(text, "    {}", Styled(GOOD, format!("+ {shown}")))
                    }
                    ChangeTag::Equal => writeln!(text, "      {shown}"),
                };
            }
        }
    }
}

pub(super) fn said_text(text: &mut String, said: &Said) {
    let mut say = |label: &str, line: &str| {
        let _ = writeln!(text, "{}", paragraph(4, label, line));
    };
    say("", &said.says);
    if let Some(at) = &said.at {
        say("at   ", at);
    }
    if let Some(has) = &said.has {
        say("has  ", has);
    }
    if let Some(hint) = &said.hint {
        say("hint ", hint);
    }
}

pub(super) fn note_text(note: &Note) -> String {
    match note {
        Note::OtherTag {
            container,
            declared,
            live,
        } => {
            format!(
                "{container}: {declared} is the very image that runs as {}; no rollout is needed",
                defuse(live)
            )
        }
        Note::DigestUnknown {
            container,
            tag,
            why: None,
        } => format!(
            "{container}: {tag} runs without a digest, and ECS does not tell which image that was; taken to be the same"
        ),
        Note::DigestUnknown {
            container,
            tag,
            why: Some(why),
        } => format!(
            "{container}: {tag} runs without a digest, and is taken to be the same; which image that was could not be read: {}",
            with_hint(why)
        ),
        Note::HistoryUnknown { why } => format!(
            "whether a deployment of this service failed before could not be read: {}",
            with_hint(why)
        ),
        Note::TasksMissing { running, desired } => {
            format!("only {} run", tasks(*running, *desired))
        }
        Note::Autoscaled {
            declared,
            least,
            most,
        } if (least..=most).contains(&declared) => format!(
            "autoscaling sets desiredCount as well, between {least} and {most}; without \
             desiredCount in the file the count is left to it"
        ),
        Note::Autoscaled {
            declared,
            least,
            most,
        } => format!(
            "desiredCount {declared} is {} {}, and autoscaling will change it back; \
             declare a count between {least} and {most}, or none",
            if declared < least {
                "below autoscaling's minimum of"
            } else {
                "above autoscaling's maximum of"
            },
            if declared < least { least } else { most },
        ),
        Note::ScalingUnknown { why } => format!(
            "whether autoscaling sets desiredCount as well is not known: {}",
            defuse(why)
        ),
        Note::BakesTooLong { bakes, timeout } => format!(
            "its deployments bake for {} in all, so the wait ends before the rollout does: \
             rollout.timeout is {}, declare a longer one",
            duration(*bakes),
            duration(*timeout)
        ),
        Note::Suspended(why) => format!(
            "suspended{}, so nothing would be written: {}",
            until(why.until),
            defuse(&why.reason)
        ),
        Note::SuspensionOver { until, at } => format!(
            "the suspension at {at} is over{}: take it out",
            until.map_or_else(String::new, |until| format!(" since {}", time(until)))
        ),
        Note::NoRoomForProvenance { tags } => format!(
            "the new revision carries no provenance tags: {tags} other tags leave no room for them"
        ),
        Note::RuleBroken { path, says } => format!(
            "{} is live and stays, though ECS may refuse it: {}",
            defuse(path),
            defuse(says)
        ),
    }
}

fn with_hint(why: &Unreadable) -> String {
    match &why.hint {
        Some(hint) => format!("{} ({hint})", defuse(&why.why)),
        None => defuse(&why.why),
    }
}

pub(super) fn count_text(count: Count) -> String {
    let Count {
        change,
        restart,
        rolling_out,
        failed_before,
        blocked,
        suspended,
        in_sync,
    } = count;
    if change + restart + rolling_out + failed_before + blocked + suspended == 0 {
        let services = if in_sync == 1 {
            "1 service"
        } else {
            &format!("{in_sync} services")
        };
        return format!("Nothing differs: {services} in sync.");
    }
    let parts: Vec<String> = [
        (change, "to change"),
        (restart, "to restart"),
        (rolling_out, "rolling out"),
        (failed_before, "failed before"),
        (blocked, "blocked"),
        (suspended, "suspended"),
        (in_sync, "in sync"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{n} {what}"))
    .collect();
    format!("{}.", parts.join(", "))
}
