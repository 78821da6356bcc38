//! Happy Eyeballs (RFC 8305) for TCP: connection attempts alternate between IPv6 and IPv4 and start 250 ms apart. The
//! RFC's DNS part (section 3) is left to the system's resolver.

use std::io;
use std::net::SocketAddr;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Duration, Instant, sleep_until};

/// RFC 8305 section 5, "Connection Attempt Delay": its recommended value.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first of `addresses` that answers; attempts start in their order.
///
/// # Errors
/// None answers: the error of the last attempt.
pub async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    race(interleaved(addresses), TcpStream::connect).await
}

/// Resolves `host` and connects likewise.
///
/// # Errors
/// `host` has no address, or none answers.
pub async fn connect_to(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    connect(&addresses).await
}

/// Alternates the address families, beginning with that of the first address (RFC 8305 section 4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<SocketAddr>, Vec<SocketAddr>) = addresses
        .iter()
        .partition(|address| address.is_ipv6() == v6_first);
    let mut others = second.into_iter();
    let mut order = Vec::with_capacity(addresses.len());
    for address in first {
        order.push(address);
        order.extend(others.next());
    }
    order.extend(others);
    order
}

/// Starts the next attempt when the last one failed or [`ATTEMPT_DELAY`] has passed; the first success is returned.
async fn race<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut rest = addresses.into_iter().peekable();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    let mut due = Instant::now();
    loop {
        tokio::select! {
            biased;
            Some(outcome) = attempts.next() => match outcome {
                Ok(connected) => return Ok(connected),
                Err(error) => {
                    failure = error;
                    due = Instant::now();
                }
            },
            () = sleep_until(due), if rest.peek().is_some() => {
                attempts.extend(rest.next().map(&attempt));
                due = Instant::now() + ATTEMPT_DELAY;
            }
            else => return Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Mutex;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_alternate_beginning_with_the_resolvers_first() {
        for (resolved, order) in [
            (
                &["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1", "[::1]:1", "[::2]:1"][..],
                &["1.0.0.1:1", "[::1]:1", "1.0.0.2:1", "[::2]:1", "1.0.0.3:1"][..],
            ),
            (
                &["[::1]:1", "1.0.0.1:1", "1.0.0.2:1"],
                &["[::1]:1", "1.0.0.1:1", "1.0.0.2:1"],
            ),
            (&["1.0.0.1:1"], &["1.0.0.1:1"]),
            (&[], &[]),
        ] {
            assert_eq!(interleaved(&addresses(resolved)), addresses(order));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn black_hole_costs_a_quarter_of_a_second() {
        let began = Instant::now();
        let all = addresses(&["192.0.2.1:1", "[2001:db8::1]:1", "192.0.2.2:1"]);
        let answers = all[2];
        let attempt = async |address| match address == answers {
            true => Ok(address),
            false => pending().await,
        };
        assert_eq!(race(all, attempt).await.unwrap(), answers);
        assert_eq!(began.elapsed(), 2 * ATTEMPT_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_first_address_still_wins_while_the_second_is_silent() {
        let began = Instant::now();
        let all = addresses(&["192.0.2.1:1", "192.0.2.2:1"]);
        let first = all[0];
        let attempt = async |address| match address == first {
            true => {
                sleep_until(began + 3 * ATTEMPT_DELAY).await;
                Ok(address)
            }
            false => pending().await,
        };
        assert_eq!(race(all, attempt).await.unwrap(), first);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_cost_no_time_and_the_last_is_returned() {
        let began = Instant::now();
        let tried = Mutex::new(Vec::new());
        let all = addresses(&["192.0.2.1:1", "192.0.2.2:1"]);
        let attempt = async |address: SocketAddr| {
            tried.lock().unwrap().push(address);
            Err::<(), _>(io::Error::other(address.to_string()))
        };
        let failure = race(all.clone(), attempt).await.unwrap_err();
        assert_eq!(failure.to_string(), "192.0.2.2:1");
        assert_eq!(*tried.lock().unwrap(), all);
        assert_eq!(began.elapsed(), Duration::ZERO);
        let nowhere = race(Vec::new(), async |_| Ok(())).await.unwrap_err();
        assert_eq!(nowhere.kind(), io::ErrorKind::AddrNotAvailable);
    }

    #[tokio::test]
    async fn address_that_refuses_gives_way_to_one_that_listens() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listens = listener.local_addr().unwrap();
        let refuses = addresses(&["127.0.0.1:9"])[0];
        let socket = connect(&[refuses, listens]).await.unwrap();
        assert_eq!(socket.peer_addr().unwrap(), listens);
    }
}
