use crate::plan::{Block, Options, Plan, Verdict, plan};
use crate::render::{Detail, hash_text, plan_text, plans_json};
use crate::ui;

use super::context::{Environment, World, environments};
use super::failure::Failure;
use super::provenance;
use super::{Format, Global, exit};

/// Show what differs between the files and what runs; never writes.
///
/// Compares each service's declared images with its live task definition. Tags
/// are looked up in ECR, so a moved tag is a difference.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of environments, or paths of files; without any, all of environments/.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// Only this service, by its name in the file; may be repeated.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Exit with 2 when there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Plan also to overwrite what was deployed from a newer commit.
    #[arg(long)]
    allow_older: bool,
    /// Show values of environment variables, which are masked otherwise.
    #[arg(long)]
    show_values: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let environments = environments(&args.environments, &args.services)?;
    let world = World::open(global)?;
    world.announce()?;
    let mut plans = Vec::new();
    for environment in &environments {
        let plan = make(&world, environment, Options::default(), args.allow_older).await?;
        if global.format == Format::Text {
            let gap = if plans.is_empty() { "" } else { "\n" };
            let text = text(&plan, global, args.show_values);
            print(&format!("{gap}{text}{}", hash_text(&plan)))?;
        }
        plans.push(plan);
    }
    if global.format == Format::Json {
        print(&plans_json(&plans))?;
    }
    hint_at_reset(&world, &plans)?;
    let counts: Vec<_> = plans.iter().map(Plan::count).collect();
    Ok(if counts.iter().any(|count| count.blocked > 0) {
        exit::ERROR
    } else if counts.iter().any(|count| count.failed_before > 0) {
        exit::FAILED
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
    environment: &Environment,
    options: Options<'_>,
    allow_older: bool,
) -> Result<Plan, Failure> {
    let reader = world.connect(environment).await?.reader();
    let desired = &environment.desired;
    let provenance = provenance::of(desired).await;
    let options = Options {
        provenance: provenance.as_ref(),
        ..options
    };
    let plan = reader
        .survey(|observed| plan(desired, observed, options))
        .await
        .map_err(|error| Failure::Cloud {
            environment: desired.environment.clone(),
            error,
        })?;
    Ok(match provenance.and_then(|provenance| provenance.commit) {
        Some(ours) if !allow_older => {
            let newer = provenance::newer(desired, &ours, plan.overwrites()).await;
            plan.refuse_older(&ours, &newer)
        }
        _ => plan,
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

/// A sandbox has the services that were declared when it was made.
pub(super) fn hint_at_reset(world: &World, plans: &[Plan]) -> Result<(), Failure> {
    let missing = |block: &Block| matches!(block, Block::ServiceMissing { .. });
    let any = plans
        .iter()
        .flat_map(Plan::services)
        .any(|service| match &service.verdict {
            Verdict::Blocked(blocks) => blocks.iter().any(missing),
            _ => false,
        });
    if world.is_sandbox() && any {
        say(
            "the sandbox has the services of its first run; `evenkeel sandbox reset` starts anew\n",
        )?;
    }
    Ok(())
}

pub(super) fn say(text: &str) -> Result<(), Failure> {
    ui::message(text).map_err(Failure::io("stderr could not be written"))
}
