//! The viewer in front of all relays.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant};

use crate::bench_host::{ANSWER, Order};
use crate::entry::{Connection, Entry};
use crate::mix::Mix;

/// A connection on which orders may be given.
pub(crate) struct Viewer(Connection);

impl Viewer {
    /// Connects, and shakes hands as the relay wants it.
    pub(crate) async fn enter(address: SocketAddr, entry: Entry) -> io::Result<Self> {
        entry.enter(address).await.map(Self)
    }

    /// Orders passes and reads them all. Says how many bytes that was.
    pub(crate) async fn receive(&mut self, mix: Mix, passes: u16) -> io::Result<u64> {
        self.order(Order::Send(mix, passes)).await?;
        let wanted = mix.bare().payload * u64::from(passes);
        let mut left = wanted;
        let mut buffer = vec![0; 256 << 10];
        while left > 0 {
            let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            match self.0.read(&mut buffer[..most]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => left -= count as u64,
            }
        }
        Ok(wanted)
    }

    /// The connection itself, on which both sides speak at once from now on.
    pub(crate) async fn compare(mut self, mib: u16) -> io::Result<TcpStream> {
        self.order(Order::Compare(mib)).await?;
        match self.0 {
            Connection::Left(stream) => Ok(stream),
            Connection::Right(_) => panic!("only bytes on TCP are compared"),
        }
    }

    /// One byte at least has come through.
    pub(crate) async fn settle(&mut self) -> io::Result<()> {
        self.round_trips(1, 1).await.map(drop)
    }

    /// Sends events of which every so many is answered, and waits for the answer. How long each took to be
    /// answered, from the first event that it answers.
    pub(crate) async fn round_trips(
        &mut self,
        count: usize,
        every: usize,
    ) -> io::Result<Vec<Duration>> {
        let answered = Order::Answer(u16::try_from(every).unwrap());
        self.order(answered).await?;
        let mut took = Vec::with_capacity(count);
        let mut answer = [0; ANSWER];
        for trip in 1..=count {
            let begun = Instant::now();
            for event in 1..=every {
                let last = trip == count && event == every;
                let event = if last { Order::LastEvent } else { Order::Event };
                self.order(event).await?;
            }
            self.0.read_exact(&mut answer).await?;
            took.push(begun.elapsed());
        }
        Ok(took)
    }

    async fn order(&mut self, order: Order) -> io::Result<()> {
        self.0.write_all(&order.bytes()).await?;
        self.0.flush().await
    }
}
