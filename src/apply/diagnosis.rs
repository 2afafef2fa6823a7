//! Why a rollout fails: a pure reading of what was seen of its tasks.
//!
//! Stopped tasks are grouped by cause, most first, each with one next step.
//! AWS gives causes as words, of which the first is a fixed error type
//! (developer guide, "Stopped tasks error messages"); those are read, together
//! with stop codes and exit codes, and never the prose behind them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event::Cause;
use crate::model::{RevisionArn, TaskDefinition};
use crate::observed::{ServiceEvent, Task, TaskContainer};

/// Groups the stopped tasks of a revision by cause, most first.
pub fn causes(tasks: &[Task], revision: &RevisionArn, since: Option<f64>) -> Vec<Cause> {
    let mut groups: BTreeMap<(String, String), Cause> = BTreeMap::new();
    for task in tasks
        .iter()
        .filter(|task| task.task_definition_arn == *revision)
        .filter(|task| !before(since, task.created_at))
    {
        let Some((says, next, container)) = cause(task) else {
            continue;
        };
        groups
            .entry((says.clone(), next.to_owned()))
            .and_modify(|cause| cause.tasks += 1)
            .or_insert_with(|| Cause {
                says,
                tasks: 1,
                next: next.to_owned(),
                container,
                task: Some(task.id().to_owned()),
            });
    }
    let mut causes: Vec<Cause> = groups.into_values().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.tasks));
    causes
}

/// A rollout can fail without any task: when none could be placed.
pub fn placement(events: &[ServiceEvent], since: Option<f64>) -> Option<Cause> {
    let (_, reason) = events
        .iter()
        .filter(|event| !before(since, event.created_at))
        .find_map(|event| event.message.split_once("was unable to place a task"))?;
    let reason = reason
        .trim_start_matches(['.', ' '])
        .trim_start_matches("Reason: ");
    Some(Cause {
        says: format!("no task could be placed: {}", first_sentence(reason)),
        tasks: 0,
        next: "free capacity or IP addresses: the subnets, the capacity providers, the cluster's \
               instances"
            .into(),
        container: None,
        task: None,
    })
}

/// Whether something was over before the rollout began. What has no time counts
/// as part of it.
fn before(since: Option<f64>, at: Option<f64>) -> bool {
    since.zip(at).is_some_and(|(since, at)| at < since)
}

/// What ECS said that points at trouble, newest first, without repetition.
pub fn telling(events: &[ServiceEvent], since: Option<f64>) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for event in events {
        // `(service api) …`: the service is named already, and its name may
        // be any word.
        let text = match event.message.split_once(") ") {
            Some((head, rest)) if head.starts_with("(service ") => rest,
            _ => &event.message,
        };
        let old = before(since, event.created_at);
        let trouble = ["unable", "unhealthy", "throttled", "failed"]
            .iter()
            .any(|word| text.contains(word));
        if old || !trouble {
            continue;
        }
        if !said.iter().any(|known| known == text) {
            said.push(text.to_owned());
        }
    }
    said.truncate(3);
    said
}

/// The lines of a log's end that tell most: from the last one that speaks of an
/// error (and is no part of its trace), else the last of all; six at the most.
pub fn excerpt(lines: &[String]) -> Vec<String> {
    const MOST: usize = 6;
    let speaks = |line: &String| {
        let is_trace = line.starts_with([' ', '\t', '}']);
        let lower = line.to_ascii_lowercase();
        !is_trace
            && ["error", "panic", "exception", "fatal"]
                .iter()
                .any(|word| lower.contains(word))
    };
    let from = lines
        .iter()
        .rposition(speaks)
        .unwrap_or_else(|| lines.len().saturating_sub(MOST));
    lines.iter().skip(from).take(MOST).cloned().collect()
}

/// Where a container of a task logs, if it does so to CloudWatch Logs under a
/// name that can be known: group, region, stream.
pub fn log_place(
    document: &TaskDefinition,
    container: &str,
    task: &str,
) -> Option<(String, Option<String>, String)> {
    let definition = document
        .as_map()
        .get("containerDefinitions")?
        .as_array()?
        .iter()
        .find(|definition| definition.get("name").and_then(Value::as_str) == Some(container))?;
    let log = definition.get("logConfiguration")?;
    if log.get("logDriver")?.as_str()? != "awslogs" {
        return None;
    }
    let option = |name: &str| log.get("options")?.get(name)?.as_str().map(str::to_owned);
    // Without a prefix the stream is named after the container's id, which
    // only the host knows.
    let prefix = option("awslogs-stream-prefix")?;
    let stream = format!("{prefix}/{container}/{task}");
    Some((option("awslogs-group")?, option("awslogs-region"), stream))
}

const PULL: &str = "check that the image is there, that the execution role may pull it, and that \
                    the subnets reach the registry";
const SECRET: &str = "check the secret's ARN in the task definition, that it exists, and that the \
                      execution role may read it";
const MEMORY: &str = "give the container or the task more memory, or find out what uses it";
const CHECK: &str = "check the health check itself (its command, path and port), and whether the \
                     container gets enough time to start (startPeriod, \
                     healthCheckGracePeriodSeconds)";
const NETWORK: &str = "check that the task's subnets reach AWS (a NAT gateway or VPC endpoints) \
                       and what its security groups allow";
const EXITED: &str = "the log says what it stopped of; the same image with the same environment \
                      should show it elsewhere, too";
const COMMAND: &str = "check `command` and `entryPoint`: the image has no such program, or it \
                       cannot be run";
const CAPACITY: &str = "the capacity was taken back; try again, or use capacity that is not";
const HOST: &str = "the host failed; try again";
const UNKNOWN: &str = "look at the stopped task in the ECS console, under the service's tasks";

/// What stopped a task, what to do, and the container it was, if it was one.
/// `None` for tasks that were stopped on purpose.
fn cause(task: &Task) -> Option<(String, &'static str, Option<String>)> {
    let words = |text: &Option<String>| text.clone().unwrap_or_default();
    let stopped = words(&task.stopped_reason);
    let code = task.stop_code.as_deref().unwrap_or_default();
    let kind = |text: &str| text.split([':', ' ']).next().unwrap_or_default().to_owned();

    // What a container says is nearer to the cause than what its task says.
    for container in &task.containers {
        let reason = words(&container.reason);
        let name = Some(container.name.clone());
        match kind(&reason).as_str() {
            "OutOfMemoryError" => {
                let says = format!("{} ran out of memory", container.name);
                return Some((says, MEMORY, name));
            }
            "CannotPullContainerError" | "CannotPullImageManifestError" => {
                let says = format!("the image of {} cannot be pulled", container.name);
                return Some((detailed(says, &reason), PULL, name));
            }
            "CannotStartContainerError" | "CannotCreateContainerError" => {
                let says = format!("{} cannot be started", container.name);
                return Some((detailed(says, &reason), COMMAND, name));
            }
            _ => {}
        }
    }
    match kind(&stopped).as_str() {
        "CannotPullContainerError" | "CannotPullImageManifestError" => {
            return Some((
                detailed("the image cannot be pulled".into(), &stopped),
                PULL,
                None,
            ));
        }
        "ResourceInitializationError" => {
            let secret = ["secret", "ssm", "parameter"]
                .iter()
                .any(|word| stopped.to_ascii_lowercase().contains(word));
            let (says, next) = if secret {
                ("a secret cannot be read", SECRET)
            } else {
                ("the task's network or storage cannot be set up", NETWORK)
            };
            return Some((detailed(says.into(), &stopped), next, None));
        }
        "OutOfMemoryError" => return Some(("a container ran out of memory".into(), MEMORY, None)),
        _ => {}
    }
    // "Task failed ELB health checks in …", "Task failed container health checks".
    if stopped.starts_with("Task failed ") && stopped.contains("health checks") {
        let by = if stopped.contains("ELB") {
            "the load balancer's"
        } else {
            "its container's"
        };
        return Some((format!("the task failed {by} health checks"), CHECK, None));
    }
    match code {
        "UserInitiated" | "ServiceSchedulerInitiated" => None,
        "SpotInterruption" => Some(("its Spot capacity was taken back".into(), CAPACITY, None)),
        "InfrastructureHealth" | "TerminationNotice" => {
            Some(("its host was ending".into(), HOST, None))
        }
        _ => match exited(&task.containers) {
            Some((container, status)) => {
                let name = &container.name;
                let (says, next) = exit(name, status);
                Some((says, next, Some(name.clone())))
            }
            None if stopped.is_empty() => Some(("nobody knows why".into(), UNKNOWN, None)),
            None => Some((first_sentence(&stopped), UNKNOWN, None)),
        },
    }
}

fn exit(name: &str, status: i64) -> (String, &'static str) {
    match status {
        137 => (format!("{name} was killed (exit code 137)"), MEMORY),
        126 | 127 => (format!("{name} exited with code {status}"), COMMAND),
        _ => (format!("{name} exited with code {status}"), EXITED),
    }
}

/// The cause where a container's code is known, whatever its task says.
pub fn exited_with(container: &str, code: i64, task: &str) -> Cause {
    let (says, next) = exit(container, code);
    Cause {
        says,
        tasks: 1,
        next: next.to_owned(),
        container: Some(container.to_owned()),
        task: Some(task.to_owned()),
    }
}

/// The container that ended its task: the first with a code other than zero,
/// else the first that exited at all.
fn exited(containers: &[TaskContainer]) -> Option<(&TaskContainer, i64)> {
    let codes = || containers.iter().filter_map(|c| Some((c, c.exit_code?)));
    codes()
        .find(|(_, code)| *code != 0)
        .or_else(|| codes().next())
}

/// What happened, with AWS's own words behind it.
fn detailed(says: String, reason: &str) -> String {
    match reason.split_once(": ") {
        Some((_, words)) => {
            let words = short_digests(refusal(words).unwrap_or(words));
            format!("{says}: {}", first_sentence(&words))
        }
        None => says,
    }
}

/// What was refused, where a refusal stands at the end of a long story of
/// retries: `not authorized to perform: ssm:GetParameters on resource: …`.
fn refusal(words: &str) -> Option<&str> {
    words
        .find("not authorized to perform")
        .map(|at| &words[at..])
}

/// Digests cut to what tells two apart.
fn short_digests(text: &str) -> String {
    const HEX: usize = 64;
    let mut short = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("sha256:") {
        let digits = at + "sha256:".len();
        let hex = rest[digits..]
            .bytes()
            .take_while(u8::is_ascii_hexdigit)
            .count();
        let keep = if hex == HEX { 8 } else { hex };
        short += &rest[..digits + keep];
        rest = &rest[digits + hex..];
    }
    short + rest
}

/// The beginning of a text, up to the end of its first sentence; at most 200
/// characters.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    let sentence = text[..end].trim_end_matches('.');
    if sentence.chars().count() <= 200 {
        return sentence.to_owned();
    }
    let cut: String = sentence.chars().take(199).collect();
    let whole = cut.rfind(' ').map_or(cut.as_str(), |space| &cut[..space]);
    format!("{whole} …")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arn() -> RevisionArn {
        "arn:aws:ecs:us-west-1:123456789012:task-definition/web:42"
            .parse()
            .unwrap()
    }

    fn task(fields: Value) -> Task {
        let mut task = json!({
            "taskArn": "arn:aws:ecs:us-west-1:123456789012:task/prod/abc",
            "taskDefinitionArn": arn(),
        });
        task.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        serde_json::from_value(task).unwrap()
    }

    fn only(fields: Value) -> Cause {
        let mut causes = causes(&[task(fields)], &arn(), None);
        assert_eq!(causes.len(), 1);
        causes.remove(0)
    }

    #[test]
    fn an_exit_code_names_its_container() {
        let cause = only(json!({
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [{"name": "log", "exitCode": 0}, {"name": "app", "exitCode": 1}],
        }));
        assert_eq!(cause.says, "app exited with code 1");
        assert_eq!(cause.container.as_deref(), Some("app"));
        assert_eq!(cause.task.as_deref(), Some("abc"));
    }

    #[test]
    fn every_known_cause_has_its_words_and_its_next_step() {
        let image = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref r/web:1: not found";
        let rows = [
            (
                json!({"stopCode": "TaskFailedToStart", "stoppedReason": image}),
                "the image cannot be pulled: pull image manifest has been retried 5 time(s): failed to resolve ref r/web:1: not found",
                PULL,
            ),
            (
                json!({"stoppedReason": "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed. More"}),
                "a secret cannot be read: unable to pull secrets or registry auth: execution resource retrieval failed",
                SECRET,
            ),
            (
                json!({"stoppedReason": "ResourceInitializationError: unable to pull secrets or registry auth: service call has been retried 1 time(s): AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/exec/1 is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-west-1:123456789012:parameter/shop/db because no identity-based policy allows the ssm:GetParameters action status code: 400"}),
                "a secret cannot be read: not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-west-1:123456789012:parameter/shop/db because no identity-based policy allows the ssm:GetParameters action status code: 400",
                SECRET,
            ),
            (
                json!({"stoppedReason": "ResourceInitializationError: failed to validate logger args"}),
                "the task's network or storage cannot be set up: failed to validate logger args",
                NETWORK,
            ),
            (
                json!({"containers": [{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}]}),
                "app ran out of memory",
                MEMORY,
            ),
            (
                json!({"containers": [{"name": "app", "exitCode": 137}]}),
                "app was killed (exit code 137)",
                MEMORY,
            ),
            (
                json!({"containers": [{"name": "app", "exitCode": 127}]}),
                "app exited with code 127",
                COMMAND,
            ),
            (
                json!({"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Task failed ELB health checks in (target-group arn:x)"}),
                "the task failed the load balancer's health checks",
                CHECK,
            ),
            (
                json!({"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Task failed container health checks"}),
                "the task failed its container's health checks",
                CHECK,
            ),
            (
                json!({"stopCode": "SpotInterruption"}),
                "its Spot capacity was taken back",
                CAPACITY,
            ),
            (
                json!({"stoppedReason": "Something new. And more"}),
                "Something new",
                UNKNOWN,
            ),
        ];
        for (fields, says, next) in rows {
            let cause = only(fields);
            assert_eq!((cause.says.as_str(), cause.next.as_str()), (says, next));
        }
    }

    #[test]
    fn tasks_are_counted_by_cause_and_others_left_out() {
        let exit = |code: i64| task(json!({"containers": [{"name": "app", "exitCode": code}]}));
        let mut old = exit(9);
        old.task_definition_arn = "arn:aws:ecs:us-west-1:123456789012:task-definition/web:41"
            .parse()
            .unwrap();
        let scaled = task(
            json!({"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/1)"}),
        );
        let found = causes(&[exit(2), exit(1), exit(1), old, scaled], &arn(), None);
        let counts: Vec<_> = found.iter().map(|c| (c.says.as_str(), c.tasks)).collect();
        assert_eq!(
            counts,
            [("app exited with code 1", 2), ("app exited with code 2", 1)]
        );
    }

    #[test]
    fn events_tell_of_placement_and_trouble() {
        let event = |at: f64, message: &str| ServiceEvent {
            created_at: Some(at),
            message: message.into(),
        };
        let events = [
            event(
                9.0,
                "(service web) was unable to place a task. Reason: No Container Instances were found in your cluster. For more information, see the guide.",
            ),
            event(8.0, "(service web) has started 1 tasks: (task abc)."),
            event(
                7.0,
                "(service web) was unable to place a task. Reason: older.",
            ),
            event(1.0, "(service web) operations are being throttled."),
        ];
        assert_eq!(
            placement(&events, None).unwrap().says,
            "no task could be placed: No Container Instances were found in your cluster"
        );
        assert_eq!(telling(&events, Some(5.0)).len(), 2);
        assert_eq!(telling(&events, None).len(), 3);
        // A service's name is no trouble.
        let steady = "(service retry-failed) has reached a steady state.";
        assert_eq!(telling(&[event(9.0, steady)], None), [""; 0]);
        assert_eq!(placement(&events[1..2], None), None);
        assert_eq!(placement(&events, Some(10.0)), None);
    }

    #[test]
    fn the_log_stream_is_known_where_it_has_a_prefix() {
        let document = |options: Value| -> TaskDefinition {
            serde_json::from_value(
                json!({"containerDefinitions": [{"name": "app", "logConfiguration": {
                "logDriver": "awslogs", "options": options}}]}),
            )
            .unwrap()
        };
        let with = document(
            json!({"awslogs-group": "/web", "awslogs-region": "us-west-1", "awslogs-stream-prefix": "ecs"}),
        );
        assert_eq!(
            log_place(&with, "app", "abc"),
            Some((
                "/web".into(),
                Some("us-west-1".into()),
                "ecs/app/abc".into()
            ))
        );
        assert_eq!(
            log_place(&document(json!({"awslogs-group": "/web"})), "app", "abc"),
            None
        );
        assert_eq!(log_place(&with, "other", "abc"), None);
    }

    #[test]
    fn the_end_of_a_log_begins_where_it_speaks_of_an_error() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let trace = lines("start\nError: refused\n    at connect (a.js:1)\n  errno: -111\n}");
        assert_eq!(excerpt(&trace)[0], "Error: refused");
        assert_eq!(excerpt(&trace).len(), 4);
        assert_eq!(
            excerpt(&lines("1\n2\n3\n4\n5\n6\n7\n8")),
            ["3", "4", "5", "6", "7", "8"]
        );
        assert_eq!(excerpt(&[]), Vec::<String>::new());
    }

    #[test]
    fn digests_are_cut_and_nothing_else() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        assert_eq!(
            short_digests(&format!("r/a:1@{digest}: not found")),
            "r/a:1@sha256:abababab: not found"
        );
        assert_eq!(
            short_digests("sha256:abc, no digest"),
            "sha256:abc, no digest"
        );
    }
}
