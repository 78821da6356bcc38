//! Console tickets: random, usable once, with a lifetime.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::random;

/// The tickets that were issued and not used, each for a `V`.
pub(crate) struct Tickets<V> {
    lifetime: Duration,
    open: Mutex<HashMap<String, Issued<V>>>,
}

struct Issued<V> {
    vm: V,
    expires: Instant,
}

impl<V: Clone> Tickets<V> {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            open: Mutex::new(HashMap::new()),
        }
    }

    /// A new ticket for `vm`.
    pub(crate) fn issue(&self, vm: &V) -> SecretString {
        let ticket = random::token();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        open.retain(|_, issued| issued.expires > now);
        if open.len() >= TICKETS_OPEN {
            drop_oldest(&mut open);
        }
        let issued = Issued {
            vm: vm.clone(),
            expires: now + self.lifetime,
        };
        open.insert(ticket.clone(), issued);
        ticket.into()
    }

    /// Uses a ticket: what it is for, or `None` if it is unknown, used or expired.
    pub(crate) fn spend(&self, ticket: &str) -> Option<V> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let issued = open.remove(ticket)?;
        (issued.expires > Instant::now()).then_some(issued.vm)
    }
}

fn drop_oldest<V>(open: &mut HashMap<String, Issued<V>>) {
    let oldest = open
        .iter()
        .min_by_key(|(_, issued)| issued.expires)
        .map(|(ticket, _)| ticket.clone());
    if let Some(ticket) = oldest {
        open.remove(&ticket);
    }
}

/// The most unused tickets: eight times what a busy test acquires. The oldest goes first.
const TICKETS_OPEN: usize = 8192;
