//! Why nothing can be done, in words.

use super::words::{defuse, list, time};
use crate::environment::{Location, Suspension};
use crate::plan::Block;

/// A block, said: for text and JSON alike.
pub(super) struct Said {
    /// One word for it, for programs.
    pub name: &'static str,
    pub says: String,
    /// Where in the file.
    pub at: Option<String>,
    /// What there is instead.
    pub has: Option<String>,
    pub hint: Option<String>,
}

/// A block as an error and what to do about it.
pub fn block_error(block: &Block) -> (String, Option<String>) {
    let said = said(block);
    (said.says, said.hint.or(said.has))
}

/// Why a change is held.
pub(super) fn held(why: &Suspension) -> Said {
    Said {
        name: "suspended",
        says: format!("suspended{}: {}", until(why.until), defuse(&why.reason)),
        at: Some(why.at.to_string()),
        has: None,
        hint: Some("take `suspend` out of the file to let it go on".into()),
    }
}

/// ` until 2026-12-01 00:00 UTC`; nothing where no end is set.
pub(super) fn until(at: Option<i64>) -> String {
    at.map_or_else(String::new, |at| format!(" until {}", time(at)))
}

/// Where in the environment file that is, if it is there.
pub fn block_at(block: &Block) -> Option<&Location> {
    match block {
        Block::ServiceMissing { at, .. }
        | Block::ContainerMissing { at, .. }
        | Block::ContainerIncomplete { at, .. }
        | Block::Unfit { at, .. }
        | Block::Refused { at, .. }
        | Block::ContainerNotNamed { at, .. }
        | Block::ImageMissing { at, .. }
        | Block::PlatformMissing { at, .. } => Some(at),
        Block::ServiceNotActive { .. }
        | Block::Controller { .. }
        | Block::NoDeployment
        | Block::Older { .. }
        | Block::Unreadable { .. } => None,
    }
}

pub(super) fn said(block: &Block) -> Said {
    let plain = |name, says: String| Said {
        name,
        says,
        at: None,
        has: None,
        hint: None,
    };
    let names = |names: &[String]| Some(list(names, 12));
    match block {
        Block::ServiceMissing {
            at,
            there_are,
            near,
        } => Said {
            at: Some(at.to_string()),
            has: there_are
                .as_ref()
                .ok()
                .and_then(|there_are| names(there_are)),
            hint: match there_are {
                Ok(_) => near.as_ref().map(|near| format!("did you mean {near:?}?")),
                Err(why) => Some(format!(
                    "the services there are could not be listed: {}",
                    defuse(&why.why)
                )),
            },
            ..plain(
                "service-missing",
                "the cluster has no service of this name".into(),
            )
        },
        Block::ServiceNotActive { status } => Said {
            hint: Some("create it again, or take it out of the file".into()),
            ..plain(
                "service-not-active",
                format!("the service is {}, not ACTIVE", defuse(status)),
            )
        },
        Block::Controller { controller } => Said {
            hint: Some(
                "UpdateService cannot change the revision of such a service. Deploy it with the \
                 tool that owns it, or move it to the ECS controller, which has blue/green \
                 deployments of its own"
                    .into(),
            ),
            ..plain(
                "unsupported-controller",
                format!(
                    "the service's deployment controller is {}",
                    defuse(controller)
                ),
            )
        },
        Block::NoDeployment => plain(
            "no-deployment",
            "ECS tells no PRIMARY deployment of this service, so there is nothing to compare"
                .into(),
        ),
        Block::ContainerMissing {
            at,
            container,
            revision,
            there_are,
            near,
        } => Said {
            at: Some(at.to_string()),
            has: names(there_are),
            hint: near
                .as_ref()
                .map(|near| format!("did you mean {:?}?", defuse(near))),
            ..plain(
                "container-missing",
                format!(
                    "revision {} has no container {container:?}",
                    revision.revision()
                ),
            )
        },
        Block::ContainerIncomplete {
            at,
            container,
            lacks,
            near,
        } => {
            let lacks: Vec<String> = lacks.iter().map(|name| format!("`{name}`")).collect();
            let add = format!("to add it, declare {} as well", lacks.join(" and "));
            Said {
                at: Some(at.to_string()),
                hint: Some(match near {
                    Some(near) => format!("did you mean {:?}? {add}", defuse(near)),
                    None => add,
                }),
                ..plain(
                    "container-incomplete",
                    format!(
                        "there is no container {container:?}, and not enough is declared to add it"
                    ),
                )
            }
        }
        Block::Unfit { at, why } => Said {
            at: Some(at.to_string()),
            ..plain("unfit", defuse(why))
        },
        Block::Refused { at, violation } => Said {
            at: Some(at.to_string()),
            hint: violation.hint.as_deref().map(defuse),
            ..plain(
                "refused",
                format!(
                    "ECS would refuse {}: {}",
                    defuse(&violation.path.to_string()),
                    defuse(&violation.says)
                ),
            )
        },
        Block::ContainerNotNamed {
            at,
            service,
            there_are,
        } => Said {
            at: Some(at.to_string()),
            has: names(there_are),
            hint: Some(format!(
                "name the container: [services.{service}.containers.{}]",
                there_are
                    .first()
                    .map_or_else(|| "NAME".into(), |name| defuse(name))
            )),
            ..plain(
                "container-not-named",
                "this image could be for any of several containers".into(),
            )
        },
        Block::ImageMissing {
            at,
            image,
            repository,
            near,
        } => {
            let what = match image.digest() {
                Some(digest) => format!("image {}", digest.short()),
                None => format!("tag {}", image.tag_or_latest()),
            };
            Said {
                at: Some(at.to_string()),
                hint: match near {
                    Ok(near) if near.is_empty() => None,
                    Ok(near) => Some(format!("the nearest tags there are: {}", list(near, 3))),
                    Err(why) => Some(format!(
                        "its tags could not be listed: {}",
                        defuse(&why.why)
                    )),
                },
                ..plain("image-missing", format!("{repository} has no {what}"))
            }
        }
        Block::PlatformMissing {
            at,
            image,
            wanted,
            there_are,
        } => {
            let built: Vec<String> = there_are.iter().map(ToString::to_string).collect();
            Said {
                at: Some(at.to_string()),
                has: names(&built),
                hint: Some(format!(
                    "build the image for {wanted}, or change runtimePlatform of the task definition"
                )),
                ..plain(
                    "platform-missing",
                    format!(
                        "the image {} is not built for {wanted}",
                        image.tag_or_latest()
                    ),
                )
            }
        }
        Block::Older { live, ours } => Said {
            hint: Some("deploy from the newer commit, or use --allow-older".into()),
            ..plain(
                "older-commit",
                format!(
                    "what runs was deployed from a newer commit ({}); this is {}",
                    live.short(),
                    ours.short()
                ),
            )
        },
        Block::Unreadable { what, why } => Said {
            hint: why.hint.clone(),
            ..plain(
                "unreadable",
                format!("{} could not be read: {}", defuse(what), defuse(&why.why)),
            )
        },
    }
}
