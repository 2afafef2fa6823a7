//! What no emulator can prove: whether an action is given on the resources, and
//! under the conditions, that AWS knows for it. An action on a resource of
//! another kind allows nothing, without a word; a condition key that the action
//! does not have, neither.

use crate::policy::{Policy, Statement};

/// An action, the kinds of resources that it is given on, all of which it must
/// have, and the condition keys that come with it. From the service
/// authorization reference of ECS, ECR, CloudWatch Logs, IAM and STS.
///
/// `ecs:cluster` is left out where the ARN has the cluster in it.
const KNOWN: [(&str, &[&str], &[&str]); 25] = [
    ("ecs:DescribeServices", &["service"], &[]),
    ("ecs:ListServiceDeployments", &["service"], &[]),
    (
        "ecs:DescribeServiceDeployments",
        &["service", "service-deployment"],
        &[],
    ),
    (
        "ecs:DescribeServiceRevisions",
        &["service", "service-revision"],
        &[],
    ),
    ("ecs:DescribeTaskDefinition", &["*"], &[]),
    ("ecs:ListTaskDefinitions", &["*"], &[]),
    ("ecs:ListServices", &["*"], &["ecs:cluster"]),
    ("ecs:ListTasks", &["*"], &["ecs:cluster"]),
    ("ecs:ListTagsForResource", &["service"], &[]),
    // Those of a service, where they are declared.
    ("ecs:TagResource", &["service"], &[]),
    ("ecs:UntagResource", &["service"], &[]),
    ("ecs:DescribeTasks", &["task"], &[]),
    ("ecs:RegisterTaskDefinition", &["task-definition"], &[]),
    ("ecs:UpdateService", &["service"], &[]),
    (
        "ecs:StopServiceDeployment",
        &["service", "service-deployment"],
        &[],
    ),
    // A task definition has no cluster in its ARN.
    ("ecs:RunTask", &["task-definition"], &["ecs:cluster"]),
    ("ecs:StopTask", &["task"], &["ecs:cluster"]),
    // The same action twice: tags of a revision that is registered just now,
    // and this one tag of one that exists.
    (
        "ecs:TagResource",
        &["task-definition"],
        &["ecs:CreateAction"],
    ),
    (
        "ecs:TagResource",
        &["task-definition"],
        &["aws:TagKeys", "aws:TagKeys"],
    ),
    (
        "ecs:UntagResource",
        &["task-definition"],
        &["aws:TagKeys", "aws:TagKeys"],
    ),
    ("ecr:BatchGetImage", &["repository"], &[]),
    ("ecr:ListImages", &["repository"], &[]),
    ("logs:GetLogEvents", &["log-group"], &[]),
    ("iam:PassRole", &["role"], &["iam:PassedToService"]),
    ("sts:AssumeRole", &["role"], &[]),
];

#[test]
fn each_action_is_given_where_aws_knows_it() {
    for name in ["plan", "apply", "assume-role"] {
        for statement in &Policy::read(name).statements {
            let kinds = kinds(statement);
            let mut keys: Vec<&str> = statement
                .conditions
                .iter()
                .map(|(_, key, _)| key.as_str())
                .collect();
            keys.sort_unstable();
            for action in &statement.actions {
                let fits = |known: &&(&str, &[&str], &[&str])| {
                    known.0 == action && known.1 == kinds && known.2 == keys
                };
                assert!(
                    KNOWN.iter().any(|known| fits(&known)),
                    "{name}, {}: {action} on {kinds:?} under {keys:?}",
                    statement.sid
                );
            }
        }
    }
}

/// The kinds of resources of a statement, sorted, each once.
fn kinds(statement: &Statement) -> Vec<&str> {
    let mut kinds: Vec<&str> = statement
        .resources
        .iter()
        .map(
            |resource| match resource.split(':').collect::<Vec<_>>().as_slice() {
                ["*"] => "*",
                [_, _, _, _, _, kind, ..] => kind.split('/').next().unwrap_or(kind),
                other => panic!("{}: {other:?} is no ARN", statement.sid),
            },
        )
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// A pattern that is wider than the page says would be found by nobody.
#[test]
fn resources_are_those_of_the_placeholders() {
    for name in ["plan", "apply", "assume-role"] {
        for statement in &Policy::read(name).statements {
            for resource in statement.resources.iter().filter(|one| *one != "*") {
                let parts: Vec<&str> = resource.splitn(6, ':').collect();
                let [arn, aws, service, region, account, rest] = parts.as_slice() else {
                    panic!("{resource}");
                };
                assert_eq!(
                    (*arn, *aws, *account),
                    ("arn", "aws", "123456789012"),
                    "{resource}"
                );
                let own = statement.actions.iter().all(|action| {
                    let of = action.split(':').next().unwrap_or_default();
                    // Roles are IAM's, whoever assumes them.
                    of == *service || (of == "sts" && *service == "iam")
                });
                assert!(own, "{}: {resource}", statement.sid);
                let wanted = if *service == "iam" { "" } else { "us-west-1" };
                assert_eq!(*region, wanted, "{resource}");
                let (kind, name) = rest.split_once(['/', ':']).expect("a kind and a name");
                let narrow = match kind {
                    "service" | "service-deployment" | "service-revision" | "task" => {
                        name == "wage-prod/*"
                    }
                    "task-definition" => name.strip_suffix(":*").is_some_and(is_plain),
                    "log-group" => name.strip_suffix(":log-stream:*").is_some_and(is_plain),
                    _ => is_plain(name),
                };
                assert!(narrow, "{}: {resource}", statement.sid);
            }
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains('*')
}

#[test]
fn conditions_say_what_they_are_meant_to() {
    let cluster = "arn:aws:ecs:us-west-1:123456789012:cluster/wage-prod";
    for name in ["plan", "apply"] {
        for statement in &Policy::read(name).statements {
            for (operator, key, values) in &statement.conditions {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                let wanted: (&[&str], &[&str]) = match (key.as_str(), operator.as_str()) {
                    ("ecs:cluster", _) => (&["ArnEquals"], &[cluster]),
                    ("ecs:CreateAction", _) => (&["StringEquals"], &["RegisterTaskDefinition"]),
                    ("iam:PassedToService", _) => (&["StringEquals"], &["ecs-tasks.amazonaws.com"]),
                    // ForAllValues is true of no values at all, too, which Null
                    // excludes.
                    ("aws:TagKeys", "Null") => (&["Null"], &["false"]),
                    ("aws:TagKeys", _) => (&["ForAllValues:StringEquals"], &["evenkeel:failed"]),
                    other => panic!("{}: {other:?}", statement.sid),
                };
                assert_eq!(
                    (&[operator.as_str()][..], &values[..]),
                    wanted,
                    "{}",
                    statement.sid
                );
            }
        }
    }
}
