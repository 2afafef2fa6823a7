//! Keys that are missing, unknown, misplaced, or at odds with each other.

use super::*;

#[test]
fn an_empty_file_is_answered_with_the_smallest_one() {
    insta::assert_snapshot!(wrong(""), @r#"
    error: the file is empty
     --> prod.toml:1:1
     hint: the smallest file looks like this:
           account = "123456789012"
           region = "us-west-1"
           cluster = "wage-prod"

           [services.api]
           image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    "#);
    insta::assert_snapshot!(wrong("# later\n"), @r#"
    error: the file declares nothing
     --> prod.toml:1:1
      |
    1 | # later
      | ^
      |
      = hint: the smallest file looks like this:
              account = "123456789012"
              region = "us-west-1"
              cluster = "wage-prod"

              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    "#);
}

#[test]
fn what_is_missing_is_told_at_once() {
    insta::assert_snapshot!(wrong(r#"region = "us-west-1"
"#), @r#"
    error: `account` and `cluster` are missing
     --> prod.toml:1:1
      |
    1 | region = "us-west-1"
      | ^
      |
      = hint: add above the first [table], with your values:
              account = "123456789012"
              cluster = "wage-prod"

    error: no service is declared
     --> prod.toml:1:21
      |
    1 | region = "us-west-1"
      |                     ^
      |
      = hint: add one:
              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    "#);
    insta::assert_snapshot!(wrong_services(r#""#), @r#"
    error: no service is declared
     --> prod.toml:3:22
      |
    3 | cluster = "wage-prod"
      |                      ^
      |
      = hint: add one:
              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    "#);
    insta::assert_snapshot!(wrong_services(r#"[services]
"#), @r#"
    error: no service is declared
     --> prod.toml:5:2
      |
    5 | [services]
      |  ^^^^^^^^
      |
      = hint: add one:
              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    "#);
    insta::assert_snapshot!(wrong_services(r#"[services.api]
[services.worker.containers.app]
[services.web.containers]
"#), @r#"
    error: service `api` declares nothing
     --> prod.toml:5:11
      |
    5 | [services.api]
      |           ^^^
      |
      = hint: add under its header:
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
              or, with several containers, name each:
              [services.api.containers.NAME]

    error: container `app` declares nothing
     --> prod.toml:6:29
      |
    6 | [services.worker.containers.app]
      |                             ^^^
      |
      = hint: add under its header:
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/worker:1.4.2"

    error: no container is named here
     --> prod.toml:7:15
      |
    7 | [services.web.containers]
      |               ^^^^^^^^^^
      |
      = hint: write [services.web.containers.NAME] for each
    "#);
}

#[test]
fn near_misses_of_keys_are_recognised_and_nothing_else_is_said_of_them() {
    insta::assert_snapshot!(wrong(r#"acount = "123456789012"
region = "us-west-1"
cluster = "c"
[service.api]
image = "a:1"
"#), @r#"
    error: unknown key `acount`
     --> prod.toml:1:1
      |
    1 | acount = "123456789012"
      | ^^^^^^
      |
      = hint: did you mean `account`?

    error: unknown key `service`
     --> prod.toml:4:2
      |
    4 | [service.api]
      |  ^^^^^^^
      |
      = hint: did you mean `services`?
    "#);
    insta::assert_snapshot!(wrong_services(r#"[services.api]
imgae = "a:1"
[services.worker.containrs.app]
image = "a:1"
[services.web]
image = "a:1"
colour = "red"
"#), @r#"
    error: unknown key `imgae`
     --> prod.toml:6:1
      |
    6 | imgae = "a:1"
      | ^^^^^
      |
      = hint: did you mean `image`?

    error: unknown key `containrs`
     --> prod.toml:7:18
      |
    7 | [services.worker.containrs.app]
      |                  ^^^^^^^^^
      |
      = hint: did you mean `containers`?

    error: unknown key `colour`
      --> prod.toml:11:1
       |
    11 | colour = "red"
       | ^^^^^^
       |
       = hint: the keys here: `name`, `cluster`, `image`, `containers`, `task`,
               `service`, `remove`, `definition`, `allow-unknown-fields`,
               `allow-plain-secrets`, `rollout`, `drift`, `suspend`
    "#);
}

#[test]
fn keys_in_the_wrong_place_are_not_called_unknown() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
image = "a:1"
promotion = {}
"#), @"
    error: `promotion` does not belong here
     --> prod.toml:7:1
      |
    7 | promotion = {}
      | ^^^^^^^^^
      |
      = hint: write it as [promotion], a table of its own
    ");
    insta::assert_snapshot!(wrong_services(r#"[services.api.containers.app]
name = "app"
image = "a:1"
enviroment = { A = "1" }
"#), @r#"
    error: `name` does not belong here
     --> prod.toml:6:1
      |
    6 | name = "app"
      | ^^^^
      |
      = hint: the table is named after the container: `app`

    error: unknown key `enviroment`
     --> prod.toml:8:1
      |
    8 | enviroment = { A = "1" }
      | ^^^^^^^^^^
      |
      = hint: did you mean `environment`?
    "#);
}

#[test]
fn keys_of_a_rollout_and_provenance_elsewhere_are_sent_home() {
    insta::assert_snapshot!(wrong(r#"account = "123456789012"
cluster = "c"
timeout = "15m"
on-failure = "stop"

[rollout]
provenance = false
on_failure = "stop"
region = "us-west-1"

[services.api]
image = "a:1"
on-failure = "stop"

[services.web.containers.web]
image = "a:1"
rollout.timeout = "5m"
"#), @r#"
    error: `timeout` does not belong here
     --> prod.toml:3:1
      |
    3 | timeout = "15m"
      | ^^^^^^^
      |
      = hint: write it under [rollout]

    error: `on-failure` does not belong here
     --> prod.toml:4:1
      |
    4 | on-failure = "stop"
      | ^^^^^^^^^^
      |
      = hint: write it under [rollout]

    error: `provenance` does not belong here
     --> prod.toml:7:1
      |
    7 | provenance = false
      | ^^^^^^^^^^
      |
      = hint: write it at the top of the file, above the first [table]

    error: unknown key `on_failure`
     --> prod.toml:8:1
      |
    8 | on_failure = "stop"
      | ^^^^^^^^^^
      |
      = hint: did you mean `on-failure`?

    error: `region` does not belong here
     --> prod.toml:9:1
      |
    9 | region = "us-west-1"
      | ^^^^^^
      |
      = hint: write it at the top of the file, above the first [table]

    error: `on-failure` does not belong here
      --> prod.toml:13:1
       |
    13 | on-failure = "stop"
       | ^^^^^^^^^^
       |
       = hint: write it under [services.NAME.rollout]

    error: `rollout` does not belong here
      --> prod.toml:17:1
       |
    17 | rollout.timeout = "5m"
       | ^^^^^^^
       |
       = hint: write it under [services.NAME]
    "#);
}

#[test]
fn keys_are_missed_above_the_first_table() {
    insta::assert_snapshot!(wrong(r#"region = "us-west-1"

[rollout]
timeout = "5m"

[services.api]
image = "a:1"
"#), @r#"
    error: `account` and `cluster` are missing
     --> prod.toml:3:2
      |
    3 | [rollout]
      |  ^^^^^^^
      |
      = hint: add above the first [table], with your values:
              account = "123456789012"
              cluster = "wage-prod"
    "#);
}

#[test]
fn keys_in_the_wrong_table_are_sent_to_the_right_one() {
    insta::assert_snapshot!(wrong(r#"cluster = "c"
account = "123456789012"

[services.api]
image = "a:1"
region = "us-west-1"
timeout = "15m"
"#), @r#"
    error: `region` does not belong here
     --> prod.toml:6:1
      |
    6 | region = "us-west-1"
      | ^^^^^^
      |
      = hint: write it at the top of the file, above the first [table]

    error: `timeout` does not belong here
     --> prod.toml:7:1
      |
    7 | timeout = "15m"
      | ^^^^^^^
      |
      = hint: write it under [services.NAME.rollout]
    "#);
}

#[test]
fn one_image_or_containers_not_both() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
image = "a:1"

[services.api.containers.app]
image = "a:1"
"#), @r#"
    error: service `api` has both `image` and `containers`
     --> prod.toml:8:15
      |
    6 | image = "a:1"
      | ----- the other
    7 |
    8 | [services.api.containers.app]
      |               ^^^^^^^^^^
      |
      = hint: keep `image` for the only container, or `containers` to name each
    "#);
}

#[test]
fn two_services_cannot_be_the_same() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
image = "a:1"

[services.web]
name = "api"
cluster = "wage-prod"
image = "a:1"
"#), @r#"
    error: two services are the same ECS service `api`
     --> prod.toml:9:8
      |
    5 | [services.api]
      |           --- the other
    ...
    9 | name = "api"
      |        ^^^^^
      |
      = hint: both are in cluster wage-prod; keep one of them
    "#);
}
