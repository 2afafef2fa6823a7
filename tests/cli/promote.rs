//! `evenkeel promote`.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::provenance::git;
use crate::support::{Checkout, Invocation, Ran, image, shop};

const PROD: &str = "environments/prod.toml";

/// Staging on 1.3.0, deployed; prod declares 1.2.0.
fn deployed() -> Checkout {
    let checkout = declared();
    let ran = checkout.run("apply staging --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    checkout
}

fn declared() -> Checkout {
    Checkout::shop("1.2.0").file("environments/staging.toml", staging("1.3.0"))
}

fn staging(tag: &str) -> String {
    shop(tag).replace("shop-web", "shop-web-staging")
}

fn prod(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.path().join(PROD)).unwrap()
}

/// With `[promotion]` in prod's file.
fn from_staging(checkout: Checkout, more: &str) -> Checkout {
    let file = format!(
        "{}\n[promotion]\nfrom = \"staging\"\n{more}",
        prod(&checkout)
    );
    checkout.file(PROD, file)
}

/// What a run wrote for prod's image.
fn pinned(checkout: &Checkout) -> String {
    let ran = checkout.run("set staging web=:1.3.0 --resolve --sandbox --format json");
    ran.json()["changes"][0]["to"].as_str().unwrap().to_owned()
}

#[test]
fn what_runs_is_written_and_a_pull_request_printed() {
    let checkout = deployed();
    assert_snapshot!(checkout.run("promote --from staging --to prod --sandbox"), @"
    staging → prod

    ~ web   environments/prod.toml:7:9
          shop/web
          1.2.0
        → 1.3.0  sha256:a772a9f4
        staging: revision 29, runs since [moment] UTC, for [time]

    1 promoted.

    # Promote web 1.3.0 from staging to prod

    What runs healthily in `staging` goes to `prod`.

    | image | from | to | revision | commit | runs since | for |
    |---|---|---|---|---|---|---|
    | `web` | `1.2.0` | `1.3.0 sha256:a772a9f4` | 29 |  | [moment] UTC | [time] |

    <details open>
    <summary>The plan against <code>prod</code>: 1 to change.</summary>

    ```text
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.3.0  sha256:a772a9f4

    1 to change.
    ```

    </details>

    Merging this changes `environments/prod.toml` and nothing else. What runs changes with the next `evenkeel apply prod`.
    ------- stderr -------
    commit environments/prod.toml on a branch, and open a pull request
    [exit 0]
    ");
    let before = shop("1.2.0");
    assert_eq!(
        prod(&checkout),
        before.replace(&image("1.2.0"), &pinned(&checkout))
    );
    // Once is enough.
    assert_snapshot!(checkout.run("promote --from staging --to prod --sandbox"), @"
    staging → prod

    = web   environments/prod.toml:7:9
          shop/web
          1.3.0  sha256:a772a9f4  (as it was)

    Nothing to promote: prod declares what runs in staging.
    [exit 0]
    ");
}

#[test]
fn what_the_file_says_does_not_count() {
    let checkout = deployed();
    checkout.write("environments/staging.toml", staging("9.9.9"));
    let ran = checkout.run("promote --from staging --to prod --sandbox --format json");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(prod(&checkout).contains("shop/web:1.3.0@sha256:"), "{ran}");
}

#[test]
fn the_target_s_file_says_from_where() {
    let checkout = from_staging(deployed(), "soak = \"2h\"\nservices = [\"web\"]\n");
    let before = prod(&checkout);
    assert_snapshot!(checkout.run("promote --to prod --sandbox"), @"
    staging → prod

    … web   not ready: it has run for [time], 1 h 59 min are left to soak
        staging: revision 29, 1.3.0  sha256:a772a9f4

    Nothing was promoted: 1 not ready.
    [exit 4]
    ");
    assert_eq!(prod(&checkout), before);
    // Asked otherwise, it is otherwise.
    let ran = checkout.run("promote --to prod --soak 0s --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(prod(&checkout).contains("shop/web:1.3.0@sha256:"), "{ran}");
    assert!(
        prod(&checkout)
            .ends_with("[promotion]\nfrom = \"staging\"\nsoak = \"2h\"\nservices = [\"web\"]\n")
    );
}

#[test]
fn a_rollout_that_goes_on_is_waited_for() {
    let checkout = declared();
    let mut apply = checkout
        .evenkeel("apply staging --sandbox")
        .speed(1)
        .start();
    apply.wait_for("of 3 new tasks run");
    let ran = checkout
        .evenkeel("promote --from staging --to prod --sandbox")
        .speed(1)
        .run();
    assert_eq!(ran.code(), Some(4), "{ran}");
    assert!(
        ran.stdout.contains("web   not ready: it is rolling out"),
        "{ran}"
    );
    assert_eq!(prod(&checkout), shop("1.2.0"));
}

#[test]
fn a_rollout_that_failed_is_not_promoted() {
    let checkout = declared().file("environments/staging.toml", staging("1.3.0-crash"));
    let ran = checkout.run("apply staging --sandbox");
    assert_eq!(ran.code(), Some(3), "{ran}");
    // ECS went back: what runs is the version before, healthily.
    let ran = checkout.run("promote --from staging --to prod --sandbox --format json");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(!prod(&checkout).contains("crash"), "{ran}");
}

#[test]
fn a_copy_that_is_missing_is_asked_for() {
    let checkout = deployed();
    let elsewhere = image("1.2.0").replace("shop/web", "shop/web-prod");
    checkout.write(PROD, shop("1.2.0").replace(&image("1.2.0"), &elsewhere));
    checkout.evenkeel("sandbox push").arg(&elsewhere).run();
    let ran = checkout.run("promote --from staging --to prod --sandbox");
    assert_snapshot!(ran, @"
    staging → prod

    ✗ web   not ready: shop/web-prod (ECR 123456789012, us-west-1) has no image
                       sha256:a772a9f4, which is what runs
        at    environments/prod.toml:7:9
        hint  copy it there with its digest: crane copy
              123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.3.0@sha256:a77
              2a9f49286116f530ca85314bd69c3a658097e2ce8576e3a34dc25e18006ab
              123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web-prod:1.3.0
        staging: revision 29, runs since [moment] UTC, for [time]

    Nothing was promoted: 1 not ready.
    [exit 1]
    ");
    assert!(prod(&checkout).contains(&elsewhere));
}

#[test]
fn a_service_or_an_environment_that_is_not_there() {
    let checkout = declared();
    assert_snapshot!(checkout.run("promote --to prod"), @r#"
    ------- stderr -------
    error: it is not said which environment environments/prod.toml is promoted from
     hint: name it with --from, or declare it: [promotion] and under it from =
           "staging"
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("promote --from stagign --to prod"), @"
    ------- stderr -------
    error: there is no environment `stagign`: environments/stagign.toml does not
           exist
     hint: did you mean `staging`? There are: prod, staging
    [exit 1]
    ");
    assert_snapshot!(checkout.run("promote --from environments/prod.toml --to prod"), @"
    ------- stderr -------
    error: prod cannot be promoted to itself
    [exit 1]
    ");
    assert_snapshot!(checkout.run("promote --from staging --to prod --service wbe"), @r#"
    ------- stderr -------
    error: environments/prod.toml declares no service "wbe"
     hint: its services: web
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("promote --from staging --to prod --soak 30"), @"
    ------- stderr -------
    error: invalid value '30' for '--soak <TIME>': the unit is missing; write 30m

    For more information, try '--help'.
    [exit 64]
    ");
    let checkout = Checkout::empty().file(
        PROD,
        format!("{}\n[promotion]\nfrom = \"test\"\n", shop("1")),
    );
    assert_snapshot!(checkout.run("promote --to prod"), @"
    ------- stderr -------
    error: there is no environment `test` beside this file
     --> environments/prod.toml:10:8
     hint: name one whose file is there; environments/test.toml is not
    [exit 1]
    ");
}

#[test]
fn a_file_without_a_place_for_the_image_is_told_which_line_to_add() {
    let checkout = declared();
    let tasks = "[services.web]\nname = \"shop-web\"\n[services.web.containers.proxy]\nimage = \"nginx:1\"\n";
    let top = shop("1").split("[services").next().unwrap().to_owned();
    checkout.write(
        "environments/staging.toml",
        format!(
            "{top}{tasks}[services.web.containers.app]\nimage = \"{}\"\n",
            image("1.3.0")
        ),
    );
    checkout.write(PROD, format!("{top}{tasks}"));
    assert_snapshot!(checkout.run("promote --from staging --to prod"), @r#"
    ------- stderr -------
    error: container `app` of service `web` declares no image
     --> environments/prod.toml:5:11
      |
    5 | [services.web]
      |           ^^^
      |
      = hint: add this, and commit it:
              [services.web.containers.app]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.3.0"
    [exit 1]
    "#);
    // Only prod has it, and it is asked for.
    let mail = format!("{tasks}[services.mail]\nname = \"shop-mail\"\nimage = \"mail:1\"\n");
    checkout.write(PROD, format!("{top}{mail}"));
    let ran = checkout.run("promote --from staging --to prod --service mail");
    assert_snapshot!(ran, @r#"
    ------- stderr -------
    error: environments/staging.toml declares no service "mail"
    [exit 1]
    "#);
}

/// In a git repository of its own.
fn committed(checkout: Checkout) -> Checkout {
    git(&checkout, "init --quiet --initial-branch=main");
    git(&checkout, "add environments");
    git(&checkout, "commit --quiet --message begin");
    checkout
}

fn promote(checkout: &Checkout, more: &str) -> Ran {
    as_ana(checkout.evenkeel(&format!(
        "promote --from staging --to prod --sandbox --commit {more}"
    )))
    .run()
}

fn as_ana(invocation: Invocation) -> Invocation {
    ["AUTHOR", "COMMITTER"]
        .iter()
        .fold(invocation, |invocation, who| {
            invocation
                .env(&format!("GIT_{who}_NAME"), "Ana")
                .env(&format!("GIT_{who}_EMAIL"), "ana@shop.example")
        })
}

#[test]
fn a_branch_with_one_commit_is_made() {
    let checkout = committed(deployed());
    // What else is going on in the clone stays as it is.
    checkout.write("notes", "mine");
    git(&checkout, "add notes");
    let ran = promote(&checkout, "--body-file body.md");
    assert_eq!(ran.code(), Some(0), "{ran}");
    let branch = git(&checkout, "branch --show-current");
    assert!(branch.starts_with("promote/staging-to-prod-"), "{branch}");
    assert!(
        ran.stderr.contains(&format!("on branch {branch}: push it")),
        "{ran}"
    );
    assert_eq!(git(&checkout, "show --name-only --format= HEAD"), PROD);
    assert_eq!(git(&checkout, "rev-list --count main..HEAD"), "1");
    assert_eq!(git(&checkout, "diff --cached --name-only"), "notes");
    let message = git(&checkout, "log -1 --format=%B");
    let mut lines = message.lines();
    assert_eq!(lines.next(), Some("Promote web 1.3.0 from staging to prod"));
    assert_eq!(lines.next(), Some(""));
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("web: 1.2.0 to 1.3.0 sha256:"),
        "{message}"
    );
    let body = fs::read_to_string(checkout.path().join("body.md")).unwrap();
    assert!(
        body.contains("The plan against <code>prod</code>: 1 to change."),
        "{body}"
    );
    assert!(!ran.stdout.contains("<details"), "{ran}");

    // The same again is there already.
    git(&checkout, "checkout --quiet main");
    let again = promote(&checkout, "");
    assert_eq!(again.code(), Some(0), "{again}");
    assert!(
        again
            .stderr
            .contains("has this already, so nothing was written"),
        "{again}"
    );
    assert_eq!(prod(&checkout), shop("1.2.0"));
    let again = promote(&checkout, "--format json").json();
    assert_eq!(
        (&again["outcome"], &again["written"]),
        (&json!("proposed"), &json!(false))
    );
    // Also where only the remote has it.
    git(
        &checkout,
        &format!("update-ref refs/remotes/origin/{branch} {branch}"),
    );
    git(&checkout, &format!("branch --quiet -D {branch}"));
    assert_eq!(
        promote(&checkout, "--format json").json()["outcome"],
        "proposed"
    );
}

#[test]
fn what_cannot_be_committed_is_refused_before_anything_is_written() {
    let checkout = deployed();
    assert_snapshot!(promote(&checkout, ""), @"
    ------- stderr -------
    error: environments/prod.toml is in no git repository
     hint: run it in a clone, or leave --commit out
    [exit 1]
    ");
    let checkout = committed(checkout);
    let ran = checkout
        .evenkeel("promote --from staging --to prod --sandbox --commit")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "user.useConfigOnly")
        .env("GIT_CONFIG_VALUE_0", "true")
        .run();
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: git does not know who makes the commit
     hint: set user.name and user.email with `git config`
    [exit 1]
    ");
    git(&checkout, "branch taken");
    assert_snapshot!(promote(&checkout, "--branch taken"), @"
    ------- stderr -------
    error: branch taken exists already, with another environments/prod.toml
     hint: delete it, or name another one with --branch
    [exit 1]
    ");
    assert_snapshot!(promote(&checkout, "--branch a..b"), @r#"
    ------- stderr -------
    error: "a..b" is no name for a branch
     hint: name one with --branch
    [exit 1]
    "#);
    assert_eq!(prod(&checkout), shop("1.2.0"));
    let dirty = format!("# mine\n{}", shop("1.2.0"));
    checkout.write(PROD, &dirty);
    assert_snapshot!(promote(&checkout, ""), @"
    ------- stderr -------
    error: environments/prod.toml has changes that are not committed
     hint: commit it first, or take the changes back
    [exit 1]
    ");
    assert_eq!(prod(&checkout), dirty);
    assert_eq!(git(&checkout, "branch --show-current"), "main");
}

#[test]
fn as_json_is_one_line() {
    let checkout = from_staging(deployed(), "soak = \"2h\"\n");
    let ran = checkout.run("promote --to prod --sandbox --format json");
    assert_eq!(ran.code(), Some(4), "{ran}");
    let document = ran.json();
    assert_eq!(document["outcome"], "not-ready");
    assert_eq!(
        (&document["written"], &document["pull_request"]),
        (&json!(false), &json!(null))
    );
    let service = &document["services"][0];
    assert_eq!(
        (&service["state"], &service["reason"]),
        (&json!("not-ready"), &json!("soaking"))
    );
    assert!(service["soak_left_seconds"].as_u64().unwrap() <= 7200);

    let ran = checkout.run("promote --to prod --soak 0s --sandbox --format json");
    let document = ran.json();
    assert_eq!(
        (&document["outcome"], &document["written"]),
        (&json!("promoted"), &json!(true))
    );
    let change = &document["services"][0]["changes"][0];
    assert_eq!(change["from"], image("1.2.0"));
    assert_eq!(change["to"], pinned(&checkout));
    let request = &document["pull_request"];
    assert_eq!(request["title"], "Promote web 1.3.0 from staging to prod");
    let branch = request["branch"].as_str().unwrap();
    assert!(branch.starts_with("promote/staging-to-prod-"), "{branch}");
    assert_eq!(document["plan"]["counts"]["change"], 1);
    assert_eq!(document["exit_code"], 0);
}

#[test]
fn nothing_in_a_name_is_markup() {
    let label = "\"<b>@ann|#1`x``y`[evil](mailto:x@y.z)\"";
    let named = |text: String| text.replace("[services.web]", &format!("[services.{label}]"));
    let checkout = Checkout::empty()
        .file(PROD, named(shop("1.2.0")))
        .file("environments/staging.toml", named(staging("1.3.0")));
    checkout.run("apply staging --sandbox");
    let ran = checkout.run("promote --from staging --to prod --sandbox --format json");
    let body = ran.json()["pull_request"]["body"]
        .as_str()
        .unwrap()
        .to_owned();
    let row = body.lines().find(|line| line.contains("evil")).unwrap();
    assert!(
        row.starts_with("| ```<b>@ann\\|#1`x``y`[evil](mailto:x@y.z)``` |"),
        "{row}"
    );
    let outside: Vec<&str> = body.split("```").step_by(2).collect();
    assert!(outside.iter().all(|text| !text.contains("evil")), "{body}");
}
