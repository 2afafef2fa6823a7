//! What a plan would do, in a few digits that somebody can approve.
//!
//! The hash is over the meaning of a plan, not over its text. It has in it: the
//! environment with its account and region, and for each service that would be
//! changed, failed before, is blocked or suspended, by its name, where it is in ECS, the
//! verdict, the revision that runs, the images as they will be registered (with
//! their digests), every field's old and new value, the tasks that run first
//! with where they run, and what all that does to the tasks that run. Where
//! nothing would be done there is nothing to approve, so a service that is in
//! sync, or on its way there, does not count: a plan has the same hash with and
//! without it.
//!
//! It leaves out what the same approval holds for: the deployment that is
//! PRIMARY, whether the wanted revision exists already, where the change comes
//! from (commit and run), time-outs, notes. A live value of an environment
//! variable is left out for another reason: the hash is shown in public, and a
//! short secret could be guessed from it. Nothing is lost, since the revision
//! that it is a value of cannot change.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::model::Invalid;
use crate::model::fields::{Context, Path, Root, canonical, canonical_shape};

/// Stands in every hash; another rule of what is in a hash needs another.
const RULE: &str = "evenkeel plan 1";

/// Digits that tell plans apart for people.
const SHORT: usize = 12;

/// A SHA-256, in 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    fn of(meaning: &Value) -> Self {
        let mut meaning = meaning.clone();
        meaning.sort_all_objects();
        Self::of_text(&meaning.to_string())
    }

    pub(super) fn of_text(text: &str) -> Self {
        let digest = Sha256::digest(text);
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is shown: the first twelve digits.
    pub fn short(&self) -> &str {
        self.0.get(..SHORT).unwrap_or(&self.0)
    }
}

/// The hash that somebody approved, or at least its first twelve digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved(String);

impl Approved {
    pub fn is(&self, hash: &Hash) -> bool {
        hash.0.starts_with(&self.0)
    }
}

impl FromStr for Approved {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.trim().to_ascii_lowercase();
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hex && (SHORT..=64).contains(&digits.len()) {
            return Ok(Self(digits));
        }
        Err(Invalid::because(
            "the hash of a plan is 64 hex digits, of which 12 or more are given",
        ))
    }
}

impl fmt::Display for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Plan {
    /// Stands for all that this plan would do.
    pub fn hash(&self) -> Hash {
        let mut services: Vec<(&str, Value)> = self
            .services
            .iter()
            .filter_map(|service| Some((service.name.as_str(), meaning(service)?)))
            .collect();
        services.sort_by_key(|(name, _)| *name);
        Hash::of(&json!({
            "rule": RULE,
            "environment": self.environment,
            "account": self.account,
            "region": self.region,
            "services": services,
        }))
    }
}

impl ServicePlan {
    /// Stands for what would be done with this service; `None` for nothing.
    pub(super) fn hash(&self) -> Option<Hash> {
        meaning(self).map(|meaning| Hash::of(&meaning))
    }
}

fn meaning(service: &ServicePlan) -> Option<Value> {
    let mut meaning = json!({ "cluster": service.key.cluster, "service": service.key.service });
    let more = match &service.verdict {
        Verdict::InSync { .. } | Verdict::RollingOut(_) => return None,
        Verdict::FailedBefore(_) => json!({ "verdict": "failed before" }),
        Verdict::Blocked(_) => json!({ "verdict": "blocked" }),
        Verdict::Suspended(_) => json!({ "verdict": "suspended" }),
        Verdict::Change(change) => of_change(change),
    };
    if let (Value::Object(meaning), Value::Object(more)) = (&mut meaning, more) {
        meaning.extend(more);
    }
    Some(meaning)
}

fn of_change(change: &Change) -> Value {
    let context = Context::of(change.after.as_map());
    let mask = Mask::of(&change.before);
    let images: Map<String, Value> = change
        .images
        .iter()
        .map(|image| (image.container.clone(), json!(image.to.as_str())))
        .collect();
    let fields: Map<String, Value> = change
        .fields
        .iter()
        .chain(&change.service.fields)
        .map(|field| {
            let path = &field.path;
            let from = field.from.as_ref().map(|value| mask.live(path, value));
            let to = field.to.as_ref().map(|value| mask.wanted(path, value));
            let values = [from, to].map(|value| settled(path, value?, context));
            (path.to_string(), json!(values))
        })
        .collect();
    let first: Vec<Value> = change
        .first
        .iter()
        .map(|task| {
            let place = canonical_shape(Root::Service.shape(), &task.place, Context::default());
            json!([task.container, task.command, place])
        })
        .collect();
    json!({
        "verdict": if change.restart { "restart" } else { "change" },
        "from": change.basis.revision,
        "images": images,
        "fields": fields,
        "first": first,
        "effect": match change.effect() {
            Effect::NewDeployment => "new deployment",
            Effect::InPlace => "in place",
            Effect::NotStated => "not stated",
        },
    })
}

/// A value in the one form for all that ECS treats as the same, so that a list
/// which AWS answers in another order is the same list.
fn settled(path: &Path, value: Value, context: Context) -> Option<Value> {
    match path.kind() {
        Some(kind) => canonical(&kind, &value, context),
        None => Some(value),
    }
}

#[cfg(test)]
mod tests;
