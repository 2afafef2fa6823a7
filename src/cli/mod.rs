//! The command line: one file a command; its doc comment is its help.

mod apply;
mod branch;
mod check;
mod completions;
mod context;
mod create;
mod edit;
pub mod exit;
mod failure;
mod github;
mod history;
mod init;
mod log;
mod man;
mod plan;
mod promote;
mod provenance;
mod reconcile;
mod rollback;
mod sandbox;
mod saved;
mod schema;
mod set;
mod status;
mod wait;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgAction, CommandFactory as _, Parser, Subcommand, ValueEnum};

use failure::Failure;

/// Keeps Amazon ECS services exactly as Git declares them.
///
/// environments/prod.toml says which image a service should run. evenkeel shows
/// what differs from what runs, changes it only when something differs, and
/// waits until that very rollout is complete.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, max_term_width = 80, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do      4  timed out; the rollout goes on
  1  error, or blocked           5  stale plan, or another deployment won
  2  plan --detailed-exitcode:   64 wrong usage
     there are changes;          130 interrupted
     reconcile: some are left
  3  the rollout failed, or had failed before

Try it without an account:  evenkeel apply prod --sandbox";

#[derive(Debug, clap::Args)]
struct Global {
    /// Use the embedded sandbox instead of AWS.
    #[arg(long, global = true)]
    sandbox: bool,
    /// How to print the result; markdown is for plan and reconcile.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Show more: whole documents in a plan and each call in the log; twice for debugging.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Use no cache of task definition revisions.
    #[arg(long, global = true)]
    no_cache: bool,
    /// When to colour; NO_COLOR is honoured.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// How to print the log, on stderr.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log_format: log::LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    /// For a summary or a comment; of plan and reconcile alone.
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Args),
    Apply(apply::Args),
    Reconcile(reconcile::Args),
    Wait(wait::Args),
    Status(status::Args),
    History(history::Args),
    Init(init::Args),
    Check(check::Args),
    Set(set::Args),
    Rollback(rollback::Args),
    Promote(promote::Args),
    Sandbox(sandbox::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The whole command line: what help, completions, man pages and
/// `docs/cli.md` are made of.
pub fn command() -> clap::Command {
    Cli::command()
}

impl Command {
    fn has_markdown(&self) -> bool {
        matches!(self, Self::Plan(_) | Self::Reconcile(_))
    }
}

/// Runs the command line and prints whatever goes wrong.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(answered) = completions::answer(&args) {
        // A shell that asks has nowhere to show an error.
        let code = answered.map_or(exit::ERROR, |()| exit::DONE);
        return ExitCode::from(code);
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() {
                exit::USAGE
            } else {
                exit::DONE
            };
            // Nothing is left to tell when even this cannot be printed.
            let _ = if error.use_stderr() && crate::ui::in_github_actions() {
                crate::ui::message(&error.render().to_string())
            } else {
                error.print()
            };
            return ExitCode::from(code);
        }
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let format = cli.global.format;
    let code = match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            if format == Format::Json && failure.exit_code() != exit::USAGE {
                let _ = crate::ui::result(&failure.json());
            }
            let _ = crate::ui::message(&failure.text());
            github::failed(&failure);
            failure.exit_code()
        }
    };
    ExitCode::from(code)
}

fn run(cli: Cli) -> Result<u8, Failure> {
    if cli.global.format == Format::Markdown && !cli.command.has_markdown() {
        let only = "--format markdown is for plan and reconcile; this command has text and json";
        return Err(Failure::Usage(only.to_owned()));
    }
    log::start(cli.global.verbose, cli.global.log_format)?;
    // One thread is enough to wait for AWS, and starts faster than many.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::io("the runtime could not be started"))?;
    runtime.block_on(async {
        match cli.command {
            Command::Plan(args) => plan::run(args, &cli.global).await,
            Command::Apply(args) => apply::run(args, &cli.global).await,
            Command::Reconcile(args) => reconcile::run(args, &cli.global).await,
            Command::Wait(args) => wait::run(args, &cli.global).await,
            Command::Status(args) => status::run(args, &cli.global).await,
            Command::History(args) => history::run(args, &cli.global).await,
            Command::Init(args) => init::run(args, &cli.global).await,
            Command::Check(args) => check::run(args, &cli.global).await,
            Command::Set(args) => set::run(args, &cli.global).await,
            Command::Rollback(args) => rollback::run(args, &cli.global).await,
            Command::Promote(args) => promote::run(args, &cli.global).await,
            Command::Sandbox(args) => sandbox::run(args).await,
            Command::Schema(args) => schema::run(&args),
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
        }
    })
}
