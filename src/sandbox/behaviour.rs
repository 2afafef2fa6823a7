//! How the tasks of an image fare, told by words in its tag.

use super::state::Behaviour;

/// Words that tell wherever they are in a tag.
const ANYWHERE: [(&str, Behaviour); 7] = [
    ("unpullable", Behaviour::Unpullable),
    ("nosecret", Behaviour::NoSecret),
    ("nocapacity", Behaviour::NoCapacity),
    ("crash", Behaviour::Crash),
    ("unhealthy", Behaviour::Unhealthy),
    ("slow", Behaviour::Slow),
    ("alarm", Behaviour::Alarm),
];

/// Words so short that they tell only when they stand alone (`bloom` and
/// `melbourne` are no wishes to fail).
const ALONE: [(&str, Behaviour); 2] = [
    ("oom", Behaviour::OutOfMemory),
    ("elb", Behaviour::FailsElb),
];

/// Whether a tag says that one-off tasks of the image fail. Its services do well.
pub(super) fn fails_once(tag: &str) -> bool {
    tag.contains("badmigration")
}

/// Whether a tag has a word in it that tells how its tasks fare.
pub(super) fn tells(tag: &str) -> bool {
    of_tag(tag).is_some() || fails_once(tag)
}

/// The behaviour that a tag asks for, if it has such a word in it.
pub(super) fn of_tag(tag: &str) -> Option<Behaviour> {
    let alone = || {
        let words = || tag.split(|c: char| !c.is_ascii_alphanumeric());
        ALONE
            .iter()
            .find(|(word, _)| words().any(|own| own == *word))
    };
    ANYWHERE
        .iter()
        .find(|(word, _)| tag.contains(word))
        .or_else(alone)
        .map(|(_, behaviour)| *behaviour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_tell_only_alone() {
        for (tag, told) in [
            ("1.4.2-elb", Some(Behaviour::FailsElb)),
            ("melbourne", None),
            ("oom", Some(Behaviour::OutOfMemory)),
            ("bloom-1", None),
            ("1.5.0-crashes", Some(Behaviour::Crash)),
            ("1.5.0", None),
        ] {
            assert_eq!(of_tag(tag), told, "{tag}");
        }
    }
}
