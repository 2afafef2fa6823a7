//! Where containers log (API reference, LogConfiguration).

use serde_json::Value;

use super::{Task, Violation, names, text};

/// What runs on Fargate.
const ON_FARGATE: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

pub(super) fn check(task: &Task<'_>, found: &mut Vec<Violation>) {
    for container in &task.containers {
        let Some(logs) = container
            .fields
            .get("logConfiguration")
            .and_then(Value::as_object)
        else {
            continue;
        };
        let path = container.path.clone().field("logConfiguration");
        let Some(driver) = text(logs, "logDriver") else {
            continue;
        };
        if task.on_fargate() && !ON_FARGATE.contains(&driver) {
            let says = format!("Fargate has no log driver {driver}");
            found.push(
                Violation::new("log-driver", path.clone().field("logDriver"), says)
                    .hint(format!("it has {}", names(ON_FARGATE))),
            );
        }
        if driver != "awslogs" || !task.is_whole() {
            continue;
        }
        let options = logs.get("options").and_then(Value::as_object);
        let given = |name: &&str| options.is_some_and(|options| text(options, name).is_some());
        let wanted = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];
        let wanted = &wanted[..if task.on_fargate() { 3 } else { 2 }];
        let missing: Vec<&str> = wanted.iter().copied().filter(|name| !given(name)).collect();
        if !missing.is_empty() {
            let says = format!("the log driver awslogs needs {}", names(missing));
            found.push(Violation::new("log-options", path.field("options"), says));
        }
    }
}
