//! Values that TOML has no type for.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A year, in seconds: what is longer is a mistake, and what is much longer no clock can add.
const LONGEST: u64 = 366 * 24 * 3600;

/// "30s", "5m", "2h": a whole number and its unit.
pub(super) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    read_duration(&text).map(Some).map_err(D::Error::custom)
}

/// Likewise, wherever it is written.
///
/// # Errors
/// A sentence.
pub(crate) fn read_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text:?} is no duration: write a number and a unit, as in \"30s\" or \"5m\"");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(seconds) {
        Some(seconds) if seconds <= LONGEST => Ok(Duration::from_secs(seconds)),
        _ => Err(format!(
            "{text:?} is longer than a year: write less, or 0 for never"
        )),
    }
}
