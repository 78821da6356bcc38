//! Echoes every message of the Autobahn|Testsuite's fuzzing server, over plain TCP and this crate alone.
//!
//! The server's address comes from `$WSTEST` (`ws://127.0.0.1:PORT`). Each case is a connection of its
//! own; the suite judges what it saw on the wire.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use ws_proto::{
    Close, CloseCode, Decoder, Event, FrameBuffer, Kind, MaskKey, Opcode, Role, Upgrade, Violation,
    control,
};

/// The suite's largest message is 16 MiB.
const LARGEST_MESSAGE: usize = 16 << 20;

/// Masking protects proxies from chosen bytes; a test on loopback needs no unpredictable key.
const KEY: Option<MaskKey> = Some([0x1d, 0x2e, 0x3f, 0x40]);

fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::var("WSTEST")?;
    let address = server
        .strip_prefix("ws://")
        .ok_or("WSTEST must be ws://HOST:PORT")?;
    let mut count = String::new();
    converse(address, "/getCaseCount", |_, message| {
        count = String::from_utf8_lossy(message).into();
        false
    })?;
    for case in 1..=count.parse::<u32>()? {
        let target = format!("/runCase?case={case}&agent=ws-proto");
        match converse(address, &target, |_, _| true) {
            Ok(()) => {}
            Err(error) => eprintln!("case {case}: {error}"),
        }
    }
    converse(address, "/updateReports?agent=ws-proto", |_, _| false)?;
    Ok(())
}

/// One connection, until it closes. `hear` sees each whole message and says whether to send it back.
fn converse(
    address: &str,
    target: &str,
    mut hear: impl FnMut(Kind, &[u8]) -> bool,
) -> Result<(), Box<dyn Error>> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let mut input = BytesMut::new();
    open(&mut socket, &mut input, address, target)?;
    let mut decoder = Decoder::new(Role::Client);
    let mut message = Vec::new();
    loop {
        match decoder.decode(&mut input) {
            Ok(Some(Event::Data {
                kind,
                payload,
                last,
            })) => {
                message.extend_from_slice(&payload);
                if message.len() > LARGEST_MESSAGE {
                    return Ok(close(&mut socket, CloseCode::TOO_BIG)?);
                }
                if last {
                    if let Err(violation) = text_is_utf8(kind, &message) {
                        return Ok(close(&mut socket, violation.close_code())?);
                    }
                    if hear(kind, &message) {
                        echo(&mut socket, kind, &message)?;
                    }
                    message.clear();
                }
            }
            Ok(Some(Event::Ping(payload))) => {
                socket.write_all(&control(Opcode::Pong, &payload, KEY))?
            }
            Ok(Some(Event::Pong(_))) => {}
            Ok(Some(Event::Close(said))) => {
                let code = said.map_or(CloseCode::NORMAL, |close| close.code);
                return Ok(close(&mut socket, code)?);
            }
            Ok(None) if read(&mut socket, &mut input)? == 0 => return Ok(()),
            Ok(None) => {}
            Err(violation) => return Ok(close(&mut socket, violation.close_code())?),
        }
    }
}

fn open(
    socket: &mut TcpStream,
    input: &mut BytesMut,
    address: &str,
    target: &str,
) -> Result<(), Box<dyn Error>> {
    let upgrade = Upgrade::new(address, target, None, *b"0123456789abcdef", &[])?;
    socket.write_all(upgrade.request())?;
    while !upgrade.read_answer(input)? {
        if read(socket, input)? == 0 {
            return Err("the server ended the connection in its answer".into());
        }
    }
    Ok(())
}

/// The gateway refuses text; the suite wants to see it echoed, and text must be UTF-8 (section 8.1).
fn text_is_utf8(kind: Kind, message: &[u8]) -> Result<(), Violation> {
    if kind == Kind::Text && str::from_utf8(message).is_err() {
        return Err(Violation::CloseReason);
    }
    Ok(())
}

fn echo(socket: &mut TcpStream, kind: Kind, message: &[u8]) -> io::Result<()> {
    let opcode = match kind {
        Kind::Text => Opcode::Text,
        Kind::Binary => Opcode::Binary,
    };
    let mut buffer = FrameBuffer::new(message.len());
    buffer.payload_mut().copy_from_slice(message);
    socket.write_all(buffer.frame(message.len(), opcode, KEY))
}

/// Says why, then waits for the server to end the connection, as section 7.1.1 asks of a client.
fn close(socket: &mut TcpStream, code: CloseCode) -> io::Result<()> {
    let said = socket.write_all(&control(Opcode::Close, &Close::new(code).payload(), KEY));
    let mut rest = [0; 4096];
    while said.is_ok() && matches!(socket.read(&mut rest), Ok(1..)) {}
    match said {
        // The server may have gone first: nothing is owed to it then.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}

fn read(socket: &mut TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    let mut buffer = [0; 64 * 1024];
    let count = socket.read(&mut buffer)?;
    input.extend_from_slice(buffer.get(..count).unwrap_or_default());
    Ok(count)
}
