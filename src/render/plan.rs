//! A plan as text, for 80 columns.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::block::{Said, held, said, until};
use super::fields::{Row, rows, words as effect_words};
use super::lines::{Columns, title};
use super::style::{BAD, BUSY, CHANGE, DIM, GOOD, Styled};
use super::words::{WIDTH, command, defuse, defuse_line, duration, paragraph, tasks, time};
use crate::model::{ImageReference, TaskDefinition};
use crate::plan::{
    Change, Count, FailedBefore, ImageChange, Note, Plan, ServicePlan, Target, Verdict,
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
        let _ = writeln!(text, "{}", paragraph(4, "note ", &note_text(note)));
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

fn failed_before_text(text: &mut String, before: &FailedBefore) {
    let when = before
        .at
        .map_or_else(String::new, |at| format!(" at {}", time(at)));
    let says = format!(
        "what is declared is revision {}, and its rollout failed{when}",
        before.revision.revision()
    );
    let _ = writeln!(text, "{}", paragraph(4, "", &says));
    if let Some(reason) = &before.reason {
        let _ = writeln!(text, "{}", paragraph(4, "reason ", &defuse(reason)));
    }
    let hint = "declare another image; or try this one again with apply --retry";
    let _ = writeln!(text, "{}", paragraph(4, "hint   ", hint));
}

pub(super) fn change_text(text: &mut String, change: &Change, detail: Detail) {
    let rows = rows(change, detail.values);
    let width = change
        .images
        .iter()
        .map(|image| image.container.len())
        .chain(rows.iter().map(|row| row.group.chars().count()))
        .max()
        .unwrap_or(0);
    for image in &change.images {
        image_text(text, image, width);
    }
    fields_text(text, change, &rows, width);
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

/// `group   field  old → new`; on lines of their own where one is too short.
/// A group that the images have named already is not named again.
fn fields_text(text: &mut String, change: &Change, rows: &[Row], width: usize) {
    let mut group = change
        .images
        .last()
        .map_or_else(String::new, |image| image.container.clone());
    let indent = 4 + width + 3;
    for row in rows {
        let head = if row.group == group {
            String::new()
        } else {
            group.clone_from(&row.group);
            row.group.clone()
        };
        let effect = row
            .effect
            .map_or_else(String::new, |effect| format!("   ({effect})"));
        let head = format!("    {head:width$}   {}", row.field);
        if !row.inside.is_empty() {
            let _ = writeln!(text, "{head}{effect}");
            for (tag, line) in &row.inside {
                let _ = match tag {
                    ChangeTag::Delete => {
                        writeln!(text, "{:indent$}{}", "", Styled(BAD, format!("- {line}")))
                    }
                    ChangeTag::Insert => {
                        writeln!(text, "{:indent$}{}", "", Styled(GOOD, format!("+ {line}")))
                    }
                    ChangeTag::Equal => writeln!(text, "{:indent$}  {line}", ""),
                };
            }
            continue;
        }
        let (from, to) = (row.from.as_deref(), row.to.as_deref());
        let line = format!("{}{}", from.unwrap_or_default(), to.unwrap_or_default());
        let length = head.chars().count() + line.chars().count() + effect.chars().count() + 5;
        let (old, new) = (
            from.map(|from| Styled(BAD, from)),
            to.map(|to| Styled(GOOD, to)),
        );
        let short = length <= WIDTH;
        let _ = match (old, new) {
            (Some(old), Some(new)) if short => writeln!(text, "{head}  {old} → {new}{effect}"),
            (None, Some(new)) if short => writeln!(text, "{head}  (none) → {new}{effect}"),
            (Some(old), None) if short => writeln!(text, "{head}  {old} → (none){effect}"),
            (old, new) => {
                let _ = writeln!(text, "{head}{effect}");
                let arrow = indent - 2;
                let none = || Styled(DIM, "(none)");
                let _ = writeln!(text, "{:indent$}{}", "", old.unwrap_or_else(none));
                writeln!(text, "{:arrow$}→ {}", "", new.unwrap_or_else(none))
            }
        };
    }
}

fn image_text(text: &mut String, change: &ImageChange, width: usize) {
    let from: Option<ImageReference> = change.from.parse().ok();
    let same_repository = from
        .as_ref()
        .is_some_and(|from| from.base() == change.to.base());
    let container = &change.container;
    let old = Side::of_live(&change.from, from.as_ref(), change);
    let new = Side::of(&change.to);
    // The lines below stand under the field's name.
    let indent = 4 + width + 3;
    if same_repository {
        let _ = writeln!(
            text,
            "    {container:width$}   image  {}",
            change.to.short_repository()
        );
    } else {
        let _ = writeln!(text, "    {container:width$}   image");
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
    let pretty = |document: &TaskDefinition, tags: &[Value]| {
        let mut request = document.register_request(tags);
        if !values {
            mask(&mut request);
        }
        serde_json::to_string_pretty(&request).unwrap_or_default()
    };
    let (before, after) = (
        pretty(&change.before, &change.tags),
        pretty(&change.after, &change.tags_after()),
    );
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

/// Hides the values of environment variables: live ones may be secrets.
fn mask(document: &mut Map<String, Value>) {
    let containers = document
        .get_mut("containerDefinitions")
        .and_then(Value::as_array_mut);
    for variable in containers
        .into_iter()
        .flatten()
        .filter_map(|container| container.get_mut("environment")?.as_array_mut())
        .flatten()
    {
        if let Some(value) = variable.get_mut("value") {
            *value = Value::from("(masked)");
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
        Note::DigestUnknown { container, tag } => format!(
            "{container}: {tag} runs without a digest, and ECS does not tell which image that was; taken to be the same"
        ),
        Note::TasksMissing { running, desired } => {
            format!("only {} run", tasks(*running, *desired))
        }
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
    }
}

fn count_text(count: Count) -> String {
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
