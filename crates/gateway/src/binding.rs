//! Addresses to listen on, and what to say where one cannot be had.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::front_door::port::Port;
use crate::gateway::StartError;
use crate::overlap::may_overlap;

/// Each of them, and adds it to `ours`; none of them where one cannot be had.
pub(crate) async fn bind_all(
    ports: Vec<Arc<Port>>,
    ours: &mut Vec<SocketAddr>,
) -> Result<Vec<(TcpListener, Arc<Port>)>, StartError> {
    let mut bound = Vec::new();
    for port in ports {
        let listen = port.console.listen;
        bound.push((
            bind(listen, &port.console.behind.to_string(), ours).await?,
            port,
        ));
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
