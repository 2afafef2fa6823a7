//! Tasks, as far as they tell why a rollout fails.

use serde::Deserialize;

use crate::model::RevisionArn;

/// A task as DescribeTasks returns it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub task_arn: String,
    pub task_definition_arn: RevisionArn,
    pub last_status: Option<String>,
    /// `STOPPED` from when something has decided that it ends.
    pub desired_status: Option<String>,
    pub started_by: Option<String>,
    pub stop_code: Option<String>,
    pub stopped_reason: Option<String>,
    /// Seconds since the epoch.
    pub created_at: Option<f64>,
    pub stopped_at: Option<f64>,
    #[serde(default)]
    pub containers: Vec<TaskContainer>,
}

/// A container of a task.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskContainer {
    pub name: String,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
}

impl Task {
    /// The last part of the ARN, which names the log stream, too.
    pub fn id(&self) -> &str {
        self.task_arn.rsplit('/').next().unwrap_or_default()
    }
}
