//! A finished capture.

use terminal::print_stderr;

pub(super) struct Capture {
    pub(super) png: Vec<u8>,
    /// The file that stays on the datastore, as a sentence.
    pub(super) leftover: Option<String>,
}

impl Capture {
    /// Printed even with `--quiet`: the file has to be deleted by hand.
    pub(super) fn print_leftover(&self) {
        if let Some(leftover) = &self.leftover {
            print_stderr(leftover);
        }
    }
}

impl From<Vec<u8>> for Capture {
    fn from(png: Vec<u8>) -> Self {
        Self {
            png,
            leftover: None,
        }
    }
}
