//! The AWS CLI: JSON in, JSON out.

use std::time::Duration;

use serde_json::Value;

use super::process::run;
use super::world::World;

/// The CLI takes about a second; its waiter, fifteen more for each look after
/// the first.
const DEADLINE: Duration = Duration::from_secs(120);

/// Calls an operation, such as `["ecs", "create-cluster"]`, with its request
/// as the API spells it.
///
/// # Panics
/// It is refused.
#[track_caller]
pub fn call(world: &World, operation: [&str; 2], request: &Value) -> Value {
    let input = request.to_string();
    let [service, operation] = operation;
    let printed = cli(world, &[service, operation, "--cli-input-json", &input]);
    if printed.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("aws {service} {operation} printed no JSON: {error}"))
}

/// Sends each call of a list, in order, and prints a list of answers. The CLI
/// needs the better part of a second to start, for each of its calls.
const MANY: &str = "
import json, sys, boto3
clients, answers = {}, []
for service, operation, request in json.loads(sys.argv[1]):
    client = clients.get(service) or clients.setdefault(service, boto3.client(service))
    answers.append(client._make_api_call(operation, request))
print(json.dumps(answers, default=str))
";

/// Calls many operations, each with its service, such as `("ecs",
/// "CreateCluster")`; what they answer, in the same order.
///
/// # Panics
/// One is refused.
#[track_caller]
pub fn many(world: &World, calls: &[(&str, &str, Value)]) -> Vec<Value> {
    let mut command = world.installed("python");
    let calls = serde_json::to_string(calls).expect("calls as JSON");
    command.args(["-c", MANY, &calls]);
    let printed = run(command, DEADLINE).well("many calls");
    serde_json::from_str(&printed).expect("a list of answers")
}

/// Runs the CLI as a person would and returns what it prints.
///
/// # Panics
/// It fails.
#[track_caller]
pub fn cli(world: &World, arguments: &[&str]) -> String {
    let mut command = world.installed("aws");
    command.args(arguments).args(["--output", "json"]);
    let what = format!("{}: aws {}", world.name, arguments.join(" "));
    run(command, DEADLINE).well(&what)
}
