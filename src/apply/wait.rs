//! Waiting for rollouts, all of them by the same looks.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use super::rollout::{self, State, Watched, judge};
use super::{Apply, Progress, Step, describe, failed, pause};
use crate::cloud::Reader;
use crate::event::{Event, How, Outcome, Running, Tasks};
use crate::observed::{Observed, Seen, Service, ServiceDeployment, ServiceKey, Want};

/// Between looks at first, and again when a rollout is about to end: the run
/// then ends within a second of it.
const SOON: Duration = Duration::from_secs(1);
/// Between looks at the most.
const LATE: Duration = Duration::from_secs(5);
/// How long looks stay frequent. Most rollouts are over by then; and one
/// DescribeServices a second is a twentieth of what ECS allows.
const EAGER: Duration = Duration::from_secs(120);

/// A rollout that is waited for.
pub(super) struct Waiting {
    pub watched: Watched,
    pub how: How,
    pub since: Instant,
    last: Option<Tasks>,
    now: Vec<Running>,
    /// Since when all new tasks run and only the end is missing.
    ending: Option<Instant>,
}

impl Waiting {
    pub fn new(watched: Watched, how: How) -> Self {
        Self {
            watched,
            how,
            since: Instant::now(),
            last: None,
            now: Vec::new(),
            ending: None,
        }
    }

    fn pace(&self) -> Duration {
        let eager = |since: Instant| since.elapsed() < EAGER;
        if eager(self.since) || self.ending.is_some_and(eager) {
            SOON
        } else {
            LATE
        }
    }

    fn outcome(&self, state: State) -> Option<Outcome> {
        let revision = self.watched.revision.clone();
        Some(match state {
            State::Unseen | State::Going(_) => return None,
            State::Succeeded => Outcome::Deployed {
                revision,
                how: self.how,
            },
            State::Failed { reason } => Outcome::Failed { revision, reason },
            State::RolledBack { to, reason } => Outcome::RolledBack {
                revision,
                to,
                reason,
            },
            State::Superseded { by } => Outcome::Superseded { revision, by },
            State::Gone { status } => Outcome::Gone { revision, status },
        })
    }
}

impl Apply<'_> {
    /// Looks until every rollout has ended, its time is up, or an interrupt
    /// comes.
    pub(super) async fn wait(&mut self, steps: &mut [Step<'_>]) {
        let mut in_trouble = false;
        loop {
            let keys: Vec<_> = steps
                .iter()
                .filter(|step| step.waits().is_some())
                .map(|step| step.plan.key.clone())
                .collect();
            if keys.is_empty() {
                return;
            }
            let mut interrupt = self.interrupt.clone();
            let looked = tokio::select! {
                looked = describe(self.reader, keys.iter().cloned()) => Some(looked),
                Ok(_) = interrupt.wait_for(|stop| *stop) => None,
            };
            match looked {
                None => return self.stop(steps),
                Some(Ok(seen)) => {
                    in_trouble = false;
                    for step in steps.iter_mut().filter(|step| step.waits().is_some()) {
                        if let Some(seen) = seen.get(&step.plan.key) {
                            self.judge(step, seen).await;
                        }
                    }
                }
                Some(Err(error)) if error.may_pass() => {
                    if !in_trouble {
                        let services = waiting_names(steps);
                        (self.report)(&Event::Trouble {
                            services,
                            why: error.to_string(),
                        });
                    }
                    in_trouble = true;
                }
                Some(Err(error)) => {
                    for step in steps.iter_mut().filter(|step| step.waits().is_some()) {
                        self.end(step, failed(&error, true));
                    }
                    return;
                }
            }
            for step in &mut *steps {
                let timeout = step.plan.timeout;
                if let Some(waiting) = step.waits()
                    && waiting.since.elapsed() >= timeout
                {
                    let revision = waiting.watched.revision.clone();
                    self.end(
                        step,
                        Outcome::TimedOut {
                            revision,
                            after_seconds: timeout.as_secs(),
                        },
                    );
                }
            }
            let now = Instant::now();
            let next = steps
                .iter()
                .filter_map(|step| {
                    let waiting = step.waits()?;
                    Some((now + waiting.pace()).min(waiting.since + step.plan.timeout))
                })
                .min();
            let Some(next) = next else { return };
            let mut interrupt = self.interrupt.clone();
            if pause(&mut interrupt, next).await {
                return self.stop(steps);
            }
        }
    }

    fn stop(&mut self, steps: &mut [Step<'_>]) {
        for step in steps.iter_mut() {
            if let Some(waiting) = step.waits() {
                let revision = Some(waiting.watched.revision.clone());
                self.end(step, Outcome::Interrupted { revision });
            }
        }
    }

    async fn judge(&mut self, step: &mut Step<'_>, seen: &Seen<Service>) {
        let Progress::Waiting(waiting) = &mut step.state else {
            return;
        };
        let service = match seen {
            Seen::Found(service) => service,
            Seen::Missing => {
                let revision = waiting.watched.revision.clone();
                return self.end(
                    step,
                    Outcome::Gone {
                        revision,
                        status: "MISSING".into(),
                    },
                );
            }
            Seen::Unreadable(why) => {
                let outcome = Outcome::Error {
                    why: why.why.clone(),
                    hint: why.hint.clone(),
                    going_on: true,
                };
                return self.end(step, outcome);
            }
        };
        waiting.now = rollout::running(service);
        let mut state = judge(&waiting.watched, service);
        if let State::Superseded { by } = &state {
            let history = history(self.reader, &step.plan.key).await;
            if let Some(back) = rollout::was_rolled_back(&waiting.watched, by, history.as_deref()) {
                state = back;
            }
        }
        if let State::Going(tasks) = state {
            let all_run = tasks.running >= tasks.desired;
            waiting.ending = all_run.then(|| waiting.ending.unwrap_or_else(Instant::now));
            if waiting.last != Some(tasks) {
                waiting.last = Some(tasks);
                let elapsed = waiting.since.elapsed();
                (self.report)(&Event::Progress {
                    service: step.plan.name.clone(),
                    tasks,
                    elapsed,
                });
            }
        }
        if let Some(outcome) = waiting.outcome(state) {
            self.end(step, outcome);
        }
    }

    fn end(&mut self, step: &mut Step<'_>, outcome: Outcome) {
        let Progress::Waiting(waiting) = &step.state else {
            return;
        };
        let (now, elapsed) = (waiting.now.clone(), waiting.since.elapsed());
        (self.report)(&Event::Ended {
            service: step.plan.name.clone(),
            outcome: outcome.clone(),
            now: now.clone(),
            elapsed,
        });
        step.announced = true;
        step.state = Progress::Ended(outcome, now, elapsed);
    }
}

impl Step<'_> {
    fn waits(&self) -> Option<&Waiting> {
        match &self.state {
            Progress::Waiting(waiting) => Some(waiting),
            Progress::Planned | Progress::Ready(_) | Progress::Ended(..) => None,
        }
    }
}

fn waiting_names(steps: &[Step<'_>]) -> Vec<String> {
    steps
        .iter()
        .filter(|step| step.waits().is_some())
        .map(|step| step.plan.name.clone())
        .collect()
}

/// What happened to a service, if ECS tells.
async fn history(reader: &Reader, key: &ServiceKey) -> Option<Vec<ServiceDeployment>> {
    let mut observed = Observed::default();
    let wants = BTreeSet::from([Want::History(key.clone())]);
    if let Err(error) = reader.look(wants, &mut observed).await {
        debug!(%error, service = %key, "the history could not be read");
        return None;
    }
    match observed.history(key) {
        Ok(Seen::Found(history)) if !history.is_empty() => Some(history.clone()),
        _ => None,
    }
}
