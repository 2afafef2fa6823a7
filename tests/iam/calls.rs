//! Every call that the code can make, and the actions of the policies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::policy::Policy;

/// What no source names as its call: the roles of a task definition are passed
/// when it is registered; the role of an environment is assumed by the SDK.
const BESIDES: [&str; 2] = ["iam:PassRole", "sts:AssumeRole"];

#[test]
fn apply_may_do_everything_that_the_code_calls_and_no_more() {
    let called: BTreeSet<String> = called().into_keys().collect();
    let besides = BESIDES.map(str::to_owned);
    let wanted: BTreeSet<String> = called.into_iter().chain(besides).collect();
    let allowed = &Policy::read("apply").actions() | &Policy::read("assume-role").actions();
    let list = |from: &BTreeSet<String>, without: &BTreeSet<String>| -> Vec<String> {
        from.difference(without).cloned().collect()
    };
    assert_eq!(
        list(&wanted, &allowed),
        Vec::<String>::new(),
        "called, and in no policy of docs/iam"
    );
    assert_eq!(
        list(&allowed, &wanted),
        Vec::<String>::new(),
        "in docs/iam, and never called"
    );
}

#[test]
fn plan_only_reads_and_apply_may_do_all_that_plan_may() {
    let called = called();
    let (plan, apply) = (Policy::read("plan"), Policy::read("apply"));
    for action in plan.actions() {
        assert_eq!(called.get(&action), Some(&Kind::Reads), "{action}");
    }
    for statement in &plan.statements {
        for action in &statement.actions {
            for resource in &statement.resources {
                assert!(apply.covers(action, resource), "{action} on {resource}");
            }
        }
    }
}

/// The list that keeps a reader from writing is the list of reads: each is
/// called somewhere, and no call that reads is missing.
#[test]
fn what_a_reader_may_call_is_what_is_called_to_read() {
    let of_calls: BTreeSet<String> = called()
        .into_iter()
        .filter(|(_, kind)| *kind == Kind::Reads)
        .filter_map(|(action, _)| Some(action.split_once(':')?.1.to_owned()))
        .collect();
    let raw = shipped("src/cloud/raw.rs");
    let (_, list) = raw.split_once("READS: ").expect("the list of reads");
    let (_, list) = list.split_once("= [").expect("its beginning");
    let (list, _) = list.split_once("];").expect("its end");
    let listed: BTreeSet<String> = list
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert_eq!(of_calls, listed);
}

/// The page says something of every statement and every action.
#[test]
fn the_page_comments_every_statement() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/iam/README.md");
    let page = std::fs::read_to_string(file).expect("docs/iam/README.md");
    for name in ["plan", "apply", "assume-role"] {
        let policy = Policy::read(name);
        let sids: BTreeSet<&str> = policy.statements.iter().map(|s| s.sid.as_str()).collect();
        assert_eq!(
            sids.len(),
            policy.statements.len(),
            "{name}: Sids are unique"
        );
        for statement in &policy.statements {
            let heading = format!("### {}\n", statement.sid);
            let (_, rest) = page
                .split_once(&heading)
                .unwrap_or_else(|| panic!("{name}: nothing is said of {}", statement.sid));
            let said = rest.split("\n##").next().unwrap_or(rest);
            let keys = statement.conditions.iter().map(|(_, key, _)| key);
            for word in statement.actions.iter().chain(keys) {
                assert!(
                    said.contains(&format!("`{word}`")),
                    "{}: {word}",
                    statement.sid
                );
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reads,
    Writes,
}

/// The IAM actions that the sources of `cloud` name as those of their calls.
/// The writes are all in one file.
fn called() -> BTreeMap<String, Kind> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cloud");
    let mut called = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("src/cloud") {
        let name = entry.expect("a file").file_name();
        let name = name.to_string_lossy();
        let kind = if name == "write.rs" {
            Kind::Writes
        } else {
            Kind::Reads
        };
        let text = shipped(&format!("src/cloud/{name}"));
        called.extend(actions(&text).map(|action| (action, kind)));
    }
    let count = |kind| called.values().filter(|own| **own == kind).count();
    assert!(
        count(Kind::Reads) >= 12 && count(Kind::Writes) >= 7,
        "the actions were found: {called:?}"
    );
    called
}

fn actions(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("pub(super) ").unwrap_or(line);
        let (_, action) = line.strip_prefix("const ")?.split_once(": &str = \"")?;
        let action = action.strip_suffix("\";")?;
        let (service, name) = action.split_once(':')?;
        let is_one = ["ecs", "ecr", "logs", "sts", "iam"].contains(&service)
            && name.starts_with(|c: char| c.is_ascii_uppercase());
        is_one.then(|| action.to_owned())
    })
}

/// A source without its tests.
fn shipped(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(file).expect(path);
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    code.unwrap_or_default().to_owned()
}
