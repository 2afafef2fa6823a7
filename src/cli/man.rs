use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap::builder::Resettable::Reset;
use clap_mangen::Man;

use super::failure::Failure;
use super::plan::print;
use super::{command, exit};

/// Print the man page, or write the pages of all commands.
///
/// `evenkeel man | man -l -` shows it. `--out` writes evenkeel.1,
/// evenkeel-plan.1 and so on, for a folder such as ~/.local/share/man/man1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write one page for each command into this folder instead.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let mut command = command().disable_help_subcommand(true);
    command.build();
    match &args.out {
        None => {
            let page = page(&command).map_err(Failure::io("the page could not be made"))?;
            print(&String::from_utf8_lossy(&page))?;
        }
        Some(folder) => write(&command, folder).map_err(Failure::io(format!(
            "{} could not be written to",
            folder.display()
        )))?,
    }
    Ok(exit::DONE)
}

fn write(command: &Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    fs::write(folder.join(format!("{name}.1")), page(command)?)?;
    let mut shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    shown.try_for_each(|sub| write(sub, folder))
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    // The crate would fill it like a paragraph, and its columns be lost.
    let after = command.get_after_long_help();
    let after = after.or_else(|| command.get_after_help()).cloned();
    let bare = command.clone().after_help(Reset).after_long_help(Reset);
    let mut page = Vec::new();
    Man::new(bare)
        .source(concat!("evenkeel ", env!("CARGO_PKG_VERSION")))
        .render(&mut page)?;
    if let Some(text) = after {
        page.extend(b".SH NOTES\n.nf\n");
        for line in text.to_string().lines() {
            page.extend(verbatim(line).bytes());
        }
        page.extend(b".fi\n");
    }
    Ok(page)
}

/// A line that roff takes as it is.
fn verbatim(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    let guard = if line.starts_with(['.', '\'']) {
        "\\&"
    } else {
        ""
    };
    format!("{guard}{line}\n")
}
