//! The connections that have not logged in yet: only so many, and none of them can keep the others out.
//!
//! As the crowd fills, each newcomer may push one out: from half of the limit on with a chance that grows
//! until, at the limit, somebody always goes. It is one of those who come from where most come from, taken
//! at random. So a flood from one place pushes out itself, and not somebody elsewhere who is still typing a
//! password; and a flood from everywhere does not last against a login that takes milliseconds.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::source::Source;

/// Everybody who waits before the shared.
#[derive(Clone, Default)]
pub(crate) struct PreLoginLimit(Arc<Mutex<Members>>);

#[derive(Default)]
struct Members {
    next: u64,
    /// Who is in it, in no order.
    present: Vec<Member>,
}

struct Member {
    id: u64,
    from: Source,
    pushed_out: CancellationToken,
}

/// One connection's place in the crowd, until it is dropped.
pub(crate) struct PreLoginSlot {
    crowd: PreLoginLimit,
    id: u64,
    /// Cancelled when it has been pushed out.
    pub(crate) pushed_out: CancellationToken,
}

impl PreLoginLimit {
    /// A place for somebody `from` there. `dice` are two random numbers, one for whether somebody must go and
    /// one for who.
    pub(crate) fn enter(&self, from: Source, limit: usize, dice: (u32, u32)) -> PreLoginSlot {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = members.next;
        members.next += 1;
        let pushed_out = CancellationToken::new();
        members.present.push(Member {
            id,
            from,
            pushed_out: pushed_out.clone(),
        });
        if must_one_go(members.present.len(), limit, dice.0)
            && let Some(unlucky) = members.unlucky(dice.1)
        {
            members.present.swap_remove(unlucky).pushed_out.cancel();
        }
        PreLoginSlot {
            crowd: self.clone(),
            id,
            pushed_out,
        }
    }
}

impl Members {
    /// One of those who come from where most come from.
    fn unlucky(&self, dice: u32) -> Option<usize> {
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
            .get(dice as usize % candidates.len().max(1))
            .copied()
    }
}

impl PreLoginSlot {
    /// It turns out to come from there.
    pub(crate) fn is_from(&self, from: SocketAddr) {
        let mut members = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let mut members = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = members
            .present
            .iter()
            .position(|member| member.id == self.id)
        {
            members.present.swap_remove(place);
        }
    }
}

/// Never up to half of the limit, always beyond it, in between with a chance that grows evenly.
fn must_one_go(present: usize, limit: usize, dice: u32) -> bool {
    let begins = limit / 2;
    let Some(over) = present.checked_sub(begins + 1) else {
        return false;
    };
    let span = limit - begins;
    over >= span || u64::from(dice) * (span as u64) < (over as u64) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: (u32, u32) = (u32::MAX, 0);
    const HERE: Source = Source::V6([0; 4]);
    const THERE: Source = Source::V6([1; 4]);

    fn present(crowd: &PreLoginLimit) -> usize {
        crowd.0.lock().unwrap().present.len()
    }

    #[test]
    fn it_never_holds_more_than_the_limit() {
        for limit in 1..20 {
            let crowd = PreLoginLimit::default();
            let places: Vec<PreLoginSlot> = (0..200)
                .map(|who| crowd.enter(HERE, limit, (u32::MAX, who)))
                .collect();
            assert_eq!(present(&crowd), limit);
            let out = places
                .iter()
                .filter(|place| place.pushed_out.is_cancelled())
                .count();
            assert_eq!(out, 200 - limit);
            drop(places);
            assert_eq!(present(&crowd), 0);
        }
    }

    #[test]
    fn up_to_half_of_the_limit_nobody_goes() {
        let crowd = PreLoginLimit::default();
        let places: Vec<PreLoginSlot> = (0..32).map(|_| crowd.enter(HERE, 64, (0, 0))).collect();
        assert!(places.iter().all(|place| !place.pushed_out.is_cancelled()));
        let _one_more = crowd.enter(HERE, 64, (0, 0));
        assert_eq!(present(&crowd), 33, "the chance begins at nothing");
        let _next = crowd.enter(HERE, 64, (0, 0));
        assert_eq!(present(&crowd), 33);
    }

    #[test]
    fn the_chance_grows_with_the_crowd() {
        let chance = |present| {
            (0..1000_u32)
                .filter(|part| must_one_go(present, 64, part * (u32::MAX / 1000)))
                .count()
        };
        assert_eq!(chance(33), 0);
        assert!((480..=520).contains(&chance(49)), "{}", chance(49));
        assert_eq!(chance(65), 1000);
    }

    #[test]
    fn a_flood_from_one_place_pushes_out_itself() {
        let crowd = PreLoginLimit::default();
        let typing = crowd.enter(THERE, 8, NEVER);
        let flood: Vec<PreLoginSlot> = (0..500).map(|who| crowd.enter(HERE, 8, (0, who))).collect();
        assert!(!typing.pushed_out.is_cancelled());
        assert_eq!(
            flood
                .iter()
                .filter(|place| !place.pushed_out.is_cancelled())
                .count(),
            present(&crowd) - 1
        );
        // Who turns out to come through the same balancer from elsewhere is not held for one of them.
        let other = crowd.enter(HERE, 8, (0, 0));
        if !other.pushed_out.is_cancelled() {
            other.is_from("192.0.2.1:5".parse().unwrap());
        }
        assert!(!typing.pushed_out.is_cancelled());
    }

    #[test]
    fn who_leaves_by_itself_makes_room() {
        let crowd = PreLoginLimit::default();
        for _ in 0..1000 {
            let place = crowd.enter(HERE, 1, NEVER);
            assert!(!place.pushed_out.is_cancelled());
        }
    }
}
