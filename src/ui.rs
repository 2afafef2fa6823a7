//! The two streams, colour, progress and prompts.
//!
//! stdout is the result; stderr is progress and messages. Styles are taken out
//! of both where nobody would see them.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Event, Outcome, Tasks};
use crate::plan::{Plan, Verdict};
use crate::render;

/// Writes a result. A reader that has gone away (`| head`) is no failure.
pub fn result(text: &str) -> io::Result<()> {
    forgive_gone(anstream::stdout().write_all(text.as_bytes()))
}

/// Writes a message for the person who runs this.
pub fn message(text: &str) -> io::Result<()> {
    forgive_gone(anstream::stderr().write_all(text.as_bytes()))
}

fn forgive_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Whether styles reach whoever reads stderr.
pub fn styled_messages() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Columns of the terminal behind stderr; 80 elsewhere.
pub fn width() -> usize {
    let term = indicatif::TermLike::width(&console_stderr());
    if io::stderr().is_terminal() {
        usize::from(term).clamp(40, 120)
    } else {
        80
    }
}

fn console_stderr() -> impl indicatif::TermLike {
    console::Term::stderr()
}

/// Whether somebody is there to answer a question.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that only a plain yes answers with yes.
pub fn confirm(question: &str) -> io::Result<bool> {
    message(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// Shows events as they come.
pub enum Progress {
    /// A line for each event, on stderr; behind the environment's name where
    /// there are several.
    Lines { environment: Option<String> },
    /// A moving line for each service, on a terminal's stderr.
    Bars(Bars),
    /// A JSON document for each event, on stdout.
    Json { environment: String },
}

impl Progress {
    pub fn lines_or_bars(plan: &Plan, several: bool) -> Self {
        if io::stderr().is_terminal() {
            Self::Bars(Bars::new(plan))
        } else {
            Self::Lines {
                environment: several.then(|| plan.environment().to_owned()),
            }
        }
    }

    /// Shows one event. Progress that cannot be shown changes nothing about
    /// what happens, so a closed stderr is not an error here.
    pub fn show(&mut self, event: &Event) {
        match self {
            Self::Lines { environment } => {
                if let Some(line) = render::event_line(event) {
                    let environment = environment
                        .as_ref()
                        .map_or_else(String::new, |name| format!("{name}/"));
                    let _ = message(&format!("{environment}{line}\n"));
                }
            }
            Self::Bars(bars) => bars.show(event),
            Self::Json { environment } => {
                let _ = result(&render::event_json(environment, event));
            }
        }
    }

    /// Leaves the screen to the summary.
    pub fn finish(self, interrupted: bool) {
        let Self::Bars(bars) = self else { return };
        // The cursor waits at the right edge, so that the terminal's echo of
        // Ctrl-C went to the next row; back to the bars, to clear them.
        if interrupted && io::stdin().is_terminal() {
            let _ = message("\x1b[A");
        }
        // A terminal that cannot be cleared keeps the last lines.
        let _ = bars.all.clear();
    }
}

/// Moving lines: a spinner, the service, a bar of its new tasks, what is old,
/// and the time.
pub struct Bars {
    all: MultiProgress,
    lines: BTreeMap<String, ProgressBar>,
    width: usize,
}

impl Bars {
    fn new(plan: &Plan) -> Self {
        let moving =
            |verdict: &Verdict| matches!(verdict, Verdict::Change(_) | Verdict::RollingOut(_));
        let width = plan
            .services()
            .iter()
            .filter(|service| moving(&service.verdict))
            .map(|service| service.name.len())
            .max()
            .unwrap_or(0)
            .min(24);
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self {
            all,
            lines: BTreeMap::new(),
            width,
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Registered { service, revision } => {
                self.line(service)
                    .set_message(format!("registered revision {}", revision.revision()));
            }
            Event::Untagged { service, .. } | Event::StillMarked { service, .. } => {
                let text = render::tags_amiss(event).unwrap_or_default();
                let _ = self.all.println(format!("{service}: {text}"));
            }
            Event::Reused { service, revision } => {
                self.line(service)
                    .set_message(format!("revision {} already is this", revision.revision()));
            }
            Event::Started { service, .. } | Event::Adopted { service, .. } => {
                let text = render::adopted_or_started(event).unwrap_or_default();
                let line = self.line(service);
                line.set_message(text);
                line.enable_steady_tick(Duration::from_millis(100));
            }
            Event::Paused { service, pause } => {
                let _ = self.all.println(render::paused(service, pause));
            }
            Event::GoingBack { service, to, .. } => {
                self.line(service)
                    .set_message(format!("failed; going back to revision {}", to.revision()));
            }
            Event::Progress {
                service,
                tasks,
                stage,
                ..
            } => {
                let line = self.line(service);
                line.set_length(u64::try_from(tasks.desired).unwrap_or(0));
                line.set_position(u64::try_from(tasks.running).unwrap_or(0));
                line.set_message(match stage {
                    Some(stage) => render::stage_line(stage),
                    None => counts(*tasks),
                });
            }
            Event::Trouble { why, .. } => {
                let _ = self
                    .all
                    .println(format!("{}; trying again", render::defuse(why)));
            }
            Event::Updated { service, .. } => {
                let line = self.line(service);
                line.set_message("changed; waiting for its tasks".to_owned());
                line.enable_steady_tick(Duration::from_millis(100));
            }
            Event::BeforeStarted { service, .. } => {
                let text = render::before(event).unwrap_or_default();
                let line = self.line(service);
                line.set_message(text);
                line.enable_steady_tick(Duration::from_millis(100));
            }
            // What a migration said stays on the screen.
            Event::BeforeDone { .. } | Event::BeforeLingers { .. } => {
                let text = render::event_line(event).unwrap_or_default();
                let _ = self.all.println(text);
            }
            Event::Ended {
                service, outcome, ..
            } => {
                let line = self.line(service);
                line.set_style(style(END, "  "));
                line.finish_with_message(ended(outcome));
            }
        }
    }

    fn line(&mut self, service: &str) -> &ProgressBar {
        let (all, width) = (&self.all, self.width);
        self.lines.entry(service.to_owned()).or_insert_with(|| {
            let line = all.add(ProgressBar::new(1));
            line.set_style(style(GOING, "━╸╌"));
            line.set_prefix(format!("{service:width$}"));
            line
        })
    }
}

/// Fits 80 columns with service names of up to 24 characters.
const GOING: &str = "{spinner} {prefix}  {bar:12}  {msg}  {elapsed}";
const END: &str = "  {prefix}  {msg}";

fn style(template: &str, bar: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars(bar)
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

fn counts(tasks: Tasks) -> String {
    let mut text = format!("{}/{} new", tasks.running, tasks.desired);
    for (n, what) in [
        (tasks.pending, "starting"),
        (tasks.failed, "failed"),
        (tasks.old, "old"),
    ] {
        if n > 0 {
            text += &format!(", {n} {what}");
        }
    }
    text
}

fn ended(outcome: &Outcome) -> String {
    if outcome.is_good() {
        "done"
    } else {
        "ended; see below"
    }
    .to_owned()
}
