use crate::plan::Options;
use crate::render::planned_json;

use super::apply::{carry_out, listen};
use super::context::{World, environments};
use super::failure::{Failure, message};
use super::plan::{make, print, say, text};
use super::{Format, Global, exit};

/// Wait for rollouts of what is declared, started by whomever; never writes.
///
/// Services that run what is declared are done. A service that differs, and is
/// not on its way, is an error: nothing here would change it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of environments, or paths of files.
    #[arg(value_name = "ENV", required = true)]
    environments: Vec<String>,
    /// Only this service, by its name in the file; may be repeated.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let environments = environments(&args.environments, &args.services)?;
    let world = World::open(global)?;
    world.announce()?;
    let interrupt = listen();
    let several = environments.len() > 1;
    let mut code = exit::DONE;
    for environment in &environments {
        let plan = make(&world, environment, Options::default(), true).await?;
        match global.format {
            Format::Text | Format::Markdown => print(&text(&plan, global, false))?,
            Format::Json => print(&planned_json(&plan))?,
        }
        let (under_way, others) = plan.under_way();
        let ended = carry_out(
            &world,
            environment,
            &under_way,
            several,
            global,
            interrupt.clone(),
        )
        .await?;
        code = if code == exit::DONE { ended } else { code };
        if others.is_empty() {
            continue;
        }
        let hint = format!(
            "`evenkeel plan {}` shows what differs, and why",
            plan.environment()
        );
        let error = format!(
            "{} will not become what is declared by waiting",
            others.join(", ")
        );
        say(&message(&error, Some(&hint)))?;
        code = if code == exit::DONE {
            exit::ERROR
        } else {
            code
        };
    }
    Ok(code)
}
