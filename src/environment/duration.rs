//! Durations as people write them: `90s`, `15m`, `1h30m`.

use std::time::Duration;

/// Why a text is no duration, and what to write where that can be guessed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) reason: &'static str,
    pub(super) write: Option<String>,
}

/// The units, longest first: the order they are written in.
const UNITS: [(char, u64); 3] = [('h', 3600), ('m', 60), ('s', 1)];

pub(super) fn parse(text: &str) -> Result<Duration, Wrong> {
    let pieces = pieces(text).ok_or(Wrong {
        reason: "this is not a length of time",
        write: None,
    })?;
    let written: String = pieces
        .iter()
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    let falling = pieces
        .windows(2)
        .all(|pair| seconds_in(pair[0].1) > seconds_in(pair[1].1));
    if pieces.iter().any(|(_, unit)| seconds_in(*unit).is_none()) {
        let write = match pieces[..] {
            [(number, _)] => with_unit(number),
            _ => None,
        };
        return Err(Wrong {
            reason: "the unit is missing",
            write,
        });
    }
    if !falling {
        return Err(Wrong {
            reason: "hours come before minutes, minutes before seconds",
            write: None,
        });
    }
    if written != text {
        return Err(Wrong {
            reason: "the units are h, m and s, without spaces",
            write: Some(written),
        });
    }
    pieces
        .iter()
        .try_fold(0_u64, |sum, (number, unit)| {
            sum.checked_add(number.checked_mul(seconds_in(*unit)?)?)
        })
        .map(Duration::from_secs)
        .ok_or(Wrong {
            reason: "it is too long",
            write: None,
        })
}

/// A length of time on the command line; the error says what to write.
///
/// # Errors
/// It is no length of time.
pub fn length(text: &str) -> Result<Duration, String> {
    parse(text).map_err(|wrong| match wrong.write {
        Some(write) => format!("{}; write {write}", wrong.reason),
        None => format!("{}; write it like 30m or 1h30m", wrong.reason),
    })
}

/// A bare number with the unit that was most likely meant: minutes while they
/// make up to two hours, else seconds.
pub(super) fn with_unit(number: u64) -> Option<String> {
    match number {
        0 => None,
        1..=120 => Some(format!("{number}m")),
        _ if number <= 24 * 3600 && number.is_multiple_of(60) => Some(format!("{}m", number / 60)),
        _ if number <= 24 * 3600 => Some(format!("{number}s")),
        _ => None,
    }
}

fn seconds_in(unit: char) -> Option<u64> {
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, seconds)| *seconds)
}

/// Numbers and units, read more kindly than they may be written, so that the
/// right spelling can be suggested. A number without unit has the unit `?`.
fn pieces(text: &str) -> Option<Vec<(u64, char)>> {
    let mut rest = text.trim();
    let mut pieces = Vec::new();
    // Three units are all there are; a longer text is no duration.
    while !rest.is_empty() && pieces.len() < 4 {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let unit = match rest[..letters].to_ascii_lowercase().as_str() {
            "h" | "hr" | "hrs" | "hour" | "hours" => 'h',
            "m" | "min" | "mins" | "minute" | "minutes" => 'm',
            "s" | "sec" | "secs" | "second" | "seconds" => 's',
            "" => '?',
            _ => return None,
        };
        rest = rest[letters..].trim_start();
        pieces.push((number, unit));
    }
    (rest.is_empty() && !pieces.is_empty()).then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_add_up() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("1h30m", 5400),
            ("1h0m1s", 3601),
            ("24h", 86400),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_nearly_right_is_suggested() {
        let write = |text: &str| parse(text).unwrap_err().write;
        assert_eq!(write("15 min").as_deref(), Some("15m"));
        assert_eq!(write("1 Hour 30 Minutes").as_deref(), Some("1h30m"));
        assert_eq!(write("15").as_deref(), Some("15m"));
        assert_eq!(write("900").as_deref(), Some("15m"));
        assert_eq!(write("0").as_deref(), None);
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for wrong in [
            "",
            " ",
            "m",
            "15d",
            "1.5h",
            "-5m",
            "30m1h",
            "1m1m",
            "1h2m3s4s",
            "99999999999999999999s",
            "１5m",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            parse("18446744073709551615h").unwrap_err().reason,
            "it is too long"
        );
    }
}
