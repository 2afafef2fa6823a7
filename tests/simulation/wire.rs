//! The way from one process's client to the sandbox.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel::cloud::{Answer, Transport};
use evenkeel::sandbox::Sandbox;
use http::Request;
use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::chaos::{Chaos, Strike, refusal};
use crate::history::{What, Who};
use crate::sabotage::Sabotage;
use crate::world::{World, request as raw};

const ECS: &str = "AmazonEC2ContainerServiceV20141113";

pub struct Wire {
    pub world: Arc<World>,
    pub run: usize,
    /// This process's own handle: its credentials may end.
    pub handle: Sandbox,
    pub chaos: Mutex<Chaos>,
    pub began: Instant,
    pub planning: AtomicBool,
    pub sabotage: Sabotage,
}

impl Wire {
    pub fn transport(self: &Arc<Self>) -> Transport {
        let wire = self.clone();
        Transport::InMemory(Arc::new(move |request| {
            let wire = wire.clone();
            Box::pin(async move { wire.carry(request).await })
        }))
    }

    async fn carry(&self, request: Request<Bytes>) -> Answer {
        let operation = operation(&request);
        let writes = operation.starts_with("Register") || operation.starts_with("Update");
        let (strike, there, back) = {
            let mut chaos = self.chaos();
            (
                chaos.strike(writes, self.began.elapsed()),
                chaos.latency(),
                chaos.latency(),
            )
        };
        sleep(there).await;
        if let Some(strike) = &strike {
            self.world.note(
                Who::Run(self.run),
                What::Fault {
                    operation: operation.clone(),
                    fault: format!("{strike:?}"),
                    cost: strike.cost(),
                },
            );
        }
        match strike {
            None => {}
            Some(Strike::Slow(time)) => sleep(time).await,
            Some(Strike::Refuse(status, code)) => return Some(refusal(status, code)),
            Some(Strike::CutBefore) => return None,
            Some(Strike::HangBefore) => {
                sleep(Strike::hang()).await;
                return None;
            }
            Some(Strike::CutAfter) => {
                self.effect(&operation, request);
                return None;
            }
            Some(Strike::HangAfter) => {
                self.effect(&operation, request);
                sleep(Strike::hang()).await;
                return None;
            }
        }
        let answer = self.effect(&operation, request);
        sleep(back).await;
        Some(answer)
    }

    fn effect(&self, operation: &str, request: Request<Bytes>) -> http::Response<Bytes> {
        let who = Who::Run(self.run);
        let mut chaos = self.chaos();
        let chance = chaos.rng();
        if self.sabotage == Sabotage::None {
            return self.world.act(who, &self.handle, request, chance);
        }
        let planning = self.planning.load(Ordering::Relaxed);
        let (parts, body) = request.into_parts();
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        self.sabotage.request(operation, &mut body);
        let seen = self.world.look_at_all();
        for (beside, body) in self.sabotage.beside(operation, &body, planning, &seen) {
            let request = raw(ECS, beside, &body);
            self.world.act(who, &self.handle, request, chance);
        }
        let request = Request::from_parts(parts, Bytes::from(body.to_string()));
        let mut response = self.world.act(who, &self.handle, request, chance);
        let mut answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if self.sabotage.answer(operation, &mut answer, planning) {
            *response.body_mut() = Bytes::from(answer.to_string());
            if answer.get("__type").is_some() {
                *response.status_mut() = http::StatusCode::BAD_REQUEST;
            }
        }
        response
    }

    fn chaos(&self) -> std::sync::MutexGuard<'_, Chaos> {
        self.chaos.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn operation(request: &Request<Bytes>) -> String {
    request
        .headers()
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.rsplit('.').next())
        .unwrap_or_default()
        .to_owned()
}

/// Credentials that end during the run, or do not.
pub fn session(handle: Sandbox, lasts: Option<Duration>) -> Sandbox {
    match lasts {
        Some(lasts) => handle.with_session(lasts),
        None => handle,
    }
}
