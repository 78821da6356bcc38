//! The console client against scripted hosts.

use std::time::Duration;

use bytes::BytesMut;
use rfb_proto::PixelFormat;
use rfb_proto::keys::Layout;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use ws_proto::{Decoder, Event, FrameBuffer, Opcode, Role};

use super::*;
use crate::address::Address;
use crate::error::Error;
use crate::host_link::{HostLink, OpenConsole};
use crate::mask_keys::MaskKeys;
use crate::stream::Stream;

/// A scripted host.
struct Host {
    socket: TcpStream,
    decoder: Decoder,
    input: BytesMut,
}

impl Host {
    /// A host and a console connected to it, before ClientInit.
    async fn with_console() -> (Self, OpenConsole) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ours = TcpStream::connect(address).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let console = OpenConsole {
            link: HostLink {
                address: Address::parse(&address.to_string(), 443).unwrap(),
                stream: Stream::plain(ours),
                decoder: Decoder::new(Role::Client),
                input: BytesMut::new(),
                payload: BytesMut::new(),
                keys: MaskKeys::new(),
                pongs: 0,
            },
            slot: None,
            watch: None,
        };
        let host = Self {
            socket,
            decoder: Decoder::new(Role::Server),
            input: BytesMut::new(),
        };
        (host, console)
    }

    async fn send(&mut self, bytes: &[u8]) {
        let mut buffer = FrameBuffer::new(bytes.len());
        buffer.payload_mut().copy_from_slice(bytes);
        let frame = buffer.frame(bytes.len(), Opcode::Binary, None);
        self.socket.write_all(frame).await.unwrap();
    }

    /// Reads up to a FramebufferUpdateRequest, which is a WebSocket message of its own.
    async fn wait_for_request(&mut self) {
        loop {
            match self.decoder.decode(&mut self.input).unwrap() {
                Some(Event::Data { payload, .. }) if payload.first() == Some(&3) => return,
                Some(_) => {}
                None => {
                    let count = self.socket.read_buf(&mut self.input).await.unwrap();
                    assert_ne!(count, 0, "the client closed the connection");
                }
            }
        }
    }
}

/// A ServerInit for one pixel, without a name.
fn server_init() -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 1];
    PixelFormat::VMWARE.write(&mut bytes);
    bytes.extend([0; 4]);
    bytes
}

/// An update of that pixel.
const UPDATE: [u8; 20] = [0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 2, 3, 0];

/// ServerCaps with the key capability.
const CAPS: [u8; 8] = [127, 0, 0, 8, 0, 0, 0, 2];

/// Types against a host that answers the first update request with `first` and the one after the keys with `then`.
async fn played(first: &[&[u8]], then: &[u8]) -> (KeyEncoding, Result<(), Error>) {
    let (mut host, console) = Host::with_console().await;
    let cancel = CancellationToken::new();
    let viewer = async {
        let (mut viewer, _) = ConsoleClient::enter(console).await.unwrap();
        let press = viewer.negotiate_keys(KeyEncoding::UsKeysym).await.unwrap();
        let chords = chords_of("x", Layout::Us).unwrap();
        let played = viewer.play(&chords, press, Duration::ZERO, &cancel).await;
        played.unwrap();
        (press, viewer.wait_until_read().await)
    };
    let host = async {
        host.send(&server_init()).await;
        host.wait_for_request().await;
        for message in first {
            host.send(message).await;
        }
        host.wait_for_request().await;
        if !then.is_empty() {
            host.send(then).await;
        }
        drop(host);
    };
    tokio::join!(viewer, host).0
}

#[tokio::test(start_paused = true)]
async fn answer_to_a_later_request_confirms_the_keys() {
    let (press, result) = played(&[&CAPS, &UPDATE], &UPDATE).await;
    assert_eq!(press, KeyEncoding::Scancode);
    result.unwrap();
    // In one message: no time passes in between.
    let both = [&UPDATE[..], &CAPS].concat();
    let (press, result) = played(&[&both], &UPDATE).await;
    assert_eq!(press, KeyEncoding::Scancode);
    result.unwrap();
}

#[tokio::test(start_paused = true)]
async fn neither_an_earlier_update_nor_caps_confirms_the_keys() {
    // ServerCaps comes before the first update, and nothing after the keys.
    let (_, result) = played(&[&CAPS, &UPDATE], &[]).await;
    result.unwrap_err();
    // ServerCaps comes after the keys.
    let (press, result) = played(&[&UPDATE], &CAPS).await;
    assert_eq!(press, KeyEncoding::UsKeysym);
    result.unwrap_err();
}
