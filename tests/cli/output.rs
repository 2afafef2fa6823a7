//! The two streams: what goes where, colour, width, and readers that go away.

use std::process::Stdio;

use crate::aws::{Aws, at};
use crate::support::{Checkout, Ran, shop};

const ESCAPE: char = '\u{1b}';

fn is_plain(ran: &Ran) -> bool {
    !ran.stdout.contains(ESCAPE) && !ran.stderr.contains(ESCAPE)
}

#[test]
fn a_pipe_gets_no_colour_and_no_question() {
    let checkout = Checkout::shop("1.2.0");
    for args in [
        "plan prod --sandbox",
        "apply prod --sandbox",
        "plan nope --sandbox",
        "plan --frobnicate",
        "--help",
    ] {
        let ran = checkout.run(args);
        assert!(is_plain(&ran), "{args}: {ran:?}", ran = ran.stdout);
        assert!(!ran.stderr.contains("[y/N]"), "{args}: {ran}");
    }
}

#[test]
fn colour_on_demand() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("plan prod --sandbox --color always");
    assert!(ran.stdout.contains(ESCAPE), "{ran}");
    let ran = checkout.run("plan nope --sandbox --color always");
    assert!(ran.stderr.contains(ESCAPE), "{ran}");
    let ran = checkout.run("apply prod --sandbox --color always");
    assert!(ran.stdout.contains(ESCAPE), "{ran}");
}

#[test]
fn colour_only_adds_to_the_words() {
    let checkout = Checkout::shop("1.2.0");
    let plain = checkout.run("plan prod --sandbox").stdout;
    let coloured = checkout.run("plan prod --sandbox --color always").stdout;
    let codes = regex_lite::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_eq!(codes.replace_all(&coloured, ""), plain);
}

#[test]
fn colour_goes_where_it_is_wanted() {
    let checkout = Checkout::shop("1.2.0");
    for (name, value, args) in [
        ("NO_COLOR", "1", "plan prod --sandbox"),
        ("NO_COLOR", "1", "plan nope --sandbox"),
        ("TERM", "dumb", "plan prod --sandbox"),
        ("CLICOLOR_FORCE", "1", "plan prod --sandbox --color never"),
    ] {
        let ran = checkout.evenkeel(args).env(name, value).run();
        assert!(is_plain(&ran), "{name}={value} {args}");
    }
}

#[test]
fn every_message_fits_eighty_columns() {
    let checkout = Checkout::shop("1.2.0").file("broken/prod.toml", "account = 1\n");
    let refusing = |code| Aws::refusing(400, code, "no");
    let elsewhere = |aws: &Aws| at(&checkout, &aws.url, "plan prod").run();
    checkout.run("plan prod --sandbox");
    let mut runs = vec![
        checkout.run("plan prod --sandbox"),
        checkout.run("plan nope --sandbox"),
        checkout.run("plan broken/prod.toml --sandbox"),
        checkout.run("plan prod --sandbox --service nope"),
        checkout.run("plan prod"),
        checkout.run("sandbox push nginx:1"),
        elsewhere(&refusing("ExpiredTokenException")),
        elsewhere(&refusing("AccessDeniedException")),
        elsewhere(&refusing("ClusterNotFoundException")),
        elsewhere(&refusing("InvalidClientTokenId")),
    ];
    checkout.write("environments/prod.toml", shop("9.9.9"));
    runs.push(checkout.run("apply prod --sandbox"));
    for args in [
        "status --sandbox",
        "history prod web --sandbox",
        "rollback prod web --sandbox",
        "set prod web=:1.2.00 --resolve --sandbox",
        "set prod web=nginx:1.27 --resolve --sandbox",
        "set prod web=:1.2.0 --sandbox",
    ] {
        runs.push(checkout.run(args));
    }
    checkout.write(".evenkeel/sandbox.json", "{");
    runs.push(checkout.run("plan prod --sandbox"));
    let wide: Vec<&str> = runs
        .iter()
        .flat_map(|ran| ran.stdout.lines().chain(ran.stderr.lines()))
        .filter(|line| line.chars().count() > 80)
        .collect();
    assert!(wide.is_empty(), "wider than 80:\n{}", wide.join("\n"));
}

#[test]
fn names_as_long_as_they_may_be_fit_eighty_columns() {
    let name = "a".repeat(255);
    let file = shop("1.2.0")
        .replace("services.web", &format!("services.{}", "w".repeat(30)))
        .replace("shop-web", &name);
    let checkout = Checkout::empty().file("environments/prod.toml", file);
    let ran = checkout.run("plan prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    for line in ran.stdout.lines().filter(|line| !line.contains(&name)) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// `evenkeel plan | head -1`: the reader goes away, and that is all right.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let mut child = command
        .args(["plan", "prod", "--sandbox"])
        .current_dir(checkout.path())
        .env_clear()
        .envs(checkout.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    let messages = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{messages}");
    assert!(!messages.contains("panicked"), "{messages}");
    assert!(!messages.contains("error"), "{messages}");
}

/// A full disk is a failure: the result did not get to anybody.
#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_a_failure() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(["plan", "prod", "--sandbox"])
        .current_dir(checkout.path())
        .env_clear()
        .envs(checkout.environment())
        .stdout(full)
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{messages}");
    assert!(
        messages.contains("stdout could not be written"),
        "{messages}"
    );
}
