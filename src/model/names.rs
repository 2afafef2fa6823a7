//! Names that AWS gives meaning to, each checked by AWS's own rule.

use std::fmt;
use std::str::FromStr;

/// Why a text is not the thing it should be: one clause, without the text
/// itself, so that whoever reports it can say where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Declares a type that is a text which passed a check.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as AWS spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}
pub(crate) use checked_text;

checked_text!(
    /// An AWS account: 12 digits.
    AccountId,
    check_account
);

checked_text!(
    /// An AWS region, such as `us-west-1` or `us-gov-east-1`.
    Region,
    check_region
);

checked_text!(
    /// The name (not the ARN) of an ECS cluster: up to 255 letters, digits,
    /// hyphens and underscores (API reference, CreateCluster).
    ClusterName,
    check_ecs_name
);

checked_text!(
    /// The name of an ECS service: up to 255 letters, digits, hyphens and
    /// underscores (API reference, CreateService).
    ServiceName,
    check_ecs_name
);

fn check_account(text: &str) -> Result<(), Invalid> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Invalid::because("an AWS account is 12 digits"))
}

fn check_region(text: &str) -> Result<(), Invalid> {
    let parts: Vec<&str> = text.split('-').collect();
    let shaped = match parts.as_slice() {
        [partition, middle @ .., number] if !middle.is_empty() => {
            (2..=4).contains(&partition.len())
                && number.bytes().all(|b| b.is_ascii_digit())
                && !number.is_empty()
                && [*partition]
                    .iter()
                    .chain(middle)
                    .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()))
        }
        _ => false,
    };
    if shaped {
        return Ok(());
    }
    Err(Invalid::because("an AWS region looks like us-west-1"))
}

fn check_ecs_name(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::because("the name is empty"));
    }
    if text.starts_with("arn:") {
        return Err(Invalid::because("the name is wanted here, not the ARN"));
    }
    if text.len() > 255 {
        return Err(Invalid::because(format!(
            "a name has at most 255 characters; this has {}",
            text.chars().count()
        )));
    }
    match text
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || *c == '-' || *c == '_'))
    {
        None => Ok(()),
        Some(odd) => Err(Invalid::because(format!(
            "a name has only letters, digits, hyphens and underscores, not {odd:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits() {
        assert!("123456789012".parse::<AccountId>().is_ok());
        for wrong in [
            "",
            "12345678901",
            "1234567890123",
            "12345678901x",
            "１２３４",
        ] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn regions_of_every_partition_are_accepted() {
        for right in [
            "us-west-1",
            "ap-southeast-2",
            "us-gov-east-1",
            "cn-north-1",
            "us-iso-east-1",
            "eusc-de-east-1",
        ] {
            assert!(right.parse::<Region>().is_ok(), "{right}");
        }
        for wrong in [
            "",
            "us",
            "us-west",
            "us-west-1a",
            "US-WEST-1",
            "us--1",
            "-west-1",
        ] {
            assert!(wrong.parse::<Region>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ecs_names_say_what_is_wrong() {
        let why = |text: &str| text.parse::<ServiceName>().unwrap_err().0;
        assert_eq!(why(""), "the name is empty");
        assert_eq!(
            why("api service"),
            "a name has only letters, digits, hyphens and underscores, not ' '"
        );
        assert_eq!(
            why("arn:aws:ecs:us-west-1:123456789012:service/a/b"),
            "the name is wanted here, not the ARN"
        );
        assert_eq!(
            why(&"a".repeat(256)),
            "a name has at most 255 characters; this has 256"
        );
    }
}
