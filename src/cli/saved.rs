//! Saved plans: written, read, and made anew to see whether they still hold.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use crate::environment::{self, LoadError};
use crate::plan::{
    Moved, NoPlan, Options, Plan, Saved, SavedPlan, carried_out, moved_files, moved_here,
    moved_there,
};
use crate::render::moved_text;

use super::context::{Environment, World, narrow};
use super::failure::Failure;
use super::plan::make_from;
use super::provenance;

/// Some ten thousand services; past it the file is something else.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Writes a plan, all of it or nothing.
pub(super) fn save(path: &Path, saved: &Saved) -> Result<(), Failure> {
    let cannot = || format!("the plan could not be saved as {}", path.display());
    let text = saved
        .text()
        .map_err(|error| Failure::io(cannot())(io::Error::other(error)))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    // What is no ordinary file, such as a pipe, is written to as it is.
    let special = fs::metadata(path).is_ok_and(|there| !there.is_file());
    let written = if special || path.is_symlink() {
        fs::write(path, &text)
    } else {
        fs::write(&aside, &text).and_then(|()| fs::rename(&aside, path))
    };
    written.map_err(|error| {
        // When it was not written there is nothing to remove.
        let _ = fs::remove_file(&aside);
        Failure::io(cannot())(error)
    })
}

/// Reads a saved plan.
pub(super) fn open(path: &Path) -> Result<Saved, Failure> {
    let file = path.display().to_string();
    let bytes = read(path).map_err(Failure::io(format!("{file} could not be read")))?;
    let no_plan = |why| Failure::NoPlan {
        file: file.clone(),
        why,
    };
    let text = String::from_utf8(bytes).map_err(|_| no_plan(NoPlan::Foreign))?;
    Saved::read(&text).map_err(no_plan)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 64 MiB, so no plan"));
    }
    Ok(bytes)
}

/// A saved plan that was made anew.
pub(super) struct Again {
    pub environment: Environment,
    pub plan: Plan,
    /// How many of its changes need not be made any more, and how many it has.
    pub carried_out: (usize, usize),
}

/// Makes every environment's plan anew, from the same files.
///
/// # Errors
/// [`Failure::Moved`] with all that is not as it was, in any of them; or why a
/// plan could not be made.
pub(super) async fn again(world: &World, file: &str, saved: &Saved) -> Result<Vec<Again>, Failure> {
    let several = saved.environments.len() > 1;
    let (mut plans, mut differences) = (Vec::new(), Vec::new());
    for then in &saved.environments {
        match one_again(world, then).await? {
            Ok(again) => plans.push(again),
            Err(moved) => differences.extend(moved.iter().map(|moved| {
                let text = moved_text(moved);
                if several {
                    format!("{}: {text}", then.environment)
                } else {
                    text
                }
            })),
        }
    }
    if differences.is_empty() {
        return Ok(plans);
    }
    let names: Vec<&str> = saved
        .environments
        .iter()
        .map(|then| then.environment.as_str())
        .collect();
    Err(Failure::Moved {
        what: format!("{file} was not carried out: not all is as it was when it was saved"),
        differences,
        hint: format!(
            "`evenkeel plan {} --out FILE` plans anew; have that reviewed",
            names.join(" ")
        ),
    })
}

async fn one_again(world: &World, then: &SavedPlan) -> Result<Result<Again, Vec<Moved>>, Failure> {
    let desired = match environment::load(Path::new(&then.file)) {
        Ok(desired) => desired,
        // What is wrong with a file that was edited since is not the point.
        Err(error) => return files_moved(then, error).map(Err),
    };
    let commit = provenance::of(&desired)
        .await
        .and_then(|provenance| provenance.commit);
    let mut moved = moved_here(then, &desired, commit.as_ref());
    let same_place = then.account == desired.account && then.region == desired.region;
    let environment = match narrow(desired, &then.only) {
        Ok(environment) => environment,
        Err(_) if !moved.is_empty() => return Ok(Err(moved)),
        Err(failure) => return Err(failure),
    };
    if !same_place {
        return Ok(Err(moved));
    }
    let here = moved.is_empty();
    match compare(world, &environment, then, here).await {
        Ok((plan, there)) => {
            moved.extend(there);
            if moved.is_empty() {
                let carried_out = carried_out(then, &plan);
                return Ok(Ok(Again {
                    environment,
                    plan,
                    carried_out,
                }));
            }
        }
        Err(failure) if here => return Err(failure),
        Err(failure) => moved.push(Moved::Unseen {
            why: failure.to_string(),
        }),
    }
    Ok(Err(moved))
}

/// Which of the files moved on; the error where none did.
fn files_moved(then: &SavedPlan, error: LoadError) -> Result<Vec<Moved>, Failure> {
    let moved = moved_files(&then.files, |file| environment::original(file).ok());
    if moved.is_empty() {
        Err(Failure::Environment(vec![error]))
    } else {
        Ok(moved)
    }
}

async fn compare(
    world: &World,
    environment: &Environment,
    then: &SavedPlan,
    same_files: bool,
) -> Result<(Plan, Vec<Moved>), Failure> {
    let options = Options::default();
    let (plan, _) = make_from(world, environment, options, then.allow_older).await?;
    let reader = world.connect(environment).await?.reader();
    let moved = reader
        .survey(|observed| moved_there(then, &plan, same_files, observed))
        .await
        .map_err(|error| Failure::Cloud {
            environment: then.environment.clone(),
            error,
        })?;
    Ok((plan, moved))
}
