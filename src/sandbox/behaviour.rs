//! How the tasks of an image fare, told by words in its tag.

use super::state::Behaviour;

const WORDS: [(&str, Behaviour); 5] = [
    ("unpullable", Behaviour::Unpullable),
    ("crash", Behaviour::Crash),
    ("unhealthy", Behaviour::Unhealthy),
    ("slow", Behaviour::Slow),
    ("oom", Behaviour::OutOfMemory),
];

/// The behaviour that a tag asks for, if it has such a word in it.
pub(super) fn of_tag(tag: &str) -> Option<Behaviour> {
    WORDS
        .iter()
        .find(|(word, _)| tag.contains(word))
        .map(|(_, behaviour)| *behaviour)
}
