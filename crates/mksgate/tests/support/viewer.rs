//! Clients of `connect`: a reader of the line that it prints, and a viewer that connects and disconnects.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use bytes::BytesMut;
use rfb_proto::{Client, ClientStep, Refusal, SecurityType, VncPassword};
use serde_json::Value;

/// Starts a `--proxy-only` command, and returns its line when it is ready.
pub(crate) fn proxy(mut command: Command) -> (Child, Value) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

pub(crate) fn interrupt(child: &mut Child) -> Option<i32> {
    super::signal(child, "-INT");
    child.wait().unwrap().code()
}

/// Connects to a console and reads its ServerInit: the size of its screen.
pub(crate) fn enter(
    mut reader: impl Read,
    mut writer: impl Write,
    password: Option<&str>,
) -> Result<(u16, u16), Refusal> {
    let password = password.map(|password| VncPassword::new(password).unwrap());
    let mut client = Client::new(password);
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut chunk = [0; 1024];
    loop {
        let step = client.advance(&mut input, &mut output)?;
        writer.write_all(&output.split()).unwrap();
        writer.flush().unwrap();
        if let ClientStep::Ready(ready) = step {
            let asked = client.offered() == [SecurityType::VncPassword.code()];
            assert_eq!(asked, ready.security == SecurityType::VncPassword);
            break;
        }
        let count = reader.read(&mut chunk).unwrap();
        assert_ne!(count, 0, "the connection ended during the handshake");
        input.extend_from_slice(&chunk[..count]);
    }
    writer.write_all(&[1]).unwrap();
    writer.flush().unwrap();
    let mut server_init = [0; 24];
    let have = input.len().min(24);
    server_init[..have].copy_from_slice(&input[..have]);
    reader.read_exact(&mut server_init[have..]).unwrap();
    let side = |at: usize| u16::from_be_bytes([server_init[at], server_init[at + 1]]);
    Ok((side(0), side(2)))
}

pub(crate) fn view(line: &Value, password: &str) -> Result<(u16, u16), Refusal> {
    let port = u16::try_from(line["port"].as_u64().unwrap()).unwrap();
    let address = line["address"].as_str().unwrap();
    let socket = TcpStream::connect((address, port)).unwrap();
    enter(&socket, &socket, Some(password))
}
