//! The writes of a deployment, and the one that undoes it.

use aws_sdk_ecs as ecs;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::types::StopServiceDeploymentStopType;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::info;

use super::error::Error;
use super::limits::Allowance;
use super::raw::{KeepResponse, SendBody};
use crate::model::{ClusterName, RevisionArn, ServiceArn, Tag};
use crate::observed::{Service, ServiceKey, Task};

/// Carries out writes, each exactly as it was planned.
#[derive(Clone)]
pub struct Writer {
    ecs: ecs::Client,
    allowance: Allowance,
}

/// What to send to UpdateService.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    /// The revision to run; the same as now when left out.
    pub revision: Option<RevisionArn>,
    /// Start a deployment although nothing may differ.
    pub restart: bool,
    /// Other fields of the request.
    pub fields: Map<String, Value>,
}

impl Update {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a failed write may have changed something all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// AWS said no: nothing changed.
    None,
    /// The answer was lost, or AWS itself failed: look before trying again.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct WriteError {
    pub error: Error,
    pub effect: Effect,
}

impl Writer {
    pub(super) fn new(ecs: ecs::Client, allowance: Allowance) -> Self {
        Self { ecs, allowance }
    }

    /// Registers this very document as the next revision of its family.
    ///
    /// RegisterTaskDefinition is not idempotent, so it is sent once. After
    /// [`Effect::Unknown`], look whether the revision is there.
    pub async fn register(&self, request: &Map<String, Value>) -> Result<RevisionArn, WriteError> {
        const ACTION: &str = "ecs:RegisterTaskDefinition";
        let garbled = |why: String| WriteError {
            error: Error::Garbled {
                action: ACTION,
                why,
            },
            effect: Effect::Unknown,
        };
        let family = request
            .get("family")
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.allowance.take(ACTION).await;
        info!(family, "{ACTION}");
        let body = SendBody::new(request).map_err(|error| garbled(error.to_string()))?;
        let keep = KeepResponse::default();
        self.ecs
            .register_task_definition()
            // Required by the SDK; the body is replaced.
            .family(family)
            .set_container_definitions(Some(Vec::new()))
            .customize()
            .config_override(ecs::config::Config::builder().retry_config(RetryConfig::disabled()))
            .interceptor(body)
            .interceptor(keep.clone())
            .send()
            .await
            .map_err(|error| failed(ACTION, &error))?;
        let answer: Registered = serde_json::from_slice(&keep.take().body)
            .map_err(|error| garbled(error.to_string()))?;
        Ok(answer.task_definition.task_definition_arn)
    }

    /// Updates the service as this says, and in nothing else.
    ///
    /// Sent once: had the SDK tried again, a refusal of its last attempt would
    /// hide that an earlier one, whose answer was lost, took effect.
    pub async fn update(&self, key: &ServiceKey, update: &Update) -> Result<Service, WriteError> {
        const ACTION: &str = "ecs:UpdateService";
        self.allowance.take(ACTION).await;
        info!(service = %key, ?update, "{ACTION}");
        let garbled = |why: String| WriteError {
            error: Error::Garbled {
                action: ACTION,
                why,
            },
            effect: Effect::Unknown,
        };
        let mut request = update.fields.clone();
        request.insert("cluster".into(), Value::from(key.cluster.as_str()));
        request.insert("service".into(), Value::from(key.service.as_str()));
        if let Some(revision) = &update.revision {
            request.insert("taskDefinition".into(), Value::from(revision.as_str()));
        }
        if update.restart {
            request.insert("forceNewDeployment".into(), Value::Bool(true));
        }
        let body = SendBody::new(&request).map_err(|error| garbled(error.to_string()))?;
        let keep = KeepResponse::default();
        self.ecs
            .update_service()
            // Required by the SDK; the body is replaced.
            .service(key.service.as_str())
            .customize()
            .config_override(ecs::config::Config::builder().retry_config(RetryConfig::disabled()))
            .interceptor(body)
            .interceptor(keep.clone())
            .send()
            .await
            .map_err(|error| failed(ACTION, &error))?;
        serde_json::from_slice(&keep.take().body)
            .and_then(|answer: Updated| Service::read(answer.service))
            .map_err(|error| garbled(error.to_string()))
    }

    /// Sets tags of a service, and takes others away.
    pub async fn tag_service(
        &self,
        service: &ServiceArn,
        set: &[Tag],
        remove: &[String],
    ) -> Result<(), WriteError> {
        const SET: &str = "ecs:TagResource";
        const REMOVE: &str = "ecs:UntagResource";
        if !set.is_empty() {
            self.allowance.take(SET).await;
            info!(%service, tags = set.len(), "{SET}");
            self.ecs
                .tag_resource()
                .resource_arn(service.as_str())
                .set_tags(Some(set.iter().map(sdk_tag).collect()))
                .send()
                .await
                .map_err(|error| failed(SET, &error))?;
        }
        if !remove.is_empty() {
            self.allowance.take(REMOVE).await;
            info!(%service, tags = remove.len(), "{REMOVE}");
            self.ecs
                .untag_resource()
                .resource_arn(service.as_str())
                .set_tag_keys(Some(remove.to_vec()))
                .send()
                .await
                .map_err(|error| failed(REMOVE, &error))?;
        }
        Ok(())
    }

    /// Adds a tag to a revision.
    pub async fn tag(&self, revision: &RevisionArn, tag: &Tag) -> Result<(), WriteError> {
        const ACTION: &str = "ecs:TagResource";
        self.allowance.take(ACTION).await;
        info!(%revision, key = tag.key, "{ACTION}");
        self.ecs
            .tag_resource()
            .resource_arn(revision.as_str())
            .tags(sdk_tag(tag))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed(ACTION, &error))
    }

    /// Runs one task as this request says. The same `token` never runs a second
    /// one (API reference, RunTask, `clientToken`), so it is sent again when an
    /// answer is lost.
    pub async fn run_task(
        &self,
        cluster: &ClusterName,
        request: &Map<String, Value>,
        started_by: &str,
        token: &str,
    ) -> Result<Task, WriteError> {
        const ACTION: &str = "ecs:RunTask";
        self.allowance.take(ACTION).await;
        info!(%cluster, started_by, "{ACTION}");
        let garbled = |why: String| WriteError {
            error: Error::Garbled {
                action: ACTION,
                why,
            },
            effect: Effect::Unknown,
        };
        let mut request = request.clone();
        for (key, value) in [
            ("cluster", cluster.as_str()),
            ("startedBy", started_by),
            ("clientToken", token),
        ] {
            request.insert(key.to_owned(), Value::from(value));
        }
        let body = SendBody::new(&request).map_err(|error| garbled(error.to_string()))?;
        let keep = KeepResponse::default();
        self.ecs
            .run_task()
            // Required by the SDK; the body is replaced.
            .task_definition("")
            .customize()
            .interceptor(body)
            .interceptor(keep.clone())
            .send()
            .await
            .map_err(|error| failed(ACTION, &error))?;
        let answer: Ran = serde_json::from_slice(&keep.take().body)
            .map_err(|error| garbled(error.to_string()))?;
        // What could not be placed comes with a success.
        let refusal = answer.failures.first().map(|failure| Error::Refused {
            action: ACTION,
            code: "no task was placed".into(),
            message: failure.reason.clone().unwrap_or_default(),
        });
        match (answer.tasks.into_iter().next(), refusal) {
            (Some(task), _) => Ok(task),
            (None, Some(error)) => Err(WriteError {
                error,
                effect: Effect::None,
            }),
            (None, None) => Err(garbled("neither a task nor a failure".into())),
        }
    }

    /// Ends a task.
    pub async fn stop_task(
        &self,
        cluster: &ClusterName,
        task: &str,
        reason: &str,
    ) -> Result<(), WriteError> {
        const ACTION: &str = "ecs:StopTask";
        self.allowance.take(ACTION).await;
        info!(%cluster, task, "{ACTION}");
        self.ecs
            .stop_task()
            .cluster(cluster.as_str())
            .task(task)
            .reason(reason)
            .send()
            .await
            .map(drop)
            .map_err(|error| failed(ACTION, &error))
    }

    /// Takes the tag with this key off a revision.
    pub async fn untag(&self, revision: &RevisionArn, key: &str) -> Result<(), WriteError> {
        const ACTION: &str = "ecs:UntagResource";
        self.allowance.take(ACTION).await;
        info!(%revision, key, "{ACTION}");
        self.ecs
            .untag_resource()
            .resource_arn(revision.as_str())
            .tag_keys(key)
            .send()
            .await
            .map(drop)
            .map_err(|error| failed(ACTION, &error))
    }

    /// Lets ECS undo a service deployment: it goes back to where that began.
    pub async fn stop_deployment(&self, arn: &str) -> Result<(), WriteError> {
        const ACTION: &str = "ecs:StopServiceDeployment";
        self.allowance.take(ACTION).await;
        info!(deployment = arn, "{ACTION}");
        self.ecs
            .stop_service_deployment()
            .service_deployment_arn(arn)
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .send()
            .await
            .map(drop)
            .map_err(|error| failed(ACTION, &error))
    }
}

fn sdk_tag(tag: &Tag) -> ecs::types::Tag {
    ecs::types::Tag::builder()
        .key(&tag.key)
        .set_value(tag.value.clone())
        .build()
}

fn failed<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> WriteError
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
{
    let effect = match error {
        SdkError::ServiceError(service) if service.raw().status().as_u16() < 500 => Effect::None,
        SdkError::ConstructionFailure(_) => Effect::None,
        _ => Effect::Unknown,
    };
    let error = Error::from_sdk(action, error);
    // Without credentials nothing was sent.
    let effect = if matches!(error, Error::Credentials { .. }) {
        Effect::None
    } else {
        effect
    };
    WriteError { error, effect }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registered {
    task_definition: RegisteredRevision,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegisteredRevision {
    task_definition_arn: RevisionArn,
}

#[derive(Deserialize)]
struct Ran {
    #[serde(default)]
    tasks: Vec<Task>,
    #[serde(default)]
    failures: Vec<Unplaced>,
}

#[derive(Deserialize)]
struct Unplaced {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Updated {
    service: Map<String, Value>,
}
