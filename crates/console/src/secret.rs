//! Secrets inside types that implement `Debug`.

use std::fmt;
use std::sync::Arc;

/// A shared secret whose `Debug` output does not contain it.
#[derive(Clone)]
pub struct Secret<T>(Arc<T>);

impl<T> Secret<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// The secret, for code that checks or sends it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
