//! Limits the connections that have not logged in, by random early drop as OpenSSH's `MaxStartups`.
//!
//! From half of the limit on, each new connection may drop one, with a probability that grows to 1 at the limit. The dropped
//! one is chosen at random among the sources with the most connections, so that a flood from one source drops its own.
//!
//! Refused connections that are being sent the reason do not count: a few slots are reserved for them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::source::Source;

/// How many refused connections are sent the reason at the same time. Further ones are closed at once.
const MAX_REFUSED: usize = 16;

/// The connections that have not logged in.
#[derive(Clone, Default)]
pub struct PreLoginLimit(Arc<Mutex<Members>>);

#[derive(Default)]
struct Members {
    next: u64,
    /// Unordered.
    present: Vec<Member>,
    /// The ids of refused connections that are being sent the reason.
    refused: Vec<u64>,
}

struct Member {
    id: u64,
    from: Source,
    dropped: CancellationToken,
}

/// One connection's slot, until it is dropped.
pub struct PreLoginSlot {
    connections: PreLoginLimit,
    id: u64,
    /// Cancelled when the connection must be dropped.
    pub dropped: CancellationToken,
}

impl PreLoginLimit {
    /// A slot for a connection `from` a source. `random` decides whether one is dropped, and which.
    pub fn enter(&self, from: Source, limit: usize, random: (u32, u32)) -> PreLoginSlot {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = members.next;
        members.next += 1;
        let dropped = CancellationToken::new();
        members.present.push(Member {
            id,
            from,
            dropped: dropped.clone(),
        });
        if must_drop_one(members.present.len(), limit, random.0)
            && let Some(victim) = members.victim(random.1)
        {
            members.present.swap_remove(victim).dropped.cancel();
        }
        PreLoginSlot {
            connections: self.clone(),
            id,
            dropped,
        }
    }
}

impl Members {
    /// A random connection of the sources with the most connections.
    fn victim(&self, random: u32) -> Option<usize> {
        let mut counts = HashMap::new();
        for member in &self.present {
            *counts.entry(member.from).or_insert(0) += 1;
        }
        let most = counts.values().max()?;
        let is_candidate = |member: &Member| counts.get(&member.from) == Some(most);
        let candidates: Vec<usize> = (0..)
            .zip(&self.present)
            .filter(|(_, member)| is_candidate(member))
            .map(|(place, _)| place)
            .collect();
        candidates
            .get(random as usize % candidates.len().max(1))
            .copied()
    }
}

impl PreLoginSlot {
    /// Exchanges the slot for one of those for refused connections. Returns whether one was free; if not, the connection
    /// must be closed at once, and `dropped` is cancelled.
    pub fn refuse(&self) -> bool {
        let mut members = self
            .connections
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        members.present.retain(|member| member.id != self.id);
        let has_place = members.refused.len() < MAX_REFUSED;
        match has_place {
            true => members.refused.push(self.id),
            false => self.dropped.cancel(),
        }
        has_place
    }

    /// Sets the source that the PROXY header names.
    pub fn set_source(&self, from: SocketAddr) {
        let mut members = self
            .connections
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(member) = members
            .present
            .iter_mut()
            .find(|member| member.id == self.id)
        {
            member.from = from.ip().into();
        }
    }
}

impl Drop for PreLoginSlot {
    fn drop(&mut self) {
        let mut members = self
            .connections
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = members
            .present
            .iter()
            .position(|member| member.id == self.id)
        {
            members.present.swap_remove(place);
        }
        members.refused.retain(|id| *id != self.id);
    }
}

/// Never up to half of the limit, always beyond it, in between with a probability that grows linearly.
fn must_drop_one(present: usize, limit: usize, random: u32) -> bool {
    let begins = limit / 2;
    let Some(over) = present.checked_sub(begins + 1) else {
        return false;
    };
    let span = limit - begins;
    over >= span || u64::from(random) * (span as u64) < (over as u64) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: (u32, u32) = (u32::MAX, 0);
    const HERE: Source = Source::V6([0; 4]);
    const THERE: Source = Source::V6([1; 4]);

    fn present(connections: &PreLoginLimit) -> usize {
        connections.0.lock().unwrap().present.len()
    }

    #[test]
    fn never_holds_more_than_the_limit() {
        for limit in 1..20 {
            let connections = PreLoginLimit::default();
            let slots: Vec<PreLoginSlot> = (0..200)
                .map(|who| connections.enter(HERE, limit, (u32::MAX, who)))
                .collect();
            assert_eq!(present(&connections), limit);
            let out = slots
                .iter()
                .filter(|slot| slot.dropped.is_cancelled())
                .count();
            assert_eq!(out, 200 - limit);
            drop(slots);
            assert_eq!(present(&connections), 0);
        }
    }

    #[test]
    fn up_to_half_of_the_limit_none_is_dropped() {
        let connections = PreLoginLimit::default();
        let slots: Vec<PreLoginSlot> = (0..32)
            .map(|_| connections.enter(HERE, 64, (0, 0)))
            .collect();
        assert!(slots.iter().all(|slot| !slot.dropped.is_cancelled()));
        let _one_more = connections.enter(HERE, 64, (0, 0));
        assert_eq!(present(&connections), 33, "the probability begins at 0");
        let _next = connections.enter(HERE, 64, (0, 0));
        assert_eq!(present(&connections), 33);
    }

    #[test]
    fn the_probability_grows_with_the_connections() {
        let chance = |present| {
            (0..1000_u32)
                .filter(|part| must_drop_one(present, 64, part * (u32::MAX / 1000)))
                .count()
        };
        assert_eq!(chance(33), 0);
        assert!((480..=520).contains(&chance(49)), "{}", chance(49));
        assert_eq!(chance(65), 1000);
    }

    #[test]
    fn a_flood_from_one_source_drops_its_own_connections() {
        let connections = PreLoginLimit::default();
        let typing = connections.enter(THERE, 8, NEVER);
        let flood: Vec<PreLoginSlot> = (0..500)
            .map(|who| connections.enter(HERE, 8, (0, who)))
            .collect();
        assert!(!typing.dropped.is_cancelled());
        assert_eq!(
            flood
                .iter()
                .filter(|slot| !slot.dropped.is_cancelled())
                .count(),
            present(&connections) - 1
        );
        // A connection whose PROXY header names another source no longer counts for the flood's.
        let other = connections.enter(HERE, 8, (0, 0));
        if !other.dropped.is_cancelled() {
            other.set_source("192.0.2.1:5".parse().unwrap());
        }
        assert!(!typing.dropped.is_cancelled());
    }

    #[test]
    fn refused_connections_take_no_slots_and_few_places() {
        let connections = PreLoginLimit::default();
        let typing = connections.enter(THERE, 1, NEVER);
        let mut refused: Vec<PreLoginSlot> = Vec::new();
        for number in 0..100 {
            let slot = connections.enter(HERE, 64, NEVER);
            assert_eq!(slot.refuse(), number < MAX_REFUSED);
            assert_eq!(slot.dropped.is_cancelled(), number >= MAX_REFUSED);
            assert_eq!(present(&connections), 1);
            refused.push(slot);
        }
        assert!(!typing.dropped.is_cancelled());
        refused.clear();
        assert!(connections.enter(HERE, 64, NEVER).refuse());
    }

    #[test]
    fn a_closed_connection_frees_its_slot() {
        let connections = PreLoginLimit::default();
        for _ in 0..1000 {
            let slot = connections.enter(HERE, 1, NEVER);
            assert!(!slot.dropped.is_cancelled());
        }
    }
}
