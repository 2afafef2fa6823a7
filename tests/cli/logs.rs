//! The log: where it goes, and what is never in it.

use serde_json::json;

use crate::aws::{self, SECRET_KEY, SESSION_TOKEN, at};
use crate::support::{Checkout, Running, image};

const PASSWORD: &str = "hunter2-hunter2";

/// A served sandbox whose live revision has a password in its environment.
fn with_a_password(checkout: &Checkout) -> (Running, String) {
    let mut server = checkout.evenkeel("sandbox --port 0").start();
    server.wait_for("export ");
    let address = server
        .stdout_so_far()
        .split_whitespace()
        .find_map(|word| word.strip_prefix("AWS_ENDPOINT_URL=http://"))
        .expect("an address")
        .to_owned();
    let registered = aws::call(
        &address,
        "RegisterTaskDefinition",
        &json!({
            "family": "shop-web",
            "containerDefinitions": [{
                "name": "app",
                "image": image("1.1.9"),
                "memory": 256,
                "environment": [{"name": "PASSWORD", "value": PASSWORD}],
            }],
        }),
    );
    let revision = &registered["taskDefinition"]["taskDefinitionArn"];
    aws::call(
        &address,
        "UpdateService",
        &json!({"cluster": "shop", "service": "shop-web", "taskDefinition": revision}),
    );
    (server, format!("http://{address}"))
}

/// A whole deployment, reads and writes, logged as loudly as can be.
#[test]
fn no_log_level_tells_a_secret() {
    for (args, filter) in [
        ("apply prod -v", ""),
        ("apply prod -vv", ""),
        ("apply prod -vvvv", "trace"),
        (
            "apply prod --log-format json",
            "trace,hyper=trace,aws_smithy_runtime=trace",
        ),
    ] {
        let checkout = Checkout::shop("1.2.0");
        let (_server, url) = with_a_password(&checkout);
        // The sandbox reads the account from the key.
        let ran = at(&checkout, &url, args)
            .env("AWS_ACCESS_KEY_ID", "123456789012")
            .env("RUST_LOG", filter)
            .run();
        assert_eq!(ran.code(), Some(0), "{args} {filter}: {ran}");
        assert!(ran.stderr.contains("ecs:DescribeServices"), "{args}");
        assert!(
            !ran.stderr.contains("containerDefinitions"),
            "a body: {args}"
        );
        for (what, secret) in [
            ("an environment value", PASSWORD),
            ("the secret key", SECRET_KEY),
            ("the session token", SESSION_TOKEN),
            ("a signature", "Signature="),
            ("a signature", "AWS4-HMAC-SHA256"),
        ] {
            for stream in [&ran.stdout, &ran.stderr] {
                let line = stream.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{what}: {args} RUST_LOG={filter}");
            }
        }
    }
}

#[test]
fn the_secret_key_is_in_no_log_of_a_refusal() {
    let aws = aws::Aws::refusing(400, "UnrecognizedClientException", "no");
    let ran = at(&Checkout::shop("1.2.0"), &aws.url, "plan prod -vv")
        .env("RUST_LOG", "trace")
        .run();
    assert_eq!(ran.code(), Some(1));
    assert!(!ran.stderr.contains(SECRET_KEY));
    assert!(!ran.stderr.contains(SESSION_TOKEN));
}

#[test]
fn goes_to_stderr_and_leaves_stdout_as_it_is() {
    let checkout = Checkout::shop("1.2.0");
    let quiet = checkout.run("plan prod --sandbox --format json");
    let loud = checkout.run("plan prod --sandbox --format json -vv");
    assert_eq!(loud.stdout, quiet.stdout);
    assert!(loud.stderr.contains("ecr:BatchGetImage"), "{loud}");
    assert!(!quiet.stderr.contains("ecr:BatchGetImage"), "{quiet}");
}

#[test]
fn verbose_names_each_call_and_no_more() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("plan prod --sandbox -v --log-format json --no-cache");
    let calls: Vec<String> = log_lines(&ran.stderr)
        .iter()
        .map(|line| line["fields"]["message"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        calls,
        [
            "ecs:DescribeServices",
            "ecr:BatchGetImage",
            "ecs:DescribeTaskDefinition",
            "ecs:ListTaskDefinitions",
            // The revision before the live one may already be what is wanted.
            "ecs:DescribeTaskDefinition",
        ]
    );
}

#[test]
fn as_json_is_a_document_a_line() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("apply prod --sandbox --format json -vv --log-format json");
    assert!(log_lines(&ran.stderr).len() > 10);
    ran.json_lines();
}

/// The lines of the log; the sandbox's announcement is none of them.
fn log_lines(stderr: &str) -> Vec<serde_json::Value> {
    stderr
        .lines()
        .filter(|line| !line.starts_with("sandbox: "))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn a_filter_that_cannot_be_understood() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout
        .evenkeel("plan prod --sandbox")
        .env("RUST_LOG", "evenkeel=loud,=")
        .run();
    insta::assert_snapshot!(ran, @r#"
    ------- stderr -------
    error: RUST_LOG cannot be understood: error parsing level filter: expected one
           of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
     hint: it is a list such as evenkeel=debug,aws_config=info
    [exit 1]
    "#);
}
