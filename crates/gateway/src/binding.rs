//! Addresses to listen on, and what to say where one cannot be had.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::entrance::Entrance;
use crate::overlap::may_overlap;
use crate::settings::Admin;
use crate::start_error::StartError;

/// An address to listen on, and what for.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) listen: SocketAddr,
    pub(crate) what: String,
}

impl Wanted {
    /// For a console.
    pub(crate) fn port(port: &Entrance) -> Self {
        Self {
            listen: port.listen,
            what: port.name().to_owned(),
        }
    }

    /// For `[admin]`.
    pub(crate) fn admin(admin: &Admin) -> Self {
        Self {
            listen: admin.listen,
            what: "[admin]".into(),
        }
    }
}

/// Listeners by the address that was asked for.
pub(crate) type Bound = HashMap<SocketAddr, TcpListener>;

/// Each of them, and adds it to `ours`; none of them where one cannot be had.
pub(crate) async fn bind_all(
    wanted: Vec<Wanted>,
    ours: &mut Vec<SocketAddr>,
) -> Result<Bound, StartError> {
    let mut bound = Bound::new();
    for Wanted { listen, what } in wanted {
        bound.insert(listen, bind(listen, &what, ours).await?);
        ours.push(listen);
    }
    Ok(bound)
}

/// `ours` are those that we listen on already: where one of them is in the way, nobody else is.
pub(crate) async fn bind(
    address: SocketAddr,
    what: &str,
    ours: &[SocketAddr],
) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| {
        let what = what.to_owned();
        let in_the_way = ours.iter().find(|other| may_overlap(&address, other));
        match (source.kind(), in_the_way) {
            (io::ErrorKind::AddrInUse, Some(&beside)) => StartError::Twice {
                address,
                what,
                beside,
            },
            _ => StartError::Bind {
                address,
                what,
                source,
            },
        }
    })
}
