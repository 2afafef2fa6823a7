//! Which keys each table has, and what a key that it has not may have meant.
//!
//! The keys that are AWS's fields are in `model/fields/table.rs`.

use super::unknown;

/// The keys of one kind of table.
pub(super) struct Keys {
    pub(super) known: &'static [&'static str],
    /// Keys of other tables, and the table where they belong.
    elsewhere: &'static [(&'static str, &'static str)],
    /// Whether AWS's fields are declared below: one that is found here already
    /// is sent there.
    has_fields: bool,
}

/// What a key that is not known here may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Guess {
    /// Right in another table.
    Elsewhere(&'static str),
    /// A misspelled key of this table.
    Meant(&'static str),
    Unknown,
}

pub(super) const TOP: Keys = Keys {
    known: &[
        "account",
        "region",
        "cluster",
        "role",
        "provenance",
        "rollout",
        "promotion",
        "drift",
        "suspend",
        "allow-unknown-fields",
        "services",
    ],
    elsewhere: &[
        ("name", "[services.NAME]"),
        ("image", "[services.NAME]"),
        ("containers", "[services.NAME]"),
        ("task", "[services.NAME]"),
        ("remove", "[services.NAME]"),
        ("definition", "[services.NAME]"),
        ("allow-plain-secrets", "[services.NAME]"),
        ("timeout", "[rollout]"),
        ("on-failure", "[rollout]"),
        ("from", "[promotion]"),
        ("soak", "[promotion]"),
    ],
    has_fields: false,
};

/// Above the first header, where TOML wants top-level keys.
pub(super) const AT_THE_TOP: &str = "at the top of the file, above the first [table]";

/// The whole file has one.
const PROMOTION_TABLE: &str = "as [promotion], a table of its own";

pub(super) const SERVICE: Keys = Keys {
    known: &[
        "name",
        "cluster",
        "image",
        "containers",
        "task",
        "service",
        "remove",
        "definition",
        "allow-unknown-fields",
        "allow-plain-secrets",
        "rollout",
        "drift",
        "suspend",
    ],
    elsewhere: &[
        ("promotion", PROMOTION_TABLE),
        ("account", AT_THE_TOP),
        ("region", AT_THE_TOP),
        ("role", AT_THE_TOP),
        ("provenance", AT_THE_TOP),
        ("timeout", "[services.NAME.rollout]"),
        ("on-failure", "[services.NAME.rollout]"),
    ],
    has_fields: true,
};

/// Keys of evenkeel's own that were found among AWS's fields.
const OWN: [(&str, &str); 16] = [
    ("account", AT_THE_TOP),
    ("region", AT_THE_TOP),
    ("role", AT_THE_TOP),
    ("provenance", AT_THE_TOP),
    ("cluster", "[services.NAME]"),
    ("containers", "[services.NAME]"),
    ("task", "[services.NAME]"),
    ("rollout", "[services.NAME]"),
    ("remove", "[services.NAME]"),
    ("definition", "[services.NAME]"),
    ("allow-unknown-fields", "[services.NAME]"),
    ("allow-plain-secrets", "[services.NAME]"),
    ("drift", "[services.NAME]"),
    ("suspend", "[services.NAME]"),
    ("timeout", "[services.NAME.rollout]"),
    ("on-failure", "[services.NAME.rollout]"),
];

/// Where a key of evenkeel's own belongs.
pub(super) fn own(name: &str) -> Option<&'static str> {
    OWN.iter()
        .find(|(key, _)| *key == name)
        .map(|(_, place)| *place)
}

/// `[rollout]`, for every service of the file.
pub(super) const ROLLOUTS: Keys = Keys {
    known: &["timeout", "on-failure"],
    elsewhere: &[
        ("before", "[services.NAME.rollout]"),
        ("drift", AT_THE_TOP),
        ("suspend", AT_THE_TOP),
        ("account", AT_THE_TOP),
        ("region", AT_THE_TOP),
        ("role", AT_THE_TOP),
        ("provenance", AT_THE_TOP),
        ("name", "[services.NAME]"),
        ("cluster", "[services.NAME]"),
        ("image", "[services.NAME]"),
        ("containers", "[services.NAME]"),
    ],
    has_fields: false,
};

/// `[promotion]`.
pub(super) const PROMOTION: Keys = Keys {
    known: &["from", "soak", "services"],
    elsewhere: &[
        ("account", AT_THE_TOP),
        ("region", AT_THE_TOP),
        ("role", AT_THE_TOP),
        ("provenance", AT_THE_TOP),
        ("timeout", "[rollout]"),
        ("on-failure", "[rollout]"),
    ],
    has_fields: false,
};

/// `[services.NAME.rollout]`.
pub(super) const ROLLOUT: Keys = Keys {
    known: &["timeout", "on-failure", "before"],
    elsewhere: &[
        ("account", AT_THE_TOP),
        ("region", AT_THE_TOP),
        ("role", AT_THE_TOP),
        ("provenance", AT_THE_TOP),
        ("name", "[services.NAME]"),
        ("cluster", "[services.NAME]"),
        ("image", "[services.NAME]"),
        ("containers", "[services.NAME]"),
        ("container", "before = [{ container = …, command = … }]"),
        ("command", "before = [{ container = …, command = … }]"),
    ],
    has_fields: false,
};

/// One of `before`'s tables.
pub(super) const BEFORE: Keys = Keys {
    known: &["container", "command"],
    elsewhere: &[("timeout", "[services.NAME.rollout]")],
    has_fields: false,
};

/// `suspend`.
pub(super) const SUSPEND: Keys = Keys {
    known: &["reason", "until"],
    elsewhere: &[],
    has_fields: false,
};

impl Keys {
    pub(super) fn guess(&self, name: &str) -> Guess {
        if let Some((_, place)) = self.elsewhere.iter().find(|(key, _)| *key == name) {
            return Guess::Elsewhere(place);
        }
        if self.has_fields
            && let Some(place) = unknown::home(name)
        {
            return Guess::Elsewhere(place);
        }
        nearest(name, self.known.iter().copied()).map_or(Guess::Unknown, Guess::Meant)
    }
}

/// The name that was most likely meant: the same but for case, dashes and
/// underscores, or else one within a slip or two.
pub(super) fn nearest<'a>(name: &str, all: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is nearly as long; comparing a megabyte would only cost time.
    if name.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
    let wanted = plain(name);
    all.into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&wanted, &plain(candidate)),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= 2.min(candidate.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_other_spellings_are_recognised() {
        assert_eq!(TOP.guess("acount"), Guess::Meant("account"));
        assert_eq!(TOP.guess("service"), Guess::Meant("services"));
        assert_eq!(SERVICE.guess("imgae"), Guess::Meant("image"));
        assert_eq!(SERVICE.guess("containrs"), Guess::Meant("containers"));
        assert_eq!(SERVICE.guess("Containers"), Guess::Meant("containers"));
        assert_eq!(ROLLOUT.guess("on_failure"), Guess::Meant("on-failure"));
        assert_eq!(ROLLOUTS.guess("onFailure"), Guess::Meant("on-failure"));
        assert_eq!(
            ROLLOUTS.guess("before"),
            Guess::Elsewhere("[services.NAME.rollout]")
        );
        assert_eq!(SERVICE.guess("drfit"), Guess::Meant("drift"));
        assert_eq!(TOP.guess("suspended"), Guess::Meant("suspend"));
        assert_eq!(SERVICE.guess("region"), Guess::Elsewhere(AT_THE_TOP));
        assert_eq!(SERVICE.guess("colour"), Guess::Unknown);
        assert_eq!(SERVICE.guess(""), Guess::Unknown);
    }
}
