//! How much of what is allowed but fruitless a peer may send: as much as rustls allows.

use crate::Refused;

const EMPTY: u8 = 32;
const KEY_UPDATES: u8 = 32;
const WARNINGS: u8 = 4;
const RENEGOTIATIONS: u8 = 1;

/// What is left of each.
pub(crate) struct Allowance {
    /// Records with nothing in them, one after the other.
    empty: u8,
    /// KeyUpdates without data between them.
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
    /// A record of any kind, with so much in it.
    pub(crate) fn record(&mut self, len: usize) -> Result<(), Refused> {
        if len > 0 {
            self.empty = EMPTY;
            return Ok(());
        }
        spend(&mut self.empty, "empty records without end")
    }

    pub(crate) const fn data(&mut self) {
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
