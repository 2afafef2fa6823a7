//! A second story: a service that was made by other means, whose definition
//! names its image by a bare tag, is taken over. Taking over starts nothing; a
//! tag that moves afterwards is a change, where the world can tell what runs.

use serde_json::{Value, json};

use super::team::{act, declare, normal};
use super::witness::Witness;
use super::world::{ACCOUNT, World};
use super::{aws, images};

const CLUSTER: &str = "adopted";
const SERVICE: &str = "mailer";
const REPOSITORY: &str = "mailer";

/// What the story left behind.
pub struct Told {
    /// Everything that is to be the same in both worlds.
    pub record: Value,
    /// The plan after the tag moved, which depends on what the world can tell.
    pub moved: Value,
    /// The digest under the tag at first, and after it moved.
    pub digests: [String; 2],
}

/// # Panics
/// The world refuses something.
pub fn tell(world: &World) -> Told {
    world.ecs("CreateCluster", &json!({ "clusterName": CLUSTER }));
    let repository = json!({ "repositoryName": REPOSITORY });
    aws::call(world, ["ecr", "create-repository"], &repository);
    let first = images::push(world, REPOSITORY, "stable", "one");
    let image = format!("{}:stable", images::repository(REPOSITORY));
    world.ecs(
        "RegisterTaskDefinition",
        &json!({
            "family": SERVICE, "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "containerDefinitions": [{"name": "app", "image": image}],
        }),
    );
    world.ecs(
        "CreateService",
        &json!({
            "cluster": CLUSTER, "serviceName": SERVICE, "taskDefinition": SERVICE,
            "desiredCount": 1, "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d4e5f60718"]}},
        }),
    );
    world.settled(CLUSTER, SERVICE);
    declare(world, ACCOUNT, [CLUSTER, SERVICE], &image);

    let witness = Witness::before(world.address);
    let act = |arguments: &[&str]| normal(act(world, &witness, arguments));
    let plan = ["plan", "prod", "--detailed-exitcode"];
    let record = json!({
        "plan": act(&plan),
        "apply": act(&["apply", "prod"]),
    });
    let second = images::push(world, REPOSITORY, "stable", "two");
    Told {
        record,
        moved: act(&plan),
        digests: [first, second],
    }
}
