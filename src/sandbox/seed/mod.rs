//! A believable environment to begin with: every declared service is there and
//! healthy, on the version before the one that is declared.

mod document;
mod version;

use serde_json::{Map, Value, json};

use super::clock::Millis;
use super::ecs::{normalised, store_revision, with_defaults};
use super::rollout::{self, Wanted};
use super::state::{Cluster, Rollout, Scope, Service, State};
use super::{ecr, ids};
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
    let family = declared.service.as_str();
    let known = state
        .place_mut(scope)
        .families
        .entry(family.to_owned())
        .or_default();
    if known.last == 0 {
        // A two-digit number that is the service's own; the revisions before
        // it are long gone.
        known.last = 10 + ids::number(&format!("{} {family}", declared.cluster)) % 87;
    }
    let tags = vec![
        json!({"key": "team", "value": "platform"}),
        json!({"key": "service", "value": declared.name}),
    ];
    let service = Service::new(scope.clone(), declared.cluster.as_str(), family, now);
    let mut service = Service {
        settings: with_defaults(document::settings(scope)),
        tags: tags.clone(),
        desired,
        created_at: now - 93 * DAY,
        ..service
    };
    // Where tags count versions, the one before the live one was there too.
    let counted = declared
        .images
        .iter()
        .any(|(_, image)| image.tag().is_some_and(version::is_version));
    for steps in (1..=if counted { 2 } else { 1 }).rev() {
        let since = now - 3 * steps * DAY;
        let mut containers = Vec::new();
        for (place, (name, image)) in declared.images.iter().enumerate() {
            let live = plant_image(state, image, steps, now);
            let name = name.as_deref().unwrap_or("app");
            containers.push(document::container(
                scope,
                declared,
                environment,
                name,
                &live,
                place == 0,
            ));
        }
        if containers.is_empty() {
            let public = "public.ecr.aws/nginx/nginx:1.27.0";
            containers.push(document::container(
                scope,
                declared,
                environment,
                "app",
                public,
                true,
            ));
        }
        let document = document::document(scope, family, containers);
        // What ECS would refuse (eleven containers) stays as it is: whoever
        // reads the declaration is to speak of it.
        let document = normalised(&document).map_or(document, |normal| normal.document);
        let revision = store_revision(state, scope, &document, tags.clone(), since - 60_000);
        let arn = revision
            .document
            .get("taskDefinitionArn")
            .and_then(Value::as_str);
        let task_definition = arn.unwrap_or_default().to_owned();
        let containers = ecr::deployed(state, &revision.document, since);
        settle(
            &mut service,
            Wanted {
                task_definition,
                containers,
            },
            since,
        );
    }
    service
}

/// A deployment that completed without ado, its tasks the only ones.
fn settle(service: &mut Service, wanted: Wanted, since: Millis) {
    rollout::begin(service, wanted, since);
    service.deployments.truncate(1);
    service.tasks.clear();
    for _ in 0..service.desired {
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
    if let Some(record) = service.history.first_mut() {
        record.status = "SUCCESSFUL".to_owned();
        record.finished_at = Some(since + 60_000);
        record.breaker.status = "MONITORING_COMPLETE".to_owned();
    }
    service.event(since, "has reached a steady state.");
}

/// Puts the declared image, the one before it and some neighbours into the
/// registry; returns the one so many versions before.
fn plant_image(state: &mut State, declared: &ImageReference, steps: i64, now: Millis) -> String {
    let tag = declared.tag().unwrap_or(if declared.digest().is_some() {
        "declared"
    } else {
        "latest"
    });
    let steps = if version::is_version(tag) { steps } else { 1 };
    let before = (0..steps).fold(tag.to_owned(), |tag, _| version::previous(&tag));
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
            let image = format!("{}:{tag}", declared.base());
            ecr::insert(repository, &image, Some(tag), demanded, now - age)
        }
    };
    for (number, neighbour) in version::neighbours(tag).iter().enumerate() {
        // The first two are newer than the declared one, the others older.
        let age = if number < 2 { DAY / 4 } else { 12 * DAY };
        put(neighbour, None, age);
    }
    match declared.digest() {
        Some(digest) => put(tag, Some(digest.as_str()), DAY),
        None => put(tag, None, DAY),
    };
    let digest = put(&before, None, 4 * DAY);
    format!("{}:{before}@{digest}", declared.base())
}
