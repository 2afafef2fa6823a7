//! Files that were checked, and what was asked of AWS for them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::block::{block_error, said};
use super::json::FORMAT_VERSION;
use super::style::{DIM, GOOD, Styled};
use super::words::{defuse, list, paragraph};
use crate::environment::{Desired, LoadError};
use crate::observed::OutsideKind;
use crate::plan::{Absent, Block, Broken, Lack, Online};

/// A file that could be read.
#[derive(Debug)]
pub struct Checked {
    pub desired: Desired,
    pub broken: Vec<Broken>,
    /// What came of asking AWS, if it was asked and answered.
    pub online: Option<Online>,
}

impl Checked {
    /// What is not there, less the rules that the file breaks by itself.
    pub fn missing(&self) -> impl Iterator<Item = &Absent> {
        let told = |absent: &&Absent| match &absent.why {
            Lack::Block(block) => match &**block {
                Block::Refused { violation, .. } => !self.broken.iter().any(|broken| {
                    broken.service == absent.service && broken.violation.is(violation)
                }),
                _ => true,
            },
            Lack::Outside { .. } => true,
        };
        self.online
            .iter()
            .flat_map(|online| &online.missing)
            .filter(told)
    }
}

/// A file with nothing wrong in it.
pub fn checked_text(checked: &Checked) -> String {
    let mut says = match checked.desired.services.len() {
        1 => "1 service".to_owned(),
        many => format!("{many} services"),
    };
    if let Some(online) = &checked.online {
        let _ = match online.there {
            1 => write!(says, ", 1 thing is there on AWS"),
            // Writing to a String cannot fail.
            many => write!(says, ", {many} things are there on AWS"),
        };
    }
    format!(
        "{} {}   {}\n",
        Styled(GOOD, "✓"),
        defuse(&checked.desired.file),
        Styled(DIM, says)
    )
}

/// What could not be found out, and what is not asked; for stderr.
pub fn unknown_text(checked: &Checked) -> String {
    let mut text = String::new();
    let Some(online) = &checked.online else {
        return text;
    };
    let mut line = |says: &str| {
        let environment = format!("{}:", checked.desired.environment);
        text += &paragraph(0, &environment, says);
        text.push('\n');
    };
    for unknown in &online.unknown {
        let (what, why) = (defuse(&unknown.what), defuse(&unknown.why.why));
        line(&format!("not known of {}: {what}: {why}", unknown.service));
    }
    let paths = |of: &str| -> Vec<String> {
        let asked = online
            .not_asked
            .iter()
            .filter(|(_, service)| *service == of);
        asked.map(|(path, _)| path.to_string()).collect()
    };
    for service in ["IAM", "SSM"] {
        let paths = paths(service);
        if !paths.is_empty() {
            line(&format!(
                "not looked up, since evenkeel does not ask {service}: {}",
                list(&paths, 6)
            ));
        }
    }
    text
}

/// What is not there, and what to do about it.
pub fn absent_error(absent: &Absent) -> (String, Option<String>) {
    match &absent.why {
        Lack::Block(block) => {
            let (says, hint) = block_error(block);
            (format!("{}: {says}", absent.service), hint)
        }
        Lack::Outside { path, kind, id } => {
            let (what, hint) = match kind {
                OutsideKind::Secret => (
                    "Secrets Manager has no secret",
                    "create it, or check its ARN: the six characters at the end belong to it",
                ),
                OutsideKind::LogGroup => (
                    "there is no log group",
                    "create it, or set the option awslogs-create-group to \"true\"",
                ),
                OutsideKind::TargetGroup => ("there is no target group", "check its ARN"),
            };
            (
                format!("{}: {what} {}", path, defuse(id)),
                Some(hint.to_owned()),
            )
        }
    }
}

/// All files; those that could not be read have no environment. `failures` are
/// environments of which nothing could be asked: why, and what to do.
pub fn checked_json(
    checked: &[Checked],
    errors: &[LoadError],
    failures: &[(String, Option<String>)],
) -> String {
    let right = checked.iter().map(|checked| {
        let missing = checked.missing().map(missing);
        json!({
            "environment": checked.desired.environment,
            "file": checked.desired.file,
            "mistakes": checked.broken.iter().map(broken).chain(missing).collect::<Vec<_>>(),
            "online": checked.online.as_ref().map(online),
        })
    });
    let wrong = errors.iter().map(|error| {
        let mistakes: Vec<Value> = error
            .reports()
            .into_iter()
            .map(|(at, message, hint)| {
                json!({
                    "at": at.map(|at| at.to_string()),
                    "message": message,
                    "hint": hint,
                })
            })
            .collect();
        json!({
            "environment": null,
            "file": error.file(),
            "mistakes": mistakes,
            "online": null,
        })
    });
    let document = json!({
        "format_version": FORMAT_VERSION,
        "environments": right.chain(wrong).collect::<Vec<_>>(),
        "errors": failures.iter().map(|(message, hint)| json!({
            "message": message, "hint": hint,
        })).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn broken(broken: &Broken) -> Value {
    let violation = &broken.violation;
    json!({
        "at": broken.at.to_string(),
        "message": violation.says,
        "hint": violation.hint,
        "service": broken.service,
        "field": violation.path.to_string(),
        "rule": violation.rule,
        "source": violation.path.source(),
    })
}

fn missing(absent: &Absent) -> Value {
    let (message, hint) = absent_error(absent);
    let (field, rule) = match &absent.why {
        Lack::Outside { path, .. } => (Some(path.to_string()), "missing"),
        Lack::Block(block) => (None, said(block).name),
    };
    json!({
        "at": absent.at.to_string(),
        "message": message,
        "hint": hint,
        "service": absent.service,
        "field": field,
        "rule": rule,
        "source": null,
    })
}

fn online(online: &Online) -> Value {
    json!({
        "there": online.there,
        "unknown": online.unknown.iter().map(|unknown| json!({
            "service": unknown.service,
            "what": unknown.what,
            "why": unknown.why.why,
            "hint": unknown.why.hint,
        })).collect::<Vec<_>>(),
        "not_asked": online.not_asked.iter().map(|(path, service)| json!({
            "field": path.to_string(), "service": service,
        })).collect::<Vec<_>>(),
    })
}
