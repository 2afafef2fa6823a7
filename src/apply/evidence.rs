//! Gathering what tells why a rollout failed. Whatever cannot be read is a gap
//! in the diagnosis, never an error: the rollout has failed anyway.

use std::collections::BTreeSet;

use tracing::debug;

use super::diagnosis;
use crate::cloud::{LogStream, Reader};
use crate::event::{Cause, Diagnosis};
use crate::model::{Region, RevisionArn, TaskDefinition};
use crate::observed::{Observed, Seen, Service, ServiceDeployment, ServiceKey, Task, Want};

/// Why the rollout of this revision failed, as far as can be found out. What
/// was over before `since` (seconds since the epoch) does not count.
pub(super) async fn diagnose(
    reader: &Reader,
    key: &ServiceKey,
    revision: &RevisionArn,
    service: &Service,
    since: Option<f64>,
) -> Diagnosis {
    let mut found = Diagnosis {
        events: diagnosis::telling(&service.events, since),
        ..Diagnosis::default()
    };
    let mut observed = Observed::default();
    let wants = BTreeSet::from([
        Want::StoppedTasks(key.clone()),
        Want::Document(revision.clone()),
    ]);
    if let Err(error) = reader.look(wants, &mut observed).await {
        found
            .gaps
            .push(format!("the stopped tasks could not be read: {error}"));
        return found;
    }
    match observed.stopped_tasks(key) {
        Ok(Seen::Found(tasks)) => found.causes = diagnosis::causes(tasks, revision, since),
        Ok(Seen::Unreadable(why)) => found.gaps.push(match &why.hint {
            Some(hint) => format!("the stopped tasks could not be read: {} ({hint})", why.why),
            None => format!("the stopped tasks could not be read: {}", why.why),
        }),
        Ok(Seen::Missing) | Err(_) => {}
    }
    found
        .causes
        .extend(diagnosis::placement(&service.events, since));
    if let Ok(Seen::Found(document)) = observed.document(revision) {
        let place = |cause: &Cause| {
            let (container, task) = (cause.container.as_deref()?, cause.task.as_deref()?);
            log_stream(document, revision, container, task)
        };
        if let Some(place) = found.causes.iter().find_map(place) {
            match tail(reader, &place).await {
                Ok(lines) => found.log = diagnosis::excerpt(&lines),
                Err(gap) => found.gaps.push(gap),
            }
        }
    }
    found
}

/// The last lines that a container of a task wrote; none where it does not log
/// to CloudWatch, and why not where they cannot be read.
pub(super) async fn log_of(
    reader: &Reader,
    revision: &RevisionArn,
    container: &str,
    task: &Task,
) -> Result<Vec<String>, String> {
    let mut observed = Observed::default();
    let wants = BTreeSet::from([Want::Document(revision.clone())]);
    if let Err(error) = reader.look(wants, &mut observed).await {
        return Err(format!("the log could not be read: {error}"));
    }
    let Ok(Seen::Found(document)) = observed.document(revision) else {
        return Ok(Vec::new());
    };
    match log_stream(document, revision, container, task.id()) {
        Some(place) => tail(reader, &place).await,
        None => Ok(Vec::new()),
    }
}

fn log_stream(
    document: &TaskDefinition,
    revision: &RevisionArn,
    container: &str,
    task: &str,
) -> Option<LogStream> {
    let (group, region, stream) = diagnosis::log_place(document, container, task)?;
    let region = match region {
        Some(region) => region.parse::<Region>().ok()?,
        None => revision.region().clone(),
    };
    Some(LogStream {
        region,
        group,
        stream,
    })
}

async fn tail(reader: &Reader, place: &LogStream) -> Result<Vec<String>, String> {
    reader
        .log_tail(place)
        .await
        .map_err(|error| match error.hint() {
            Some(hint) => format!("the log could not be read: {error} ({hint})"),
            None => format!("the log could not be read: {error}"),
        })
}

/// What happened to a service, if ECS tells.
pub(super) async fn history(reader: &Reader, key: &ServiceKey) -> Option<Vec<ServiceDeployment>> {
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
