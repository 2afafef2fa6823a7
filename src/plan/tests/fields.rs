//! Declared fields, on literals: what differs, what is registered, what is
//! sent, and what blocks.

use serde_json::{Value, json};

use super::super::*;
use super::{Scene, arn, block, change, desired, in_sync};
use crate::model::fields::Effect;
use crate::observed::Scaling;

fn app(fields: &str) -> Desired {
    desired(&format!("[services.web.containers.app]\n{fields}"))
}

fn task(fields: &str) -> Desired {
    desired(&format!("[services.web.task]\n{fields}"))
}

fn service(fields: &str) -> Desired {
    desired(&format!("[services.web.service]\n{fields}"))
}

#[track_caller]
fn registered(change: &Change) -> &Map<String, Value> {
    match &change.to {
        Target::New(request) => request,
        Target::Existing(revision) => panic!("{revision}"),
    }
}

fn fields(change: &Change) -> Vec<String> {
    let fields = change.fields.iter().chain(&change.service.fields);
    fields.map(|field| field.path.to_string()).collect()
}

fn with_definition(document: &Value) -> Desired {
    let file = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n\
                [services.web]\ndefinition = \"task.json\"\n";
    let text = document.to_string();
    let files = |_: &str| Ok(text.clone().into_bytes());
    crate::environment::parse_with("prod.toml", "prod", file, &files).expect("no mistakes")
}

fn live_tags(scene: &mut Scene) {
    scene.tags = vec![
        json!({"key": "team", "value": "web"}),
        json!({"key": "evenkeel:commit", "value": "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"}),
    ];
}

#[test]
fn a_definition_that_was_printed_from_a_tagged_revision_is_in_sync() {
    let mut scene = Scene::on("nginx:1");
    live_tags(&mut scene);
    let printed = json!({"taskDefinition": scene.document, "tags": scene.tags});
    in_sync(&scene.plan(&with_definition(&printed)));
}

#[test]
fn a_definitions_tags_come_without_those_that_say_where_it_came_from() {
    let mut scene = Scene::on("nginx:1");
    live_tags(&mut scene);
    let mut document = scene.document.clone();
    document["cpu"] = "256".into();
    let printed = json!({"taskDefinition": document, "tags": scene.tags});
    let change = change(scene.plan(&with_definition(&printed)));
    assert_eq!(fields(&change), ["task.cpu"]);
    assert_eq!(
        registered(&change)["tags"],
        json!([{"key": "team", "value": "web"}])
    );
}

#[test]
fn a_definition_may_leave_to_ecs_what_ecs_fills_in() {
    let mut scene = Scene::on("nginx:1");
    scene.document["taskRoleArn"] = "".into();
    scene.document["pidMode"] = "".into();
    scene.document["containerDefinitions"][0]["dockerLabels"] = json!({});
    in_sync(&scene.plan(&with_definition(&super::document("nginx:1"))));
}

#[test]
fn a_container_without_an_image_in_a_definition_says_what_to_do() {
    let scene = Scene::on("nginx:1");
    let document = json!({"containerDefinitions": [{"name": "app", "image": ""}]});
    let Block::Unfit { why, .. } = block(scene.plan(&with_definition(&document))) else {
        panic!("an image is missing")
    };
    assert_eq!(
        why,
        "the image of app in task.json is not valid: the image is empty; mend it, or declare \
         containers.app.image"
    );
}

#[test]
fn what_is_the_same_to_ecs_is_left_as_it_is_written() {
    let mut scene = Scene::on("nginx:1");
    scene.document["cpu"] = "1024".into();
    let declared = desired(
        "[services.web.task]\ncpu = \"1 vCPU\"\nmemory = \"2 GB\"\n\
         [services.web.containers.app]\nessential = true",
    );
    let change = change(scene.plan(&declared));
    assert_eq!(fields(&change), ["task.memory"]);
    let mut wanted = scene.document.clone();
    wanted["memory"] = "2 GB".into();
    assert_eq!(
        Value::Object(registered(&change).clone()).to_string(),
        wanted.to_string()
    );
}

#[test]
fn an_array_replaces_the_list_and_a_table_only_what_it_names() {
    let scene = Scene::on("nginx:1");
    let replaced = change(scene.plan(&app("environment = [{ name = \"B\", value = \"2\" }]")));
    assert_eq!(fields(&replaced), ["containers.app.environment.A"]);
    let merged = change(scene.plan(&app("environment = { B = \"3\", C = \"4\" }")));
    assert_eq!(
        fields(&merged),
        [
            "containers.app.environment.B",
            "containers.app.environment.C"
        ]
    );
    assert_eq!(
        registered(&merged)["containerDefinitions"][0]["environment"],
        json!([
            {"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C", "value": "4"},
        ])
    );
}

#[test]
fn what_is_gone_need_not_be_removed() {
    let scene = Scene::on("nginx:1");
    let remove =
        "remove = [\"containers.app.environment.X\", \"containers.sidecar\", \"task.tags.x\"]";
    in_sync(&scene.plan(&desired(remove)));
    let remove = "remove = [\"containers.app.environment.A\"]";
    let change = change(scene.plan(&desired(remove)));
    assert_eq!(fields(&change), ["containers.app.environment.A"]);
    assert_eq!(change.fields[0].at.as_ref().map(|at| at.line), Some(5));
}

#[test]
fn another_shape_than_the_files_blocks_and_says_where() {
    let mut scene = Scene::on("nginx:1");
    scene.document["containerDefinitions"][0]["environment"] = json!({"A": "1"});
    let plan = scene.plan(&app("environment.A = \"2\""));
    let Block::Unfit { at, why } = block(plan) else {
        panic!("it is no list")
    };
    assert_eq!(at.to_string(), "prod.toml:6:13");
    assert_eq!(why, "containers.app.environment is an object, not a list");
}

#[test]
fn a_container_is_added_when_it_is_complete() {
    let mut scene = Scene::on("nginx:1");
    scene.document["memory"] = Value::Null;
    let sidecar = |fields: &str| {
        let text = format!("[services.web.containers.sidecar]\n{fields}");
        scene.plan(&desired(&text))
    };
    let Block::ContainerIncomplete {
        lacks, container, ..
    } = block(sidecar("essential = false"))
    else {
        panic!("it has no image")
    };
    assert_eq!(
        (container.as_str(), lacks),
        ("sidecar", vec!["image", "memory"])
    );
    let whole = "image = \"f:1\"\nessential = false\nmemory = 64\nenvironment.A = \"1\"";
    let change = change(sidecar(whole));
    assert_eq!(fields(&change), ["containers.sidecar"]);
    assert!(change.images.is_empty());
    assert_eq!(
        registered(&change)["containerDefinitions"][1],
        json!({
            "name": "sidecar", "essential": false, "memory": 64,
            "environment": [{"name": "A", "value": "1"}], "image": "f:1",
        })
    );
}

#[test]
fn a_limit_that_is_null_is_no_limit() {
    let mut scene = Scene::on("nginx:1");
    scene.document["memory"] = Value::Null;
    let sidecar = "[services.web.containers.sidecar]\nimage = \"f:1\"\nessential = false";
    let Block::ContainerIncomplete { lacks, .. } = block(scene.plan(&desired(sidecar))) else {
        panic!("it has no limit")
    };
    assert_eq!(lacks, ["memory"]);
}

#[test]
fn tags_are_compared_without_ours() {
    let mut scene = Scene::on("nginx:1");
    live_tags(&mut scene);
    in_sync(&scene.plan(&task("tags.team = \"web\"")));
    in_sync(&scene.plan(&task("tags = [{ key = \"team\", value = \"web\" }]")));
    let change = change(scene.plan(&task("tags.cost = \"42\"")));
    assert_eq!(fields(&change), ["task.tags.cost"]);
    assert_eq!(
        registered(&change)["tags"],
        json!([{"key": "team", "value": "web"}, {"key": "cost", "value": "42"}])
    );
}

#[test]
fn only_what_differs_of_a_service_is_sent_and_what_that_does_is_known() {
    let mut scene = Scene::on("nginx:1");
    scene.service["desiredCount"] = 2.into();
    scene.service["healthCheckGracePeriodSeconds"] = 30.into();
    scene.service["networkConfiguration"] =
        json!({"awsvpcConfiguration": {"subnets": ["a", "b"], "securityGroups": ["s"]}});
    let change = change(scene.plan(&service(
        "desiredCount = 3\nhealthCheckGracePeriodSeconds = 30\n\
         networkConfiguration.awsvpcConfiguration.subnets = [\"b\", \"a\"]",
    )));
    assert_eq!(
        Value::from(change.service.update.clone()),
        json!({"desiredCount": 3})
    );
    assert_eq!(
        Value::from(change.service.undo.clone()),
        json!({"desiredCount": 2})
    );
    assert_eq!((change.effect(), change.moves()), (Effect::InPlace, false));
    assert_eq!(change.service.count(), Some(3));
}

#[test]
fn what_a_field_of_a_service_holds_beside_is_sent_along() {
    let mut scene = Scene::on("nginx:1");
    scene.service["networkConfiguration"] = json!({"awsvpcConfiguration": {"subnets": ["a"], "securityGroups": ["s"], "someday": 1.50}});
    let change = change(scene.plan(&service(
        "networkConfiguration.awsvpcConfiguration.subnets = [\"b\"]",
    )));
    assert_eq!(
        fields(&change),
        ["service.networkConfiguration.awsvpcConfiguration.subnets"]
    );
    assert_eq!(
        Value::from(change.service.update.clone()).to_string(),
        r#"{"networkConfiguration":{"awsvpcConfiguration":{"subnets":["b"],"securityGroups":["s"],"someday":1.5}}}"#
    );
    assert_eq!(change.effect(), Effect::NewDeployment);
}

/// ECS refuses a change of the strategy without a new deployment.
#[test]
fn another_capacity_provider_strategy_forces_a_deployment() {
    let mut scene = Scene::on("nginx:1");
    scene.service["launchType"] = "FARGATE".into();
    let change = change(scene.plan(&service("capacityProviderStrategy.FARGATE_SPOT = 1")));
    assert!(change.service.forces() && !change.restart);
    assert_eq!(change.effect(), Effect::NewDeployment);
    // Back to the launch type.
    assert_eq!(
        Value::from(change.service.undo.clone()),
        json!({"capacityProviderStrategy": []})
    );
}

#[test]
fn a_list_of_a_service_is_cleared_by_an_empty_one() {
    let mut scene = Scene::on("nginx:1");
    scene.service["loadBalancers"] =
        json!([{"targetGroupArn": "t", "containerName": "app", "containerPort": 80}]);
    let cleared = change(scene.plan(&desired("remove = [\"service.loadBalancers\"]")));
    assert_eq!(
        Value::from(cleared.service.update),
        json!({"loadBalancers": []})
    );
}

/// Tags that AWS set are nobody's to change.
#[test]
fn a_services_tags_of_aws_stay() {
    let mut scene = Scene::on("nginx:1");
    scene.service_tags = vec![
        json!({"key": "aws:cloudformation:stack-name", "value": "s"}),
        json!({"key": "team", "value": "web"}),
        json!({"key": "old", "value": "1"}),
    ];
    let tags = "tags = [{ key = \"team\", value = \"api\" }]";
    let change = change(scene.plan(&service(tags)));
    assert_eq!(fields(&change), ["service.tags.old", "service.tags.team"]);
    let tags = change.service.tags.expect("they differ");
    assert_eq!(tags.remove, ["old"]);
    assert_eq!(tags.set.len(), 1);
    assert!(change.service.update.is_empty());
}

/// What only service revisions tell is asked of the newest that runs.
#[test]
fn a_service_revisions_fields_are_those_of_the_primary_deployment() {
    let mut scene = Scene::on("nginx:1");
    scene.service["currentServiceRevisions"] = json!([{"arn": "rev/2"}, {"arn": "rev/1"}]);
    let metrics = |seconds: u64| json!({"metricConfigurations": [{"metricNames": ["CPU"], "resolutionSeconds": seconds}]});
    scene.revisions = vec![
        ("rev/2", arn(7), 20, metrics(20)),
        ("rev/1", arn(7), 10, metrics(60)),
    ];
    let declared = |seconds: u64| {
        service(&format!(
            "monitoring.metricConfigurations = [{{ metricNames = [\"CPU\"], resolutionSeconds = {seconds} }}]"
        ))
    };
    in_sync(&scene.plan(&declared(20)));
    assert_eq!(
        fields(&change(scene.plan(&declared(60)))),
        ["service.monitoring.metricConfigurations"]
    );
}

#[test]
fn a_count_that_autoscaling_sets_too_is_worth_a_note() {
    let note = |live: i64, declared: i64, scaling: Seen<Scaling>| {
        let mut scene = Scene::on("nginx:1");
        scene.service["desiredCount"] = live.into();
        scene.scaling = scaling;
        scene
            .plan(&service(&format!("desiredCount = {declared}")))
            .notes
    };
    let between = Seen::Found(Scaling { least: 2, most: 10 });
    let says = |declared| Note::Autoscaled {
        declared,
        least: 2,
        most: 10,
    };
    // Outside the bounds always, inside only when it changes.
    assert_eq!(note(1, 1, between.clone()), [says(1)]);
    assert_eq!(note(5, 11, between.clone()), [says(11)]);
    assert_eq!(note(5, 2, between.clone()), [says(2)]);
    assert_eq!(note(5, 5, between), []);
    assert_eq!(note(5, 1, Seen::Missing), []);
    let denied = || {
        Seen::Unreadable(Unreadable {
            why: "denied".into(),
            hint: None,
        })
    };
    assert_eq!(
        note(5, 4, denied()),
        [Note::ScalingUnknown {
            why: "denied".into()
        }]
    );
    assert_eq!(note(5, 5, denied()), []);
}

#[test]
fn autoscaling_is_asked_for_with_the_service_and_only_for_a_declared_count() {
    let wants =
        |fields: &str| match plan(&service(fields), &Observed::default(), Options::default()) {
            Err(Wants(wants)) => wants.len(),
            Ok(plan) => panic!("{plan:?}"),
        };
    assert_eq!(wants("desiredCount = 3"), 2);
    assert_eq!(wants("enableExecuteCommand = true"), 1);
}
