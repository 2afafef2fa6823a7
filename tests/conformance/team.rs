//! What a team does with evenkeel: declares a service, runs a command.

use serde_json::{Value, json};

use super::process::Ended;
use super::witness::{Call, Witness};
use super::world::{REGION, World};

/// Writes `environments/prod.toml`: this one service, with an image for its
/// container `app`. Its revisions do not say where they come from, so that what
/// is registered can be compared byte by byte.
pub fn declare(world: &World, account: &str, [cluster, service]: [&str; 2], image: &str) {
    let text = format!(
        "provenance = false\naccount = \"{account}\"\nregion = \"{REGION}\"\ncluster = \"{cluster}\"\n\n\
         [services.api]\nname = \"{service}\"\n\n\
         [services.api.containers.app]\nimage = \"{image}\"\n"
    );
    std::fs::write(world.team().join("environments/prod.toml"), text).expect("an environment file");
}

/// Adds to what is declared.
pub fn add(world: &World, text: &str) {
    let file = world.team().join("environments/prod.toml");
    let before = std::fs::read_to_string(&file).expect("an environment file");
    std::fs::write(file, format!("{before}\n{text}")).expect("an environment file");
}

/// Runs evenkeel and returns its exit code, its result, and its calls.
pub fn act(world: &World, witness: &Witness, arguments: &[&str]) -> Value {
    // Without the cache of revisions: against an emulator it trusts an entry
    // by its age, and the sandbox's fast clock makes everything seem newer.
    let arguments = [arguments, &["--format", "json", "--no-cache"]].concat();
    let ended = world.evenkeel(witness.address(), &arguments);
    let calls = witness.take();
    let result = result(&ended).unwrap_or_else(|| {
        panic!(
            "{}: evenkeel {}: no JSON result\nstdout: {}\nstderr: {}",
            world.name,
            arguments.join(" "),
            ended.stdout,
            ended.stderr
        )
    });
    let mut asked: Vec<&str> = calls
        .iter()
        .filter(|call| !call.writes())
        .map(|call| call.operation.as_str())
        .collect();
    asked.sort_unstable();
    asked.dedup();
    let wrote: Vec<Value> = calls
        .iter()
        .filter(|call| call.writes())
        .map(
            |Call {
                 operation, body, ..
             }| json!({ "operation": operation, "request": body }),
        )
        .collect();
    json!({ "exit": ended.code, "result": result, "asked": asked, "wrote": wrote })
}

/// The plan; the last line of a stream of events, how it ended; or the message
/// when evenkeel gave up.
fn result(ended: &Ended) -> Option<Value> {
    if ended.stdout.is_empty() && ended.code == Some(1) {
        return Some(json!(ended.stderr));
    }
    serde_json::from_str(&ended.stdout)
        .ok()
        .or_else(|| serde_json::from_str(ended.stdout.lines().last()?).ok())
}

/// Takes out ids and times.
pub fn normal(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .map(|(key, value)| {
                let time = key == "registeredAt" || key == "elapsed_seconds";
                let value = if time && !value.is_null() {
                    "TIME".into()
                } else {
                    normal(value)
                };
                (key, value)
            })
            .collect(),
        Value::Array(list) => list.into_iter().map(normal).collect(),
        Value::String(text) => match text.split_once("ecs-svc/") {
            Some((before, id)) => {
                let rest = id.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-');
                format!("{before}ecs-svc/ID{rest}").into()
            }
            None => text.into(),
        },
        other => other,
    }
}
