//! Tags (API reference, RegisterTaskDefinition and TagResource, `tags`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::fields::{Path, Root};
use super::{Violation, elements, text};

const MOST: usize = 50;

pub(super) fn check(root: Root, document: &Map<String, Value>, found: &mut Vec<Violation>) {
    let tags = elements(&Path::new(root), document, "tags");
    let mut taken = BTreeSet::new();
    let mut own = 0;
    for (path, tag) in &tags {
        let key = text(tag, "key").unwrap_or_default();
        let value = text(tag, "value").unwrap_or_default();
        let mut wrong = |says: String| found.push(Violation::new("tag", path.clone(), says));
        if !taken.insert(key) {
            wrong(format!("the tag `{key}` is there twice"));
        }
        if is_aws(key) || is_aws(value) {
            wrong(format!(
                "the tag `{key}`: what begins with aws: is AWS's own"
            ));
        } else {
            own += 1;
        }
        if key.is_empty() {
            wrong("a tag has no key".to_owned());
        }
        if key.chars().count() > 128 {
            wrong("a tag's key has at most 128 characters".to_owned());
        }
        if value.chars().count() > 256 {
            wrong(format!(
                "the tag `{key}`: a value has at most 256 characters"
            ));
        }
    }
    if own > MOST {
        let says = format!("there can be at most {MOST} tags, not {own}");
        found.push(Violation::new("count", Path::new(root).field("tags"), says));
    }
}

fn is_aws(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}
