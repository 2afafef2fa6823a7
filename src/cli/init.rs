use std::path::{Path, PathBuf};

use crate::cloud::{self, Reader};
use crate::environment::{Own, Place, Written, parse, write};
use crate::model::{AccountId, ClusterName, Region, ServiceName};
use crate::observed::{Observed, Seen, ServiceKey, Wants, all};
use crate::plan::{Adopted, NotAdopted, Options, adopt, plan};
use crate::render::{Planned, init_json, init_text, left_out_text, not_adopted_error};

use super::context::World;
use super::create::{create, refuse_existing};
use super::failure::Failure;
use super::plan::{print, say};
use super::{Format, Global, exit};

/// Write an environment file from services that run.
///
/// The file says what is live, so a plan of it is empty at once. Images are
/// pinned to the digest that runs, where ECS tells it. A file that is there is
/// never overwritten, and nothing is changed on AWS.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The cluster, by its name.
    #[arg(long, value_name = "NAME")]
    cluster: ClusterName,
    /// A service of the cluster; may be repeated.
    #[arg(long = "service", value_name = "NAME", required = true)]
    services: Vec<ServiceName>,
    /// The region; without it that of AWS_REGION or of the profile.
    #[arg(long)]
    region: Option<Region>,
    /// Refuse to look at any other account.
    #[arg(long)]
    account: Option<AccountId>,
    /// Name of the environment; without it the cluster's.
    #[arg(long, value_name = "NAME", conflicts_with = "out", value_parser = environment_name)]
    env: Option<String>,
    /// The file, when it is not to be environments/NAME.toml; - prints it.
    #[arg(long, value_name = "FILE")]
    out: Option<String>,
    /// How much of the services the file is to declare, and so to hold.
    #[arg(long, value_name = "WHAT", default_value = "image")]
    own: Owned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Owned {
    /// The images of the containers.
    Image,
    /// All of the containers: environment, secrets, ports, …
    Containers,
    /// The task definition and the service, too; not the number of tasks.
    All,
}

fn environment_name(text: &str) -> Result<String, String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '/';
    if text.is_empty() || text.starts_with('.') || text.contains(odd) || text.ends_with(".toml") {
        return Err("an environment is a name, such as prod; --out takes a path".to_owned());
    }
    Ok(text.to_owned())
}

/// Where the text goes, and how the environment is named on a command line.
enum Target {
    Stdout,
    File(PathBuf),
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let (target, environment) = target(&args);
    if let Target::File(path) = &target {
        refuse_existing(path)?;
    }
    let world = World::open(global)?;
    world.announce()?;
    let reader = look_around(&world, &args).await?;
    let made = make(&reader, &args, &environment).await?;
    let file = match &target {
        Target::Stdout => None,
        Target::File(path) => {
            create(path, &made.written.text)?;
            Some(path.display().to_string())
        }
    };
    let planned = made.planned;
    match (global.format, &file) {
        (Format::Json, file) => print(&init_json(
            file.as_deref(),
            &named_after(&environment),
            &made.written,
            &made.adopted,
            planned,
        ))?,
        (Format::Text | Format::Markdown, None) => print(&made.written.text)?,
        (Format::Text | Format::Markdown, Some(file)) => {
            print(&init_text(
                file,
                &args.cluster,
                &made.written,
                &made.adopted,
            ))?;
        }
    }
    say(&left_out_text(&made.written, &made.adopted))?;
    if file.is_some() {
        say(&next(&environment, planned))?;
    }
    Ok(exit::DONE)
}

fn target(args: &Args) -> (Target, String) {
    let cluster = || args.cluster.to_string();
    match &args.out {
        Some(out) if out == "-" => (Target::Stdout, cluster()),
        Some(out) => {
            // As commands take it.
            let word = match out.contains('/') || out.ends_with(".toml") {
                true => out.clone(),
                false => format!("./{out}"),
            };
            (Target::File(PathBuf::from(out)), word)
        }
        None => {
            let name = args.env.clone().unwrap_or_else(cluster);
            let path = Path::new("environments").join(format!("{name}.toml"));
            (Target::File(path), name)
        }
    }
}

/// The environment's name, where a command line has its file.
fn named_after(word: &str) -> String {
    let stem = Path::new(word).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn next(name: &str, planned: Planned) -> String {
    match planned {
        Planned::InSync => format!("look at it and commit it: `evenkeel plan {name}` is empty\n"),
        Planned::RollingOut => format!(
            "a rollout is going on; what it brings is declared. See `evenkeel plan {name}`\n"
        ),
        Planned::Differs => format!("look at it, and at `evenkeel plan {name}`: it is not empty\n"),
    }
}

async fn look_around(world: &World, args: &Args) -> Result<Reader, Failure> {
    // In the sandbox nothing of the user's counts.
    let (account, known) = world
        .place_of(&args.cluster)?
        .map_or((None, None), |(account, region)| {
            (Some(account), Some(region))
        });
    let region = match args.region.clone().or(known) {
        Some(region) => Some(region),
        None => cloud::region_of_user()
            .await
            .map_err(|invalid| Failure::Init {
                why: format!("the region that is set for AWS is none: {invalid}"),
                hint: Some("name it with --region, or mend AWS_REGION or the profile".into()),
            })?,
    };
    let region = region.ok_or_else(|| Failure::Init {
        why: "no region is set".into(),
        hint: Some("name it with --region, or set AWS_REGION".into()),
    })?;
    let account = args.account.clone().or(account);
    Ok(world.look_around(account, region).await)
}

/// What came of looking at the services.
struct Made {
    written: Written,
    adopted: Vec<Adopted>,
    planned: Planned,
}

async fn make(reader: &Reader, args: &Args, environment: &str) -> Result<Made, Failure> {
    match reader
        .survey(|seen| adopt_all(args, environment, seen))
        .await
    {
        Ok(made) => made,
        Err(cloud::Error::NoCluster { cluster, region }) => {
            let there_are = reader.survey(|seen| seen.cluster_names().cloned()).await;
            Err(Failure::Init {
                why: format!("there is no cluster {cluster} in {region}"),
                hint: Some(match there_are {
                    Ok(Seen::Found(names)) if names.is_empty() => "there is none at all".into(),
                    Ok(Seen::Found(names)) => format!("there are: {}", names.join(", ")),
                    Ok(Seen::Unreadable(why)) => {
                        format!("the clusters there are could not be listed: {}", why.why)
                    }
                    _ => "check its name, the region, and whose credentials these are".into(),
                }),
            })
        }
        Err(error) => Err(Failure::Cloud {
            environment: environment.to_owned(),
            error,
        }),
    }
}

/// The file, and what a plan of it would be.
fn adopt_all(
    args: &Args,
    environment: &str,
    observed: &Observed,
) -> Result<Result<Made, Failure>, Wants> {
    let own = match args.own {
        Owned::Image => Own::Image,
        Owned::Containers => Own::Containers,
        Owned::All => Own::All,
    };
    let mut names: Vec<ServiceName> = Vec::new();
    for service in &args.services {
        if !names.contains(service) {
            names.push(service.clone());
        }
    }
    let found = all(names.iter().map(|service| {
        let key = ServiceKey {
            cluster: args.cluster.clone(),
            service: service.clone(),
        };
        adopt(&key, own, observed)
    }))?;
    let (mut adopted, mut refused) = (Vec::new(), Vec::new());
    for (name, found) in names.iter().zip(found) {
        match found {
            Ok(found) => adopted.push(found),
            Err(why) => refused.push(not_adopted(name, &why)),
        }
    }
    let first = match adopted.first() {
        Some(first) if refused.is_empty() => first,
        _ => return Ok(Err(Failure::NotWritten(refused))),
    };
    let place = Place {
        environment,
        account: &first.account,
        region: &first.region,
        cluster: &args.cluster,
    };
    let live: Vec<_> = adopted.iter().map(|adopted| adopted.live.clone()).collect();
    let written = write(place, &live, own);
    let desired = match parse("the file", environment, &written.text) {
        Ok(desired) => desired,
        // Nothing of a service can be said, or only what may not be.
        Err(_) => return Ok(Err(nothing_to_say(&names, &written))),
    };
    let planned = Planned::of(&plan(&desired, observed, Options::default())?);
    Ok(Ok(Made {
        written,
        adopted,
        planned,
    }))
}

fn not_adopted(service: &ServiceName, why: &NotAdopted) -> (String, Option<String>) {
    let (why, hint) = not_adopted_error(why);
    (format!("{service}: {why}"), hint)
}

fn nothing_to_say(names: &[ServiceName], written: &Written) -> Failure {
    let services = names.iter().zip(&written.left_out);
    let why = services
        .filter(|(_, left)| !left.is_empty())
        .map(|(name, left)| {
            let left: Vec<String> = left
                .iter()
                .map(|left| format!("{} {}", left.path, left.why.says()))
                .collect();
            let hint = "--own containers or --own all may have more to say";
            (
                format!("{name}: nothing of it can be declared: {}", left.join(", ")),
                Some(hint.to_owned()),
            )
        });
    Failure::NotWritten(why.collect())
}
