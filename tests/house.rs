//! Holds the rules of the house (docs/architecture.md): who may import whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each room with the rooms that it may import. `cli` may import all.
const ROOMS: [(&str, &[&str]); 13] = [
    ("model", &[]),
    ("environment", &["model"]),
    ("observed", &["model"]),
    ("plan", &["environment", "model", "observed"]),
    ("live", &["environment", "model", "observed"]),
    ("promote", &["environment", "live", "model", "observed"]),
    ("event", &["model", "observed", "plan"]),
    ("cloud", &["model", "observed"]),
    ("apply", &["cloud", "event", "model", "observed", "plan"]),
    (
        "reconcile",
        &["apply", "cloud", "environment", "event", "model", "plan"],
    ),
    (
        "render",
        &[
            "environment",
            "event",
            "live",
            "model",
            "observed",
            "plan",
            "promote",
            "reconcile",
        ],
    ),
    ("ui", &["event", "plan", "render"]),
    ("sandbox", &["model"]),
];

#[test]
fn rooms_import_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.into();
    let mut wrong = Vec::new();
    for (file, room) in sources() {
        let Some(allowed) = allowed.get(room.as_str()) else {
            assert!(
                ["cli", "lib", "main"].contains(&room.as_str()),
                "{room} is a new room: name it here"
            );
            continue;
        };
        for imported in imports(&shipped(&file)) {
            if imported != room && !allowed.contains(&imported.as_str()) {
                wrong.push(format!("{} imports {imported}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Only `cloud` knows the SDK; nobody else can send anything.
#[test]
fn only_the_cloud_knows_the_sdk() {
    for (file, room) in sources() {
        let text = shipped(&file);
        if room != "cloud" {
            for part in [
                "aws_sdk_",
                "aws_config::",
                "aws_smithy_types::",
                "aws_credential_types::",
            ] {
                assert!(!text.contains(part), "{} has {part}", file.display());
            }
        }
    }
}

/// A plan is made with a reader. Whoever asks for a writer carries plans out.
#[test]
fn only_apply_asks_for_a_writer() {
    let asks: BTreeSet<String> = sources()
        .into_iter()
        .filter(|(file, room)| room != "cloud" && shipped(file).contains(".writer()"))
        .map(|(file, _)| {
            let parts: Vec<_> = file.iter().rev().take(2).collect();
            let [name, folder] = parts[..] else {
                panic!("{} has no folder", file.display())
            };
            format!("{}/{}", folder.display(), name.display())
        })
        .collect();
    let carry_out = ["cli/apply.rs", "reconcile/mod.rs"];
    assert_eq!(asks, carry_out.map(str::to_owned).into());
}

/// Pure rooms: no I/O, no clock, no async.
#[test]
fn pure_rooms_are_pure() {
    let pure = |file: &Path, room: &str| {
        ["model", "plan", "live", "promote", "event", "render"].contains(&room)
            || [
                "apply/rollout.rs",
                "apply/stage.rs",
                "reconcile/policy.rs",
                "reconcile/report.rs",
            ]
            .iter()
            .any(|pure| file.ends_with(pure))
    };
    for (file, room) in sources() {
        if !pure(&file, &room) {
            continue;
        }
        let text = shipped(&file);
        for impure in [
            "std::fs",
            "std::env",
            "std::net",
            "tokio",
            "async ",
            "Instant::now",
            "SystemTime",
        ] {
            assert!(!text.contains(impure), "{} has {impure}", file.display());
        }
    }
}

/// No call to ECS or ECR is sent without asking whether it is within its rate.
#[test]
fn every_call_keeps_to_its_rate() {
    let mut found = 0;
    for (file, _) in sources().iter().filter(|(_, room)| room == "cloud") {
        let text = shipped(file);
        for line in text.lines() {
            let constant = line.trim().strip_prefix("const ");
            let Some((name, action)) = constant.and_then(|rest| rest.split_once(": &str = \""))
            else {
                continue;
            };
            if !action.starts_with("ecs:") {
                continue;
            }
            found += 1;
            let asks = ["turn", "pace", "take"]
                .iter()
                .any(|ask| text.contains(&format!(".{ask}({name}).await")));
            assert!(asks, "{} sends {action} unasked", file.display());
        }
    }
    assert!(found > 15, "the actions were found");
}

/// Every source file with its room: the folder or file right under `src`.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let first = path
                    .strip_prefix(&root)
                    .expect("under src")
                    .iter()
                    .next()
                    .expect("a part");
                let room = first.to_string_lossy().trim_end_matches(".rs").to_owned();
                files.push((path, room));
            }
        }
    }
    assert!(files.len() > 40, "the sources were found");
    files
}

/// A file's text without its tests and comments.
fn shipped(file: &Path) -> String {
    let is_test = file.iter().any(|part| part == "tests") || file.ends_with("tests.rs");
    if is_test {
        return String::new();
    }
    let text = std::fs::read_to_string(file).expect("a source");
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The rooms named behind `crate::`, also in groups (`crate::{a, b::c}`).
fn imports(text: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut rooms = BTreeSet::new();
    for (at, found) in text.match_indices("crate::") {
        let rest = &text[at + found.len()..];
        match rest.strip_prefix('{') {
            None => rooms.extend([word(rest)]),
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (index, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            start = false;
                            rooms.extend([word(&group[index..])]);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    rooms
}
