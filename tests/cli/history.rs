//! `evenkeel history`.

use insta::assert_snapshot;
use serde_json::json;

use crate::aws::{Aws, at};
use crate::support::{Checkout, image, shop};

/// A shop that deployed 1.2.0, then failed with 1.3.0-crash.
fn eventful() -> Checkout {
    let checkout = Checkout::shop("1.2.0");
    assert_eq!(checkout.run("apply prod --sandbox").code(), Some(0));
    let crash = image("1.3.0-crash");
    checkout.evenkeel("sandbox push").arg(crash).run();
    checkout.write("environments/prod.toml", shop("1.3.0-crash"));
    assert_eq!(checkout.run("apply prod --sandbox").code(), Some(3));
    checkout
}

#[test]
fn shows_deployments_with_their_outcome() {
    let checkout = eventful();
    assert_snapshot!(checkout.run("history prod web --sandbox"), @"
    web   shop-web · shop · us-west-1 · 123456789012

    ✗ [moment] UTC   revision 70   rolled back after [time]
        app  shop/web  1.3.0-crash  sha256:f83af5c9
        by sandbox
        reason  Service deployment rolled back because the circuit breaker threshold
                was exceeded.
    ✓ [moment] UTC   revision 69   successful after [time]   current
        app  shop/web  1.2.0  sha256:358d4735
        by sandbox
    ✓ [moment] UTC   revision 68   successful after 1 min
        app  shop/web  1.1.9  sha256:f26a773d
        by sandbox
    ✓ [moment] UTC   revision 67   successful after 1 min
        app  shop/web  1.1.8  sha256:497f784d
        by sandbox
    [exit 0]
    ");
    assert_snapshot!(checkout.run("history prod web --sandbox --limit 1"), @"
    web   shop-web · shop · us-west-1 · 123456789012

    ✗ [moment] UTC   revision 70   rolled back after [time]
        app  shop/web  1.3.0-crash  sha256:f83af5c9
        by sandbox
        reason  Service deployment rolled back because the circuit breaker threshold
                was exceeded.
    [exit 0]
    ");
}

#[test]
fn shows_one_that_goes_on() {
    let checkout = Checkout::shop("1.2.0-slow");
    let mut applying = checkout.evenkeel("apply prod --sandbox").start();
    applying.wait_for("0 of 3 new tasks run, 3 starting");
    let ran = checkout.run("history prod web --sandbox --limit 1");
    drop(applying);
    assert_snapshot!(ran, @"
    web   shop-web · shop · us-west-1 · 123456789012

    … [moment] UTC   revision 69   in progress   current
        app  shop/web  1.2.0-slow  sha256:e0fef52c
        by sandbox
    [exit 0]
    ");
}

#[test]
fn as_json_is_one_document() {
    let checkout = eventful();
    let document = checkout
        .run("history prod web --sandbox --format json")
        .json();
    assert_eq!(document["service"], "web");
    assert_eq!(document["told_by"], "deployments");
    assert_eq!(document["note"], json!(null));
    let entries = document["entries"].as_array().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry["outcome"].as_str().unwrap(), entry["current"] == true))
        .collect();
    assert_eq!(
        told,
        [
            ("rolled-back", false),
            ("successful", true),
            ("successful", false),
            ("successful", false)
        ]
    );
    let failed = &entries[0];
    assert_eq!(
        failed["revision"],
        "arn:aws:ecs:us-west-1:123456789012:task-definition/shop-web:70"
    );
    assert!(failed["ended_at"].as_i64() >= failed["began_at"].as_i64());
    assert!(
        failed["reason"]
            .as_str()
            .unwrap()
            .contains("circuit breaker")
    );
    assert_eq!(
        failed["registered_by"],
        "arn:aws:iam::123456789012:user/sandbox"
    );
    let ran = failed["images"][0]["image"].as_str().unwrap();
    assert!(ran.starts_with(&image("1.3.0-crash")), "{ran}");
}

#[test]
fn what_is_not_there_is_told() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    assert_snapshot!(checkout.run("history prod wbe --sandbox"), @r#"
    ------- stderr -------
    error: environments/prod.toml declares no service "wbe"
     hint: its services: web
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("history prod web --limit 21"), @"
    ------- stderr -------
    error: invalid value '21' for '--limit <N>': 21 is not in 1..=20

    For more information, try '--help'.
    [exit 64]
    ");
    assert_snapshot!(checkout.run("history prod"), @"
    ------- stderr -------
    error: the following required arguments were not provided:
      <SERVICE>

    Usage: evenkeel history <ENV> <SERVICE>

    For more information, try '--help'.
    [exit 64]
    ");
    checkout.write(
        "environments/prod.toml",
        shop("1.2.0").replace("\"shop-web\"", "\"shop-wbe\""),
    );
    assert_snapshot!(checkout.run("history prod web --sandbox"), @"
    ------- stderr -------
    error: web: the cluster has no service of this name
    [exit 1]
    ");
}

#[test]
fn what_may_not_be_read_is_said_so() {
    let checkout = Checkout::shop("1.2.0");
    let aws = Aws::refusing(400, "AccessDeniedException", "no");
    assert_snapshot!(at(&checkout, &aws.url, "history prod web").run(), @"
    ------- stderr -------
    error: web: ecs:DescribeServices is not allowed: no
     hint: allow ecs:DescribeServices for this role or user
    [exit 1]
    ");
}
