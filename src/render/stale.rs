//! In which way things are not what they were when a plan was saved, in words:
//! one sentence each.

use serde_json::Value;

use super::block::{held, said};
use super::words::{defuse, list, time};
use crate::model::{Commit, ImageReference, RevisionArn};
use crate::plan::{How, Kind, Moved};

/// The sentence, without a full stop. What stands in it of files and of AWS is
/// made harmless.
pub fn moved_text(moved: &Moved) -> String {
    match moved {
        Moved::Account { then, now } => {
            format!("the environment file names account {now}; it named {then}")
        }
        Moved::Region { then, now } => {
            format!("the environment file names region {now}; it named {then}")
        }
        Moved::File { file } => format!("{} was edited", defuse(file)),
        Moved::FileGone { file } => format!("{} is not there any more", defuse(file)),
        Moved::FileNew { file } => {
            format!("the environment file names {} now, too", defuse(file))
        }
        Moved::Commit { then, now } => format!(
            "it was made at commit {}; {}",
            then.short(),
            now.as_ref().map_or_else(
                || "which one this is cannot be told".to_owned(),
                |now: &Commit| format!("this is {}", now.short())
            )
        ),
        Moved::Service { service, how } => format!("{}: {}", defuse(service), how_text(how)),
        Moved::Unseen { why } => format!("what is live could not be compared: {}", defuse(why)),
    }
}

fn how_text(how: &How) -> String {
    match how {
        How::Revision { then, now, differs } => {
            let same_family = then.family() == now.family();
            let name = |revision: &RevisionArn| {
                if same_family {
                    revision.revision().to_string()
                } else {
                    format!("{}:{}", revision.family(), revision.revision())
                }
            };
            let (then, now) = (name(then), name(now));
            let differs = if differs.is_empty() {
                String::new()
            } else {
                format!("; they differ in {}", list(differs, 6))
            };
            format!("revision {now} was deployed in the place of {then}{differs}")
        }
        How::Deployment {
            revision,
            then,
            now,
        } => format!(
            "revision {} was deployed anew: {now} took the place of {then}",
            revision.revision()
        ),
        How::Blocked(blocks) => {
            let says: Vec<String> = blocks.iter().map(|block| said(block).says).collect();
            format!("it is blocked now: {}", says.join("; "))
        }
        How::Suspended(why) => format!("it is {}", held(why).says),
        How::Failed(failed) => {
            let at = failed
                .at
                .map_or_else(String::new, |at| format!(" at {}", time(at)));
            let why = failed
                .reason
                .as_ref()
                .map_or_else(String::new, |why| format!(": {}", defuse(why)));
            format!(
                "this was tried as revision {}, and failed{at}{why}",
                failed.revision.revision()
            )
        }
        How::Live { field, then, now } => {
            format!(
                "{} is {} now; it was {}",
                defuse(field),
                value(now.as_ref()),
                value(then.as_ref())
            )
        }
        How::Wanted { field, then, now } => {
            let (then, now) = images(then.as_ref(), now.as_ref())
                .unwrap_or_else(|| (value(then.as_ref()), value(now.as_ref())));
            format!("{} would become {now}; {then} was planned", defuse(field))
        }
        How::More(change) => format!(
            "{} would change, too, from {} to {}",
            defuse(&change.field),
            value(change.from.as_ref()),
            value(change.to.as_ref())
        ),
        How::Less { field } => format!(
            "{} would not change any more: it already is what was planned",
            defuse(field)
        ),
        How::Unplanned { then } => format!(
            "something would be done now; {}",
            match then {
                Kind::InSync => "it was in sync",
                Kind::RollingOut => "it was rolling out",
                Kind::FailedBefore => "it was not tried again, since it had failed before",
                Kind::Blocked => "it was blocked",
                Kind::Suspended => "it was suspended",
                Kind::Change => "something else was planned",
            }
        ),
        How::Otherwise => {
            "something else would be done in what has no field of its own: the tasks that run \
             first and where they run, or what becomes of the tasks that run"
                .to_owned()
        }
    }
}

/// Two images, in as few words as tell them apart.
fn images(then: Option<&Value>, now: Option<&Value>) -> Option<(String, String)> {
    let image = |value: Option<&Value>| value?.as_str()?.parse::<ImageReference>().ok();
    let (then, now) = (image(then)?, image(now)?);
    let short = |image: &ImageReference| {
        let tag = image
            .tag()
            .map_or_else(String::new, |tag| format!(":{tag}"));
        let digest = image
            .digest()
            .map_or_else(String::new, |digest| format!("@{}", digest.short()));
        format!("{}{tag}{digest}", image.short_repository())
    };
    let (then, now) = (short(&then), short(&now));
    (then != now).then_some((then, now))
}

/// Longer values are known by their beginning.
const LONG: usize = 120;

fn value(value: Option<&Value>) -> String {
    let text = match value {
        None => return "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let text = defuse(&text);
    if text.chars().count() <= LONG {
        return text;
    }
    let beginning: String = text.chars().take(LONG - 1).collect();
    format!("{beginning}…")
}
