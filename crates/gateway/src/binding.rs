//! Binds listeners; a conflict among the gateway's own addresses gets an error of its own.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::entrance::Entrance;
use crate::overlap::may_overlap;
use crate::settings::Admin;
use crate::start_error::StartError;

/// An address to listen on, and its name in errors.
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

/// Binds all of them and adds their addresses to `ours`. Where one fails, those bound before are closed.
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

/// Binds `address`. `ours` are the addresses that the gateway listens on already: where one of them overlaps, the error names
/// it instead of another program.
pub(crate) async fn bind(
    address: SocketAddr,
    what: &str,
    ours: &[SocketAddr],
) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| {
        let what = what.to_owned();
        let overlapping = ours.iter().find(|other| may_overlap(&address, other));
        match (source.kind(), overlapping) {
            (io::ErrorKind::AddrInUse, Some(&beside)) => StartError::Overlap {
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
