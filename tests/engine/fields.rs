//! Declared fields of the task definition, through the real client: what is
//! registered is the live document with exactly that changed, and then nothing
//! differs any more.

use evenkeel::event::Outcome;
use evenkeel::model::RESPONSE_ONLY;
use evenkeel::plan::{Block, Verdict};
use serde_json::{Value, json};

use crate::world::{HEAD, World, image, one_service};

/// A file that declares this of `web` beside its image.
fn declaring(fields: &str) -> String {
    let image = image("1.4.2");
    format!("{HEAD}[services.web.containers.app]\nimage = \"{image}\"\n{fields}\n")
}

/// A world that runs the declared image.
async fn converged() -> World {
    let file = one_service(&image("1.4.2"));
    let world = World::seeded(&file).await;
    world.apply(&file).await;
    world.calls();
    world.sent("RegisterTaskDefinition");
    world.sent("UpdateService");
    world
}

/// What would be registered to get this revision again.
fn request(described: &Value) -> Value {
    let mut document = described["taskDefinition"].clone();
    let fields = document.as_object_mut().expect("a document");
    fields.retain(|name, _| !RESPONSE_ONLY.contains(&name.as_str()));
    if let Some(tags) = described["tags"].as_array().filter(|tags| !tags.is_empty()) {
        fields.insert("tags".to_owned(), tags.clone().into());
    }
    document
}

/// Applies a file; what was registered must be what was live with `change`
/// made to it, byte for byte. Then nothing is left to do.
async fn registers(world: &World, file: &str, change: impl Fn(&mut Value)) {
    let mut wanted = request(&world.task_definition().await);
    change(&mut wanted);
    let outcome = world.apply(file).await;
    assert!(
        matches!(outcome, Outcome::Deployed { .. }),
        "{file}{outcome:?}"
    );
    let registered = world.sent("RegisterTaskDefinition");
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0].to_string(), wanted.to_string(), "{file}");
    // The sandbox sends environments back in any order; ECS does.
    let service = world.service().await;
    let updated = world.sent("UpdateService");
    assert_eq!(
        updated,
        [json!({"cluster": "prod", "service": "web", "taskDefinition": service["taskDefinition"]})]
    );
    settled(world, file).await;
}

/// However often it is planned and applied, nothing is written.
async fn settled(world: &World, file: &str) {
    world.calls();
    for _ in 0..2 {
        let outcome = world.apply(file).await;
        assert!(
            matches!(outcome, Outcome::Unchanged { .. }),
            "{file}{outcome:?}"
        );
    }
    assert_eq!(world.writes(), Vec::<String>::new(), "{file}");
}

fn app(wanted: &mut Value) -> &mut Value {
    &mut wanted["containerDefinitions"][0]
}

fn entry<'a>(list: &'a mut Value, key: &str, value: &str) -> &'a mut Value {
    let list = list.as_array_mut().expect("a list");
    let entry = list.iter_mut().find(|entry| entry[key] == value);
    entry.expect("it is in the list")
}

#[tokio::test(start_paused = true)]
async fn a_variable_is_changed_added_and_removed_at_its_place() {
    let world = converged().await;
    registers(
        &world,
        &declaring("environment = { LOG_LEVEL = \"debug\" }"),
        |wanted| {
            entry(&mut app(wanted)["environment"], "name", "LOG_LEVEL")["value"] = json!("debug");
        },
    )
    .await;
    registers(
        &world,
        &declaring("environment = { NEW = \"1\" }"),
        |wanted| {
            let list = app(wanted)["environment"].as_array_mut().expect("a list");
            list.push(json!({"name": "NEW", "value": "1"}));
        },
    )
    .await;
    let remove = "[services.web]\nremove = [\"containers.app.environment.APP_ENV\"]";
    registers(&world, &format!("{HEAD}{remove}\n"), |wanted| {
        let list = app(wanted)["environment"].as_array_mut().expect("a list");
        list.retain(|entry| entry["name"] != "APP_ENV");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn secrets_ports_and_health_checks() {
    let world = converged().await;
    let arn = "arn:aws:ssm:us-west-1:123456789012:parameter/web/KEY";
    registers(
        &world,
        &declaring(&format!("secrets.KEY = \"{arn}\"")),
        |wanted| {
            let list = app(wanted)["secrets"].as_array_mut().expect("a list");
            list.push(json!({"name": "KEY", "valueFrom": arn}));
        },
    )
    .await;
    registers(
        &world,
        &declaring("portMappings.8080.appProtocol = \"http2\""),
        |wanted| {
            app(wanted)["portMappings"][0]["appProtocol"] = json!("http2");
        },
    )
    .await;
    registers(
        &world,
        &declaring("portMappings.\"53/udp\" = {}"),
        |wanted| {
            let list = app(wanted)["portMappings"].as_array_mut().expect("a list");
            list.push(json!({"containerPort": 53, "protocol": "udp"}));
        },
    )
    .await;
    registers(&world, &declaring("healthCheck.interval = 15"), |wanted| {
        app(wanted)["healthCheck"]["interval"] = json!(15);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn sizes_and_volumes_of_the_task() {
    let world = converged().await;
    let file = format!("{HEAD}[services.web.task]\ncpu = \"1 vCPU\"\nmemory = \"2 GB\"\n");
    registers(&world, &file, |wanted| {
        wanted["cpu"] = json!("1 vCPU");
        wanted["memory"] = json!("2 GB");
    })
    .await;
    let file = declaring(
        "mountPoints.\"/data\" = \"data\"\n[services.web.task]\nvolumes.data.efsVolumeConfiguration.fileSystemId = \"fs-1\"",
    );
    registers(&world, &file, |wanted| {
        app(wanted)["mountPoints"] = json!([{"containerPath": "/data", "sourceVolume": "data"}]);
        wanted["volumes"] =
            json!([{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tags_of_the_task_definition() {
    let world = converged().await;
    let file = format!("{HEAD}[services.web.task]\ntags.cost = \"42\"\n");
    registers(&world, &file, |wanted| {
        let tags = wanted["tags"].as_array_mut().expect("tags");
        tags.push(json!({"key": "cost", "value": "42"}));
    })
    .await;
    // What is not declared any more stays, and goes along.
    registers(&world, &declaring("stopTimeout = 40"), |wanted| {
        app(wanted)["stopTimeout"] = json!(40);
    })
    .await;
    let file = format!("{HEAD}[services.web]\nremove = [\"task.tags.cost\"]\n");
    registers(&world, &file, |wanted| {
        wanted["tags"].as_array_mut().expect("tags").pop();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_container_is_added_whole_and_taken_away() {
    let world = converged().await;
    let sidecar = "[services.web.containers.sidecar]\nessential = false\n";
    let plan = world.plan(&format!("{HEAD}{sidecar}")).await;
    let Verdict::Blocked(blocks) = &plan.services()[0].verdict else {
        panic!("it has no image");
    };
    assert!(
        matches!(&blocks[..], [Block::ContainerIncomplete { lacks, .. }] if *lacks == ["image"]),
        "{blocks:?}"
    );
    let file =
        format!("{HEAD}{sidecar}image = \"public.example/logs:1\"\ndependsOn.app = \"START\"\n");
    registers(&world, &file, |wanted| {
        let list = wanted["containerDefinitions"]
            .as_array_mut()
            .expect("a list");
        list.push(json!({
            "name": "sidecar", "essential": false,
            "dependsOn": [{"containerName": "app", "condition": "START"}],
            "image": "public.example/logs:1",
        }));
    })
    .await;
    // Taken away alone it would be the revision from before, which is there.
    let file = format!(
        "{HEAD}[services.web]\nremove = [\"containers.sidecar\"]\n\
         [services.web.containers.app]\nstopTimeout = 45\n"
    );
    registers(&world, &file, |wanted| {
        let list = wanted["containerDefinitions"].as_array_mut();
        list.expect("a list").pop();
        app(wanted)["stopTimeout"] = json!(45);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_definition_is_the_base_and_comes_to_rest() {
    let world = converged().await;
    let mut definition = request(&world.task_definition().await);
    definition["cpu"] = json!("1024");
    definition["memory"] = json!("2048");
    let fields = definition.as_object_mut().expect("a document");
    fields.shift_remove("tags");
    fields.insert("someday".into(), json!({"x": 1}));
    definition["tags"] =
        json!([{"key": "evenkeel:commit", "value": "x"}, {"key": "team", "value": "web"}]);
    let file = format!("{HEAD}[services.web]\ndefinition = \"task.json\"\n");
    world.put("task.json", &definition.to_string());
    definition["tags"] = json!([{"key": "team", "value": "web"}]);
    registers(&world, &file, |wanted| *wanted = definition.clone()).await;
}
