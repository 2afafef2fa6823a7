//! `evenkeel sandbox`, and `--sandbox` of the others.

use std::net::TcpListener;

use insta::assert_snapshot;

use crate::support::{ANNOUNCEMENT, Checkout, image, shop};

#[test]
fn says_that_nothing_is_real() {
    let checkout = Checkout::shop("1.2.0");
    for args in ["plan prod --sandbox", "apply prod --sandbox"] {
        assert!(checkout.run(args).stderr.starts_with(ANNOUNCEMENT));
    }
}

#[test]
fn keeps_its_state_out_of_git() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let ignored = std::fs::read_to_string(checkout.path().join(".evenkeel/.gitignore"));
    assert_eq!(ignored.unwrap(), "*\n");
}

/// Looking at one service first does not make the others missing.
#[test]
fn has_every_service_even_when_one_was_asked_for_first() {
    let second = shop("1.2.0")
        .replace("services.web", "services.worker")
        .replace("shop-web", "shop-worker");
    let (_, second) = second.split_once("\n\n").expect("a service");
    let checkout = Checkout::empty().file(
        "environments/prod.toml",
        format!("{}\n{second}", shop("1.2.0")),
    );
    checkout.run("plan prod --sandbox --service web");
    let ran = checkout.run("plan prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
}

#[test]
fn reset_begins_anew() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run("sandbox reset"), @r#"
    there was no sandbox
    [exit 0]
    "#);
    let fresh = checkout.run("plan prod --sandbox");
    checkout.run("apply prod --sandbox");
    assert_snapshot!(checkout.run("sandbox reset"), @r#"
    the sandbox is empty again
    [exit 0]
    "#);
    let again = checkout.run("plan prod --sandbox");
    assert_eq!(again.stdout, fresh.stdout);
}

#[test]
fn push_prints_what_it_pushed() {
    let checkout = Checkout::empty();
    let ran = checkout.evenkeel("sandbox push").arg(image("1.2.8")).run();
    assert_eq!(ran.code(), Some(0));
    let start = format!("{}@sha256:", image("1.2.8").replace(":1.2.8", ""));
    assert!(ran.stdout.starts_with(&start), "{ran}");
    assert_eq!(ran.stdout.trim_end().len(), start.len() + 64, "{ran}");
}

#[test]
fn push_takes_only_what_ecr_would_hold() {
    let checkout = Checkout::empty();
    assert_snapshot!(checkout.run("sandbox push docker.io/library/nginx:1.27"), @r#"
    ------- stderr -------
    error: "docker.io/library/nginx:1.27" is not an image of a private ECR registry:
           its host is no ECR registry
     hint: write ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("sandbox push shop/web:UPPER:1"), @r#"
    ------- stderr -------
    error: "shop/web:UPPER:1" is not an image of a private ECR registry: a tag has
           letters, digits, underscores, periods and hyphens, not ':'
     hint: write ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG
    [exit 1]
    "#);
}

#[test]
fn a_torn_state_is_refused_and_reset_mends_it() {
    let checkout = Checkout::shop("1.2.0").file(".evenkeel/sandbox.json", "{\"evenkeel");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    ------- stderr -------
    error: .evenkeel/sandbox.json is no state of this sandbox; `evenkeel sandbox
           reset` starts anew
    [exit 1]
    ");
    checkout.run("sandbox reset");
    assert_eq!(checkout.run("plan prod --sandbox").code(), Some(0));
}

#[test]
fn serves_the_same_world_on_a_port() {
    let checkout = Checkout::shop("1.2.0");
    let mut server = checkout.evenkeel("sandbox --port 0").start();
    server.wait_for("export ");
    let exports = server.exports();
    let mut over_the_network = checkout.evenkeel("plan prod");
    for pair in exports.split_whitespace().filter(|word| *word != "export") {
        let (name, value) = pair.split_once('=').expect("NAME=VALUE");
        over_the_network = over_the_network.env(name, value);
    }
    let over_the_network = over_the_network.run();
    assert_eq!(over_the_network.code(), Some(0), "{over_the_network}");
    assert_eq!(over_the_network.stderr, "");
    let in_process = checkout.run("plan prod --sandbox");
    assert_eq!(over_the_network.stdout, in_process.stdout);
    server.signal("INT");
    assert_snapshot!(server.finish(), @"
    export AWS_ENDPOINT_URL=http://127.0.0.1:[port] AWS_REGION=us-west-1 AWS_DEFAULT_REGION=us-west-1
    export AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=sandbox
    ------- stderr -------
    prod is account 123456789012: the access key chooses the account
    serving ECS, ECR, CloudWatch Logs and STS; Ctrl-C stops
    [exit 0]
    ");
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run(&format!("sandbox --port {port}")), @"
    ------- stderr -------
    error: 127.0.0.1:[port] could not be listened on: Address already in use (os
           error 98)
    [exit 1]
    ");
}
