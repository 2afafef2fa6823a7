use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::apply::{Apply, Interrupt};
use crate::event::Report;
use crate::plan::{Approved, Count, Options, Plan, Verdict};
use crate::render::{blocked_json, planned_json, report_json, report_text};
use crate::ui::{self, Progress};

use super::context::{Environment, World, environments};
use super::failure::{Failure, message};
use super::github;
use super::plan::{hint_at_reset, make, print, say, text};
use super::saved::{again, open};
use super::{Format, Global, exit};

/// Make what runs what the files say, and wait until it does.
///
/// Plans first. Only what differs is changed: a revision is registered and the
/// service updated; then that rollout, and no other, is waited for. When
/// nothing differs, nothing is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of environments, or paths of files. They are applied in this
    /// order; one that fails ends the run.
    #[arg(value_name = "ENV", required_unless_present = "plan")]
    environments: Vec<String>,
    /// Only this service, by its name in the file; may be repeated.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Carry out this plan, which `plan --out` saved: nothing if the files, the
    /// commit or what is live have moved on since.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["environments", "services", "force_new_deployment", "retry", "allow_older"],
    )]
    plan: Option<PathBuf>,
    /// Change nothing unless the plan has this hash, as `plan` printed it.
    #[arg(long, value_name = "HASH")]
    expect: Option<Approved>,
    /// Do not ask. Without a terminal nothing is asked either.
    #[arg(short, long)]
    yes: bool,
    /// Restart services that are in sync, too: a rollout of the revision that
    /// already runs.
    #[arg(long)]
    force_new_deployment: bool,
    /// Try again what failed before, although nothing is declared otherwise.
    #[arg(long)]
    retry: bool,
    /// Overwrite also what was deployed from a newer commit.
    #[arg(long)]
    allow_older: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    if let Some(file) = &args.plan {
        return saved(file, &args, global).await;
    }
    let environments = environments(&args.environments, &args.services)?;
    if args.expect.is_some() && environments.len() > 1 {
        return Err(one_hash());
    }
    let world = World::open(global)?;
    world.announce()?;
    let how = How {
        yes: args.yes,
        restart: args.force_new_deployment,
        retry: args.retry,
        allow_older: args.allow_older,
    };
    let plans = plans(&world, &environments, how, global).await?;
    if let (Some(approved), [plan]) = (&args.expect, plans.as_slice()) {
        is_approved(approved, plan)?;
    }
    proceed(&world, &environments, &plans, args.yes, global).await
}

/// Carries out a saved plan, as far as it still holds.
async fn saved(file: &Path, args: &Args, global: &Global) -> Result<u8, Failure> {
    let saved = open(file)?;
    if args.expect.is_some() && saved.environments.len() > 1 {
        return Err(one_hash());
    }
    let world = World::open(global)?;
    world.announce()?;
    let again = again(&world, &file.display().to_string(), &saved).await?;
    let (mut environments, mut plans) = (Vec::new(), Vec::new());
    let (mut done, mut planned) = (0, 0);
    for again in again {
        show(&again.plan, plans.is_empty(), global)?;
        if let Some(approved) = &args.expect {
            is_approved(approved, &again.plan)?;
        }
        done += again.carried_out.0;
        planned += again.carried_out.1;
        github::blocked(&again.environment.desired, &again.plan);
        environments.push(again.environment);
        plans.push(again.plan);
    }
    github::planned(&plans, Some(file));
    if planned > 0 && done == planned {
        say("this plan was carried out already\n")?;
    } else if done > 0 {
        say(&format!(
            "{done} of {planned} changes were carried out already\n"
        ))?;
    }
    proceed(&world, &environments, &plans, args.yes, global).await
}

fn one_hash() -> Failure {
    Failure::Usage("--expect is the hash of one environment's plan; name one".into())
}

/// Refuses a plan that would do something that was not approved. Where nothing
/// would be done, nothing needs approval: so a run that is repeated ends well.
fn is_approved(approved: &Approved, plan: &Plan) -> Result<(), Failure> {
    let Count {
        change,
        restart,
        blocked,
        suspended,
        ..
    } = plan.count();
    let hash = plan.hash();
    if change + restart + blocked + suspended == 0 || approved.is(&hash) {
        return Ok(());
    }
    Err(Failure::Moved {
        what: format!(
            "nothing was changed: this plan is {}, not {approved}, which was approved",
            hash.short()
        ),
        differences: Vec::new(),
        hint: "the plan above is what would be done now; have that reviewed".into(),
    })
}

/// What is asked for beside the declared state, as [`Args`] say it.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub yes: bool,
    pub restart: bool,
    pub retry: bool,
    pub allow_older: bool,
}

/// Plans, asks, and carries out.
pub(super) async fn deploy(
    world: &World,
    environments: &[Environment],
    how: How,
    global: &Global,
) -> Result<u8, Failure> {
    let plans = plans(world, environments, how, global).await?;
    proceed(world, environments, &plans, how.yes, global).await
}

async fn plans(
    world: &World,
    environments: &[Environment],
    how: How,
    global: &Global,
) -> Result<Vec<Plan>, Failure> {
    let options = Options {
        restart: how.restart,
        retry: how.retry,
        ..Options::default()
    };
    let mut plans = Vec::new();
    for environment in environments {
        let plan = make(world, environment, options, how.allow_older).await?;
        show(&plan, plans.is_empty(), global)?;
        github::blocked(&environment.desired, &plan);
        plans.push(plan);
    }
    github::planned(&plans, None);
    Ok(plans)
}

fn show(plan: &Plan, is_first: bool, global: &Global) -> Result<(), Failure> {
    match global.format {
        Format::Text | Format::Markdown => {
            let gap = if is_first { "" } else { "\n" };
            print(&format!("{gap}{}", text(plan, global, false)))
        }
        Format::Json => print(&planned_json(plan)),
    }
}

/// Asks, and carries out.
async fn proceed(
    world: &World,
    environments: &[Environment],
    plans: &[Plan],
    yes: bool,
    global: &Global,
) -> Result<u8, Failure> {
    if let Some(blocked) = blocked(plans) {
        if global.format == Format::Json {
            for plan in plans {
                print(&blocked_json(plan.environment(), exit::ERROR))?;
            }
        }
        hint_at_reset(world, plans)?;
        say(&blocked)?;
        return Ok(exit::ERROR);
    }
    let interrupt = listen();
    if let Some(question) = question(plans).filter(|_| !yes && ui::can_ask()) {
        confirm(question, interrupt.clone()).await?;
    }
    let several = environments.len() > 1;
    let mut reports = Vec::new();
    for (index, (environment, plan)) in environments.iter().zip(plans).enumerate() {
        let (code, report) =
            carry_out(world, environment, plan, several, global, interrupt.clone()).await?;
        reports.push((plan.environment(), report));
        github::outcomes(&reports);
        if code != exit::DONE {
            for left in &plans[index + 1..] {
                say(&format!(
                    "{} was not applied, because {} failed\n",
                    left.environment(),
                    plan.environment()
                ))?;
            }
            return Ok(code);
        }
    }
    Ok(exit::DONE)
}

/// Why nothing at all is changed, if so. An environment is not left half
/// changed because of a mistake that was known before.
fn blocked(plans: &[Plan]) -> Option<String> {
    let services = || plans.iter().flat_map(Plan::services);
    let is_blocked =
        |verdict: &Verdict| matches!(verdict, Verdict::Blocked(_) | Verdict::Suspended(_));
    let names: Vec<&str> = services()
        .filter(|service| is_blocked(&service.verdict))
        .map(|service| service.name.as_str())
        .collect();
    if names.is_empty() {
        return None;
    }
    let error = format!("nothing was changed, because of {}", names.join(", "));
    let other = services()
        .find(|service| !is_blocked(&service.verdict))
        .map(|service| format!("--service {} applies without it", service.name));
    Some(message(&error, other.as_deref()))
}

/// What to ask before writing; nothing when nothing would be written.
fn question(plans: &[Plan]) -> Option<String> {
    let changes: Vec<(&str, &str)> = plans
        .iter()
        .flat_map(|plan| {
            plan.services()
                .iter()
                .map(move |service| (plan.environment(), service))
        })
        .filter(|(_, service)| matches!(service.verdict, Verdict::Change(_)))
        .map(|(environment, service)| (environment, service.name.as_str()))
        .collect();
    let restarts: usize = plans.iter().map(|plan| plan.count().restart).sum();
    let verb = if restarts == changes.len() {
        "Restart"
    } else {
        "Deploy"
    };
    let mut environments: Vec<&str> = changes
        .iter()
        .map(|(environment, _)| *environment)
        .collect();
    environments.dedup();
    let place = environments.join(" and ");
    Some(match changes.as_slice() {
        [] => return None,
        [(_, service)] => format!("{verb} {service} in {place}?"),
        several => format!("{verb} {} services in {place}?", several.len()),
    })
}

/// Asks; anything but yes ends the run.
async fn confirm(question: String, mut interrupt: Interrupt) -> Result<(), Failure> {
    let asked = tokio::task::spawn_blocking(move || ui::confirm(&format!("\n{question}")));
    tokio::select! {
        answer = asked => match answer.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::Declined),
            Err(error) => Err(Failure::io("the answer could not be read")(error)),
        },
        Ok(_) = interrupt.wait_for(|stop| *stop) => {
            say(&format!("\n{}", Failure::Interrupted.text()))?;
            // The thread that reads the answer would keep the process.
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
    }
}

pub(super) async fn carry_out(
    world: &World,
    environment: &Environment,
    plan: &Plan,
    several: bool,
    global: &Global,
    interrupt: Interrupt,
) -> Result<(u8, Report), Failure> {
    let connection = world.connect(environment).await?;
    let (reader, writer) = (connection.reader(), connection.writer());
    let Count {
        change,
        restart,
        rolling_out,
        ..
    } = plan.count();
    let mut progress = match global.format {
        Format::Text | Format::Markdown => Progress::lines_or_bars(plan, several),
        Format::Json => Progress::Json {
            environment: plan.environment().to_owned(),
        },
    };
    let group = (change + restart + rolling_out > 0)
        .then(|| github::Group::begin(&format!("{}: the rollout", plan.environment())));
    let report = Apply {
        plan,
        reader: &reader,
        writer: &writer,
        interrupt,
        report: &mut |event| progress.show(event),
    }
    .run()
    .await;
    let code = exit::of_report(&report);
    progress.finish(code == exit::INTERRUPTED);
    drop(group);
    github::ended(&environment.desired, &report);
    match global.format {
        Format::Json => print(&report_json(plan.environment(), &report, code))?,
        // The plan has said it all.
        Format::Text | Format::Markdown if change + restart + rolling_out == 0 => {}
        Format::Text | Format::Markdown => {
            print(&format!(
                "\n{}",
                report_text(plan.environment(), several, &report)
            ))?;
        }
    }
    Ok((code, report))
}

/// Turns the first Ctrl-C or SIGTERM into an interrupt; the second ends the
/// process at once.
pub(super) fn listen() -> Interrupt {
    let (stop, interrupt) = watch::channel(false);
    tokio::spawn(async move {
        asked_to_stop().await;
        // Nobody waits any more when the receiver is gone.
        let _ = stop.send(true);
        asked_to_stop().await;
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
    interrupt
}

#[cfg(unix)]
pub(super) async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
pub(super) async fn asked_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
