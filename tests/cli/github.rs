//! What a run tells GitHub Actions, by the runner's rules.

use std::collections::BTreeMap;
use std::fs;

use insta::assert_snapshot;

use crate::aws::{Aws, at};
use crate::support::{Checkout, Invocation, Ran, shop};

/// As a step of a workflow.
fn in_a_step(checkout: &Checkout, invocation: Invocation) -> Invocation {
    let inside = |path: &str| checkout.path().join(path).display().to_string();
    invocation
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", inside("."))
        .env("GITHUB_OUTPUT", inside("output"))
        .env("GITHUB_STEP_SUMMARY", inside("summary"))
}

fn step(checkout: &Checkout, args: &str) -> Ran {
    in_a_step(checkout, checkout.evenkeel(args)).run()
}

/// The commands that the runner would find, in their order.
fn commands(ran: &Ran) -> Vec<String> {
    let both = format!("{}\n{}", ran.stdout, ran.stderr);
    both.split(['\n', '\r'])
        .filter(|line| line.trim_start().starts_with("::") || line.contains("##["))
        .map(str::to_owned)
        .collect()
}

/// The step's outputs, read as the runner reads them.
fn outputs(checkout: &Checkout) -> BTreeMap<String, String> {
    let text = fs::read_to_string(checkout.path().join("output")).unwrap_or_default();
    let mut lines = text.lines();
    let mut found = BTreeMap::new();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").expect("NAME<<DELIMITER");
        let value: Vec<&str> = lines
            .by_ref()
            .take_while(|line| *line != delimiter)
            .collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    found
}

fn summary(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.path().join("summary")).unwrap_or_default()
}

#[test]
fn elsewhere_nothing_is_told() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout
        .evenkeel("plan prod --sandbox")
        .env(
            "GITHUB_OUTPUT",
            checkout.path().join("output").display().to_string(),
        )
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(commands(&ran).is_empty(), "{ran}");
    assert!(!checkout.path().join("output").exists());
}

#[test]
fn mistakes_are_annotated_at_their_lines() {
    let file = shop("1.2.0")
        .replace("region", "regoin")
        .replace("image = ", "# über\nimage = 7 #");
    let checkout = Checkout::empty().file("environments/prod.toml", file);
    let ran = step(&checkout, "plan prod");
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert_snapshot!(commands(&ran).join("\n"), @r#"
    ::error file=environments/prod.toml,line=2,col=1,title=evenkeel::unknown key `regoin`%0Adid you mean `region`?
    ::error file=environments/prod.toml,line=8,col=9,title=evenkeel::`image` must be a string, not a number%0Awrite image = "REPOSITORY:TAG"
    "#);
    assert!(
        summary(&checkout).contains("unknown key `regoin`"),
        "{}",
        summary(&checkout)
    );
    // From the top of the repository, wherever the step runs.
    let checkout = Checkout::empty().file("deploy/environments/prod.toml", "regoin = \"x\"");
    let below = checkout.path().join("deploy");
    let ran = in_a_step(&checkout, checkout.evenkeel("plan prod").within(&below)).run();
    assert!(
        commands(&ran)[0].starts_with("::error file=deploy/environments/prod.toml,line=1"),
        "{ran}"
    );
}

#[test]
fn what_is_blocked_is_annotated_where_it_is_declared() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    checkout.write("environments/prod.toml", shop("1.2.01"));
    let ran = step(&checkout, "apply prod --sandbox");
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert_snapshot!(commands(&ran).join("\n"), @"::error file=environments/prod.toml,line=7,col=9,title=prod%3A web::shop/web (ECR 123456789012, us-west-1) has no tag 1.2.01%0Athe nearest tags there are: 1.2.0, 1.2.1 and 1.3.0");
    assert_eq!(
        outputs(&checkout)["verdicts"],
        r#"{"prod":{"web":"blocked"}}"#
    );
}

#[test]
fn a_plan_tells_the_next_steps() {
    let checkout = Checkout::shop("1.2.0");
    for format in ["text", "json"] {
        let ran = step(&checkout, &format!("plan prod --sandbox --format {format}"));
        assert_eq!(ran.code(), Some(0), "{ran}");
        assert!(commands(&ran).is_empty(), "{ran}");
        let outputs = outputs(&checkout);
        assert_eq!(outputs["changes"], "1");
        assert_eq!(outputs["verdicts"], r#"{"prod":{"web":"change"}}"#);
    }
    assert_snapshot!(summary(&checkout).split("### ").nth(1).unwrap(), @"
    `Plan: prod`

    ```text
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change.
    ```
    ");
}

#[test]
fn a_rollout_is_a_group_and_its_failure_an_annotation() {
    let checkout = Checkout::shop("1.2.0");
    let ran = step(&checkout, "apply prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_eq!(
        commands(&ran),
        ["::group::prod: the rollout", "::endgroup::"]
    );
    let begin = ran.stderr.find("::group::").unwrap();
    let end = ran.stderr.find("::endgroup::").unwrap();
    assert!(ran.stderr[begin..end].contains("new tasks run"), "{ran}");
    assert_eq!(
        outputs(&checkout)["outcomes"],
        r#"{"prod":{"web":"deployed"}}"#
    );
    assert!(
        summary(&checkout).contains("✓ web"),
        "{}",
        summary(&checkout)
    );

    checkout.write("environments/prod.toml", shop("1.3.0-crash"));
    let ran = step(&checkout, "apply prod --sandbox --format json");
    assert_eq!(ran.code(), Some(3), "{ran}");
    let commands = commands(&ran);
    assert!(commands[2].starts_with("::error file=environments/prod.toml,line=5,col=11,title=prod%3A web::the rollout of revision"), "{commands:?}");
    assert_eq!(
        outputs(&checkout)["outcomes"],
        r#"{"prod":{"web":"rolled-back"}}"#
    );
    // The result stays JSON, a line each.
    assert!(!ran.json_lines().is_empty());
}

#[test]
fn a_promotion_tells_what_a_pull_request_needs() {
    let staging = shop("1.3.0").replace("shop-web", "shop-web-staging");
    let checkout = Checkout::shop("1.2.0").file("environments/staging.toml", staging);
    checkout.run("apply staging --sandbox");
    let promote = "promote --from staging --to prod --sandbox --body-file body.md";
    let ran = step(&checkout, &format!("{promote} --soak 2h"));
    assert_eq!(ran.code(), Some(4), "{ran}");
    assert!(commands(&ran).is_empty(), "{ran}");
    assert_eq!(outputs(&checkout)["outcome"], "not-ready");
    assert!(summary(&checkout).contains("left to soak"));

    let ran = step(&checkout, promote);
    assert_eq!(ran.code(), Some(0), "{ran}");
    let told = outputs(&checkout);
    assert_eq!(told["outcome"], "promoted");
    assert_eq!(told["title"], "Promote web 1.3.0 from staging to prod");
    assert_eq!(told["body-file"], "body.md");
    assert!(told["branch"].starts_with("promote/staging-to-prod-"));
    assert_eq!(told["changes"], "1");

    step(&checkout, promote);
    assert_eq!(outputs(&checkout)["outcome"], "nothing");
}

#[test]
fn nothing_that_aws_says_is_a_command() {
    let hostile = format!(
        "{} ::error file=x,line=1::pwned\n::stop-commands::y\r::set-env name=PATH::z ##[add-path]/tmp\u{1b}[31m",
        "word ".repeat(14).trim_end()
    );
    let checkout = Checkout::shop("1.2.0");
    let aws = Aws::refusing(400, "AccessDeniedException", &hostile);
    for args in [
        "plan prod",
        "plan prod --format json",
        "plan prod -vv",
        "plan prod -vv --log-format json",
        "status prod",
    ] {
        let ran = in_a_step(&checkout, at(&checkout, &aws.url, args)).run();
        assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "{args}");
        for command in commands(&ran) {
            let ours = command.starts_with("::error title=")
                || command.starts_with("::error file=environments/prod.toml,");
            assert!(ours, "{args}: {command}\n{ran}");
        }
    }
    // In the summary it stands in a fence that it cannot close.
    let checkout = Checkout::shop("1.2.0");
    let aws = Aws::refusing(
        400,
        "AccessDeniedException",
        "``` ````\n````\n<img src=x> @ann",
    );
    in_a_step(&checkout, at(&checkout, &aws.url, "plan prod")).run();
    let summary = summary(&checkout);
    let fence: String = summary
        .lines()
        .nth(2)
        .unwrap()
        .chars()
        .take_while(|c| *c == '`')
        .collect();
    assert!(fence.len() > 4, "{summary}");
    assert_eq!(summary.matches(&fence).count(), 2, "{summary}");
}

#[test]
fn nothing_that_a_file_says_is_a_command_or_an_output() {
    let label = "a\\u003a::error\\u003a:b<<EOF%0A##[error]x`,title";
    let file = shop("1.2.0").replace("[services.web]", &format!("[services.\"{label}\"]"));
    let checkout = Checkout::empty().file("environments/prod.toml", file);
    let ran = step(&checkout, "plan prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(commands(&ran).is_empty(), "{ran}");
    let told = outputs(&checkout);
    assert_eq!(
        told.keys().collect::<Vec<_>>(),
        ["changes", "plan-hash", "verdicts"]
    );
    let ran = step(&checkout, "plan prod --sandbox --format json");
    assert!(commands(&ran).is_empty(), "{ran}");
    assert_eq!(
        ran.json()["environments"][0]["services"][0]["name"],
        "a:::error::b<<EOF%0A##[error]x`,title"
    );
    // A line that is one command is no other.
    let ran = step(&checkout, "plan ::error::x##[error]y");
    for command in commands(&ran) {
        assert!(command.starts_with("::error title=evenkeel::"), "{command}");
    }
    assert_eq!(step(&checkout, "plan --::error::x").code(), Some(64));
}

#[test]
fn files_that_cannot_be_written_change_nothing() {
    let checkout = Checkout::shop("1.2.0");
    let ran = in_a_step(&checkout, checkout.evenkeel("plan prod --sandbox"))
        .env("GITHUB_OUTPUT", "/nowhere/output")
        .env("GITHUB_STEP_SUMMARY", "")
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(
        ran.stderr
            .contains("warning: GITHUB_OUTPUT could not be written"),
        "{ran}"
    );
}
