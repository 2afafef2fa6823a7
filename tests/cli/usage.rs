//! Wrong usage, help and version.

use insta::assert_snapshot;

use crate::support::Checkout;

#[test]
fn wrong_usage_is_64_and_goes_to_stderr() {
    let checkout = Checkout::empty();
    for args in [
        "",
        "plann",
        "plan --frobnicate",
        "plan --format yaml",
        "plan --color sometimes",
        "plan --log-format xml",
        "plan --service",
        "apply",
        "apply prod --servce web",
        "apply --service web",
        "apply prod --plan plan.json",
        "apply --plan plan.json --service web",
        "apply --plan plan.json --force-new-deployment",
        "apply --plan plan.json --retry",
        "apply --plan plan.json --allow-older",
        "apply --plan",
        "apply prod --format markdown",
        "status --format markdown --sandbox",
        "wait prod --format markdown",
        "set prod web=:1 --format markdown",
        "apply prod --expect",
        "apply prod --expect 3f2a1b4c5d6",
        "apply prod --expect main",
        "set prod",
        "set prod web",
        "history prod",
        "history prod web --limit 0",
        "rollback prod",
        "rollback prod web --yes",
        "sandbox frobnicate",
        "sandbox push",
        "sandbox --port 99999",
        "sandbox --port http",
    ] {
        let ran = checkout.run(args);
        assert_eq!(ran.code(), Some(64), "{args}: {ran}");
        assert_eq!(ran.stdout, "", "{args}");
        assert!(!ran.stderr.is_empty(), "{args}");
    }
}

#[test]
fn wrong_usage_says_what_is_right() {
    let checkout = Checkout::empty();
    assert_snapshot!(checkout.run("plann"), @r#"
    ------- stderr -------
    error: unrecognized subcommand 'plann'

      tip: a similar subcommand exists: 'plan'

    Usage: evenkeel [OPTIONS] <COMMAND>

    For more information, try '--help'.
    [exit 64]
    "#);
    assert_snapshot!(checkout.run("apply"), @r#"
    ------- stderr -------
    error: the following required arguments were not provided:
      <ENV>...

    Usage: evenkeel apply <ENV>...

    For more information, try '--help'.
    [exit 64]
    "#);
    assert_snapshot!(checkout.run("apply prod --servce web"), @r#"
    ------- stderr -------
    error: unexpected argument '--servce' found

      tip: a similar argument exists: '--service'

    Usage: evenkeel apply --service <NAME> <ENV>...

    For more information, try '--help'.
    [exit 64]
    "#);
    assert_snapshot!(checkout.run("plan --format yaml"), @"
    ------- stderr -------
    error: invalid value 'yaml' for '--format <FORMAT>'
      [possible values: text, json, markdown]

    For more information, try '--help'.
    [exit 64]
    ");
}

#[test]
fn version_is_one_line() {
    let checkout = Checkout::empty();
    for flag in ["--version", "-V"] {
        let ran = checkout.run(flag);
        assert_eq!(
            ran.stdout,
            format!("evenkeel {}\n", env!("CARGO_PKG_VERSION"))
        );
        assert_eq!((ran.code(), ran.stderr.as_str()), (Some(0), ""));
    }
}

/// Nothing is read, made or asked before usage is known to be right.
#[test]
fn help_and_version_touch_nothing() {
    let checkout = Checkout::empty();
    for args in ["--version", "--help", "apply --help", "plann", "apply"] {
        checkout.run(args);
    }
    let left: Vec<_> = std::fs::read_dir(checkout.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn help_fits_eighty_columns() {
    let checkout = Checkout::empty();
    for command in commands(&evenkeel::cli::command(), "") {
        for flag in ["--help", "-h"] {
            let ran = checkout.run(&format!("{command} {flag}"));
            assert_eq!((ran.code(), ran.stderr.as_str()), (Some(0), ""));
            for line in ran.stdout.lines() {
                assert!(line.chars().count() <= 80, "{command} {flag}: {line}");
            }
        }
    }
}

/// Every command, as it is typed behind `evenkeel`.
fn commands(command: &clap::Command, typed: &str) -> Vec<String> {
    let under = command.get_subcommands().flat_map(|sub| {
        let typed = format!("{typed} {}", sub.get_name());
        commands(sub, &typed)
    });
    std::iter::once(typed.to_owned()).chain(under).collect()
}

#[test]
fn help_at_a_glance() {
    let checkout = Checkout::empty();
    assert_snapshot!(checkout.run("-h"), @"
    Keeps Amazon ECS services exactly as Git declares them

    Usage: evenkeel [OPTIONS] <COMMAND>

    Commands:
      plan         Show what differs between the files and what runs; never writes
      apply        Make what runs what the files say, and wait until it does
      reconcile    Make many environments what their files say, unattended; then
                   report
      wait         Wait for rollouts of what is declared, started by whomever; never
                   writes
      status       Show what runs where, since when and from which commit; never
                   writes
      history      Show what was deployed to a service, newest first, and how each
                   ended
      init         Write an environment file from services that run
      check        Validate environment files by every rule that ECS is known to
                   enforce
      set          Write another image into an environment file, and change no other
                   byte
      rollback     Write the images of an earlier revision into the environment file
      promote      Write the images that run healthily in one environment into
                   another's file
      sandbox      The embedded ECS, for trying and for tests
      schema       Print the JSON schema of environment files, for editors
      completions  Print completions for a shell, with the environments there are
      man          Print the man page, or write the pages of all commands
      help         Print this message or the help of the given subcommand(s)

    Options:
          --sandbox              Use the embedded sandbox instead of AWS
          --format <FORMAT>      How to print the result; markdown is for plan and
                                 reconcile [default: text] [possible values: text,
                                 json, markdown]
      -v, --verbose...           Show more: whole documents in a plan and each call
                                 in the log; twice for debugging
          --no-cache             Use no cache of task definition revisions
          --color <WHEN>         When to colour; NO_COLOR is honoured [default:
                                 auto] [possible values: auto, always, never]
          --log-format <FORMAT>  How to print the log, on stderr [default: text]
                                 [possible values: text, json]
      -h, --help                 Print help (see more with '--help')
      -V, --version              Print version

    Exit codes:
      0  done, or nothing to do      4  timed out; the rollout goes on
      1  error, or blocked           5  stale plan, or another deployment won
      2  plan --detailed-exitcode:   64 wrong usage
         there are changes;          130 interrupted
         reconcile: some are left
      3  the rollout failed, or had failed before

    Try it without an account:  evenkeel apply prod --sandbox
    [exit 0]
    ");
    assert_snapshot!(checkout.run("plan -h"), @"
    Show what differs between the files and what runs; never writes

    Usage: evenkeel plan [OPTIONS] [ENV]...

    Arguments:
      [ENV]...  Names of environments, or paths of files; without any, all of
                environments/

    Options:
          --service <NAME>       Only this service, by its name in the file; may be
                                 repeated
          --detailed-exitcode    Exit with 2 when there are changes
          --out <FILE>           Save the plan in this file, for apply --plan
          --allow-older          Plan also to overwrite what was deployed from a
                                 newer commit
          --show-values          Show values of environment variables, which are
                                 masked otherwise
          --sandbox              Use the embedded sandbox instead of AWS
          --format <FORMAT>      How to print the result; markdown is for plan and
                                 reconcile [default: text] [possible values: text,
                                 json, markdown]
      -v, --verbose...           Show more: whole documents in a plan and each call
                                 in the log; twice for debugging
          --no-cache             Use no cache of task definition revisions
          --color <WHEN>         When to colour; NO_COLOR is honoured [default:
                                 auto] [possible values: auto, always, never]
          --log-format <FORMAT>  How to print the log, on stderr [default: text]
                                 [possible values: text, json]
      -h, --help                 Print help (see more with '--help')
    [exit 0]
    ");
    assert_snapshot!(checkout.run("apply -h"), @"
    Make what runs what the files say, and wait until it does

    Usage: evenkeel apply [OPTIONS] [ENV]...

    Arguments:
      [ENV]...  Names of environments, or paths of files. They are applied in this
                order; one that fails ends the run

    Options:
          --service <NAME>        Only this service, by its name in the file; may be
                                  repeated
          --plan <FILE>           Carry out this plan, which `plan --out` saved:
                                  nothing if the files, the commit or what is live
                                  have moved on since
          --expect <HASH>         Change nothing unless the plan has this hash, as
                                  `plan` printed it
      -y, --yes                   Do not ask. Without a terminal nothing is asked
                                  either
          --force-new-deployment  Restart services that are in sync, too: a rollout
                                  of the revision that already runs
          --retry                 Try again what failed before, although nothing is
                                  declared otherwise
          --allow-older           Overwrite also what was deployed from a newer
                                  commit
          --sandbox               Use the embedded sandbox instead of AWS
          --format <FORMAT>       How to print the result; markdown is for plan and
                                  reconcile [default: text] [possible values: text,
                                  json, markdown]
      -v, --verbose...            Show more: whole documents in a plan and each call
                                  in the log; twice for debugging
          --no-cache              Use no cache of task definition revisions
          --color <WHEN>          When to colour; NO_COLOR is honoured [default:
                                  auto] [possible values: auto, always, never]
          --log-format <FORMAT>   How to print the log, on stderr [default: text]
                                  [possible values: text, json]
      -h, --help                  Print help (see more with '--help')
    [exit 0]
    ");
    assert_snapshot!(checkout.run("sandbox -h"), @"
    The embedded ECS, for trying and for tests

    Usage: evenkeel sandbox [OPTIONS] [COMMAND]

    Commands:
      reset  Forget everything; the next use starts anew
      push   Put an image into the sandbox's registry, or move its tag to a new one
      help   Print this message or the help of the given subcommand(s)

    Options:
          --port <PORT>          The loopback port to serve on; 0 takes a free one
                                 [default: 4566]
          --sandbox              Use the embedded sandbox instead of AWS
          --format <FORMAT>      How to print the result; markdown is for plan and
                                 reconcile [default: text] [possible values: text,
                                 json, markdown]
      -v, --verbose...           Show more: whole documents in a plan and each call
                                 in the log; twice for debugging
          --no-cache             Use no cache of task definition revisions
          --color <WHEN>         When to colour; NO_COLOR is honoured [default:
                                 auto] [possible values: auto, always, never]
          --log-format <FORMAT>  How to print the log, on stderr [default: text]
                                 [possible values: text, json]
      -h, --help                 Print help (see more with '--help')
    [exit 0]
    ");
}
