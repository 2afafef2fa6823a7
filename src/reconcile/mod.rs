//! Many environments in one run: what differs is corrected where it may be, and
//! everything is told in one [`Report`].
//!
//! Environments that share a way to AWS (account, region, role) share their
//! looks: [`survey`] plans all of them from one set of batched calls. Then each
//! is carried out by itself, so many at once. Whatever keeps one from being
//! planned or carried out is said of that one, and stops no other.
//!
//! What may be done is decided in `policy`, what came of it is told by
//! `report`; both are pure. Nothing here reads a file, or a clock but tokio's.

mod policy;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::apply::{Apply, Interrupt};
use crate::cloud::{Connection, Error};
use crate::environment::Desired;
use crate::event::Event;
use crate::model::Provenance;
use crate::plan::{Cause, Options, Plan, causes, plan};

pub use report::{EnvironmentReport, Left, Place, Problem, Report, ServiceReport, State, States};

/// Hears of every event, with the environment's name.
pub type Tell = Arc<dyn Fn(&str, &Event) + Send + Sync>;

/// An environment to reconcile.
#[derive(Debug, Clone)]
pub struct Source {
    pub desired: Desired,
    /// Where what is declared comes from, if that is to be said.
    pub provenance: Option<Provenance>,
}

/// An environment that was planned, or why it could not be.
#[derive(Debug)]
pub struct Surveyed {
    pub source: Source,
    /// Boxed, for it is large.
    pub planned: Box<Result<Planned, Error>>,
}

/// A plan, with the cause of each of its changes.
#[derive(Debug)]
pub struct Planned {
    pub plan: Plan,
    pub causes: BTreeMap<String, Cause>,
}

/// Plans these environments, which this connection reaches, with looks that
/// they share. `now` is in seconds since the epoch.
pub async fn survey(connection: &Connection, sources: Vec<Source>, now: i64) -> Vec<Surveyed> {
    let planned = connection
        .reader()
        .survey_each(sources.len(), |number, observed| {
            let source = &sources[number];
            let options = Options {
                provenance: source.provenance.as_ref(),
                now: Some(now),
                ..Options::default()
            };
            let plan = plan(&source.desired, observed, options)?;
            let causes = causes(&plan, &source.desired, observed)?;
            Ok(Planned { plan, causes })
        })
        .await;
    sources
        .into_iter()
        .zip(planned)
        .map(|(source, planned)| Surveyed {
            source,
            planned: Box::new(planned),
        })
        .collect()
}

/// Carries out what may be, in so many environments at once; in the order in
/// which they came.
pub async fn carry_out(
    surveyed: Vec<(Surveyed, Connection)>,
    at_once: usize,
    interrupt: &Interrupt,
    tell: Tell,
) -> Vec<EnvironmentReport> {
    let places = Arc::new(Semaphore::new(at_once.max(1)));
    let mut running = JoinSet::new();
    for (number, (surveyed, connection)) in surveyed.into_iter().enumerate() {
        let (places, interrupt, tell) = (places.clone(), interrupt.clone(), tell.clone());
        running.spawn(async move {
            // The semaphore is never closed.
            let _place = places.acquire_owned().await;
            let report = one(surveyed, &connection, interrupt, &tell).await;
            (number, report)
        });
    }
    let mut reports = BTreeMap::new();
    while let Some(done) = running.join_next().await {
        match done {
            Ok((number, report)) => reports.insert(number, report),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
    }
    reports.into_values().collect()
}

async fn one(
    surveyed: Surveyed,
    connection: &Connection,
    interrupt: Interrupt,
    tell: &Tell,
) -> EnvironmentReport {
    let desired = &surveyed.source.desired;
    let planned = match *surveyed.planned {
        Ok(planned) => planned,
        Err(error) => {
            let problem = Problem::new(error.to_string(), error.hint());
            return EnvironmentReport::failed(desired, problem);
        }
    };
    let acted = policy::acted_on(&planned, desired);
    let ended = if acted.services().is_empty() {
        Vec::new()
    } else {
        let (reader, writer) = (connection.reader(), connection.writer());
        let environment = desired.environment.clone();
        Apply {
            plan: &acted,
            reader: &reader,
            writer: &writer,
            interrupt,
            report: &mut |event| tell(&environment, event),
        }
        .run()
        .await
        .services
    };
    EnvironmentReport::of(desired, planned, ended)
}
