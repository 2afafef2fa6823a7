//! What must hold in every world, whatever goes wrong in it. Each is a
//! function from what happened to its violations.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use evenkeel::event::{By, Event, Outcome};
use evenkeel::model::RESPONSE_ONLY;
use serde_json::{Value, json};

use crate::chaos::Strike;
use crate::history::{Call, Entry, History, State, What, Who};
use crate::world::{Breaker, Spec};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Success is reported only of a declared revision that is PRIMARY and
    /// COMPLETED.
    SuccessIsTrue,
    /// There is at most one revision for each declared state.
    OneRevision,
    /// What is not declared is not touched.
    UndeclaredUntouched,
    /// A plan never writes.
    PlanNeverWrites,
    /// A converged service gets no write.
    ConvergedIsLeftAlone,
    /// After a failure with rollback the healthy revision runs.
    HealthyAfterRollback,
    /// No deployment is started on a service whose declared state is rolling
    /// out.
    RollingOutIsLeftAlone,
    /// A run ends by its deadline.
    EndsInTime,
    /// Who says that nothing was started has started nothing.
    NothingDoneIsTrue,
    /// Once all is calm, what can run does.
    Converges,
    /// Nothing panics.
    NoPanic,
}

pub struct Violation {
    pub of: Invariant,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.of, self.what)
    }
}

/// What there is to say of each violation.
type Check = fn(&History) -> Vec<String>;

pub fn all(history: &History) -> Vec<Violation> {
    let invariants: [(Invariant, Check); 10] = [
        (Invariant::SuccessIsTrue, success_is_true),
        (Invariant::OneRevision, one_revision),
        (Invariant::UndeclaredUntouched, undeclared_untouched),
        (Invariant::PlanNeverWrites, plan_never_writes),
        (Invariant::ConvergedIsLeftAlone, converged_is_left_alone),
        (Invariant::HealthyAfterRollback, healthy_after_rollback),
        (Invariant::RollingOutIsLeftAlone, rolling_out_is_left_alone),
        (Invariant::EndsInTime, ends_in_time),
        (Invariant::NothingDoneIsTrue, nothing_done_is_true),
        (Invariant::Converges, converges),
    ];
    invariants
        .into_iter()
        .flat_map(|(of, check)| {
            let found = check(history).into_iter();
            found.map(move |what| Violation { of, what })
        })
        .collect()
}

/// Our processes' outcomes: where, who, when, of which service.
fn outcomes(history: &History) -> impl Iterator<Item = (usize, usize, &Entry, &Spec, &Outcome)> {
    let entries = history.entries.iter().enumerate();
    entries.filter_map(|(index, entry)| {
        let (What::Event(event), Who::Run(run)) = (&entry.what, entry.who) else {
            return None;
        };
        let Event::Ended {
            service, outcome, ..
        } = event.as_ref()
        else {
            return None;
        };
        Some((index, run, entry, history.service(service)?, outcome))
    })
}

/// From the run's last look at the service until it says so, there must be a
/// moment in which it is so: nobody can know what others do after a look. A
/// look may lag behind, so the time begins earlier by that much.
pub fn success_is_true(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (index, run, entry, spec, outcome) in outcomes(history) {
        let (Outcome::Unchanged { revision } | Outcome::Deployed { revision, .. }) = outcome else {
            continue;
        };
        let revision = revision.to_string();
        if !history.is_declared(spec, &revision) {
            found.push(format!(
                "#{run} ended well for {} with {revision}, which is not what is declared",
                spec.name
            ));
            continue;
        }
        let Some((_, look, _)) = history.last_look(run, &spec.name, index) else {
            found.push(format!("#{run} ended well for {} unseen", spec.name));
            continue;
        };
        let since = look.at.saturating_sub(history.lag);
        if let Some(newer) = replaced_before(history, run, &spec.name, index) {
            found.push(format!(
                "#{run} ended well for {}, by a look older than one before, which showed {newer}",
                spec.name
            ));
            continue;
        }
        let is_so = |call: &Call| {
            [&call.before, &call.after].into_iter().any(|states| {
                states
                    .get(&spec.name)
                    .is_some_and(|state| state.revision == revision && state.rollout == "COMPLETED")
            })
        };
        let mut moments = history
            .calls()
            .filter(|(at, seen, _)| *at < index && seen.at >= since);
        // With a lag the state may be older than the first write after that.
        let before = history
            .calls()
            .rfind(|(_, seen, call)| seen.at < since && call.before.contains_key(&spec.name))
            .filter(|_| !history.lag.is_zero());
        if !moments.any(|(_, _, call)| is_so(call))
            && !before.is_some_and(|(_, _, call)| is_so(call))
        {
            found.push(format!(
                "#{run} ended well for {} at {:.3} s, but {revision} was not PRIMARY and COMPLETED \
                 since its last look at {:.3} s",
                spec.name,
                entry.at.as_secs_f64(),
                look.at.as_secs_f64()
            ));
        }
    }
    found
}

/// The PRIMARY deployment that a run was shown before it was shown an older
/// one, by its last look: then it could know that this one lags behind.
fn replaced_before<'a>(
    history: &'a History,
    run: usize,
    service: &str,
    index: usize,
) -> Option<&'a State> {
    let age = |deployment: &str| {
        let is = |state: Option<&State>| state.is_some_and(|s| s.deployment == deployment);
        history
            .calls()
            .position(|(_, _, call)| is(call.before.get(service)) || is(call.after.get(service)))
    };
    let (last, _, look) = history.last_look(run, service, index)?;
    let shown = look.shown.get(service)?;
    history
        .own_calls()
        .filter(|(before, who, _, call)| *before < last && *who == run && call.worked())
        .filter_map(|(_, _, _, call)| call.shown.get(service))
        .find(|earlier| age(&earlier.deployment) > age(&shown.deployment))
}

/// What a registration asks for, tags included, but for those that say where
/// it came from: two of the same are one too many.
fn wanted(body: &Value) -> String {
    let mut document = body.clone();
    if let Some(document) = document.as_object_mut() {
        document.retain(|key, _| !RESPONSE_ONLY.contains(&key.as_str()));
    }
    if let Some(tags) = document["tags"].as_array_mut() {
        let ours = |tag: &Value| {
            tag["key"]
                .as_str()
                .is_some_and(|key| key.starts_with("evenkeel"))
        };
        tags.retain(|tag| !ours(tag));
    }
    sorted(&document).to_string()
}

/// With keys in order, nothing that is null, and the lists that ECS returns
/// in any order sorted.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<&String, Value> = object
                .iter()
                .filter(|(_, value)| {
                    !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
                })
                .map(|(key, value)| {
                    let mut value = sorted(value);
                    if let Some(list) = value.as_array_mut()
                        && ["environment", "tags"].contains(&key.as_str())
                    {
                        list.sort_by_cached_key(Value::to_string);
                    }
                    (key, value)
                })
                .collect();
            sorted
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        plain => plain.clone(),
    }
}

/// Lost answers, kills and new runs excuse nothing. Only two processes at
/// once may register two: ECS has no way to do it conditionally, and each may
/// have looked before the other registered. The second is excused when its
/// process was there before the first registered; or when it looked so soon
/// after, in place of one that was killed, that the list did not tell yet.
pub fn one_revision(history: &History) -> Vec<String> {
    let mut registered: BTreeMap<String, (usize, Duration, String)> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, run, entry, call) in history.own_calls() {
        if call.operation != "RegisterTaskDefinition" || !call.worked() {
            continue;
        }
        let arn = call.answer["taskDefinition"]["taskDefinitionArn"].to_string();
        let Some((first, at, other)) = registered.get(&wanted(&call.body)) else {
            registered.insert(wanted(&call.body), (run, entry.at, arn));
            continue;
        };
        let began = history.began(run).map_or(Duration::ZERO, |began| began.0);
        let mut lists = history.own_calls().filter(|(.., listed)| {
            listed.operation == "ListTaskDefinitions"
                && listed.worked()
                && listed.text("familyPrefix") == call.text("family")
        });
        let too_soon = lists
            .rfind(|(list, who, ..)| *list < index && *who == run)
            .is_some_and(|(_, _, list, _)| list.at < *at + history.family_lag);
        if run == *first || (began > *at && !too_soon) {
            found.push(format!(
                "#{run} registered {arn}, which {other} of #{first} was already"
            ));
        }
    }
    found
}

/// A registered document is that of the revision that the run saw last, but
/// for the image; an update says which revision to run, and nothing else.
pub fn undeclared_untouched(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (index, run, _, call) in history.own_calls().filter(|(.., call)| call.writes()) {
        match call.operation.as_str() {
            "UpdateService" => {
                let known = ["cluster", "service", "taskDefinition", "forceNewDeployment"];
                let keys = call
                    .body
                    .as_object()
                    .into_iter()
                    .flat_map(|body| body.keys());
                for key in keys.filter(|key| !known.contains(&key.as_str())) {
                    found.push(format!("#{run} sent {key} with UpdateService"));
                }
                if call.text("taskDefinition").is_none() {
                    found.push(format!("#{run} updated without a revision"));
                }
            }
            "RegisterTaskDefinition" => {
                let family = call.text("family").unwrap_or_default();
                let base = history
                    .last_look(run, family, index)
                    .and_then(|(_, _, look)| look.shown.get(family))
                    .and_then(|state| history.documents.get(&state.revision));
                let Some(base) = base else {
                    found.push(format!("#{run} registered {family} without having seen it"));
                    continue;
                };
                let image = &call.body["containerDefinitions"][0]["image"];
                let mut expected = base.clone();
                expected["containerDefinitions"][0]["image"] = image.clone();
                if wanted(&expected) != wanted(&call.body) {
                    found.push(format!(
                        "#{run} registered\n  {}\nwhere\n  {}\nwas to be",
                        wanted(&call.body),
                        wanted(&expected)
                    ));
                }
                let declared = history
                    .service(family)
                    .is_some_and(|spec| spec.is_declared(image.as_str().unwrap_or_default()));
                if !declared {
                    found.push(format!("#{run} registered {image}, which nobody declares"));
                }
            }
            // What evenkeel took back itself is remembered at its revision.
            "TagResource" if call.body["tags"][0]["key"] == "evenkeel:failed" => {}
            // And forgotten there when it runs after all.
            "UntagResource" if call.body["tagKeys"] == json!(["evenkeel:failed"]) => {}
            other => found.push(format!("#{run} called {other}")),
        }
    }
    found
}

pub fn plan_never_writes(history: &History) -> Vec<String> {
    let planned = |run: usize, index: usize| {
        history.entries[..index]
            .iter()
            .any(|entry| entry.who == Who::Run(run) && matches!(entry.what, What::Planned(_)))
    };
    history
        .own_calls()
        .filter(|(index, run, _, call)| call.writes() && !planned(*run, *index))
        .map(|(_, run, _, call)| format!("#{run} called {} while it planned", call.operation))
        .collect()
}

/// The services that a call of ours writes to.
fn target<'a>(history: &'a History, call: &'a Call) -> Option<&'a Spec> {
    let name = call.text("service").or_else(|| call.text("family"))?;
    history.service(name)
}

/// Whether the run has made its plan before this entry.
fn has_planned(history: &History, run: usize, index: usize) -> bool {
    history.entries[..index]
        .iter()
        .any(|entry| entry.who == Who::Run(run) && matches!(entry.what, What::Planned(_)))
}

/// A write to a service that runs what is declared, by a run that was told so
/// by its last look (a look that lags, or is overtaken, tells otherwise) and
/// was not asked to restart it.
pub fn converged_is_left_alone(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (index, run, entry, call) in history.own_calls().filter(|(.., call)| call.writes()) {
        let Some(spec) = target(history, call) else {
            continue;
        };
        let restarts = history.began(run).is_some_and(|began| began.2);
        if restarts || !has_planned(history, run, index) {
            continue;
        }
        let converged = |state: Option<&State>| {
            state.is_some_and(|state| {
                state.rollout == "COMPLETED" && history.is_declared(spec, &state.revision)
            })
        };
        let look = history.last_look(run, &spec.name, index);
        let shown = look.and_then(|(_, _, look)| look.shown.get(&spec.name));
        if converged(call.before.get(&spec.name)) && converged(shown) {
            found.push(format!(
                "#{run} called {} at {:.3} s for {}, which ran what is declared",
                call.operation,
                entry.at.as_secs_f64(),
                spec.name
            ));
        }
    }
    found
}

/// Where ECS rolls back, a healthy revision runs in the end, and where an
/// outcome says what was gone back to, that is no image that fails.
pub fn healthy_after_rollback(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    let fails = |revision: &str| {
        let tag = history.image(revision).unwrap_or_default();
        ["crash", "unpullable", "unhealthy"]
            .iter()
            .any(|word| tag.contains(word))
    };
    for (index, run, _, spec, outcome) in outcomes(history) {
        let Outcome::RolledBack {
            revision, to, by, ..
        } = outcome
        else {
            continue;
        };
        if *by == By::Evenkeel {
            // Its own way back: it deployed that, or another of us just did.
            let deployed = deployments(history, &spec.name, index)
                .iter()
                .any(|(who, _, after)| matches!(who, Who::Run(_)) && *after == to.as_str());
            if !deployed {
                found.push(format!(
                    "#{run} says that it took {} back to {to}",
                    spec.name
                ));
            }
            continue;
        }
        let (revision, to) = (revision.as_str(), to.as_str());
        let started = deployments(history, &spec.name, index);
        // Whoever deployed last, if it was this revision: then ECS did not. Who
        // restarted what it was on already did not take it there.
        let by_hand = started
            .last()
            .filter(|(_, before, after)| *after == to && *before != to);
        // Back on the revision from before, with a history that does not
        // tell, a rollback is the best guess there is (`was_rolled_back`).
        let guessed = started
            .iter()
            .any(|(_, before, after)| *after == revision && *before == to);
        let went = format!("#{run} says that {} went back to {to}", spec.name);
        if spec.desired > 0 && fails(to) && by_hand.is_none() {
            found.push(format!("{went}, which fails"));
        }
        if let Some((who, ..)) = by_hand.filter(|_| !guessed) {
            found.push(format!("{went}, but {who:?} deployed that"));
        }
    }
    let last = history
        .entries
        .iter()
        .rev()
        .find_map(|entry| match &entry.what {
            What::Final(states) => Some(states),
            _ => None,
        });
    for spec in &history.services {
        // OWN ROLLBACK: then this holds without ECS's breaker, too.
        let rolls_back = spec.breaker == Breaker::RollBack && spec.has_room() && spec.desired > 0;
        let Some(state) = last
            .and_then(|last| last.get(&spec.name))
            .filter(|_| rolls_back)
        else {
            continue;
        };
        if state.rollout != "COMPLETED" || state.running != state.desired || fails(&state.revision)
        {
            found.push(format!("{} ended up as {state}", spec.name));
        }
    }
    found
}

/// The deployments that updates started: by whom, from which revision, to
/// which.
fn deployments<'a>(
    history: &'a History,
    service: &str,
    until: usize,
) -> Vec<(Who, &'a str, &'a str)> {
    let updates = history
        .calls()
        .filter(|(index, _, call)| *index < until && call.operation == "UpdateService");
    updates
        .filter_map(|(_, entry, call)| {
            let (before, after) = (call.before.get(service)?, call.after.get(service)?);
            let started = call.worked() && before.deployment != after.deployment;
            started.then_some((entry.who, before.revision.as_str(), after.revision.as_str()))
        })
        .collect()
}

/// A deployment that a run started on a service although its last look had
/// shown the declared state rolling out there, and it still was.
pub fn rolling_out_is_left_alone(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (index, run, entry, call) in history.own_calls() {
        if call.operation != "UpdateService" || !call.worked() || !has_planned(history, run, index)
        {
            continue;
        }
        let Some(spec) = target(history, call) else {
            continue;
        };
        let (Some(before), Some(after)) = (call.before.get(&spec.name), call.after.get(&spec.name))
        else {
            continue;
        };
        let declared = history.is_declared(spec, &before.revision);
        let started = before.deployment != after.deployment;
        // Going back from what fails brings what is not declared.
        let back = !history.is_declared(spec, &after.revision);
        if !started || !declared || back || before.rollout != "IN_PROGRESS" {
            continue;
        }
        let look = history.last_look(run, &spec.name, index);
        let seen = look
            .and_then(|(_, _, look)| look.shown.get(&spec.name))
            .is_some_and(|shown| shown.deployment == before.deployment);
        if seen {
            found.push(format!(
                "#{run} started a deployment of {} at {:.3} s while {before} was rolling out",
                spec.name,
                entry.at.as_secs_f64()
            ));
        }
    }
    found
}

/// What a run may take beside the time-out and what faults cost it: the calls
/// themselves, one look more, and the pauses before a throttled registration.
const GRACE: Duration = Duration::from_secs(10);

pub fn ends_in_time(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    let runs = history.entries.iter().filter_map(|entry| match entry.who {
        Who::Run(run) if matches!(entry.what, What::Ended(_)) => Some((run, entry.at)),
        _ => None,
    });
    for (run, ended) in runs {
        let Some((began, _, _, timeout)) = history.began(run) else {
            continue;
        };
        let mut faults = Duration::ZERO;
        for entry in history
            .entries
            .iter()
            .filter(|entry| entry.who == Who::Run(run))
        {
            match &entry.what {
                What::Fault { cost, .. } => faults += *cost,
                What::Call(call) if !call.worked() => faults += Strike::refused(),
                _ => {}
            }
        }
        // Twice the time-out: the way back is waited for, too.
        let allowed = 2 * timeout + GRACE + faults;
        if ended - began > allowed {
            found.push(format!(
                "#{run} took {:.1} s, and {allowed:.1?} is the most",
                (ended - began).as_secs_f64()
            ));
        }
    }
    // Every run ends, and is killed or says so.
    for entry in &history.entries {
        if let (Who::Run(run), What::Began { .. }) = (entry.who, &entry.what) {
            let over = |other: &&Entry| {
                other.who == entry.who && matches!(other.what, What::Ended(_) | What::Killed)
            };
            if history.entries.iter().filter(over).count() != 1 {
                found.push(format!("#{run} did not end"));
            }
        }
    }
    found
}

/// An outcome without a rollout, of a run that started one.
pub fn nothing_done_is_true(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (index, run, _, spec, outcome) in outcomes(history) {
        let nothing = matches!(
            outcome,
            Outcome::Unchanged { .. }
                | Outcome::Stale { .. }
                | Outcome::HeldBack { .. }
                | Outcome::Interrupted { revision: None, .. }
                | Outcome::Error {
                    going_on: false,
                    ..
                }
        );
        let started = deployments(history, &spec.name, index);
        if nothing && started.iter().any(|(who, ..)| *who == Who::Run(run)) {
            found.push(format!(
                "#{run} started a deployment of {}, and ended with {outcome:?}",
                spec.name
            ));
        }
    }
    found
}

/// Once nothing goes wrong any more, one of a few runs finds everything as it
/// is declared.
pub fn converges(history: &History) -> Vec<String> {
    if !history.services.iter().all(Spec::converges) {
        return Vec::new();
    }
    let last = history
        .entries
        .iter()
        .rev()
        .find_map(|entry| match &entry.what {
            What::Final(states) => Some(states),
            _ => None,
        });
    let services = history.services.iter().filter_map(|spec| {
        let state = last?.get(&spec.name)?;
        let good = state.rollout == "COMPLETED" && history.is_declared(spec, &state.revision);
        (!good).then(|| format!("{} ended up as {state}", spec.name))
    });
    services.collect()
}
