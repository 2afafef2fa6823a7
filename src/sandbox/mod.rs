//! An embedded Amazon ECS, with the ECR, CloudWatch Logs and STS it needs: for
//! trying evenkeel without an account, and for its tests.
//!
//! [`Sandbox::answer`] takes an HTTP request as an AWS SDK sends it and gives
//! the response that AWS would give. The SDK's client calls it in process; the
//! same requests come over a loopback socket through [`serve`]. Rollouts go on
//! by tokio's clock, so a paused clock makes them instant.
//!
//! It never calls AWS, never checks a signature, and runs no container: how
//! the tasks of an image fare is told by words in the image's tag (`crash`,
//! `oom`, `unhealthy`, `elb`, `unpullable`, `nosecret`, `nocapacity`, `slow`;
//! `alarm` sets off the deployment's alarms, `badmigration` fails one-off
//! tasks).

mod behaviour;
mod clock;
mod context;
mod ecr;
mod ecs;
mod faults;
mod gate;
mod ids;
mod logs;
mod manifest;
mod options;
mod rollout;
mod seed;
mod server;
mod state;
mod store;
mod sts;
#[cfg(test)]
mod tests;
mod wire;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use hyper::body::Bytes;

pub use faults::{ConnectionCut, Fault, Faults};
pub use seed::{Seed, SeedService, Seeded};
pub use server::serve;
pub use store::Error;
pub use wire::{Call, Leave};

use crate::model::{Digest, ImageReference};
use clock::{Clock, Millis};
use context::Context;
use gate::Gate;
use options::Options;
use state::State;
use store::Store;
use wire::{Parsed, Refusal};

/// Where the time of a sandbox in memory begins: 2026-01-01T00:00:00Z, so that
/// tests see the same timestamps every day.
const EPOCH: Millis = 1_767_225_600_000;

/// How long credentials from STS last.
const SESSION: Millis = 3_600_000;

/// A handle to a sandbox. Clones share the state and the list of calls.
#[derive(Clone)]
pub struct Sandbox {
    store: Arc<Store>,
    calls: Arc<Mutex<Vec<Call>>>,
    clock: Clock,
    options: Options,
    gate: Gate,
    faults: Option<Arc<dyn Faults>>,
}

impl Sandbox {
    /// A sandbox that is gone with its last handle. Its time begins at the
    /// start of 2026.
    pub fn in_memory() -> Self {
        Self::new(
            Store::in_memory(State::new(EPOCH)),
            Clock::starting_at(EPOCH),
        )
    }

    /// A sandbox whose state is kept in a file, which several processes may
    /// share. The file and its directory are made when missing.
    ///
    /// # Errors
    /// The file cannot be read or written, or is no sandbox state.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let wall = clock::wall();
        let (store, last) = Store::open(path, State::new(wall))?;
        Ok(Self::new(store, Clock::starting_at(wall.max(last))))
    }

    fn new(store: Store, clock: Clock) -> Self {
        Self {
            store: Arc::new(store),
            calls: Arc::default(),
            clock,
            options: Options::default(),
            gate: Gate::default(),
            faults: None,
        }
    }

    /// Makes the clusters, services and images of an environment, all healthy
    /// on the version before the declared one. An environment that was seeded
    /// before is left alone.
    ///
    /// # Errors
    /// The state cannot be read or written.
    pub fn seed(&self, seed: &Seed) -> Result<Seeded, Error> {
        self.store
            .with(self.clock.now(), |state, now| seed::plant(state, seed, now))
    }

    /// Puts a new image into its repository, under its tag if it has one: the
    /// tag moves when it exists. With a digest in the reference the image gets
    /// exactly that digest.
    ///
    /// # Errors
    /// The image is in no private ECR registry, or the state cannot be read or
    /// written.
    pub fn push_image(&self, image: &ImageReference) -> Result<Digest, Error> {
        self.store
            .with(self.clock.now(), |state, now| ecr::push(state, image, now))?
    }

    /// Answers a request to ECS, ECR, CloudWatch Logs or STS.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let parsed = match wire::parse(&request) {
            Ok(parsed) => parsed,
            Err(refusal) => {
                return wire::error_response(false, &refusal, &ids::uuid(&refusal.message));
            }
        };
        let call = match self.call(&parsed) {
            Ok(call) => call,
            Err(error) => return broken(parsed.service, &error),
        };
        let number = self.record(call.clone());
        let request_id = ids::uuid(&format!("{} {} {number}", call.operation, self.clock.now()));
        let query = parsed.service == "sts";
        let fault = match &self.faults {
            Some(faults) => faults.before(&call, number),
            None => Fault::None,
        };
        match fault {
            Fault::None => {}
            Fault::Delay(time) => tokio::time::sleep(time).await,
            Fault::Refuse {
                status,
                code,
                message,
            } => {
                return wire::error_response(
                    query,
                    &Refusal {
                        status,
                        code,
                        message,
                    },
                    &request_id,
                );
            }
            Fault::CutBefore => return faults::cut(),
            Fault::CutAfter => {
                self.act(&call, &parsed, &request_id);
                return faults::cut();
            }
        }
        self.act(&call, &parsed, &request_id)
    }

    /// Answers a request, or nothing when a fault cuts the connection.
    pub async fn exchange(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        let response = self.answer(request).await;
        let cut = response.extensions().get::<ConnectionCut>().is_some();
        (!cut).then_some(response)
    }

    /// Every call that was answered through this handle and its clones.
    pub fn calls(&self) -> Vec<Call> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn record(&self, call: Call) -> usize {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(call);
        calls.len() - 1
    }

    fn call(&self, parsed: &Parsed) -> Result<Call, Error> {
        let credential = parsed.credential.as_ref();
        let scope = if credential.is_some_and(wire::Credential::names_account) {
            wire::scope(credential, None)
        } else {
            self.store.with(self.clock.now(), |state, _| {
                wire::scope(credential, state.account.as_ref())
            })?
        };
        Ok(Call {
            service: parsed.service,
            operation: parsed.operation.clone(),
            asks: gate::asks(parsed, &scope),
            account: scope.account,
            region: scope.region,
        })
    }

    /// Brings the state to now, and answers from it, if the caller may ask.
    fn act(&self, call: &Call, parsed: &Parsed, request_id: &str) -> Response<Bytes> {
        if let Err(refusal) = self.gate.check(call) {
            return wire::error_response(parsed.service == "sts", &refusal, request_id);
        }
        let answered = self.store.with(self.clock.now(), |state, now| {
            let scope = wire::scope(parsed.credential.as_ref(), state.account.as_ref());
            if parsed.service == "sts" {
                let expires = now.max(clock::wall()) + SESSION;
                let body =
                    sts::answer(&parsed.operation, &parsed.body, &scope, expires, request_id);
                return body.map(|body| wire::xml_response(body, request_id));
            }
            for place in state.places.values_mut() {
                for service in place.services.values_mut() {
                    rollout::advance(service, now);
                }
                for one in &mut place.one_off {
                    rollout::advance_one_off(one, now);
                }
            }
            let mut context = Context {
                state,
                scope,
                now,
                options: self.options,
                body: &parsed.body,
            };
            let body = match parsed.service {
                "ecs" => ecs::answer(&parsed.operation, &mut context),
                "logs" => logs::answer(&parsed.operation, &mut context),
                _ => ecr::answer(&parsed.operation, &mut context),
            };
            body.map(|body| wire::json_response(&body, request_id))
                .map(|response| clock::dated(response, now))
        });
        match answered {
            Ok(Ok(response)) => response,
            Ok(Err(refusal)) => wire::error_response(parsed.service == "sts", &refusal, request_id),
            Err(error) => broken(parsed.service, &error),
        }
    }
}

/// Forgets the state in a file; `false` when there was none.
///
/// # Errors
/// The file cannot be removed.
pub fn reset(path: &Path) -> Result<bool, Error> {
    store::reset(path)
}

/// The sandbox itself is broken (its file is). A 400, so that no client tries
/// again.
fn broken(service: &str, error: &Error) -> Response<Bytes> {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        cause = inner.source();
    }
    wire::error_response(
        service == "sts",
        &Refusal::new("SandboxBroken", message),
        "sandbox",
    )
}
