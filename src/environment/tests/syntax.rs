//! Files that are not TOML.

use super::*;

#[test]
fn strings_want_plain_quotes() {
    insta::assert_snapshot!(wrong(r#"account = 012345678901
region = us-west-1
cluster = “wage-prod”
role = "arn
"#), @r#"
    error: a number cannot start with 0
     --> prod.toml:1:11
      |
    1 | account = 012345678901
      |           ^
      |
      = hint: if it is text, such as an account, put it in quotes

    error: a string needs quotes
     --> prod.toml:2:10
      |
    2 | region = us-west-1
      |          ^^^^^^^^^
      |
      = hint: write "us-west-1"

    error: these are not straight quotes
     --> prod.toml:3:11
      |
    3 | cluster = “wage-prod”
      |           ^^^^^^^^^^^
      |
      = hint: write "wage-prod"

    error: this string does not end
     --> prod.toml:4:12
      |
    4 | role = "arn
      |            ^
      |
      = hint: close it with the quote it starts with
    "#);
}

#[test]
fn keys_want_values() {
    insta::assert_snapshot!(wrong(r#"account =
region: "us-west-1"
cluster
= 1
"#), @r#"
    error: the value is missing
     --> prod.toml:1:10
      |
    1 | account =
      |          ^
      |
      = hint: write account = "…"

    error: a value comes after =, not after :
     --> prod.toml:2:9
      |
    2 | region: "us-west-1"
      |         ^
      |
      = hint: write region = "us-west-1"

    error: `cluster` has no value
     --> prod.toml:3:8
      |
    3 | cluster
      |        ^
      |
      = hint: write cluster = …
    "#);
}

#[test]
fn headers_want_brackets() {
    insta::assert_snapshot!(wrong(r#"[services.api
image = "a:1"

[services.web]]
image = "a:1"

services.cron]
image = "a:1"

[]
"#), @r"
    error: this header does not end
     --> prod.toml:1:14
      |
    1 | [services.api
      |              ^
      |
      = hint: close it with ]

    error: the line should end here
     --> prod.toml:4:15
      |
    4 | [services.web]]
      |               ^
      |
      = hint: write one key or one [header] a line

    error: this header does not begin
     --> prod.toml:7:14
      |
    7 | services.cron]
      |              ^
      |
      = hint: write [services.cron]
    ");
}

#[test]
fn what_is_open_to_the_end_is_pointed_at_where_it_begins() {
    insta::assert_snapshot!(wrong(r#"account = """123456789012
region = "us-west-1"
"#), @r#"
    error: this string does not end
     --> prod.toml:1:11
      |
    1 | account = """123456789012
      |           ^^^
      |
      = hint: close it with """
    "#);
    insta::assert_snapshot!(wrong(r#"x = [1,
2
[services.api]
image = "a:1"
"#), @"
    error: unknown key `x`
     --> prod.toml:1:1
      |
    1 | x = [1,
      | ^
      |
      = hint: the keys here: `account`, `region`, `cluster`, `role`, `provenance`,
              `rollout`, `promotion`, `drift`, `suspend`, `allow-unknown-fields`,
              `services`

    error: the list or inline table before this does not end
     --> prod.toml:3:1
      |
    3 | [services.api]
      | ^
      |
      = hint: close it with ] or }, or put a comma between its parts
    ");
}

#[test]
fn repetitions_point_at_the_first() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
image = "a:1"
image = "a:2"

[services.api]
image = "a:3"
"#), @r#"
    error: `image` is declared twice
     --> prod.toml:7:1
      |
    6 | image = "a:1"
      | ----- first here
    7 | image = "a:2"
      | ^^^^^
      |
      = hint: keep one of them

    error: `api` is declared twice
     --> prod.toml:9:11
      |
    5 | [services.api]
      | -------------- first here
    ...
    9 | [services.api]
      |           ^^^
      |
      = hint: keep one of them
    "#);
    insta::assert_snapshot!(wrong_services(r#"[services.api]
name = "x"
[services]
api.image = "a:1"
"#), @r#"
    error: `api` is already declared in another way
     --> prod.toml:8:1
      |
    8 | api.image = "a:1"
      | ^^^
      |
      = hint: keep all of a table under its [header]
    "#);
    insta::assert_snapshot!(wrong(r#"services = 1
[services.api]
image = "a:1"
"#), @r"
    error: `services` must be a table, not a number
     --> prod.toml:1:12
      |
    1 | services = 1
      |            ^
      |
      = hint: write [services.NAME] for each service

    error: `services` is already declared, and not as a table
     --> prod.toml:2:2
      |
    2 | [services.api]
      |  ^^^^^^^^
      |
      = hint: keep one of them
    ");
}

#[test]
fn other_mistakes_are_told_where_they_are_still_sure() {
    insta::assert_snapshot!(wrong(r#"acount = "123456789012"
region = us-west-1
clustr = "c"

[services.api]
imgae = "a:1"
name = "
clustr = "c"

[services.web]
image = 1
"#), @r#"
    error: unknown key `acount`
     --> prod.toml:1:1
      |
    1 | acount = "123456789012"
      | ^^^^^^
      |
      = hint: did you mean `account`?

    error: a string needs quotes
     --> prod.toml:2:10
      |
    2 | region = us-west-1
      |          ^^^^^^^^^
      |
      = hint: write "us-west-1"

    error: unknown key `imgae`
     --> prod.toml:6:1
      |
    6 | imgae = "a:1"
      | ^^^^^
      |
      = hint: did you mean `image`?

    error: this string does not end
     --> prod.toml:7:9
      |
    7 | name = "
      |         ^
      |
      = hint: close it with the quote it starts with

    error: `image` must be a string, not a number
      --> prod.toml:11:9
       |
    11 | image = 1
       |         ^
       |
       = hint: write image = "REPOSITORY:TAG"
    "#);
}

#[test]
fn backslashes_and_lone_carriage_returns() {
    insta::assert_snapshot!(wrong(r#"account = "C:\q"
"#), @r#"
    error: a backslash means something in a string
     --> prod.toml:1:15
      |
    1 | account = "C:\q"
      |               ^
      |
      = hint: write \\ for one, or put the string in 'single quotes'
    "#);
    insta::assert_snapshot!(wrong("region = \"us-west-1\"\rcluster = \"c\"\n"), @r#"
    error: a carriage return stands alone
     --> prod.toml:1:22
      |
    1 | region = "us-west-1"␍cluster = "c"
      |                      ^
      |
      = hint: save the file with ordinary line ends (LF or CRLF)
    "#);
}

#[test]
fn json_is_called_json() {
    insta::assert_snapshot!(wrong("\n  {\n  \"account\": \"123456789012\"\n}\n"), @r#"
    error: this is JSON; an environment file is TOML
     --> prod.toml:2:3
      |
    2 |   {
      |   ^
      |
      = hint: the smallest file looks like this:
              account = "123456789012"
              region = "us-west-1"
              cluster = "wage-prod"

              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    "#);
    // A template is something else.
    assert!(!wrong("{{ account }}\n").contains("JSON"));
}

#[test]
fn a_line_of_yaml_is_written_in_toml() {
    let help = |line: &str| {
        let mistakes = parse("f", "f", line).unwrap_err();
        let (_, message, help) = mistakes.iter().next().unwrap();
        assert_eq!(message, "a value comes after =, not after :", "{line}");
        help.unwrap().to_owned()
    };
    for (line, toml) in [
        ("region: us-west-1", "write region = \"us-west-1\""),
        ("region: us-west-1 # west", "write region = \"us-west-1\""),
        ("region: 'us-west-1'", "write region = 'us-west-1'"),
        ("account: 123456789012", "write account = \"123456789012\""),
        ("image: app:1.4", "write image = \"app:1.4\""),
        ("cluster: \"shop\",", "write cluster = \"shop\""),
        ("cluster: it's \"so\"", "write cluster = \"…\""),
        ("services:", "write [services.NAME] for each service"),
        ("  web:", "write [web] for a table, web = \"…\" for a value"),
    ] {
        assert_eq!(help(line), toml, "{line}");
    }
}

#[test]
fn a_word_needs_quotes_whatever_it_begins_with() {
    for word in [
        "shop",
        "infra-1",
        "nightly",
        "True",
        "fargate",
        "true-north",
    ] {
        let shown = wrong(&format!("cluster = {word}\n"));
        assert!(shown.contains("error: a string needs quotes\n"), "{shown}");
        assert!(
            shown.contains(&format!("= hint: write \"{word}\"\n")),
            "{shown}"
        );
    }
}
