//! Which versions there are beside the declared one, judged by its tag.

use super::super::behaviour;

/// Whether a tag counts versions.
pub(super) fn is_version(tag: &str) -> bool {
    version(tag).is_some()
}

/// A version tag taken apart: `v`, `[1, 4, 2]`, `-alpine`.
fn version(tag: &str) -> Option<(&str, [u64; 3], &str)> {
    let digits = tag.strip_prefix('v').unwrap_or(tag);
    let lead = &tag[..tag.len() - digits.len()];
    let end = digits
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(digits.len());
    let (numbers, suffix) = digits.split_at(end);
    if !(suffix.is_empty() || suffix.starts_with(['-', '_', '+'])) {
        return None;
    }
    let parts: Vec<u64> = numbers
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    Some((lead, parts.try_into().ok()?, suffix))
}

/// The tag of the version before: one patch lower, else `TAG-previous`.
/// A suffix with a behaviour's word in it is dropped: what ran before is well.
pub(super) fn previous(tag: &str) -> String {
    let lower = |[major, minor, patch]: [u64; 3]| match (major, minor, patch) {
        (0, 0, 0) => None,
        (_, _, 1..) => Some([major, minor, patch - 1]),
        (_, 1.., 0) => Some([major, minor - 1, 9]),
        (1.., 0, 0) => Some([major - 1, 9, 9]),
    };
    let well = !behaviour::tells(tag);
    match version(tag).and_then(|(lead, numbers, suffix)| Some((lead, lower(numbers)?, suffix))) {
        Some((lead, [major, minor, patch], suffix)) => {
            format!(
                "{lead}{major}.{minor}.{patch}{}",
                if well { suffix } else { "" }
            )
        }
        None if well => format!("{tag}-previous"),
        None => "previous".to_owned(),
    }
}

/// Other versions that the registry has, so that there is something to move to
/// and something to suggest.
pub(super) fn neighbours(tag: &str) -> Vec<String> {
    let Some((lead, [major, minor, patch], suffix)) = version(tag) else {
        return Vec::new();
    };
    let suffix = if behaviour::tells(tag) { "" } else { suffix };
    let write = |[a, b, c]: [u64; 3]| format!("{lead}{a}.{b}.{c}{suffix}");
    let next = [[major, minor, patch + 1], [major, minor + 1, 0]].map(write);
    let (one, two) = (
        previous(&previous(tag)),
        previous(&previous(&previous(tag))),
    );
    next.into_iter()
        .chain([one, two])
        .filter(|tag| !tag.contains("previous"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_before_is_one_patch_lower() {
        for (tag, before) in [
            ("1.4.2", "1.4.1"),
            ("1.4.0", "1.3.9"),
            ("v2.0.0", "v1.9.9"),
            ("1.4.2-alpine", "1.4.1-alpine"),
            ("1.5.0-crash", "1.4.9"),
            ("0.0.0", "0.0.0-previous"),
            ("latest", "latest-previous"),
            ("crash", "previous"),
            ("9f2c41d", "9f2c41d-previous"),
            ("1.4", "1.4-previous"),
        ] {
            assert_eq!(previous(tag), before, "{tag}");
        }
        assert_eq!(neighbours("1.4.2"), ["1.4.3", "1.5.0", "1.4.0", "1.3.9"]);
        assert!(neighbours("main").is_empty());
    }
}
