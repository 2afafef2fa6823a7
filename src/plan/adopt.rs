//! A live service, as a new environment file is to declare it.
//!
//! What a plan would call a difference is not declared: an image is pinned to
//! the digest that runs only where that is known, and where ECR still has it.

use std::collections::BTreeMap;

use super::*;
use crate::environment::{Live, Own};
use crate::model::fields::SERVICE;
use crate::model::without_provenance;
use crate::observed::{ImageId, all};

/// A service, and what could not be seen of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    pub live: Live,
    pub account: AccountId,
    pub region: Region,
    pub revision: RevisionArn,
    /// What is left out because it could not be read: its name and why.
    pub unread: Vec<(String, Unreadable)>,
    /// A rollout is going on; what it brings is declared.
    pub rolling_out: bool,
}

/// Why a service cannot be declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAdopted {
    Missing {
        /// The services of the cluster, or why they could not be listed.
        there_are: Result<Vec<String>, Unreadable>,
        near: Option<String>,
    },
    /// What a plan would be blocked by as well.
    Blocked(Box<Block>),
}

/// What a file is to say of a service that is live.
///
/// # Errors
/// [`Wants`]: what must be looked up. The inner error says why it cannot be.
pub fn adopt(
    key: &ServiceKey,
    own: Own,
    observed: &Observed,
) -> Result<Result<Adopted, NotAdopted>, Wants> {
    let blocked = |block| Ok(Err(NotAdopted::Blocked(Box::new(block))));
    let service = match observed.service(key)? {
        Seen::Found(service) => service,
        Seen::Missing => return missing(key, observed).map(Err),
        Seen::Unreadable(why) => {
            return blocked(Block::Unreadable {
                what: format!("service {key}"),
                why: why.clone(),
            });
        }
    };
    if service.status != "ACTIVE" {
        return blocked(Block::ServiceNotActive {
            status: service.status.clone(),
        });
    }
    if service.controller() != "ECS" {
        return blocked(Block::Controller {
            controller: service.controller().to_owned(),
        });
    }
    let Some(primary) = service.primary() else {
        return blocked(Block::NoDeployment);
    };
    let arn = &primary.task_definition;
    let revision = match readable(arn, observed.revision(arn)?) {
        Ok(revision) => revision,
        Err(block) => return blocked(*block),
    };
    let mut unread = Vec::new();
    let pinned = pinned_images(service, primary, &revision.document, observed)?;
    let settings = if own == Own::All {
        settings(service, primary, observed, &mut unread)?
    } else {
        Map::new()
    };
    Ok(Ok(Adopted {
        live: Live {
            service: key.service.clone(),
            document: revision.document.clone(),
            tags: somebodys(without_provenance(&revision.tags)),
            pinned,
            settings,
            desired_count: (own == Own::All).then_some(service.desired_count),
        },
        account: service.service_arn.account().clone(),
        region: service.service_arn.region().clone(),
        revision: arn.clone(),
        unread,
        rolling_out: !primary.is_complete(service.deployments.len() == 1),
    }))
}

fn missing(key: &ServiceKey, observed: &Observed) -> Result<NotAdopted, Wants> {
    let there_are = match observed.service_names(&key.cluster)? {
        Seen::Found(names) => Ok(names.clone()),
        Seen::Missing => Ok(Vec::new()),
        Seen::Unreadable(why) => Err(why.clone()),
    };
    let names = there_are.iter().flatten().map(String::as_str);
    Ok(NotAdopted::Missing {
        near: nearest(key.service.as_str(), names, 1).pop(),
        there_are,
    })
}

/// Tags that people may set: those of AWS itself begin with `aws:` (API
/// reference, Tag).
fn somebodys(mut tags: Vec<Value>) -> Vec<Value> {
    tags.retain(|tag| {
        let key = tag.get("key").and_then(Value::as_str);
        key.is_some_and(|key| !key.to_ascii_lowercase().starts_with("aws:"))
    });
    tags
}

/// Every field that UpdateService takes, but the number of tasks, which is
/// autoscaling's, and the tags, which it does not take.
fn settings(
    service: &Service,
    primary: &Deployment,
    observed: &Observed,
    unread: &mut Vec<(String, Unreadable)>,
) -> Result<Map<String, Value>, Wants> {
    let fields = SERVICE.fields.iter().map(|field| field.name);
    let fields = fields.filter(|name| !["desiredCount", "tags"].contains(name));
    let found = all(fields
        .map(|name| service::value(name, service, primary, observed).map(|value| (name, value))))?;
    let mut settings = Map::new();
    for (name, value) in found {
        match value {
            Ok(value) => settings.extend(value.map(|value| (name.to_owned(), value))),
            Err(why) => unread.push((name.to_owned(), why)),
        }
    }
    Ok(settings)
}

/// The images of ECR that are written without a digest, with the one that runs.
fn pinned_images(
    service: &Service,
    primary: &Deployment,
    document: &TaskDefinition,
    observed: &Observed,
) -> Result<BTreeMap<String, ImageReference>, Wants> {
    let found = all(document.container_names().into_iter().map(|container| {
        let image = document.image(container).and_then(|text| text.parse().ok());
        let pinned = match image {
            Some(image) => pin(&image, container, service, primary, observed)?,
            None => None,
        };
        Ok::<_, Wants>(pinned.map(|image| (container.to_owned(), image)))
    }))?;
    Ok(found.into_iter().flatten().collect())
}

fn pin(
    image: &ImageReference,
    container: &str,
    service: &Service,
    primary: &Deployment,
    observed: &Observed,
) -> Result<Option<ImageReference>, Wants> {
    let Some(repository) = image.ecr().filter(|_| image.digest().is_none()) else {
        return Ok(None);
    };
    let tag = ImageId::Tag(image.tag_or_latest().to_owned());
    let running = images::running_digest(service, primary, observed, container)?;
    let Some(running) = running else {
        return Ok(None);
    };
    Ok(match observed.image(repository, &tag)? {
        // ECS may tell the digest of the platform's image; the index that has
        // it is what a plan would pin to.
        Seen::Found(found) if found.is(&running) => Some(image.pinned(&found.digest)),
        _ => match observed.image(repository, &ImageId::Digest(running.clone()))? {
            Seen::Found(_) => Some(image.pinned(&running)),
            Seen::Missing | Seen::Unreadable(_) => None,
        },
    })
}

#[cfg(test)]
mod tests;
