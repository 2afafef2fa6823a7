//! Why a service cannot be promoted now, in words.

use super::status::{problem_error, problem_name};
use super::words::{defuse, duration, list, tasks};
use crate::promote::NotReady;

/// A reason, said: for text, Markdown and JSON alike.
pub(super) struct Said {
    /// One word for it, for programs.
    pub name: &'static str,
    /// Follows "not ready: ".
    pub says: String,
    /// Where in the target's file.
    pub at: Option<String>,
    pub hint: Option<String>,
}

/// Why it is not ready, and what to do about it.
pub fn not_ready_error(why: &NotReady) -> (String, Option<String>) {
    let said = said(why);
    (said.says, said.hint)
}

pub(super) fn said(why: &NotReady) -> Said {
    let plain = |name, says: String| Said {
        name,
        says,
        at: None,
        hint: None,
    };
    match why {
        NotReady::RollingOut { running, desired } => plain(
            "rolling-out",
            format!("it is rolling out, {}", tasks(*running, *desired)),
        ),
        NotReady::GoingBack => plain(
            "going-back",
            "its rollout failed, and ECS goes back to what ran before".into(),
        ),
        NotReady::Failed { reason } => plain(
            "failed",
            match reason {
                Some(reason) => format!("its rollout failed: {}", defuse(reason)),
                None => "its rollout failed".into(),
            },
        ),
        NotReady::TasksMissing { desired: 0, .. } => {
            plain("tasks-missing", "it is to run in no task".into())
        }
        NotReady::TasksMissing { running, desired } => plain(
            "tasks-missing",
            format!("only {} run", tasks(*running, *desired)),
        ),
        NotReady::Soaking { so_far, left } => plain(
            "soaking",
            format!(
                "it has run for {}, {} are left to soak",
                duration(*so_far),
                duration(*left)
            ),
        ),
        NotReady::Problem(problem) => {
            let (says, hint) = problem_error(problem);
            Said {
                hint,
                ..plain(problem_name(problem).0, says)
            }
        }
        NotReady::Unreadable { what, why } => Said {
            hint: why.hint.clone(),
            ..plain(
                "unreadable",
                format!("{} could not be read: {}", defuse(what), defuse(&why.why)),
            )
        },
        NotReady::ContainerMissing {
            container,
            there_are,
        } => plain(
            "container-missing",
            match container {
                Some(container) => format!(
                    "what runs has no container {:?}; it has {}",
                    container,
                    list(there_are, 12)
                ),
                None => format!(
                    "what runs has several containers, and the files name none: {}",
                    list(there_are, 12)
                ),
            },
        ),
        NotReady::DigestUnknown { container, image } => Said {
            hint: Some(
                "deploy it with a digest, as `evenkeel apply` does for images in ECR".into(),
            ),
            ..plain(
                "digest-unknown",
                format!(
                    "{} runs {} without a digest, and ECS does not tell which image that is",
                    defuse(container),
                    defuse(image)
                ),
            )
        },
        NotReady::CopyMissing(copy) => Said {
            at: Some(copy.at.to_string()),
            hint: Some(format!(
                "copy it there with its digest: crane copy {} {}",
                copy.from, copy.to
            )),
            ..plain(
                "copy-missing",
                format!(
                    "{} has no image {}, which is what runs",
                    copy.repository,
                    copy.digest.short()
                ),
            )
        },
        NotReady::CopyUnknown {
            repository,
            other,
            at,
        } => Said {
            at: Some(at.to_string()),
            hint: Some(format!(
                "declare it from {other}, or write it with `evenkeel set`"
            )),
            ..plain(
                "copy-unknown",
                format!(
                    "{repository} is another repository than {other}, and outside ECR: whether \
                     it has the image cannot be asked"
                ),
            )
        },
    }
}
