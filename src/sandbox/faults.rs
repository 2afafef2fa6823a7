//! Faults on demand: what may go wrong between a client and AWS. This is the
//! hook; which fault strikes when is the business of whoever implements
//! [`Faults`].

use std::time::Duration;

use http::{Response, StatusCode};
use hyper::body::Bytes;

use super::wire::Call;

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The answer takes this long, by tokio's clock.
    Delay(Duration),
    /// An error in place of an answer; nothing was done.
    Refuse {
        status: u16,
        code: String,
        message: String,
    },
    /// The connection is cut before the call took effect.
    CutBefore,
    /// The connection is cut after the call took effect.
    CutAfter,
}

/// Decides what happens to each call.
pub trait Faults: Send + Sync {
    /// Called once for each call, before it takes effect. `number` counts the
    /// calls of this sandbox's handles from 0.
    fn before(&self, call: &Call, number: usize) -> Fault;
}

impl<F: Fn(&Call, usize) -> Fault + Send + Sync> Faults for F {
    fn before(&self, call: &Call, number: usize) -> Fault {
        self(call, number)
    }
}

/// Marks a response (in its extensions) that must not be sent: whoever carries
/// it to the client cuts the connection instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionCut;

pub(super) fn cut() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.extensions_mut().insert(ConnectionCut);
    response
}
