use std::path::PathBuf;

use crate::model::Commit;
use crate::plan::{Block, MadeFrom, Options, Plan, Saved, Verdict, plan};
use crate::render::{Detail, Reviewed, hash_text, plan_text, plans_json, plans_markdown};
use crate::ui;

use super::context::{Environment, World, environments};
use super::failure::Failure;
use super::github;
use super::provenance;
use super::saved::save;
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
    /// Save the plan in this file, for apply --plan.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
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
    let (mut plans, mut saved) = (Vec::new(), Vec::new());
    for environment in &environments {
        let options = Options::default();
        let (plan, commit) = make_from(&world, environment, options, args.allow_older).await?;
        saved.push(plan.saved(MadeFrom {
            desired: &environment.desired,
            commit: commit.as_ref(),
            only: &args.services,
            allow_older: args.allow_older,
        }));
        if global.format == Format::Text {
            let gap = if plans.is_empty() { "" } else { "\n" };
            let text = text(&plan, global, args.show_values);
            print(&format!("{gap}{text}{}", hash_text(&plan)))?;
        }
        github::blocked(&environment.desired, &plan);
        plans.push(plan);
    }
    match global.format {
        // Shown as they were made.
        Format::Text => {}
        Format::Json => print(&plans_json(&plans))?,
        Format::Markdown => {
            let reviewed: Vec<Reviewed<'_>> = environments
                .iter()
                .zip(&plans)
                .map(|(environment, plan)| Reviewed {
                    plan,
                    apply: apply(environment, &args),
                    values: args.show_values,
                })
                .collect();
            print(&plans_markdown(&reviewed))?;
        }
    }
    if let Some(file) = &args.out {
        save(file, &Saved::new(saved))?;
        let file = file.display();
        let then = if plans.iter().any(Plan::is_approvable) {
            format!("; `evenkeel apply --plan {file}` carries it out")
        } else {
            String::new()
        };
        say(&format!("saved as {file}{then}\n"))?;
    }
    github::planned(&plans, args.out.as_deref());
    hint_at_reset(&world, &plans)?;
    let counts: Vec<_> = plans.iter().map(Plan::count).collect();
    Ok(if counts.iter().any(|count| count.blocked > 0) {
        exit::ERROR
    } else if counts.iter().any(|count| count.failed_before > 0) {
        exit::FAILED
    } else if args.detailed_exitcode
        && counts
            .iter()
            .any(|count| count.change + count.suspended > 0)
    {
        exit::CHANGES
    } else {
        exit::DONE
    })
}

/// The command that applies what was planned.
fn apply(environment: &Environment, args: &Args) -> Vec<String> {
    let desired = &environment.desired;
    let by_name = format!("environments/{}.toml", desired.environment);
    let name = if desired.file == by_name {
        &desired.environment
    } else {
        &desired.file
    };
    let mut words = vec!["evenkeel".to_owned(), "apply".to_owned(), name.clone()];
    for service in &args.services {
        words.extend(["--service".to_owned(), service.clone()]);
    }
    if args.allow_older {
        words.push("--allow-older".to_owned());
    }
    words
}

/// Makes the plan for one environment. Only reads: all that is asked for is a
/// reader.
pub(super) async fn make(
    world: &World,
    environment: &Environment,
    options: Options<'_>,
    allow_older: bool,
) -> Result<Plan, Failure> {
    let (plan, _) = make_from(world, environment, options, allow_older).await?;
    Ok(plan)
}

/// The same, with the commit that it is made from, where that is known.
pub(super) async fn make_from(
    world: &World,
    environment: &Environment,
    options: Options<'_>,
    allow_older: bool,
) -> Result<(Plan, Option<Commit>), Failure> {
    let reader = world.connect(environment).await?.reader();
    let desired = &environment.desired;
    let provenance = provenance::of(desired).await;
    let options = Options {
        provenance: provenance.as_ref(),
        now: Some(jiff::Timestamp::now().as_second()),
        ..options
    };
    let plan = reader
        .survey(|observed| plan(desired, observed, options))
        .await
        .map_err(|error| Failure::Cloud {
            environment: desired.environment.clone(),
            error,
        })?;
    let commit = provenance.and_then(|provenance| provenance.commit);
    let plan = match &commit {
        Some(ours) if !allow_older => {
            let newer = provenance::newer(desired, ours, plan.overwrites()).await;
            plan.refuse_older(ours, &newer)
        }
        _ => plan,
    };
    Ok((plan, commit))
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
