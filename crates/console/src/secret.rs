//! Secrets in things that are printed.

use std::fmt;
use std::sync::Arc;

/// A secret that may stand in a printable thing, and is not printed with it.
#[derive(Clone)]
pub struct Secret<T>(Arc<T>);

impl<T> Secret<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// The secret itself, for whoever has to check or send it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
