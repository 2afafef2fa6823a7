//! Tags that no file can declare: whoever sets them is not the file.

use std::ops::Range;

use serde_json::Value;

use crate::model::fields::{Root, Step};

use super::desired::Assignment;
use super::mistakes::Mistake;
use super::show::brief;
use super::walk::Findings;

/// Prefixes of tags with what they are. AWS refuses its own from others
/// (tagging guide); a revision's origin is written when it is registered.
const RESERVED: [(&str, Option<Root>, &str); 2] = [
    ("aws:", None, "AWS sets the tags that begin with `aws:`"),
    (
        "evenkeel:",
        Some(Root::Task),
        "evenkeel sets the tags that begin with `evenkeel:`",
    ),
];

/// Refuses tags of the task definition and of the service that would never
/// become what the file says.
pub(super) fn refuse_reserved(declared: &[(Range<usize>, Assignment)], found: &mut Findings<'_>) {
    for (place, assignment) in declared {
        let keys: Vec<&str> = match assignment.path.steps.as_slice() {
            [Step::Field(tags), Step::Element(identity), ..] if tags == "tags" => identity
                .iter()
                .filter_map(|(_, key)| key.as_str())
                .collect(),
            [Step::Field(tags)] if tags == "tags" => assignment
                .value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|tag| tag.get("key").and_then(Value::as_str))
                .collect(),
            _ => continue,
        };
        for key in keys {
            let reserved = RESERVED.iter().find(|(prefix, root, _)| {
                key.starts_with(prefix) && root.is_none_or(|root| root == assignment.path.root)
            });
            if let Some((.., why)) = reserved {
                let message = format!("the tag `{}` cannot be declared", brief(key));
                let help = format!("take it out: {why}");
                found.add(Mistake::new(place.clone(), message).help(help));
            }
        }
    }
}
