//! `evenkeel rollback`.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::aws::{Aws, at};
use crate::support::{Checkout, image, shop};

/// A shop that deployed 1.2.0.
fn deployed() -> Checkout {
    let checkout = Checkout::shop("1.2.0");
    assert_eq!(checkout.run("apply prod --sandbox").code(), Some(0));
    checkout
}

fn file(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.path().join("environments/prod.toml")).unwrap()
}

/// The shop's file with an image and whatever digest it has.
fn declares(checkout: &Checkout, tag: &str) -> bool {
    let text = file(checkout);
    let start = text.find(&image(tag)).map(|at| at + image(tag).len());
    let Some((start, end)) = start.zip(text.rfind('"')) else {
        return false;
    };
    let digest = &text[start..end];
    digest.starts_with("@sha256:") && text.replace(digest, "") == shop(tag)
}

#[test]
fn writes_what_was_healthy_before() {
    let checkout = deployed();
    assert_snapshot!(checkout.run("rollback prod web --sandbox"), @"
    web: back to the images of revision 68 of shop-web

    ~ web   environments/prod.toml:7:9
          shop/web
          1.2.0
        → 1.1.9  sha256:f26a773d
    ------- stderr -------
    commit it, and `evenkeel apply prod --service web` deploys it
    [exit 0]
    ");
    assert!(declares(&checkout, "1.1.9"), "{}", file(&checkout));
    // What runs is left as it is.
    let ran = checkout.run("plan prod --sandbox");
    assert!(ran.stdout.contains("revision 69 → 68"), "{ran}");
    // Once more is one step further back.
    assert_snapshot!(checkout.run("rollback prod web --sandbox"), @"
    web: back to the images of revision 67 of shop-web

    ~ web   environments/prod.toml:7:9
          shop/web
          1.1.9  sha256:f26a773d
        → 1.1.8  sha256:497f784d
    ------- stderr -------
    commit it, and `evenkeel apply prod --service web` deploys it
    [exit 0]
    ");
    assert!(declares(&checkout, "1.1.8"), "{}", file(&checkout));
    assert_snapshot!(checkout.run("rollback prod web --sandbox"), @"
    ------- stderr -------
    error: web: among its last 3 deployments none was healthy before what is
           declared
     hint: `evenkeel history prod web` shows what there is; name a revision with
           --to
    [exit 1]
    ");
    assert!(declares(&checkout, "1.1.8"), "{}", file(&checkout));
}

#[test]
fn after_a_failed_rollout_it_is_what_runs() {
    let checkout = deployed();
    checkout
        .evenkeel("sandbox push")
        .arg(image("1.3.0-crash"))
        .run();
    checkout.write("environments/prod.toml", shop("1.3.0-crash"));
    assert_eq!(checkout.run("apply prod --sandbox").code(), Some(3));
    assert_snapshot!(checkout.run("rollback prod web --sandbox"), @"
    web: back to the images of revision 69 of shop-web

    ~ web   environments/prod.toml:7:9
          shop/web
          1.3.0-crash
        → 1.2.0        sha256:358d4735
    ------- stderr -------
    commit it, and `evenkeel apply prod --service web` deploys it
    [exit 0]
    ");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    = web   shop-web   revision 69

    Nothing differs: 1 service in sync.
    [exit 0]
    ");
    // It can be asked for all the same.
    assert_snapshot!(checkout.run("rollback prod web --to 70 --sandbox"), @"
    web: back to the images of revision 70 of shop-web

    ~ web   environments/prod.toml:7:9
          shop/web
          1.2.0        sha256:358d4735
        → 1.3.0-crash  sha256:f83af5c9
    ------- stderr -------
    note: the last rollout of revision 70 failed
    commit it, and `evenkeel apply prod --service web` deploys it
    [exit 0]
    ");
}

#[test]
fn now_applies_it_too() {
    let checkout = deployed();
    assert_snapshot!(checkout.run("rollback prod web --now --sandbox"), @"
    web: back to the images of revision 68 of shop-web

    ~ web   environments/prod.toml:7:9
          shop/web
          1.2.0
        → 1.1.9  sha256:f26a773d

    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → 68
        app   image  shop/web
              1.2.0  sha256:358d4735
            → 1.1.9  sha256:f26a773d
        note  revision 68 already is what is declared; no new one is needed

    1 to change.

    ✓ web   revision 68 runs, 3 of 3 tasks   [time]

    1 deployed.
    ------- stderr -------
    web: revision 68 already is what is declared
    web: rollout of revision 68 started
    [progress]
    commit environments/prod.toml, so that Git says what runs
    [exit 0]
    ");
    assert!(declares(&checkout, "1.1.9"), "{}", file(&checkout));
    let ran = checkout.run("plan prod --sandbox --detailed-exitcode");
    assert_eq!(ran.code(), Some(0), "{ran}");
}

#[test]
fn now_that_fails_leaves_the_file_as_it_was_written() {
    let checkout = deployed();
    checkout
        .evenkeel("sandbox push")
        .arg(image("1.3.0-crash"))
        .run();
    checkout.write("environments/prod.toml", shop("1.3.0-crash"));
    checkout.run("apply prod --sandbox");
    checkout.write("environments/prod.toml", shop("1.2.0"));
    let ran = checkout.run("rollback prod web --to 70 --now --sandbox");
    assert_eq!(ran.code(), Some(3), "{ran}");
    assert!(
        ran.stderr.ends_with(
            "environments/prod.toml stays as it was written: commit it, or take it back\n"
        ),
        "{ran}"
    );
    assert!(declares(&checkout, "1.3.0-crash"), "{}", file(&checkout));
}

#[test]
fn a_revision_may_be_named() {
    let checkout = deployed();
    let ran = checkout.run("rollback prod web --to shop-web:67 --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(declares(&checkout, "1.1.8"), "{}", file(&checkout));
    // Of the same images there is nothing to write.
    assert_snapshot!(checkout.run("rollback prod web --to 67 --sandbox"), @"
    web: back to the images of revision 67 of shop-web

    = web   environments/prod.toml:7:9
          shop/web
          1.1.8  sha256:497f784d  (as it was)
    [exit 0]
    ");
}

#[test]
fn as_json_is_one_line_and_now_goes_on_with_events() {
    let checkout = deployed();
    let line = checkout
        .run("rollback prod web --sandbox --format json")
        .json();
    assert_eq!(
        (&line["event"], &line["written"], &line["back_to"]),
        (
            &json!("edited"),
            &json!(true),
            &json!("arn:aws:ecs:us-west-1:123456789012:task-definition/shop-web:68")
        )
    );
    checkout.write("environments/prod.toml", shop("1.2.0"));
    let lines = checkout
        .run("rollback prod web --now --sandbox --format json")
        .json_lines();
    let events: Vec<_> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(events[..2], ["edited", "planned"]);
    assert_eq!(events.last(), Some(&"finished"));
}

#[test]
fn what_cannot_be_gone_back_to() {
    let checkout = deployed();
    assert_snapshot!(checkout.run("rollback prod wbe --sandbox"), @r#"
    ------- stderr -------
    error: environments/prod.toml declares no service "wbe"
     hint: its services: web
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("rollback prod web --to 7 --sandbox"), @"
    ------- stderr -------
    error: web: revision shop-web:7 could not be read: ecs:DescribeTaskDefinition
           was refused: Unable to describe task definition (ClientException)
     hint: `evenkeel history prod web` shows what there is; name a revision with
           --to
    [exit 1]
    ");
    assert_snapshot!(checkout.run("rollback prod web --to last --sandbox"), @"
    ------- stderr -------
    error: invalid value 'last' for '--to <REVISION>': a revision is a number, such as 41, or FAMILY:41

    For more information, try '--help'.
    [exit 64]
    ");
    assert_snapshot!(checkout.run("rollback prod web --yes --sandbox"), @"
    ------- stderr -------
    error: the following required arguments were not provided:
      --now

    Usage: evenkeel rollback --now --yes --sandbox <ENV> <SERVICE>

    For more information, try '--help'.
    [exit 64]
    ");
    let aws = Aws::refusing(400, "AccessDeniedException", "no");
    assert_snapshot!(at(&checkout, &aws.url, "rollback prod web").run(), @"
    ------- stderr -------
    error: web: the service could not be read: ecs:DescribeServices is not allowed:
           no
     hint: allow ecs:DescribeServices for this role or user
    [exit 1]
    ");
    assert_eq!(file(&checkout), shop("1.2.0"));
}
