//! Buffers that a connection has only while there is something in them.
//!
//! An idle session holds none. Each thread keeps a few spare ones, warm in its cache; when more are in use at
//! once, as when many viewers are slow to read, they are allocated, and freed when they are spare.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// How many of a kind a thread keeps for the next session. A pump holds one or two while it runs, and a thread
/// runs one pump at a time.
const SPARE: usize = 4;

/// A buffer of which each thread keeps a few; [`poolable!`] implements it.
pub trait Poolable: Sized + 'static {
    /// The thread's spare ones.
    const KEPT: &'static LocalKey<RefCell<Vec<Self>>>;

    /// Allocates one.
    fn new() -> Self;
}

/// Implements [`Poolable`] for a type, given the expression that makes one: `poolable!(Page, Self(vec![0; 4096]))`.
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

/// One that is in use. Dropped, it becomes spare. What a former user has left in it is still there.
pub struct Pooled<T: Poolable>(Option<T>);

impl<T: Poolable> Pooled<T> {
    /// A spare one, or a new one.
    pub fn take() -> Self {
        let spare = T::KEPT.with_borrow_mut(Vec::pop);
        Self(Some(spare.unwrap_or_else(T::new)))
    }
}

impl<T: Poolable> Drop for Pooled<T> {
    fn drop(&mut self) {
        let Some(value) = self.0.take() else { return };
        // Ignored on purpose: a thread that ends keeps nothing.
        let _ = T::KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < SPARE {
                kept.push(value);
            }
        });
    }
}

#[expect(clippy::expect_used, reason = "it is there until it is dropped")]
impl<T: Poolable> Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is in use")
    }
}

#[expect(clippy::expect_used, reason = "it is there until it is dropped")]
impl<T: Poolable> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("it is in use")
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
    fn what_is_given_back_is_lent_again_and_no_more_than_a_few_are_kept() {
        let mut first = Pooled::<Page>::take();
        first.mark = 7;
        drop(first);
        assert_eq!(Pooled::<Page>::take().mark, 7);
        let crowd: Vec<_> = (0..3 * SPARE).map(|_| Pooled::<Page>::take()).collect();
        drop(crowd);
        assert_eq!(Page::KEPT.with_borrow(Vec::len), SPARE);
    }
}
