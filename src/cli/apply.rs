use tokio::sync::watch;

use crate::apply::{Apply, Interrupt};
use crate::environment::Desired;
use crate::plan::{Count, Options, Plan};
use crate::render::{plans_json, report_json, report_text};
use crate::ui::{self, Progress};

use super::context::{World, environments};
use super::failure::Failure;
use super::plan::{make, print, text};
use super::{Format, Global, exit};

/// Make what runs what the files say, and wait until it does.
///
/// Plans first. Only what differs is changed: a revision is registered and the
/// service updated; then that very rollout is waited for. When nothing differs,
/// nothing is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environments by name, or files. They are applied in this order; one
    /// that fails ends the run.
    #[arg(value_name = "ENV", required = true)]
    environments: Vec<String>,
    /// Only this service, by its name in the file; may be repeated.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Do not ask. Without a terminal nothing is asked either.
    #[arg(short, long)]
    yes: bool,
    /// Restart services that are in sync, too: a rollout of the revision that
    /// already runs.
    #[arg(long)]
    force_new_deployment: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<u8, Failure> {
    let desired = environments(&args.environments, &args.services)?;
    let world = World::open(global)?;
    world.announce()?;
    let options = Options {
        restart: args.force_new_deployment,
    };
    let mut plans = Vec::new();
    for desired in &desired {
        let plan = make(&world, desired, options).await?;
        if global.format == Format::Text {
            let gap = if plans.is_empty() { "" } else { "\n" };
            print(&format!("{gap}{}", text(&plan, global, false)))?;
        }
        plans.push(plan);
    }
    let counts: Vec<Count> = plans.iter().map(Plan::count).collect();
    if counts.iter().any(|count| count.blocked > 0) {
        if global.format == Format::Json {
            print(&plans_json(&plans))?;
        }
        say(
            "nothing was changed, because something is blocked; --service applies to the others\n",
        )?;
        return Ok(exit::ERROR);
    }
    let writes: usize = counts
        .iter()
        .map(|count| count.change + count.restart)
        .sum();
    if writes > 0 && !args.yes && ui::can_ask() && global.format == Format::Text {
        let question = format!(
            "\nDeploy {}?",
            if writes == 1 {
                "this".into()
            } else {
                format!("these {writes}")
            }
        );
        if !ui::confirm(&question).map_err(Failure::io("the answer could not be read"))? {
            return Err(Failure::Declined);
        }
    }
    let interrupt = listen();
    for (desired, plan) in desired.iter().zip(&plans) {
        let code = carry_out(&world, desired, plan, global, interrupt.clone()).await?;
        if code != exit::DONE {
            return Ok(code);
        }
    }
    Ok(exit::DONE)
}

async fn carry_out(
    world: &World,
    desired: &Desired,
    plan: &Plan,
    global: &Global,
    interrupt: Interrupt,
) -> Result<u8, Failure> {
    let connection = world.connect(desired).await?;
    let (reader, writer) = (connection.reader(), connection.writer());
    let count = plan.count();
    let idle = count.change + count.restart + count.rolling_out == 0;
    let mut progress = match global.format {
        Format::Text => Progress::lines_or_bars(plan),
        Format::Json => Progress::Json {
            environment: plan.environment().to_owned(),
        },
    };
    let report = Apply {
        plan,
        reader: &reader,
        writer: &writer,
        interrupt,
        report: &mut |event| progress.show(event),
    }
    .run()
    .await;
    progress.finish();
    let code = exit::of_report(&report);
    match global.format {
        Format::Json => print(&report_json(plan.environment(), &report, code))?,
        // The plan has said it all.
        Format::Text if idle => {}
        Format::Text => print(&format!("\n{}", report_text(plan.environment(), &report)))?,
    }
    Ok(code)
}

/// Turns the first Ctrl-C or SIGTERM into an interrupt; the second ends the
/// process at once.
fn listen() -> Interrupt {
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
async fn asked_to_stop() {
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
async fn asked_to_stop() {
    let _ = tokio::signal::ctrl_c().await;
}

fn say(text: &str) -> Result<(), Failure> {
    ui::message(text).map_err(Failure::io("stderr could not be written"))
}
