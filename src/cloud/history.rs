//! Looking up what happened to a service: its deployments, its tasks, and the
//! last lines of their logs.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::operation::list_tasks::builders::ListTasksFluentBuilder;
use aws_sdk_ecs::types::{
    DeploymentConfiguration as SdkConfiguration, DesiredStatus, ServiceDeployment as SdkDeployment,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::info;

use super::error::Error;
use super::raw::{KeepResponse, KeepTime};
use super::read::{Reader, spread};
use super::service;
use crate::model::{ClusterName, Region};
use crate::observed::{
    Canary, CircuitBreaker, DeploymentConfiguration, DeploymentStatus, Linear, PauseHook, Seen,
    ServiceDeployment, ServiceKey, ServiceRevision, Sight, Task,
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
    let clock = KeepTime::default();
    let described = reader
        .ecs
        .describe_service_deployments()
        .set_service_deployment_arns(Some(arns))
        .customize()
        .interceptor(clock.clone())
        .send()
        .await
        .map_err(|error| Error::from_sdk(DESCRIBE, &error))?;
    let seen_at = clock.told();
    let deployments = described.service_deployments();
    let revisions = revisions(reader, deployments).await?;
    let mut found: Vec<ServiceDeployment> = deployments
        .iter()
        .filter_map(|deployment| read(deployment, &revisions, seen_at))
        .collect();
    found.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at));
    Ok(found)
}

/// The service revisions that the deployments bring.
async fn revisions(
    reader: &Reader,
    deployments: &[SdkDeployment],
) -> Result<BTreeMap<String, ServiceRevision>, Error> {
    let targets: BTreeSet<&str> = deployments
        .iter()
        .filter_map(|deployment| deployment.target_service_revision()?.arn())
        .collect();
    let targets: Vec<&str> = targets.into_iter().collect();
    let mut found = BTreeMap::new();
    for batch in targets.chunks(service::REVISIONS_A_CALL) {
        let batch = batch.iter().map(ToString::to_string).collect();
        found.extend(service::described(reader, batch).await?);
    }
    Ok(found)
}

fn read(
    deployment: &SdkDeployment,
    revisions: &BTreeMap<String, ServiceRevision>,
    seen_at: Option<i64>,
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
        service: brings.map_or_else(Map::new, |brings| brings.document.clone()),
        images: brings.map_or_else(Vec::new, |brings| brings.images.clone()),
        created_at: deployment.created_at().map_or(0, |at| at.secs()),
        updated_at: deployment.updated_at().map(|at| at.secs()),
        finished_at: deployment.finished_at().map(|at| at.secs()),
        seen_at,
        configuration: deployment
            .deployment_configuration()
            .map(configuration)
            .unwrap_or_default(),
        stage: deployment
            .lifecycle_stage()
            .map(|stage| stage.as_str().to_owned()),
        traffic: target.and_then(|target| target.requested_production_traffic_weight()),
        pauses: deployment
            .lifecycle_hook_details()
            .iter()
            .filter(|hook| {
                hook.status()
                    .is_some_and(|status| status.as_str() == "AWAITING_ACTION")
            })
            .filter_map(|hook| {
                Some(PauseHook {
                    id: hook.hook_id()?.to_owned(),
                    expires_at: hook.expires_at().map(|at| at.secs()),
                    timeout_action: hook
                        .timeout_action()
                        .map(|action| action.as_str().to_owned()),
                })
            })
            .collect(),
        triggered: triggered_breaker || triggered_alarm,
    })
}

/// What of a configuration decides how long traffic is left as it is.
fn configuration(of: &SdkConfiguration) -> DeploymentConfiguration {
    let linear = of.linear_configuration().map(|linear| Linear {
        step_percent: linear.step_percent(),
        step_bake_time_in_minutes: linear.step_bake_time_in_minutes().map(f64::from),
    });
    let canary = of.canary_configuration().map(|canary| Canary {
        canary_percent: canary.canary_percent(),
        canary_bake_time_in_minutes: canary.canary_bake_time_in_minutes().map(f64::from),
    });
    let breaker = of.deployment_circuit_breaker();
    DeploymentConfiguration {
        strategy: of.strategy().map(|strategy| strategy.as_str().to_owned()),
        deployment_circuit_breaker: CircuitBreaker {
            enable: breaker.is_some_and(|breaker| breaker.enable()),
            rollback: breaker.is_some_and(|breaker| breaker.rollback()),
        },
        bake_time_in_minutes: of.bake_time_in_minutes().map(f64::from),
        linear_configuration: linear,
        canary_configuration: canary,
    }
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
    let list = reader
        .ecs
        .list_tasks()
        .cluster(key.cluster.as_str())
        .service_name(key.service.as_str())
        .desired_status(DesiredStatus::Stopped);
    described(reader, &key.cluster, listed(list).await?).await
}

/// The tasks that fit, at most [`TASK_PAGES`] pages of them.
async fn listed(list: ListTasksFluentBuilder) -> Result<Vec<String>, Error> {
    const LIST: &str = "ecs:ListTasks";
    info!("{LIST}");
    let mut pages = list.into_paginator().send();
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
    Ok(arns)
}

async fn described(
    reader: &Reader,
    cluster: &ClusterName,
    arns: Vec<String>,
) -> Result<Vec<Task>, Error> {
    const DESCRIBE: &str = "ecs:DescribeTasks";
    let mut tasks = Vec::new();
    for batch in arns.chunks(TASKS_A_CALL) {
        info!(tasks = batch.len(), "{DESCRIBE}");
        let keep = KeepResponse::default();
        reader
            .ecs
            .describe_tasks()
            .cluster(cluster.as_str())
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
    /// A task as it is now; `None` while ECS does not show it, or no more.
    pub async fn task(&self, cluster: &ClusterName, arn: &str) -> Result<Option<Task>, Error> {
        let _turn = self.turn().await;
        let found = described(self, cluster, vec![arn.to_owned()]).await?;
        Ok(found.into_iter().next())
    }

    /// The tasks of a family that were started under this name, running ones
    /// first. `startedBy` can be no filter together with another (API
    /// reference, ListTasks), so stopped ones are told apart here.
    pub async fn started_by(
        &self,
        cluster: &ClusterName,
        family: &str,
        name: &str,
    ) -> Result<Vec<Task>, Error> {
        let _turn = self.turn().await;
        let list = || self.ecs.list_tasks().cluster(cluster.as_str());
        let mut arns = listed(list().started_by(name)).await?;
        let stopped = list().family(family).desired_status(DesiredStatus::Stopped);
        arns.extend(listed(stopped).await?);
        let mut tasks = described(self, cluster, arns).await?;
        tasks.retain(|task| task.started_by.as_deref() == Some(name));
        Ok(tasks)
    }

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
