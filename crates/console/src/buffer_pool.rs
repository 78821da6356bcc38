//! Buffers that a connection holds only while they contain data, so that an idle session holds none.
//!
//! Each thread keeps a few unused buffers. Where more are in use at once, as with many slow viewers, further ones are
//! allocated, and freed after use.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// How many unused buffers of a type a thread keeps: one direction of a relay holds one or two while it is polled, and a
/// thread polls one at a time.
const SPARE: usize = 4;

/// A buffer type with a pool in each thread; [`poolable!`] implements it.
pub trait Poolable: Sized + 'static {
    /// This thread's unused buffers.
    const KEPT: &'static LocalKey<RefCell<Vec<Self>>>;

    /// Allocates a buffer.
    fn new() -> Self;
}

/// Implements [`Poolable`] for a type, given the expression that allocates a buffer: `poolable!(Page, Self(vec![0; 4096]))`.
#[macro_export]
macro_rules! poolable {
    ($buffer:ty, $new:expr) => {
        impl $crate::buffer_pool::Poolable for $buffer {
            const KEPT: &'static std::thread::LocalKey<std::cell::RefCell<Vec<Self>>> = {
                thread_local! {
                    static KEPT: std::cell::RefCell<Vec<$buffer>> =
                        const { std::cell::RefCell::new(Vec::new()) };
                }
                &KEPT
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
    /// An unused buffer of this thread, or a new one.
    pub fn take() -> Self {
        let spare = T::KEPT.with_borrow_mut(Vec::pop);
        Self(Some(spare.unwrap_or_else(T::new)))
    }
}

impl<T: Poolable> Drop for Pooled<T> {
    fn drop(&mut self) {
        let Some(value) = self.0.take() else { return };
        // While the thread exits its pool may be gone already: the buffer is freed.
        let _ = T::KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < SPARE {
                kept.push(value);
            }
        });
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
        let many: Vec<_> = (0..3 * SPARE).map(|_| Pooled::<Page>::take()).collect();
        drop(many);
        assert_eq!(Page::KEPT.with_borrow(Vec::len), SPARE);
    }
}
