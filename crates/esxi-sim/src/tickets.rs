//! Console tickets: random, good once, and for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::random;
use crate::vm::Vm;

/// The tickets that were issued and not spent yet.
pub(crate) struct Tickets {
    lifetime: Duration,
    open: Mutex<HashMap<String, Issued>>,
}

struct Issued {
    vm: Arc<Vm>,
    expires: Instant,
}

impl Tickets {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            open: Mutex::default(),
        }
    }

    /// A new ticket for `vm`.
    pub(crate) fn issue(&self, vm: &Arc<Vm>) -> SecretString {
        let ticket = random::token();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        open.retain(|_, issued| issued.expires > now);
        if open.len() >= TICKETS_OPEN {
            drop_oldest(&mut open);
        }
        let issued = Issued {
            vm: Arc::clone(vm),
            expires: now + self.lifetime,
        };
        open.insert(ticket.clone(), issued);
        ticket.into()
    }

    /// The VM that `ticket` is for; afterwards the ticket is good for nothing. `None` if it is unknown, spent or
    /// expired.
    pub(crate) fn spend(&self, ticket: &str) -> Option<Arc<Vm>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let issued = open.remove(ticket)?;
        (issued.expires > Instant::now()).then_some(issued.vm)
    }
}

fn drop_oldest(open: &mut HashMap<String, Issued>) {
    let oldest = open
        .iter()
        .min_by_key(|(_, issued)| issued.expires)
        .map(|(ticket, _)| ticket.clone());
    if let Some(ticket) = oldest {
        open.remove(&ticket);
    }
}

/// How many unspent tickets are kept: eight times what a busy test asks for; the oldest goes first.
const TICKETS_OPEN: usize = 8192;
