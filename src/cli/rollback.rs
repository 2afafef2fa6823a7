use std::path::Path;

use crate::environment::{Draft, Edit, LoadError, find};
use crate::plan::{Back, Named, back};
use crate::render::{edits_json, edits_text};

use super::apply::{How, deploy};
use super::context::{Environment, World, narrow};
use super::edit::write;
use super::failure::Failure;
use super::plan::{print, say};
use super::{Format, Global, exit};

/// Write the images of an earlier revision into the environment file.
///
/// Without --to they are those that were healthy before what the file declares,
/// as ECS's history tells. Only the file is changed, and no other byte of it:
/// commit it, then apply it. --now applies it at once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the environment, or path of the file.
    #[arg(value_name = "ENV")]
    environment: String,
    /// The service, by its name in the file.
    service: String,
    /// The revision to go back to: its number, or FAMILY:NUMBER.
    #[arg(long, value_name = "REVISION")]
    to: Option<Named>,
    /// Apply it at once, too, and wait for the rollout.
    #[arg(long)]
    now: bool,
    /// With --now: do not ask. Without a terminal nothing is asked either.
    #[arg(short, long, requires = "now")]
    yes: bool,
    /// With --now: try again what failed before.
    #[arg(long, requires = "now")]
    retry: bool,
    /// With --now: overwrite also what was deployed from a newer commit.
    #[arg(long, requires = "now")]
    allow_older: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let mistaken = |error: LoadError| Failure::Environment(vec![error]);
    let path = find(&args.environment, Path::new("")).map_err(mistaken)?;
    let draft = Draft::open(&path).map_err(mistaken)?;
    let services = [args.service.clone()];
    let environment = narrow(draft.desired().clone(), &services)?;
    let world = World::open(global)?;
    world.announce()?;
    let found = look(&world, &environment, &args.service, args.to.as_ref()).await?;
    let edits = found
        .images
        .iter()
        .map(|(container, image)| {
            let slot = draft.find(&args.service, container.as_deref())?;
            let to = image.clone();
            Ok(Edit { slot, to })
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(mistaken)?;
    write(&draft, &edits)?;
    let desired = draft.desired();
    let (file, revision) = (&desired.file, &found.revision);
    match global.format {
        Format::Text | Format::Markdown => print(&format!(
            "{}: back to the images of revision {} of {}\n\n{}",
            args.service,
            revision.revision(),
            revision.family(),
            edits_text(&edits)
        ))?,
        Format::Json => print(&edits_json(
            &desired.environment,
            file,
            &edits,
            Some(revision),
        ))?,
    }
    if found.failed {
        say(&format!(
            "note: the last rollout of revision {} failed\n",
            revision.revision()
        ))?;
    }
    let changed = edits.iter().any(Edit::changes);
    if !args.now {
        if changed {
            say(&format!(
                "commit it, and `evenkeel apply {} --service {}` deploys it\n",
                args.environment, args.service
            ))?;
        }
        return Ok(exit::DONE);
    }
    if global.format == Format::Text {
        print("\n")?;
    }
    // What is applied is the file, as it is now.
    let written = Draft::open(&path).map_err(mistaken)?;
    let environments = [narrow(written.desired().clone(), &services)?];
    let how = How {
        yes: args.yes,
        restart: false,
        retry: args.retry,
        allow_older: args.allow_older,
    };
    let ended = deploy(&world, &environments, how, global).await;
    if changed {
        say(&match ended {
            Ok(exit::DONE) => format!("commit {file}, so that Git says what runs\n"),
            _ => format!("{file} stays as it was written: commit it, or take it back\n"),
        })?;
    }
    ended
}

async fn look(
    world: &World,
    environment: &Environment,
    service: &str,
    named: Option<&Named>,
) -> Result<Back, Failure> {
    let desired = &environment.desired;
    let reader = world.connect(environment).await?.reader();
    let declared = desired.services.iter().find(|one| one.name == service);
    let declared = declared.ok_or_else(|| Failure::NoSuchService {
        file: desired.file.clone(),
        name: service.to_owned(),
        there_are: Vec::new(),
    })?;
    reader
        .survey(|observed| back(declared, named, observed))
        .await
        .map_err(|error| Failure::Cloud {
            environment: desired.environment.clone(),
            error,
        })?
        .map_err(|no_way| Failure::Service {
            service: service.to_owned(),
            hint: no_way.hint(&desired.environment, service),
            why: no_way.to_string(),
        })
}
