//! What ECS makes of the fields of a task definition: which lists have no
//! order, what is filled in when a field is left out.
//!
//! The one place for such rules. AWS states the defaults in the API reference
//! of RegisterTaskDefinition; the natural keys of lists it states nowhere, they
//! are those under which ECS refuses or merges duplicates.

/// How the elements of a list relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// Objects told apart by these fields together; the order means nothing.
    Keyed(&'static [&'static str]),
    /// Plain values without order.
    Set,
    /// The order matters, as in `command`.
    Sequence,
}

/// The kind of the list in this field. Names are unique in their kind all over
/// the document, so the path is not needed.
pub fn list_kind(field: &str) -> ListKind {
    match field {
        "containerDefinitions"
        | "environment"
        | "secrets"
        | "secretOptions"
        | "ulimits"
        | "volumes"
        | "properties" => ListKind::Keyed(&["name"]),
        "tags" => ListKind::Keyed(&["key"]),
        "portMappings" => ListKind::Keyed(&["containerPort", "containerPortRange", "protocol"]),
        "mountPoints" | "tmpfs" => ListKind::Keyed(&["containerPath"]),
        "volumesFrom" => ListKind::Keyed(&["sourceContainer"]),
        "systemControls" => ListKind::Keyed(&["namespace"]),
        "extraHosts" => ListKind::Keyed(&["hostname", "ipAddress"]),
        "dependsOn" => ListKind::Keyed(&["containerName", "condition"]),
        "resourceRequirements" => ListKind::Keyed(&["type"]),
        "placementConstraints" => ListKind::Keyed(&["type", "expression"]),
        "devices" => ListKind::Keyed(&["hostPath"]),
        "requiresCompatibilities"
        | "add"
        | "drop"
        | "ignoredExitCodes"
        | "links"
        | "dockerSecurityOptions" => ListKind::Set,
        _ => ListKind::Sequence,
    }
}

/// What ECS fills in for a field, as JSON, when it is left out. `parent` is
/// the field that the object lies in (`containerDefinitions`, `healthCheck`).
pub fn default_value(parent: &str, field: &str) -> Option<&'static str> {
    Some(match (parent, field) {
        ("containerDefinitions", "cpu") => "0",
        ("containerDefinitions", "essential") => "true",
        ("containerDefinitions", "readonlyRootFilesystem") => "false",
        ("containerDefinitions", "versionConsistency") => "\"enabled\"",
        ("portMappings", "protocol") => "\"tcp\"",
        ("portMappings", "hostPort") => "0",
        ("healthCheck", "interval") => "30",
        ("healthCheck", "timeout") => "5",
        ("healthCheck", "retries") => "3",
        ("restartPolicy", "restartAttemptPeriod") => "300",
        ("efsVolumeConfiguration", "transitEncryption") => "\"DISABLED\"",
        ("", "enableFaultInjection") => "false",
        ("", "networkMode") => "\"bridge\"",
        _ => return None,
    })
}
