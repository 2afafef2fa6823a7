//! The tasks that come before a rollout: each run to its end, once, and any
//! that fails stops everything.
//!
//! A task is started under a name made of what it is for, so that a run that
//! takes over from one that died finds the task instead of starting another.

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::evidence::log_of;
use super::wait::{EAGER, LATE, SOON};
use super::{Apply, Progress, Step, diagnosis, end_unwritten, failed, pause};
use crate::cloud::Error;
use crate::event::{Cause, Diagnosis, Event, OneOff as Run, Outcome, Unfinished};
use crate::model::{RevisionArn, failed_tag};
use crate::observed::Task;
use crate::plan::{Change, OneOff, ServicePlan, Verdict};

/// Lines of a log that a finished task leaves on the screen.
const LAST_LINES: usize = 10;

impl Apply<'_> {
    /// Runs what comes before each rollout. One that fails holds all back,
    /// before any service is touched.
    pub(super) async fn before(&mut self, steps: &mut [Step<'_>]) {
        let mut failure = None;
        for step in steps.iter_mut() {
            let (Progress::Ready(revision), Verdict::Change(change)) =
                (&step.state, &step.plan.verdict)
            else {
                continue;
            };
            let revision = revision.clone();
            for (index, one_off) in change.first.iter().enumerate() {
                let work = Work {
                    plan: step.plan,
                    one_off,
                    revision: &revision,
                    name: name(step.plan, change, &revision, index, one_off),
                };
                if let Err(end) = self.run_before(&work).await {
                    step.diagnosis = end.diagnosis;
                    step.end(end.outcome, Vec::new());
                    failure = Some(step.plan.name.clone());
                    break;
                }
            }
            if failure.is_some() {
                break;
            }
        }
        if let Some(because) = failure {
            end_unwritten(steps, |_| Outcome::HeldBack {
                because: because.clone(),
            });
        }
    }

    async fn run_before(&mut self, work: &Work<'_>) -> Result<(), End> {
        let since = Instant::now();
        let (task, adopted) = self.started(work).await?;
        let run = work.run(Some(&task));
        (self.report)(&Event::BeforeStarted {
            service: work.plan.name.clone(),
            revision: work.revision.clone(),
            run: run.clone(),
            adopted,
        });
        let task = self.ended(work, task, since).await?;
        let code = work.exit_code(&task);
        let log = log_of(self.reader, work.revision, &work.one_off.container, &task).await;
        if code == Some(0) {
            let mut log = log.unwrap_or_default();
            log.drain(..log.len().saturating_sub(LAST_LINES));
            (self.report)(&Event::BeforeDone {
                service: work.plan.name.clone(),
                run,
                log,
                elapsed: since.elapsed(),
            });
            return Ok(());
        }
        let mut found = Diagnosis {
            causes: diagnosis::causes(std::slice::from_ref(&task), work.revision, None),
            ..Diagnosis::default()
        };
        if found.causes.is_empty() {
            found.causes.push(match code {
                // What was left of the task was stopped by us.
                Some(code) => diagnosis::exited_with(&work.one_off.container, code, task.id()),
                None => stopped_on_purpose(&task),
            });
        }
        match log {
            Ok(lines) => found.log = diagnosis::excerpt(&lines),
            Err(gap) => found.gaps.push(gap),
        }
        let why = format!(
            "{} before the rollout: {}",
            work.one_off.command.join(" "),
            found
                .causes
                .first()
                .map_or("failed", |cause| cause.says.as_str())
        );
        // No deployment will tell that this was tried.
        if let Err(failure) = self.writer.tag(work.revision, &failed_tag(&why)).await {
            found.gaps.push(format!(
                "that this failed will not be remembered: {}",
                failure.error
            ));
        }
        Err(End {
            outcome: Outcome::BeforeFailed {
                revision: work.revision.clone(),
                run,
                exit_code: code,
            },
            diagnosis: Some(found),
        })
    }

    /// The task that does this work: one that an earlier run had started and
    /// that did not fail, or a new one.
    async fn started(&self, work: &Work<'_>) -> Result<(Task, bool), End> {
        let cluster = &work.plan.key.cluster;
        let family = work.revision.family();
        let known = self
            .reader
            .started_by(cluster, family, &work.name)
            .await
            .map_err(End::untouched)?;
        let failures = known.iter().filter(|task| work.has_failed(task)).count();
        if let Some(task) = known.into_iter().find(|task| !work.has_failed(task)) {
            return Ok((task, true));
        }
        // A token runs one task for ever; a new attempt needs a new one.
        let token = format!("{}-{failures}", work.name);
        self.writer
            .run_task(
                cluster,
                &work.one_off.request(work.revision),
                &work.name,
                &token,
            )
            .await
            .map(|task| (task, false))
            .map_err(|failure| End::untouched(failure.error))
    }

    /// Looks until the task has stopped. Its time is that of a rollout: both
    /// are what the service may take to change.
    async fn ended(
        &mut self,
        work: &Work<'_>,
        mut task: Task,
        since: Instant,
    ) -> Result<Task, End> {
        let deadline = since + work.plan.timeout;
        let arn = task.task_arn.clone();
        let mut stopping = false;
        let mut in_trouble = false;
        let unfinished = |task: &Task, because| End {
            outcome: Outcome::BeforeUnfinished {
                revision: work.revision.clone(),
                run: work.run(Some(task)),
                because,
            },
            diagnosis: None,
        };
        loop {
            if has_stopped(&task) {
                return Ok(task);
            }
            // Another container, an essential one, keeps the task alive.
            if work.exit_code(&task).is_some()
                && task.desired_status.as_deref() == Some("RUNNING")
                && !stopping
            {
                stopping = true;
                self.stop_rest(work, &task).await;
            }
            let pace = if since.elapsed() < EAGER { SOON } else { LATE };
            let next = (Instant::now() + pace).min(deadline);
            if *self.interrupt.borrow() || pause(&mut self.interrupt, next).await {
                return Err(unfinished(&task, Unfinished::Interrupted));
            }
            match self.reader.task(&work.plan.key.cluster, &arn).await {
                Ok(seen) => {
                    in_trouble = false;
                    // A description may lag behind the start.
                    task = seen.unwrap_or(task);
                }
                Err(error) if error.may_pass() => {
                    if !in_trouble {
                        (self.report)(&Event::Trouble {
                            services: vec![work.plan.name.clone()],
                            why: error.to_string(),
                        });
                    }
                    in_trouble = true;
                }
                Err(error) => {
                    let (why, hint) = (error.to_string(), error.hint());
                    return Err(unfinished(&task, Unfinished::Unreadable { why, hint }));
                }
            }
            if Instant::now() >= deadline && !has_stopped(&task) {
                let after_seconds = work.plan.timeout.as_secs();
                return Err(unfinished(&task, Unfinished::TimedOut { after_seconds }));
            }
        }
    }

    /// The work is done; where what is left of the task may not be stopped, the
    /// wait goes on until it stops or its time is up.
    async fn stop_rest(&mut self, work: &Work<'_>, task: &Task) {
        let why = "evenkeel: the container that this task was for has exited";
        let cluster = &work.plan.key.cluster;
        if let Err(failure) = self.writer.stop_task(cluster, &task.task_arn, why).await {
            (self.report)(&Event::BeforeLingers {
                service: work.plan.name.clone(),
                run: work.run(Some(task)),
                why: failure.error.to_string(),
                hint: failure.error.hint(),
            });
        }
    }
}

/// One task to run.
struct Work<'a> {
    plan: &'a ServicePlan,
    one_off: &'a OneOff,
    revision: &'a RevisionArn,
    /// What it is started by.
    name: String,
}

impl Work<'_> {
    fn run(&self, task: Option<&Task>) -> Run {
        Run {
            container: self.one_off.container.clone(),
            command: self.one_off.command.clone(),
            task: task.map(|task| task.id().to_owned()),
        }
    }

    fn exit_code(&self, task: &Task) -> Option<i64> {
        task.containers
            .iter()
            .find(|container| container.name == self.one_off.container)
            .and_then(|container| container.exit_code)
    }

    fn has_failed(&self, task: &Task) -> bool {
        has_stopped(task) && self.exit_code(task) != Some(0)
    }
}

fn has_stopped(task: &Task) -> bool {
    task.last_status.as_deref() == Some("STOPPED")
}

/// How a service's part of the run ends, before it was touched.
struct End {
    outcome: Outcome,
    diagnosis: Option<Diagnosis>,
}

impl End {
    fn untouched(error: Error) -> Self {
        Self {
            outcome: failed(&error, false),
            diagnosis: None,
        }
    }
}

fn stopped_on_purpose(task: &Task) -> Cause {
    let by = task.stopped_reason.as_deref().unwrap_or("no reason given");
    Cause {
        says: format!("the task was stopped: {by}"),
        tasks: 1,
        next: "find out who or what stopped it, and apply again with --retry".into(),
        container: None,
        task: Some(task.id().to_owned()),
    }
}

/// What a task is started by: the same for the same work, and for no other.
/// The deployment that is to be replaced is part of it, so that going back and
/// forth between two revisions runs the work each time. ECS takes 128 letters
/// there, and 64 in the token that is made of it.
fn name(
    plan: &ServicePlan,
    change: &Change,
    revision: &RevisionArn,
    index: usize,
    one_off: &OneOff,
) -> String {
    let mut hash = Sha256::new();
    for part in [
        plan.key.to_string().as_str(),
        change.basis.deployment.as_str(),
        revision.as_str(),
        &index.to_string(),
        &one_off.container,
    ]
    .into_iter()
    .chain(one_off.command.iter().map(String::as_str))
    {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let hex: String = hash.finalize()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("evenkeel/{hex}")
}
