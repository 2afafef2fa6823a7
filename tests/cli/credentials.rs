//! Who is asked for what, and what is said when the answer is no.

use insta::assert_snapshot;
use serde_json::json;

use crate::aws::{Aws, at};
use crate::support::{Checkout, Ran, image, shop};

/// No message has the SDK's own words for its insides.
fn without_debug_output(ran: &Ran) {
    for word in [
        "SdkError",
        "DispatchFailure",
        "ConnectorError",
        "ServiceError",
        "CredentialsNotLoaded",
        "Some(",
        "{ ",
        "{ source:",
    ] {
        assert!(!ran.stderr.contains(word), "{word} in {ran}");
    }
}

/// The shop with an image that no call is made for, so that the first call is
/// the only one.
fn public_image() -> Checkout {
    let file = shop("1.2.0").replace(&image("1.2.0"), "public.ecr.aws/nginx/nginx:1.27");
    Checkout::empty().file("environments/prod.toml", file)
}

fn refused(status: u16, code: &str, message: &str) -> (Ran, Aws) {
    let aws = Aws::refusing(status, code, message);
    let ran = at(&public_image(), &aws.url, "plan prod").run();
    without_debug_output(&ran);
    (ran, aws)
}

#[test]
fn no_credentials_at_all() {
    let aws = Aws::answering(|_| (500, String::new()));
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout
        .evenkeel("plan prod")
        .env("AWS_ENDPOINT_URL", &aws.url)
        .run();
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: prod: no AWS credentials were found
     hint: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; in
           GitHub Actions give the job `id-token: write` and a role; to try evenkeel
           without an account, use --sandbox
    [exit 1]
    ");
    without_debug_output(&ran);
    assert_eq!(aws.calls(), [""; 0]);
    let apply = checkout.run("apply prod --yes");
    assert_eq!(apply.stderr, ran.stderr);
    assert_eq!(apply.code(), Some(1));
}

#[test]
fn no_credentials_are_said_once_for_all_environments() {
    let checkout = Checkout::shop("1.2.0").file("environments/staging.toml", shop("1.2.0"));
    let ran = checkout.run("plan");
    assert_eq!(ran.code(), Some(1));
    assert_eq!(ran.stderr.matches("hint:").count(), 1, "{ran}");
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let checkout =
        Checkout::shop("1.2.0").file("home/.aws/config", "[profile other]\nregion = us-west-1\n");
    let ran = checkout
        .evenkeel("plan prod")
        .env("AWS_PROFILE", "shop-prod")
        .run();
    assert_eq!(ran.code(), Some(1));
    assert!(ran.stderr.contains("shop-prod"), "{ran}");
    without_debug_output(&ran);
}

/// What everybody meets on a Monday.
#[test]
fn nobody_is_signed_in_to_sso() {
    let config = "[profile shop]\nsso_session = shop\nsso_account_id = 123456789012\n\
         sso_role_name = deploy\nregion = us-west-1\n[sso-session shop]\n\
         sso_region = us-west-1\nsso_start_url = https://shop.awsapps.com/start\n";
    let checkout = Checkout::shop("1.2.0").file("home/.aws/config", config);
    let ran = checkout
        .evenkeel("plan prod")
        .env("AWS_PROFILE", "shop")
        .run();
    assert_eq!(ran.code(), Some(1));
    assert!(ran.stderr.contains("aws sso login"), "{ran}");
    without_debug_output(&ran);
}

#[test]
fn a_web_identity_without_its_token() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout
        .evenkeel("plan prod")
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", "oidc/id-token.jwt")
        .run();
    assert_eq!(ran.code(), Some(1));
    without_debug_output(&ran);
    // "No such file" alone leaves everybody guessing which.
    let named = ["AWS_WEB_IDENTITY_TOKEN_FILE", "oidc/id-token.jwt"];
    assert!(named.iter().any(|name| ran.stderr.contains(name)), "{ran}");
}

#[test]
fn expired_credentials() {
    let (ran, aws) = refused(
        400,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: prod: the AWS credentials have expired
     hint: sign in again (`aws sso login`, or a fresh session); in CI, let the job
           assume its role anew
    [exit 1]
    ");
    assert_eq!(aws.calls(), ["DescribeServices"]);
}

#[test]
fn wrong_credentials() {
    let (ran, _) = refused(
        400,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    );
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: prod: AWS does not accept these credentials: The security token included
           in the request is invalid
     hint: check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, and this
           machine's clock
    [exit 1]
    ");
}

#[test]
fn a_denied_action_is_named() {
    let (ran, _) = refused(
        400,
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: \
         ecs:DescribeServices on resource: arn:aws:ecs:us-west-1:123456789012:service/shop/shop-web \
         because no identity-based policy allows the ecs:DescribeServices action",
    );
    assert_snapshot!(ran, @r#"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        service shop/shop-web could not be read: ecs:DescribeServices is not
        allowed: User: arn:aws:sts::123456789012:assumed-role/ci/run is not
        authorized to perform: ecs:DescribeServices on resource:
        arn:aws:ecs:us-west-1:123456789012:service/shop/shop-web because no
        identity-based policy allows the ecs:DescribeServices action
        hint  allow ecs:DescribeServices for this role or user

    1 blocked.
    [exit 1]
    "#);
}

#[test]
fn throttling_is_tried_again_and_then_said() {
    let (ran, aws) = refused(400, "ThrottlingException", "Rate exceeded");
    assert_snapshot!(ran, @r#"
    ------- stderr -------
    error: prod: ecs:DescribeServices was throttled: Rate exceeded
     hint: nothing was changed by this call; try again
    [exit 1]
    "#);
    assert_eq!(aws.calls(), ["DescribeServices"; 3]);
}

#[test]
fn a_server_that_breaks() {
    let (ran, aws) = refused(
        500,
        "ServerException",
        "Service Unavailable. Try again later.",
    );
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        service shop/shop-web could not be read: ecs:DescribeServices was refused:
        Service Unavailable. Try again later (ServerException)
        hint  AWS has trouble; try again, and see health.aws.amazon.com

    1 blocked.
    [exit 1]
    ");
    assert_eq!(aws.calls(), ["DescribeServices"; 3]);
}

#[test]
fn an_answer_that_is_no_answer() {
    let aws = Aws::answering(|_| (200, "<html>welcome to the hotel</html>".into()));
    let ran = at(&public_image(), &aws.url, "plan prod").run();
    assert_eq!(ran.code(), Some(1));
    without_debug_output(&ran);
    assert!(!ran.stderr.contains("could not be reached"), "{ran}");
    assert!(
        ran.stderr
            .contains("the answer to ecs:DescribeServices could not be read"),
        "{ran}"
    );
}

/// The account is in the ARNs of every answer, so that it costs no call.
#[test]
fn another_account_is_refused_before_any_write() {
    let service = json!({
        "serviceArn": "arn:aws:ecs:us-west-1:999999999999:service/shop/shop-web",
        "serviceName": "shop-web",
        "clusterArn": "arn:aws:ecs:us-west-1:999999999999:cluster/shop",
        "status": "ACTIVE",
        "desiredCount": 3,
        "runningCount": 3,
        "deployments": [{
            "id": "ecs-svc/1",
            "status": "PRIMARY",
            "taskDefinition": "arn:aws:ecs:us-west-1:999999999999:task-definition/shop-web:7",
            "rolloutState": "COMPLETED",
        }],
    });
    let body = json!({"services": [service], "failures": []}).to_string();
    let aws = Aws::answering(move |_| (200, body.clone()));
    let ran = at(&public_image(), &aws.url, "apply prod --yes").run();
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: prod: these credentials belong to account 999999999999, but 123456789012
           is declared
     hint: check AWS_PROFILE or the role that CI assumes; `role` in the environment
           file is assumed before any call
    [exit 1]
    ");
    assert_eq!(aws.calls(), ["DescribeServices"]);
}

/// A service that is not there is not missing when the account is another.
#[test]
fn another_account_is_told_from_a_missing_service() {
    let failure = json!({
        "arn": "arn:aws:ecs:us-west-1:999999999999:service/shop/shop-web",
        "reason": "MISSING",
    });
    let body = json!({"services": [], "failures": [failure]}).to_string();
    let aws = Aws::answering(move |_| (200, body.clone()));
    let ran = at(&public_image(), &aws.url, "plan prod").run();
    assert_eq!(ran.code(), Some(1));
    assert!(ran.stderr.contains("999999999999"), "{ran}");
}

#[test]
fn nobody_listens() {
    // The listener is gone again when the port is used.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let ran = at(&public_image(), &url, "plan prod").run();
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: prod: AWS could not be reached for ecs:DescribeServices: Connection
           refused
     hint: check the network, HTTPS_PROXY, and AWS_ENDPOINT_URL when it is set
    [exit 1]
    ");
    without_debug_output(&ran);
}

#[test]
fn a_role_that_may_not_be_assumed() {
    let denied = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>AccessDenied</Code><Message>User: \
         arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole on \
         resource: arn:aws:iam::123456789012:role/evenkeel</Message></Error></ErrorResponse>";
    let aws = Aws::answering(move |_| (403, denied.into()));
    let role = "role = \"arn:aws:iam::123456789012:role/evenkeel\"\n";
    let checkout =
        Checkout::empty().file("environments/prod.toml", format!("{role}{}", shop("1.2.0")));
    let ran = at(&checkout, &aws.url, "plan prod").run();
    // A second call that needs the role may be cut off by the first's failure.
    let calls = aws.calls();
    assert_eq!(calls[0], "AssumeRole");
    assert!(
        calls
            .iter()
            .all(|call| ["AssumeRole", ""].contains(&call.as_str())),
        "{calls:?}"
    );
    assert_eq!(ran.code(), Some(1));
    for word in ["role/evenkeel", "sts:AssumeRole"] {
        assert!(ran.stderr.contains(word), "{word} is not in {ran}");
    }
    without_debug_output(&ran);
}
