//! One story, told in any world: a service is created, evenkeel plans, applies,
//! applies again and plans again; then a tag moves, a tag is missing, and an account is
//! not the declared one.
//!
//! What comes of it is one JSON document, without what is drawn anew in each
//! world: ids and times.

use serde_json::{Map, Value, json};

use super::team::{act, declare, normal};
use super::witness::Witness;
use super::world::{ACCOUNT, REGION, World};
use super::{aws, images};

const CLUSTER: &str = "ledger-prod";
const SERVICE: &str = "ledger-api-prod";
const REPOSITORY: &str = "ledger-api";

/// What the story left behind.
pub struct Told {
    /// Where it was told.
    pub world: &'static str,
    /// Everything that is to be the same in every world.
    pub record: Value,
    /// The revision that ran before, after `apply`, and after the tag moved:
    /// whole, as the world describes it.
    pub revisions: [Value; 3],
    /// The digest under the declared tag at first, and after it moved.
    pub digests: [String; 2],
}

/// # Panics
/// The world refuses something.
pub fn tell(world: &World) -> Told {
    aws::call(
        world,
        ["ecs", "create-cluster"],
        &json!({ "clusterName": CLUSTER }),
    );
    let repository = json!({ "repositoryName": REPOSITORY });
    aws::call(world, ["ecr", "create-repository"], &repository);
    let before = images::push(world, REPOSITORY, "1.4.1", "one");
    let wanted = images::push(world, REPOSITORY, "1.4.2", "two");
    let image = format!("{}:1.4.1@{before}", images::repository(REPOSITORY));
    let first = world.ecs("RegisterTaskDefinition", &definition(&image));
    let arn = first["taskDefinition"]["taskDefinitionArn"].clone();
    aws::call(world, ["ecs", "create-service"], &service(&arn));
    world.settled(CLUSTER, SERVICE);
    declare_tag(world, ACCOUNT, "1.4.2");

    let revision_before = live(world);
    let witness = Witness::before(world.address);
    let act = |arguments: &[&str]| act(world, &witness, arguments);
    let mut record = Map::new();
    let mut step = |name: &str, value: Value| {
        record.insert(name.to_owned(), normal(value));
    };

    step("live", json!({ "revision": revision_before }));
    step("plan", act(&["plan", "prod"]));
    step(
        "plan with exit code",
        act(&["plan", "prod", "--detailed-exitcode"]),
    );
    step("apply", act(&["apply", "prod"]));
    step("running", running(world));
    let revision_after = live(world);
    step("apply again", act(&["apply", "prod"]));
    step("running still", running(world));
    step("plan again", act(&["plan", "prod", "--detailed-exitcode"]));

    let moved = images::push(world, REPOSITORY, "1.4.2", "two, built again");
    step(
        "plan after the tag moved",
        act(&["plan", "prod", "--detailed-exitcode"]),
    );
    step("apply after the tag moved", act(&["apply", "prod"]));
    step("running after the tag moved", running(world));
    let revision_moved = live(world);

    declare_tag(world, ACCOUNT, "1.4.3");
    step("plan of a missing tag", act(&["plan", "prod"]));
    step("apply of a missing tag", act(&["apply", "prod"]));
    let image = format!("{}:1.4.2", images::repository(REPOSITORY));
    for (step_name, place, image) in [
        (
            "plan of a missing service",
            [CLUSTER, "nobody"],
            image.clone(),
        ),
        ("plan of a missing cluster", ["nowhere", SERVICE], image),
        (
            "plan of a missing repository",
            [CLUSTER, SERVICE],
            format!("{}:1", images::repository("nothing")),
        ),
    ] {
        declare(world, ACCOUNT, place, &image);
        step(step_name, act(&["plan", "prod"]));
    }
    declare_tag(world, "210987654321", "1.4.1");
    step("plan of another account", act(&["plan", "prod"]));
    step("apply of another account", act(&["apply", "prod"]));
    step("running at the end", running(world));

    Told {
        world: world.name,
        record: Value::Object(record),
        revisions: [revision_before, revision_after, revision_moved],
        digests: [wanted, moved],
    }
}

/// The revision that the service runs, whole.
fn live(world: &World) -> Value {
    let service = described(world);
    world.ecs(
        "DescribeTaskDefinition",
        &json!({ "taskDefinition": service["taskDefinition"], "include": ["TAGS"] }),
    )
}

fn described(world: &World) -> Value {
    let request = json!({ "cluster": CLUSTER, "services": [SERVICE] });
    world.ecs("DescribeServices", &request)["services"][0].clone()
}

/// What runs, as far as both worlds can know it, and how many revisions the
/// family has.
fn running(world: &World) -> Value {
    let service = described(world);
    let pick = |from: &Value, keys: &[&str]| -> Value {
        keys.iter()
            .map(|key| ((*key).to_owned(), from[*key].clone()))
            .collect()
    };
    let primary: Vec<Value> = service["deployments"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|deployment| deployment["status"] == "PRIMARY")
        .map(|primary| {
            pick(
                primary,
                &[
                    "status",
                    "taskDefinition",
                    "rolloutState",
                    "desiredCount",
                    "runningCount",
                    "failedTasks",
                ],
            )
        })
        .collect();
    let revisions = aws::call(
        world,
        ["ecs", "list-task-definitions"],
        &json!({ "familyPrefix": SERVICE }),
    );
    let keys = [
        "status",
        "taskDefinition",
        "desiredCount",
        "runningCount",
        "pendingCount",
    ];
    json!({
        "service": pick(&service, &keys),
        "deployments": primary,
        "revisions": revisions["taskDefinitionArns"],
        "revision": live(world),
    })
}

fn declare_tag(world: &World, account: &str, tag: &str) {
    let image = format!("{}:{tag}", images::repository(REPOSITORY));
    declare(world, account, [CLUSTER, SERVICE], &image);
}

/// A definition with something of every kind in it, and two fields that no
/// client knows. Nothing in it but the image is declared in the file.
fn definition(image: &str) -> Value {
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    let parameter = |name: &str| format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/ledger/{name}");
    json!({
        "family": SERVICE,
        "containerDefinitions": [
            {
                "name": "app",
                "image": image,
                "command": ["serve", "--port", "8080"],
                "environment": [
                    {"name": "LOG_LEVEL", "value": "info"},
                    {"name": "APP_ENV", "value": "prod"},
                    {"name": "EMPTY", "value": ""},
                ],
                "secrets": [
                    {"name": "DATABASE_URL", "valueFrom": parameter("db")},
                    {"name": "API_KEY", "valueFrom": parameter("key")},
                ],
                "portMappings": [{"name": "http", "containerPort": 8080, "appProtocol": "http"}],
                "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/health"], "startPeriod": 10},
                "dependsOn": [{"containerName": "router", "condition": "START"}],
                "ulimits": [{"name": "nofile", "softLimit": 65536, "hardLimit": 65536}],
                "dockerLabels": {"team": "ledger"},
                "linuxParameters": {"initProcessEnabled": true},
                "readonlyRootFilesystem": true,
                "stopTimeout": 45,
                "logConfiguration": {
                    "logDriver": "awsfirelens",
                    "options": {"Name": "http", "Host": "logs.example.com"},
                    "secretOptions": [{"name": "apikey", "valueFrom": parameter("logs")}],
                },
                "fieldOfTomorrow": {"ratio": 0.5, "on": true},
            },
            {
                "name": "router",
                "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.32.2",
                "essential": false,
                "memoryReservation": 64,
                "firelensConfiguration": {"type": "fluentbit"},
                "user": "0",
            },
        ],
        "taskRoleArn": role("ledger-task"),
        "executionRoleArn": role("ledger-execution"),
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "volumes": [{"name": "scratch"}],
        "ephemeralStorage": {"sizeInGiB": 30},
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "enableFaultInjection": true,
        "tags": [{"key": "team", "value": "ledger"}, {"key": "cost", "value": "42"}],
        "documentOfTomorrow": [1, {"deep": null}],
    })
}

fn service(definition: &Value) -> Value {
    json!({
        "cluster": CLUSTER,
        "serviceName": SERVICE,
        "taskDefinition": definition,
        "desiredCount": 2,
        "launchType": "FARGATE",
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            "maximumPercent": 200, "minimumHealthyPercent": 100,
        },
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-0a1b2c3d4e5f60718"], "assignPublicIp": "DISABLED",
        }},
    })
}
