//! Desired and observed state in, a plan out.
//!
//! Pure: no I/O, no clock, no async. All choices of a deployment are made
//! here; carrying the plan out makes none. A plan that lacks a fact asks for
//! it ([`Wants`]) and is made again when it is known.

mod adopt;
mod back;
mod before;
mod difference;
mod drift;
mod hash;
mod images;
mod mask;
mod online;
mod origin;
mod overlay;
mod rules;
mod same;
mod saved;
#[cfg(test)]
pub(crate) mod scene;
mod service;
mod stale;
mod suspend;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::environment::{Desired, Image as DeclaredImage, Service as DesiredService};
use crate::model::fields::Effect;
use crate::model::{
    AccountId, ClusterName, Commit, Digest, EcrRepository, ImageReference, Platform, Provenance,
    Region, RevisionArn, TaskDefinition, failed_because,
};
use crate::observed::{
    Deployment, DeploymentStatus, Observed, RolloutState, Seen, Service, ServiceKey, Unreadable,
    Wants,
};
use serde_json::{Map, Value};

pub use crate::environment::OnFailure;
pub use adopt::{Adopted, NotAdopted, adopt};
pub use back::{Back, Named, NoWay, back};
pub use before::OneOff;
pub use difference::FieldChange;
pub use drift::{Cause, Drift, Sign, causes};
pub use hash::{Approved, Hash};
pub use images::pinned;
pub use mask::{MASKED, Mask, is_variable};
pub use online::{Absent, Lack, Online, Unknown, online};
pub use rules::{Broken, check};
pub use saved::{Kind, Live, MadeFrom, NoPlan, Saved, SavedChange, SavedPlan, SavedService};
pub use service::{ServiceChange, TagChange, effect, forces};
pub use stale::{How, Moved, carried_out, moved_files, moved_here, moved_there};
pub use verdict::*;

/// What the caller wants beside the declared state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Start a rollout also of services that are in sync.
    pub restart: bool,
    /// Try again what failed before.
    pub retry: bool,
    /// The time, in seconds since the epoch: a suspension may be over.
    pub now: Option<i64>,
    /// Where what is declared comes from, for the tags of new revisions; an
    /// environment may do without them.
    pub provenance: Option<&'a Provenance>,
}

/// Compares what is declared with what was seen.
///
/// # Errors
/// [`Wants`]: everything that must be looked up before a plan can be made.
pub fn plan(desired: &Desired, observed: &Observed, options: Options<'_>) -> Result<Plan, Wants> {
    let options = Options {
        provenance: options.provenance.filter(|_| desired.provenance),
        ..options
    };
    let services = crate::observed::all(
        desired
            .services
            .iter()
            .map(|service| plan_service(service, observed, options)),
    )?;
    Ok(Plan {
        environment: desired.environment.clone(),
        account: desired.account.clone(),
        region: desired.region.clone(),
        cluster: desired.cluster.clone(),
        services,
    })
}

fn plan_service(
    desired: &DesiredService,
    observed: &Observed,
    options: Options,
) -> Result<ServicePlan, Wants> {
    let key = key_of(desired);
    let mut notes = Vec::new();
    let mut verdict = decide(desired, &key, observed, options, &mut notes)?;
    if let Verdict::Change(change) = &mut verdict {
        notes.extend(origin::mark(change, desired, options.provenance));
    }
    notes.extend(bakes_too_long(&key, &verdict, desired.timeout, observed));
    let healthy = healthy(&key, &verdict, observed)?;
    let marked = marked(&key, &verdict, observed)?;
    let live = live(&key, observed);
    notes.extend(scaled(desired, &key, &verdict, observed)?);
    // Asked for above, where it matters.
    if let Ok(Seen::Unreadable(why)) = observed.history(&key) {
        notes.push(Note::HistoryUnknown { why: why.clone() });
    }
    let mut planned = ServicePlan {
        name: desired.name.clone(),
        key,
        timeout: desired.timeout,
        on_failure: desired.on_failure,
        watch_only: false,
        healthy,
        marked,
        live,
        verdict,
        notes,
    };
    suspend::suspend(&mut planned, desired.suspend.as_ref(), options.now);
    Ok(planned)
}

fn key_of(desired: &DesiredService) -> ServiceKey {
    ServiceKey {
        cluster: desired.cluster.clone(),
        service: desired.service.clone(),
    }
}

fn live(key: &ServiceKey, observed: &Observed) -> Option<Basis> {
    match observed.service(key) {
        Ok(Seen::Found(service)) => service.primary().map(Basis::of),
        Ok(Seen::Missing | Seen::Unreadable(_)) | Err(_) => None,
    }
}

/// Whether nobody needs to wait to know that the wait will be in vain.
fn bakes_too_long(
    key: &ServiceKey,
    verdict: &Verdict,
    timeout: Duration,
    observed: &Observed,
) -> Option<Note> {
    if !matches!(verdict, Verdict::Change(_) | Verdict::RollingOut(_)) {
        return None;
    }
    let Ok(Seen::Found(service)) = observed.service(key) else {
        return None;
    };
    let bakes = service.deployment_configuration.bakes();
    (bakes >= timeout).then_some(Note::BakesTooLong { bakes, timeout })
}

/// Whether autoscaling sets the declared count, too.
fn scaled(
    desired: &DesiredService,
    key: &ServiceKey,
    verdict: &Verdict,
    observed: &Observed,
) -> Result<Option<Note>, Wants> {
    let Some(declared) = service::declared_count(desired) else {
        return Ok(None);
    };
    let changes = match verdict {
        Verdict::Blocked(_) | Verdict::FailedBefore(_) => return Ok(None),
        Verdict::Change(change) => change.service.count().is_some(),
        Verdict::Suspended(suspended) => suspended.change.service.count().is_some(),
        Verdict::InSync { .. } | Verdict::RollingOut(_) => false,
    };
    Ok(match observed.scaling(key)? {
        Seen::Missing => None,
        Seen::Found(scaling) => {
            let fits = (scaling.least..=scaling.most).contains(&declared);
            (changes || !fits).then_some(Note::Autoscaled {
                declared,
                least: scaling.least,
                most: scaling.most,
            })
        }
        Seen::Unreadable(why) => changes.then(|| Note::ScalingUnknown {
            why: why.why.clone(),
        }),
    })
}

/// The revision to go back to when a rollout fails: what runs now, if its own
/// rollout was completed; else the last whose rollout was.
fn healthy(
    key: &ServiceKey,
    verdict: &Verdict,
    observed: &Observed,
) -> Result<Option<RevisionArn>, Wants> {
    let (target, basis) = match verdict {
        Verdict::Change(change) => {
            let target = match &change.to {
                Target::Existing(revision) => Some(revision),
                Target::New(_) => None,
            };
            (
                target,
                change
                    .supersedes
                    .is_none()
                    .then_some(&change.basis.revision),
            )
        }
        Verdict::RollingOut(rollout) => (Some(&rollout.revision), None),
        Verdict::InSync { .. }
        | Verdict::FailedBefore(_)
        | Verdict::Blocked(_)
        | Verdict::Suspended(_) => return Ok(None),
    };
    if let Some(basis) = basis {
        // With other fields of the service, the same revision is another state.
        let undoes = matches!(verdict, Verdict::Change(change) if !change.service.undo.is_empty());
        return Ok((undoes || Some(basis) != target).then(|| basis.clone()));
    }
    if let Seen::Found(history) = observed.history(key)? {
        let completed = history
            .iter()
            .filter(|deployment| deployment.status == DeploymentStatus::Successful)
            .filter_map(|deployment| deployment.revision.as_ref())
            .find(|revision| Some(*revision) != target);
        if completed.is_some() {
            return Ok(completed.cloned());
        }
    }
    // Without a history: what still runs beside the rollout, the oldest.
    Ok(observed.service(key).ok().and_then(|seen| match seen {
        Seen::Found(service) => service
            .deployments
            .iter()
            .rev()
            .filter(|deployment| deployment.status != "PRIMARY" && deployment.running_count > 0)
            .map(|deployment| &deployment.task_definition)
            .find(|revision| Some(*revision) != target)
            .cloned(),
        Seen::Missing | Seen::Unreadable(_) => None,
    }))
}

/// Whether the revision to deploy is marked as one that failed. Only where ECS
/// has no circuit breaker are revisions marked; a rollout under way is not
/// asked elsewhere.
fn marked(key: &ServiceKey, verdict: &Verdict, observed: &Observed) -> Result<bool, Wants> {
    let revision = match verdict {
        Verdict::Change(change) => match &change.to {
            Target::Existing(revision) => revision,
            Target::New(_) => return Ok(false),
        },
        Verdict::RollingOut(rollout) => match observed.service(key)? {
            Seen::Found(service)
                if !service
                    .deployment_configuration
                    .deployment_circuit_breaker
                    .enable =>
            {
                &rollout.revision
            }
            _ => return Ok(false),
        },
        Verdict::InSync { .. }
        | Verdict::FailedBefore(_)
        | Verdict::Blocked(_)
        | Verdict::Suspended(_) => {
            return Ok(false);
        }
    };
    Ok(match observed.revision(revision)? {
        Seen::Found(revision) => failed_because(&revision.tags).is_some(),
        Seen::Missing | Seen::Unreadable(_) => false,
    })
}

/// Whether deploying this revision to this service, with these fields, failed
/// the last time. ECS remembers; nothing is kept here.
fn failed_before(
    revision: &RevisionArn,
    key: &ServiceKey,
    service: &Service,
    fields: &ServiceChange,
    running: &RevisionArn,
    observed: &Observed,
) -> Result<Option<FailedBefore>, Wants> {
    let failure = |at, reason: &Option<String>| FailedBefore {
        revision: revision.clone(),
        running: running.clone(),
        at,
        reason: reason.clone(),
    };
    let listed = service.deployments.iter().find(|deployment| {
        deployment.task_definition == *revision
            && deployment.rollout_state == Some(RolloutState::Failed)
            && service
                .deployment_document(&deployment.id)
                .is_none_or(|shown| fields.brought_by(shown))
    });
    if let Some(listed) = listed {
        return Ok(Some(failure(None, &listed.rollout_state_reason)));
    }
    let last = match observed.history(key)? {
        Seen::Found(history) => history
            .iter()
            .find(|deployment| deployment.revision.as_ref() == Some(revision)),
        Seen::Missing | Seen::Unreadable(_) => None,
    };
    // The file says something else of the service since.
    if last.is_some_and(|last| !fields.brought_by(&last.service)) {
        return Ok(None);
    }
    if let Some(last) = last.filter(|last| last.failed()) {
        let at = last.finished_at.or(Some(last.created_at));
        return Ok(Some(failure(at, &last.reason)));
    }
    if last.is_some_and(|last| last.status == DeploymentStatus::Successful) {
        return Ok(None);
    }
    // Where evenkeel itself went back, ECS has only a deployment that stopped;
    // the revision remembers. One that runs is not what failed.
    if revision == running {
        return Ok(None);
    }
    let tagged = match observed.revision(revision)? {
        Seen::Found(revision) => failed_because(&revision.tags),
        Seen::Missing | Seen::Unreadable(_) => None,
    };
    Ok(tagged.map(|why| failure(None, &Some(why))))
}

fn decide(
    desired: &DesiredService,
    key: &ServiceKey,
    observed: &Observed,
    options: Options,
    notes: &mut Vec<Note>,
) -> Result<Verdict, Wants> {
    let images = match overlay::images(desired) {
        Ok(images) => images,
        Err(blocks) => return Ok(Verdict::Blocked(blocks)),
    };
    // Tags are looked up in the same round as the service, and so is what else
    // is known to be needed.
    let mut first = vec![observed.service(key).map(drop)];
    if service::declared_count(desired).is_some() {
        first.push(observed.scaling(key).map(drop));
    }
    images::ask_for_tags(&images, observed, crate::observed::all(first).map(drop))?;
    let service = match observed.service(key)? {
        Seen::Found(service) => service,
        Seen::Missing => return blocked(missing_service(desired, key, observed)?),
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
    let running = Running {
        desired,
        images: &images,
        service,
        primary,
        observed,
    };
    let arn = &primary.task_definition;
    let basis = Basis::of(primary);
    let service_change = match service::compare(desired, service, primary, observed)? {
        Ok(change) => change,
        Err(blocks) => return Ok(Verdict::Blocked(blocks)),
    };
    if !overlay::needs_tags(desired) {
        let live = match readable(arn, observed.document(arn)?) {
            Ok(document) => document,
            Err(block) => return blocked(*block),
        };
        let wanted = match running.wanted(live, &[])? {
            Ok(wanted) => wanted,
            Err(blocks) => return Ok(Verdict::Blocked(blocks)),
        };
        if wanted.is_live() && service_change.is_empty() {
            notes.extend(wanted.notes);
            return unchanged(service, primary, basis, observed, options, notes);
        }
    }

    // What is registered is made from the document as it is now, tags
    // included; a cache is good enough only to find that nothing differs.
    let base = match readable(arn, observed.revision(arn)?) {
        Ok(revision) => revision,
        Err(block) => return blocked(*block),
    };
    let wanted = match running.wanted(&base.document, &base.tags)? {
        Ok(wanted) => wanted,
        Err(blocks) => return Ok(Verdict::Blocked(blocks)),
    };
    let same_document = wanted.is_live();
    notes.extend(wanted.notes);
    if same_document && service_change.is_empty() {
        return unchanged(service, primary, basis, observed, options, notes);
    }
    let to = if same_document {
        Target::Existing(arn.clone())
    } else {
        match target(&wanted.document, &wanted.tags, arn, observed)? {
            Ok(to) => to,
            Err(block) => return blocked(block),
        }
    };
    if let Target::Existing(revision) = &to
        && (!same_document || service_change.effect() == Effect::NewDeployment)
        && !options.retry
        && let Some(failed) = failed_before(
            revision,
            key,
            service,
            &service_change,
            &basis.revision,
            observed,
        )?
    {
        return Ok(Verdict::FailedBefore(failed));
    }
    if !same_document || !service_change.is_empty() {
        let documents = [
            base.document.register_request(&base.tags),
            wanted.document.register_request(&wanted.tags),
        ];
        let (blocks, broken) =
            rules::of_change(desired, service, documents, &service_change.update);
        if !blocks.is_empty() {
            return Ok(Verdict::Blocked(blocks));
        }
        // ECS is asked again only for a revision that is new.
        if matches!(to, Target::New(_)) {
            notes.extend(broken);
        }
    }
    let first = if same_document {
        Vec::new()
    } else {
        match before::one_offs(desired, service, &service_change, &wanted.document, &basis) {
            Ok(first) => first,
            Err(blocks) => return Ok(Verdict::Blocked(blocks)),
        }
    };
    let ends = !same_document || service_change.effect() == Effect::NewDeployment;
    let complete = primary.is_complete(service.deployments.len() == 1);
    Ok(Verdict::Change(Box::new(Change {
        first,
        supersedes: (ends && !complete).then(|| Rollout::of(primary)),
        basis,
        to,
        images: wanted.images,
        fields: wanted.fields,
        service: service_change,
        restart: same_document && options.restart,
        before: base.document.clone(),
        after: wanted.document,
        tags: base.tags.clone(),
        wanted_tags: wanted.tags,
        provenance: Vec::new(),
    })))
}

/// What a service is declared to run, and what it runs.
struct Running<'a> {
    desired: &'a DesiredService,
    images: &'a [DeclaredImage],
    service: &'a Service,
    primary: &'a Deployment,
    observed: &'a Observed,
}

/// The wanted task definition, and how it differs from the live one.
struct Wanted {
    document: TaskDefinition,
    tags: Vec<Value>,
    images: Vec<ImageChange>,
    fields: Vec<FieldChange>,
    notes: Vec<Note>,
}

impl Wanted {
    fn is_live(&self) -> bool {
        self.images.is_empty() && self.fields.is_empty()
    }
}

impl Running<'_> {
    fn wanted(
        &self,
        live: &TaskDefinition,
        tags: &[Value],
    ) -> Result<Result<Wanted, Vec<Block>>, Wants> {
        let overlay = match overlay::overlay(self.desired, live, tags) {
            Ok(overlay) => overlay,
            Err(blocks) => return Ok(Err(blocks)),
        };
        let compared = images::compare(
            self.desired,
            self.images,
            (self.service, self.primary),
            [live, &overlay.document],
            self.observed,
        )?;
        if !compared.blocks.is_empty() {
            return Ok(Err(compared.blocks));
        }
        // An image that is the live one by its digest stays written as it is.
        let mut after = overlay.document.clone();
        for name in overlay.document.container_names() {
            let wanted = compared
                .changes
                .iter()
                .find(|change| change.container == name)
                .map(|change| change.to.as_str())
                .or_else(|| live.image(name));
            if let Some(image) = wanted {
                after = after.with_image(name, image).unwrap_or(after);
            }
        }
        let fields = overlay.changes(self.desired, &after);
        // A new container's image is part of the new container.
        let mut images = compared.changes;
        images.retain(|change| live.container_names().contains(&change.container.as_str()));
        Ok(Ok(Wanted {
            document: after,
            tags: overlay.tags,
            images,
            fields,
            notes: compared.notes,
        }))
    }
}

/// Nothing that is declared differs from the PRIMARY deployment; but is that
/// deployment finished?
fn unchanged(
    service: &Service,
    primary: &Deployment,
    basis: Basis,
    observed: &Observed,
    options: Options,
    notes: &mut Vec<Note>,
) -> Result<Verdict, Wants> {
    let failed = primary.rollout_state == Some(RolloutState::Failed);
    let complete = primary.is_complete(service.deployments.len() == 1);
    if !failed && !complete {
        return Ok(Verdict::RollingOut(Rollout::of(primary)));
    }
    if options.restart || (failed && options.retry) {
        return restart(basis, observed);
    }
    if failed {
        return Ok(Verdict::FailedBefore(FailedBefore {
            running: basis.revision.clone(),
            revision: basis.revision,
            at: None,
            reason: primary.rollout_state_reason.clone(),
        }));
    }
    if primary.running_count < primary.desired_count {
        notes.push(Note::TasksMissing {
            running: primary.running_count,
            desired: primary.desired_count,
        });
    }
    Ok(Verdict::InSync {
        revision: basis.revision,
    })
}

/// A revision that was seen; one that was not, for whatever reason, blocks.
fn readable<'a, T>(arn: &RevisionArn, seen: &'a Seen<T>) -> Result<&'a T, Box<Block>> {
    let why = match seen {
        Seen::Found(found) => return Ok(found),
        Seen::Missing => Unreadable {
            why: "ECS does not have it".into(),
            hint: None,
        },
        Seen::Unreadable(why) => why.clone(),
    };
    Err(Box::new(Block::Unreadable {
        what: format!("task definition {arn}"),
        why,
    }))
}

fn restart(basis: Basis, observed: &Observed) -> Result<Verdict, Wants> {
    let running = match readable(&basis.revision, observed.revision(&basis.revision)?) {
        Ok(revision) => revision,
        Err(block) => return blocked(*block),
    };
    // ECS starts no deployment of a revision that was deregistered.
    let to = if running.status == "ACTIVE" {
        Target::Existing(basis.revision.clone())
    } else {
        match target(&running.document, &running.tags, &basis.revision, observed)? {
            Ok(to) => to,
            Err(block) => return blocked(block),
        }
    };
    Ok(Verdict::Change(Box::new(Change {
        basis,
        to,
        images: Vec::new(),
        fields: Vec::new(),
        service: ServiceChange::default(),
        restart: true,
        first: Vec::new(),
        supersedes: None,
        before: running.document.clone(),
        after: running.document.clone(),
        tags: running.tags.clone(),
        wanted_tags: running.tags.clone(),
        provenance: Vec::new(),
    })))
}

/// The revision to run: one of the newest that already is the wanted document,
/// else a new one.
fn target(
    wanted: &TaskDefinition,
    tags: &[Value],
    live: &RevisionArn,
    observed: &Observed,
) -> Result<Result<Target, Block>, Wants> {
    Ok(existing(wanted, tags, live, observed)?.map(|found| {
        found.map_or_else(
            || Target::New(wanted.register_request(tags)),
            Target::Existing,
        )
    }))
}

/// An ACTIVE revision, other than the live one, that already is the wanted
/// document with these tags. Registering is not idempotent; looking first
/// makes it so. A run that died after registering left its revision among the
/// newest, where it is found.
pub(crate) fn existing(
    wanted: &TaskDefinition,
    tags: &[Value],
    live: &RevisionArn,
    observed: &Observed,
) -> Result<Result<Option<RevisionArn>, Block>, Wants> {
    let family = wanted.family().unwrap_or(live.family());
    let newest = match observed.newest(family)? {
        Seen::Found(revisions) => revisions.as_slice(),
        Seen::Missing => &[],
        Seen::Unreadable(why) => {
            return Ok(Err(Block::Unreadable {
                what: format!("revisions of {family}"),
                why: why.clone(),
            }));
        }
    };
    let candidates: Vec<&RevisionArn> = newest.iter().filter(|arn| *arn != live).collect();
    let documents = crate::observed::all(candidates.iter().map(|arn| observed.document(arn)))?;
    // One that cannot be read may be the wanted one: only when it is not
    // needed, because another is, does it not matter.
    let mut unread = None;
    for (arn, document) in candidates.into_iter().zip(documents) {
        let mut unreadable = |why: &Unreadable| {
            unread.get_or_insert_with(|| Block::Unreadable {
                what: format!("task definition {arn}"),
                why: why.clone(),
            });
        };
        match document {
            Seen::Found(document) if same::same(document, wanted) => {}
            Seen::Found(_) | Seen::Missing => continue,
            Seen::Unreadable(why) => {
                unreadable(why);
                continue;
            }
        }
        match observed.revision(arn)? {
            Seen::Found(revision)
                if revision.status == "ACTIVE"
                    && same::same(&revision.document, wanted)
                    && same::same_tags(&revision.tags, tags) =>
            {
                return Ok(Ok(Some(arn.clone())));
            }
            Seen::Found(_) | Seen::Missing => {}
            Seen::Unreadable(why) => unreadable(why),
        }
    }
    Ok(unread.map_or(Ok(None), Err))
}

fn missing_service(
    desired: &DesiredService,
    key: &ServiceKey,
    observed: &Observed,
) -> Result<Block, Wants> {
    let there_are = match observed.service_names(&key.cluster)? {
        Seen::Found(names) => Ok(names.clone()),
        Seen::Missing => Ok(Vec::new()),
        Seen::Unreadable(why) => Err(why.clone()),
    };
    let near = there_are
        .as_ref()
        .ok()
        .and_then(|names| nearest(key.service.as_str(), names.iter().map(String::as_str), 1).pop());
    Ok(Block::ServiceMissing {
        at: desired.name_at.clone(),
        there_are,
        near,
    })
}

fn blocked(block: Block) -> Result<Verdict, Wants> {
    Ok(Verdict::Blocked(vec![block]))
}

/// The names that look most like this one, best first; those that look nothing
/// like it are left out.
fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>, most: usize) -> Vec<String> {
    let shared = |other: &str| {
        name.bytes()
            .zip(other.bytes())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let distinct: BTreeSet<&str> = among.collect();
    let mut ranked: Vec<(f64, usize, &str)> = distinct
        .into_iter()
        .map(|other| {
            (
                strsim::normalized_damerau_levenshtein(name, other),
                shared(other),
                other,
            )
        })
        .filter(|(likeness, ..)| *likeness >= 0.4)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(b.2.cmp(a.2)));
    ranked
        .into_iter()
        .take(most)
        .map(|(.., other)| other.to_owned())
        .collect()
}
