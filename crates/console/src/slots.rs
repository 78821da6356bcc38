//! Counts open consoles on each ESXi host, whose reverse proxy limits the number of connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The number of open consoles by host.
#[derive(Clone, Default)]
pub struct Slots(Arc<Mutex<HashMap<String, usize>>>);

/// One console counted on its host until this is dropped.
pub struct Slot {
    slots: Slots,
    host: String,
}

impl Slots {
    /// Takes a slot on `host`; `None` where `limit` are taken.
    pub fn take(&self, host: &str, limit: usize) -> Option<Slot> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(host.to_owned()).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Slot {
            slots: self.clone(),
            host: host.to_owned(),
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.host) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_per_host_and_freed_on_drop() {
        let slots = Slots::default();
        let first = slots.take("a", 2).unwrap();
        let _second = slots.take("a", 2).unwrap();
        assert!(slots.take("a", 2).is_none());
        assert!(slots.take("b", 2).is_some());
        drop(first);
        assert!(slots.take("a", 2).is_some());
        assert_eq!(
            slots.0.lock().unwrap().len(),
            1,
            "a host without consoles has no entry"
        );
    }
}
