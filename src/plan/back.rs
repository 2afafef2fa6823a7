//! What a service goes back to: the images of an earlier revision, for the
//! file to declare.
//!
//! Without a revision that is asked for, it is what was healthy before the
//! declared images were so for the first time. So going back twice goes back
//! two steps, and never forth again.

use super::*;
use crate::environment::Image as DeclaredImage;
use crate::model::Invalid;
use crate::observed::{RunningImage, ServiceDeployment, all};

/// A revision that somebody names: `41`, or `family:41`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    family: Option<String>,
    revision: u64,
}

impl std::str::FromStr for Named {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (family, number) = match text.rsplit_once(':') {
            Some((family, number)) => (Some(family), number),
            None => (None, text),
        };
        let revision = number.parse().ok().filter(|number| *number > 0);
        match (family, revision) {
            (None, Some(revision)) => Ok(Self {
                family: None,
                revision,
            }),
            (Some(family), Some(revision))
                if !family.is_empty() && !family.contains([':', '/']) =>
            {
                Ok(Self {
                    family: Some(family.to_owned()),
                    revision,
                })
            }
            _ => Err(Invalid(
                "a revision is a number, such as 41, or FAMILY:41".to_owned(),
            )),
        }
    }
}

/// Where to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    pub revision: RevisionArn,
    /// For each declared container, as the file names it, the revision's image:
    /// with the digest that ran, where it is known.
    pub images: Vec<(Option<String>, ImageReference)>,
    /// The last rollout of this revision failed.
    pub failed: bool,
}

/// Why there is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoWay {
    #[error("the cluster has no service of this name")]
    ServiceMissing,
    #[error("{what} could not be read: {}", why.why)]
    Unreadable { what: String, why: Unreadable },
    #[error("ECS tells no PRIMARY deployment of it")]
    NoDeployment,
    #[error("ECS has no record of its deployments, so what was healthy is not known")]
    NoHistory,
    #[error("among its last {looked_at} deployments none was healthy before what is declared")]
    NothingBefore { looked_at: usize },
    #[error("revision {revision} has no container {container:?}")]
    ContainerMissing { revision: u64, container: String },
    #[error("revision {revision} has several containers, and the file names none")]
    ContainerNotNamed { revision: u64 },
    #[error("revision {revision} has {image:?}, which is no image")]
    NotAnImage { revision: u64, image: String },
}

impl NoWay {
    /// What to do about it.
    pub fn hint(&self, environment: &str, service: &str) -> Option<String> {
        let look = || {
            Some(format!(
                "`evenkeel history {environment} {service}` shows what there is; name a revision with --to"
            ))
        };
        match self {
            Self::Unreadable { why, .. } => why.hint.clone().or_else(look),
            Self::NoHistory | Self::NothingBefore { .. } => look(),
            Self::ContainerMissing { .. } | Self::ContainerNotNamed { .. } => {
                Some("name a revision with the containers of the file with --to".to_owned())
            }
            Self::ServiceMissing | Self::NoDeployment | Self::NotAnImage { .. } => None,
        }
    }
}

/// Finds what to go back to: the revision that is named, else what was healthy
/// before.
///
/// # Errors
/// [`Wants`]: what must be looked up first. The inner error says why there is
/// nothing.
pub fn back(
    declared: &DesiredService,
    named: Option<&Named>,
    observed: &Observed,
) -> Result<Result<Back, NoWay>, Wants> {
    let key = key_of(declared);
    // Asked for together, so that one round answers both.
    all([
        observed.service(&key).map(drop),
        observed.history(&key).map(drop),
    ])?;
    let service = match observed.service(&key)? {
        Seen::Found(service) => service,
        Seen::Missing => return Ok(Err(NoWay::ServiceMissing)),
        Seen::Unreadable(why) => return Ok(Err(unreadable("the service", why))),
    };
    let deployments = match (observed.history(&key)?, named) {
        (Seen::Found(deployments), _) => deployments.as_slice(),
        // It could only add a digest.
        (Seen::Missing | Seen::Unreadable(_), Some(_)) => &[],
        (Seen::Missing, None) => return Ok(Err(NoWay::NoHistory)),
        (Seen::Unreadable(why), None) => {
            return Ok(Err(unreadable("the service's deployments", why)));
        }
    };
    match named {
        None => healthy_before(declared, deployments, observed),
        Some(named) => {
            let Some(primary) = service.primary() else {
                return Ok(Err(NoWay::NoDeployment));
            };
            let live = &primary.task_definition;
            let family = named.family.as_deref().unwrap_or(live.family());
            let revision = live.sibling(family, named.revision);
            let last = deployments
                .iter()
                .find(|deployment| deployment.revision.as_ref() == Some(&revision));
            let running = last.map_or(&[][..], |last| &last.images);
            let images = images_of(declared, &revision, running, observed)?;
            Ok(images.map(|images| Back {
                images: for_the_file(declared, images),
                failed: last.is_some_and(ServiceDeployment::failed),
                revision,
            }))
        }
    }
}

fn healthy_before(
    declared: &DesiredService,
    deployments: &[ServiceDeployment],
    observed: &Observed,
) -> Result<Result<Back, NoWay>, Wants> {
    if deployments.is_empty() {
        return Ok(Err(NoWay::NoHistory));
    }
    let brought = all(deployments
        .iter()
        .map(|deployment| match &deployment.revision {
            Some(revision) => images_of(declared, revision, &deployment.images, observed),
            None => Ok(Err(NoWay::Unreadable {
                what: "which revision a deployment brought".to_owned(),
                why: Unreadable {
                    why: "ECS does not tell".to_owned(),
                    hint: None,
                },
            })),
        }))?;
    let is_declared = |images: &Vec<ImageReference>| {
        let declared = declared.images.iter();
        declared
            .zip(images)
            .all(|(declared, image)| is_same(&declared.image, image))
    };
    // A tag may have moved; what is meant is what it brought last.
    let meant = brought
        .iter()
        .position(|images| images.as_ref().is_ok_and(is_declared));
    let successful = |at: &usize| deployments[*at].status == DeploymentStatus::Successful;
    let same = |at: &usize| {
        meant.is_some_and(|meant| brought[*at].is_ok() && brought[*at] == brought[meant])
    };
    let first_healthy = (0..brought.len())
        .rev()
        .find(|at| successful(at) && same(at));
    let from = first_healthy.or(meant).map_or(0, |at| at + 1);
    let found = (from..brought.len()).find(|at| successful(at) && !same(at));
    let Some(found) = found else {
        return Ok(Err(NoWay::NothingBefore {
            looked_at: deployments.len(),
        }));
    };
    Ok(match (&brought[found], &deployments[found].revision) {
        (Ok(images), Some(revision)) => Ok(Back {
            revision: revision.clone(),
            images: for_the_file(declared, images.clone()),
            failed: false,
        }),
        (Err(why), _) => Err(why.clone()),
        (Ok(_), None) => Err(NoWay::NoHistory),
    })
}

/// The images of a revision for what is declared, in the order of the file.
fn images_of(
    declared: &DesiredService,
    revision: &RevisionArn,
    running: &[RunningImage],
    observed: &Observed,
) -> Result<Result<Vec<ImageReference>, NoWay>, Wants> {
    let document = match observed.document(revision)? {
        Seen::Found(document) => document,
        Seen::Missing => {
            let why = Unreadable {
                why: "ECS does not have it".to_owned(),
                hint: None,
            };
            return Ok(Err(unreadable(&name_of(revision), &why)));
        }
        Seen::Unreadable(why) => return Ok(Err(unreadable(&name_of(revision), why))),
    };
    let images = declared.images.iter();
    Ok(images
        .map(|declared| image_of(declared, revision.revision(), document, running))
        .collect())
}

fn image_of(
    declared: &DeclaredImage,
    revision: u64,
    document: &TaskDefinition,
    running: &[RunningImage],
) -> Result<ImageReference, NoWay> {
    let container = match (&declared.container, document.container_names().as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => *only,
        (None, _) => return Err(NoWay::ContainerNotNamed { revision }),
    };
    let Some(written) = document.image(container) else {
        return Err(NoWay::ContainerMissing {
            revision,
            container: container.to_owned(),
        });
    };
    let image: ImageReference = written.parse().map_err(|_| NoWay::NotAnImage {
        revision,
        image: written.to_owned(),
    })?;
    let ran = running.iter().find(|image| image.container == container);
    Ok(match ran {
        Some(ran) if image.digest().is_none() => image.pinned(&ran.digest),
        _ => image,
    })
}

/// Whether an image that is declared may be this one: by its digest, else by
/// its tag.
fn is_same(declared: &ImageReference, image: &ImageReference) -> bool {
    declared.base() == image.base()
        && match declared.digest() {
            Some(digest) => image.digest() == Some(digest),
            None => declared.tag_or_latest() == image.tag_or_latest(),
        }
}

fn for_the_file(
    declared: &DesiredService,
    images: Vec<ImageReference>,
) -> Vec<(Option<String>, ImageReference)> {
    let containers = declared.images.iter().map(|image| image.container.clone());
    containers.zip(images).collect()
}

fn name_of(revision: &RevisionArn) -> String {
    format!("revision {}:{}", revision.family(), revision.revision())
}

fn unreadable(what: &str, why: &Unreadable) -> NoWay {
    NoWay::Unreadable {
        what: what.to_owned(),
        why: why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::observed::{Sight, Want};

    use DeploymentStatus::{RollbackSuccessful, Stopped, Successful};

    fn arn(revision: u64) -> RevisionArn {
        format!("arn:aws:ecs:us-west-1:123456789012:task-definition/web:{revision}")
            .parse()
            .unwrap()
    }

    fn digest(c: char) -> Digest {
        format!("sha256:{}", c.to_string().repeat(64))
            .parse()
            .unwrap()
    }

    fn declared(image: &str) -> DesiredService {
        let text = format!(
            "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"c\"\n\
             [services.web]\nimage = \"{image}\"\n"
        );
        crate::environment::parse("f", "prod", &text)
            .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
            .services
            .remove(0)
    }

    /// Newest first: revision, image, how it ended, what ran.
    type Deployments<'a> = &'a [(u64, &'a str, DeploymentStatus, Option<char>)];

    fn answer(want: Want, deployments: Deployments<'_>) -> Sight {
        match want {
            Want::Service(key) => {
                let service = json!({
                    "serviceArn": "arn:aws:ecs:us-west-1:123456789012:service/c/web",
                    "status": "ACTIVE",
                    "deployments": [{"id": "e/1", "status": "PRIMARY", "taskDefinition": arn(9)}],
                });
                Sight::Service(
                    key,
                    Box::new(Seen::Found(serde_json::from_value(service).unwrap())),
                )
            }
            Want::History(key) => {
                let history =
                    deployments
                        .iter()
                        .map(|(revision, _, status, ran)| ServiceDeployment {
                            arn: "a".into(),
                            status: *status,
                            reason: None,
                            revision: Some(arn(*revision)),
                            service: Map::new(),
                            images: ran
                                .map(|ran| RunningImage {
                                    container: "app".into(),
                                    digest: digest(ran),
                                })
                                .into_iter()
                                .collect(),
                            created_at: 0,
                            updated_at: None,
                            seen_at: None,
                            configuration: crate::observed::DeploymentConfiguration::default(),
                            finished_at: None,
                            stage: None,
                            traffic: None,
                            pauses: Vec::new(),
                            triggered: false,
                        });
                Sight::History(key, Seen::Found(history.collect()))
            }
            Want::Document(arn) => {
                let found = deployments.iter().find(|(n, ..)| *n == arn.revision());
                let seen = match found {
                    Some((_, "", ..)) => Seen::Unreadable(Unreadable {
                        why: "no".into(),
                        hint: None,
                    }),
                    Some((_, image, ..)) => Seen::Found(
                        serde_json::from_value(json!({
                            "containerDefinitions": [{"name": "app", "image": image}],
                        }))
                        .unwrap(),
                    ),
                    None => Seen::Missing,
                };
                Sight::Document(arn, seen)
            }
            other => panic!("nobody needs {other:?}"),
        }
    }

    fn go(image: &str, to: Option<&str>, deployments: Deployments<'_>) -> Result<Back, NoWay> {
        let mut observed = Observed::default();
        let named = to.map(|to| to.parse().unwrap());
        for _ in 0..10 {
            match back(&declared(image), named.as_ref(), &observed) {
                Ok(found) => return found,
                Err(Wants(wants)) => wants
                    .into_iter()
                    .for_each(|want| observed.record(answer(want, deployments))),
            }
        }
        panic!("it is never content");
    }

    /// Revision and image.
    fn to(image: &str, deployments: Deployments<'_>) -> (u64, String) {
        let found = go(image, None, deployments).unwrap();
        (found.revision.revision(), found.images[0].1.to_string())
    }

    #[test]
    fn to_what_was_healthy_before_the_declared_one() {
        // It runs, and is bad all the same.
        let ran = [(2, "a:2", Successful, None), (1, "a:1", Successful, None)];
        assert_eq!(to("a:2", &ran), (1, "a:1".into()));
        // It was rolled back, and only the file is left behind.
        let rolled_back = [
            (3, "a:3", RollbackSuccessful, None),
            (2, "a:2", Successful, None),
            (1, "a:1", Successful, None),
        ];
        assert_eq!(to("a:3", &rolled_back), (2, "a:2".into()));
        // It was never deployed.
        assert_eq!(to("a:9", &rolled_back), (2, "a:2".into()));
        // What did not become healthy is nothing to go back to.
        let stopped = [
            (4, "a:4", Successful, None),
            (3, "a:3", Stopped, None),
            (2, "a:2", Successful, None),
        ];
        assert_eq!(to("a:4", &stopped), (2, "a:2".into()));
    }

    #[test]
    fn twice_goes_back_two_steps() {
        let went_back = [
            (2, "a:2", Successful, None),
            (3, "a:3", Successful, None),
            (2, "a:2", Successful, None),
            (1, "a:1", Successful, None),
        ];
        assert_eq!(to("a:2", &went_back), (1, "a:1".into()));
        // Failed at first, healthy later: before it was healthy, not before it failed.
        let second_try = [
            (5, "a:3", Successful, None),
            (4, "a:2", Successful, None),
            (3, "a:3", RollbackSuccessful, None),
            (1, "a:1", Successful, None),
        ];
        assert_eq!(to("a:3", &second_try), (4, "a:2".into()));
        // Restarts and other revisions with the same image are no step.
        let restarted = [
            (3, "a:3", Successful, None),
            (3, "a:3", Successful, None),
            (2, "a:3", Successful, None),
            (1, "a:1", Successful, None),
        ];
        assert_eq!(to("a:3", &restarted), (1, "a:1".into()));
    }

    #[test]
    fn a_tag_that_moved_goes_back_to_what_ran() {
        let moved = [
            (2, "a:latest", Successful, Some('b')),
            (1, "a:latest", Successful, Some('a')),
        ];
        let pinned = format!("a:latest@{}", digest('a'));
        assert_eq!(to("a:latest", &moved), (1, pinned));
        let digest = format!("a@{}", digest('b'));
        assert_eq!(to(&digest, &moved).0, 1);
    }

    #[test]
    fn what_is_not_known_is_no_way() {
        let nothing = [(1, "a:1", Successful, None)];
        assert_eq!(
            go("a:1", None, &nothing),
            Err(NoWay::NothingBefore { looked_at: 1 })
        );
        assert_eq!(go("a:1", None, &[]), Err(NoWay::NoHistory));
        // The one that would be taken cannot be read: no other is taken instead.
        let hidden = [
            (3, "a:3", Successful, None),
            (2, "", Successful, None),
            (1, "a:1", Successful, None),
        ];
        assert!(matches!(
            go("a:3", None, &hidden),
            Err(NoWay::Unreadable { .. })
        ));
    }

    #[test]
    fn a_revision_that_is_named_is_taken() {
        let deployments = [
            (3, "a:3", RollbackSuccessful, Some('c')),
            (2, "not an image", Successful, None),
        ];
        let found = go("a:9", Some("3"), &deployments).unwrap();
        assert!(found.failed);
        assert_eq!(
            found.images,
            [(None, format!("a:3@{}", digest('c')).parse().unwrap())]
        );
        assert_eq!(go("a:9", Some("web:3"), &deployments).unwrap(), found);
        assert!(matches!(
            go("a:9", Some("2"), &deployments),
            Err(NoWay::NotAnImage { revision: 2, .. })
        ));
        let missing = go("a:9", Some("other:3"), &[]).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "revision other:3 could not be read: ECS does not have it"
        );
    }

    #[test]
    fn a_revision_is_a_number_or_a_family_and_a_number() {
        for wrong in ["", "0", "web", "web:", ":3", "web:x", "a/b:3", "-1", "1.5"] {
            assert!(wrong.parse::<Named>().is_err(), "{wrong}");
        }
    }
}
