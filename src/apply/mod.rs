//! Carries a plan out, step by step, and waits for what it started.
//!
//! No choices are made here: what to register, which revision to run and
//! against what all that was planned is in the plan. Each write is preceded by
//! a look: ECS has no optimistic concurrency, so the time between look and
//! write is kept as short as it can be.
//!
//! The order, for all services of a plan together: look; register what must be
//! registered; run what comes before the rollouts; look; update; wait. A
//! registration or a task before that fails leaves every service as it was.

mod before;
mod diagnosis;
mod evidence;
pub mod rollout;
pub mod stage;
#[cfg(test)]
mod tests;
mod wait;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::cloud::{Error, Reader, Writer};
use crate::event::{Diagnosis, Ended, Event, How, Outcome, Report, Running};
use crate::model::RevisionArn;
use crate::observed::{Observed, RolloutState, Seen, Service, ServiceKey, Want};
use crate::plan::{Moment, Plan, ServicePlan, Verdict};

use wait::Waiting;

/// Becomes true when the person or the system asks to stop.
pub type Interrupt = watch::Receiver<bool>;

/// Carries out a plan.
///
/// Guarantees: nothing is written for a service whose live state is not the
/// planned one; nothing is updated when a revision could not be registered; no
/// revision is registered twice because an answer was lost.
pub struct Apply<'a> {
    pub plan: &'a Plan,
    pub reader: &'a Reader,
    pub writer: &'a Writer,
    pub interrupt: Interrupt,
    pub report: &'a mut (dyn FnMut(&Event) + Send + Sync),
}

/// One service on its way through the steps.
struct Step<'a> {
    plan: &'a ServicePlan,
    state: Progress,
    /// Its end has been reported.
    announced: bool,
    diagnosis: Option<Diagnosis>,
}

enum Progress {
    /// A write is still to come.
    Planned,
    /// The revision to run is there.
    Ready(RevisionArn),
    Waiting(Box<Waiting>),
    Ended(Outcome, Vec<Running>, Duration),
}

impl Apply<'_> {
    pub async fn run(mut self) -> Report {
        let mut steps: Vec<Step<'_>> = self
            .plan
            .services()
            .iter()
            .map(|plan| Step {
                plan,
                state: first_state(plan),
                announced: false,
                diagnosis: None,
            })
            .collect();
        for step in &steps {
            if let (Progress::Waiting(waiting), Verdict::RollingOut(rollout)) =
                (&step.state, &step.plan.verdict)
            {
                (self.report)(&Event::Adopted {
                    service: step.plan.name.clone(),
                    revision: waiting.watched.revision.clone(),
                    deployment: rollout.deployment.clone(),
                });
            }
        }
        // A step that fails before anything is updated holds all others back:
        // an environment is not left half changed by a mistake that one of
        // its services would have shown.
        self.check(&mut steps).await;
        self.register(&mut steps).await;
        self.before(&mut steps).await;
        self.check(&mut steps).await;
        self.update(&mut steps).await;
        self.wait(&mut steps).await;
        self.announce(&steps);
        let services: Vec<Ended> = steps.into_iter().map(Step::ended).collect();
        Report { services }
    }

    /// Reports the ends that no waiting led to.
    fn announce(&mut self, steps: &[Step<'_>]) {
        for step in steps {
            if let Progress::Ended(outcome, now, elapsed) = &step.state
                && !step.announced
            {
                (self.report)(&Event::Ended {
                    service: step.plan.name.clone(),
                    outcome: outcome.clone(),
                    diagnosis: step.diagnosis.clone(),
                    now: now.clone(),
                    elapsed: *elapsed,
                });
            }
        }
    }

    fn interrupted(&self) -> bool {
        *self.interrupt.borrow()
    }

    /// Looks whether the live state still is what the plan was made against.
    async fn check(&mut self, steps: &mut [Step<'_>]) {
        let keys: Vec<ServiceKey> = steps
            .iter()
            .filter(|step| step.writes())
            .map(|step| step.plan.key.clone())
            .collect();
        if keys.is_empty() {
            return;
        }
        if self.interrupted() {
            return end_unwritten(steps, |_| untouched());
        }
        let mut observed = Observed::default();
        let wants = keys.into_iter().map(Want::Service).collect();
        if let Err(error) = self.reader.look(wants, &mut observed).await {
            return end_unwritten(steps, |_| failed(&error, false));
        }
        let mut stale = None;
        for step in steps.iter_mut().filter(|step| step.writes()) {
            let Verdict::Change(change) = &step.plan.verdict else {
                continue;
            };
            let seen = observed.service(&step.plan.key);
            let why = match seen {
                Ok(Seen::Found(service)) => match still(change, service) {
                    Still::Planned => continue,
                    Still::Done(waiting) => {
                        step.state = Progress::Waiting(waiting);
                        continue;
                    }
                    Still::Moved(why) => why,
                },
                Ok(Seen::Missing) => "the service is not there any more".to_owned(),
                Ok(Seen::Unreadable(unreadable)) => {
                    let (why, hint) = (unreadable.why.clone(), unreadable.hint.clone());
                    step.end(
                        Outcome::Error {
                            why,
                            hint,
                            going_on: false,
                        },
                        Vec::new(),
                    );
                    stale.get_or_insert_with(|| step.plan.name.clone());
                    continue;
                }
                Err(_) => "the service was not described".to_owned(),
            };
            let now = match seen {
                Ok(Seen::Found(service)) => rollout::running(service),
                _ => Vec::new(),
            };
            step.end(Outcome::Stale { why }, now);
            stale.get_or_insert_with(|| step.plan.name.clone());
        }
        if let Some(because) = stale {
            end_unwritten(steps, |_| Outcome::HeldBack {
                because: because.clone(),
            });
        }
    }
}

/// What a look right before a write says of the plan.
enum Still {
    Planned,
    /// Somebody else started the very rollout that was planned.
    Done(Box<Waiting>),
    Moved(String),
}

fn still(change: &crate::plan::Change, service: &Service) -> Still {
    let Some(primary) = service.primary().filter(|_| service.status == "ACTIVE") else {
        return Still::Moved("the service is not active any more".into());
    };
    if primary.id == change.basis.deployment && primary.task_definition == change.basis.revision {
        return Still::Planned;
    }
    // Who deployed the planned revision need not have changed the service's
    // other fields as well.
    if let crate::plan::Target::Existing(revision) = &change.to
        && change.moves()
        && !change.restart
        && change.service.is_empty()
        && primary.task_definition == *revision
        && !primary.rolls_back()
        && primary.rollout_state != Some(RolloutState::Failed)
        && primary.created_at.map(Moment::of) > change.basis.made
    {
        let waiting = Waiting::new(
            rollout::Watched {
                revision: revision.clone(),
                deployment: Some(primary.id.clone()),
                before: change.basis.deployment.clone(),
                from: Some(change.basis.revision.clone()),
                count: None,
            },
            How::AlreadyDone,
        );
        return Still::Done(Box::new(waiting));
    }
    Still::Moved(format!(
        "it was planned against revision {}, but revision {} has been deployed since",
        change.basis.revision.revision(),
        primary.task_definition.revision()
    ))
}

fn first_state(plan: &ServicePlan) -> Progress {
    let end = |outcome| Progress::Ended(outcome, Vec::new(), Duration::ZERO);
    match &plan.verdict {
        Verdict::InSync { revision } => end(Outcome::Unchanged {
            revision: revision.clone(),
        }),
        Verdict::Change(_) => Progress::Planned,
        Verdict::RollingOut(rollout) => Progress::Waiting(Box::new(Waiting::new(
            rollout::Watched {
                revision: rollout.revision.clone(),
                deployment: Some(rollout.deployment.clone()),
                before: rollout.deployment.clone(),
                from: None,
                count: None,
            },
            How::Adopted,
        ))),
        Verdict::FailedBefore(before) => Progress::Ended(
            Outcome::FailedBefore {
                revision: before.revision.clone(),
                at: before.at,
                reason: before.reason.clone(),
            },
            Vec::new(),
            Duration::ZERO,
        ),
        Verdict::Blocked(_) => end(Outcome::Error {
            why: "the plan is blocked".into(),
            hint: None,
            going_on: false,
        }),
    }
}

fn end_unwritten(steps: &mut [Step<'_>], outcome: impl Fn(&ServicePlan) -> Outcome) {
    for step in steps.iter_mut().filter(|step| step.writes()) {
        let outcome = outcome(step.plan);
        step.end(outcome, Vec::new());
    }
}

/// Interrupted before anything was written.
fn untouched() -> Outcome {
    Outcome::Interrupted {
        revision: None,
        pauses: Vec::new(),
    }
}

fn failed(error: &Error, going_on: bool) -> Outcome {
    Outcome::Error {
        why: error.to_string(),
        hint: error.hint(),
        going_on,
    }
}

impl Step<'_> {
    fn writes(&self) -> bool {
        matches!(self.state, Progress::Planned | Progress::Ready(_))
    }

    fn end(&mut self, outcome: Outcome, now: Vec<Running>) {
        let elapsed = match &self.state {
            Progress::Waiting(waiting) => waiting.since.elapsed(),
            _ => Duration::ZERO,
        };
        self.state = Progress::Ended(outcome, now, elapsed);
    }

    fn ended(self) -> Ended {
        let (outcome, now, elapsed) = match self.state {
            Progress::Ended(outcome, now, elapsed) => (outcome, now, elapsed),
            // Every step ends: `wait` leaves none behind.
            Progress::Planned | Progress::Ready(_) | Progress::Waiting(_) => (
                Outcome::Error {
                    why: "the run ended early".into(),
                    hint: None,
                    going_on: true,
                },
                Vec::new(),
                Duration::ZERO,
            ),
        };
        Ended {
            service: self.plan.name.clone(),
            key: self.plan.key.clone(),
            outcome,
            diagnosis: self.diagnosis,
            now,
            elapsed,
        }
    }
}

/// Sleeps, unless an interrupt comes first; true when it did.
async fn pause(interrupt: &mut Interrupt, until: Instant) -> bool {
    tokio::select! {
        () = tokio::time::sleep_until(until) => false,
        // A sender that is gone will never interrupt.
        Ok(_) = interrupt.wait_for(|stop| *stop) => true,
    }
}

/// Everything that is described of these services, by name.
async fn describe(
    reader: &Reader,
    keys: impl IntoIterator<Item = ServiceKey>,
) -> Result<BTreeMap<ServiceKey, Seen<Service>>, Error> {
    let mut observed = Observed::default();
    let keys: Vec<ServiceKey> = keys.into_iter().collect();
    reader
        .look(
            keys.iter().cloned().map(Want::Service).collect(),
            &mut observed,
        )
        .await?;
    Ok(keys
        .into_iter()
        .filter_map(|key| observed.service(&key).ok().cloned().map(|seen| (key, seen)))
        .collect())
}
