//! The script behind `action.yml`, with the real binary.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{Checkout, poll, shop};

/// The script as a step of a workflow runs it.
fn step(checkout: &Checkout, inputs: &[(&str, &str)]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/action/run");
    let inside = |path: &str| checkout.path().join(path);
    fs::create_dir_all(inside("temp")).unwrap();
    let mut command = Command::new("bash");
    command
        .arg(script)
        .current_dir(checkout.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(checkout.environment())
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", inside("output"))
        .env("RUNNER_TEMP", inside("temp"))
        .env("BIN", env!("CARGO_BIN_EXE_evenkeel"))
        .envs([("ENVIRONMENTS", ""), ("ARGS", ""), ("ACCEPT", "")])
        .envs(inputs.iter().copied());
    command
}

fn run(checkout: &Checkout, inputs: &[(&str, &str)]) -> Output {
    step(checkout, inputs).output().expect("bash runs")
}

fn told(checkout: &Checkout) -> String {
    fs::read_to_string(checkout.path().join("output")).unwrap_or_default()
}

#[test]
fn inputs_become_arguments() {
    let checkout = Checkout::shop("1.2.0");
    let inputs = [
        ("COMMAND", "plan"),
        ("ENVIRONMENTS", "prod\n  environments/prod.toml "),
        ("ARGS", "--sandbox\n--detailed-exitcode"),
    ];
    let output = run(&checkout, &inputs);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 to change."));
    let told = told(&checkout);
    assert!(told.contains("exit-code=2\n"), "{told}");
    let result = told
        .lines()
        .find_map(|line| line.strip_prefix("stdout-path="))
        .unwrap();
    assert_eq!(fs::read(result).unwrap(), output.stdout);
    // Not every code that is not 0 is a failure.
    let output = run(&checkout, &[&inputs[..], &[("ACCEPT", "2 4")]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn inputs_are_no_shell() {
    let checkout = Checkout::shop("1.2.0");
    let output = run(
        &checkout,
        &[
            ("COMMAND", "plan"),
            (
                "ENVIRONMENTS",
                "$(touch${IFS}pwned) `touch${IFS}pwned` ;touch${IFS}pwned e*",
            ),
            ("ACCEPT", "* $(touch${IFS}pwned)"),
        ],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!checkout.path().join("pwned").exists());
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains("there is no environment `e*`"), "{says}");
}

#[test]
fn a_promotion_goes_to_the_environment_that_is_named() {
    let checkout = Checkout::shop("1.2.0");
    let inputs = [
        ("COMMAND", "promote"),
        ("ENVIRONMENTS", "prod"),
        ("ARGS", "--from prdo"),
    ];
    let says = run(&checkout, &inputs).stderr;
    let says = String::from_utf8_lossy(&says);
    assert!(says.contains("there is no environment `prdo`"), "{says}");
}

#[test]
fn a_run_that_is_cancelled_ends_tidily() {
    let checkout = Checkout::empty().file("environments/prod.toml", shop("1.2.0"));
    let mut command = step(
        &checkout,
        &[
            ("COMMAND", "apply"),
            ("ENVIRONMENTS", "prod"),
            ("ARGS", "--sandbox"),
        ],
    );
    command.env("EVENKEEL_SANDBOX_SPEED", "0.01");
    let log = checkout.path().join("log");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    poll("the rollout", || {
        let log = fs::read_to_string(&log).ok()?;
        log.contains("rollout of revision").then_some(())
    });
    let sent = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(sent.success());
    let status = poll("the end", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    assert!(told(&checkout).contains("exit-code=130\n"));
}

#[test]
fn the_script_can_be_started() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/action/run");
    assert_eq!(
        fs::metadata(script).unwrap().permissions().mode() & 0o111,
        0o111
    );
}
