//! Everything that carrying out a plan can report.
//!
//! The executor and the renderers share only this: text, progress bars and
//! JSON fold the same events, and none of them knows who sent them.

use std::time::Duration;

use serde::Serialize;

use crate::model::{DeploymentId, Region, RevisionArn};
use crate::observed::ServiceKey;

/// Something that happened to one service; `elapsed` is since its rollout was
/// started or adopted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
pub enum Event {
    /// A revision was registered.
    Registered {
        service: String,
        revision: RevisionArn,
    },
    /// The revision that was just registered lacks the tags that say where it
    /// comes from; a warning, not a failure.
    Untagged {
        service: String,
        revision: RevisionArn,
        why: String,
    },
    /// This revision was deployed, but still carries the mark of the rollout
    /// that failed before; a warning, not a failure.
    StillMarked {
        service: String,
        revision: RevisionArn,
        why: String,
        hint: Option<String>,
    },
    /// The work before a rollout is done, but what is left of its task may not
    /// be stopped, and is waited for.
    BeforeLingers {
        service: String,
        run: OneOff,
        why: String,
        hint: Option<String>,
    },
    /// A revision that already is the wanted document is used.
    Reused {
        service: String,
        revision: RevisionArn,
    },
    /// A task that comes before the rollout runs, and is waited for.
    BeforeStarted {
        service: String,
        revision: RevisionArn,
        run: OneOff,
        /// An earlier run had started it.
        adopted: bool,
    },
    /// That task did its work.
    BeforeDone {
        service: String,
        run: OneOff,
        /// The last lines that it wrote, oldest first.
        log: Vec<String>,
        #[serde(rename = "elapsed_seconds", serialize_with = "seconds")]
        elapsed: Duration,
    },
    /// The service was updated; this deployment is waited for.
    Started {
        service: String,
        revision: RevisionArn,
        deployment: Option<DeploymentId>,
        /// A rollout of something else that this one ended.
        supersedes: Option<RevisionArn>,
    },
    /// Fields of the service were changed, and its deployment stays.
    Updated {
        service: String,
        /// As the environment file spells them.
        fields: Vec<String>,
    },
    /// The declared state was already rolling out; it is waited for.
    Adopted {
        service: String,
        revision: RevisionArn,
        deployment: DeploymentId,
    },
    Progress {
        service: String,
        tasks: Tasks,
        /// Where a blue/green, linear or canary deployment is.
        #[serde(skip_serializing_if = "Option::is_none")]
        stage: Option<Stage>,
        #[serde(rename = "elapsed_seconds", serialize_with = "seconds")]
        elapsed: Duration,
    },
    /// The rollout waits for somebody to continue it; said once for each hook.
    Paused {
        service: String,
        #[serde(flatten)]
        pause: Pause,
    },
    /// The rollout failed, and the service goes back to this revision.
    GoingBack {
        service: String,
        to: RevisionArn,
        by: By,
    },
    /// A look failed and is tried again; the rollout is not touched by it.
    Trouble { services: Vec<String>, why: String },
    Ended {
        service: String,
        #[serde(flatten)]
        outcome: Outcome,
        /// Why it failed, when it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        diagnosis: Option<Diagnosis>,
        /// What runs now, as last seen: the PRIMARY deployment first.
        now: Vec<Running>,
        #[serde(rename = "elapsed_seconds", serialize_with = "seconds")]
        elapsed: Duration,
    },
}

/// A task that runs before a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OneOff {
    pub container: String,
    pub command: Vec<String>,
    /// Its id, once there is one.
    pub task: Option<String>,
}

/// A rollout's tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tasks {
    /// Of the new deployment.
    pub desired: i64,
    pub pending: i64,
    pub running: i64,
    pub failed: i64,
    /// Of all others.
    pub old: i64,
}

/// A deployment that has tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    pub revision: RevisionArn,
    pub running: i64,
    pub desired: i64,
}

/// How it ended for one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "outcome",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
pub enum Outcome {
    /// What is declared ran already; nothing was done.
    Unchanged { revision: RevisionArn },
    /// The rollout of the declared revision is complete.
    Deployed { revision: RevisionArn, how: How },
    /// The rollout failed, and things are left as they are.
    Failed {
        revision: RevisionArn,
        reason: Option<String>,
        /// Why nothing went back.
        left: Left,
    },
    /// The rollout failed, and the service went back to another revision.
    RolledBack {
        revision: RevisionArn,
        to: RevisionArn,
        reason: Option<String>,
        by: By,
        /// Going back is finished, too.
        complete: bool,
    },
    /// A task that comes before the rollout failed; the service was not
    /// touched.
    BeforeFailed {
        revision: RevisionArn,
        run: OneOff,
        /// Of its container, if that ran at all.
        exit_code: Option<i64>,
    },
    /// A task that comes before the rollout was not waited for to its end; it
    /// may be going on. The service was not touched.
    BeforeUnfinished {
        revision: RevisionArn,
        run: OneOff,
        because: Unfinished,
    },
    /// The very state that is declared failed before; nothing was done.
    FailedBefore {
        revision: RevisionArn,
        /// Seconds since the epoch; in JSON as [`rfc3339`] writes it.
        #[serde(serialize_with = "moment")]
        at: Option<i64>,
        reason: Option<String>,
    },
    /// Another deployment took this one's place.
    Superseded {
        revision: RevisionArn,
        by: RevisionArn,
    },
    /// The service was deleted or drained meanwhile.
    Gone {
        revision: RevisionArn,
        status: String,
    },
    /// Not finished in time; the rollout goes on.
    TimedOut {
        revision: RevisionArn,
        after_seconds: u64,
        /// Where it waits for somebody.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pauses: Vec<Pause>,
    },
    /// The wait was interrupted; the rollout goes on, unless none was started.
    Interrupted {
        revision: Option<RevisionArn>,
        /// Where it waits for somebody.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pauses: Vec<Pause>,
    },
    /// The live state is not the planned one any more; nothing was written.
    Stale { why: String },
    /// AWS refused, or could not be reached.
    Error {
        why: String,
        hint: Option<String>,
        /// A rollout was started and goes on unwatched.
        going_on: bool,
    },
    /// Nothing was done for this service because of another.
    HeldBack { because: String },
}

/// Why a task was not waited for to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum Unfinished {
    TimedOut {
        after_seconds: u64,
    },
    Interrupted,
    /// AWS refused to tell.
    Unreadable {
        why: String,
        hint: Option<String>,
    },
}

/// Who let a service go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    Ecs,
    Evenkeel,
}

/// Why a failed rollout was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Left {
    /// `on-failure = "stop"`.
    AsDeclared,
    /// Nobody asked for more than waiting.
    OnlyWaited,
    /// No revision is known that ran healthily before.
    NothingHealthyKnown,
    /// Going back was refused, for this reason.
    Refused(String),
}

/// Where a blue/green, linear or canary deployment is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// As ECS calls it, such as `BAKE_TIME`.
    pub name: String,
    /// Percent of the production traffic that the new revision gets.
    pub traffic: Option<f64>,
    /// How long it stays there to see whether all is well, where that can be
    /// known.
    #[serde(rename = "bake_left_seconds", serialize_with = "maybe_seconds")]
    pub bake_left: Option<Duration>,
    /// A hook waits for a person to continue.
    pub paused: bool,
    /// Each such hook.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
}

impl Stage {
    /// The minutes that are left of baking, the last one counted whole.
    pub fn bake_minutes_left(&self) -> Option<u64> {
        self.bake_left.map(|left| left.as_secs().div_ceil(60))
    }

    /// Whether nothing has changed but seconds.
    pub fn looks_like(&self, other: &Self) -> bool {
        self.bake_minutes_left() == other.bake_minutes_left()
            && *self
                == Self {
                    bake_left: self.bake_left,
                    ..other.clone()
                }
    }
}

/// A hook at which a deployment waits for somebody, with all that
/// ContinueServiceDeployment needs to let it go on or back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// As ECS calls it, such as `POST_TEST_TRAFFIC_SHIFT`.
    pub stage: String,
    /// The ARN of the service deployment.
    pub deployment: String,
    /// The hook's id.
    pub hook: String,
    pub region: Region,
    /// When ECS stops waiting, in seconds since the epoch; in JSON as
    /// [`rfc3339`] writes it.
    #[serde(serialize_with = "moment")]
    pub until: Option<i64>,
    /// What ECS does then: `CONTINUE` or `ROLLBACK`.
    pub then: Option<String>,
}

/// Why a rollout failed, as far as it could be found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Most tasks first.
    pub causes: Vec<Cause>,
    /// The last lines that the first cause's container wrote, oldest first.
    pub log: Vec<String>,
    /// What ECS said meanwhile that points at trouble.
    pub events: Vec<String>,
    /// What could not be read, and what would help.
    pub gaps: Vec<String>,
}

/// One cause, and how many tasks it stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    pub says: String,
    pub tasks: usize,
    /// One thing to do about it.
    pub next: String,
    pub container: Option<String>,
    /// One of the tasks, by its id.
    pub task: Option<String>,
}

/// How a success came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// This run started the rollout.
    Started,
    /// This run restarted what ran already.
    Restarted,
    /// This run changed the service; its tasks stayed.
    Updated,
    /// It was under way, and this run waited for it.
    Adopted,
    /// Somebody else made the same change between plan and apply.
    AlreadyDone,
}

impl Outcome {
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Unchanged { .. } | Self::Deployed { .. })
    }
}

/// How carrying out a plan ended, one entry a service in the plan's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub services: Vec<Ended>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub service: String,
    pub key: ServiceKey,
    pub outcome: Outcome,
    /// Why it failed, when it did.
    pub diagnosis: Option<Diagnosis>,
    /// What runs, as last seen.
    pub now: Vec<Running>,
    /// Since the rollout was started or adopted; zero when there was none.
    pub elapsed: Duration,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

fn maybe_seconds<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_secs())
        .serialize(serializer)
}

/// A moment for programs, in UTC: `2026-11-23T03:12:44Z`. Takes seconds since
/// the epoch; `None` where no calendar goes.
pub fn rfc3339(seconds: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    Some(at.to_string())
}

fn moment<S: serde::Serializer>(at: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    at.and_then(rfc3339).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn moments_are_text_in_json() {
        let at = |at| {
            let outcome = Outcome::FailedBefore {
                revision: "arn:aws:ecs:us-west-1:123456789012:task-definition/web:8"
                    .parse()
                    .unwrap(),
                at,
                reason: None,
            };
            serde_json::to_value(outcome).unwrap()["at"].clone()
        };
        assert_eq!(at(Some(1_795_403_564)), json!("2026-11-23T03:12:44Z"));
        assert_eq!(at(Some(i64::MAX)), Value::Null);
        assert_eq!(at(None), Value::Null);
    }
}
