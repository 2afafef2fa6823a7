//! What was deployed to a service, when, by whom, and how it ended.

use serde_json::Value;

use super::{Image, Problem, images};
use crate::environment::Service as Declared;
use crate::model::{Commit, RevisionArn, commit_of, failed_because};
use crate::observed::{
    DeploymentStatus, Observed, RunningImage, Seen, ServiceDeployment, ServiceKey, Unreadable,
    Wants, all,
};

#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The file's name for the service.
    pub name: String,
    pub key: ServiceKey,
    pub told_by: Source,
    /// Newest first.
    pub entries: Vec<Entry>,
}

/// Where a history comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// ECS's record of the service's deployments, which goes back 90 days.
    Deployments,
    /// There is no such record, or it could not be read: the newest revisions
    /// of the task definition, whether they were deployed or not.
    Revisions { instead: Option<Unreadable> },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// None where ECS does not tell which revision a deployment brought.
    pub revision: Option<RevisionArn>,
    /// Whether it is what the service runs, or is on its way to.
    pub current: bool,
    /// None for a mere revision.
    pub deployment: Option<Ended>,
    pub facts: Result<Facts, Unreadable>,
}

/// How a deployment went.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub status: DeploymentStatus,
    /// What it brought failed, by ECS's word or by a tag that remembers it.
    pub failed: bool,
    pub reason: Option<String>,
    /// Seconds since the epoch.
    pub began: i64,
    pub ended: Option<i64>,
}

/// What is known of a revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub images: Vec<Image>,
    pub commit: Option<Commit>,
    /// Who registered it, as AWS says it: an ARN.
    pub registered_by: Option<String>,
    /// Seconds since the epoch.
    pub registered_at: Option<i64>,
}

/// The newest deployments of a service, at most so many.
///
/// # Errors
/// [`Wants`]: what must be looked up first. The inner error says why nothing is
/// told.
pub fn history(
    declared: &Declared,
    most: usize,
    observed: &Observed,
) -> Result<Result<History, Problem>, Wants> {
    let key = ServiceKey {
        cluster: declared.cluster.clone(),
        service: declared.service.clone(),
    };
    // Asked for together, so that one round answers both.
    all([
        observed.service(&key).map(drop),
        observed.history(&key).map(drop),
    ])?;
    let service = match observed.service(&key)? {
        Seen::Found(service) => service,
        Seen::Missing => return Ok(Err(Problem::Missing)),
        Seen::Unreadable(why) => return Ok(Err(Problem::Unreadable(why.clone()))),
    };
    let current = service.primary().map(|primary| &primary.task_definition);
    let (told_by, mut entries) = match observed.history(&key)? {
        Seen::Found(deployments) if !deployments.is_empty() => {
            let entries = deployments
                .iter()
                .take(most)
                .map(|deployment| of_deployment(deployment, observed));
            (Source::Deployments, all(entries)?)
        }
        other => {
            let instead = match other {
                Seen::Unreadable(why) => Some(why.clone()),
                Seen::Found(_) | Seen::Missing => None,
            };
            let Some(current) = current else {
                let controller = service.controller().to_owned();
                return Ok(Err(Problem::NoDeployment { controller }));
            };
            let newest = match observed.newest(current.family())? {
                Seen::Found(newest) => newest.as_slice(),
                Seen::Missing => &[],
                Seen::Unreadable(why) => return Ok(Err(Problem::Unreadable(why.clone()))),
            };
            let entries = newest
                .iter()
                .take(most)
                .map(|revision| of_revision(revision, observed));
            (Source::Revisions { instead }, all(entries)?)
        }
    };
    let newest = entries
        .iter_mut()
        .find(|entry| entry.revision.is_some() && entry.revision.as_ref() == current);
    if let Some(newest) = newest {
        newest.current = true;
    }
    Ok(Ok(History {
        name: declared.name.clone(),
        key,
        told_by,
        entries,
    }))
}

impl History {
    /// Whether everything that was looked for could be seen. That ECS keeps no
    /// record of a service is no gap; that it may not be read is.
    pub fn is_whole(&self) -> bool {
        self.entries.iter().all(|entry| entry.facts.is_ok())
            && !matches!(self.told_by, Source::Revisions { instead: Some(_) })
    }
}

fn of_deployment(deployment: &ServiceDeployment, observed: &Observed) -> Result<Entry, Wants> {
    let mut ended = Ended {
        status: deployment.status,
        failed: deployment.failed(),
        reason: deployment.reason.clone(),
        began: deployment.created_at,
        ended: deployment.finished_at,
    };
    let Some(revision) = &deployment.revision else {
        let why = "ECS does not tell which revision it brought".to_owned();
        return Ok(Entry {
            revision: None,
            current: false,
            deployment: Some(ended),
            facts: Err(Unreadable { why, hint: None }),
        });
    };
    let (facts, remembered) = facts(revision, &deployment.images, observed)?;
    // ECS calls a deployment stopped that evenkeel gave up and replaced.
    if let (DeploymentStatus::Stopped, Some(why)) = (ended.status, remembered) {
        ended.failed = true;
        ended.reason = Some(why);
    }
    Ok(Entry {
        revision: Some(revision.clone()),
        current: false,
        deployment: Some(ended),
        facts,
    })
}

fn of_revision(revision: &RevisionArn, observed: &Observed) -> Result<Entry, Wants> {
    let (facts, _) = facts(revision, &[], observed)?;
    Ok(Entry {
        revision: Some(revision.clone()),
        current: false,
        deployment: None,
        facts,
    })
}

/// What is known of a revision, and why its rollout failed, if a tag remembers.
fn facts(
    revision: &RevisionArn,
    running: &[RunningImage],
    observed: &Observed,
) -> Result<(Result<Facts, Unreadable>, Option<String>), Wants> {
    let found = match observed.revision(revision)? {
        Seen::Found(found) => found,
        Seen::Missing => {
            let why = "ECS does not have it".to_owned();
            return Ok((Err(Unreadable { why, hint: None }), None));
        }
        Seen::Unreadable(why) => return Ok((Err(why.clone()), None)),
    };
    let at = found.document.as_map().get("registeredAt");
    let facts = Facts {
        images: images(&found.document, running),
        commit: commit_of(&found.tags),
        registered_by: found.document.text("registeredBy").map(str::to_owned),
        registered_at: at.and_then(Value::as_f64).map(|at| at as i64),
    };
    Ok((Ok(facts), failed_because(&found.tags)))
}
