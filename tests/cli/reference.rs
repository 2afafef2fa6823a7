//! `docs/cli.md`: the help of every command, on one page.

use std::fmt::Write as _;
use std::path::Path;

use clap::Command;

/// Held current: whoever changes a command's help renews the page with it.
#[test]
fn the_reference_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let wanted = reference();
    if std::env::var_os("RENEW").is_some() {
        std::fs::write(&file, &wanted).expect("docs/cli.md is written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/cli.md is not what the help says; renew it with\n  \
         RENEW=1 cargo test --test cli the_reference_is_current\n{}",
        first_difference(&found, &wanted)
    );
}

/// Leaving out what all commands take must not lose what one command takes.
#[test]
fn every_command_and_option_is_in_the_reference() {
    let page = reference();
    let mut root = evenkeel::cli::command();
    root.build();
    visit(&root, &mut |command| {
        let name = typed(command);
        assert!(page.contains(&format!("# `{name}`\n")), "{name}");
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            if let Some(long) = arg.get_long() {
                assert!(page.contains(&format!("--{long}")), "{name} --{long}");
            }
        }
    });
}

fn reference() -> String {
    let mut root = evenkeel::cli::command();
    // So that each command is known by the whole line that calls it.
    root.build();
    let global: Vec<String> = root
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .filter_map(|arg| arg.get_long().map(str::to_owned))
        .collect();
    let mut page = "# Commands\n\n\
         What `evenkeel --help` says, and the help of each command. All commands take the\n\
         options of `evenkeel`, too, so these are said once.\n\n\
         This page is made by `tests/cli/reference.rs`; edit the help instead.\n"
        .to_owned();
    visit(&root, &mut |command| {
        let name = typed(command);
        let depth = "#".repeat(name.split(' ').count().max(2));
        // What all commands take is said once, at the top.
        let is_root = !name.contains(' ');
        let help = command
            .clone()
            .mut_args(|arg| {
                let said = arg
                    .get_long()
                    .is_some_and(|long| long == "help" || global.iter().any(|name| name == long));
                arg.hide(said && !is_root)
            })
            .term_width(80)
            .render_long_help()
            .to_string();
        let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        let _ = write!(
            page,
            "\n{depth} `{name}`\n\n```text\n{}\n```\n",
            lines.join("\n")
        );
    });
    page
}

/// What calls it.
fn typed(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

/// The command and all under it that help shows.
fn visit(command: &Command, see: &mut impl FnMut(&Command)) {
    see(command);
    let shown = |sub: &&Command| !sub.is_hide_set() && sub.get_name() != "help";
    for sub in command.get_subcommands().filter(shown) {
        visit(sub, see);
    }
}

fn first_difference(found: &str, wanted: &str) -> String {
    let mut lines = found.lines().zip(wanted.lines()).zip(1..);
    match lines.find(|((found, wanted), _)| found != wanted) {
        Some(((found, wanted), line)) => format!("line {line}\n- {found}\n+ {wanted}"),
        None => "one of them ends early".to_owned(),
    }
}
