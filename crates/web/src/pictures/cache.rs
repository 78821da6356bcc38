//! The last picture of each VM, and when the next may be taken.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::HeaderValue;
use bytes::Bytes;
use tokio::time::Instant;

use crate::assets::entity_tag;
use crate::row::Key;

/// VMs whose state is kept; for further ones there are no pictures until one of these is due.
const MAX_VMS: usize = 8192;

/// Bytes of all pictures: some 2,000 of them. The one that was asked for longest ago makes room.
const MAX_BYTES: usize = 64 << 20;

/// Older pictures are not shown: the VM has long changed, and a new one is taken within seconds.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// A picture of a VM that nobody has asked for in this time is not taken: whoever did has scrolled on.
const WANTED: Duration = Duration::from_secs(30);

/// The longest pause after pictures that could not be taken.
const MAX_PAUSE: Duration = Duration::from_secs(10 * 60);

/// A PNG and its strong entity tag.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    pub(crate) png: Bytes,
    pub(crate) tag: HeaderValue,
}

impl Picture {
    pub(super) fn new(png: Vec<u8>) -> Self {
        Self {
            tag: entity_tag(&png),
            png: png.into(),
        }
    }
}

/// What there is of a picture.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Asked {
    /// The last one.
    pub(crate) picture: Option<Picture>,
    /// Whether a new one is to be taken now: the caller then does so.
    pub(crate) take: bool,
    /// Whether a new one will be there soon.
    pub(crate) pending: bool,
}

#[derive(Default)]
pub(super) struct Cache {
    vms: HashMap<Key, Entry>,
    /// Of all pictures.
    bytes: usize,
}

struct Entry {
    picture: Option<Picture>,
    /// When the host had sent the picture.
    taken: Instant,
    /// When somebody has last asked for it.
    asked: Instant,
    /// When the next may be taken.
    next: Instant,
    /// It is being taken, or waits for its turn.
    pending: bool,
    /// How many times in a row it could not be taken.
    failures: u32,
    /// `/screen` has refused.
    by_task: bool,
}

impl Cache {
    /// Somebody asks for the picture of a VM.
    pub(super) fn ask(&mut self, key: &Key, now: Instant, may_take: bool) -> Asked {
        if !self.vms.contains_key(key) && !self.has_room(now) {
            return Asked::default();
        }
        let entry = self.vms.entry(key.clone());
        let entry = entry.or_insert_with(|| Entry::new(now));
        entry.asked = now;
        let take = may_take && !entry.pending && now >= entry.next;
        entry.pending |= take;
        let is_recent = now.duration_since(entry.taken) < MAX_AGE;
        Asked {
            picture: entry.picture.clone().filter(|_| is_recent),
            take,
            pending: entry.pending,
        }
    }

    /// Whether the picture is still to be taken, whose turn has come: the next one then has to wait. If so, whether `/screen`
    /// has refused before.
    pub(super) fn begin(&mut self, key: &Key, now: Instant, every: Duration) -> Option<bool> {
        let entry = self.vms.get_mut(key)?;
        if now.duration_since(entry.asked) >= WANTED {
            entry.pending = false;
            return None;
        }
        entry.next = now + every;
        Some(entry.by_task)
    }

    /// Its turn will come later.
    pub(super) fn put_off(&mut self, key: &Key) {
        if let Some(entry) = self.vms.get_mut(key) {
            entry.pending = false;
        }
    }

    /// The picture was taken. `by_task`: `/screen` has refused.
    pub(super) fn succeed(&mut self, key: &Key, picture: Picture, now: Instant, by_task: bool) {
        // Gone where the VM was switched off meanwhile.
        let Some(entry) = self.vms.get_mut(key) else {
            return;
        };
        entry.pending = false;
        entry.taken = now;
        entry.failures = 0;
        entry.by_task = by_task;
        self.bytes += picture.png.len();
        let before = entry.picture.replace(picture);
        self.bytes -= before.map_or(0, |before| before.png.len());
        while self.bytes > MAX_BYTES && self.drop_oldest() {}
    }

    /// The picture could not be taken: the pause before the next attempt doubles.
    pub(super) fn fail(&mut self, key: &Key, now: Instant, every: Duration) {
        if let Some(entry) = self.vms.get_mut(key) {
            entry.pending = false;
            let pause = every.saturating_mul(2_u32.saturating_pow(entry.failures));
            entry.failures = entry.failures.saturating_add(1);
            entry.next = entry.next.max(now + pause.min(MAX_PAUSE.max(every)));
        }
    }

    /// Forgets the picture of a VM that is not on. When the next may be taken is remembered.
    pub(super) fn forget(&mut self, key: &Key) {
        if let Some(entry) = self.vms.get_mut(key) {
            let before = entry.picture.take();
            self.bytes -= before.map_or(0, |before| before.png.len());
        }
    }

    /// Makes room for another VM, by forgetting one whose next picture may be taken at once: its state tells nothing.
    fn has_room(&mut self, now: Instant) -> bool {
        if self.vms.len() < MAX_VMS {
            return true;
        }
        let is_due = |entry: &Entry| !entry.pending && entry.next <= now;
        let due = self.vms.iter().filter(|(_, entry)| is_due(entry));
        let oldest = due.min_by_key(|(_, entry)| entry.asked);
        let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
            return false;
        };
        self.forget(&oldest);
        self.vms.remove(&oldest);
        true
    }

    /// Drops the picture that was asked for longest ago. Returns whether there was one.
    fn drop_oldest(&mut self) -> bool {
        let with_picture = self.vms.iter().filter(|(_, entry)| entry.picture.is_some());
        let oldest = with_picture.min_by_key(|(_, entry)| entry.asked);
        let oldest = oldest.map(|(key, _)| key.clone());
        oldest.inspect(|key| self.forget(key)).is_some()
    }
}

impl Entry {
    const fn new(now: Instant) -> Self {
        Self {
            picture: None,
            taken: now,
            asked: now,
            next: now,
            pending: false,
            failures: 0,
            by_task: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);

    fn key(number: usize) -> Key {
        Key::Vm("lab".into(), format!("vm-{number}"))
    }

    fn picture(length: usize) -> Picture {
        Picture::new(vec![0; length])
    }

    fn asked(picture: Option<Picture>, take: bool, pending: bool) -> Asked {
        Asked {
            picture,
            take,
            pending,
        }
    }

    #[test]
    fn a_picture_is_taken_once_per_interval_however_many_ask() {
        let (mut cache, begin) = (Cache::default(), Instant::now());
        let some = || Some(picture(5));
        assert_eq!(cache.ask(&key(1), begin, true), asked(None, true, true));
        assert_eq!(cache.ask(&key(1), begin, true), asked(None, false, true));
        assert_eq!(cache.begin(&key(1), begin, EVERY), Some(false));
        cache.succeed(&key(1), picture(5), begin, true);
        let soon = begin + EVERY - Duration::from_millis(1);
        let (soon, due) = (cache.ask(&key(1), soon, true), begin + EVERY);
        assert_eq!(soon, asked(some(), false, false));
        assert_eq!(cache.ask(&key(1), due, true), asked(some(), true, true));
        assert_eq!(cache.begin(&key(1), due, EVERY), Some(true));
        cache.forget(&key(1));
        assert_eq!(cache.ask(&key(1), due, true), asked(None, false, true));
        assert_eq!(cache.bytes, 0);
    }

    #[test]
    fn what_nobody_waits_for_is_not_taken_and_what_is_old_not_shown() {
        let (mut cache, begin) = (Cache::default(), Instant::now());
        let later = begin + WANTED;
        cache.ask(&key(1), begin, true);
        assert_eq!(cache.begin(&key(1), later, EVERY), None);
        assert_eq!(cache.ask(&key(1), later, true), asked(None, true, true));
        cache.begin(&key(1), later, EVERY);
        cache.succeed(&key(1), picture(5), later, false);
        let old = cache.ask(&key(1), later + MAX_AGE, false);
        assert_eq!(old, asked(None, false, false));
    }

    #[test]
    fn failures_double_the_pause() {
        let (mut cache, mut now) = (Cache::default(), Instant::now());
        for pause in [30, 60, 120, 240, 480, 600, 600] {
            assert!(cache.ask(&key(1), now, true).take, "{pause}");
            cache.begin(&key(1), now, EVERY);
            cache.fail(&key(1), now, EVERY);
            let before = now + Duration::from_secs(pause - 1);
            assert!(!cache.ask(&key(1), before, true).take, "{pause}");
            now += Duration::from_secs(pause);
        }
    }

    #[test]
    fn memory_is_bounded() {
        let (mut cache, begin) = (Cache::default(), Instant::now());
        let large = picture(1 << 20);
        for number in 0..MAX_VMS + 10 {
            let now = begin + Duration::from_millis(number as u64);
            let asked = cache.ask(&key(number), now, true);
            assert_eq!(asked.take, number < MAX_VMS, "{number}");
            cache.begin(&key(number), now, Duration::from_secs(3600));
            cache.succeed(&key(number), large.clone(), now, false);
        }
        assert_eq!((cache.vms.len(), cache.bytes), (MAX_VMS, MAX_BYTES));
        assert_eq!(cache.ask(&key(0), begin, false), Asked::default());
        let last = cache.ask(&key(MAX_VMS - 1), begin, false);
        assert!(last.picture.is_some());
        let later = begin + Duration::from_secs(7200);
        assert!(cache.ask(&key(MAX_VMS), later, true).take);
        assert_eq!(cache.vms.len(), MAX_VMS);
    }
}
