//! Records of application data are decrypted and encrypted without allocation.

mod support;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::{Recording, SUITES};
use tls_records::{AFTER, BEFORE};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// The only test of this binary: whatever is allocated meanwhile is counted.
#[test]
fn nothing_is_allocated_for_data() {
    for suite in SUITES {
        let recording = Recording::of(suite);
        let (mut ours, mut peer) = (recording.ours(), recording.peer());
        let wire: Vec<u8> = (1..100)
            .flat_map(|size| peer.data(&vec![7; size * 100]))
            .collect();
        let (mut buffer, mut answers) = (wire, Vec::new());
        let mut event = [0; BEFORE + 20 + AFTER];
        let region = Region::new(ALLOCATOR);
        let (mut opened, mut sealed) = (0, 0);
        while let Some(record) = ours
            .open(&mut buffer[opened..], sealed - opened, &mut answers)
            .unwrap()
        {
            sealed = opened + record.next;
            opened += record.data;
            ours.seal(&mut event, BEFORE..BEFORE + 20, &mut answers)
                .unwrap();
        }
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0));
        assert_eq!(opened, (1..100).map(|size| size * 100).sum());
    }
}
