use std::path::{Path, PathBuf};

use crate::environment::{self, Desired, LoadError, Location, mistakes_at};
use crate::plan::{Online, check, online};
use crate::render::{Checked, absent_error, checked_json, checked_text, unknown_text};
use crate::ui;

use super::context::{Environment, World, once};
use super::failure::Failure;
use super::plan::{print, say};
use super::{Format, Global, exit};

/// Validate environment files by every rule that ECS is known to enforce.
///
/// Nothing is called: what is live is not known, so only what the files
/// declare is judged. All mistakes of all files come together. With --online
/// AWS is asked, too, whether what they name is there; nothing is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of environments, or paths of files; without any, all of environments/.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// Also ask AWS whether services, images, secrets, log groups and target
    /// groups are there.
    #[arg(long)]
    online: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let (paths, mut errors) = paths(&args.environments);
    let mut checked = Vec::new();
    for path in &paths {
        match environment::load(path) {
            Ok(desired) => checked.push(Checked {
                broken: check(&desired),
                desired,
                online: None,
            }),
            Err(error) => errors.push(error),
        }
    }
    let mut failures = Vec::new();
    if args.online {
        let world = World::open(global)?;
        world.announce()?;
        for one in &mut checked {
            match look(&world, &one.desired).await {
                Ok(online) => one.online = Some(online),
                Err(failure) => failures.push(failure),
            }
        }
    }
    if global.format == Format::Json {
        let failures: Vec<_> = failures.iter().map(|f| (f.to_string(), f.hint())).collect();
        print(&checked_json(&checked, &errors, &failures))?;
    }
    for one in &checked {
        let wrong = wrong(one);
        let looked = args.online == one.online.is_some();
        if wrong.is_empty() && looked && global.format == Format::Text {
            print(&checked_text(one))?;
        }
        if !wrong.is_empty() {
            errors.push(mistakes_at(&one.desired.file, &wrong));
        }
        say(&unknown_text(one))?;
    }
    let shown: Vec<String> = errors
        .iter()
        .map(|error| error.render(ui::styled_messages(), ui::width()))
        .chain(failures.iter().map(Failure::text))
        .collect();
    if shown.is_empty() {
        return Ok(exit::DONE);
    }
    say(&shown.join("\n"))?;
    Ok(exit::ERROR)
}

async fn look(world: &World, desired: &Desired) -> Result<Online, Failure> {
    let reader = world
        .connect(&Environment::whole(desired.clone()))
        .await?
        .reader();
    reader
        .survey(|observed| online(desired, observed))
        .await
        .map_err(|error| Failure::Cloud {
            environment: desired.environment.clone(),
            error,
        })
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

/// The rules that a file breaks, and what it names that is not there.
fn wrong(checked: &Checked) -> Vec<(Location, String, Option<String>)> {
    let broken = checked.broken.iter().map(|broken| {
        let violation = &broken.violation;
        let message = format!("{}: {}", violation.path, violation.says);
        (broken.at.clone(), message, violation.hint.clone())
    });
    let missing = checked.missing().map(|absent| {
        let (message, hint) = absent_error(absent);
        (absent.at.clone(), message, hint)
    });
    broken.chain(missing).collect()
}
