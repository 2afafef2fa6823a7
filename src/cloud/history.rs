//! Looking up what happened to a service: its deployments, its tasks, and the
//! last lines of their logs.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{DesiredStatus, ServiceDeployment as SdkDeployment};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

use super::error::Error;
use super::raw::KeepResponse;
use super::read::{Reader, SERVICE_REVISIONS_A_CALL, service_revision, spread};
use crate::model::Region;
use crate::observed::{
    DeploymentStatus, Seen, ServiceDeployment, ServiceKey, ServiceRevision, Sight, Task,
};

/// How far back a service's deployments are read: as many as one call
/// describes (API reference, DescribeServiceDeployments).
const DEPLOYMENTS: i32 = 20;
/// DescribeTasks takes a hundred tasks (API reference); ListTasks pages by as many.
const TASKS_A_CALL: usize = 100;
/// Pages of stopped tasks that are read. A thousand are enough to know why.
const TASK_PAGES: usize = 10;
/// Log lines that are read of one container: enough for the end of a stack
/// trace and what led to it.
const LOG_LINES: i32 = 40;

pub(super) async fn deployments(reader: &Reader, key: ServiceKey) -> Result<Vec<Sight>, Error> {
    let _turn = reader.turn().await;
    let listed = list(reader, &key).await;
    match listed {
        Ok(found) => Ok(vec![Sight::History(key, Seen::Found(found))]),
        Err(error) => spread(error, [key], |key, why| {
            Sight::History(key, Seen::Unreadable(why))
        }),
    }
}

async fn list(reader: &Reader, key: &ServiceKey) -> Result<Vec<ServiceDeployment>, Error> {
    const LIST: &str = "ecs:ListServiceDeployments";
    const DESCRIBE: &str = "ecs:DescribeServiceDeployments";
    info!(service = %key, "{LIST}");
    let listed = reader
        .ecs
        .list_service_deployments()
        .cluster(key.cluster.as_str())
        .service(key.service.as_str())
        .max_results(DEPLOYMENTS)
        .send()
        .await
        .map_err(|error| Error::from_sdk(LIST, &error))?;
    let arns: Vec<String> = listed
        .service_deployments()
        .iter()
        .filter_map(|brief| brief.service_deployment_arn().map(str::to_owned))
        .collect();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    info!(service = %key, deployments = arns.len(), "{DESCRIBE}");
    let described = reader
        .ecs
        .describe_service_deployments()
        .set_service_deployment_arns(Some(arns))
        .send()
        .await
        .map_err(|error| Error::from_sdk(DESCRIBE, &error))?;
    let deployments = described.service_deployments();
    let revisions = revisions(reader, deployments).await?;
    let mut found: Vec<ServiceDeployment> = deployments
        .iter()
        .filter_map(|deployment| read(deployment, &revisions))
        .collect();
    found.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at));
    Ok(found)
}

/// The service revisions that the deployments bring.
async fn revisions(
    reader: &Reader,
    deployments: &[SdkDeployment],
) -> Result<BTreeMap<String, ServiceRevision>, Error> {
    const ACTION: &str = "ecs:DescribeServiceRevisions";
    let targets: BTreeSet<&str> = deployments
        .iter()
        .filter_map(|deployment| deployment.target_service_revision()?.arn())
        .collect();
    let targets: Vec<&str> = targets.into_iter().collect();
    let mut found = BTreeMap::new();
    for batch in targets.chunks(SERVICE_REVISIONS_A_CALL) {
        info!(revisions = batch.len(), "{ACTION}");
        let answer = reader
            .ecs
            .describe_service_revisions()
            .set_service_revision_arns(Some(batch.iter().map(ToString::to_string).collect()))
            .send()
            .await
            .map_err(|error| Error::from_sdk(ACTION, &error))?;
        found.extend(answer.service_revisions().iter().filter_map(|revision| {
            Some((
                revision.service_revision_arn()?.to_owned(),
                service_revision(revision)?,
            ))
        }));
    }
    Ok(found)
}

fn read(
    deployment: &SdkDeployment,
    revisions: &BTreeMap<String, ServiceRevision>,
) -> Option<ServiceDeployment> {
    let target = deployment.target_service_revision();
    let brings = target.and_then(|target| revisions.get(target.arn()?));
    let triggered_breaker = deployment
        .deployment_circuit_breaker()
        .and_then(|breaker| breaker.status())
        .is_some_and(|status| status.as_str() == "TRIGGERED");
    let triggered_alarm = deployment.alarms().is_some_and(|alarms| {
        alarms
            .status()
            .is_some_and(|status| status.as_str() == "TRIGGERED")
            || !alarms.triggered_alarm_names().is_empty()
    });
    Some(ServiceDeployment {
        arn: deployment.service_deployment_arn()?.to_owned(),
        status: DeploymentStatus::read(deployment.status()?.as_str()),
        reason: deployment.status_reason().map(str::to_owned),
        revision: brings.map(|brings| brings.task_definition.clone()),
        images: brings.map_or_else(Vec::new, |brings| brings.images.clone()),
        created_at: deployment.created_at().map_or(0, |at| at.secs()),
        finished_at: deployment.finished_at().map(|at| at.secs()),
        stage: deployment
            .lifecycle_stage()
            .map(|stage| stage.as_str().to_owned()),
        traffic: target.and_then(|target| target.requested_production_traffic_weight()),
        paused: deployment.lifecycle_hook_details().iter().any(|hook| {
            hook.status()
                .is_some_and(|status| status.as_str() == "AWAITING_ACTION")
        }),
        triggered: triggered_breaker || triggered_alarm,
    })
}

pub(super) async fn stopped_tasks(reader: &Reader, key: ServiceKey) -> Result<Vec<Sight>, Error> {
    let _turn = reader.turn().await;
    match stopped(reader, &key).await {
        Ok(tasks) => Ok(vec![Sight::StoppedTasks(key, Seen::Found(tasks))]),
        Err(error) => spread(error, [key], |key, why| {
            Sight::StoppedTasks(key, Seen::Unreadable(why))
        }),
    }
}

async fn stopped(reader: &Reader, key: &ServiceKey) -> Result<Vec<Task>, Error> {
    const LIST: &str = "ecs:ListTasks";
    const DESCRIBE: &str = "ecs:DescribeTasks";
    info!(service = %key, "{LIST}");
    let mut pages = reader
        .ecs
        .list_tasks()
        .cluster(key.cluster.as_str())
        .service_name(key.service.as_str())
        .desired_status(DesiredStatus::Stopped)
        .into_paginator()
        .send();
    let mut arns = Vec::new();
    for _ in 0..TASK_PAGES {
        match pages.next().await {
            None => break,
            Some(page) => {
                arns.extend_from_slice(
                    page.map_err(|error| Error::from_sdk(LIST, &error))?
                        .task_arns(),
                );
            }
        }
    }
    let mut tasks = Vec::new();
    for batch in arns.chunks(TASKS_A_CALL) {
        info!(service = %key, tasks = batch.len(), "{DESCRIBE}");
        let keep = KeepResponse::default();
        reader
            .ecs
            .describe_tasks()
            .cluster(key.cluster.as_str())
            .set_tasks(Some(batch.to_vec()))
            .customize()
            .interceptor(keep.clone())
            .send()
            .await
            .map_err(|error| Error::from_sdk(DESCRIBE, &error))?;
        let answer: DescribedTasks =
            serde_json::from_slice(&keep.take().body).map_err(|error| Error::Garbled {
                action: DESCRIBE,
                why: error.to_string(),
            })?;
        // A task that cannot be read tells nothing; the others do.
        tasks.extend(
            answer
                .tasks
                .iter()
                .filter_map(|task| Task::deserialize(task).ok()),
        );
    }
    Ok(tasks)
}

#[derive(Deserialize)]
struct DescribedTasks {
    #[serde(default)]
    tasks: Vec<Value>,
}

/// Where a container's log lies in CloudWatch Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    pub region: Region,
    pub group: String,
    pub stream: String,
}

impl Reader {
    /// The last lines of a container's log, oldest first. A stream that does not exist is
    /// one into which nothing was written.
    pub async fn log_tail(&self, log: &LogStream) -> Result<Vec<String>, Error> {
        const ACTION: &str = "logs:GetLogEvents";
        let _turn = self.turn().await;
        info!(group = %log.group, stream = %log.stream, "{ACTION}");
        let sent = self
            .connection
            .logs(&log.region)
            .get_log_events()
            .log_group_name(&log.group)
            .log_stream_name(&log.stream)
            .limit(LOG_LINES)
            .start_from_head(false)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(answer
                .events()
                .iter()
                .filter_map(|event| event.message().map(str::to_owned))
                .collect()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(Vec::new()),
            Err(error) => Err(Error::from_sdk(ACTION, &error)),
        }
    }
}
