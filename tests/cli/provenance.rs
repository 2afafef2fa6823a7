//! Where revisions come from: tags from git and from GitHub Actions, and the
//! order of commits.

use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Checkout, Ran, image, shop};

/// A checkout in a git repository of its own; `main` has two commits, the
/// first with 1.2.0 and the second, which is checked out, with 1.3.0.
struct Repository {
    checkout: Checkout,
    first: String,
    second: String,
}

impl Repository {
    fn of_two_commits() -> Self {
        let checkout = Checkout::shop("1.2.0");
        git(&checkout, "init --quiet --initial-branch=main");
        let first = commit(&checkout, "1.2.0");
        let second = commit(&checkout, "1.3.0");
        Self {
            checkout,
            first,
            second,
        }
    }

    /// The same, with the second commit deployed.
    fn deployed() -> Self {
        let repository = Self::of_two_commits();
        let ran = repository.checkout.run("apply prod --sandbox");
        assert_eq!(ran.code(), Some(0), "{ran}");
        for tag in ["1.2.0", "1.4.0"] {
            repository
                .checkout
                .run(&format!("sandbox push {}", image(tag)));
        }
        repository
    }

    fn git(&self, args: &str) -> String {
        git(&self.checkout, args)
    }

    /// What a run printed, with names for the commits.
    fn shown(&self, ran: &Ran) -> String {
        ran.to_string()
            .replace(&self.first[..7], "[first]")
            .replace(&self.second[..7], "[second]")
    }
}

pub fn git(checkout: &Checkout, args: &str) -> String {
    let output = Command::new("git")
        .args(args.split_whitespace())
        .current_dir(checkout.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ana")
        .env("GIT_AUTHOR_EMAIL", "ana@shop.example")
        .env("GIT_COMMITTER_NAME", "Ana")
        .env("GIT_COMMITTER_EMAIL", "ana@shop.example")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {args}: {output:?}");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .trim()
        .to_owned()
}

/// Commits the shop on this tag.
fn commit(checkout: &Checkout, tag: &str) -> String {
    checkout.write("environments/prod.toml", shop(tag));
    git(checkout, "add environments");
    git(checkout, &format!("commit --quiet --message {tag}"));
    git(checkout, "rev-parse HEAD")
}

/// A tag of the newest revision in the sandbox.
fn newest_tag(checkout: &Checkout, key: &str) -> Option<String> {
    let state: Value = serde_json::from_slice(&checkout.sandbox_state()).expect("JSON");
    let revisions = state["places"]["123456789012/us-west-1"]["families"]["shop-web"]["revisions"]
        .as_object()
        .expect("revisions");
    let (_, newest) = revisions
        .iter()
        .max_by_key(|(number, _)| number.parse::<u64>().expect("a number"))
        .expect("a revision");
    let tags = newest["tags"].as_array().expect("tags");
    let tag = tags.iter().find(|tag| tag["key"] == key)?;
    Some(tag["value"].as_str().expect("text").to_owned())
}

#[test]
fn an_older_commit_is_blocked() {
    let repository = Repository::deployed();
    let checkout = &repository.checkout;
    repository.git("checkout --quiet HEAD~1");
    let before = checkout.sandbox_state();
    assert_snapshot!(repository.shown(&checkout.run("apply prod --sandbox")), @"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        what runs was deployed from a newer commit ([second]); this is [first]
        hint  deploy from the newer commit, or use --allow-older

    1 blocked.
    ------- stderr -------
    error: nothing was changed, because of web
    [exit 1]
    ");
    assert_eq!(checkout.sandbox_state(), before);

    let plan = checkout.run("plan prod --sandbox --format json");
    assert_eq!(plan.code(), Some(1));
    let reason = &plan.json()["environments"][0]["services"][0]["reasons"][0];
    assert_eq!(reason["reason"], "older-commit");

    let plan = checkout.run("plan prod --sandbox --allow-older --detailed-exitcode");
    assert_eq!(plan.code(), Some(2), "{plan}");
    let apply = checkout.run("apply prod --sandbox --allow-older");
    assert_eq!(apply.code(), Some(0), "{apply}");
    assert_eq!(
        newest_tag(checkout, "evenkeel:commit"),
        Some(repository.first)
    );
}

#[test]
fn newer_and_unrelated_commits_are_deployed() {
    let repository = Repository::deployed();
    let checkout = &repository.checkout;
    // Beside the one that runs, neither before nor after it.
    repository.git("checkout --quiet HEAD~1");
    let beside = commit(checkout, "1.4.0");
    let ran = checkout.run("apply prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_eq!(newest_tag(checkout, "evenkeel:commit"), Some(beside));
    // After it.
    let after = commit(checkout, "1.2.0");
    let ran = checkout.run("apply prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_eq!(newest_tag(checkout, "evenkeel:commit"), Some(after));
}

#[test]
fn an_older_commit_that_declares_what_runs_is_in_sync() {
    let repository = Repository::deployed();
    let checkout = &repository.checkout;
    let ran = checkout
        .evenkeel("plan prod --sandbox")
        .env("GITHUB_SHA", &repository.first)
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(ran.stdout.contains("Nothing differs"), "{ran}");
    // Nothing is overwritten by a restart, either.
    let ran = checkout
        .evenkeel("apply prod --sandbox --force-new-deployment")
        .env("GITHUB_SHA", &repository.first)
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
}

#[test]
fn what_git_cannot_tell_is_allowed_and_logged() {
    let repository = Repository::deployed();
    let checkout = &repository.checkout;
    checkout.write("environments/prod.toml", shop("1.4.0"));
    let says = "cannot be told from this clone";
    let plan = |ours: &str| {
        let ran = checkout
            .evenkeel("plan prod --sandbox -v --log-format json")
            .env("GITHUB_SHA", ours)
            .run();
        (ran.code(), ran.stderr.contains(says))
    };
    assert_eq!(plan(&repository.first), (Some(1), false));
    assert_eq!(plan(&"a".repeat(40)), (Some(0), true));
    // The history between the two is cut off.
    let shallow = checkout.path().join(".git/shallow");
    std::fs::write(shallow, format!("{}\n", repository.second)).expect("a file");
    assert_eq!(plan(&repository.first), (Some(0), true));
}

#[test]
fn the_commit_is_that_of_the_file_as_it_is() {
    let repository = Repository::of_two_commits();
    let checkout = &repository.checkout;
    // Other files may differ from it.
    checkout.write("environments/staging.toml", "");
    let ran = checkout.run("apply prod --sandbox -v");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_eq!(
        newest_tag(checkout, "evenkeel:commit").as_ref(),
        Some(&repository.second)
    );
    assert_eq!(newest_tag(checkout, "evenkeel:run"), None);

    checkout.run(&format!("sandbox push {}", image("1.4.0")));
    checkout.write("environments/prod.toml", shop("1.4.0"));
    let ran = checkout.run("apply prod --sandbox -v");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(ran.stderr.contains("so no commit is named"), "{ran}");
    assert_eq!(newest_tag(checkout, "evenkeel:commit"), None);
    assert_eq!(
        newest_tag(checkout, "evenkeel:environment").as_deref(),
        Some("prod")
    );
}

#[test]
fn a_file_that_git_does_not_have_has_no_commit() {
    for ignored in ["", "environments/", "prod.toml"] {
        let checkout = Checkout::shop("1.2.0").file(".gitignore", ignored);
        git(&checkout, "init --quiet --initial-branch=main");
        git(&checkout, "add .gitignore");
        git(&checkout, "commit --quiet --message none");
        // Whatever people have set for themselves.
        git(&checkout, "config status.showUntrackedFiles no");
        let ran = checkout.run("apply prod --sandbox");
        assert_eq!(ran.code(), Some(0), "{ran}");
        assert_eq!(newest_tag(&checkout, "evenkeel:commit"), None, "{ignored}");
    }
}

#[test]
fn a_plan_leaves_the_repository_as_it_is() {
    let repository = Repository::of_two_commits();
    let checkout = &repository.checkout;
    // The index's times are out of date, which git likes to put right.
    checkout.write("environments/prod.toml", shop("1.3.0"));
    let index = || std::fs::read(checkout.path().join(".git/index")).expect("an index");
    let before = index();
    let ran = checkout.run("plan prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_eq!(index(), before);
}

#[test]
fn a_run_in_github_actions_is_named() {
    let checkout = Checkout::shop("1.2.0");
    let sha = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";
    let ran = checkout
        .evenkeel("apply prod --sandbox")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_SHA", sha)
        .env("GITHUB_SERVER_URL", "https://github.com")
        .env("GITHUB_REPOSITORY", "shop/deploy")
        .env("GITHUB_RUN_ID", "42")
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_eq!(
        newest_tag(&checkout, "evenkeel:commit").as_deref(),
        Some(sha)
    );
    assert_eq!(
        newest_tag(&checkout, "evenkeel:run").as_deref(),
        Some("https://github.com/shop/deploy/actions/runs/42")
    );
}

#[test]
fn git_need_not_be_there() {
    let checkout = Repository::of_two_commits().checkout;
    let ran = checkout
        .evenkeel("apply prod --sandbox")
        .env("PATH", "/nowhere")
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_eq!(newest_tag(&checkout, "evenkeel:commit"), None);
    assert_eq!(
        newest_tag(&checkout, "evenkeel:fingerprint").map(|text| text.len()),
        Some(16)
    );
}

#[test]
fn a_git_that_hangs_is_not_waited_for() {
    let checkout = Checkout::shop("1.2.0").file("bin/git", "#!/bin/sh\nexec /bin/sleep 60\n");
    let program = checkout.path().join("bin/git");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(program, executable).expect("it is ours");
    let ran = checkout
        .evenkeel("plan prod --sandbox -v")
        .env("PATH", checkout.path().join("bin").display().to_string())
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(ran.stderr.contains("git did not answer in 5 s"), "{ran}");
}

#[test]
fn without_provenance_nothing_is_said_and_nothing_refused() {
    let repository = Repository::deployed();
    let checkout = &repository.checkout;
    let file = format!("provenance = false\n{}", shop("1.2.0"));
    checkout.write("environments/prod.toml", file);
    let ran = checkout
        .evenkeel("apply prod --sandbox")
        .env("GITHUB_SHA", &repository.first)
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    for key in ["commit", "environment", "run", "fingerprint"] {
        assert_eq!(newest_tag(checkout, &format!("evenkeel:{key}")), None);
    }
}
