//! The sandbox's time: tokio's clock, sped up if wanted, on top of a starting
//! point. It never waits and never goes backwards.

use std::time::Duration;

use http::Response;
use hyper::body::Bytes;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;
use tokio::time::Instant;

/// Milliseconds since 1970.
pub(super) type Millis = i64;

/// Maps tokio's clock to the sandbox's. Under a paused clock sandbox time
/// stands still too, until the test advances it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
    base: Millis,
    speed: f64,
}

impl Clock {
    pub(super) fn starting_at(base: Millis) -> Self {
        Self {
            start: Instant::now(),
            base,
            speed: 1.0,
        }
    }

    /// The same moment now, another pace from here on.
    pub(super) fn at_speed(self, speed: f64) -> Self {
        Self {
            start: Instant::now(),
            base: self.now(),
            speed,
        }
    }

    pub(super) fn now(&self) -> Millis {
        let elapsed = self.start.elapsed().as_secs_f64() * self.speed.max(0.0);
        // A century of milliseconds is far below the range of i64.
        self.base + (elapsed * 1000.0) as Millis
    }
}

/// The wall clock, for the starting point and for what outlives the sandbox
/// (the expiry of credentials).
pub(super) fn wall() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}

/// A timestamp as AWS JSON 1.1 writes it: seconds with a fraction.
pub(super) fn timestamp(at: Millis) -> Value {
    Value::from(at as f64 / 1000.0)
}

/// A timestamp as the query protocol writes it, to the second.
pub(super) fn iso(at: Millis) -> String {
    let second = Duration::from_secs(1);
    let instant = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let whole = instant
        .as_millisecond()
        .div_euclid(second.as_millis() as i64);
    jiff::Timestamp::from_second(whole)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_string()
}

/// An answer with the time at which it was given, as AWS's have it.
pub(super) fn dated(mut response: Response<Bytes>, now: Millis) -> Response<Bytes> {
    let date = jiff::Timestamp::from_millisecond(now)
        .ok()
        .and_then(|now| {
            DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&now)
                .ok()
        })
        .and_then(|date| date.parse().ok());
    if let Some(date) = date {
        response.headers_mut().insert("date", date);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sandbox_time_follows_tokio_time_at_its_own_pace() {
        let clock = Clock::starting_at(1_000);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now(), 3_000);
        let fast = clock.at_speed(10.0);
        assert_eq!(fast.now(), 3_000);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(fast.now(), 13_000);
        assert_eq!(timestamp(1_500).to_string(), "1.5");
        assert_eq!(iso(1_767_225_600_123), "2026-01-01T00:00:00Z");
        let answer = dated(Response::new(Bytes::new()), 1_767_225_600_123);
        assert_eq!(answer.headers()["date"], "Thu, 01 Jan 2026 00:00:00 GMT");
    }
}
