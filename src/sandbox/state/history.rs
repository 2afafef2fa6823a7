//! Service deployments, as they are remembered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::clock::Millis;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct ServiceDeployment {
    pub arn: String,
    /// PENDING, IN_PROGRESS, SUCCESSFUL, … as AWS spells them.
    pub status: String,
    pub reason: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub finished_at: Option<Millis>,
    pub stopped_at: Option<Millis>,
    /// ARNs of service revisions.
    pub sources: Vec<String>,
    pub target: String,
    pub configuration: Value,
    pub breaker: Breaker,
    pub rollback: Option<Rollback>,
    /// How far a strategy that goes by stages has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<Staged>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Alarms>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Breaker {
    pub status: String,
    pub failures: u32,
    pub threshold: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Rollback {
    pub reason: String,
    pub started_at: Millis,
    pub revision: String,
}

/// A deployment that shifts traffic: blue/green, linear or canary.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Staged {
    pub strategy: Strategy,
    pub stage: Stage,
    /// When the stage may end, if that is a matter of time.
    pub due: Option<Millis>,
    /// The target's share of the traffic, in percent.
    pub production: f64,
    pub test: f64,
    /// The hooks of this stage.
    pub hooks: Vec<Hook>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum Strategy {
    BlueGreen,
    Linear,
    Canary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::sandbox) enum Stage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Hook {
    pub id: String,
    /// AWS_LAMBDA or PAUSE.
    pub kind: String,
    pub target: Option<String>,
    /// AWAITING_ACTION, IN_PROGRESS, SUCCEEDED, FAILED or TIMED_OUT.
    pub status: String,
    /// When a function answers; a pause has no such moment.
    pub answers_at: Option<Millis>,
    pub expires_at: Millis,
    /// CONTINUE or ROLLBACK.
    pub timeout_action: String,
}

/// The CloudWatch alarms that watch a deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Alarms {
    pub names: Vec<String>,
    pub rollback: bool,
    pub status: String,
    /// When the first one goes off.
    pub due: Option<Millis>,
}
