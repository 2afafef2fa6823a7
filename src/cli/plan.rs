use crate::plan::{Options, Plan, plan};
use crate::render::{Detail, plan_text, plans_json};
use crate::{environment::Desired, ui};

use super::context::{World, environments};
use super::failure::Failure;
use super::{Format, Global, exit};

/// Show what differs between the files and what runs; never writes.
///
/// Compares each service's declared images with its live task definition. Tags
/// are looked up in ECR, so a moved tag is a difference.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environments by name, or files; all of environments/ when none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// Only this service, by its name in the file; may be repeated.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Exit with 2 when there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Show values of environment variables, which are masked else.
    #[arg(long)]
    show_values: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let desired = environments(&args.environments, &args.services)?;
    let world = World::open(global)?;
    world.announce()?;
    let mut plans = Vec::new();
    for desired in &desired {
        let plan = make(&world, desired, Options::default()).await?;
        if global.format == Format::Text {
            let gap = if plans.is_empty() { "" } else { "\n" };
            print(&format!("{gap}{}", text(&plan, global, args.show_values)))?;
        }
        plans.push(plan);
    }
    if global.format == Format::Json {
        print(&plans_json(&plans))?;
    }
    let counts: Vec<_> = plans.iter().map(Plan::count).collect();
    Ok(if counts.iter().any(|count| count.blocked > 0) {
        exit::ERROR
    } else if args.detailed_exitcode && counts.iter().any(|count| count.change > 0) {
        exit::CHANGES
    } else {
        exit::DONE
    })
}

/// Makes the plan for one environment. Only reads: all that is asked for is a
/// reader.
pub(super) async fn make(
    world: &World,
    desired: &Desired,
    options: Options,
) -> Result<Plan, Failure> {
    let reader = world.connect(desired).await?.reader();
    reader
        .survey(|observed| plan(desired, observed, options))
        .await
        .map_err(|error| Failure::Cloud {
            environment: desired.environment.clone(),
            error,
        })
}

pub(super) fn text(plan: &Plan, global: &Global, values: bool) -> String {
    plan_text(
        plan,
        Detail {
            documents: global.verbose > 0,
            values,
        },
    )
}

pub(super) fn print(text: &str) -> Result<(), Failure> {
    ui::result(text).map_err(Failure::io("stdout could not be written"))
}
