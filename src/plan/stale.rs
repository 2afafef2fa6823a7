//! Whether the world still is what a saved plan was made against, and whether
//! the plan that is made anew is the one that was saved. Every way in which it
//! is not has its name.
//!
//! What holds a plan up is only what it is about: a service that is in sync, or
//! on its way there, is nothing to refuse.

use serde_json::{Map, Value};

use super::difference::differences;
use super::saved::{Kind, Live, SavedChange, SavedPlan, SavedService};
use super::*;
use crate::environment::{Original, Suspension};
use crate::model::DeploymentId;
use crate::model::fields::Root;

/// One way in which things are not as they were when a plan was saved.
#[derive(Debug, Clone, PartialEq)]
pub enum Moved {
    Account {
        then: AccountId,
        now: AccountId,
    },
    Region {
        then: Region,
        now: Region,
    },
    /// The environment file or a definition has something else in it.
    File {
        file: String,
    },
    FileGone {
        file: String,
    },
    /// The environment file now names this definition, too.
    FileNew {
        file: String,
    },
    Commit {
        then: Commit,
        /// `None` where it is not known any more.
        now: Option<Commit>,
    },
    Service {
        service: String,
        how: Box<How>,
    },
    /// What is live could not be compared.
    Unseen {
        why: String,
    },
}

/// How a service is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub enum How {
    /// Another revision was deployed.
    Revision {
        then: RevisionArn,
        now: RevisionArn,
        /// The paths in which they differ, as far as they could be read.
        differs: Vec<String>,
    },
    /// The same revision was deployed anew.
    Deployment {
        revision: RevisionArn,
        then: DeploymentId,
        now: DeploymentId,
    },
    Blocked(Vec<Block>),
    /// The file says now that nothing may be written.
    Suspended(Suspension),
    /// What was planned was tried meanwhile, and failed.
    Failed(FailedBefore),
    /// A field that is to change has another live value.
    Live {
        field: String,
        then: Option<Value>,
        now: Option<Value>,
    },
    /// A field would become something else.
    Wanted {
        field: String,
        then: Option<Value>,
        now: Option<Value>,
    },
    /// A field would change that was not to.
    More(SavedChange),
    /// A field would not change that was to.
    Less {
        field: String,
    },
    /// Something would be done where nothing was to be.
    Unplanned {
        then: Kind,
    },
    /// Something else would be done, in what has no field: the tasks that run
    /// first or where they run, or what it does to the tasks that run.
    Otherwise,
}

/// What the environment file and git say, before anything is looked up.
pub fn moved_here(then: &SavedPlan, desired: &Desired, commit: Option<&Commit>) -> Vec<Moved> {
    let mut moved = moved_files(&then.files, |file| {
        desired
            .originals
            .iter()
            .find(|original| original.file == file)
            .cloned()
    });
    moved.extend(
        desired
            .originals
            .iter()
            .filter(|now| then.files.iter().all(|then| then.file != now.file))
            .map(|now| Moved::FileNew {
                file: now.file.clone(),
            }),
    );
    if then.account != desired.account {
        moved.push(Moved::Account {
            then: then.account.clone(),
            now: desired.account.clone(),
        });
    }
    if then.region != desired.region {
        moved.push(Moved::Region {
            then: then.region.clone(),
            now: desired.region.clone(),
        });
    }
    match &then.commit {
        Some(commit_then) if Some(commit_then) != commit => moved.push(Moved::Commit {
            then: commit_then.clone(),
            now: commit.cloned(),
        }),
        // A commit that was not known is none that could have moved.
        Some(_) | None => {}
    }
    moved
}

/// Which of these files are not what they were.
pub fn moved_files(then: &[Original], now: impl Fn(&str) -> Option<Original>) -> Vec<Moved> {
    then.iter()
        .filter_map(|then| {
            let file = then.file.clone();
            match now(&file) {
                Some(now) if now == *then => None,
                Some(_) => Some(Moved::File { file }),
                None => Some(Moved::FileGone { file }),
            }
        })
        .collect()
}

/// What a plan that is made anew says, with the same files or with others.
///
/// # Errors
/// [`Wants`]: what must be looked up to name the differences.
pub fn moved_there(
    then: &SavedPlan,
    now: &Plan,
    same_files: bool,
    observed: &Observed,
) -> Result<Vec<Moved>, Wants> {
    let services = then.services.iter().filter_map(|then| {
        let now = now.services.iter().find(|now| now.name == then.name)?;
        let how = if same_files {
            service(then, now, observed)
        } else if then.verdict != Kind::Change {
            Ok(Vec::new())
        } else {
            live(then.live.as_ref(), now, observed).map(|how| how.into_iter().collect())
        };
        Some(how.map(|how| (now.name.clone(), how)))
    });
    Ok(crate::observed::all(services)?
        .into_iter()
        .flat_map(|(service, how)| {
            how.into_iter().map(move |how| Moved::Service {
                service: service.clone(),
                how: Box::new(how),
            })
        })
        .collect())
}

/// How many of the saved changes there are that need not be made any more, and
/// how many there were.
pub fn carried_out(then: &SavedPlan, now: &Plan) -> (usize, usize) {
    let is_change = |service: &&SavedService| service.verdict == Kind::Change;
    let planned: Vec<&SavedService> = then.services.iter().filter(is_change).collect();
    let done = planned.iter().filter(|then| {
        now.services
            .iter()
            .any(|now| now.name == then.name && nothing_to_do(&now.verdict))
    });
    (done.count(), planned.len())
}

fn nothing_to_do(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::InSync { .. } | Verdict::RollingOut(_))
}

fn service(then: &SavedService, now: &ServicePlan, observed: &Observed) -> Result<Vec<How>, Wants> {
    let change = match &now.verdict {
        Verdict::InSync { .. } | Verdict::RollingOut(_) => return Ok(Vec::new()),
        Verdict::Blocked(_) if then.verdict == Kind::Blocked => return Ok(Vec::new()),
        Verdict::FailedBefore(_) if then.verdict == Kind::FailedBefore => return Ok(Vec::new()),
        Verdict::Suspended(_) if then.verdict == Kind::Suspended => return Ok(Vec::new()),
        Verdict::Blocked(blocks) => return Ok(vec![How::Blocked(blocks.clone())]),
        Verdict::Suspended(suspended) => return Ok(vec![How::Suspended(suspended.why.clone())]),
        Verdict::FailedBefore(failed) => return Ok(vec![How::Failed(failed.clone())]),
        Verdict::Change(change) => change,
    };
    let mut how: Vec<How> = live(then.live.as_ref(), now, observed)?
        .into_iter()
        .collect();
    let same_basis = then
        .live
        .as_ref()
        .is_some_and(|live| live.revision == change.basis.revision);
    if then.verdict == Kind::Change {
        how.extend(fields(&then.changes, &now.saved().changes, same_basis));
    } else {
        if then.verdict != Kind::Suspended {
            how.extend(now.saved().changes.into_iter().map(How::More));
        }
        if how.is_empty() {
            how.push(How::Unplanned { then: then.verdict });
        }
    }
    if how.is_empty() && then.hash != now.hash() {
        how.push(How::Otherwise);
    }
    Ok(how)
}

/// Whether another deployment is PRIMARY, and what came with it.
fn live(then: Option<&Live>, now: &ServicePlan, observed: &Observed) -> Result<Option<How>, Wants> {
    let (Some(then), Some(now)) = (then, &now.live) else {
        return Ok(None);
    };
    if then.revision != now.revision {
        return Ok(Some(How::Revision {
            then: then.revision.clone(),
            now: now.revision.clone(),
            differs: between(&then.revision, &now.revision, observed)?,
        }));
    }
    Ok(
        (then.deployment != now.deployment).then(|| How::Deployment {
            revision: then.revision.clone(),
            then: then.deployment.clone(),
            now: now.deployment.clone(),
        }),
    )
}

/// Where two revisions differ; no values, which may be secrets. Nothing where
/// one of them cannot be read any more.
fn between(
    then: &RevisionArn,
    now: &RevisionArn,
    observed: &Observed,
) -> Result<Vec<String>, Wants> {
    let documents = crate::observed::all([then, now].map(|arn| observed.document(arn)))?;
    let requests: Vec<Map<String, Value>> = documents
        .into_iter()
        .filter_map(|seen| match seen {
            Seen::Found(document) => Some(document.register_request(&[])),
            Seen::Missing | Seen::Unreadable(_) => None,
        })
        .collect();
    Ok(match requests.as_slice() {
        [then, now] => differences(Root::Task, then, now)
            .into_iter()
            .map(|change| change.path.to_string())
            .collect(),
        _ => Vec::new(),
    })
}

/// The same fields from and to the same values? On another revision it is no
/// news that fields differ from it otherwise, only that they would become
/// something else.
fn fields(then: &[SavedChange], now: &[SavedChange], same_basis: bool) -> Vec<How> {
    let mut how = Vec::new();
    for then in then {
        let Some(now) = now.iter().find(|now| now.field == then.field) else {
            if same_basis {
                let field = then.field.clone();
                how.push(How::Less { field });
            }
            continue;
        };
        if then.to != now.to {
            how.push(How::Wanted {
                field: then.field.clone(),
                then: then.to.clone(),
                now: now.to.clone(),
            });
        }
        if same_basis && then.from != now.from {
            how.push(How::Live {
                field: then.field.clone(),
                then: then.from.clone(),
                now: now.from.clone(),
            });
        }
    }
    if same_basis {
        let more = now
            .iter()
            .filter(|now| then.iter().all(|then| then.field != now.field));
        how.extend(more.cloned().map(How::More));
    }
    how
}

#[cfg(test)]
mod tests;
