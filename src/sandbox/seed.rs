//! A believable environment to begin with: every declared service is there and
//! healthy, on the version before the one that is declared.

use serde_json::{Map, Value, json};

use super::clock::Millis;
use super::ecs::{normalised, store_revision, with_defaults};
use super::rollout::{self, Wanted};
use super::state::{Cluster, Rollout, Scope, Service, ServiceStatus, State};
use super::{ecr, ids, manifest};
use crate::model::{AccountId, ClusterName, ImageReference, Region, ServiceName};

const DAY: Millis = 86_400_000;

/// What an environment declares, as far as the sandbox needs it.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The name of the environment.
    pub environment: String,
    pub account: AccountId,
    pub region: Region,
    pub services: Vec<SeedService>,
}

#[derive(Debug, Clone)]
pub struct SeedService {
    /// What the file calls the service.
    pub name: String,
    pub cluster: ClusterName,
    pub service: ServiceName,
    /// The declared images by container; without a name it is the only
    /// container, which the sandbox calls `app`.
    pub images: Vec<(Option<String>, ImageReference)>,
}

/// What seeding did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeded {
    /// It made the environment, with so many services.
    Now { services: usize },
    /// The environment was there, and is as it was.
    Before,
}

pub(super) fn plant(state: &mut State, seed: &Seed, now: Millis) -> Seeded {
    let scope = Scope {
        account: seed.account.clone(),
        region: seed.region.clone(),
    };
    let environment = format!("{}/{}", scope.key(), seed.environment);
    if !state.environments.insert(environment) {
        return Seeded::Before;
    }
    state.account.get_or_insert_with(|| seed.account.clone());
    let mut services = 0;
    for (position, declared) in seed.services.iter().enumerate() {
        let key = Service::key(declared.cluster.as_str(), declared.service.as_str());
        let place = state.place_mut(&scope);
        let cluster = Cluster {
            settings: Map::new(),
            tags: Vec::new(),
        };
        place
            .clusters
            .entry(declared.cluster.to_string())
            .or_insert(cluster);
        if place.services.contains_key(&key) {
            continue;
        }
        let desired = if position == 0 { 3 } else { 2 };
        let service = plant_service(state, &scope, declared, &seed.environment, desired, now);
        state.place_mut(&scope).services.insert(key, service);
        services += 1;
    }
    Seeded::Now { services }
}

fn plant_service(
    state: &mut State,
    scope: &Scope,
    declared: &SeedService,
    environment: &str,
    desired: u32,
    now: Millis,
) -> Service {
    let mut containers = Vec::new();
    for (place, (name, image)) in declared.images.iter().enumerate() {
        let live = plant_image(state, image, now);
        let name = name.as_deref().unwrap_or("app");
        containers.push(container(
            scope,
            declared,
            environment,
            name,
            &live,
            place == 0,
        ));
    }
    let family = declared.service.as_str();
    let known = state
        .place_mut(scope)
        .families
        .entry(family.to_owned())
        .or_default();
    if known.last == 0 {
        // A two-digit number that is the service's own; the revisions before
        // it are long gone.
        known.last = 10 + ids::number(&format!("{} {family}", declared.cluster)) % 89;
    }
    let document = document(scope, family, containers);
    let tags = vec![
        json!({"key": "team", "value": "platform"}),
        json!({"key": "service", "value": declared.name}),
    ];
    let registered = now - 3 * DAY;
    let document = match normalised(&document) {
        Ok((document, _)) => document,
        // No container declared, or names that ECS would refuse: keep it as
        // it is, the caller's checks will speak of it.
        Err(_) => document,
    };
    let revision = store_revision(state, scope, &document, tags.clone(), registered);
    let arn = revision
        .document
        .get("taskDefinitionArn")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let wanted = Wanted {
        task_definition: arn.to_owned(),
        containers: ecr::deployed(state, &revision.document, registered),
    };
    settled(scope, declared, tags, desired, wanted, registered)
}

/// A service whose only deployment completed long ago.
fn settled(
    scope: &Scope,
    declared: &SeedService,
    tags: Vec<Value>,
    desired: u32,
    wanted: Wanted,
    since: Millis,
) -> Service {
    let mut service = Service {
        scope: scope.clone(),
        cluster: declared.cluster.to_string(),
        name: declared.service.to_string(),
        status: ServiceStatus::Active,
        settings: with_defaults(settings(scope)),
        tags,
        desired,
        created_at: since - 90 * DAY,
        deployments: Vec::new(),
        history: Vec::new(),
        revisions: Vec::new(),
        tasks: Vec::new(),
        events: Vec::new(),
        sequence: 0,
        clock: since,
        next_start: since,
        next_stop: since,
    };
    rollout::begin(&mut service, wanted, since);
    for _ in 0..desired {
        let seed = service.next_seed();
        let task = service
            .deployments
            .first()
            .map(|d| rollout::settled_task(d, &seed, since));
        service.tasks.extend(task);
    }
    for deployment in &mut service.deployments {
        deployment.rollout = Rollout::Completed;
        deployment.reason = format!("ECS deployment {} completed.", deployment.id);
        deployment.steady_since = Some(since);
    }
    for revision in &mut service.revisions {
        revision.completed = true;
    }
    for record in &mut service.history {
        record.status = "SUCCESSFUL".to_owned();
        record.finished_at = Some(since);
        record.breaker.status = "MONITORING_COMPLETE".to_owned();
    }
    service.event(since, "has reached a steady state.");
    service
}

/// Puts the declared image, the one before it and some neighbours into the
/// registry; returns what runs now.
fn plant_image(state: &mut State, declared: &ImageReference, now: Millis) -> String {
    let tag = declared.tag().unwrap_or(if declared.digest().is_some() {
        "declared"
    } else {
        "latest"
    });
    let before = previous(tag);
    let Some(repository) = declared.ecr() else {
        return format!("{}:{before}", declared.base());
    };
    let scope = Scope {
        account: repository.account.clone(),
        region: repository.region.clone(),
    };
    let repository = ecr::ensure(state, &scope, &repository.name, now - 120 * DAY);
    let mut put = |tag: &str, demanded: Option<&str>, age: Millis| match repository.tags.get(tag) {
        Some(digest) if demanded.is_none() => digest.clone(),
        _ => {
            let image = manifest::image(&format!("{}:{tag}", declared.base()));
            ecr::insert(repository, image, Some(tag), demanded, now - age)
        }
    };
    for (number, neighbour) in neighbours(tag).iter().enumerate() {
        put(neighbour, None, 10 * DAY + number as Millis * DAY);
    }
    match declared.digest() {
        Some(digest) => put(tag, Some(digest.as_str()), DAY),
        None => put(tag, None, DAY),
    };
    let digest = put(&before, None, 4 * DAY);
    format!("{}:{before}@{digest}", declared.base())
}

/// A version tag taken apart: `v`, `[1, 4, 2]`, `-alpine`.
fn version(tag: &str) -> Option<(&str, [u64; 3], &str)> {
    let digits = tag.strip_prefix('v').unwrap_or(tag);
    let lead = &tag[..tag.len() - digits.len()];
    let end = digits
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(digits.len());
    let (numbers, suffix) = digits.split_at(end);
    if !(suffix.is_empty() || suffix.starts_with(['-', '_', '+'])) {
        return None;
    }
    let parts: Vec<u64> = numbers
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    Some((lead, parts.try_into().ok()?, suffix))
}

/// The tag of the version before: one patch lower, else `TAG-previous`.
/// A suffix with a behaviour's word in it is dropped: what ran before is well.
fn previous(tag: &str) -> String {
    let lower = |[major, minor, patch]: [u64; 3]| match (major, minor, patch) {
        (0, 0, 0) => None,
        (_, _, 1..) => Some([major, minor, patch - 1]),
        (_, 1.., 0) => Some([major, minor - 1, 9]),
        (1.., 0, 0) => Some([major - 1, 9, 9]),
    };
    let well = super::behaviour::of_tag(tag).is_none();
    match version(tag).and_then(|(lead, numbers, suffix)| Some((lead, lower(numbers)?, suffix))) {
        Some((lead, [major, minor, patch], suffix)) => {
            format!(
                "{lead}{major}.{minor}.{patch}{}",
                if well { suffix } else { "" }
            )
        }
        None if well => format!("{tag}-previous"),
        None => "previous".to_owned(),
    }
}

/// Other versions that the registry has, so that there is something to move to
/// and something to suggest.
fn neighbours(tag: &str) -> Vec<String> {
    let Some((lead, [major, minor, patch], suffix)) = version(tag) else {
        return Vec::new();
    };
    let write = |[a, b, c]: [u64; 3]| format!("{lead}{a}.{b}.{c}{suffix}");
    let next = [[major, minor, patch + 1], [major, minor + 1, 0]].map(write);
    let (one, two) = (
        previous(&previous(tag)),
        previous(&previous(&previous(tag))),
    );
    next.into_iter()
        .chain([one, two])
        .filter(|tag| !tag.contains("previous"))
        .collect()
}

fn container(
    scope: &Scope,
    declared: &SeedService,
    environment: &str,
    name: &str,
    image: &str,
    first: bool,
) -> Value {
    let parameter = scope.arn(
        "ssm",
        &format!("parameter/{environment}/{}/DATABASE_URL", declared.name),
    );
    let mut container = json!({
        "name": name,
        "image": image,
        "cpu": 0,
        "essential": first,
        "environment": [
            {"name": "APP_ENV", "value": environment},
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "AWS_REGION", "value": scope.region},
        ],
        "secrets": [{"name": "DATABASE_URL", "valueFrom": parameter}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": format!("/ecs/{}", declared.service),
                "awslogs-region": scope.region,
                "awslogs-stream-prefix": name,
            },
        },
    });
    if first {
        container["portMappings"] =
            json!([{"name": "http", "containerPort": 8080, "appProtocol": "http"}]);
        container["healthCheck"] = json!({
            "command": ["CMD-SHELL", "curl -fsS http://localhost:8080/health || exit 1"],
            "interval": 10, "timeout": 5, "retries": 3, "startPeriod": 10,
        });
        container["stopTimeout"] = 30.into();
    }
    container
}

fn document(scope: &Scope, family: &str, containers: Vec<Value>) -> Map<String, Value> {
    let role = |name: &str| {
        scope
            .arn("iam", &format!("role/{name}"))
            .replace(scope.region.as_str(), "")
    };
    let document = json!({
        "family": family,
        "containerDefinitions": containers,
        "taskRoleArn": role(&format!("{family}-task")),
        "executionRoleArn": role("ecsTaskExecutionRole"),
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    });
    match document {
        Value::Object(document) => document,
        _ => Map::new(),
    }
}

fn settings(scope: &Scope) -> Map<String, Value> {
    let seed = scope.key();
    let id = |kind: &str| format!("{kind}-0{}", &ids::hex(&format!("{seed} {kind}"))[..16]);
    let settings = json!({
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
        },
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": [id("subnet"), format!("{}b", &id("subnet")[..23])],
            "securityGroups": [id("sg")],
            "assignPublicIp": "DISABLED",
        }},
        "healthCheckGracePeriodSeconds": 60,
        "propagateTags": "SERVICE",
        "enableECSManagedTags": true,
    });
    match settings {
        Value::Object(settings) => settings,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_before_is_one_patch_lower() {
        for (tag, before) in [
            ("1.4.2", "1.4.1"),
            ("1.4.0", "1.3.9"),
            ("v2.0.0", "v1.9.9"),
            ("1.4.2-alpine", "1.4.1-alpine"),
            ("1.5.0-crash", "1.4.9"),
            ("0.0.0", "0.0.0-previous"),
            ("latest", "latest-previous"),
            ("crash", "previous"),
            ("9f2c41d", "9f2c41d-previous"),
            ("1.4", "1.4-previous"),
        ] {
            assert_eq!(previous(tag), before, "{tag}");
        }
        assert_eq!(neighbours("1.4.2"), ["1.4.3", "1.5.0", "1.4.0", "1.3.9"]);
        assert!(neighbours("main").is_empty());
    }
}
