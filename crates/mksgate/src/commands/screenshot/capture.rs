//! A captured picture.

use crate::terminal::print_stderr;

/// A picture that was taken.
pub(super) struct Capture {
    pub(super) png: Vec<u8>,
    /// What stays behind of it where it comes from, as a sentence.
    pub(super) left: Option<String>,
}

impl Capture {
    /// Quiet or not: nobody else knows of it.
    pub(super) fn print_leftover(&self) {
        if let Some(left) = &self.left {
            print_stderr(left);
        }
    }
}

impl From<Vec<u8>> for Capture {
    fn from(png: Vec<u8>) -> Self {
        Self { png, left: None }
    }
}
