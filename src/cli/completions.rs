use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;

use clap::{Arg, Command, ValueEnum};
use clap_complete::engine::ValueCompleter as _;
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use clap_complete::{ArgValueCompleter, CompletionCandidate, PathCompleter};

use crate::environment;

use super::failure::Failure;
use super::plan::print;
use super::{command, exit};

/// Print completions for a shell, with the environments there are
///
/// Load it where the shell starts, and not from a copy: it then fits the
/// evenkeel that is installed.
///
///   bash, in ~/.bashrc:  source <(evenkeel completions bash)
///   zsh, in ~/.zshrc:    source <(evenkeel completions zsh)
///   fish, in ~/.config/fish/completions/evenkeel.fish:
///                        evenkeel completions fish | source
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// Set by what is printed here when it asks for completions; its value is the
/// shell.
const ASKED_BY: &str = "EVENKEEL_COMPLETE";

pub fn run(args: &Args) -> Result<u8, Failure> {
    let mut script = Vec::new();
    completer(args.shell)
        .write_registration(ASKED_BY, "evenkeel", "evenkeel", "evenkeel", &mut script)
        .map_err(Failure::io("the script could not be made"))?;
    print(&String::from_utf8_lossy(&script))?;
    Ok(exit::DONE)
}

/// Answers a shell that asks what could come next; `None` when none asks. The
/// words of the line come behind `--`.
pub fn answer(args: &[OsString]) -> Option<io::Result<()>> {
    let asked_by = env::var(ASKED_BY).ok()?;
    let shell = Shell::from_str(&asked_by, false).ok()?;
    let words = args.iter().skip_while(|arg| *arg != "--").skip(1);
    let mut found = Vec::new();
    let written = completer(shell).write_complete(
        &mut offering(command()),
        words.cloned().collect(),
        None,
        &mut found,
    );
    Some(written.and_then(|()| io::stdout().write_all(&found)))
}

fn completer(shell: Shell) -> &'static dyn EnvCompleter {
    match shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    }
}

/// Every argument that its command calls ENV offers the environments.
fn offering(command: Command) -> Command {
    let is_environment = |arg: &Arg| {
        arg.get_value_names()
            .is_some_and(|names| names.iter().any(|name| name == "ENV"))
    };
    command
        .mut_args(|arg| {
            if is_environment(&arg) {
                arg.add(ArgValueCompleter::new(environments))
            } else {
                arg
            }
        })
        .mut_subcommands(offering)
}

/// The names of the environments here; files, for what looks like a path.
/// Where there is nothing to read, there is nothing to offer.
fn environments(begun: &OsStr) -> Vec<CompletionCandidate> {
    let text = begun.to_string_lossy();
    if text.contains('/') {
        let is_environment = |path: &Path| path.extension().is_some_and(|ending| ending == "toml");
        return PathCompleter::any().filter(is_environment).complete(begun);
    }
    environment::names(Path::new(""))
        .unwrap_or_default()
        .into_iter()
        .filter(|name| name.starts_with(&*text))
        .map(CompletionCandidate::new)
        .collect()
}
