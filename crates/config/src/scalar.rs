//! Durations, for which TOML has no type.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// One year, in seconds: keeps deadlines within the clock's range.
const MAX_SECONDS: u64 = 366 * 24 * 3600;

/// "30s", "5m" or "2h"; "0" needs no unit.
pub(crate) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    Time::deserialize(deserializer).map(|Time(duration)| Some(duration))
}

/// Likewise, for a `Spanned` key, whose errors need a position.
pub(crate) struct Time(pub(crate) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(DurationText)?;
        parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

struct DurationText;

impl Visitor<'_> for DurationText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration in quotes, as in \"30s\" or \"5m\"")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

/// Parses a duration as in the configuration.
///
/// # Errors
/// A sentence.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{text:?} is not a duration: write a number and a unit, as in \"30s\", \"5m\" or \"2h\""
        )
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    if number.is_empty() {
        return Err(wrong());
    }
    // All digits: parsing fails only by overflow.
    let number: u64 = number.parse().unwrap_or(u64::MAX);
    match number.checked_mul(seconds) {
        Some(seconds) if seconds <= MAX_SECONDS => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{text:?} is longer than a year: write less")),
    }
}
