use std::path::{Path, PathBuf};

use crate::environment::{self, Desired, LoadError, mistakes_at};
use crate::plan::{Broken, check};
use crate::render::{Checked, checked_json, checked_text};
use crate::ui;

use super::context::once;
use super::failure::Failure;
use super::plan::{print, say};
use super::{Format, Global, exit};

/// Validate environment files by every rule that ECS is known to enforce.
///
/// Nothing is called: what is live is not known, so only what the files
/// declare is judged. All mistakes of all files come together.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of environments, or paths of files; without any, all of environments/.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let (paths, mut errors) = paths(&args.environments);
    let mut checked = Vec::new();
    for path in &paths {
        match environment::load(path) {
            Ok(desired) => checked.push(file(desired)),
            Err(error) => errors.push(error),
        }
    }
    if global.format == Format::Json {
        print(&checked_json(&checked, &errors))?;
    }
    for one in &checked {
        if one.is_right() {
            if global.format == Format::Text {
                print(&checked_text(one))?;
            }
        } else {
            errors.push(wrong(one));
        }
    }
    if errors.is_empty() {
        return Ok(exit::DONE);
    }
    let shown: Vec<String> = errors
        .iter()
        .map(|error| error.render(ui::styled_messages(), ui::width()))
        .collect();
    say(&shown.join("\n"))?;
    Ok(exit::ERROR)
}

/// The files that are meant, and why some are none.
fn paths(names: &[String]) -> (Vec<PathBuf>, Vec<LoadError>) {
    let root = Path::new("");
    if names.is_empty() {
        return match environment::all(root) {
            Ok(paths) => (paths, Vec::new()),
            Err(error) => (Vec::new(), vec![error]),
        };
    }
    let (mut paths, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        match environment::find(name, root) {
            Ok(path) => paths.push(path),
            Err(error) => errors.push(error),
        }
    }
    once(&mut paths);
    (paths, errors)
}

fn file(desired: Desired) -> Checked {
    Checked {
        broken: check(&desired),
        desired,
    }
}

/// The rules that a file breaks, as mistakes of its text.
fn wrong(checked: &Checked) -> LoadError {
    let mistake = |broken: &Broken| {
        let violation = &broken.violation;
        let message = format!("{}: {}", violation.path, violation.says);
        (broken.at.clone(), message, violation.hint.clone())
    };
    let found: Vec<_> = checked.broken.iter().map(mistake).collect();
    mistakes_at(&checked.desired.file, &found)
}
