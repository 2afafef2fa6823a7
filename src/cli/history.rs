use crate::live::{self, Problem};
use crate::render::{history_json, history_text};

use super::context::{World, environments};
use super::failure::Failure;
use super::plan::print;
use super::{Format, Global, exit};

/// Show what was deployed to a service, newest first, and how each ended.
///
/// Tells of each deployment its time, revision, images, commit, outcome, how
/// long it took, and who registered the revision. ECS keeps this record for 90
/// days; where there is none, the newest revisions are shown instead. Never
/// writes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the environment, or path of the file.
    #[arg(value_name = "ENV")]
    environment: String,
    /// The service, by its name in the file.
    service: String,
    /// How many to show, at most 20.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=20))]
    limit: u8,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let environments = environments(&[args.environment], std::slice::from_ref(&args.service))?;
    let world = World::open(global)?;
    world.announce()?;
    let mut code = exit::DONE;
    for environment in &environments {
        let desired = &environment.desired;
        let reader = world.connect(environment).await?.reader();
        for service in &desired.services {
            let told = reader
                .survey(|observed| live::history(service, args.limit.into(), observed))
                .await
                .map_err(|error| Failure::Cloud {
                    environment: desired.environment.clone(),
                    error,
                })?;
            let history = told.map_err(|problem| untold(&service.name, &problem))?;
            print(&match global.format {
                Format::Text | Format::Markdown => history_text(desired, &history),
                Format::Json => history_json(desired, &history),
            })?;
            if !history.is_whole() {
                code = exit::ERROR;
            }
        }
    }
    Ok(code)
}

pub(super) fn untold(service: &str, problem: &Problem) -> Failure {
    let (why, hint) = crate::render::problem_error(problem);
    Failure::Service {
        service: service.to_owned(),
        why,
        hint,
    }
}
