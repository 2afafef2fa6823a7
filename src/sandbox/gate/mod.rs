//! What AWS asks before it looks at a call: are the credentials still good, is
//! the caller within its rate, may it do this. Everything is open at first.

mod denied;
mod leave;
mod throttle;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::wire::{Call, Refusal};
pub(super) use leave::asks;
use throttle::Buckets;

/// The gate of a handle; clones share what it counts.
#[derive(Clone, Default)]
pub(super) struct Gate {
    session: Option<Session>,
    buckets: Option<Arc<Mutex<Buckets>>>,
    denied: Arc<[String]>,
}

/// Credentials that end.
#[derive(Clone)]
struct Session {
    lasts: Duration,
    ends: Arc<Mutex<Instant>>,
}

impl Gate {
    pub(super) fn with_session(mut self, lasts: Duration) -> Self {
        let ends = Arc::new(Mutex::new(Instant::now() + lasts));
        self.session = Some(Session { lasts, ends });
        self
    }

    pub(super) fn with_throttles(mut self, throttles: bool) -> Self {
        self.buckets = throttles.then(Arc::default);
        self
    }

    pub(super) fn with_denied(mut self, actions: impl Iterator<Item = String>) -> Self {
        self.denied = actions.collect();
        self
    }

    /// Why the call is refused before anything else happens, if it is.
    pub(super) fn check(&self, call: &Call) -> Result<(), Refusal> {
        if let Some(session) = &self.session {
            session.check(call)?;
        }
        if let Some(buckets) = &self.buckets {
            let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
            buckets.take(call)?;
        }
        denied::check(&self.denied, call)
    }
}

impl Session {
    fn check(&self, call: &Call) -> Result<(), Refusal> {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever comes with a token of its own needs no credentials, and
        // gets new ones.
        if call.operation == "AssumeRoleWithWebIdentity" {
            *ends = Instant::now() + self.lasts;
            return Ok(());
        }
        if Instant::now() < *ends {
            return Ok(());
        }
        let query = call.service == "sts";
        Err(Refusal {
            status: if query { 403 } else { 400 },
            code: if query {
                "ExpiredToken"
            } else {
                "ExpiredTokenException"
            }
            .to_owned(),
            message: "The security token included in the request is expired".to_owned(),
        })
    }
}
