//! Waiting for rollouts, all of them by the same looks; and going back when
//! one fails.

use std::time::Duration;

use tokio::time::Instant;

use super::evidence::{diagnose, history};
use super::rollout::{self, State, Watched, judge};
use super::stage;
use super::{Apply, Progress, Step, describe, failed, pause};
use crate::event::{By, Diagnosis, Event, How, Left, Outcome, Pause, Running, Stage, Tasks};
use crate::model::{FAILED, RevisionArn, failed_tag};
use crate::observed::{Seen, Service};
use crate::plan::{OnFailure, ServicePlan, Verdict};

/// Between looks at first, and again when a rollout is about to end: the run
/// then ends within a second of it.
pub(super) const SOON: Duration = Duration::from_secs(1);
/// Between looks at the most; and between looks into the history of a
/// deployment that shifts traffic, which takes three calls each.
pub(super) const LATE: Duration = Duration::from_secs(5);
/// How long looks stay frequent. Most rollouts are over by then; and one
/// DescribeServices a second is a twentieth of what ECS allows.
pub(super) const EAGER: Duration = Duration::from_secs(120);

/// A rollout that is waited for.
pub(super) struct Waiting {
    pub watched: Watched,
    pub how: How,
    pub since: Instant,
    /// The time-out counts from here: from when the rollout began, or from
    /// when going back began.
    from: Instant,
    /// When ECS made the deployment, in seconds since the epoch.
    pub(super) began: Option<f64>,
    last: Option<Tasks>,
    now: Vec<Running>,
    /// Since when all new tasks run and only the end is missing.
    ending: Option<Instant>,
    /// When the history was last looked at.
    looked: Option<Instant>,
    /// Where it was when that last told.
    stage: Option<Stage>,
    /// Since when it has been there.
    there: Option<stage::Since>,
    /// It failed, and this is the way back.
    back: Option<Back>,
}

/// What a look into the history brought.
#[derive(Default)]
struct News {
    /// The stage is another, or has changed as far as people see.
    moved: bool,
    /// It has come to wait for somebody here.
    pauses: Vec<Pause>,
}

/// The way back to a healthy revision.
struct Back {
    /// What failed.
    revision: RevisionArn,
    reason: Option<String>,
    by: By,
    diagnosis: Diagnosis,
}

impl Waiting {
    pub fn new(watched: Watched, how: How) -> Self {
        let now = Instant::now();
        Self {
            watched,
            how,
            since: now,
            from: now,
            began: None,
            last: None,
            now: Vec::new(),
            ending: None,
            looked: None,
            stage: None,
            there: None,
            back: None,
        }
    }

    fn pace(&self) -> Duration {
        let eager = |since: Instant| since.elapsed() < EAGER;
        if eager(self.from) || self.ending.is_some_and(eager) {
            SOON
        } else {
            LATE
        }
    }

    /// Where it waits for somebody, as last seen.
    fn pauses(&self) -> Vec<Pause> {
        self.stage
            .as_ref()
            .map_or_else(Vec::new, |stage| stage.pauses.clone())
    }

    /// Takes note of where the rollout is; what is new of it.
    fn arrived(&mut self, stage: Option<&Stage>) -> News {
        // Between looks into the history it is where it was.
        let Some(stage) = stage else {
            return News::default();
        };
        let known = self.pauses();
        let is_new = |pause: &&Pause| known.iter().all(|known| known.hook != pause.hook);
        let news = News {
            moved: self
                .stage
                .as_ref()
                .is_none_or(|last| !last.looks_like(stage)),
            pauses: stage.pauses.iter().filter(is_new).cloned().collect(),
        };
        self.stage = Some(stage.clone());
        news
    }

    /// How this ends when it cannot be followed to its end, if it had not
    /// failed already.
    fn cut_short(&self, otherwise: impl FnOnce(RevisionArn) -> Outcome) -> Outcome {
        match &self.back {
            None => otherwise(self.watched.revision.clone()),
            Some(back) => back.outcome(&self.watched.revision, false),
        }
    }
}

impl Back {
    fn outcome(&self, to: &RevisionArn, complete: bool) -> Outcome {
        Outcome::RolledBack {
            revision: self.revision.clone(),
            to: to.clone(),
            reason: self.reason.clone(),
            by: self.by,
            complete,
        }
    }
}

impl Apply<'_> {
    /// Looks until every rollout has ended, its time is up, or an interrupt
    /// comes. A rollout that fails gets its time anew to go back, so that all
    /// of it ends within twice the time-out.
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
                looked = describe(self.reader, keys.iter().cloned()) => looked,
                Ok(_) = interrupt.wait_for(|stop| *stop) => return self.stop(steps),
            };
            match looked {
                Ok(seen) => {
                    in_trouble = false;
                    for step in steps.iter_mut().filter(|step| step.waits().is_some()) {
                        if let Some(seen) = seen.get(&step.plan.key) {
                            self.look(step, seen).await;
                        }
                    }
                }
                Err(error) if error.may_pass() => {
                    if !in_trouble {
                        let services = waiting_names(steps);
                        (self.report)(&Event::Trouble {
                            services,
                            why: error.to_string(),
                        });
                    }
                    in_trouble = true;
                }
                Err(error) => {
                    for step in steps.iter_mut().filter(|step| step.waits().is_some()) {
                        self.end(step, |waiting| waiting.cut_short(|_| failed(&error, true)));
                    }
                    return;
                }
            }
            for step in &mut *steps {
                let timeout = step.plan.timeout;
                if step
                    .waits()
                    .is_some_and(|waiting| waiting.from.elapsed() >= timeout)
                {
                    let after_seconds = timeout.as_secs();
                    self.end(step, |waiting| {
                        waiting.cut_short(|revision| Outcome::TimedOut {
                            revision,
                            after_seconds,
                            pauses: waiting.pauses(),
                        })
                    });
                }
            }
            let now = Instant::now();
            let next = steps
                .iter()
                .filter_map(|step| {
                    let waiting = step.waits()?;
                    Some((now + waiting.pace()).min(waiting.from + step.plan.timeout))
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
            self.end(step, |waiting| Outcome::Interrupted {
                revision: Some(waiting.watched.revision.clone()),
                pauses: waiting.pauses(),
            });
        }
    }

    /// One look at one service.
    async fn look(&mut self, step: &mut Step<'_>, seen: &Seen<Service>) {
        let Progress::Waiting(waiting) = &mut step.state else {
            return;
        };
        let service = match seen {
            Seen::Found(service) => service,
            Seen::Missing => {
                let gone = |revision| Outcome::Gone {
                    revision,
                    status: "MISSING".into(),
                };
                return self.end(step, |waiting| waiting.cut_short(gone));
            }
            Seen::Unreadable(why) => {
                let outcome = Outcome::Error {
                    why: why.why.clone(),
                    hint: why.hint.clone(),
                    going_on: true,
                };
                return self.end(step, |waiting| waiting.cut_short(|_| outcome));
            }
        };
        waiting.now = rollout::running(service);
        waiting.began = waiting
            .began
            .or_else(|| rollout::began(&waiting.watched, service));
        let (state, stage) = self.verdict(waiting, step.plan, service).await;
        match state {
            State::Unseen => {}
            State::Going(tasks) => {
                let all_run = tasks.running >= tasks.desired;
                waiting.ending = all_run.then(|| waiting.ending.unwrap_or_else(Instant::now));
                let news = waiting.arrived(stage.as_ref());
                if waiting.last != Some(tasks) || news.moved {
                    waiting.last = Some(tasks);
                    (self.report)(&Event::Progress {
                        service: step.plan.name.clone(),
                        tasks,
                        stage,
                        elapsed: waiting.since.elapsed(),
                    });
                }
                for pause in news.pauses {
                    let service = step.plan.name.clone();
                    (self.report)(&Event::Paused { service, pause });
                }
            }
            State::Succeeded => {
                if waiting.back.is_none() && step.plan.marked && !step.plan.watch_only {
                    let revision = waiting.watched.revision.clone();
                    self.take_mark_off(&step.plan.name, revision).await;
                }
                self.end(step, |waiting| {
                    let revision = waiting.watched.revision.clone();
                    match &waiting.back {
                        None => Outcome::Deployed {
                            revision,
                            how: waiting.how,
                        },
                        Some(back) => back.outcome(&revision, true),
                    }
                });
            }
            State::Superseded { by } => self.end(step, |waiting| {
                waiting.cut_short(|revision| Outcome::Superseded { revision, by })
            }),
            State::Gone { status } => self.end(step, |waiting| {
                waiting.cut_short(|revision| Outcome::Gone { revision, status })
            }),
            State::Failed { reason } => self.went_wrong(step, service, reason, None).await,
            State::RolledBack { to, reason } => {
                self.went_wrong(step, service, reason, Some(to)).await;
            }
        }
    }

    /// What failed before runs: a later run need not hold it against this
    /// revision any more.
    async fn take_mark_off(&mut self, service: &str, revision: RevisionArn) {
        if let Err(failure) = self.writer.untag(&revision, FAILED).await {
            (self.report)(&Event::StillMarked {
                service: service.to_owned(),
                revision,
                why: failure.error.to_string(),
                hint: failure.error.hint(),
            });
        }
    }

    /// What was described, and where that does not tell enough, the history.
    async fn verdict(
        &self,
        waiting: &mut Waiting,
        plan: &ServicePlan,
        service: &Service,
    ) -> (State, Option<Stage>) {
        let (key, healthy) = (&plan.key, plan.healthy.as_ref());
        let state = judge(&waiting.watched, service);
        match &state {
            // A rollback that is over by now looks like a replacement.
            State::Superseded { by } => {
                let history = history(self.reader, key).await;
                let back = rollout::was_rolled_back(
                    &waiting.watched,
                    waiting.began,
                    by,
                    history.as_deref(),
                );
                (back.unwrap_or(state), None)
            }
            // Only the history tells where traffic is, and that ECS gives up.
            State::Going(_) if !service.is_rolling() => {
                if waiting.looked.is_some_and(|at| at.elapsed() < LATE) {
                    return (state, None);
                }
                waiting.looked = Some(Instant::now());
                let history = history(self.reader, key).await.unwrap_or_default();
                let place = stage::stage(
                    &waiting.watched,
                    waiting.began,
                    waiting.there.as_ref(),
                    &history,
                );
                let stage = place.map(|(stage, since)| {
                    waiting.there = since;
                    stage
                });
                (
                    rollout::by_history(&waiting.watched, waiting.began, healthy, &history)
                        .unwrap_or(state),
                    stage,
                )
            }
            _ => (state, None),
        }
    }

    /// A rollout failed: finds out why, and sees to it that what ran healthily
    /// before runs again.
    async fn went_wrong(
        &mut self,
        step: &mut Step<'_>,
        service: &Service,
        reason: Option<String>,
        ecs_goes_to: Option<RevisionArn>,
    ) {
        let Progress::Waiting(waiting) = &mut step.state else {
            return;
        };
        // Going back failed as well. There is nothing to go back to from there.
        if waiting.back.is_some() {
            return self.end(step, |waiting| {
                waiting.cut_short(|revision| Outcome::Failed {
                    revision,
                    reason: None,
                    left: Left::NothingHealthyKnown,
                })
            });
        }
        let revision = waiting.watched.revision.clone();
        let mut diagnosis = diagnose(
            self.reader,
            &step.plan.key,
            &revision,
            service,
            waiting.began,
        )
        .await;
        // A breaker that fired is in the service's history. Without one, the
        // deployment will look there as if it had merely been replaced. Where
        // the revision ran before, it is not what failed.
        let breaker = service.deployment_configuration.deployment_circuit_breaker;
        let ran_before = matches!(&step.plan.verdict, Verdict::Change(change) if !change.moves());
        if ecs_goes_to.is_none() && !breaker.enable && !step.plan.watch_only && !ran_before {
            let why = diagnosis
                .causes
                .first()
                .map_or("its tasks failed", |cause| &cause.says);
            if let Err(failure) = self.writer.tag(&revision, &failed_tag(why)).await {
                diagnosis.gaps.push(format!(
                    "that this failed will not be remembered: {}",
                    failure.error
                ));
            }
        }
        let way = match (ecs_goes_to, step.plan.on_failure, &step.plan.healthy) {
            (Some(to), ..) => {
                let deployment = service
                    .primary()
                    .filter(|primary| primary.task_definition == to)
                    .map(|primary| primary.id.clone());
                Ok((to, By::Ecs, deployment))
            }
            (None, ..) if step.plan.watch_only => Err(Left::OnlyWaited),
            (None, OnFailure::Stop, _) => Err(Left::AsDeclared),
            (None, OnFailure::Rollback, None) => Err(Left::NothingHealthyKnown),
            (None, OnFailure::Rollback, Some(to)) => self
                .go_back(step.plan, service, waiting, to)
                .await
                .map(|deployment| (to.clone(), By::Evenkeel, deployment)),
        };
        let (to, by, deployment) = match way {
            Ok(way) => way,
            Err(left) => {
                waiting.back = Some(Back {
                    revision,
                    reason,
                    by: By::Evenkeel,
                    diagnosis,
                });
                return self.end(step, |waiting| {
                    // Not on its way back after all.
                    let back = waiting.back.as_ref();
                    Outcome::Failed {
                        revision: waiting.watched.revision.clone(),
                        reason: back.and_then(|back| back.reason.clone()),
                        left,
                    }
                });
            }
        };
        let service = step.plan.name.clone();
        (self.report)(&Event::GoingBack {
            service,
            to: to.clone(),
            by,
        });
        // The deployment that goes back may not be visible yet; then the one
        // that failed still is PRIMARY.
        let failed = waiting.watched.deployment.clone();
        waiting.watched = Watched {
            revision: to,
            deployment,
            before: failed.unwrap_or_else(|| waiting.watched.before.clone()),
            from: Some(revision.clone()),
            count: None,
        };
        waiting.back = Some(Back {
            revision,
            reason,
            by,
            diagnosis,
        });
        waiting.from = Instant::now();
        waiting.began = None;
        waiting.last = None;
        waiting.ending = None;
        waiting.stage = None;
        waiting.there = None;
    }

    /// Ends a wait, and says so.
    fn end(&mut self, step: &mut Step<'_>, outcome: impl FnOnce(&Waiting) -> Outcome) {
        let Progress::Waiting(waiting) = &step.state else {
            return;
        };
        let outcome = outcome(waiting);
        let (now, elapsed) = (waiting.now.clone(), waiting.since.elapsed());
        let diagnosis = waiting.back.as_ref().map(|back| back.diagnosis.clone());
        (self.report)(&Event::Ended {
            service: step.plan.name.clone(),
            outcome: outcome.clone(),
            diagnosis: diagnosis.clone(),
            now: now.clone(),
            elapsed,
        });
        step.announced = true;
        step.diagnosis = diagnosis;
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
