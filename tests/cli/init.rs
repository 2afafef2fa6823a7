//! `evenkeel init`.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::aws::{Aws, at};
use crate::support::{Checkout, image, shop};

fn file(checkout: &Checkout, path: &str) -> String {
    fs::read_to_string(checkout.path().join(path)).unwrap()
}

const INIT: &str = "init --sandbox --cluster shop --service shop-web";

#[test]
fn a_new_file_says_what_runs_and_its_plan_is_empty() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run(&format!("{INIT} --env mine")), @"
    + environments/mine.toml   shop · us-west-1 · 123456789012
        shop-web   shop-web   as of revision 68
    ------- stderr -------
    look at it and commit it: `evenkeel plan mine` is empty
    [exit 0]
    ");
    assert_snapshot!(file(&checkout, "environments/mine.toml"), @r#"
    # What is declared here is held; everything else stays as it is live.
    account = "123456789012"
    region = "us-west-1"
    cluster = "shop"

    [services.shop-web]
    # Of its only container. A release is another tag here:
    # `evenkeel set mine shop-web=:TAG --resolve` writes it with its digest.
    image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.1.9@sha256:f26a773d040ccc21e487adbe6c6ea6f5f98732933e83cef29073fe1790ed3e94"
    "#);
    assert_snapshot!(checkout.run("plan mine --sandbox --detailed-exitcode"), @"
    mine   shop · us-west-1 · 123456789012

    = shop-web   shop-web   revision 68

    Nothing differs: 1 service in sync.
    [exit 0]
    ");
}

#[test]
fn all_of_it_in_a_file_of_ones_own_is_in_sync_too() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run(&format!("{INIT} --own all --out deploy/web.toml")), @"
    ------- stderr -------
    error: deploy/web.toml could not be written: its folder is missing
     hint: make the folder first
    [exit 1]
    ");
    fs::create_dir(checkout.path().join("deploy")).unwrap();
    assert_snapshot!(checkout.run(&format!("{INIT} --own all --out deploy/web.toml")), @"
    + deploy/web.toml   shop · us-west-1 · 123456789012
        shop-web   shop-web   as of revision 68
    ------- stderr -------
    look at it and commit it: `evenkeel plan deploy/web.toml` is empty
    [exit 0]
    ");
    assert_snapshot!(file(&checkout, "deploy/web.toml"), @r#"
    # What is declared here is held; everything else stays as it is live.
    account = "123456789012"
    region = "us-west-1"
    cluster = "shop"

    [services.shop-web]

    [services.shop-web.containers.app]
    image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.1.9@sha256:f26a773d040ccc21e487adbe6c6ea6f5f98732933e83cef29073fe1790ed3e94"
    environment = { APP_ENV = "prod", AWS_REGION = "us-west-1", LOG_LEVEL = "info" }
    portMappings = { 8080 = { name = "http", appProtocol = "http" } }
    stopTimeout = 30

    [services.shop-web.containers.app.secrets]
    DATABASE_URL = "arn:aws:ssm:us-west-1:123456789012:parameter/prod/web/DATABASE_URL"

    [services.shop-web.containers.app.logConfiguration]
    logDriver = "awslogs"

    [services.shop-web.containers.app.logConfiguration.options]
    awslogs-group = "/ecs/shop-web"
    awslogs-region = "us-west-1"
    awslogs-stream-prefix = "app"

    [services.shop-web.containers.app.healthCheck]
    command = ["CMD-SHELL", "curl -fsS http://localhost:8080/health || exit 1"]
    interval = 10
    startPeriod = 10

    [services.shop-web.task]
    taskRoleArn = "arn:aws:iam::123456789012:role/shop-web-task"
    executionRoleArn = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"
    networkMode = "awsvpc"
    requiresCompatibilities = ["FARGATE"]
    cpu = "512"
    memory = "1024"
    tags = { service = "web", team = "platform" }

    [services.shop-web.task.runtimePlatform]
    cpuArchitecture = "X86_64"
    operatingSystemFamily = "LINUX"

    [services.shop-web.service]
    # desiredCount = 3 # left to autoscaling and to people; a file that says it holds it
    availabilityZoneRebalancing = "ENABLED"
    platformVersion = "LATEST"
    healthCheckGracePeriodSeconds = 60
    enableECSManagedTags = true
    propagateTags = "SERVICE"

    [services.shop-web.service.deploymentConfiguration]
    deploymentCircuitBreaker = { enable = true, rollback = true }
    maximumPercent = 200
    minimumHealthyPercent = 100
    strategy = "ROLLING"
    bakeTimeInMinutes = 0

    [services.shop-web.service.networkConfiguration.awsvpcConfiguration]
    subnets = ["subnet-06497df7ec60ecb6b", "subnet-06497df7ec60ecb6f"]
    securityGroups = ["sg-0ae91aa83934eec5f"]
    "#);
    assert_snapshot!(checkout.run("plan deploy/web.toml --sandbox --detailed-exitcode"), @"
    web   shop · us-west-1 · 123456789012

    = shop-web   shop-web   revision 68

    Nothing differs: 1 service in sync.
    [exit 0]
    ");
}

#[test]
fn nothing_is_ever_overwritten() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run(&format!("{INIT} --env prod")), @"
    ------- stderr -------
    error: environments/prod.toml is there already; nothing was written
     hint: name another with --env or --out; --out - prints the text
    [exit 1]
    ");
    assert_eq!(file(&checkout, "environments/prod.toml"), shop("1.2.0"));
}

#[test]
fn on_stdout_there_is_the_text_alone() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run(&format!("{INIT} --own containers --out -"));
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(ran.stdout.starts_with("# What is declared here"), "{ran}");
    assert!(
        ran.stdout.contains("[services.web.containers.app]"),
        "{ran}"
    );
    assert!(!ran.stdout.contains(".task"), "{ran}");
    assert_eq!(
        fs::read_dir(checkout.path().join("environments"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run("init --sandbox --cluster shop --service shop-wbe --service mail"), @r#"
    ------- stderr -------
    error: shop-wbe: the cluster has no service of this name
     hint: did you mean "shop-web"? There are: shop-web

    error: mail: the cluster has no service of this name
     hint: there are: shop-web
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("init --sandbox --cluster sohp --service shop-web"), @"
    ------- stderr -------
    error: there is no cluster sohp in us-west-1
     hint: there are: shop
    [exit 1]
    ");
    assert_snapshot!(checkout.run("init --sandbox --cluster shop --service shop-web --account 210987654321"), @"
    ------- stderr -------
    error: there is no cluster shop in us-west-1
     hint: there is none at all
    [exit 1]
    ");
    assert_snapshot!(checkout.run("init --cluster shop --service shop-web"), @"
    ------- stderr -------
    error: no region is set
     hint: name it with --region, or set AWS_REGION
    [exit 1]
    ");
    assert_snapshot!(checkout.run("init --cluster shop --service shop-web --env a/b"), @"
    ------- stderr -------
    error: invalid value 'a/b' for '--env <NAME>': an environment is a name, such as prod; --out takes a path

    For more information, try '--help'.
    [exit 64]
    ");
    assert!(!checkout.path().join("environments/shop.toml").exists());
}

#[test]
fn what_may_not_be_read_is_said() {
    let checkout = Checkout::empty();
    let aws = Aws::refusing(400, "AccessDeniedException", "no");
    let ran = at(
        &checkout,
        &aws.url,
        "init --cluster shop --service shop-web",
    )
    .env("AWS_REGION", "us-west-1")
    .run();
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: shop-web: service shop/shop-web could not be read: ecs:DescribeServices
           is not allowed: no
     hint: allow ecs:DescribeServices for this role or user
    [exit 1]
    ");
    assert!(!checkout.path().join("environments").exists());
}

#[test]
fn as_json_is_one_line() {
    let checkout = Checkout::shop("1.2.0");
    let mut line = checkout
        .run(&format!("{INIT} --env mine --format json"))
        .json();
    assert!(line["services"][0]["revision"].take().is_string());
    assert_eq!(
        line,
        json!({
            "format_version": 1,
            "environment": "mine",
            "event": "initialised",
            "file": "environments/mine.toml",
            "text": null,
            "plan": "in-sync",
            "services": [{
                "name": "shop-web", "ecs_service": "shop-web", "revision": null, "left_out": [],
            }],
        })
    );
    let line = checkout
        .run(&format!("{INIT} --out - --format json"))
        .json();
    assert!(line["file"].is_null());
    assert!(
        line["text"].as_str().unwrap().contains(&image("")[..20]),
        "{line}"
    );
    let ran = checkout.run("init --sandbox --cluster shop --service no --format json");
    assert_eq!(
        (ran.code(), &ran.json()["mistakes"][0]["hint"]),
        (Some(1), &json!("there are: shop-web"))
    );
}
