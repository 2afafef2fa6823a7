//! Drift, told apart from a pending change: did somebody change what runs, or
//! did Git move on?
//!
//! A revision is never changed once it is registered, and what evenkeel
//! registers carries the fingerprint of what was declared then. So the live
//! revision says what Git said when it was made, and an earlier one says
//! whether evenkeel deployed this service before:
//!
//! | live revision | what is declared | verdict |
//! |---|---|---|
//! | of this very declaration | differs from it | drift: its tags were copied |
//! | of another declaration | ran before, as a later revision | drift: an older one was put back |
//! | of another declaration | never ran, or as an earlier revision | pending: Git moved on, or back |
//! | not evenkeel's, an earlier one of this environment is | whatever | drift: somebody deployed past evenkeel |
//! | not evenkeel's, nor any before it | whatever | pending: never deployed from Git |
//!
//! Fields of the service itself leave no trace at ECS. They have drifted when
//! the live revision is of this very declaration, service included; after Git
//! alone has changed them, that can be told no more, and they count as pending.
//!
//! What the tags do not tell: a change in Git that is taken back, and made
//! again, looks like an older revision that somebody put back. And what somebody
//! changed before Git moved on is no drift any more: what is declared is to be
//! deployed either way.

use super::origin::{Fingerprint, fingerprint};
use super::*;
use crate::environment::OnDrift;
use crate::model::is_of_environment;
use crate::observed::Revision;

/// Why what runs is not what is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// What is declared was not deployed yet.
    Pending,
    /// Somebody changed what runs.
    Drift(Box<Drift>),
}

/// Somebody changed what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub sign: Sign,
    /// What runs.
    pub revision: RevisionArn,
    /// Who registered that, as AWS says it: an ARN.
    pub registered_by: Option<String>,
    /// When, in seconds since the epoch.
    pub registered_at: Option<i64>,
}

/// What it is told by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// The live revision says that it is what is declared, and is not.
    CopiedTags,
    /// The live revision does not come from evenkeel; this earlier one does.
    NotOurs { ours: RevisionArn },
    /// What is declared ran as this revision, and an older one took its place.
    PutBack { declared: RevisionArn },
    /// Of the task definition nothing differs, but of the service itself.
    Service,
}

/// The cause of each change in a plan, also of those that are held; by the
/// file's name for the service. A restart has none: nothing differs.
///
/// # Errors
/// [`Wants`]: what must be looked up to tell.
pub fn causes(
    plan: &Plan,
    desired: &Desired,
    observed: &Observed,
) -> Result<BTreeMap<String, Cause>, Wants> {
    let changes = plan.services.iter().filter_map(|service| {
        let change = match &service.verdict {
            Verdict::Change(change) if !change.restart => change,
            Verdict::Suspended(suspended) if !suspended.change.restart => &suspended.change,
            _ => return None,
        };
        let declared = Declared {
            environment: &desired.environment,
            service: desired
                .services
                .iter()
                .find(|one| one.name == service.name)?,
            key: &service.key,
        };
        Some((service, change, declared))
    });
    let told = crate::observed::all(changes.map(|(service, change, declared)| {
        cause(change, &declared, observed).map(|cause| (service.name.clone(), cause))
    }))?;
    Ok(told.into_iter().collect())
}

/// A service as it is declared.
struct Declared<'a> {
    environment: &'a str,
    service: &'a DesiredService,
    key: &'a ServiceKey,
}

fn cause(change: &Change, declared: &Declared<'_>, observed: &Observed) -> Result<Cause, Wants> {
    let drift = |sign| {
        let document = &change.before;
        let at = document.as_map().get("registeredAt");
        Cause::Drift(Box::new(Drift {
            sign,
            revision: change.basis.revision.clone(),
            registered_by: document.text("registeredBy").map(str::to_owned),
            registered_at: at.and_then(Value::as_f64).map(|at| at as i64),
        }))
    };
    let now = fingerprint(declared.service, &change.after);
    let live = Fingerprint::of(&change.tags);
    if !change.moves() {
        return Ok(match live {
            Some(live) if live == now => drift(Sign::Service),
            Some(_) => Cause::Pending,
            None => match earlier(&change.basis.revision, declared, observed)? {
                Some(ours) => drift(Sign::NotOurs { ours }),
                None => Cause::Pending,
            },
        });
    }
    if live.is_some_and(|live| live.document == now.document) {
        return Ok(drift(Sign::CopiedTags));
    }
    if let Target::Existing(existing) = &change.to
        && existing.revision() > change.basis.revision.revision()
        && ran(existing, declared.key, observed)?
    {
        let declared = existing.clone();
        return Ok(drift(Sign::PutBack { declared }));
    }
    if Fingerprint::of(&change.tags).is_none()
        && let Some(ours) = earlier(&change.basis.revision, declared, observed)?
    {
        return Ok(drift(Sign::NotOurs { ours }));
    }
    Ok(Cause::Pending)
}

/// Whether a rollout of this revision was completed here. What ECS does not
/// tell is taken for no.
fn ran(revision: &RevisionArn, key: &ServiceKey, observed: &Observed) -> Result<bool, Wants> {
    Ok(match observed.history(key)? {
        Seen::Found(history) => history.iter().any(|deployment| {
            deployment.revision.as_ref() == Some(revision)
                && deployment.status == DeploymentStatus::Successful
        }),
        Seen::Missing | Seen::Unreadable(_) => false,
    })
}

/// The newest revision before the live one that evenkeel registered for this
/// environment. It is looked for among the newest of the family; and where
/// drift is not to be overwritten, among those that the service ran, too:
/// whoever deploys past evenkeel may do so often.
fn earlier(
    live: &RevisionArn,
    declared: &Declared<'_>,
    observed: &Observed,
) -> Result<Option<RevisionArn>, Wants> {
    let before =
        |arn: &&RevisionArn| arn.family() == live.family() && arn.revision() < live.revision();
    let newest = match observed.newest(live.family())? {
        Seen::Found(newest) => newest.as_slice(),
        Seen::Missing | Seen::Unreadable(_) => &[],
    };
    let found = ours(newest.iter().filter(before), declared.environment, observed)?;
    if found.is_some() || declared.service.drift == OnDrift::Correct {
        return Ok(found);
    }
    let Seen::Found(history) = observed.history(declared.key)? else {
        return Ok(None);
    };
    let ran = history
        .iter()
        .filter_map(|deployment| deployment.revision.as_ref());
    ours(ran.filter(before), declared.environment, observed)
}

/// The newest of these that evenkeel registered for this environment.
fn ours<'a>(
    revisions: impl Iterator<Item = &'a RevisionArn>,
    environment: &str,
    observed: &Observed,
) -> Result<Option<RevisionArn>, Wants> {
    let revisions: BTreeSet<&RevisionArn> = revisions.collect();
    let seen = crate::observed::all(revisions.iter().map(|arn| observed.revision(arn)))?;
    let is_ours = |seen: &Seen<Revision>| match seen {
        Seen::Found(revision) => {
            Fingerprint::of(&revision.tags).is_some()
                && is_of_environment(&revision.tags, environment)
        }
        Seen::Missing | Seen::Unreadable(_) => false,
    };
    Ok(revisions
        .into_iter()
        .zip(seen)
        .filter(|(_, seen)| is_ours(seen))
        .map(|(arn, _)| arn)
        .max_by_key(|arn| arn.revision())
        .cloned())
}

#[cfg(test)]
mod tests;
