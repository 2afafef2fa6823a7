//! Values that cannot be.

use super::*;

#[test]
fn a_number_is_no_account() {
    insta::assert_snapshot!(wrong(r#"account = 123456789012
region = "us-west-1"
cluster = "c"
services.a.image = "a:1"
"#), @r#"
    error: `account` must be a string, not a number
     --> prod.toml:1:11
      |
    1 | account = 123456789012
      |           ^^^^^^^^^^^^
      |
      = hint: write "123456789012" (a number would lose leading zeros)
    "#);
    insta::assert_snapshot!(wrong(r#"account = "1234-5678-9012"
region = true
cluster = 7
services.a.image = "a:1"
"#), @r#"
    error: invalid `account`: an AWS account is 12 digits
     --> prod.toml:1:11
      |
    1 | account = "1234-5678-9012"
      |           ^^^^^^^^^^^^^^^^
      |
      = hint: write "123456789012"

    error: `region` must be a string, not true or false
     --> prod.toml:2:10
      |
    2 | region = true
      |          ^^^^
      |
      = hint: write it like "us-west-1"

    error: `cluster` must be a string, not a number
     --> prod.toml:3:11
      |
    3 | cluster = 7
      |           ^
      |
      = hint: write "7"
    "#);
}

#[test]
fn values_of_the_wrong_type_say_what_is_wanted() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
image = ["a:1"]
rollout = "15m"
[services.worker]
containers.image = "a:1"
"#), @r#"
    error: `image` must be a string, not a list
     --> prod.toml:6:9
      |
    6 | image = ["a:1"]
      |         ^^^^^^^
      |
      = hint: write "a:1"

    error: `rollout` must be a table, not a string
     --> prod.toml:7:11
      |
    7 | rollout = "15m"
      |           ^^^^^
      |
      = hint: write timeout = "15m" under [services.api.rollout]

    error: `image` must be a table, not a string
     --> prod.toml:9:20
      |
    9 | containers.image = "a:1"
      |                    ^^^^^
      |
      = hint: name the container: [services.worker.containers.NAME]
    "#);
    insta::assert_snapshot!(wrong(r#"account = "123456789012"
region = "us-west-1"
cluster = "c"
[[services]]
name = "api"
"#), @r"
    error: `services` must be a table, not a list of tables
     --> prod.toml:4:1
      |
    4 | [[services]]
      | ^^^^^^^^^^^^
      |
      = hint: write [services.NAME] for each service, in single brackets
    ");
    insta::assert_snapshot!(wrong_services(r#"[services]
api = "a:1"
"#), @r#"
    error: `api` must be a table, not a string
     --> prod.toml:6:7
      |
    6 | api = "a:1"
      |       ^^^^^
      |
      = hint: write it as [services.api], and under that image = "…"
    "#);
}

#[test]
fn what_cannot_be_guessed_is_shown_by_an_example() {
    insta::assert_snapshot!(wrong(r#"account = ""
region = ""
cluster = true
role = 1
[services.api]
name = ""
image = { repository = "api" }
[services.web]
name = false
image = 1.4
[services.job]
cluster = ""
image = ""
"#), @r#"
    error: invalid `account`: an AWS account is 12 digits
     --> prod.toml:1:11
      |
    1 | account = ""
      |           ^^
      |
      = hint: write its 12 digits in quotes, such as "123456789012"

    error: invalid `region`: an AWS region looks like us-west-1
     --> prod.toml:2:10
      |
    2 | region = ""
      |          ^^
      |
      = hint: write it like "us-west-1"

    error: `cluster` must be a string, not true or false
     --> prod.toml:3:11
      |
    3 | cluster = true
      |           ^^^^
      |
      = hint: write the cluster's name, such as "shop"

    error: `role` must be a string, not a number
     --> prod.toml:4:8
      |
    4 | role = 1
      |        ^
      |
      = hint: it looks like "arn:aws:iam::123456789012:role/evenkeel"

    error: invalid `name`: the name is empty
     --> prod.toml:6:8
      |
    6 | name = ""
      |        ^^
      |
      = hint: write the ECS service's name, or leave `name` out

    error: `image` must be a string, not a table
     --> prod.toml:7:9
      |
    7 | image = { repository = "api" }
      |         ^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write image = "REPOSITORY:TAG"

    error: `name` must be a string, not true or false
     --> prod.toml:9:8
      |
    9 | name = false
      |        ^^^^^
      |
      = hint: write the ECS service's name, or leave `name` out

    error: `image` must be a string, not a number
      --> prod.toml:10:9
       |
    10 | image = 1.4
       |         ^^^
       |
       = hint: write image = "REPOSITORY:TAG"

    error: invalid `cluster`: the name is empty
      --> prod.toml:12:11
       |
    12 | cluster = ""
       |           ^^
       |
       = hint: write the cluster's name, such as "shop"

    error: invalid `image`: the image is empty
      --> prod.toml:13:9
       |
    13 | image = ""
       |         ^^
       |
       = hint: write image = "REPOSITORY:TAG"
    "#);
}

#[test]
fn only_regions_that_there_are_are_suggested() {
    let region = |text: &str| {
        wrong(&format!(
            "account = \"123456789012\"\nregion = \"{text}\"\ncluster = \"c\"\nservices.a.image = \"a:1\"\n"
        ))
    };
    insta::assert_snapshot!(region("us-west-9x"), @r#"
    error: invalid `region`: an AWS region looks like us-west-1
     --> prod.toml:2:10
      |
    2 | region = "us-west-9x"
      |          ^^^^^^^^^^^^
      |
      = hint: write "us-west-1" or "us-west-2"
    "#);
    insta::assert_snapshot!(region("Oregon"), @r#"
    error: invalid `region`: an AWS region looks like us-west-1
     --> prod.toml:2:10
      |
    2 | region = "Oregon"
      |          ^^^^^^^^
    "#);
}

#[test]
fn wrong_values_come_with_the_right_one() {
    insta::assert_snapshot!(wrong(r#"account = "123456789012"
region = "us-west-1a"
cluster = "arn:aws:ecs:us-west-1:123456789012:cluster/wage-prod"
[services.api]
image = "https://r.example/api:1"
"#), @r#"
    error: invalid `region`: an AWS region looks like us-west-1
     --> prod.toml:2:10
      |
    2 | region = "us-west-1a"
      |          ^^^^^^^^^^^^
      |
      = hint: write "us-west-1"

    error: invalid `cluster`: the name is wanted here, not the ARN
     --> prod.toml:3:11
      |
    3 | cluster = "arn:aws:ecs:us-west-1:123456789012:cluster/wage-prod"
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write "wage-prod"

    error: invalid `image`: an image reference has no scheme such as https://
     --> prod.toml:5:9
      |
    5 | image = "https://r.example/api:1"
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write "r.example/api:1"
    "#);
    insta::assert_snapshot!(wrong_services(r#"[services.api]
image = "r.example/api:${TAG}"
[services.web]
image = "API:1"
"#), @r#"
    error: invalid `image`: variables are not filled in
     --> prod.toml:6:9
      |
    6 | image = "r.example/api:${TAG}"
      |         ^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write the tag itself; the file in Git says what runs

    error: invalid `image`: a repository's name is lower case; this has 'A'
     --> prod.toml:8:9
      |
    8 | image = "API:1"
      |         ^^^^^^^
    "#);
}

#[test]
fn names_that_cannot_be() {
    insta::assert_snapshot!(wrong_services(r#"[services.""]
image = "a:1"
[services."a.b"]
image = "a:1"
[services."a/b"]
name = "x"
image = "a:1"
[services.c.containers."my app"]
image = "a:1"
"#), @r#"
    error: this service has no name
     --> prod.toml:5:11
      |
    5 | [services.""]
      |           ^^
      |
      = hint: name its table, such as [services.api]

    error: invalid service name `a.b`: a name has only letters, digits, hyphens and
           underscores, not '.'
     --> prod.toml:7:11
      |
    7 | [services."a.b"]
      |           ^^^^^
      |
      = hint: add name = "…" with the ECS service's name, or rename the table

    error: a service's own name cannot have '/' in it
     --> prod.toml:9:11
      |
    9 | [services."a/b"]
      |           ^^^^^
      |
      = hint: commands take a service as NAME or NAME/CONTAINER=IMAGE

    error: invalid container name `my app`: a name has only letters, digits, hyphens
           and underscores, not ' '
      --> prod.toml:12:24
       |
    12 | [services.c.containers."my app"]
       |                        ^^^^^^^^
       |
       = hint: write the name that the task definition has
    "#);
}

#[test]
fn a_role_is_an_iam_role_of_the_account() {
    insta::assert_snapshot!(wrong(r#"account = "123456789012"
region = "us-west-1"
cluster = "c"
role = "arn:aws:iam::210987654321:role/evenkeel"
services.a.image = "a:1"
"#), @r#"
    error: `role` is in account 210987654321, the file is for 123456789012
     --> prod.toml:4:8
      |
    1 | account = "123456789012"
      |           -------------- the file's account
    ...
    4 | role = "arn:aws:iam::210987654321:role/evenkeel"
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: use a role of 123456789012, or change `account`
    "#);
    insta::assert_snapshot!(wrong(r#"account = "123456789012"
region = "us-west-1"
cluster = "c"
role = "evenkeel"
services.a.image = "a:1"
"#), @r#"
    error: invalid `role`: this is not the ARN of an IAM role
     --> prod.toml:4:8
      |
    4 | role = "evenkeel"
      |        ^^^^^^^^^^
      |
      = hint: it looks like "arn:aws:iam::123456789012:role/evenkeel"
    "#);
}

#[test]
fn a_timeout_has_a_unit_and_bounds() {
    insta::assert_snapshot!(wrong_services(&["15", "\"15\"", "\"15 min\"", "\"5s\"", "\"25h\"", "\"soon\""].iter().enumerate().map(|(n, t)| format!("[services.s{n}]\nimage = \"a:1\"\nrollout.timeout = {t}\n")).collect::<String>()), @r#"
    error: `timeout` must be a string, not a number
     --> prod.toml:7:19
      |
    7 | rollout.timeout = 15
      |                   ^^
      |
      = hint: write it with its unit, such as "15m"

    error: invalid `timeout`: the unit is missing
      --> prod.toml:10:19
       |
    10 | rollout.timeout = "15"
       |                   ^^^^
       |
       = hint: write "15m"

    error: invalid `timeout`: the units are h, m and s, without spaces
      --> prod.toml:13:19
       |
    13 | rollout.timeout = "15 min"
       |                   ^^^^^^^^
       |
       = hint: write "15m"

    error: invalid `timeout`: it must be at least 10 seconds
      --> prod.toml:16:19
       |
    16 | rollout.timeout = "5s"
       |                   ^^^^
       |
       = hint: write it with its units, such as "15m", "90s" or "1h30m"

    error: invalid `timeout`: it must be at most 24 hours
      --> prod.toml:19:19
       |
    19 | rollout.timeout = "25h"
       |                   ^^^^^
       |
       = hint: write it with its units, such as "15m", "90s" or "1h30m"

    error: invalid `timeout`: this is not a length of time
      --> prod.toml:22:19
       |
    22 | rollout.timeout = "soon"
       |                   ^^^^^^
       |
       = hint: write it with its units, such as "15m", "90s" or "1h30m"
    "#);
}

#[test]
fn on_failure_is_one_of_two_words() {
    insta::assert_snapshot!(wrong_services(&["\"rolback\"", "\"Stop\"", "\"ignore\"", "true"].iter().enumerate().map(|(n, t)| format!("[services.s{n}]\nimage = \"a:1\"\nrollout.on-failure = {t}\n")).collect::<String>()), @r#"
    error: invalid `on-failure`: it is "rollback" or "stop"
     --> prod.toml:7:22
      |
    7 | rollout.on-failure = "rolback"
      |                      ^^^^^^^^^
      |
      = hint: did you mean "rollback"?

    error: invalid `on-failure`: it is "rollback" or "stop"
      --> prod.toml:10:22
       |
    10 | rollout.on-failure = "Stop"
       |                      ^^^^^^
       |
       = hint: did you mean "stop"?

    error: invalid `on-failure`: it is "rollback" or "stop"
      --> prod.toml:13:22
       |
    13 | rollout.on-failure = "ignore"
       |                      ^^^^^^^^
       |
       = hint: write "rollback" or "stop"

    error: `on-failure` must be a string, not true or false
      --> prod.toml:16:22
       |
    16 | rollout.on-failure = true
       |                      ^^^^
       |
       = hint: write "rollback" or "stop"
    "#);
    insta::assert_snapshot!(wrong_services("rollout = \"stop\"\nservices.a.image = \"a:1\"\n"), @r#"
    error: `rollout` must be a table, not a string
     --> prod.toml:5:11
      |
    5 | rollout = "stop"
      |           ^^^^^^
      |
      = hint: write timeout = "15m" under [rollout]
    "#);
}

#[test]
fn provenance_is_true_or_false() {
    for (value, help) in [
        ("\"true\"", "write true, without quotes"),
        ("\"maybe\"", "write true or false"),
        ("1", "write true or false"),
        ("[true]", "write true or false"),
        ("True", "write true"),
        ("no", "write false"),
        ("never", "write true or false"),
    ] {
        let shown = wrong_services(&format!(
            "provenance = {value}\nservices.a.image = \"a:1\"\n"
        ));
        assert!(shown.ends_with(&format!("= hint: {help}\n")), "{shown}");
        assert_eq!(shown.matches("error: ").count(), 1, "{shown}");
    }
    insta::assert_snapshot!(wrong_services("provenance = \"no\"\nservices.a.image = \"a:1\"\n"), @r#"
    error: `provenance` must be true or false, not a string
     --> prod.toml:5:14
      |
    5 | provenance = "no"
      |              ^^^^
      |
      = hint: write true or false
    "#);
    insta::assert_snapshot!(wrong_services("provenance = yes\nservices.a.image = \"a:1\"\n"), @r"
    error: this is neither true nor false
     --> prod.toml:5:14
      |
    5 | provenance = yes
      |              ^^^
      |
      = hint: write true
    ");
}

#[test]
fn escape_sequences_are_never_echoed() {
    insta::assert_snapshot!(wrong_services("[services.a]\nimage = \"a:1\"\n\"\\u001b[31m\" = 1 # \u{202e}\n"), @r#"
    error: unknown key `␛[31m`
     --> prod.toml:7:1
      |
    7 | "\u001b[31m" = 1 # �
      | ^^^^^^^^^^^^
      |
      = hint: the keys here: `name`, `cluster`, `image`, `containers`, `task`,
              `service`, `remove`, `definition`, `allow-unknown-fields`,
              `allow-plain-secrets`, `rollout`, `drift`, `suspend`
    "#);
    insta::assert_snapshot!(wrong("a = \"\u{1b}[31mred\"\n"), @r#"
    error: unknown key `a`
     --> prod.toml:1:1
      |
    1 | a = "␛[31mred"
      | ^
      |
      = hint: the keys here: `account`, `region`, `cluster`, `role`, `provenance`,
              `rollout`, `promotion`, `drift`, `suspend`, `allow-unknown-fields`,
              `services`

    error: a control character cannot stand here
     --> prod.toml:1:6
      |
    1 | a = "␛[31mred"
      |      ^
      |
      = hint: take it out
    "#);
}

#[test]
fn a_long_line_is_cut_around_the_mistake() {
    insta::assert_snapshot!(wrong_services(&format!("services.a = {{ {}, imgae = \"{}\" }}\n", "image = 'a:1'", "x".repeat(300))), @r#"
    error: unknown key `imgae`
     --> prod.toml:5:31
      |
    5 | services.a = { image = 'a:1', imgae = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
      |                               ^^^^^
      |
      = hint: did you mean `image`?
    "#);
    insta::assert_snapshot!(wrong_services(&format!("services.a = {{ image = \"{}\", imgae = 1 }}\n", "x".repeat(3000))), @r#"
    error: unknown key `imgae`
     --> prod.toml:5:3028
      |
    5 | …xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", imgae = 1 }
      |                                                                ^^^^^
      |
      = hint: did you mean `image`?
    "#);
}
