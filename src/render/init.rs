//! What was written from live services.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::block::block_error;
use super::json::FORMAT_VERSION;
use super::style::{BOLD, DIM, GOOD, Styled};
use super::words::{defuse, list, paragraph};
use crate::environment::Written;
use crate::model::ClusterName;
use crate::plan::{Adopted, NotAdopted, Plan};

/// What a plan of the new file would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planned {
    InSync,
    RollingOut,
    Differs,
}

impl Planned {
    pub fn of(plan: &Plan) -> Self {
        let (count, services) = (plan.count(), plan.services().len());
        if count.in_sync == services {
            Self::InSync
        } else if count.in_sync + count.rolling_out == services {
            Self::RollingOut
        } else {
            Self::Differs
        }
    }
}

/// The file and its services.
pub fn init_text(
    file: &str,
    cluster: &ClusterName,
    written: &Written,
    adopted: &[Adopted],
) -> String {
    let place = adopted.first().map_or_else(String::new, |first| {
        format!("{cluster} · {} · {}", first.region, first.account)
    });
    let mut text = format!(
        "{} {}   {}\n",
        Styled(GOOD, "+"),
        Styled(BOLD, defuse(file)),
        Styled(DIM, place)
    );
    let width = written
        .names
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .min(24);
    for (name, adopted) in written.names.iter().zip(adopted) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "    {name:width$}   {}   as of revision {}",
            adopted.live.service,
            adopted.revision.revision()
        );
    }
    text
}

/// What is not in the file, for stderr; nothing when all of it is.
pub fn left_out_text(written: &Written, adopted: &[Adopted]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, says: &str| {
        text += &paragraph(0, &format!("{name}:"), says);
        text.push('\n');
    };
    let services = written.names.iter().zip(&written.left_out).zip(adopted);
    for ((name, left), adopted) in services {
        for left in left {
            let path = defuse(&left.path.to_string());
            line(name, &format!("{path} is left out: it {}", left.why.says()));
        }
        for (field, why) in &adopted.unread {
            let why = defuse(&why.why);
            line(name, &format!("service.{field} is left out: {why}"));
        }
    }
    text
}

/// Why a service is not written, and what to do about it.
pub fn not_adopted_error(why: &NotAdopted) -> (String, Option<String>) {
    match why {
        NotAdopted::Blocked(block) => block_error(block),
        NotAdopted::Missing { there_are, near } => {
            let hint = match (near, there_are) {
                (_, Err(why)) => format!(
                    "the services there are could not be listed: {}",
                    defuse(&why.why)
                ),
                (Some(near), Ok(names)) => {
                    format!("did you mean {near:?}? There are: {}", list(names, 12))
                }
                (None, Ok(names)) => format!("there are: {}", list(names, 12)),
            };
            ("the cluster has no service of this name".into(), Some(hint))
        }
    }
}

/// The same on one line, for programs; without a file, with the text itself.
pub fn init_json(
    file: Option<&str>,
    environment: &str,
    written: &Written,
    adopted: &[Adopted],
    planned: Planned,
) -> String {
    let services = written.names.iter().zip(&written.left_out).zip(adopted);
    let services: Vec<Value> = services
        .map(|((name, left), adopted)| {
            json!({
                "name": name,
                "ecs_service": adopted.live.service,
                "revision": adopted.revision,
                "left_out": left.iter().map(|left| json!({
                    "field": left.path.to_string(), "why": left.why.says(),
                })).chain(adopted.unread.iter().map(|(field, why)| json!({
                    "field": format!("service.{field}"), "why": why.why,
                }))).collect::<Vec<_>>(),
            })
        })
        .collect();
    let line = json!({
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "event": "initialised",
        "file": file,
        "text": file.is_none().then_some(&written.text),
        "plan": match planned {
            Planned::InSync => "in-sync",
            Planned::RollingOut => "rolling-out",
            Planned::Differs => "differs",
        },
        "services": services,
    });
    format!("{line}\n")
}
