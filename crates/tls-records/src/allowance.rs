//! Limits for records that are valid but carry no data, against denial of service; the values are those of rustls.

use crate::refused::Refused;

const EMPTY: u8 = 32;
const KEY_UPDATES: u8 = 32;
const WARNINGS: u8 = 4;
const RENEGOTIATIONS: u8 = 1;

/// How many of each the peer may still send.
pub(crate) struct Allowance {
    /// Consecutive empty records.
    empty: u8,
    /// KeyUpdates since the last application data.
    key_updates: u8,
    warnings: u8,
    renegotiations: u8,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            empty: EMPTY,
            key_updates: KEY_UPDATES,
            warnings: WARNINGS,
            renegotiations: RENEGOTIATIONS,
        }
    }
}

impl Allowance {
    /// Counts a record of any type with `len` bytes of content.
    pub(crate) fn record(&mut self, len: usize) -> Result<(), Refused> {
        if len > 0 {
            self.empty = EMPTY;
            return Ok(());
        }
        spend(&mut self.empty, "empty records without end")
    }

    pub(crate) const fn reset_key_updates(&mut self) {
        self.key_updates = KEY_UPDATES;
    }

    pub(crate) fn key_update(&mut self) -> Result<(), Refused> {
        spend(&mut self.key_updates, "KeyUpdates without end")
    }

    pub(crate) fn warning(&mut self) -> Result<(), Refused> {
        spend(&mut self.warnings, "warnings without end")
    }

    pub(crate) fn renegotiation(&mut self) -> Result<(), Refused> {
        spend(&mut self.renegotiations, "renegotiations without end")
    }
}

fn spend(left: &mut u8, what: &'static str) -> Result<(), Refused> {
    *left = left.checked_sub(1).ok_or(Refused::Unexpected(what))?;
    Ok(())
}
