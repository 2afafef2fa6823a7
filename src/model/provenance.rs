//! Where a revision comes from: the tags that say so.
//!
//! They are notes for people and for the next run. What is declared never
//! depends on them, and two revisions that differ in nothing else are the same.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::names::{Invalid, checked_text};
use super::task_definition::Tag;

/// What the keys of all of these tags begin with. Nobody else's tags do.
const PREFIX: &str = "evenkeel:";
const ENVIRONMENT: &str = "evenkeel:environment";
const COMMIT: &str = "evenkeel:commit";
const RUN: &str = "evenkeel:run";
const FINGERPRINT: &str = "evenkeel:fingerprint";
/// The key of [`failed_tag`].
pub const FAILED: &str = "evenkeel:failed";

/// Tags that a resource may have (developer guide, "Tag restrictions").
pub const MOST_TAGS: usize = 50;
/// Characters in a tag's value (same page; keys may have 128).
const LONGEST_VALUE: usize = 256;

checked_text!(
    /// A commit in Git: 40 hex digits, or 64 where SHA-256 names them.
    Commit,
    check_commit
);

impl Commit {
    /// Enough of it for a person: `9f8e7d6`.
    pub fn short(&self) -> &str {
        &self.as_str()[..7]
    }
}

fn check_commit(text: &str) -> Result<(), Invalid> {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if [40, 64].contains(&text.len()) && text.bytes().all(is_hex) {
        return Ok(());
    }
    Err(Invalid::because(
        "a commit is 40 hex digits, or 64 of SHA-256",
    ))
}

/// Where what is declared comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The environment's name.
    pub environment: String,
    /// The commit that holds the environment file, where that is known.
    pub commit: Option<Commit>,
    /// The address of the CI run.
    pub run: Option<String>,
}

impl Provenance {
    /// As the tags of a revision that is made from what this fingerprint
    /// stands for.
    pub fn tags(&self, fingerprint: &str) -> Vec<Value> {
        [
            (ENVIRONMENT, Some(self.environment.as_str())),
            (COMMIT, self.commit.as_ref().map(Commit::as_str)),
            (RUN, self.run.as_deref()),
            (FINGERPRINT, Some(fingerprint)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some(json!({ "key": key, "value": tag_value(value?) })))
        .collect()
    }
}

/// The tag that remembers, at the revision itself, that its rollout failed: for
/// where ECS's own history does not.
pub fn failed_tag(why: &str) -> Tag {
    Tag {
        key: FAILED.to_owned(),
        value: Some(tag_value(why)),
    }
}

/// Why the rollout of a revision with these tags failed, if one remembers.
pub fn failed_because(tags: &[Value]) -> Option<String> {
    let tag = tags.iter().find(|tag| key(tag) == FAILED)?;
    Some(
        tag.get("value")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    )
}

/// These tags without those that say where a revision comes from.
pub fn without_provenance(tags: &[Value]) -> Vec<Value> {
    tags.iter()
        .filter(|tag| !key(tag).starts_with(PREFIX))
        .cloned()
        .collect()
}

/// The commit that a revision with these tags comes from.
pub fn commit_of(tags: &[Value]) -> Option<Commit> {
    value(tags, COMMIT)?.parse().ok()
}

/// The fingerprint of what a revision with these tags was made from.
pub fn fingerprint_of(tags: &[Value]) -> Option<&str> {
    value(tags, FINGERPRINT)
}

/// Whether a revision with these tags was made for this environment.
pub fn is_of_environment(tags: &[Value], environment: &str) -> bool {
    value(tags, ENVIRONMENT) == Some(tag_value(environment).as_str())
}

fn value<'a>(tags: &'a [Value], name: &str) -> Option<&'a str> {
    let tag = tags.iter().find(|tag| key(tag) == name)?;
    tag.get("value")?.as_str()
}

fn key(tag: &Value) -> &str {
    tag.get("key").and_then(Value::as_str).unwrap_or_default()
}

/// A text as a tag may hold it. AWS takes letters, digits, spaces and
/// `+ - = . _ : / @`, and letters of every script; those beyond ASCII are
/// replaced too, since not all that a program calls a letter is one to AWS.
fn tag_value(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " +-=._:/@".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(LONGEST_VALUE)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

    #[test]
    fn what_is_not_known_has_no_tag() {
        let mut provenance = Provenance {
            environment: "prod".into(),
            commit: Some(HEX.parse().unwrap()),
            run: Some("https://github.com/o/r/actions/runs/1".into()),
        };
        assert_eq!(
            provenance.tags("0123456789abcdef"),
            [
                json!({"key": "evenkeel:environment", "value": "prod"}),
                json!({"key": "evenkeel:commit", "value": HEX}),
                json!({"key": "evenkeel:run", "value": "https://github.com/o/r/actions/runs/1"}),
                json!({"key": "evenkeel:fingerprint", "value": "0123456789abcdef"}),
            ]
        );
        (provenance.commit, provenance.run) = (None, None);
        let keys: Vec<_> = provenance
            .tags("0")
            .iter()
            .map(|tag| key(tag).to_owned())
            .collect();
        assert_eq!(keys, ["evenkeel:environment", "evenkeel:fingerprint"]);
    }

    #[test]
    fn a_value_is_what_aws_takes() {
        assert_eq!(tag_value("a b+c-d=e.f_g:h/i@j"), "a b+c-d=e.f_g:h/i@j");
        assert_eq!(tag_value("prod#1\n(ü)"), "prod_1____");
        assert_eq!(tag_value(&"é".repeat(300)), "_".repeat(256));
    }

    #[test]
    fn only_our_own_tags_are_taken_out() {
        let tags = [
            json!({"key": "team", "value": "web"}),
            json!({"key": "evenkeel:commit", "value": HEX}),
            json!({"key": "evenkeel:of-another-version", "value": "1"}),
            json!({"key": "evenkeel"}),
            json!({"value": "without a key"}),
        ];
        assert_eq!(
            without_provenance(&tags),
            [tags[0].clone(), tags[3].clone(), tags[4].clone()]
        );
    }

    #[test]
    fn a_commit_is_known_only_when_it_is_one() {
        let of = |value: Value| commit_of(&[json!({"key": "evenkeel:commit", "value": value})]);
        assert_eq!(of(json!(HEX)).unwrap().short(), "9f8e7d6");
        assert!(of(json!(HEX.repeat(2)[..64])).is_some());
        for odd in [
            json!("--upload-pack=x"),
            json!("main"),
            json!(&HEX[1..]),
            json!(HEX.to_uppercase()),
            json!(7),
            Value::Null,
        ] {
            assert_eq!(of(odd.clone()), None, "{odd}");
        }
        assert_eq!(commit_of(&[]), None);
    }
}
