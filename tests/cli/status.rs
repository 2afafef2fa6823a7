//! `evenkeel status`.

use insta::assert_snapshot;
use serde_json::json;

use crate::aws::{Aws, at};
use crate::support::{Checkout, image, shop};

/// Two services, one of them with two containers and an image outside ECR.
const TWO_SERVICES: &str = r#"account = "123456789012"
region = "us-west-1"
cluster = "shop"

[services.web]
name = "shop-web"

[services.web.containers.app]
image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.2.0"

[services.web.containers.proxy]
image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/proxy-of-web:2.0.0"

[services.mail]
name = "shop-mailer"
image = "public.ecr.aws/docker/library/nginx:1.27"
"#;

#[test]
fn shows_what_runs() {
    let checkout = Checkout::empty().file("environments/prod.toml", TWO_SERVICES);
    assert_snapshot!(checkout.run("status prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✓ web    shop-web      revision 68, 3 of 3 tasks
        app    shop/web           1.1.9  sha256:f26a773d
        proxy  shop/proxy-of-web  1.9.9  sha256:68006fcd
        since [moment] UTC
    ✓ mail   shop-mailer   revision 80, 2 of 2 tasks
        app  public.ecr.aws/docker/library/nginx  1.27-previous  sha256:c03a44af
        since [moment] UTC

    2 running.
    [exit 0]
    ");
    assert_snapshot!(checkout.run("status --sandbox --service mail"), @"
    prod   shop · us-west-1 · 123456789012

    ✓ mail   shop-mailer   revision 80, 2 of 2 tasks
        app  public.ecr.aws/docker/library/nginx  1.27-previous  sha256:c03a44af
        since [moment] UTC

    1 running.
    [exit 0]
    ");
}

#[test]
fn shows_where_it_comes_from() {
    let commit = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";
    let checkout = Checkout::empty().file(
        "environments/prod.toml",
        format!("provenance = true\n{}", shop("1.2.0")),
    );
    let ran = checkout
        .evenkeel("apply prod --sandbox")
        .env("GITHUB_SHA", commit)
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert_snapshot!(checkout.run("status prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✓ web   shop-web   revision 69, 3 of 3 tasks
        app  shop/web  1.2.0  sha256:358d4735
        since [moment] UTC, commit 9f8e7d6

    1 running.
    [exit 0]
    ");
    let service =
        checkout.run("status prod --sandbox --format json").json()["environments"][0]["services"]
            [0]
        .clone();
    assert_eq!(service["commit"], commit);
}

#[test]
fn shows_a_rollout_with_what_still_runs_beside_it() {
    let checkout = Checkout::shop("1.2.0-slow");
    checkout.run("plan prod --sandbox");
    let mut applying = checkout.evenkeel("apply prod --sandbox").start();
    applying.wait_for("0 of 3 new tasks run, 3 starting");
    let ran = checkout.run("status prod --sandbox");
    let document = checkout.run("status prod --sandbox --format json").json();
    drop(applying);
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    … web   shop-web   revision 69 is rolling out, 0 of 3 tasks
        app  shop/web  1.2.0-slow  sha256:e0fef52c
        since [moment] UTC
        beside  revision 68, 3 of 3 tasks: app 1.1.9  sha256:f26a773d

    1 rolling out.
    [exit 0]
    ");
    let service = &document["environments"][0]["services"][0];
    assert_eq!(service["state"], "rolling-out");
    assert_eq!(service["tasks"]["desired"], 3);
    assert_eq!(service["beside"][0]["tasks"]["running"], 3);
}

#[test]
fn a_service_that_is_not_there_does_not_hide_the_others() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    checkout.write("environments/prod.toml", TWO_SERVICES);
    assert_snapshot!(checkout.run("status prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✓ web    shop-web      revision 68, 3 of 3 tasks
        app  shop/web  1.1.9  sha256:f26a773d
        since [moment] UTC
    ✗ mail   shop-mailer   the cluster has no service of this name

    1 running, 1 missing.
    [exit 1]
    ");
}

#[test]
fn an_environment_that_cannot_be_read_does_not_hide_the_others() {
    let checkout = Checkout::shop("1.2.0").file("environments/staging.toml", shop("1.3.0"));
    let aws = Aws::refusing(400, "ExpiredTokenException", "no");
    let ran = at(&checkout, &aws.url, "status").run();
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert_eq!(ran.stdout, "");
    for name in ["prod", "staging"] {
        assert!(ran.stderr.contains(&format!("error: {name}: ")), "{ran}");
    }
    let document = at(&checkout, &aws.url, "status --format json").run().json();
    for environment in document["environments"].as_array().unwrap() {
        assert!(environment["error"]["message"].is_string(), "{environment}");
        assert_eq!(environment["services"], json!([]));
    }
}

#[test]
fn what_may_not_be_read_is_said_so() {
    let checkout = Checkout::shop("1.2.0");
    let aws = Aws::refusing(400, "AccessDeniedException", "no");
    assert_snapshot!(at(&checkout, &aws.url, "status prod").run(), @"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   could not be read
        why   ecs:DescribeServices is not allowed: no
        hint  allow ecs:DescribeServices for this role or user

    1 not known.
    [exit 1]
    ");
}

#[test]
fn as_json_is_one_document() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("status prod --sandbox --format json");
    assert_eq!(ran.code(), Some(0), "{ran}");
    let mut document = ran.json();
    let service = &mut document["environments"][0]["services"][0];
    assert!(service["since"].take().as_i64().unwrap() > 1_700_000_000);
    let written = service["images"][0]["image"].take();
    assert!(written.as_str().unwrap().starts_with(&image("1.1.9")));
    assert_eq!(
        document,
        json!({"format_version": 1, "environments": [{
            "environment": "prod",
            "account": "123456789012",
            "region": "us-west-1",
            "cluster": "shop",
            "error": null,
            "services": [{
                "name": "web",
                "cluster": "shop",
                "ecs_service": "shop-web",
                "state": "running",
                "revision": "arn:aws:ecs:us-west-1:123456789012:task-definition/shop-web:68",
                "since": null,
                "tasks": {"desired": 3, "pending": 0, "running": 3},
                "commit": null,
                "images": [{"container": "app", "image": null, "running_digest": null}],
                "reason": null,
                "beside": [],
                "notes": [],
            }],
        }]})
    );
}

#[test]
fn reads_only() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let log = checkout.run("status prod --sandbox -v").stderr;
    let mut calls: Vec<&str> = log
        .lines()
        .flat_map(|line| line.split_whitespace())
        .filter(|word| word.starts_with("ecs:") || word.starts_with("ecr:"))
        .collect();
    calls.sort_unstable();
    assert_eq!(
        calls,
        ["ecs:DescribeServices", "ecs:DescribeTaskDefinition"],
        "{log}"
    );
}
