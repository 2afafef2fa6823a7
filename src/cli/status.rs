use crate::live::{self, Status};
use crate::render::{status_text, statuses_json};

use super::context::{Environment, World, environments};
use super::failure::Failure;
use super::plan::{print, say};
use super::{Format, Global, exit};

/// Show what runs where, since when and from which commit; never writes.
///
/// Tells of each declared service its revision, images and tasks, and whether
/// a rollout is going on or failed. What differs from the files is for plan to
/// say.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of environments, or paths of files; without any, all of environments/.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// Only this service, by its name in the file; may be repeated.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let environments = environments(&args.environments, &args.services)?;
    let world = World::open(global)?;
    world.announce()?;
    let mut statuses = Vec::new();
    let mut code = exit::DONE;
    for (position, environment) in environments.iter().enumerate() {
        let status = look(&world, environment).await;
        if !status.as_ref().is_ok_and(Status::is_whole) {
            code = exit::ERROR;
        }
        match (&status, global.format) {
            (Ok(status), Format::Text | Format::Markdown) => {
                let gap = if position == 0 { "" } else { "\n" };
                print(&format!("{gap}{}", status_text(status)))?;
            }
            (Ok(_), Format::Json) => {}
            // One that cannot be read does not hide the others.
            (Err(failure), _) => say(&failure.text())?,
        }
        statuses.push(status.map_err(|failure| {
            let name = environment.desired.environment.clone();
            (name, failure.to_string(), failure.hint())
        }));
    }
    if global.format == Format::Json {
        print(&statuses_json(&statuses))?;
    }
    Ok(code)
}

async fn look(world: &World, environment: &Environment) -> Result<Status, Failure> {
    let desired = &environment.desired;
    let reader = world.connect(environment).await?.reader();
    reader
        .survey(|observed| live::status(desired, observed))
        .await
        .map_err(|error| Failure::Cloud {
            environment: desired.environment.clone(),
            error,
        })
}
