//! What blocks a change, and what is only noted.

use serde_json::json;

use super::*;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn document(memory: &str, interval: i64) -> Map<String, Value> {
    map(json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": memory,
        "containerDefinitions": [{"name": "app", "image": "r.example/app:1", "portMappings": [{"containerPort": 80}],
            "healthCheck": {"command": ["CMD"], "interval": interval}}],
    }))
}

/// What blocks, with its line, and what is noted.
fn of(
    before: Map<String, Value>,
    after: Map<String, Value>,
    update: Value,
) -> (Vec<String>, Vec<String>) {
    let source = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n[services.web]\n[services.web.task]\nmemory = \"4096\"\n";
    let desired = crate::environment::parse("f", "f", source).unwrap();
    let service = Service::read(map(json!({
        "serviceArn": "arn:aws:ecs:us-west-1:123456789012:service/prod/web", "status": "ACTIVE",
        "loadBalancers": [{"targetGroupArn": "t", "containerName": "app", "containerPort": 80}],
    })));
    let (blocks, notes) = of_change(
        &desired.services[0],
        &service.unwrap(),
        [before, after],
        &map(update),
    );
    let block = |block: Block| match block {
        Block::Refused { at, violation } => format!("{} {}", at.line, violation.path),
        other => panic!("{other:?}"),
    };
    let note = |note: Note| match note {
        Note::RuleBroken { path, .. } => path,
        other => panic!("{other:?}"),
    };
    (
        blocks.into_iter().map(block).collect(),
        notes.into_iter().map(note).collect(),
    )
}

#[test]
fn what_was_broken_before_is_a_note_and_what_a_change_breaks_a_block() {
    let none: Vec<String> = Vec::new();
    let right = || document("512", 30);
    assert_eq!(
        of(right(), right(), json!({})),
        (none.clone(), none.clone())
    );
    let memory = vec!["6 task.memory".to_owned()];
    assert_eq!(
        of(right(), document("4096", 30), json!({})),
        (memory.clone(), none.clone())
    );
    let interval = vec!["containers.app.healthCheck.interval".to_owned()];
    assert_eq!(
        of(document("512", 1), document("4096", 2), json!({})),
        (memory, interval)
    );
    // Mended.
    assert_eq!(
        of(document("512", 1), right(), json!({})),
        (none.clone(), none)
    );
}

#[test]
fn the_service_must_fit_the_new_task_definition() {
    let balancer = |port: i64| json!({"loadBalancers": [{"targetGroupArn": "t", "containerName": "app", "containerPort": port}]});
    let found = of(document("512", 30), document("512", 30), balancer(81));
    assert_eq!(found.0, ["4 service.loadBalancers.t/app/81"]);
    let mut other = document("512", 30);
    other["containerDefinitions"][0]["portMappings"][0]["containerPort"] = 81.into();
    let found = of(document("512", 30), other.clone(), json!({}));
    assert_eq!(found.0, ["4 service.loadBalancers.t/app/80"]);
    assert_eq!(of(document("512", 30), other, balancer(81)).0, [""; 0]);
}
