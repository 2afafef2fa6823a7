//! What goes wrong between one process and AWS, and when.

use std::time::Duration;

use http::Response;
use hyper::body::Bytes;
use serde_json::json;

use crate::rng::Rng;

/// One attempt of the client ends after this long (`cloud::connect`).
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// What a fault costs beside the time it takes itself: the client's pause
/// before it tries again, or our own before a look at what was lost.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strike {
    Slow(Duration),
    Refuse(u16, &'static str),
    CutBefore,
    CutAfter,
    /// No answer for longer than the client waits; nothing was done.
    HangBefore,
    /// It was done, but no answer comes.
    HangAfter,
}

impl Strike {
    pub fn hang() -> Duration {
        ATTEMPT_TIMEOUT + Duration::from_secs(5)
    }

    /// How much later everything may be because of it.
    pub fn cost(&self) -> Duration {
        match self {
            Self::Slow(time) => *time,
            Self::HangBefore | Self::HangAfter => ATTEMPT_TIMEOUT + PAUSE,
            Self::Refuse(..) | Self::CutBefore | Self::CutAfter => PAUSE,
        }
    }

    /// What a call costs that AWS itself refused (throttling, say).
    pub fn refused() -> Duration {
        PAUSE
    }
}

/// Faults of one process.
pub struct Chaos {
    rng: Rng,
    /// In a hundred, for any call and for one that writes.
    any: u64,
    writes: u64,
    /// From when until when nothing gets through, and how.
    outage: Option<(Duration, Duration, Strike)>,
    latency: u64,
}

impl Chaos {
    pub fn calm(mut rng: Rng) -> Self {
        let latency = 1 + rng.below(100);
        Self {
            rng,
            any: 0,
            writes: 0,
            outage: None,
            latency,
        }
    }

    pub fn draw(mut rng: Rng) -> Self {
        let (any, writes) = *rng.pick(&[(0, 0), (0, 60), (2, 2), (8, 20), (25, 40)]);
        let outage = rng.percent(15).then(|| {
            let from = Duration::from_millis(rng.below(20_000));
            let lasts = Duration::from_millis(rng.below(40_000));
            (from, from + lasts, strike(&mut rng))
        });
        Self {
            any,
            writes,
            outage,
            ..Self::calm(rng)
        }
    }

    /// What happens to a call, this long after the process began.
    pub fn strike(&mut self, writes: bool, since: Duration) -> Option<Strike> {
        if let Some((from, until, strike)) = &self.outage
            && (*from..*until).contains(&since)
        {
            return Some(strike.clone());
        }
        let chance = if writes { self.writes } else { self.any };
        self.rng.percent(chance).then(|| strike(&mut self.rng))
    }

    /// Half of a round trip.
    pub fn latency(&mut self) -> Duration {
        Duration::from_millis(1 + self.rng.below(self.latency))
    }

    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }
}

fn strike(rng: &mut Rng) -> Strike {
    match rng.below(9) {
        0 => Strike::Slow(Duration::from_millis(500 + rng.below(10_000))),
        1 | 2 => Strike::Refuse(400, "ThrottlingException"),
        3 => Strike::Refuse(500, "ServerException"),
        4 => Strike::Refuse(503, "ServiceUnavailableException"),
        5 => Strike::CutBefore,
        6 => Strike::CutAfter,
        7 => Strike::HangBefore,
        _ => Strike::HangAfter,
    }
}

/// An error as AWS writes it.
pub fn refusal(status: u16, code: &str) -> Response<Bytes> {
    let body = json!({"__type": code, "message": "by chance"}).to_string();
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-errortype", code)
        .body(Bytes::from(body))
        .expect("a response")
}
