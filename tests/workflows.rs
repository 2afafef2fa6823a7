//! The action and the workflows, those of this repository and those in
//! docs/workflows, before GitHub's own schema and before zizmor, both offline.
//! None of it has been run on GitHub.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program from `tests/requirements.txt`.
fn installed(name: &str) -> Command {
    let venv = std::env::var_os("EVENKEEL_TEST_VENV")
        .map_or_else(|| root().join("target/venv"), PathBuf::from);
    let path = venv.join("bin").join(name);
    assert!(
        path.is_file(),
        "{} is missing: run ./tests/run, which installs it (for these tests alone: ./tests/run \
         --test workflows)",
        path.display()
    );
    let mut command = Command::new(path);
    command.current_dir(root()).env_remove("GITHUB_ACTIONS");
    command
}

fn workflows() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [".github/workflows", "docs/workflows"] {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        files.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "yml")));
    }
    assert!(files.len() >= 5, "{files:?}");
    files
}

fn passes(command: &mut Command) {
    let output = command.output().expect("it runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn workflows_and_the_action_fit_their_schemas() {
    let check = |schema: &str| {
        let mut command = installed("check-jsonschema");
        command.args(["--builtin-schema", schema]);
        command
    };
    passes(check("vendor.github-workflows").args(workflows()));
    passes(check("vendor.github-actions").arg("action.yml"));
}

#[test]
fn zizmor_has_nothing_to_say() {
    let mut zizmor = installed("zizmor");
    zizmor.args([
        "--offline",
        "--no-progress",
        "--strict-collection",
        "action.yml",
    ]);
    passes(zizmor.args(workflows()));
}

/// What neither of the two looks at.
#[test]
fn the_examples_keep_their_promises() {
    for file in workflows() {
        let text = fs::read_to_string(&file).expect("a file");
        let name = file.display();
        assert!(!text.contains("[skip ci]"), "{name}");
        assert!(!text.contains("pull_request_target"), "{name}");
        let jobs = text.matches("runs-on:").count();
        assert_eq!(text.matches("timeout-minutes:").count(), jobs, "{name}");
        if !file.starts_with(root().join("docs")) {
            continue;
        }
        assert!(text.contains("\npermissions: {}\n"), "{name}");
        assert_eq!(text.matches("permissions:").count() - 1, jobs, "{name}");
        // What writes is never cut off, and has a group for each environment.
        if !file.ends_with("plan.yml") {
            assert!(text.contains("group: evenkeel-"), "{name}");
            assert!(!text.contains("cancel-in-progress: true"), "{name}");
        }
    }
}

/// Every output that the documentation promises is passed on.
#[test]
fn the_action_passes_on_every_output() {
    let action = fs::read_to_string(root().join("action.yml")).expect("the action");
    let page = fs::read_to_string(root().join("docs/output.md")).expect("the page");
    let (_, table) = page.split_once("| output | of | |\n").expect("the table");
    let rows: Vec<&str> = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let mut names = Vec::new();
    for row in &rows {
        let cell = row.split('|').nth(1).expect("a cell");
        names.extend(cell.split('`').skip(1).step_by(2));
    }
    assert!(names.len() >= 10, "{names:?}");
    for name in names.into_iter().chain(["exit-code", "stdout-path"]) {
        let value = format!("  {name}:\n");
        assert!(action.contains(&value), "{name} is no output");
        let value = format!("value: ${{{{ steps.run.outputs.{name} }}}}");
        assert!(action.contains(&value), "{name} is not passed on");
    }
}
