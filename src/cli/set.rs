use std::path::Path;

use crate::environment::{Draft, Edit, LoadError, find, image_for};
use crate::observed::all;
use crate::plan::pinned;
use crate::render::{block_error, edits_json, edits_text};

use super::context::{Environment, World};
use super::edit::write;
use super::failure::Failure;
use super::plan::{print, say};
use super::{Format, Global, exit};

/// Write another image into an environment file, and change no other byte.
///
/// Comments, spacing, quotes and line ends stay as they are. All of the images
/// are set, or none. Nothing is deployed: commit the file, then apply it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the environment, or path of the file.
    #[arg(value_name = "ENV")]
    environment: String,
    /// What to set, by its name in the file. IMAGE is a whole reference; or
    /// :TAG, @DIGEST or :TAG@DIGEST, which keep the repository.
    #[arg(value_name = "SERVICE[/CONTAINER]=IMAGE", required = true, value_parser = assignment)]
    assignments: Vec<Assignment>,
    /// Ask ECR for the tag's digest and write REPOSITORY:TAG@DIGEST.
    #[arg(long)]
    resolve: bool,
}

#[derive(Debug, Clone)]
struct Assignment {
    service: String,
    container: Option<String>,
    image: String,
}

fn assignment(text: &str) -> Result<Assignment, String> {
    let (place, image) = text
        .split_once('=')
        .ok_or("it has no =, as in web=:1.4.2")?;
    let (service, container) = match place.split_once('/') {
        Some((service, container)) => (service, Some(container.to_owned())),
        None => (place, None),
    };
    if service.is_empty() || container.as_deref() == Some("") {
        return Err("a name is missing before the =".to_owned());
    }
    Ok(Assignment {
        service: service.to_owned(),
        container,
        image: image.to_owned(),
    })
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let mistaken = |error: LoadError| Failure::Environment(vec![error]);
    let path = find(&args.environment, Path::new("")).map_err(mistaken)?;
    let draft = Draft::open(&path).map_err(mistaken)?;
    let (mut edits, mut errors) = (Vec::new(), Vec::new());
    for assignment in &args.assignments {
        match edit(&draft, assignment) {
            Ok(edit) => edits.push(edit),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(Failure::Environment(errors));
    }
    if args.resolve {
        edits = resolve(&draft, edits, global).await?;
    }
    write(&draft, &edits)?;
    let desired = draft.desired();
    match global.format {
        Format::Text | Format::Markdown => print(&edits_text(&edits))?,
        Format::Json => print(&edits_json(
            &desired.environment,
            &desired.file,
            &edits,
            None,
        ))?,
    }
    if edits.iter().any(Edit::changes) {
        say(&format!(
            "commit it, and `evenkeel apply {}` deploys it\n",
            args.environment
        ))?;
    }
    Ok(exit::DONE)
}

fn edit(draft: &Draft, assignment: &Assignment) -> Result<Edit, LoadError> {
    let slot = draft.find(&assignment.service, assignment.container.as_deref())?;
    let to = image_for(&slot, &assignment.image)?;
    Ok(Edit { slot, to })
}

/// The same edits with the digests that the tags have now. All that cannot be
/// resolved is told together.
async fn resolve(draft: &Draft, edits: Vec<Edit>, global: &Global) -> Result<Vec<Edit>, Failure> {
    let outside: Vec<LoadError> = edits
        .iter()
        .filter(|edit| edit.to.ecr().is_none())
        .map(outside_ecr)
        .collect();
    if !outside.is_empty() {
        return Err(Failure::Environment(outside));
    }
    let world = World::open(global)?;
    world.announce()?;
    let desired = draft.desired();
    let connection = world.connect(&Environment::whole(desired.clone())).await?;
    let images = connection
        .reader()
        .survey(|observed| {
            all(edits.iter().filter_map(|edit| {
                let repository = edit.to.ecr()?;
                Some(pinned(&edit.to, repository, &edit.slot.at, observed))
            }))
        })
        .await
        .map_err(|error| Failure::Cloud {
            environment: desired.environment.clone(),
            error,
        })?;
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for (edit, image) in edits.into_iter().zip(images) {
        match image {
            Ok(to) => found.push(Edit { to, ..edit }),
            Err(block) => {
                let (why, hint) = block_error(&block);
                errors.push(edit.slot.refuse(&why, hint.as_deref()));
            }
        }
    }
    if errors.is_empty() {
        Ok(found)
    } else {
        Err(Failure::Environment(errors))
    }
}

fn outside_ecr(edit: &Edit) -> LoadError {
    edit.slot.refuse(
        &format!("{} is in no private ECR registry", edit.to),
        Some("--resolve asks no other registry; write the digest, or leave --resolve out"),
    )
}
