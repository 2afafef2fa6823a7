//! The JSON schema of environment files, judged by a validator that is not ours
//! and held to the parser: what the parser takes, the schema takes, and what
//! the schema refuses, the parser refuses.

mod corpus;
mod examples;
mod fields;
mod judge;
mod values;
mod wrong;

use std::path::Path;

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/environment.schema.json");
    let committed = std::fs::read_to_string(path).expect("docs/environment.schema.json");
    assert!(
        committed == evenkeel::environment::schema(),
        "docs/environment.schema.json is not current; renew it with\n\
         cargo run -- schema > docs/environment.schema.json"
    );
}

/// Taplo reads no later draft, and drops what stands beside a `$ref`.
#[test]
fn the_schema_is_one_that_taplo_reads() {
    let schema: serde_json::Value =
        serde_json::from_str(&evenkeel::environment::schema()).expect("JSON");
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    lone_references(&schema);
}

fn lone_references(schema: &serde_json::Value) {
    match schema {
        serde_json::Value::Object(object) => {
            assert!(
                !object.contains_key("$ref") || object.len() == 1,
                "{object:?}"
            );
            object.values().for_each(lone_references);
        }
        serde_json::Value::Array(list) => list.iter().for_each(lone_references),
        _ => {}
    }
}
