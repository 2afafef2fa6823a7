//! Declared fields of the service, through the real client: UpdateService is
//! sent exactly those that differ, once, and what that does to the tasks is as
//! the plan says.

use evenkeel::event::{By, Event, How, Outcome};
use evenkeel::plan::Verdict;
use serde_json::{Value, json};

use crate::world::{HEAD, World, image, one_service};

/// A file that declares these fields of the service `web`.
fn service(fields: &str) -> String {
    format!("{HEAD}[services.web.service]\n{fields}\n")
}

async fn converged() -> World {
    let file = one_service(&image("1.4.2"));
    let world = World::seeded(&file).await;
    world.apply(&file).await;
    forget(&world);
    world
}

fn forget(world: &World) {
    world.calls();
    world.sent("RegisterTaskDefinition");
    world.sent("UpdateService");
}

/// The one update that was sent, but for the names of the service.
fn update(world: &World) -> Value {
    let mut updates = world.sent("UpdateService");
    assert_eq!(updates.len(), 1, "{updates:?}");
    let mut update = updates.remove(0);
    for (name, value) in [("cluster", "prod"), ("service", "web")] {
        let fields = update.as_object_mut().expect("an object");
        assert_eq!(fields.shift_remove(name), Some(json!(value)));
    }
    update
}

async fn settled(world: &World, file: &str) {
    forget(world);
    for _ in 0..2 {
        let outcome = world.apply(file).await;
        assert!(
            matches!(outcome, Outcome::Unchanged { .. }),
            "{file}{outcome:?}"
        );
    }
    assert_eq!(world.writes(), Vec::<String>::new(), "{file}");
}

fn primary(service: &Value) -> &Value {
    &service["deployments"][0]
}

#[tokio::test(start_paused = true)]
async fn a_count_changes_in_place_and_is_waited_for() {
    let world = converged().await;
    let before = world.service().await;
    for count in [5, 1] {
        let file = service(&format!("desiredCount = {count}"));
        let plan = world.plan(&file).await;
        let (report, events) = world.carry_out(&plan).await;
        let outcome = &report.services[0].outcome;
        assert!(
            matches!(
                outcome,
                Outcome::Deployed {
                    how: How::Updated,
                    ..
                }
            ),
            "{outcome:?}"
        );
        assert_eq!(update(&world), json!({"desiredCount": count}));
        assert_eq!(world.sent("RegisterTaskDefinition"), Vec::<Value>::new());
        let started = |event: &Event| matches!(event, Event::Started { .. });
        assert!(!events.iter().any(started), "{events:?}");
        // The run ends when they run, not when they were asked for.
        let after = world.service().await;
        assert_eq!(primary(&after)["id"], primary(&before)["id"]);
        assert_eq!(after["runningCount"], json!(count));
        settled(&world, &file).await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_network_is_a_rollout_of_the_same_revision() {
    let world = converged().await;
    let before = world.service().await;
    let file = service("networkConfiguration.awsvpcConfiguration.securityGroups = [\"sg-9\"]");
    let outcome = world.apply(&file).await;
    assert!(
        matches!(
            outcome,
            Outcome::Deployed {
                how: How::Started,
                ..
            }
        ),
        "{outcome:?}"
    );
    let mut network = before["networkConfiguration"].clone();
    network["awsvpcConfiguration"]["securityGroups"] = json!(["sg-9"]);
    assert_eq!(update(&world), json!({"networkConfiguration": network}));
    assert_eq!(world.sent("RegisterTaskDefinition"), Vec::<Value>::new());
    let after = world.service().await;
    assert_ne!(primary(&after)["id"], primary(&before)["id"]);
    assert_eq!(after["taskDefinition"], before["taskDefinition"]);
    settled(&world, &file).await;
}

#[tokio::test(start_paused = true)]
async fn what_ecs_fills_in_is_no_drift_of_a_service() {
    let world = converged().await;
    for fields in [
        "platformVersion = \"LATEST\"",
        "healthCheckGracePeriodSeconds = 60",
        "enableExecuteCommand = false",
        "loadBalancers = []",
        "placementConstraints = []",
        "networkConfiguration.awsvpcConfiguration.assignPublicIp = \"DISABLED\"",
        "deploymentConfiguration.deploymentCircuitBreaker = { enable = true, rollback = true, resetOnHealthyTask = true }",
    ] {
        let plan = world.plan(&service(fields)).await;
        let verdict = &plan.services()[0].verdict;
        assert!(
            matches!(verdict, Verdict::InSync { .. }),
            "{fields}: {verdict:?}"
        );
    }
}

/// Field, what is sent, whether new tasks replace the old.
#[tokio::test(start_paused = true)]
async fn each_field_is_sent_whole_and_alone() {
    let balancer = json!({"targetGroupArn": "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/1",
        "containerName": "app", "containerPort": 8080});
    let lines = "[{ targetGroupArn = \"arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/1\", containerName = \"app\", containerPort = 8080 }]";
    let balancers = format!("loadBalancers = {lines}");
    let cases = [
        (
            "deploymentConfiguration.minimumHealthyPercent = 50",
            json!({"deploymentConfiguration": {
                "deploymentCircuitBreaker": {"enable": true, "rollback": true},
                "maximumPercent": 200, "minimumHealthyPercent": 50,
                "strategy": "ROLLING", "bakeTimeInMinutes": 0,
            }}),
            false,
        ),
        (
            "enableExecuteCommand = true",
            json!({"enableExecuteCommand": true}),
            false,
        ),
        (
            "propagateTags = \"NONE\"",
            json!({"propagateTags": "NONE"}),
            false,
        ),
        (&balancers, json!({"loadBalancers": [balancer]}), true),
        (
            "platformVersion = \"1.3.0\"",
            json!({"platformVersion": "1.3.0"}),
            true,
        ),
        (
            "capacityProviderStrategy = { FARGATE = 1, FARGATE_SPOT = 3 }",
            json!({"capacityProviderStrategy": [
                {"capacityProvider": "FARGATE", "weight": 1},
                {"capacityProvider": "FARGATE_SPOT", "weight": 3},
            ], "forceNewDeployment": true}),
            true,
        ),
        (
            "serviceConnectConfiguration = { enabled = true, namespace = \"shop\" }",
            json!({"serviceConnectConfiguration": {"enabled": true, "namespace": "shop"}}),
            true,
        ),
        (
            "monitoring.metricConfigurations = [{ metricNames = [\"CPU\"], resolutionSeconds = 20 }]",
            json!({"monitoring": {"metricConfigurations": [
                {"metricNames": ["CPU"], "resolutionSeconds": 20},
            ]}}),
            true,
        ),
    ];
    let world = converged().await;
    for (fields, sent, rolls) in cases {
        let file = service(fields);
        let before = world.service().await;
        let outcome = world.apply(&file).await;
        assert!(
            matches!(outcome, Outcome::Deployed { .. }),
            "{fields}: {outcome:?}"
        );
        assert_eq!(update(&world), sent, "{fields}");
        let after = world.service().await;
        assert_eq!(
            primary(&after)["id"] != primary(&before)["id"],
            rolls,
            "{fields}"
        );
        settled(&world, &file).await;
    }
    // And back to the launch type.
    let file = format!("{HEAD}[services.web]\nremove = [\"service.capacityProviderStrategy\"]\n");
    let outcome = world.apply(&file).await;
    assert!(matches!(outcome, Outcome::Deployed { .. }), "{outcome:?}");
    assert_eq!(
        update(&world),
        json!({"capacityProviderStrategy": [], "forceNewDeployment": true})
    );
    settled(&world, &file).await;
}

#[tokio::test(start_paused = true)]
async fn tags_are_set_and_taken_away_without_an_update() {
    let world = converged().await;
    let arn = world.service().await["serviceArn"].clone();
    let tags = json!([{"key": "aws:x", "value": "1"}, {"key": "old", "value": "1"}, {"key": "kept", "value": "1"}]);
    world
        .somebody("TagResource", &json!({"resourceArn": arn, "tags": tags}))
        .await;
    forget(&world);
    let file = format!(
        "{HEAD}[services.web]\nremove = [\"service.tags.old\"]\n[services.web.service]\ntags.team = \"web\"\n"
    );
    let outcome = world.apply(&file).await;
    assert!(
        matches!(
            outcome,
            Outcome::Deployed {
                how: How::Updated,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(world.writes(), ["TagResource", "UntagResource"]);
    let mut tags = world.service().await["tags"].clone();
    let list = tags.as_array_mut().expect("a list");
    list.sort_by_key(|tag| tag["key"].to_string());
    assert_eq!(
        tags,
        json!([
            {"key": "aws:x", "value": "1"}, {"key": "kept", "value": "1"},
            {"key": "service", "value": "web"}, {"key": "team", "value": "web"},
        ])
    );
    settled(&world, &file).await;
}

#[tokio::test(start_paused = true)]
async fn a_document_and_a_service_change_in_one_update() {
    let world = converged().await;
    let file = format!(
        "{}desiredCount = 4\nenableExecuteCommand = true\n[services.web.containers.app]\nstopTimeout = 40\n",
        service("")
    );
    let outcome = world.apply(&file).await;
    assert!(matches!(outcome, Outcome::Deployed { .. }), "{outcome:?}");
    let revision = world.service().await["taskDefinition"].clone();
    assert_eq!(
        update(&world),
        json!({"desiredCount": 4, "enableExecuteCommand": true, "taskDefinition": revision})
    );
    assert_eq!(world.writes(), ["RegisterTaskDefinition", "UpdateService"]);
    assert_eq!(world.service().await["runningCount"], 4);
    settled(&world, &file).await;
}

/// Without a circuit breaker nobody but evenkeel goes back.
#[tokio::test(start_paused = true)]
async fn going_back_undoes_the_services_fields_too() {
    let world = converged().await;
    world.breaker(false, false).await;
    let before = world.service().await;
    forget(&world);
    let file = format!(
        "{HEAD}[services.web.containers.app]\nimage = \"{}\"\n[services.web.service]\n\
         desiredCount = 4\nplatformVersion = \"1.3.0\"\ncapacityProviderStrategy.FARGATE_SPOT = 1\n",
        image("1.4.3-crash")
    );
    world.push(&image("1.4.3-crash"));
    let outcome = world.apply(&file).await;
    let Outcome::RolledBack {
        by: By::Evenkeel,
        complete: true,
        ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    let updates = world.sent("UpdateService");
    assert_eq!(updates.len(), 2, "{updates:?}");
    assert_eq!(
        updates[1],
        json!({
            "cluster": "prod", "service": "web", "taskDefinition": before["taskDefinition"],
            "desiredCount": before["desiredCount"], "platformVersion": "LATEST",
            "capacityProviderStrategy": [], "forceNewDeployment": true,
        })
    );
    let after = world.service().await;
    for field in [
        "taskDefinition",
        "desiredCount",
        "runningCount",
        "platformVersion",
        "launchType",
        "networkConfiguration",
        "deploymentConfiguration",
    ] {
        assert_eq!(after[field], before[field], "{field}");
    }
}

/// ECS goes back by itself: the very same change is not tried again and again,
/// another one is.
#[tokio::test(start_paused = true)]
async fn a_change_of_the_service_that_failed_is_not_tried_again() {
    let world = converged().await;
    let arn = world.service().await["taskDefinition"].clone();
    world.push(&image("1.4.4-crash"));
    let crashing = one_service(&image("1.4.4-crash"));
    let with = |fields: &str| format!("{crashing}[services.web.service]\n{fields}\n");
    let outcome = world.apply(&with("platformVersion = \"1.3.0\"")).await;
    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(world.service().await["taskDefinition"], arn);
    forget(&world);
    let outcome = world.apply(&with("platformVersion = \"1.3.0\"")).await;
    assert!(
        matches!(outcome, Outcome::FailedBefore { .. }),
        "{outcome:?}"
    );
    assert_eq!(world.writes(), Vec::<String>::new());
    // The file says something else: it is tried.
    let outcome = world.apply(&with("platformVersion = \"1.2.0\"")).await;
    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(world.writes(), ["UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_revision_elsewhere_failed_before_only_there() {
    let world = converged().await;
    let outcome = async |zone: &str| {
        let network =
            format!("networkConfiguration.awsvpcConfiguration.subnets = [\"subnet-{zone}\"]");
        world.apply(&service(&network)).await
    };
    // The sandbox can place no task in such a subnet.
    let failed = outcome("nocapacity").await;
    assert!(matches!(failed, Outcome::RolledBack { .. }), "{failed:?}");
    forget(&world);
    let again = outcome("nocapacity").await;
    assert!(matches!(again, Outcome::FailedBefore { .. }), "{again:?}");
    assert_eq!(world.writes(), Vec::<String>::new());
    let other = outcome("good").await;
    assert!(matches!(other, Outcome::Deployed { .. }), "{other:?}");
}

/// The service and its task definition belong to somebody else, who sets many
/// fields, also such as nobody here has heard of.
#[tokio::test(start_paused = true)]
async fn where_the_image_alone_is_declared_no_other_field_is_ever_touched() {
    let file = |tag: &str| one_service(&image(tag));
    let world = World::seeded(&file("1.4.2")).await;
    let described = world.task_definition().await;
    let mut request = described["taskDefinition"].clone();
    let fields = request.as_object_mut().expect("a document");
    fields.retain(|name, _| !evenkeel::model::RESPONSE_ONLY.contains(&name.as_str()));
    fields.insert("someday".into(), json!({"exact": 1.25, "list": [null, []]}));
    fields.insert(
        "tags".into(),
        json!([{"key": "owner", "value": "terraform"}]),
    );
    let app = &mut request["containerDefinitions"][0];
    app["dockerLabels"] = json!({});
    app["user"] = Value::Null;
    app["novel"] = json!([3, 1, 2]);
    let made = world.somebody("RegisterTaskDefinition", &request).await;
    let arn = &made["taskDefinition"]["taskDefinitionArn"];
    let update = json!({
        "cluster": "prod", "service": "web", "taskDefinition": arn, "desiredCount": 5,
        "enableExecuteCommand": true, "healthCheckGracePeriodSeconds": 7, "unheard": {"of": true},
        "placementStrategy": [{"type": "spread", "field": "attribute:ecs.availability-zone"}],
    });
    world.somebody("UpdateService", &update).await;
    tokio::time::sleep(crate::world::seconds(600)).await;

    let document = async || {
        let mut described = world.task_definition().await;
        let app = described["taskDefinition"]["containerDefinitions"][0].as_object_mut();
        let app = app.expect("a container");
        app.shift_remove("image");
        // ECS keeps no order of it.
        let environment = app["environment"].as_array_mut().expect("a list");
        environment.sort_by_key(|entry| entry["name"].to_string());
        for name in ["taskDefinitionArn", "revision", "registeredAt"] {
            let fields = described["taskDefinition"].as_object_mut();
            fields.expect("a document").shift_remove(name);
        }
        described.to_string()
    };
    let settings = async || {
        let mut service = world.service().await;
        let moving = [
            "deployments",
            "events",
            "taskDefinition",
            "currentServiceDeployment",
            "currentServiceRevisions",
            "runningCount",
            "pendingCount",
        ];
        let fields = service.as_object_mut().expect("a service");
        fields.retain(|name, _| !moving.contains(&name.as_str()));
        service.to_string()
    };
    let (before, service_before) = (document().await, settings().await);
    for tag in ["1.4.2", "1.4.3", "1.4.2", "1.4.4", "1.4.4"] {
        world.push(&image(tag));
        for _ in 0..3 {
            let outcome = world.apply(&file(tag)).await;
            assert!(outcome.is_good(), "{tag}: {outcome:?}");
        }
        assert_eq!(document().await, before, "{tag}");
        assert_eq!(settings().await, service_before, "{tag}");
    }
}
