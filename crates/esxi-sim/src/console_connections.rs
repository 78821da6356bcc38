//! The console connections of a VM, as QueryConnections lists and DropConnections ends them.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The console connections of one VM.
pub(crate) struct Connections {
    /// `RemoteDisplay.maxConnections`.
    limit: Option<u32>,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    opened: u64,
    open: Vec<Connection>,
}

/// One console connection.
#[derive(Clone)]
pub(crate) struct Connection {
    /// Unique within the VM.
    pub(crate) label: String,
    pub(crate) client: IpAddr,
    dropped: CancellationToken,
}

/// `RemoteDisplay.maxConnections`, which is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LimitReached(pub(crate) u32);

impl Connections {
    pub(crate) fn new(limit: Option<u32>) -> Self {
        Self {
            limit,
            list: Mutex::default(),
        }
    }

    /// Adds a connection; dropping the [`OpenConsole`] removes it.
    ///
    /// # Errors
    /// There are as many as are allowed.
    pub(crate) fn open(self: &Arc<Self>, client: IpAddr) -> Result<OpenConsole, LimitReached> {
        let mut list = self.lock();
        self.check(&list)?;
        list.opened += 1;
        let connection = Connection {
            label: format!("mks-{}", list.opened),
            client,
            dropped: CancellationToken::new(),
        };
        list.open.push(connection.clone());
        Ok(OpenConsole {
            connections: Arc::clone(self),
            connection,
            lingers: false,
        })
    }

    /// Checks that one more connection is allowed.
    ///
    /// # Errors
    /// There are as many as are allowed.
    pub(crate) fn check_limit(&self) -> Result<(), LimitReached> {
        self.check(&self.lock())
    }

    pub(crate) fn list(&self) -> Vec<Connection> {
        self.lock().open.clone()
    }

    /// Ends the connections with these labels; unknown labels are ignored.
    pub(crate) fn drop_labelled(&self, labels: &[&str]) {
        self.drop_those(|connection| labels.contains(&connection.label.as_str()));
    }

    /// Ends all connections, lingering ones included.
    pub(crate) fn drop_all(&self) {
        self.drop_those(|_| true);
    }

    fn drop_those(&self, is_meant: impl Fn(&Connection) -> bool) {
        let is_kept = |connection: &Connection| {
            let is_meant = is_meant(connection);
            if is_meant {
                connection.dropped.cancel();
            }
            !is_meant
        };
        self.lock().open.retain(is_kept);
    }

    fn check(&self, list: &List) -> Result<(), LimitReached> {
        match self.limit {
            Some(limit) if list.open.len() as u64 >= limit.into() => Err(LimitReached(limit)),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection.
pub(crate) struct OpenConsole {
    connections: Arc<Connections>,
    connection: Connection,
    lingers: bool,
}

impl OpenConsole {
    /// Completes when DropConnections or a change of power ends the connection.
    pub(crate) async fn dropped(&self) {
        self.connection.dropped.cancelled().await;
    }

    /// Leaves the connection in the list until it is dropped from there.
    pub(crate) fn linger(mut self) {
        self.lingers = true;
    }
}

impl Drop for OpenConsole {
    fn drop(&mut self) {
        if !self.lingers {
            self.connections
                .drop_labelled(&[self.connection.label.as_str()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_connection_counts_until_it_ends_and_a_lingering_one_until_it_is_dropped() {
        let connections = Arc::new(Connections::new(Some(1)));
        let first = connections.open(CLIENT).ok().unwrap();
        assert_eq!(connections.open(CLIENT).err(), Some(LimitReached(1)));
        drop(first);
        let second = connections.open(CLIENT).ok().unwrap();
        second.linger();
        assert_eq!(connections.check_limit(), Err(LimitReached(1)));
        let [lingering] = &connections.list()[..] else {
            panic!()
        };
        connections.drop_labelled(&["another"]);
        assert_eq!(connections.check_limit(), Err(LimitReached(1)));
        connections.drop_labelled(&[lingering.label.as_str()]);
        assert_eq!(connections.check_limit(), Ok(()));
    }
}
