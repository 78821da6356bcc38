//! A scripted VNC viewer that speaks every version of RFB.

use std::net::SocketAddr;

use rfb_proto::VncPassword;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::log;

/// The RFB version that a handshake results in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RfbVersion {
    V3_3,
    V3_7,
    V3_8,
}

impl RfbVersion {
    pub(crate) const ALL: [Self; 3] = [Self::V3_3, Self::V3_7, Self::V3_8];

    pub(crate) fn bytes(self) -> &'static [u8; 12] {
        match self {
            Self::V3_3 => b"RFB 003.003\n",
            Self::V3_7 => b"RFB 003.007\n",
            Self::V3_8 => b"RFB 003.008\n",
        }
    }
}

/// Checks what a viewer is shown: it is short, ends with the session's number, and has no address in it.
pub(crate) fn assert_short(reason: &str) {
    assert!(reason.chars().count() <= 100, "{reason}");
    let number = reason.rsplit_once(" (session ").map(|(_, number)| number);
    let number = number.and_then(|number| number.strip_suffix(')')?.parse::<u64>().ok());
    assert!(number.is_some(), "{reason}");
    assert!(!reason.contains("127.0.0.1"), "{reason}");
}

/// A viewer's connection.
pub(crate) struct Viewer<S = TcpStream> {
    pub(crate) stream: S,
}

/// The contents of ServerInit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Desktop {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) name: String,
}

impl Viewer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        log::expect(stream.local_addr().unwrap());
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// The handshake of a viewer that is refused. Returns the sentence in the log; what the viewer is shown is checked by
    /// [`Viewer::enter`].
    pub(crate) async fn refused(&mut self, version: RfbVersion, password: Option<&str>) -> String {
        let shown = self.enter(version, password).await;
        assert!(shown.is_err(), "the viewer was not refused");
        self.closing_line().await.sentence
    }

    /// Ends the connection and waits for the session's closing line in the log.
    pub(crate) async fn closing_line(&mut self) -> log::Line {
        // The peer may have closed already.
        let _ = self.stream.shutdown().await;
        log::closing_line(self.stream.local_addr().unwrap()).await
    }

    /// Waits for a byte or the end of the connection: whether it is the end.
    pub(crate) async fn is_at_end(&self) -> bool {
        matches!(self.stream.peek(&mut [0]).await, Ok(0))
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    /// The handshake up to SecurityResult, or to its equivalent in `version`.
    ///
    /// # Errors
    /// The reason, empty where the version has none. The connection has ended.
    pub(crate) async fn enter(
        &mut self,
        version: RfbVersion,
        password: Option<&str>,
    ) -> Result<(), String> {
        self.enter_as(version.bytes(), version, password).await
    }

    /// As [`Viewer::enter`], with another ProtocolVersion message.
    pub(crate) async fn enter_as(
        &mut self,
        line: &[u8; 12],
        version: RfbVersion,
        password: Option<&str>,
    ) -> Result<(), String> {
        self.exchange_versions(line).await;
        let wanted = if password.is_some() { 2 } else { 1 };
        match version {
            RfbVersion::V3_3 => match self.word().await {
                0 => return Err(self.reason().await),
                kind => assert_eq!(kind, wanted, "security type"),
            },
            RfbVersion::V3_7 | RfbVersion::V3_8 => {
                let count = self.byte().await;
                if count == 0 {
                    return Err(self.reason().await);
                }
                let types = self.bytes(count.into()).await;
                assert_eq!(types, [wanted as u8], "security types");
                self.send(&types).await;
            }
        }
        match password {
            Some(password) => self.answer_challenge(password).await,
            None if version == RfbVersion::V3_8 => {}
            None => return Ok(()),
        }
        match (self.word().await, version) {
            (0, _) => Ok(()),
            (1, RfbVersion::V3_8) => Err(self.reason().await),
            (1, _) => {
                assert!(self.rest().await.is_empty(), "this version has no reason");
                Err(String::new())
            }
            (other, _) => panic!("SecurityResult {other}"),
        }
    }

    /// The complete handshake in 3.8 without a password.
    pub(crate) async fn open(&mut self) -> Desktop {
        self.enter(RfbVersion::V3_8, None)
            .await
            .expect("the viewer is accepted");
        self.init().await
    }

    pub(crate) async fn exchange_versions(&mut self, line: &[u8; 12]) {
        assert_eq!(self.bytes(12).await, b"RFB 003.008\n");
        self.send(line).await;
    }

    /// RFB 3.8 up to the choice of VNC authentication, which must be the only type that is offered.
    pub(crate) async fn choose_vnc_authentication(&mut self) {
        self.exchange_versions(RfbVersion::V3_8.bytes()).await;
        assert_eq!(self.bytes(2).await, [1, 2]);
        self.send(&[2]).await;
    }

    pub(crate) async fn answer_challenge(&mut self, password: &str) {
        let challenge = self.bytes(16).await.try_into().unwrap();
        let response = VncPassword::new(password).unwrap().respond(&challenge);
        self.send(&response).await;
    }

    /// Sends ClientInit (shared) and reads ServerInit.
    pub(crate) async fn init(&mut self) -> Desktop {
        self.send(&[1]).await;
        let width = self.stream.read_u16().await.unwrap();
        let height = self.stream.read_u16().await.unwrap();
        self.bytes(16).await;
        let length = self.word().await as usize;
        assert!(length < 1000, "a name of {length} bytes");
        let name = String::from_utf8(self.bytes(length).await).unwrap();
        Desktop {
            width,
            height,
            name,
        }
    }

    /// Requests the whole screen: four bytes per pixel (red, green, blue, unused) by rows.
    pub(crate) async fn picture(&mut self, desktop: &Desktop) -> Vec<u8> {
        // 32 bits, depth 24, little-endian, true colour, 255 each, red first.
        let format = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0];
        self.send(&[&[0; 4], &format[..]].concat()).await;
        // SetEncodings: Raw only.
        self.send(&[2, 0, 0, 1, 0, 0, 0, 0]).await;
        let (width, height) = (desktop.width.to_be_bytes(), desktop.height.to_be_bytes());
        self.send(&[&[3, 0, 0, 0, 0, 0][..], &width, &height].concat())
            .await;
        let (width, height) = (usize::from(desktop.width), usize::from(desktop.height));
        let mut picture = vec![0; width * height * 4];
        // A host may send changed areas before the requested picture, more than once.
        let mut seen = vec![false; width * height];
        while seen.contains(&false) {
            self.update(&mut picture, &mut seen, width).await;
        }
        picture
    }

    /// Reads one FramebufferUpdate into `picture` and marks its pixels in `seen`.
    pub(crate) async fn update(&mut self, picture: &mut [u8], seen: &mut [bool], width: usize) {
        assert_eq!(self.byte().await, 0, "message type");
        self.byte().await;
        for _ in 0..self.stream.read_u16().await.unwrap() {
            let mut place = [0; 4];
            for number in &mut place {
                *number = usize::from(self.stream.read_u16().await.unwrap());
            }
            assert_eq!(self.word().await, 0, "encoding");
            let [x, y, across, down] = place;
            for row in y..y + down {
                let start = row * width + x;
                let line = &mut picture[start * 4..(start + across) * 4];
                self.stream.read_exact(line).await.unwrap();
                seen[start..start + across].fill(true);
            }
        }
    }

    /// Presses and releases the key of each character.
    pub(crate) async fn type_text(&mut self, text: &str) {
        for character in text.chars() {
            let keysym = match character {
                '\n' => 0xff0d,
                other => u32::from(other),
            };
            for down in [1, 0] {
                let event = [&[4, down, 0, 0], &keysym.to_be_bytes()[..]].concat();
                self.send(&event).await;
            }
        }
    }

    pub(crate) async fn point(&mut self, x: u16, y: u16, buttons: u8) {
        self.send(&[&[5, buttons], &x.to_be_bytes()[..], &y.to_be_bytes()].concat())
            .await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// Checks that the connection is closed before a byte was sent.
    pub(crate) async fn expect_closed_without_data(mut self) {
        assert_eq!(self.rest().await, b"", "no byte before the end");
    }

    /// Reads to FIN.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream
            .read_to_end(&mut bytes)
            .await
            .expect("the connection ends in order");
        bytes
    }

    /// Reads a reason and the end of the connection after it.
    async fn reason(&mut self) -> String {
        let length = self.word().await as usize;
        let reason = self.rest().await;
        assert_eq!(reason.len(), length, "the reason's length");
        let reason = String::from_utf8(reason).unwrap();
        assert_short(&reason);
        reason
    }

    pub(crate) async fn word(&mut self) -> u32 {
        self.stream.read_u32().await.unwrap()
    }

    async fn byte(&mut self) -> u8 {
        self.stream.read_u8().await.unwrap()
    }
}
