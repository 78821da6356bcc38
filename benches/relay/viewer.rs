//! The viewer in front of all relays.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant};

use crate::mix::Mix;
use crate::source::Order;

/// A connection on which orders may be given.
pub(crate) struct Viewer(TcpStream);

impl Viewer {
    /// Connects, and where the relay speaks RFB, shakes hands.
    pub(crate) async fn enter(address: SocketAddr, rfb: bool) -> std::io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        if rfb {
            let mut heard = [0; 12];
            stream.read_exact(&mut heard).await?;
            stream.write_all(b"RFB 003.008\n").await?;
            stream.read_exact(&mut heard[..2]).await?;
            stream.write_all(&[1]).await?;
            stream.read_exact(&mut heard[..4]).await?;
            if heard[..4] != [0; 4] {
                return Err(std::io::Error::other("the relay did not let the viewer in"));
            }
            stream.write_all(&[1]).await?;
        }
        Ok(Self(stream))
    }

    /// Orders passes and reads them all. Says how many bytes that was.
    pub(crate) async fn receive(&mut self, mix: Mix, passes: u64) -> std::io::Result<u64> {
        self.0.write_all(&Order::Send(mix, passes).bytes()).await?;
        let wanted = mix.bare().payload * passes;
        let mut left = wanted;
        let mut buffer = vec![0; 256 << 10];
        while left > 0 {
            let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            match self.0.read(&mut buffer[..most]).await? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                count => left -= count as u64,
            }
        }
        Ok(wanted)
    }

    /// One byte at least has come through.
    pub(crate) async fn settle(&mut self) -> std::io::Result<()> {
        self.round_trips(1, 1).await.map(drop)
    }

    /// Sends events of which every so many is answered, and waits for the answer. How long each took to be
    /// answered, from the first event that it answers.
    pub(crate) async fn round_trips(
        &mut self,
        count: usize,
        every: usize,
    ) -> std::io::Result<Vec<Duration>> {
        self.0
            .write_all(&Order::Answer(every as u64).bytes())
            .await?;
        let mut took = Vec::with_capacity(count);
        let mut answer = [0; 64];
        for trip in 1..=count {
            let begun = Instant::now();
            for event in 1..=every {
                let last = trip == count && event == every;
                self.0
                    .write_all(if last { b"!eventss" } else { b"pointer." })
                    .await?;
            }
            self.0.read_exact(&mut answer).await?;
            took.push(begun.elapsed());
        }
        Ok(took)
    }
}
