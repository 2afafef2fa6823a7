//! Which image each declared container should run, and whether it does.

use super::*;
use crate::environment::{Image as DeclaredImage, Location};
use crate::observed::{ImageId, all};

/// What came of comparing a service's images.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub changes: Vec<ImageChange>,
    pub notes: Vec<Note>,
    pub blocks: Vec<Block>,
}

/// Asks for every tag that must be resolved, together with what else is
/// `missing` at this stage, so that one round of calls answers both.
pub(super) fn ask_for_tags(
    images: &[DeclaredImage],
    observed: &Observed,
    missing: Result<(), Wants>,
) -> Result<(), Wants> {
    let tags = images
        .iter()
        .filter(|declared| declared.image.digest().is_none())
        .filter_map(|declared| Some((declared.image.ecr()?, tag_id(&declared.image))))
        .map(|(repository, id)| observed.image(repository, &id).map(drop));
    all(std::iter::once(missing).chain(tags)).map(drop)
}

/// `wanted` has the containers that there are to be, `live` what they run.
pub(super) fn compare(
    desired: &DesiredService,
    images: &[DeclaredImage],
    primary: (&Service, &Deployment),
    [live, wanted]: [&TaskDefinition; 2],
    observed: &Observed,
) -> Result<Compared, Wants> {
    let (service, primary) = primary;
    let outcomes = all(images.iter().map(|declared| {
        let container = match container(desired, declared, primary, wanted) {
            Ok(container) => container,
            Err(block) => return Ok(Outcome::Blocked(*block)),
        };
        let running = Running {
            service,
            primary,
            observed,
            container,
        };
        compare_one(
            declared,
            live.image(container).unwrap_or_default(),
            wanted.platform(),
            &running,
        )
    }))?;
    let mut compared = Compared::default();
    for outcome in outcomes {
        match outcome {
            Outcome::Same(note) => compared.notes.extend(note),
            Outcome::Change(change) => compared.changes.push(change),
            Outcome::Blocked(block) => compared.blocks.push(block),
        }
    }
    Ok(compared)
}

enum Outcome {
    Same(Option<Note>),
    Change(ImageChange),
    Blocked(Block),
}

/// The container that a declared image is meant for.
fn container<'a>(
    desired: &DesiredService,
    declared: &DeclaredImage,
    primary: &Deployment,
    live: &'a TaskDefinition,
) -> Result<&'a str, Box<Block>> {
    let names = live.container_names();
    let there_are = || names.iter().map(ToString::to_string).collect();
    match (&declared.container, names.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Box::new(Block::ContainerNotNamed {
            service: desired.name.clone(),
            at: declared.container_at.clone(),
            there_are: there_are(),
        })),
        (Some(name), _) => names
            .iter()
            .copied()
            .find(|live| live == name)
            .ok_or_else(|| {
                Box::new(Block::ContainerMissing {
                    at: declared.container_at.clone(),
                    container: name.clone(),
                    revision: primary.task_definition.clone(),
                    near: nearest(name, names.iter().copied(), 1).pop(),
                    there_are: there_are(),
                })
            }),
    }
}

/// Compares one container's image. ECR tags become digests; an image outside
/// ECR is compared as written.
fn compare_one(
    declared: &DeclaredImage,
    live: &str,
    platform: Option<Platform>,
    running: &Running<'_>,
) -> Result<Outcome, Wants> {
    let wanted = &declared.image;
    let change = |to: ImageReference, from_digest: Option<Digest>| {
        Outcome::Change(ImageChange {
            container: running.container.to_owned(),
            from: live.to_owned(),
            from_digest,
            to,
            at: declared.image_at.clone(),
        })
    };
    let Some(repository) = wanted.ecr() else {
        return Ok(if wanted.as_str() == live {
            Outcome::Same(None)
        } else {
            change(wanted.clone(), None)
        });
    };
    let live_image: Option<ImageReference> = live.parse().ok();
    let live_here = live_image
        .as_ref()
        .filter(|live| live.base() == wanted.base());

    // What is declared, as a digest. A digest that already runs needs no look
    // at the registry.
    let pinned_and_live =
        wanted.digest().is_some() && wanted.digest() == live_here.and_then(ImageReference::digest);
    if pinned_and_live {
        return Ok(Outcome::Same(other_tag(
            wanted,
            live_here,
            running.container,
        )));
    }
    let running_digest = match live_here {
        Some(live) if live.digest().is_none() => running.digest()?,
        _ => None,
    };
    let id = wanted
        .digest()
        .map_or_else(|| tag_id(wanted), |digest| ImageId::Digest(digest.clone()));
    let found = match running.observed.image(repository, &id)? {
        Seen::Found(image) => image,
        Seen::Missing => {
            return missing(
                wanted,
                &declared.image_at,
                repository,
                &id,
                running.observed,
            )
            .map(Outcome::Blocked);
        }
        Seen::Unreadable(why) => {
            return Ok(Outcome::Blocked(Block::Unreadable {
                what: format!("image {wanted}"),
                why: why.clone(),
            }));
        }
    };
    // ECS may report the digest of the index or that of the platform's image.
    let is_found = |digest: &Digest| {
        *digest == found.digest || found.platforms.iter().any(|(_, image)| image == digest)
    };

    if let Some(live) = live_here {
        let known = live.digest().cloned().or_else(|| running_digest.clone());
        match known {
            Some(digest) if is_found(&digest) => {
                return Ok(Outcome::Same(other_tag(
                    wanted,
                    live_here,
                    running.container,
                )));
            }
            Some(_) => {}
            // Nobody can tell what runs. The same tag is taken at its word.
            None if wanted.digest().is_none() && live.tag_or_latest() == wanted.tag_or_latest() => {
                return Ok(Outcome::Same(Some(Note::DigestUnknown {
                    container: running.container.to_owned(),
                    tag: wanted.tag_or_latest().to_owned(),
                    why: running.unreadable().cloned(),
                })));
            }
            None => {}
        }
    }
    if let Some(wanted_platform) = platform
        && !found.platforms.is_empty()
        && !found
            .platforms
            .iter()
            .any(|(platform, _)| *platform == wanted_platform)
    {
        return Ok(Outcome::Blocked(Block::PlatformMissing {
            at: declared.image_at.clone(),
            image: wanted.clone(),
            wanted: wanted_platform,
            there_are: found
                .platforms
                .iter()
                .map(|(platform, _)| platform.clone())
                .collect(),
        }));
    }
    let to = if wanted.digest().is_some() {
        wanted.clone()
    } else {
        wanted.pinned(&found.digest)
    };
    Ok(change(to, running_digest))
}

/// An image of ECR, pinned to the digest that its tag has now; one that has a
/// digest is as it is, if ECR has it. `at` is where it is, or will be, declared.
///
/// # Errors
/// [`Wants`]: what must be looked up. The inner error says why it has none.
pub fn pinned(
    image: &ImageReference,
    repository: &EcrRepository,
    at: &Location,
    observed: &Observed,
) -> Result<Result<ImageReference, Block>, Wants> {
    let id = image
        .digest()
        .map_or_else(|| tag_id(image), |digest| ImageId::Digest(digest.clone()));
    Ok(match observed.image(repository, &id)? {
        Seen::Found(_) if image.digest().is_some() => Ok(image.clone()),
        Seen::Found(found) => Ok(image.pinned(&found.digest)),
        Seen::Missing => Err(missing(image, at, repository, &id, observed)?),
        Seen::Unreadable(why) => Err(Block::Unreadable {
            what: format!("image {image}"),
            why: why.clone(),
        }),
    })
}

fn tag_id(image: &ImageReference) -> ImageId {
    ImageId::Tag(image.tag_or_latest().to_owned())
}

/// The same image under another tag: no reason for a rollout, but worth a word.
fn other_tag(
    wanted: &ImageReference,
    live: Option<&ImageReference>,
    container: &str,
) -> Option<Note> {
    let (declared, live) = (wanted.tag()?, live?.tag()?);
    (declared != live).then(|| Note::OtherTag {
        container: container.to_owned(),
        declared: declared.to_owned(),
        live: live.to_owned(),
    })
}

fn missing(
    image: &ImageReference,
    at: &Location,
    repository: &EcrRepository,
    id: &ImageId,
    observed: &Observed,
) -> Result<Block, Wants> {
    let near = match (id, observed.image_tags(repository)?) {
        (_, Seen::Unreadable(why)) => Err(why.clone()),
        (_, Seen::Missing) | (ImageId::Digest(_), _) => Ok(Vec::new()),
        (ImageId::Tag(tag), Seen::Found(tags)) => {
            Ok(nearest(tag, tags.iter().map(String::as_str), 3))
        }
    };
    Ok(Block::ImageMissing {
        at: at.clone(),
        image: image.clone(),
        repository: repository.clone(),
        near,
    })
}

/// Where to find out what a container without a digest really runs.
struct Running<'a> {
    service: &'a Service,
    primary: &'a Deployment,
    observed: &'a Observed,
    container: &'a str,
}

impl Running<'_> {
    /// The digest from the newest service revision of what is PRIMARY; `None`
    /// when ECS does not tell.
    fn digest(&self) -> Result<Option<Digest>, Wants> {
        let revisions = all(self
            .service
            .current_service_revisions
            .iter()
            .map(|current| self.observed.running_images(&current.arn)))?;
        Ok(revisions
            .into_iter()
            .filter_map(|seen| match seen {
                Seen::Found(revision) => Some(revision),
                Seen::Missing | Seen::Unreadable(_) => None,
            })
            .filter(|revision| revision.task_definition == self.primary.task_definition)
            .max_by_key(|revision| revision.created_at)
            .and_then(|revision| {
                revision
                    .images
                    .iter()
                    .find(|image| image.container == self.container)
            })
            .map(|image| image.digest.clone()))
    }

    /// Why what it runs could not be read, once that was asked.
    fn unreadable(&self) -> Option<&Unreadable> {
        let current = &self.service.current_service_revisions;
        current
            .iter()
            .find_map(|current| match self.observed.running_images(&current.arn) {
                Ok(Seen::Unreadable(why)) => Some(why),
                _ => None,
            })
    }
}
