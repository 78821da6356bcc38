//! The power state of a VM.

use std::fmt;

/// A VM's power state. `Display` writes vim25's name of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// `poweredOn`
    On,
    /// `poweredOff`
    Off,
    /// `suspended`
    Suspended,
}

impl Power {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::On => "poweredOn",
            Self::Off => "poweredOff",
            Self::Suspended => "suspended",
        }
    }
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
