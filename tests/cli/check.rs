//! `evenkeel check`, and the same rules in a plan.

use insta::assert_snapshot;
use serde_json::json;

use crate::aws::{Aws, at};
use crate::support::{Checkout, image, shop};

const WRONG: &str = r#"account = "123456789012"
region = "us-west-1"
cluster = "shop"

[services.web]
name = "shop-web"

[services.web.containers.app]
image = "r.example/web:1"
stopTimeout = 300
environment = { LOG_LEVEL = "info", DATABASE_URL = "x" }
secrets = { DATABASE_URL = "arn:aws:ssm:us-west-1:123456789012:parameter/db" }
healthCheck.interval = 1
portMappings.8080 = { hostPort = 80, name = "HTTP" }

[services.web.containers.proxy]
dependsOn = { app = "START" }
[services.web.containers.app.dependsOn]
proxy = "START"

[services.web.task]
requiresCompatibilities = ["FARGATE"]
networkMode = "awsvpc"
cpu = "256"
memory = "4096"

[services.web.service]
desiredCount = -1
"#;

#[test]
fn every_broken_rule_is_told_with_its_line() {
    let checkout = Checkout::shop("1.2.0").file("environments/wrong.toml", WRONG);
    assert_snapshot!(checkout.run("check"), @r#"
    ✓ environments/prod.toml   1 service
    ------- stderr -------
    error: containers.app.stopTimeout: `stopTimeout` is at most 120 on Fargate, not
           300
      --> environments/wrong.toml:10:1
       |
    10 | stopTimeout = 300
       | ^^^^^^^^^^^

    error: containers.app.secrets.DATABASE_URL: `DATABASE_URL` is in `environment`
           and in `secrets`
      --> environments/wrong.toml:12:13
       |
    12 | secrets = { DATABASE_URL = "arn:aws:ssm:us-west-1:123456789012:parameter...
       |             ^^^^^^^^^^^^
       |
       = hint: keep one of them

    error: containers.app.healthCheck.interval: `interval` must be between 5 and
           300, not 1
      --> environments/wrong.toml:13:13
       |
    13 | healthCheck.interval = 1
       |             ^^^^^^^^

    error: containers.app.portMappings.8080/tcp.hostPort: with the network mode
           awsvpc, `hostPort` (80) must be the containerPort (8080)
      --> environments/wrong.toml:14:23
       |
    14 | portMappings.8080 = { hostPort = 80, name = "HTTP" }
       |                       ^^^^^^^^
       |
       = hint: leave `hostPort` out

    error: containers.app.portMappings.8080/tcp.name: `name` is not valid: it has
           lower-case letters, digits, _ and -, not 'H'
      --> environments/wrong.toml:14:38
       |
    14 | portMappings.8080 = { hostPort = 80, name = "HTTP" }
       |                                      ^^^^

    error: containers.app.dependsOn: containers wait for each other: app → proxy →
           app
      --> environments/wrong.toml:19:1
       |
    19 | proxy = "START"
       | ^^^^^

    error: task.memory: Fargate has no task of 256 CPU units and 4096 MiB
      --> environments/wrong.toml:25:1
       |
    25 | memory = "4096"
       | ^^^^^^
       |
       = hint: with 256 CPU units it has 512, 1024 or 2048

    error: service.desiredCount: `desiredCount` must be at least 0, not -1
      --> environments/wrong.toml:28:1
       |
    28 | desiredCount = -1
       | ^^^^^^^^^^^^
    [exit 1]
    "#);
    assert_eq!(checkout.run("check prod").code(), Some(0));
}

#[test]
fn what_is_live_is_not_guessed() {
    // Wrong or right depends on what runs.
    let file = format!(
        "{}[services.web.task]\nmemory = \"4096\"\n[services.mail.containers.app]\nhostname = \"h\"\ndependsOn = {{ other = \"HEALTHY\" }}\nmountPoints = {{ \"/d\" = \"data\" }}\n",
        shop("1.2.0")
    );
    let checkout = Checkout::empty().file("environments/prod.toml", file);
    assert_snapshot!(checkout.run("check"), @"
    ✓ environments/prod.toml   2 services
    [exit 0]
    ");
}

#[test]
fn a_definition_is_judged_whole() {
    let definition = json!({
        "family": "web",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512", "memory": "1024",
        "containerDefinitions": [
            {"name": "app", "image": "r.example/web:1", "essential": false,
             "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
             "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]},
            {"name": "db", "image": "${IMAGE}", "essential": false},
        ],
    });
    let file = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"shop\"\n\n[services.shop-web]\ndefinition = \"task.json\"\n";
    let checkout = Checkout::empty()
        .file("environments/prod.toml", file)
        .file("environments/task.json", definition.to_string());
    assert_snapshot!(checkout.run("check prod"), @r#"
    ------- stderr -------
    error: containers.db.image: `image` is not valid: a repository's name has no '$'
           in it
     --> environments/prod.toml:6:14
      |
    6 | definition = "task.json"
      |              ^^^^^^^^^^^

    error: containers: at least one container must be essential
     --> environments/prod.toml:6:14
      |
    6 | definition = "task.json"
      |              ^^^^^^^^^^^
      |
      = hint: leave `essential` out, or say true, for the one that does the work

    error: containers.app.dependsOn.db: `db` has no `healthCheck`, so it is never
           HEALTHY
     --> environments/prod.toml:6:14
      |
    6 | definition = "task.json"
      |              ^^^^^^^^^^^
      |
      = hint: give `db` a healthCheck, or wait for START

    error: containers.app.mountPoints./data: `app` mounts `data`, which is no volume
     --> environments/prod.toml:6:14
      |
    6 | definition = "task.json"
      |              ^^^^^^^^^^^
      |
      = hint: add it: [services.NAME.task.volumes.data]
    [exit 1]
    "#);
}

#[test]
fn mistakes_of_the_text_come_with_the_rules_of_other_files() {
    let checkout = Checkout::shop("1.2.0")
        .file(
            "environments/a.toml",
            shop("1.2.0").replace("region", "regoin"),
        )
        .file(
            "environments/b.toml",
            format!(
                "{}[services.web.service]\ndesiredCount = -1\n",
                shop("1.2.0")
            ),
        );
    assert_snapshot!(checkout.run("check"), @r#"
    ✓ environments/prod.toml   1 service
    ------- stderr -------
    error: unknown key `regoin`
     --> environments/a.toml:2:1
      |
    2 | regoin = "us-west-1"
      | ^^^^^^
      |
      = hint: did you mean `region`?

    error: service.desiredCount: `desiredCount` must be at least 0, not -1
     --> environments/b.toml:9:1
      |
    9 | desiredCount = -1
      | ^^^^^^^^^^^^
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("check prdo b"), @"
    ------- stderr -------
    error: there is no environment `prdo`: environments/prdo.toml does not exist
     hint: did you mean `prod`? There are: a, b, prod

    error: service.desiredCount: `desiredCount` must be at least 0, not -1
     --> environments/b.toml:9:1
      |
    9 | desiredCount = -1
      | ^^^^^^^^^^^^
    [exit 1]
    ");
    assert_snapshot!(checkout.run("check b prod b --format json").stdout, @r#"
    {
      "format_version": 1,
      "environments": [
        {
          "environment": "b",
          "file": "environments/b.toml",
          "mistakes": [
            {
              "at": "environments/b.toml:9:1",
              "message": "`desiredCount` must be at least 0, not -1",
              "hint": null,
              "service": "web",
              "field": "service.desiredCount",
              "rule": "range",
              "source": "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html#ECS-UpdateService-request-desiredCount"
            }
          ],
          "online": null
        },
        {
          "environment": "prod",
          "file": "environments/prod.toml",
          "mistakes": [],
          "online": null
        }
      ],
      "errors": []
    }
    "#);
    assert_snapshot!(checkout.run("check a --format json").stdout, @r#"
    {
      "format_version": 1,
      "environments": [
        {
          "environment": null,
          "file": "environments/a.toml",
          "mistakes": [
            {
              "at": "environments/a.toml:2:1",
              "message": "unknown key `regoin`",
              "hint": "did you mean `region`?"
            }
          ],
          "online": null
        }
      ],
      "errors": []
    }
    "#);
}

#[test]
fn a_plan_is_blocked_by_a_rule_that_the_change_would_break() {
    let file = |more: &str| {
        shop("1.2.0").replace(
            &format!("image = \"{}\"\n", image("1.2.0")),
            &format!(
                "[services.web.containers.app]\nimage = \"{}\"\n{more}",
                image("1.2.0")
            ),
        )
    };
    let checkout = Checkout::empty().file("environments/prod.toml", file(""));
    assert_eq!(checkout.run("plan --sandbox").code(), Some(0));
    checkout.write(
        "environments/prod.toml",
        file("secrets = { LOG_LEVEL = \"arn:aws:ssm:us-west-1:123456789012:parameter/x\" }\n[services.web.task]\nmemory = \"8192\"\n[services.web.service]\ndeploymentConfiguration.maximumPercent = 100\n"),
    );
    // Offline nothing is wrong: what runs on Fargate, and what it has in its
    // environment, is known to the plan alone.
    assert_eq!(checkout.run("check").code(), Some(0));
    assert_snapshot!(checkout.run("plan --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        ECS would refuse service.deploymentConfiguration.maximumPercent: with a
        minimum and a maximum of 100 percent nothing can be deployed
        at    environments/prod.toml:13:25
        hint  write maximumPercent = 200

    1 blocked.
    [exit 1]
    ");
    checkout.write(
        "environments/prod.toml",
        file("secrets = { LOG_LEVEL = \"arn:aws:ssm:us-west-1:123456789012:parameter/x\" }\n[services.web.task]\nmemory = \"8192\"\n"),
    );
    assert_snapshot!(checkout.run("plan --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        ECS would refuse containers.app.secrets.LOG_LEVEL: `LOG_LEVEL` is in
        `environment` and in `secrets`
        at    environments/prod.toml:9:13
        hint  keep one of them
        ECS would refuse task.memory: Fargate has no task of 512 CPU units and 8192
        MiB
        at    environments/prod.toml:11:1
        hint  with 512 CPU units it has 1024 to 4096 in steps of 1024

    1 blocked.
    [exit 1]
    ");
    let plan = checkout.run("plan --sandbox --format json").json();
    let reason = &plan["environments"][0]["services"][0]["reasons"][0];
    assert_eq!(
        (&reason["reason"], &reason["at"]),
        (&json!("refused"), &json!("environments/prod.toml:9:13"))
    );
}

/// What the file names outside ECS, in one service.
const OUTSIDE: &str = r#"account = "123456789012"
region = "us-west-1"
cluster = "shop"

[services.web]
name = "shop-web"

[services.web.containers.app]
image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.2.0"
logConfiguration.options = { awslogs-group = "/ecs/nowhere" }

[services.web.containers.app.secrets]
DATABASE_URL = "arn:aws:secretsmanager:us-west-1:123456789012:secret:db-AbCdEf:url::"
PARAMETER = "arn:aws:ssm:us-west-1:123456789012:parameter/x"

[services.web.task]
taskRoleArn = "arn:aws:iam::123456789012:role/web"

[services.web.service]
loadBalancers = [{ targetGroupArn = "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/1", containerName = "app", containerPort = 8080 }]
"#;

#[test]
fn online_asks_whether_what_is_named_is_there() {
    let checkout = Checkout::empty().file("environments/prod.toml", OUTSIDE);
    assert_snapshot!(checkout.run("check --online --sandbox"), @r#"
    ------- stderr -------
    prod: not known of web: containers.app.secrets.DATABASE_URL:
          secretsmanager:DescribeSecret was refused: the sandbox has no operation
          secretsmanager.DescribeSecret (UnknownOperationException)
    prod: not known of web: service.loadBalancers:
          elasticloadbalancing:DescribeTargetGroups was refused: the sandbox's STS
          has no operation DescribeTargetGroups (UnknownOperationException)
    prod: not looked up, since evenkeel does not ask IAM: task.taskRoleArn
    prod: not looked up, since evenkeel does not ask SSM:
          containers.app.secrets.PARAMETER
    error: containers.app.logConfiguration.options.awslogs-group: there is no log
           group /ecs/nowhere
      --> environments/prod.toml:10:30
       |
    10 | logConfiguration.options = { awslogs-group = "/ecs/nowhere" }
       |                              ^^^^^^^^^^^^^
       |
       = hint: create it, or set the option awslogs-create-group to "true"
    [exit 1]
    "#);
    let right = OUTSIDE.replace("/ecs/nowhere", "/ecs/shop-web");
    let checkout = Checkout::empty().file("environments/prod.toml", &right);
    assert_snapshot!(checkout.run("check --online --sandbox"), @"
    ✓ environments/prod.toml   1 service, 3 things are there on AWS
    ------- stderr -------
    prod: not known of web: containers.app.secrets.DATABASE_URL:
          secretsmanager:DescribeSecret was refused: the sandbox has no operation
          secretsmanager.DescribeSecret (UnknownOperationException)
    prod: not known of web: service.loadBalancers:
          elasticloadbalancing:DescribeTargetGroups was refused: the sandbox's STS
          has no operation DescribeTargetGroups (UnknownOperationException)
    prod: not looked up, since evenkeel does not ask IAM: task.taskRoleArn
    prod: not looked up, since evenkeel does not ask SSM:
          containers.app.secrets.PARAMETER
    [exit 0]
    ");
    checkout.write(
        "environments/prod.toml",
        right.replace("web:1.2.0", "web:1.2.00"),
    );
    assert_snapshot!(checkout.run("check --online --sandbox"), @r#"
    ------- stderr -------
    prod: not known of web: containers.app.secrets.DATABASE_URL:
          secretsmanager:DescribeSecret was refused: the sandbox has no operation
          secretsmanager.DescribeSecret (UnknownOperationException)
    prod: not known of web: service.loadBalancers:
          elasticloadbalancing:DescribeTargetGroups was refused: the sandbox's STS
          has no operation DescribeTargetGroups (UnknownOperationException)
    prod: not looked up, since evenkeel does not ask IAM: task.taskRoleArn
    prod: not looked up, since evenkeel does not ask SSM:
          containers.app.secrets.PARAMETER
    error: web: shop/web (ECR 123456789012, us-west-1) has no tag 1.2.00
     --> environments/prod.toml:9:9
      |
    9 | image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.2.00"
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: the nearest tags there are: 1.2.0, 1.2.1 and 1.3.0
    [exit 1]
    "#);
    assert_eq!(checkout.run("check").code(), Some(0));
}

#[test]
fn what_these_credentials_may_not_ask_is_no_failure() {
    let checkout = Checkout::empty().file("environments/prod.toml", OUTSIDE);
    let aws = Aws::answering(|operation| match operation {
        "DescribeSecret" => (400, r#"{"__type":"ResourceNotFoundException"}"#.into()),
        "DescribeTargetGroups" => (
            400,
            "<ErrorResponse><Error><Code>TargetGroupNotFound</Code></Error></ErrorResponse>".into(),
        ),
        "DescribeServices" | "BatchGetImage" | "DescribeLogGroups" => (
            400,
            format!(r#"{{"__type":"AccessDeniedException","message":"no {operation}"}}"#),
        ),
        other => panic!("nobody should call {other}"),
    });
    let run = |args: &str| at(&checkout, &aws.url, args).run();
    assert_snapshot!(run("check --online"), @r#"
    ------- stderr -------
    prod: not known of web: containers.app.logConfiguration.options.awslogs-group:
          logs:DescribeLogGroups is not allowed: no DescribeLogGroups
    prod: not known of web: service shop/shop-web: ecs:DescribeServices is not
          allowed: no DescribeServices
    prod: not looked up, since evenkeel does not ask IAM: task.taskRoleArn
    prod: not looked up, since evenkeel does not ask SSM:
          containers.app.secrets.PARAMETER
    error: containers.app.secrets.DATABASE_URL: Secrets Manager has no secret
           arn:aws:secretsmanager:us-west-1:123456789012:secret:db-AbCdEf
      --> environments/prod.toml:13:1
       |
    13 | DATABASE_URL = "arn:aws:secretsmanager:us-west-1:123456789012:secret:db-...
       | ^^^^^^^^^^^^
       |
       = hint: create it, or check its ARN: the six characters at the end belong to
               it

    error: service.loadBalancers: there is no target group
           arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/1
      --> environments/prod.toml:20:1
       |
    20 | loadBalancers = [{ targetGroupArn = "arn:aws:elasticloadbalancing:us-wes...
       | ^^^^^^^^^^^^^
       |
       = hint: check its ARN
    [exit 1]
    "#);
    let line = run("check --online --format json").json();
    assert_eq!(
        (
            &line["environments"][0]["mistakes"][0]["rule"],
            &line["environments"][0]["online"]["unknown"][1]["hint"],
        ),
        (
            &json!("missing"),
            &json!("allow ecs:DescribeServices for this role or user"),
        )
    );
    let calls = aws.calls();
    let mut calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    calls.sort_unstable();
    calls.dedup();
    assert_eq!(
        calls,
        [
            "BatchGetImage",
            "DescribeLogGroups",
            "DescribeSecret",
            "DescribeServices",
            "DescribeTargetGroups"
        ]
    );
}

#[test]
fn an_environment_that_cannot_be_asked_is_an_error() {
    let checkout = Checkout::shop("1.2.0");
    let aws = Aws::refusing(400, "ClusterNotFoundException", "none");
    assert_snapshot!(at(&checkout, &aws.url, "check --online").run(), @"
    ------- stderr -------
    error: prod: there is no cluster shop in us-west-1 of the account these
           credentials are for
     hint: check `cluster` and `region` in the environment file, and whether these
           are the credentials of its account
    [exit 1]
    ");
    let ran = at(&checkout, &aws.url, "check --online --format json").run();
    assert_eq!(ran.code(), Some(1));
    assert!(ran.json()["errors"][0]["message"].is_string(), "{ran}");
}
