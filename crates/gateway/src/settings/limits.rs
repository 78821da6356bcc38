//! The `[gateway]` section: limits of time and number.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::reconnect::Reconnect;

/// Limits of the whole gateway.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sessions at once, all ports together: 1 or more.
    pub max_sessions: usize,
    /// Sessions at once on one VM: 1 or more.
    pub max_sessions_per_vm: usize,
    /// Connections at once that have not logged in yet, all ports together: 1 or more.
    pub max_unauthenticated: usize,
    /// From a viewer's connection until its credentials are checked: the user's time.
    pub login_timeout: Duration,
    /// From then until its console is open: the time for vSphere and the console's host.
    pub handshake_timeout: Duration,
    /// The longest time without input from a viewer; `None`: no limit.
    pub idle_timeout: Option<Duration>,
    /// The longest session; `None`: no limit.
    pub max_session_time: Option<Duration>,
    /// What happens while a VM has no console.
    pub reconnect: Reconnect,
    /// The load balancers, which must begin each connection with a PROXY header; `None`: no PROXY headers.
    pub proxy_from: Option<Vec<IpNet>>,
    /// How long open sessions may continue after SIGTERM.
    pub drain_timeout: Duration,
}

impl Limits {
    /// Whether only this machine can reach a port on `listen`: a load balancer would forward connections of others.
    pub fn is_local_only(&self, listen: SocketAddr) -> bool {
        listen.ip().is_loopback() && self.proxy_from.is_none()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_sessions: 1024,
            max_sessions_per_vm: 8,
            max_unauthenticated: 64,
            idle_timeout: None,
            max_session_time: None,
            reconnect: Reconnect::default(),
            proxy_from: None,
            login_timeout: Duration::from_secs(120),
            handshake_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
        }
    }
}
