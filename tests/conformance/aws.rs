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
