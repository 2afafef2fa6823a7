use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::environment::{Desired, Draft, Edit, LoadError, Upstream, find, length, load};
use crate::plan::Options;
use crate::promote::{self, Mismatch, Outcome, Pairs, Promotion, Remedy, Runs, Why};
use crate::render::{
    Proposal, promotion_json, promotion_text, pull_request as request_for, why_not_ready,
};

use super::branch::{Branch, Repository};
use super::context::{Environment, World, narrow};
use super::edit::write;
use super::failure::Failure;
use super::github;
use super::plan::{make, print, say, text};
use super::{Format, Global, exit};

/// Write the images that run healthily in one environment into another's file.
///
/// What counts is what runs there, by digest, never what its file says: the
/// last rollout is complete, all tasks run, and it has done so for --soak. Only
/// the file is changed, and no other byte of it. Prints the title and the body
/// of a pull request, with the plan against the target. [promotion] in the
/// target's file holds what is not given here.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment that images come from.
    #[arg(long, value_name = "ENV")]
    from: Option<String>,
    /// The environment that they go to: its name, or the path of its file.
    #[arg(long, value_name = "ENV")]
    to: String,
    /// Only this service, by its name in both files; may be repeated.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// How long it must have run undisturbed, such as 30m.
    #[arg(long, value_name = "TIME", value_parser = length)]
    soak: Option<Duration>,
    /// Write the pull request's body to this file.
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// Commit the file with git, on a new branch. Nothing is pushed.
    #[arg(long)]
    commit: bool,
    /// The branch's name, in the place of promote/FROM-to-TO-DIGEST.
    #[arg(long, value_name = "NAME", requires = "commit")]
    branch: Option<String>,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let path = find(&args.to, Path::new("")).map_err(mistaken)?;
    let draft = Draft::open(&path).map_err(mistaken)?;
    let to = draft.desired();
    let from = source(&args, &path, to)?;
    let declared = to.promotion.as_ref();
    let services = match declared {
        Some(declared) if args.services.is_empty() => declared.services.clone(),
        _ => args.services.clone(),
    };
    let soak = args
        .soak
        .or(declared.map(|one| one.soak))
        .unwrap_or_default();
    // A service that the file does not have is a slip, before all else.
    let target = narrow(to.clone(), &services)?;
    let (pairs, left_out) = promote::pairs(&from, to, &services)
        .map_err(|wrong| Failure::Environment(mismatches(&draft, &from, wrong)))?;
    let repository = if args.commit {
        Some(Repository::of(&to.file).await?)
    } else {
        None
    };
    let world = World::open(global)?;
    world.announce()?;
    let running = running(&world, &from, pairs, soak).await?;
    let services = if running.is_empty() {
        Vec::new()
    } else {
        let reader = world.connect(&target).await?.reader();
        reader
            .survey(|observed| promote::services(&draft, &running, observed))
            .await
            .map_err(cloud(to))?
            .map_err(mistaken)?
    };
    let promotion = Promotion {
        from: from.environment.clone(),
        to: to.environment.clone(),
        file: to.file.clone(),
        soak,
        services,
        left_out,
    };
    let remedy = match promotion.outcome() {
        Outcome::Promoted => {
            let proposal = propose(&args, &world, &draft, &promotion, repository).await?;
            github::promoted(to, &promotion, Some(&proposal), args.body_file.as_deref());
            return told(&args, global, &promotion, &proposal);
        }
        Outcome::Nothing => None,
        Outcome::NotReady(remedy) => Some(remedy),
    };
    let code = match remedy {
        None => exit::DONE,
        Some(Remedy::Wait) => exit::TIMED_OUT,
        Some(Remedy::Mend) => exit::FAILED,
        Some(Remedy::Provide) => exit::ERROR,
    };
    match global.format {
        Format::Text | Format::Markdown => print(&promotion_text(&promotion))?,
        Format::Json => {
            print(&promotion_json(&promotion, None, code))?;
            for line in why_not_ready(&promotion) {
                say(&format!("not ready: {line}\n"))?;
            }
        }
    }
    github::promoted(to, &promotion, None, None);
    Ok(code)
}

fn mistaken(error: LoadError) -> Failure {
    Failure::Environment(vec![error])
}

fn cloud(of: &Desired) -> impl FnOnce(crate::cloud::Error) -> Failure {
    let environment = of.environment.clone();
    move |error| Failure::Cloud { environment, error }
}

/// The environment that images come from: as it is named on the command line,
/// else in the target's file, beside which it then lies.
fn source(args: &Args, path: &Path, to: &Desired) -> Result<Desired, Failure> {
    let named = to.promotion.as_ref().and_then(|one| one.from.as_ref());
    let found = match (&args.from, named) {
        (Some(name), _) => find(name, Path::new("")).map_err(mistaken)?,
        (None, Some(upstream)) => beside(upstream, path)?,
        (None, None) => {
            return Err(Failure::NoUpstream {
                file: to.file.clone(),
            });
        }
    };
    let same = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if same(&found) == same(path) {
        return Err(Failure::PromotedToItself {
            environment: to.environment.clone(),
        });
    }
    load(&found).map_err(mistaken)
}

fn beside(upstream: &Upstream, path: &Path) -> Result<PathBuf, Failure> {
    let name = &upstream.environment;
    let file = path.with_file_name(format!("{name}.toml"));
    if file.exists() {
        return Ok(file);
    }
    let why = format!("there is no environment `{name}` beside this file");
    let help = format!("name one whose file is there; {} is not", file.display());
    Err(mistaken(upstream.refuse(&why, Some(&help))))
}

fn mismatches(draft: &Draft, from: &Desired, wrong: Vec<Mismatch>) -> Vec<LoadError> {
    let to = draft.desired();
    let one = |mismatch| match mismatch {
        Mismatch::NoPlace {
            service,
            container,
            image,
        } => draft.no_place(&service, container.as_deref(), &image),
        // Where the image is that could be for any of them.
        Mismatch::WhichOne { service, there_are } => match draft.find(&service, None) {
            Ok(slot) => slot.refuse(
                &format!("{} declares several containers of it", from.environment),
                Some(&format!(
                    "write it under [services.{service}.containers.NAME]; there are: {}",
                    there_are.join(", ")
                )),
            ),
            Err(error) => error,
        },
        Mismatch::Asked(left) => {
            let why = match left.why {
                Why::OnlyThere => format!("{} declares no service", to.file),
                Why::OnlyHere => format!("{} declares no service", from.file),
                Why::NoImageThere => format!("{} declares no image of service", from.file),
            };
            draft.refuse(&format!("{why} {:?}", left.service))
        }
    };
    wrong.into_iter().map(one).collect()
}

/// What runs of the pairs, with them.
async fn running(
    world: &World,
    from: &Desired,
    pairs: Vec<Pairs>,
    soak: Duration,
) -> Result<Vec<(Pairs, Runs)>, Failure> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = pairs.iter().map(|pair| pair.service.clone()).collect();
    let environment = narrow(from.clone(), &names)?;
    let reader = world.connect(&environment).await?.reader();
    let clock = jiff::Timestamp::now().as_second();
    let mut found = reader
        .survey(|observed| promote::sources(&environment.desired, soak, clock, observed))
        .await
        .map_err(cloud(from))?;
    Ok(pairs
        .into_iter()
        .filter_map(|pairs| {
            let at = found.iter().position(|(name, _)| *name == pairs.service)?;
            Some((pairs, found.swap_remove(at).1))
        })
        .collect())
}

/// Plans, writes the file, and commits it where that is asked for. All that can
/// be refused is refused before anything is written.
async fn propose(
    args: &Args,
    world: &World,
    draft: &Draft,
    promotion: &Promotion,
    repository: Option<Repository>,
) -> Result<Proposal, Failure> {
    let edits: Vec<Edit> = promotion.edits().cloned().collect();
    let edited = draft.edited(&edits).map_err(mistaken)?;
    let environment = Environment::whole(edited.desired().clone());
    let plan = make(world, &environment, Options::default(), false).await?;
    let request = request_for(promotion, &plan);
    let branch = args.branch.clone().unwrap_or_else(|| {
        let (from, to) = (&promotion.from, &promotion.to);
        format!("promote/{from}-to-{to}-{}", promotion.short())
    });
    let mut proposal = Proposal {
        plan,
        request,
        branch,
        commit: None,
        was_there: false,
    };
    if let Some(repository) = &repository {
        let found = repository.look(&proposal.branch, edited.text()).await?;
        proposal.was_there = found == Branch::Same;
    }
    if let Some(file) = &args.body_file {
        std::fs::write(file, &proposal.request.body).map_err(Failure::io(format!(
            "{} could not be written",
            file.display()
        )))?;
    }
    if proposal.was_there {
        return Ok(proposal);
    }
    write(draft, &edits)?;
    if let Some(repository) = &repository {
        let request = &proposal.request;
        let made = repository.commit(&proposal.branch, &request.title, &request.summary);
        proposal.commit = Some(made.await?);
    }
    Ok(proposal)
}

fn told(
    args: &Args,
    global: &Global,
    promotion: &Promotion,
    proposal: &Proposal,
) -> Result<u8, Failure> {
    let request = &proposal.request;
    match global.format {
        Format::Json => print(&promotion_json(promotion, Some(proposal), exit::DONE))?,
        Format::Text | Format::Markdown if args.body_file.is_some() => print(&format!(
            "{}\n{}",
            promotion_text(promotion),
            text(&proposal.plan, global, false)
        ))?,
        Format::Text | Format::Markdown => print(&format!(
            "{}\n# {}\n\n{}",
            promotion_text(promotion),
            request.title,
            request.body
        ))?,
    }
    let (file, branch) = (&promotion.file, &proposal.branch);
    say(&match &proposal.commit {
        _ if proposal.was_there => {
            format!("branch {branch} has this already, so nothing was written\n")
        }
        Some(commit) => format!(
            "committed {} on branch {branch}: push it, and open a pull request\n",
            commit.get(..7).unwrap_or(commit)
        ),
        None => format!("commit {file} on a branch, and open a pull request\n"),
    })?;
    Ok(exit::DONE)
}
