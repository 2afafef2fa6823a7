//! The JSON schema of environment files, for editors: it completes keys, shows
//! what they are, and marks slips while they are typed.
//!
//! It never refuses what the parser takes. What a schema cannot say (that two
//! services are the same, that a role is in another account) the parser alone
//! refuses.
//!
//! It is of draft 7, the newest that Taplo reads, the language server behind
//! Even Better TOML; Tombi reads it too. Taplo follows neither `if` nor what
//! stands beside a `$ref`, and reports a value that fits no branch of an `anyOf`
//! without saying why. So objects are written out where they stand, and a value
//! that may be a table or an array is one schema of two types.

mod fields;
mod patterns;

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::model::fields::{CONTAINER, SERVICE, TASK_DEFINITION};

use fields::Extent;
use patterns::text;

/// The schema, as JSON to be read: indented, and with a line end.
pub fn schema() -> String {
    let schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<File>();
    format!("{:#}\n", schema.to_value())
}

/// An environment file.
struct File;

impl JsonSchema for File {
    fn schema_name() -> Cow<'static, str> {
        "Evenkeel environment file".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let service = service(generator);
        json_schema!({
            "$schema": generator.settings().meta_schema,
            "title": Self::schema_name(),
            "description": "How one environment's Amazon ECS services should run. What is declared is owned; what is not declared is left as it is.",
            "type": "object",
            "required": ["account", "region", "cluster", "services"],
            "additionalProperties": false,
            "properties": {
                "account": described(
                    "The AWS account, 12 digits. Evenkeel refuses to act on any other.",
                    text(patterns::ACCOUNT),
                ),
                "region": described(
                    "The region of the services, such as us-west-1.",
                    text(patterns::REGION),
                ),
                "cluster": described(
                    "The name of the cluster of every service that names no other.",
                    text(patterns::NAME),
                ),
                "role": described(
                    "The ARN of an IAM role in the account, assumed before any call.",
                    text(patterns::ROLE),
                ),
                "provenance": described(
                    "Tags each registered revision with its origin.",
                    json_schema!({ "type": "boolean", "default": true }),
                ),
                "rollout": rollout("How every rollout is waited for, unless a service says otherwise.", false),
                "allow-unknown-fields": allow_unknown_fields(),
                "drift": drift(),
                "suspend": suspend(),
                "promotion": promotion(),
                "services": {
                    "description": "The services, each under a name of our own, the same in every environment.",
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": { "pattern": patterns::LABEL },
                    "additionalProperties": service,
                },
            },
        })
    }
}

/// A service without any of these declares nothing.
const DECLARE_SOMETHING: [&str; 6] = [
    "image",
    "containers",
    "task",
    "service",
    "remove",
    "definition",
];

fn service(generator: &mut SchemaGenerator) -> Schema {
    let task = fields::object(
        &TASK_DEFINITION,
        // Written as `containers`.
        &["containerDefinitions"],
        Extent::Part,
        generator,
    );
    let service = fields::object(&SERVICE, &[], Extent::Part, generator);
    let declares_something = DECLARE_SOMETHING.map(|key| json_schema!({ "required": [key] }));
    json_schema!({
        "description": "One service. It declares at least an image, containers, or something else to own.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": described(
                "The name of the ECS service; the table's own name when left out.",
                text(patterns::NAME),
            ),
            "cluster": described(
                "The name of the service's cluster; the file's when left out.",
                text(patterns::NAME),
            ),
            "image": described(
                "The image of the only container. With several, name them under `containers`.",
                text(patterns::IMAGE),
            ),
            "containers": {
                "description": "Containers of the task definition, each under its name there. Those that are not named are left alone.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "pattern": patterns::NAME },
                "additionalProperties": container(generator),
            },
            "task": described("Fields of the task definition, spelled as AWS spells them.", task),
            "service": described("Fields of the service, spelled as AWS spells them.", service),
            "remove": {
                "description": "What to take away, such as \"containers.app.environment.OLD\" or \"containers.sidecar\".",
                "type": "array",
                "items": text(patterns::PATH),
            },
            "definition": {
                "description": "A task definition in a JSON file, taken as the base in place of the revision that runs; its path from this file.",
                "type": "string",
                "minLength": 1,
            },
            "rollout": rollout("How this service's rollout is waited for.", true),
            "allow-unknown-fields": allow_unknown_fields(),
            "drift": drift(),
            "suspend": suspend(),
        },
        "anyOf": declares_something,
        // Located at `containers`, which `not` would not be.
        "dependencies": { "image": { "properties": { "containers": false } } },
    })
}

fn container(generator: &mut SchemaGenerator) -> Schema {
    // The table is named after the container.
    let mut container = fields::object(&CONTAINER, &["name"], Extent::Part, generator);
    let properties = container
        .get_mut("properties")
        .and_then(Value::as_object_mut);
    if let Some(Value::Object(image)) = properties.and_then(|fields| fields.get_mut("image")) {
        image.insert("pattern".to_owned(), patterns::IMAGE.into());
    }
    described(
        "Fields of this container's definition, spelled as AWS spells them.",
        container,
    )
}

fn rollout(description: &str, of_service: bool) -> Schema {
    let mut rollout = json_schema!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "timeout": {
                "description": "How long to wait for the rollout, such as \"90s\", \"15m\" or \"1h30m\"; from 10 seconds to 24 hours.",
                "type": "string",
                "pattern": patterns::DURATION,
                "default": "15m",
            },
            "on-failure": {
                "description": "What to do when the rollout fails and ECS does not go back by itself: go back to the revision that ran healthily before, or leave things as they are.",
                "type": "string",
                "enum": ["rollback", "stop"],
                "default": "rollback",
            },
        },
    });
    let properties = rollout.get_mut("properties").and_then(Value::as_object_mut);
    if let (true, Some(properties)) = (of_service, properties) {
        properties.insert("before".to_owned(), before().to_value());
    }
    rollout
}

fn before() -> Schema {
    json_schema!({
        "description": "Tasks of the new revision to run before the service is touched, one after the other.",
        "type": "array",
        "items": {
            "type": "object",
            "required": ["container", "command"],
            "additionalProperties": false,
            "properties": {
                "container": {
                    "description": "The container that does the work.",
                    "type": "string",
                    "minLength": 1,
                },
                "command": {
                    "description": "What it runs in place of its own command, word by word; there is no shell around it.",
                    "type": "array",
                    "minItems": 1,
                    "items": { "type": "string" },
                },
            },
        },
    })
}

fn allow_unknown_fields() -> Schema {
    json_schema!({
        "description": "Lets fields through that AWS has and this version of evenkeel does not know. Editors go on marking them.",
        "type": "boolean",
        "default": false,
    })
}

fn drift() -> Schema {
    json_schema!({
        "description": "What `evenkeel reconcile` does about what somebody else changed.",
        "type": "string",
        "enum": ["correct", "report"],
        "default": "correct",
    })
}

fn suspend() -> Schema {
    json_schema!({
        "description": "Holds back every write; plans are still made.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "reason": { "description": "Why; it is shown.", "type": "string" },
            "until": {
                "description": "When it ends: a date such as 2026-12-01, or a date with a time.",
                // JSON has no dates: to Taplo they are strings, to Tombi these formats.
                "anyOf": [
                    { "type": "string", "format": "date" },
                    { "type": "string", "format": "date-time" },
                    { "type": "string", "format": "date-time-local", "pattern": patterns::LOCAL_TIME },
                ],
            },
        },
    })
}

fn promotion() -> Schema {
    json_schema!({
        "description": "What `evenkeel promote` brings here.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "from": {
                "description": "The environment whose images are taken.",
                "type": "string",
                "minLength": 1,
            },
            "soak": {
                "description": "How long an image must have run there healthily, such as \"30m\".",
                "type": "string",
                "pattern": patterns::DURATION,
            },
            "services": {
                "description": "The services that are promoted, by their names in the files; all when left out.",
                "type": "array",
                "items": { "type": "string", "minLength": 1 },
            },
        },
    })
}

fn described(description: &str, mut schema: Schema) -> Schema {
    schema.insert("description".to_owned(), description.into());
    schema
}
