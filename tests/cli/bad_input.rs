//! Environment files that are wrong in every way there is.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::support::{Checkout, Ran, shop};

/// Plans with this file in place of a right one. Whatever is in it: an error
/// that names the file, in a moment, and nothing of a sandbox made.
fn plan(content: impl AsRef<[u8]>) -> Ran {
    let checkout = Checkout::empty().file("environments/prod.toml", content);
    let since = Instant::now();
    let ran = checkout.run("plan prod --sandbox");
    let took = since.elapsed();
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("environments/prod.toml"), "{ran}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(!checkout.path().join(".evenkeel").exists());
    ran
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn an_empty_file() {
    assert_snapshot!(plan(""), @r#"
    ------- stderr -------
    error: the file is empty
     --> environments/prod.toml:1:1
     hint: the smallest file looks like this:
           account = "123456789012"
           region = "us-west-1"
           cluster = "wage-prod"

           [services.api]
           image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    [exit 1]
    "#);
}

#[test]
fn only_comments_and_space() {
    assert_snapshot!(plan("# soon\n\n   \n"), @r#"
    ------- stderr -------
    error: the file declares nothing
     --> environments/prod.toml:1:1
      |
    1 | # soon
      | ^
      |
      = hint: the smallest file looks like this:
              account = "123456789012"
              region = "us-west-1"
              cluster = "wage-prod"

              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    [exit 1]
    "#);
}

#[test]
fn a_binary_file() {
    let program = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 64], &[0xff; 64]].concat();
    assert_snapshot!(plan(program), @r#"
    ------- stderr -------
    error: environments/prod.toml is binary: it has a NUL byte
     --> environments/prod.toml:1:8
     hint: check that it is the right file; an environment file is UTF-8 text
    [exit 1]
    "#);
}

#[test]
fn latin_1() {
    assert_snapshot!(plan(b"# Caf\xe9\naccount = \"123456789012\"\n"), @r#"
    ------- stderr -------
    error: environments/prod.toml is not UTF-8: the byte 0xE9 cannot be read
     --> environments/prod.toml:1:6
     hint: save the file as UTF-8
    [exit 1]
    "#);
}

#[test]
fn utf_16_with_and_without_a_byte_order_mark() {
    let text = shop("1.2.0");
    let marked = format!("\u{feff}{text}");
    let little = plan(utf16(&marked, u16::to_le_bytes));
    assert_snapshot!(little, @r#"
    ------- stderr -------
    error: environments/prod.toml is UTF-16 text
     hint: save it as UTF-8
    [exit 1]
    "#);
    for content in [
        utf16(&marked, u16::to_be_bytes),
        utf16(&text, u16::to_le_bytes),
        utf16(&text, u16::to_be_bytes),
    ] {
        assert_eq!(plan(content).stderr, little.stderr);
    }
}

#[test]
fn a_utf_8_byte_order_mark_is_fine() {
    let marked = format!("\u{feff}{}", shop("1.2.0"));
    let checkout = Checkout::empty().file("environments/prod.toml", marked);
    assert_eq!(checkout.run("plan prod --sandbox").code(), Some(0));
}

#[test]
fn wrong_types() {
    assert_snapshot!(plan(r#"account = 123456789012
region = ["us-west-1"]
cluster = true

[services.web]
image = { repository = "shop/web" }

[services.web.rollout]
timeout = 15
"#), @r#"
    ------- stderr -------
    error: `account` must be a string, not a number
     --> environments/prod.toml:1:11
      |
    1 | account = 123456789012
      |           ^^^^^^^^^^^^
      |
      = hint: write "123456789012" (a number would lose leading zeros)

    error: `region` must be a string, not a list
     --> environments/prod.toml:2:10
      |
    2 | region = ["us-west-1"]
      |          ^^^^^^^^^^^^^
      |
      = hint: write "us-west-1"

    error: `cluster` must be a string, not true or false
     --> environments/prod.toml:3:11
      |
    3 | cluster = true
      |           ^^^^
      |
      = hint: write the cluster's name, such as "shop"

    error: `image` must be a string, not a table
     --> environments/prod.toml:6:9
      |
    6 | image = { repository = "shop/web" }
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write image = "REPOSITORY:TAG"

    error: `timeout` must be a string, not a number
     --> environments/prod.toml:9:11
      |
    9 | timeout = 15
      |           ^^
      |
      = hint: write it with its unit, such as "15m"
    [exit 1]
    "#);
}

#[test]
fn duplicate_and_unknown_keys() {
    assert_snapshot!(plan(r#"account = "123456789012"
regoin = "us-west-1"
cluster = "shop"
cluster = "shop-2"

[services.web]
imagee = "shop/web:1.2.0"
frobnicate = 1

[services.web.rollout]
time-out = "15m"
"#), @r#"
    ------- stderr -------
    error: unknown key `regoin`
     --> environments/prod.toml:2:1
      |
    2 | regoin = "us-west-1"
      | ^^^^^^
      |
      = hint: did you mean `region`?

    error: `cluster` is declared twice
     --> environments/prod.toml:4:1
      |
    3 | cluster = "shop"
      | ------- first here
    4 | cluster = "shop-2"
      | ^^^^^^^
      |
      = hint: keep one of them

    error: unknown key `imagee`
     --> environments/prod.toml:7:1
      |
    7 | imagee = "shop/web:1.2.0"
      | ^^^^^^
      |
      = hint: did you mean `image`?

    error: unknown key `frobnicate`
     --> environments/prod.toml:8:1
      |
    8 | frobnicate = 1
      | ^^^^^^^^^^
      |
      = hint: the keys here: `name`, `cluster`, `image`, `containers`, `task`,
              `service`, `remove`, `definition`, `allow-unknown-fields`,
              `allow-plain-secrets`, `rollout`, `drift`, `suspend`

    error: unknown key `time-out`
      --> environments/prod.toml:11:1
       |
    11 | time-out = "15m"
       | ^^^^^^^^
       |
       = hint: did you mean `timeout`?
    [exit 1]
    "#);
}

#[test]
fn no_services() {
    let three_keys = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"shop\"\n";
    assert_snapshot!(plan(three_keys), @r#"
    ------- stderr -------
    error: no service is declared
     --> environments/prod.toml:3:17
      |
    3 | cluster = "shop"
      |                 ^
      |
      = hint: add one:
              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    [exit 1]
    "#);
    assert_snapshot!(plan(format!("{three_keys}\n[services]\n")), @r#"
    ------- stderr -------
    error: no service is declared
     --> environments/prod.toml:5:2
      |
    5 | [services]
      |  ^^^^^^^^
      |
      = hint: add one:
              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    [exit 1]
    "#);
}

#[test]
fn an_empty_service_name() {
    assert_snapshot!(plan(shop("1.2.0").replace("services.web", "services.\"\"")), @r#"
    ------- stderr -------
    error: this service has no name
     --> environments/prod.toml:5:11
      |
    5 | [services.""]
      |           ^^
      |
      = hint: name its table, such as [services.api]
    [exit 1]
    "#);
    assert_snapshot!(plan(shop("1.2.0").replace("\"shop-web\"", "\"\"")), @r#"
    ------- stderr -------
    error: invalid `name`: the name is empty
     --> environments/prod.toml:6:8
      |
    6 | name = ""
      |        ^^
      |
      = hint: write the ECS service's name, or leave `name` out
    [exit 1]
    "#);
}

#[test]
fn no_toml_at_all() {
    assert_snapshot!(plan("account: \"123456789012\"\nregion: us-west-1\n"), @r#"
    ------- stderr -------
    error: a value comes after =, not after :
     --> environments/prod.toml:1:10
      |
    1 | account: "123456789012"
      |          ^
      |
      = hint: write account = "123456789012"

    error: a value comes after =, not after :
     --> environments/prod.toml:2:9
      |
    2 | region: us-west-1
      |         ^
      |
      = hint: write region = "us-west-1"
    [exit 1]
    "#);
    assert_snapshot!(plan("{\"account\": \"123456789012\"}\n"), @r#"
    ------- stderr -------
    error: this is JSON; an environment file is TOML
     --> environments/prod.toml:1:1
      |
    1 | {"account": "123456789012"}
      | ^
      |
      = hint: the smallest file looks like this:
              account = "123456789012"
              region = "us-west-1"
              cluster = "wage-prod"

              [services.api]
              image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    [exit 1]
    "#);
}

#[test]
fn a_file_that_ends_in_the_middle() {
    assert_snapshot!(plan("account = \"123456789012\"\nregion = \"us-we"), @r#"
    ------- stderr -------
    error: this string does not end
     --> environments/prod.toml:2:16
      |
    2 | region = "us-we
      |                ^
      |
      = hint: close it with the quote it starts with
    [exit 1]
    "#);
}

#[test]
fn two_million_lines() {
    let lines = "# nothing\n".repeat(2_000_000);
    assert_snapshot!(plan(lines), @r#"
    ------- stderr -------
    error: environments/prod.toml is 20 MB; an environment file has at most 1 MiB
     hint: check that it is the right file; a large environment can be split into
           several files
    [exit 1]
    "#);
}

/// Just below the limit of size, all of it wrong: the report is long, not slow.
#[test]
fn as_many_mistakes_as_fit() {
    let many: String = (0..60_000).map(|n| format!("k{n} = {n}\n")).collect();
    let ran = plan(many);
    let reports = ran.stderr.matches("error: ").count();
    assert!(reports < 200, "{reports} reports are more than one reads");
}

#[test]
fn deep_nesting_and_one_endless_line() {
    plan(format!(
        "a = {}{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    ));
    let ran = plan(format!("account = \"{}\"\n", "9".repeat(900_000)));
    assert!(ran.stderr.len() < 5_000, "{} bytes", ran.stderr.len());
}

/// What is written in a file cannot steer the terminal of who reads the error.
#[test]
fn escape_sequences_are_not_echoed() {
    let ran = plan("account = \"\\u001b[31m\"\n\"\\u001b]0;owned\\u0007\" = 1\nx\u{1b}[2J = 2\n");
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    assert!(!ran.stderr.contains('\u{7}'), "{ran}");
}

#[test]
fn all_files_are_checked_before_anything_is_said() {
    let checkout = Checkout::shop("1.2.0")
        .file("environments/qa.toml", "")
        .file("environments/staging.toml", "cluster = 1\n");
    let ran = checkout.run("plan --sandbox");
    assert_eq!(ran.code(), Some(1));
    for place in ["environments/qa.toml:1:1", "environments/staging.toml:1:11"] {
        assert!(ran.stderr.contains(place), "{ran}");
    }
}

#[test]
fn no_environments_folder() {
    let checkout = Checkout::empty();
    assert_snapshot!(checkout.run("plan --sandbox"), @r#"
    ------- stderr -------
    error: there is no folder environments
     hint: create environments/prod.toml, or run evenkeel where `environments` is
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("plan prod --sandbox"), @r#"
    ------- stderr -------
    error: there is no folder environments
     hint: create environments/prod.toml, or run evenkeel where `environments` is
    [exit 1]
    "#);
}

#[test]
fn an_environments_folder_with_nothing_in_it() {
    let checkout = Checkout::empty().file("environments/.keep", "");
    assert_snapshot!(checkout.run("plan --sandbox"), @r#"
    ------- stderr -------
    error: environments has no environment in it (no .toml file)
     hint: create environments/prod.toml, or run evenkeel where `environments` is
    [exit 1]
    "#);
}

#[test]
fn a_file_where_the_folder_should_be() {
    let checkout = Checkout::empty().file("environments", "");
    assert_snapshot!(checkout.run("plan --sandbox"), @r#"
    ------- stderr -------
    error: environments is a file, not a folder
     hint: create environments/prod.toml, or run evenkeel where `environments` is
    [exit 1]
    "#);
    let named = checkout.run("plan prod --sandbox");
    assert!(
        named
            .stderr
            .contains("environments is a file, not a folder"),
        "{named}"
    );
}

#[test]
fn an_unknown_environment() {
    let checkout = Checkout::shop("1.2.0").file("environments/staging.toml", shop("1.2.0"));
    assert_snapshot!(checkout.run("plan stagin --sandbox"), @r#"
    ------- stderr -------
    error: there is no environment `stagin`: environments/stagin.toml does not exist
     hint: did you mean `staging`? There are: prod, staging
    [exit 1]
    "#);
    assert_snapshot!(checkout.run("apply ./prd.toml --sandbox"), @r#"
    ------- stderr -------
    error: there is no file ./prd.toml
     hint: did you mean `prod`? There are: prod, staging
    [exit 1]
    "#);
}

#[test]
fn a_folder_as_a_file() {
    let checkout = Checkout::empty().file("environments/prod.toml/x", "");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @r#"
    ------- stderr -------
    error: environments/prod.toml is a folder, not a file
    [exit 1]
    "#);
}

#[test]
fn a_folder_as_an_environment() {
    let checkout = Checkout::shop("1.2.0");
    for name in ["environments/", "./environments", "../"] {
        let ran = checkout.run(&format!("plan {name} --sandbox"));
        assert_eq!(ran.code(), Some(1));
        assert!(ran.stderr.contains("is a folder"), "{name}: {ran}");
    }
}

#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let checkout = Checkout::shop("1.2.0");
    let file = checkout.path().join("environments/prod.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_ok() {
        return; // A superuser may read everything.
    }
    let ran = checkout.run("plan prod --sandbox");
    assert_eq!(ran.code(), Some(1));
    assert!(ran.stderr.contains("Permission denied"), "{ran}");
}

#[test]
fn not_utf_8_in_an_argument() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout
        .evenkeel("plan")
        .arg(OsStr::from_bytes(b"pr\xffod"))
        .run();
    assert_eq!(ran.code(), Some(64), "{ran}");
}
