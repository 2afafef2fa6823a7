//! A service's past and present deployments, as the service deployments API
//! tells them. It keeps them for 90 days.

use serde_json::{Map, Value};

use super::{DeploymentConfiguration, RunningImage};
use crate::model::RevisionArn;

/// One service deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceDeployment {
    pub arn: String,
    pub status: DeploymentStatus,
    /// AWS's words for the status.
    pub reason: Option<String>,
    /// The revision that it brings, when its service revision could be read.
    pub revision: Option<RevisionArn>,
    /// The service as it brings it: its service revision, whole. Empty when
    /// that could not be read.
    pub service: Map<String, Value>,
    /// What its containers run, as far as its service revision tells.
    pub images: Vec<RunningImage>,
    /// Seconds since the epoch.
    pub created_at: i64,
    pub updated_at: Option<i64>,
    pub finished_at: Option<i64>,
    /// When AWS answered with this, by its own clock.
    pub seen_at: Option<i64>,
    /// How it is deployed; the service's own may have changed since.
    pub configuration: DeploymentConfiguration,
    /// Where a blue/green, linear or canary deployment is.
    pub stage: Option<String>,
    /// Percent of the traffic that the new revision gets, where that is told.
    pub traffic: Option<f64>,
    /// The hooks at which it waits for a person.
    pub pauses: Vec<PauseHook>,
    /// The circuit breaker or an alarm has ended it.
    pub triggered: bool,
}

/// A hook at which a deployment waits until somebody calls
/// ContinueServiceDeployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseHook {
    pub id: String,
    /// When ECS stops waiting, in seconds since the epoch.
    pub expires_at: Option<i64>,
    /// What ECS does then: `CONTINUE` or `ROLLBACK`.
    pub timeout_action: Option<String>,
}

/// `ServiceDeploymentStatus` of the API model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentStatus {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
    /// A status that AWS has added since; never taken for a success.
    Unknown,
}

impl DeploymentStatus {
    pub fn read(text: &str) -> Self {
        match text {
            "PENDING" => Self::Pending,
            "IN_PROGRESS" => Self::InProgress,
            "SUCCESSFUL" => Self::Successful,
            "STOP_REQUESTED" => Self::StopRequested,
            "STOPPED" => Self::Stopped,
            "ROLLBACK_REQUESTED" => Self::RollbackRequested,
            "ROLLBACK_IN_PROGRESS" => Self::RollbackInProgress,
            "ROLLBACK_SUCCESSFUL" => Self::RollbackSuccessful,
            "ROLLBACK_FAILED" => Self::RollbackFailed,
            _ => Self::Unknown,
        }
    }
}

impl ServiceDeployment {
    /// Whether what it brought failed. One that was merely replaced by a newer
    /// deployment did not.
    pub fn failed(&self) -> bool {
        match self.status {
            DeploymentStatus::RollbackRequested
            | DeploymentStatus::RollbackInProgress
            | DeploymentStatus::RollbackSuccessful
            | DeploymentStatus::RollbackFailed => true,
            // A breaker without rollback leaves it stopped.
            DeploymentStatus::Stopped | DeploymentStatus::StopRequested => self.triggered,
            DeploymentStatus::Pending
            | DeploymentStatus::InProgress
            | DeploymentStatus::Successful
            | DeploymentStatus::Unknown => false,
        }
    }
}
