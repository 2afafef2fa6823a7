//! Everything that happened in one world, in order: what the invariants judge
//! and what is printed when one is violated.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use evenkeel::event::Event;
use serde_json::Value;

use crate::world::Spec;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// One of our processes, by number.
    Run(usize),
    /// Another person, with another tool.
    Somebody,
}

/// A service's PRIMARY deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub deployment: String,
    pub revision: String,
    pub rollout: String,
    pub running: i64,
    pub desired: i64,
}

/// Services by name.
pub type States = BTreeMap<String, State>;

/// A request that reached ECS or ECR.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: String,
    pub body: Value,
    pub status: u16,
    pub answer: Value,
    /// How things were right before and right after it took effect.
    pub before: States,
    pub after: States,
    /// What DescribeServices said, which may lag behind.
    pub shown: States,
}

impl Call {
    pub fn writes(&self) -> bool {
        !["Describe", "List", "BatchGet", "Get"]
            .iter()
            .any(|read| self.operation.starts_with(read))
    }

    pub fn worked(&self) -> bool {
        self.status == 200
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key).and_then(Value::as_str)
    }
}

#[derive(Debug, Clone)]
pub enum What {
    Began {
        /// Otherwise it only plans.
        applies: bool,
        restarts: bool,
        /// The longest time-out that is declared.
        timeout: Duration,
    },
    /// The plan is made: from here on it may write.
    Planned(String),
    Call(Box<Call>),
    /// A fault struck, and what it may cost in time at the most.
    Fault {
        operation: String,
        fault: String,
        cost: Duration,
    },
    Event(Box<Event>),
    Ended(String),
    Killed,
    Interrupted,
    /// No more faults, nobody else.
    Calm,
    /// How it all stood, long after.
    Final(States),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub at: Duration,
    pub who: Who,
    pub what: What,
}

#[derive(Debug, Clone, Default)]
pub struct History {
    pub services: Vec<Spec>,
    /// Every revision that ever was: its document, with its tags put in.
    pub documents: BTreeMap<String, Value>,
    /// How long DescribeServices lags behind at the most.
    pub lag: Duration,
    /// The same of ListTaskDefinitions.
    pub family_lag: Duration,
    pub entries: Vec<Entry>,
}

impl History {
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = (usize, &Entry, &Call)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| match &entry.what {
                What::Call(call) => Some((index, entry, call.as_ref())),
                _ => None,
            })
    }

    /// The calls of our processes.
    pub fn own_calls(&self) -> impl DoubleEndedIterator<Item = (usize, usize, &Entry, &Call)> {
        self.calls()
            .filter_map(|(index, entry, call)| match entry.who {
                Who::Run(run) => Some((index, run, entry, call)),
                Who::Somebody => None,
            })
    }

    /// The last look that a run had at a service before an entry.
    pub fn last_look(
        &self,
        run: usize,
        service: &str,
        before: usize,
    ) -> Option<(usize, &Entry, &Call)> {
        let mut calls = self
            .calls()
            .filter(|(index, ..)| *index < before)
            .rev()
            .filter(|(_, entry, call)| entry.who == Who::Run(run) && call.worked());
        calls.find(|(_, _, call)| call.shown.contains_key(service))
    }

    pub fn service(&self, name: &str) -> Option<&Spec> {
        self.services.iter().find(|spec| spec.name == name)
    }

    /// Whether a revision runs the declared image of a service.
    pub fn is_declared(&self, spec: &Spec, revision: &str) -> bool {
        self.image(revision)
            .is_some_and(|image| spec.is_declared(image))
    }

    pub fn image(&self, revision: &str) -> Option<&str> {
        self.documents
            .get(revision)?
            .pointer("/containerDefinitions/0/image")?
            .as_str()
    }

    /// What a run was asked to do: applies, restarts, its time-out.
    pub fn began(&self, run: usize) -> Option<(Duration, bool, bool, Duration)> {
        self.entries
            .iter()
            .filter(|entry| entry.who == Who::Run(run))
            .find_map(|entry| match entry.what {
                What::Began {
                    applies,
                    restarts,
                    timeout,
                } => Some((entry.at, applies, restarts, timeout)),
                _ => None,
            })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.revision.rsplit('/').next().unwrap_or_default();
        let id = self.deployment.trim_start_matches("ecs-svc/");
        let short = &id[id.len().saturating_sub(5)..];
        write!(
            f,
            "{revision} {} {}/{} (…{short})",
            self.rollout, self.running, self.desired
        )
    }
}

fn listed(states: &States) -> String {
    let listed: Vec<String> = states.values().map(ToString::to_string).collect();
    listed.join(", ")
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        let what = ["service", "services", "taskDefinition", "family"]
            .iter()
            .filter_map(|key| self.body.get(*key))
            .map(|value| value.to_string().replace('"', ""));
        for what in what {
            write!(f, " {}", what.rsplit('/').next().unwrap_or_default())?;
        }
        if !self.worked() {
            let code = self.answer.get("__type").and_then(Value::as_str);
            return write!(f, " → {} {}", self.status, code.unwrap_or_default());
        }
        if self.writes() {
            if let Some(arn) = self.answer.pointer("/taskDefinition/taskDefinitionArn") {
                write!(f, " → {arn}")?;
            }
            if let Some(document) = self.body.get("containerDefinitions") {
                write!(f, " {}", document[0]["image"])?;
            }
            if self.body.get("forceNewDeployment").is_some() {
                f.write_str(" forced")?;
            }
            if self.before != self.after {
                write!(
                    f,
                    "; {} became {}",
                    listed(&self.before),
                    listed(&self.after)
                )?;
            }
        } else if !self.shown.is_empty() {
            write!(f, " → {}", listed(&self.shown))?;
            if self.shown != self.before {
                write!(f, " [stale; really {}]", listed(&self.before))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began {
                applies, restarts, ..
            } => f.write_str(match (applies, restarts) {
                (false, _) => "plan",
                (true, false) => "apply",
                (true, true) => "apply --restart",
            }),
            Self::Planned(plan) => write!(f, "planned: {plan}"),
            Self::Call(call) => write!(f, "  {call}"),
            Self::Fault {
                operation, fault, ..
            } => write!(f, "  {operation} ✗ {fault}"),
            Self::Event(event) => match event.as_ref() {
                Event::Ended {
                    service, outcome, ..
                } => write!(f, "{service}: {}", in_json(outcome)),
                other => f.write_str(&in_json(other)),
            },
            Self::Ended(how) => write!(f, "ended: {how}"),
            Self::Killed => f.write_str("killed"),
            Self::Interrupted => f.write_str("interrupt"),
            Self::Calm => f.write_str("from here on all is calm"),
            Self::Final(states) => write!(f, "in the end: {}", listed(states)),
        }
    }
}

fn in_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for spec in &self.services {
            writeln!(f, "{spec}")?;
        }
        if !self.lag.is_zero() {
            writeln!(f, "DescribeServices lags up to {:?} behind", self.lag)?;
        }
        if !self.family_lag.is_zero() {
            let lag = self.family_lag;
            writeln!(f, "ListTaskDefinitions lags up to {lag:?} behind")?;
        }
        for entry in &self.entries {
            let who = match entry.who {
                Who::Run(run) => format!("#{run}"),
                Who::Somebody => "somebody".to_owned(),
            };
            writeln!(
                f,
                "{:>10.3} {who:<9} {}",
                entry.at.as_secs_f64(),
                entry.what
            )?;
        }
        Ok(())
    }
}
