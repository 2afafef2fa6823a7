//! Registering revisions and updating services, each at most once.

use std::time::Duration;

use serde_json::Map;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::evidence::history;
use super::wait::Waiting;
use super::{Apply, Progress, Step, describe, end_unwritten, failed, rollout, untouched};
use crate::cloud::{self, Effect, Error, Reader, WriteError, Writer};
use crate::event::{Event, How, Left, Outcome};
use crate::model::{DeploymentId, RevisionArn, fields};
use crate::observed::{Seen, Service, ServiceKey};
use crate::plan::{self, Change, ServicePlan, TagChange, Target, Verdict};

/// How often a registration is tried: after a throttle (the limit is one a
/// second) or when it is certain enough that the last one had no effect.
const REGISTER_ATTEMPTS: u32 = 5;
/// Between attempts, and before looking whether a lost answer had an effect:
/// ECS's lists lag by about a second.
const REGISTER_PAUSE: Duration = Duration::from_secs(2);
/// What registering with tags needs leave for.
const TAG: &str = "ecs:TagResource";
/// How often an update is tried, for the same reasons; its limit is kinder.
const UPDATE_ATTEMPTS: u32 = 4;
/// UpdateService calls under way at once; its limit is 5 a second.
const UPDATES_AT_ONCE: usize = 5;

impl Apply<'_> {
    /// Makes the revision to run for every change. One that fails holds all
    /// back, before any service is touched.
    pub(super) async fn register(&mut self, steps: &mut [Step<'_>]) {
        let mut failure = None;
        for step in steps
            .iter_mut()
            .filter(|step| matches!(step.state, Progress::Planned))
        {
            let Verdict::Change(change) = &step.plan.verdict else {
                continue;
            };
            let service = step.plan.name.clone();
            if *self.interrupt.borrow() {
                step.end(untouched(), Vec::new());
                failure.get_or_insert(service);
                continue;
            }
            match make_revision(change, self.reader, self.writer).await {
                Ok(Made::Found(revision)) => {
                    (self.report)(&Event::Reused {
                        service,
                        revision: revision.clone(),
                    });
                    step.state = Progress::Ready(revision);
                }
                Ok(Made::Live(revision)) => step.state = Progress::Ready(revision),
                Ok(Made::New { revision, untagged }) => {
                    (self.report)(&Event::Registered {
                        service: service.clone(),
                        revision: revision.clone(),
                    });
                    if untagged {
                        (self.report)(&Event::Untagged {
                            service,
                            revision: revision.clone(),
                            why: format!("{TAG} is not allowed"),
                        });
                    }
                    step.state = Progress::Ready(revision);
                }
                Err(error) => {
                    step.end(failed(&error, false), Vec::new());
                    failure = Some(service);
                    break;
                }
            }
        }
        if let Some(because) = failure {
            end_unwritten(steps, |_| Outcome::HeldBack {
                because: because.clone(),
            });
        }
    }

    /// Lets every service run its revision.
    pub(super) async fn update(&mut self, steps: &mut [Step<'_>]) {
        let mut updates = JoinSet::new();
        let turns = std::sync::Arc::new(tokio::sync::Semaphore::new(UPDATES_AT_ONCE));
        for (index, step) in steps.iter().enumerate() {
            let (Progress::Ready(revision), Verdict::Change(change)) =
                (&step.state, &step.plan.verdict)
            else {
                continue;
            };
            let update = Update::of(step.plan, change, revision);
            let (reader, writer, turns) = (self.reader.clone(), self.writer.clone(), turns.clone());
            updates.spawn(async move {
                let _turn = turns.acquire_owned().await;
                let answer = update.send(&reader, &writer).await;
                (index, update, answer)
            });
        }
        while let Some(done) = updates.join_next().await {
            let (index, update, answer) = match done {
                Ok(done) => done,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            let step = &mut steps[index];
            let service = match answer {
                Ok(service) => service,
                Err(WriteError { error, effect }) => {
                    step.end(failed(&error, effect == Effect::Unknown), Vec::new());
                    continue;
                }
            };
            let deployment = rollout::started(&update.before, &update.revision, &service);
            let stays = deployment.is_none()
                && !update.replaces
                && service
                    .primary()
                    .is_some_and(|primary| primary.id == update.before);
            if stays {
                (self.report)(&Event::Updated {
                    service: step.plan.name.clone(),
                    fields: update.says.clone(),
                });
                let watched = rollout::Watched {
                    revision: update.revision,
                    deployment: Some(update.before.clone()),
                    before: update.before,
                    from: None,
                    count: update.count,
                };
                step.state = Progress::Waiting(Box::new(Waiting::new(watched, How::Updated)));
                continue;
            }
            let supersedes = match &step.plan.verdict {
                Verdict::Change(change) => change
                    .supersedes
                    .as_ref()
                    .map(|ended| ended.revision.clone()),
                _ => None,
            };
            (self.report)(&Event::Started {
                service: step.plan.name.clone(),
                revision: update.revision.clone(),
                deployment: deployment.clone(),
                supersedes,
            });
            let watched = rollout::Watched {
                revision: update.revision,
                deployment,
                before: update.before,
                from: Some(update.from),
                count: update.count,
            };
            let how = if update.restarts {
                How::Restarted
            } else {
                How::Started
            };
            let mut waiting = Waiting::new(watched, how);
            // A rollout can be over before the first look. Its beginning tells
            // it from others in the history.
            waiting.began = rollout::began(&waiting.watched, &service);
            step.state = Progress::Waiting(Box::new(waiting));
        }
    }
}

impl Apply<'_> {
    /// Lets a service go back to the revision that ran healthily before. It is
    /// never registered again: it is there, and it is known to run.
    pub(super) async fn go_back(
        &self,
        plan: &ServicePlan,
        service: &Service,
        waiting: &Waiting,
        to: &RevisionArn,
    ) -> Result<Option<DeploymentId>, Left> {
        let refused = |error: WriteError| Left::Refused(error.to_string());
        // Where traffic is shifted, ECS itself undoes what it has done so far.
        if !service.is_rolling()
            && let Some(history) = history(self.reader, &plan.key).await
            && let Some(ours) = history
                .iter()
                .find(|deployment| deployment.revision.as_ref() == Some(&waiting.watched.revision))
        {
            self.writer
                .stop_deployment(&ours.arn)
                .await
                .map_err(refused)?;
            return Ok(None);
        }
        let before = service.primary().map_or_else(
            || waiting.watched.before.clone(),
            |primary| primary.id.clone(),
        );
        let undo = match &plan.verdict {
            Verdict::Change(change) => change.service.undo.clone(),
            _ => Map::new(),
        };
        let update = Update {
            key: plan.key.clone(),
            revision: to.clone(),
            before: before.clone(),
            from: waiting.watched.revision.clone(),
            request: cloud::Update {
                revision: Some(to.clone()),
                restart: plan::forces(&undo),
                fields: undo,
            },
            tags: None,
            replaces: true,
            restarts: false,
            count: None,
            says: Vec::new(),
        };
        let answer = update
            .send(self.reader, self.writer)
            .await
            .map_err(refused)?;
        Ok(rollout::started(&before, to, &answer))
    }
}

enum Made {
    /// The live revision itself, for a restart.
    Live(RevisionArn),
    Found(RevisionArn),
    New {
        revision: RevisionArn,
        /// The tags that say where it comes from had to be left out.
        untagged: bool,
    },
}

async fn make_revision(change: &Change, reader: &Reader, writer: &Writer) -> Result<Made, Error> {
    let request = match &change.to {
        Target::Existing(revision) if *revision == change.basis.revision => {
            return Ok(Made::Live(revision.clone()));
        }
        Target::Existing(revision) => return Ok(Made::Found(revision.clone())),
        Target::New(request) => request,
    };
    let plain = change.request_without_provenance();
    let (mut request, mut untagged) = (request, false);
    let mut attempt = 1;
    loop {
        let WriteError { error, effect } = match writer.register(request).await {
            Ok(revision) => return Ok(Made::New { revision, untagged }),
            Err(failure) => failure,
        };
        if let Some(plain) = plain.as_ref().filter(|_| !untagged)
            && effect == Effect::None
            && error.denies(TAG)
        {
            (request, untagged) = (plain, true);
            continue;
        }
        let again = effect == Effect::Unknown || error.may_pass();
        if !again {
            return Err(error);
        }
        sleep(REGISTER_PAUSE * attempt).await;
        if effect == Effect::Unknown {
            // Never registered again blindly: first a look, and only a look
            // that succeeds says that it is not there.
            match find_registered(change, reader).await {
                Some(Some(revision)) => return Ok(Made::New { revision, untagged }),
                Some(None) => {}
                None => return Err(error),
            }
        }
        if attempt == REGISTER_ATTEMPTS {
            return Err(error);
        }
        attempt += 1;
    }
}

/// The revision that a registration without an answer has made, if it has;
/// `None` when that cannot be read.
async fn find_registered(change: &Change, reader: &Reader) -> Option<Option<RevisionArn>> {
    reader
        .survey(|observed| {
            plan::existing(
                &change.after,
                &change.wanted_tags,
                &change.basis.revision,
                observed,
            )
        })
        .await
        .ok()?
        .ok()
}

/// One service's update.
struct Update {
    key: ServiceKey,
    revision: RevisionArn,
    before: DeploymentId,
    from: RevisionArn,
    request: cloud::Update,
    tags: Option<TagChange>,
    /// It is certain to start a deployment.
    replaces: bool,
    /// Nothing but a new deployment was asked for.
    restarts: bool,
    count: Option<i64>,
    /// The fields of the service that it changes, for people.
    says: Vec<String>,
}

impl Update {
    fn of(plan: &ServicePlan, change: &Change, revision: &RevisionArn) -> Self {
        let moves = change.moves() || change.restart;
        Self {
            key: plan.key.clone(),
            revision: revision.clone(),
            before: change.basis.deployment.clone(),
            from: change.basis.revision.clone(),
            request: cloud::Update {
                revision: moves.then(|| revision.clone()),
                restart: change.restart || change.service.forces(),
                fields: change.service.update.clone(),
            },
            restarts: change.restart,
            tags: change.service.tags.clone(),
            replaces: change.effect() == fields::Effect::NewDeployment,
            count: change.service.count(),
            says: change
                .service
                .fields
                .iter()
                .map(|field| field.path.to_string())
                .collect(),
        }
    }

    /// Updates the service. Every attempt is one request: when an answer is
    /// lost, a look tells whether it took effect, before another is sent.
    async fn send(&self, reader: &Reader, writer: &Writer) -> Result<Service, WriteError> {
        // The tags first: setting them again changes nothing, and whatever is
        // refused leaves the tasks as they are.
        if let Some(tags) = &self.tags {
            writer
                .tag_service(&tags.service, &tags.set, &tags.remove)
                .await?;
        }
        if self.request.is_empty() {
            return self.look(reader).await;
        }
        let mut in_doubt = false;
        let mut attempt = 1;
        loop {
            let failure = match writer.update(&self.key, &self.request).await {
                Ok(service) => return Ok(service),
                Err(failure) => failure,
            };
            let lost = failure.effect == Effect::Unknown;
            in_doubt |= lost;
            let mut moved_on = false;
            if lost {
                match self.took_effect(reader).await {
                    Took::Effect(service) => return Ok(*service),
                    Took::NoEffect => {}
                    Took::Somebody => moved_on = true,
                }
            }
            // A restart that may be under way is not started twice.
            let again = attempt < UPDATE_ATTEMPTS
                && !moved_on
                && if lost {
                    !self.request.restart
                } else {
                    failure.error.may_pass()
                };
            if !again {
                let effect = if in_doubt {
                    Effect::Unknown
                } else {
                    failure.effect
                };
                return Err(WriteError { effect, ..failure });
            }
            if !lost {
                sleep(REGISTER_PAUSE * attempt).await;
            }
            attempt += 1;
        }
    }

    /// The service as it is, where nothing but its tags was changed.
    async fn look(&self, reader: &Reader) -> Result<Service, WriteError> {
        let failed = |error| WriteError {
            error,
            effect: Effect::None,
        };
        let seen = describe(reader, [self.key.clone()]).await.map_err(failed)?;
        match seen.into_values().next() {
            Some(Seen::Found(service)) => Ok(service),
            _ => Err(failed(Error::Garbled {
                action: "ecs:DescribeServices",
                why: "the service is not there any more".into(),
            })),
        }
    }

    /// What looks show after a lost answer; they may lag behind the update.
    async fn took_effect(&self, reader: &Reader) -> Took {
        let deadline = Instant::now() + 4 * REGISTER_PAUSE;
        while Instant::now() < deadline {
            sleep(REGISTER_PAUSE).await;
            let Ok(seen) = describe(reader, [self.key.clone()]).await else {
                continue;
            };
            let Some(Seen::Found(service)) = seen.get(&self.key) else {
                continue;
            };
            if rollout::started(&self.before, &self.revision, service).is_some() {
                return Took::Effect(Box::new(service.clone()));
            }
            if service
                .primary()
                .is_some_and(|primary| primary.id != self.before)
            {
                return Took::Somebody;
            }
        }
        Took::NoEffect
    }
}

/// What became of an update whose answer was lost.
enum Took {
    Effect(Box<Service>),
    NoEffect,
    /// Somebody else has deployed since; whatever this was, it is over.
    Somebody,
}
