//! Clients that know nothing of evenkeel work against the sandbox's loopback
//! server: the AWS CLI and ecs-deploy. Each is judged by its effect, seen over
//! the wire.

use std::time::Duration;

use serde_json::{Value, json};

use super::process::run;
use super::world::{ACCOUNT, REGION, World};
use super::{aws, images};

/// What the example environments make: see environments/prod.toml.
const CLUSTER: &str = "wage-prod";
const API: &str = "fastify-backend-prod";
const WORKER: &str = "wage-worker-prod";
const REPOSITORY: &str = "wage-backend-api";

/// ecs-deploy looks every two seconds.
const DEPLOYED_WITHIN: Duration = Duration::from_secs(120);

/// A service and the revision that it runs, as they are.
fn seen(world: &World, service: &str) -> (Value, Value) {
    let request = json!({ "cluster": CLUSTER, "services": [service] });
    let service = world.ecs("DescribeServices", &request)["services"][0].clone();
    let request = json!({ "taskDefinition": service["taskDefinition"], "include": ["TAGS"] });
    let revision = world.ecs("DescribeTaskDefinition", &request);
    (service, revision)
}

#[test]
fn aws_cli_registers_updates_and_waits() {
    let world = World::sandbox();
    let (before, old) = seen(&world, API);

    let request = json!({ "cluster": CLUSTER, "services": [API, "nobody"] });
    let answer = aws::call(&world, ["ecs", "describe-services"], &request);
    assert_eq!(answer["services"][0]["serviceArn"], before["serviceArn"]);
    assert_eq!(answer["services"][0]["desiredCount"], 3);
    assert_eq!(answer["failures"][0]["reason"], "MISSING");

    let digest = images::push(&world, REPOSITORY, "2.0.0", "cli");
    let image = format!("{}@{digest}", images::repository(REPOSITORY));
    let mut request = old["taskDefinition"].clone();
    let definition = request.as_object_mut().expect("a task definition");
    // What the pipelines that evenkeel replaces delete with jq.
    for answered in [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
    ] {
        definition.remove(answered);
    }
    request["containerDefinitions"][0]["image"] = json!(image);
    let registered = aws::call(&world, ["ecs", "register-task-definition"], &request);
    let arn = &registered["taskDefinition"]["taskDefinitionArn"];
    assert_eq!(
        registered["taskDefinition"]["revision"].as_u64(),
        old["taskDefinition"]["revision"].as_u64().map(|n| n + 1)
    );

    let request = json!({ "cluster": CLUSTER, "service": API, "taskDefinition": arn });
    let updated = aws::call(&world, ["ecs", "update-service"], &request);
    assert_eq!(updated["service"]["taskDefinition"], *arn);
    assert_eq!(
        updated["service"]["deployments"].as_array().map(Vec::len),
        Some(2)
    );

    let wait = ["ecs", "wait", "services-stable", "--cluster", CLUSTER];
    aws::cli(&world, &[&wait[..], &["--services", API]].concat());
    let (after, new) = seen(&world, API);
    assert_eq!(after["deployments"].as_array().map(Vec::len), Some(1));
    assert_eq!(after["runningCount"], 3);
    assert_eq!(after["taskDefinition"], *arn);
    assert_eq!(
        new["taskDefinition"]["containerDefinitions"][0]["image"],
        image
    );
}

/// What evenkeel prints for somebody to continue with, as it stands.
#[test]
fn aws_cli_continues_a_paused_deployment_as_evenkeel_says() {
    let world = World::sandbox();
    let hook = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]});
    let configuration = json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]});
    let request =
        json!({"cluster": CLUSTER, "service": WORKER, "deploymentConfiguration": configuration});
    world.ecs("UpdateService", &request);
    let digest = images::push(&world, REPOSITORY, "2.0.0", "cli");
    let image = format!("{}@{digest}", images::repository(REPOSITORY));
    // The least there is: the pause comes much sooner.
    let file = format!(
        "account = \"{ACCOUNT}\"\nregion = \"{REGION}\"\ncluster = \"{CLUSTER}\"\n\n\
         [services.worker]\nname = \"{WORKER}\"\nimage = \"{image}\"\n\
         rollout.timeout = \"10s\"\n"
    );
    std::fs::write(world.team().join("environments/prod.toml"), file).expect("a file");
    let ended = world.evenkeel(world.address, &["apply", "prod", "--no-cache"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let command = ended
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("go on"))
        .unwrap_or_else(|| panic!("no way on: {}", ended.stdout));
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let ["aws", arguments @ ..] = arguments.as_slice() else {
        panic!("{command}");
    };
    aws::cli(&world, arguments);
    world.settled(CLUSTER, WORKER);
    let (_, new) = seen(&world, WORKER);
    assert_eq!(
        new["taskDefinition"]["containerDefinitions"][0]["image"],
        image
    );
}

#[test]
fn aws_cli_gets_images() {
    let world = World::sandbox();
    let digest = images::push(&world, REPOSITORY, "2.0.0", "cli");
    let request = json!({
        "repositoryName": REPOSITORY,
        "imageIds": [{"imageTag": "2.0.0"}, {"imageTag": "1.4.1"}, {"imageTag": "9.9.9"}],
    });
    let answer = aws::call(&world, ["ecr", "batch-get-image"], &request);
    let ids: Vec<(&Value, &Value)> = answer["images"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|image| {
            (
                &image["imageId"]["imageTag"],
                &image["imageId"]["imageDigest"],
            )
        })
        .collect();
    let (_, live) = seen(&world, WORKER);
    let live = live["taskDefinition"]["containerDefinitions"][0]["image"]
        .as_str()
        .and_then(|image| image.split_once('@'))
        .map(|(_, digest)| json!(digest));
    let live = live.expect("a live image with a digest");
    assert_eq!(
        ids,
        [(&json!("2.0.0"), &json!(digest)), (&json!("1.4.1"), &live)]
    );
    let manifest = answer["images"][0]["imageManifest"].as_str();
    let manifest: Value = serde_json::from_str(manifest.expect("a manifest")).expect("JSON");
    assert_eq!(
        manifest["manifests"][0]["platform"]["architecture"],
        "amd64"
    );
    assert_eq!(answer["failures"][0]["failureCode"], "ImageNotFound");
    assert_eq!(answer["failures"][0]["imageId"]["imageTag"], "9.9.9");
}

#[test]
fn ecs_deploy_deploys_a_tag_and_an_image() {
    let world = World::sandbox();
    let image = format!("{}:1.5.0", images::repository(REPOSITORY));
    let deploy = |arguments: &[&str]| {
        let (_, old) = seen(&world, WORKER);
        let mut command = world.installed("ecs");
        command
            .args(["deploy", CLUSTER, WORKER])
            .args(arguments)
            .args(["--timeout", "60", "--no-deregister"]);
        let printed = run(command, DEPLOYED_WITHIN).well("ecs deploy");
        world.settled(CLUSTER, WORKER);
        let (_, new) = seen(&world, WORKER);
        assert_eq!(
            new["taskDefinition"]["revision"].as_u64(),
            old["taskDefinition"]["revision"].as_u64().map(|n| n + 1),
            "{printed}"
        );
        new["taskDefinition"]["containerDefinitions"][0].clone()
    };

    let container = deploy(&["-i", "worker", &image]);
    assert_eq!(container["image"], image);
    let container = deploy(&["-t", "1.4.3"]);
    assert_eq!(
        container["image"],
        format!("{}:1.4.3", images::repository(REPOSITORY))
    );
    let container = deploy(&["-e", "worker", "LOG_LEVEL", "debug"]);
    let values = container["environment"].as_array().expect("environment");
    assert!(values.contains(&json!({"name": "LOG_LEVEL", "value": "debug"})));
    assert!(values.contains(&json!({"name": "APP_ENV", "value": "prod"})));
}
