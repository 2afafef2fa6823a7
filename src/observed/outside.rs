//! Things beside ECS and ECR that a service needs.

use crate::model::Region;

/// Something of which only whether it is there is looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outside {
    pub kind: OutsideKind,
    pub region: Region,
    /// Its ARN; the name of a log group.
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutsideKind {
    /// Of Secrets Manager.
    Secret,
    LogGroup,
    TargetGroup,
}
