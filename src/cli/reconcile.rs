use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::apply::Interrupt;
use crate::cloud::Connection;
use crate::environment::{self, Desired, LoadError};
use crate::reconcile::{
    EnvironmentReport, Problem, Report, Source, Surveyed, Tell, carry_out, survey,
};
use crate::render::{
    event_json, event_line, reconciled_json, reconciled_markdown, reconciled_text,
};
use crate::ui;

use super::apply::listen;
use super::context::{Environment, World, files};
use super::failure::Failure;
use super::plan::{print, say};
use super::{Format, Global, exit, provenance};

/// Make many environments what their files say, unattended; then report.
///
/// Every environment is planned and carried out by itself, several at once: a
/// mistake in one file, or a failure in one account, stops no other. A rollout
/// of another revision that is under way is left to it. Nothing is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of environments, or paths of files; without any, all of environments/.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// How many environments to carry out at once.
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = clap::value_parser!(u8).range(1..=100))]
    at_once: u8,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let world = World::open(global)?;
    world.announce()?;
    let interrupt = listen();
    let mut reports: BTreeMap<usize, EnvironmentReport> = BTreeMap::new();
    let mut sources = Vec::new();
    for (number, (name, loaded)) in load(&args.environments)?.into_iter().enumerate() {
        match loaded {
            Ok(desired) => {
                let provenance = provenance::of(&desired).await;
                let source = Source {
                    desired,
                    provenance,
                };
                sources.push((number, source));
            }
            Err(error) => {
                say(&error.render(ui::styled_messages(), ui::width()))?;
                reports.insert(number, EnvironmentReport::unread(name, (&error).into()));
            }
        }
    }
    let surveyed = look(&world, sources, interrupt.clone()).await?;
    let mut numbers = Vec::new();
    let mut planned = Vec::new();
    for (number, found) in surveyed {
        match found {
            Ok((surveyed, connection)) => {
                numbers.push(number);
                planned.push((refuse_older(surveyed).await, connection));
            }
            Err(report) => {
                reports.insert(number, *report);
            }
        }
    }
    let tell = teller(global.format);
    let carried = carry_out(planned, usize::from(args.at_once), &interrupt, tell).await;
    reports.extend(numbers.into_iter().zip(carried));
    let report = Report {
        environments: reports.into_values().collect(),
    };
    let code = exit::of_reconcile(&report);
    match global.format {
        Format::Text => print(&reconciled_text(&report, global.verbose > 0))?,
        Format::Markdown => print(&reconciled_markdown(&report))?,
        Format::Json => print(&reconciled_json(&report, exit::of_environment, code))?,
    }
    summarize(&report)?;
    Ok(code)
}

type Loaded = Result<Desired, LoadError>;

/// Every environment that was named, or all there are: by its name, with its
/// file read or what is wrong with it. A file that is named twice counts once.
fn load(names: &[String]) -> Result<Vec<(String, Loaded)>, Failure> {
    let mut loaded = Vec::new();
    for (name, found) in files(names)? {
        let read = found.and_then(|path| environment::load(&path));
        loaded.push((name, read));
    }
    Ok(loaded)
}

type Found = Result<(Surveyed, Connection), Box<EnvironmentReport>>;

/// Plans all of them: those that share an account, a region and a role from the
/// same looks.
async fn look(
    world: &World,
    sources: Vec<(usize, Source)>,
    mut interrupt: Interrupt,
) -> Result<Vec<(usize, Found)>, Failure> {
    let mut groups: BTreeMap<_, Vec<(usize, Source)>> = BTreeMap::new();
    for (number, source) in sources {
        let desired = &source.desired;
        let way = (
            desired.account.clone(),
            desired.region.clone(),
            desired.role.clone(),
        );
        groups.entry(way).or_default().push((number, source));
    }
    let now = jiff::Timestamp::now().as_second();
    let mut looks = JoinSet::new();
    let mut waiting = BTreeMap::new();
    for group in groups.into_values() {
        let mut connection = None;
        let mut members = Vec::new();
        for (number, source) in group {
            let environment = Environment::whole(source.desired.clone());
            match connection {
                None => connection = Some(world.connect(&environment).await?),
                Some(_) => world.prepare(&environment)?,
            }
            waiting.insert(number, source.desired.clone());
            members.push((number, source));
        }
        let Some(connection) = connection else {
            continue;
        };
        looks.spawn(async move {
            let (numbers, sources): (Vec<usize>, Vec<Source>) = members.into_iter().unzip();
            let surveyed = survey(&connection, sources, now).await;
            numbers
                .into_iter()
                .zip(surveyed)
                .map(|(number, surveyed)| (number, (surveyed, connection.clone())))
                .collect::<Vec<_>>()
        });
    }
    let mut found: Vec<(usize, Found)> = Vec::new();
    loop {
        let done = tokio::select! {
            done = looks.join_next() => done,
            Ok(_) = interrupt.wait_for(|stop| *stop) => break,
        };
        match done {
            None => break,
            Some(Ok(group)) => {
                for (number, surveyed) in group {
                    waiting.remove(&number);
                    found.push((number, Ok(surveyed)));
                }
            }
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    found.extend(waiting.into_iter().map(|(number, desired)| {
        let report = EnvironmentReport::failed(&desired, Problem::interrupted());
        (number, Err(Box::new(report)))
    }));
    Ok(found)
}

/// What was deployed from a newer commit is not overwritten.
async fn refuse_older(mut surveyed: Surveyed) -> Surveyed {
    let commit = surveyed.source.provenance.as_ref();
    if let Some(ours) = commit.and_then(|provenance| provenance.commit.clone())
        && let Ok(planned) = &mut *surveyed.planned
    {
        let live = planned.plan.overwrites();
        let newer = provenance::newer(&surveyed.source.desired, &ours, live).await;
        planned.plan = planned.plan.clone().refuse_older(&ours, &newer);
    }
    surveyed
}

/// Tells what happens, as it happens: lines on stderr, or events on stdout.
fn teller(format: Format) -> Tell {
    Arc::new(move |environment, event| {
        // What cannot be shown changes nothing about what happens.
        let _ = match format {
            Format::Json => ui::result(&event_json(environment, event)),
            Format::Text | Format::Markdown => match event_line(event) {
                Some(line) => ui::message(&format!("{environment}/{line}\n")),
                None => Ok(()),
            },
        };
    })
}

/// Adds the report to the step summary of a job in GitHub Actions. A summary
/// that cannot be written is said, and fails nothing.
fn summarize(report: &Report) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    match append(&path, &reconciled_markdown(report)) {
        Ok(()) => Ok(()),
        Err(error) => say(&format!(
            "the step summary {} could not be written: {error}\n",
            path.display()
        )),
    }
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}
