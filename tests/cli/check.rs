//! `evenkeel check`, and the same rules in a plan.

use insta::assert_snapshot;
use serde_json::json;

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
tags = { "aws:team" = "web" }

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

    error: task.tags.aws:team: the tag `aws:team`: what begins with aws: is AWS's
           own
      --> environments/wrong.toml:26:10
       |
    26 | tags = { "aws:team" = "web" }
       |          ^^^^^^^^^^

    error: service.desiredCount: `desiredCount` must be at least 0, not -1
      --> environments/wrong.toml:29:1
       |
    29 | desiredCount = -1
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
          ]
        },
        {
          "environment": "prod",
          "file": "environments/prod.toml",
          "mistakes": []
        }
      ]
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
          ]
        }
      ]
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
