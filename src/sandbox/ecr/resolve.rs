//! From an image's reference to what the registry has under it.

use serde_json::{Map, Value};

use super::super::clock::Millis;
use super::super::state::{Behaviour, DeployedContainer, Log, Scope, Secret, State};
use super::super::store::Error;
use super::super::{behaviour, manifest};
use super::images::{insert, tagged, tags_of};
use super::repositories::ensure;
use crate::model::{Digest, EcrRepository, ImageReference};

fn scope_of(ecr: &EcrRepository) -> Scope {
    Scope {
        account: ecr.account.clone(),
        region: ecr.region.clone(),
    }
}

/// A new image under the reference's tag; see [`super::super::Sandbox::push_image`].
pub(in super::super) fn push(
    state: &mut State,
    image: &ImageReference,
    now: Millis,
) -> Result<Digest, Error> {
    let Some(ecr) = image.ecr() else {
        return Err(Error::NotEcr {
            image: image.to_string(),
        });
    };
    let seed = format!("{image} push {}", state.next());
    let tag = image.tag().or(image.digest().is_none().then_some("latest"));
    let repository = ensure(state, &scope_of(ecr), &ecr.name, now);
    let demanded = image.digest().map(Digest::as_str);
    let digest = insert(repository, &seed, tag, demanded, now);
    Ok(digest
        .parse()
        .expect("a digest made here has the right form"))
}

/// The containers of a document as a deployment that begins now has them: a
/// tag is resolved once, and stays what it was then.
pub(in super::super) fn deployed(
    state: &mut State,
    document: &Map<String, Value>,
    now: Millis,
) -> Vec<DeployedContainer> {
    let containers = document
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let containers = containers
        .into_iter()
        .flatten()
        .filter_map(Value::as_object);
    let role = document.get("executionRoleArn").and_then(Value::as_str);
    containers
        .map(|container| one(state, container, role.unwrap_or_default(), now))
        .collect()
}

fn one(
    state: &mut State,
    container: &Map<String, Value>,
    role: &str,
    now: Millis,
) -> DeployedContainer {
    let text = |key: &str| {
        container
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (name, image) = (text("name"), text("image"));
    let essential = container
        .get("essential")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let (digest, behaviour) = match image.parse::<ImageReference>() {
        Ok(reference) => resolved(state, &reference, now),
        Err(_) => (None, Behaviour::Unpullable),
    };
    let secret = container
        .get("secrets")
        .and_then(|secrets| secrets.get(0)?.get("valueFrom")?.as_str())
        .map(|from| Secret {
            from: from.to_owned(),
            role: role.to_owned(),
        });
    DeployedContainer {
        name,
        image,
        digest,
        essential,
        behaviour,
        secret,
        log: log(container),
    }
}

/// Where a container logs to, with the `awslogs` driver.
fn log(container: &Map<String, Value>) -> Option<Log> {
    let configuration = container.get("logConfiguration")?;
    if configuration.get("logDriver")? != "awslogs" {
        return None;
    }
    let option = |key: &str| {
        let value = configuration.get("options")?.get(key)?.as_str()?;
        Some(value.to_owned())
    };
    Some(Log {
        group: option("awslogs-group")?,
        region: option("awslogs-region"),
        prefix: option("awslogs-stream-prefix"),
    })
}

/// What the reference stands for, and how its tasks fare. What the sandbox's
/// ECR does not have cannot be pulled; images elsewhere can.
fn resolved(state: &mut State, image: &ImageReference, now: Millis) -> (Option<String>, Behaviour) {
    let told = image.tag().and_then(behaviour::of_tag);
    let Some(ecr) = image.ecr() else {
        let digest = image.digest().map(ToString::to_string);
        let digest = digest.unwrap_or_else(|| manifest::digest(image.as_str()));
        return (Some(digest), told.unwrap_or(Behaviour::Healthy));
    };
    let place = state.places.get_mut(&scope_of(ecr).key());
    let repository = place.and_then(|place| place.repositories.get_mut(&ecr.name));
    let Some(repository) = repository else {
        return (None, Behaviour::Unpullable);
    };
    let tagged = tagged(repository, image.tag_or_latest(), now);
    let digest = match image.digest() {
        Some(digest) => repository
            .images
            .contains_key(digest.as_str())
            .then(|| digest.to_string()),
        None => tagged,
    };
    let Some(digest) = digest else {
        return (None, Behaviour::Unpullable);
    };
    // Without a tag in the reference, the image's own tags tell.
    let own = || {
        tags_of(repository, &digest)
            .into_iter()
            .find_map(behaviour::of_tag)
    };
    let behaviour = told.or_else(|| image.tag().is_none().then(own).flatten());
    (Some(digest), behaviour.unwrap_or(Behaviour::Healthy))
}
