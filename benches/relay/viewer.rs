//! The viewer in front of all relays.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant};

use crate::bench_host::{ANSWER, Order};
use crate::mix::Mix;

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
            let mut init = [0; 24];
            stream.read_exact(&mut init).await?;
            let name = u32::from_be_bytes([init[20], init[21], init[22], init[23]]);
            stream.read_exact(&mut vec![0; name as usize]).await?;
        }
        Ok(Self(stream))
    }

    /// Orders passes and reads them all. Says how many bytes that was.
    pub(crate) async fn receive(&mut self, mix: Mix, passes: u16) -> std::io::Result<u64> {
        self.0.write_all(&Order::Send(mix, passes).bytes()).await?;
        let wanted = mix.bare().payload * u64::from(passes);
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

    /// The connection itself, on which both sides speak at once from now on.
    pub(crate) async fn compare(mut self, mib: u16) -> std::io::Result<TcpStream> {
        self.0.write_all(&Order::Compare(mib).bytes()).await?;
        Ok(self.0)
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
        let answered = Order::Answer(u16::try_from(every).unwrap());
        self.0.write_all(&answered.bytes()).await?;
        let mut took = Vec::with_capacity(count);
        let mut answer = [0; ANSWER];
        for trip in 1..=count {
            let begun = Instant::now();
            for event in 1..=every {
                let last = trip == count && event == every;
                let event = if last { Order::LastEvent } else { Order::Event };
                self.0.write_all(&event.bytes()).await?;
            }
            self.0.read_exact(&mut answer).await?;
            took.push(begun.elapsed());
        }
        Ok(took)
    }
}
