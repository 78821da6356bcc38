//! Buffers that a connection holds only while they contain data, so that an idle session holds none.
//!
//! A few unused buffers are kept for all threads. Where more are in use at once, as with many slow viewers, further ones are
//! allocated, and freed after use.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many unused buffers of a type are kept: those of a few sessions at full speed. The largest are of 280 KiB.
const MAX_UNUSED: usize = 4;

/// The unused buffers of one type.
#[derive(Debug)]
pub struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    /// No buffers.
    #[expect(
        clippy::new_without_default,
        reason = "a static is initialised with it"
    )]
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.buffers().len()
    }

    fn buffers(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer type with a pool; [`poolable!`] implements it.
pub trait Poolable: Sized + 'static {
    /// The unused buffers.
    const POOL: &'static Pool<Self>;

    /// Allocates a buffer.
    fn new() -> Self;
}

/// Implements [`Poolable`] for a type, given the expression that allocates a buffer: `poolable!(Page, Self(vec![0; 4096]))`.
#[macro_export]
macro_rules! poolable {
    ($buffer:ty, $new:expr) => {
        impl $crate::buffer_pool::Poolable for $buffer {
            const POOL: &'static $crate::buffer_pool::Pool<Self> = {
                static POOL: $crate::buffer_pool::Pool<$buffer> = $crate::buffer_pool::Pool::new();
                &POOL
            };

            fn new() -> Self {
                $new
            }
        }
    };
}
pub use poolable;

/// A buffer in use; dropping it returns it to the pool. It still contains what its previous user wrote.
pub struct Pooled<T: Poolable>(Option<T>);

impl<T: Poolable> Pooled<T> {
    /// An unused buffer, or a new one.
    pub fn take() -> Self {
        let unused = T::POOL.buffers().pop();
        Self(Some(unused.unwrap_or_else(T::new)))
    }
}

impl<T: Poolable> Drop for Pooled<T> {
    fn drop(&mut self) {
        let Some(value) = self.0.take() else { return };
        let mut unused = T::POOL.buffers();
        if unused.len() < MAX_UNUSED {
            unused.push(value);
        }
    }
}

#[expect(clippy::expect_used, reason = "the value is present until drop")]
impl<T: Poolable> Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("present until drop")
    }
}

#[expect(clippy::expect_used, reason = "the value is present until drop")]
impl<T: Poolable> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("present until drop")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Page {
        mark: u8,
    }

    poolable!(Page, Self { mark: 0 });

    #[test]
    fn returned_buffers_are_reused_and_few_are_kept() {
        let mut first = Pooled::<Page>::take();
        first.mark = 7;
        drop(first);
        assert_eq!(Pooled::<Page>::take().mark, 7);
        let many: Vec<_> = (0..3 * MAX_UNUSED)
            .map(|_| Pooled::<Page>::take())
            .collect();
        drop(many);
        assert_eq!(Page::POOL.count(), MAX_UNUSED);
    }
}
