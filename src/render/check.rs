//! Files that were checked.

use serde_json::{Value, json};

use super::json::FORMAT_VERSION;
use super::style::{DIM, GOOD, Styled};
use super::words::defuse;
use crate::environment::{Desired, LoadError};
use crate::plan::Broken;

/// A file that could be read.
#[derive(Debug)]
pub struct Checked {
    pub desired: Desired,
    pub broken: Vec<Broken>,
}

impl Checked {
    pub fn is_right(&self) -> bool {
        self.broken.is_empty()
    }
}

/// A file with nothing wrong in it.
pub fn checked_text(checked: &Checked) -> String {
    let services = match checked.desired.services.len() {
        1 => "1 service".to_owned(),
        many => format!("{many} services"),
    };
    format!(
        "{} {}   {}\n",
        Styled(GOOD, "✓"),
        defuse(&checked.desired.file),
        Styled(DIM, services)
    )
}

/// All files; those that could not be read have no environment.
pub fn checked_json(checked: &[Checked], errors: &[LoadError]) -> String {
    let right = checked.iter().map(|checked| {
        json!({
            "environment": checked.desired.environment,
            "file": checked.desired.file,
            "mistakes": checked.broken.iter().map(broken).collect::<Vec<_>>(),
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
        json!({ "environment": null, "file": error.file(), "mistakes": mistakes })
    });
    let document = json!({
        "format_version": FORMAT_VERSION,
        "environments": right.chain(wrong).collect::<Vec<_>>(),
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
