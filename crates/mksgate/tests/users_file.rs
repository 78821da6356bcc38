//! A users file with a pattern that matches no console: `check` and `serve` refuse it, and a reload keeps the old one.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use bytes::BytesMut;
use console::tls::Trust;
use esxi_sim::{DEMO_PASSWORD, Host, Settings, VmSettings};
use rfb_proto::{Client, ClientStep, Password};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use support::{mksgate, reserved_port, run, signal};

/// A hash that `mksgate passwd` printed for the password "x".
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$t2dIS7GCpYHUKunPpwb3uw$dgLDrR/+jioPf+BcqP30PKFWdcX43S5Y3HjdCN1rsD8";

fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// A configuration with the console `web01` of a vSphere at `address`, for the users of the file `users`.
fn folder(address: &str, port: u16, users: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    for (name, text) in [
        ("secret", DEMO_PASSWORD),
        ("users", users),
        ("cert.pem", &made.cert.pem()),
        ("key.pem", &made.signing_key.serialize_pem()),
    ] {
        secret(&folder.path().join(name), text);
    }
    let text = format!(
        "[vsphere.lab]\naddress = \"{address}\"\nusername = \"root\"\npassword_file = \"secret\"\n\
         trust = \"danger-accept-any\"\n\
         [auth.staff]\nmethods = [\"x509-plain\"]\nusers_file = \"users\"\ncertificate = \"cert.pem\"\n\
         private_key = \"key.pem\"\n\
         [[console]]\nport = {port}\nvsphere = \"lab\"\nvm = \"web01\"\nauth = \"staff\"\n"
    );
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

/// Logs in with the password "x".
fn log_in(port: u16, user: &str) -> Result<(), String> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut client = Client::new(None)
        .with_tls()
        .with_user(user, Password::new("x"));
    let mut input = BytesMut::new();
    if !until_step(&mut client, &mut input, &mut socket)? {
        return Ok(());
    }
    let config = Arc::new(Trust::DangerAcceptAny.client().unwrap());
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(config, name).unwrap();
    let mut encrypted = StreamOwned::new(session, socket);
    until_step(&mut client, &mut input, &mut encrypted).map(|_| ())
}

/// Whether TLS is to be started; false when the security handshake is done.
fn until_step(
    client: &mut Client,
    input: &mut BytesMut,
    stream: &mut (impl Read + Write),
) -> Result<bool, String> {
    loop {
        let mut output = BytesMut::new();
        let step = client.advance(input, &mut output);
        stream.write_all(&output).unwrap();
        match step.map_err(|refusal| refusal.to_string())? {
            ClientStep::StartTls => return Ok(true),
            ClientStep::Ready(_) => return Ok(false),
            _ => {
                let mut chunk = [0; 1024];
                let count = stream.read(&mut chunk).unwrap();
                assert_ne!(count, 0, "the connection ended during the handshake");
                input.extend_from_slice(&chunk[..count]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_serve_refuse_it_with_the_same_sentences() {
    let users = format!("vera:{HASH}:wbe01,viewonly\nada:{HASH}:lba:web01\n");
    let folder = folder("127.0.0.1:9", 5901, &users);
    let at = "mksgate: gateway.toml:8:14: users: line";
    let expected = format!(
        "{at} 1: \"wbe01\" of the user vera matches no console: did you mean \"web01\"?\n\
         {at} 1: unknown word \"viewonly\" of the user vera: did you mean view-only?\n\
         {at} 2: \"lba:web01\" of the user ada matches no console: did you mean \"lab:web01\"?\n"
    );
    for arguments in [&["check"][..], &["check", "--offline"], &["serve"]] {
        let (code, out, error) = run(mksgate(&folder, arguments)).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert_eq!(error, expected, "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_keeps_the_old_users_and_logs_why() {
    let host = Host::start(Settings {
        vms: vec![VmSettings::desktop("web01")],
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap();
    let port = reserved_port();
    let vera = format!("vera:{HASH}:web01,view-only\n");
    let folder = folder(&host.address().to_string(), port, &vera);
    let done = spawn_blocking(move || {
        let mut child = mksgate(&folder, &["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut ready).unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut logged = |words: &str| {
            loop {
                let mut line = String::new();
                log.read_line(&mut line).unwrap();
                assert_ne!(line, "", "the log ended before {words:?}");
                if line.contains(words) {
                    return line;
                }
            }
        };
        log_in(port, "vera").unwrap();
        let wrong = vera.replace("view-only", "viewonly") + &vera.replace("vera", "bob");
        secret(&folder.path().join("users"), &wrong);
        signal(&child, "-HUP");
        let line = logged("cannot reload");
        assert!(
            line.contains("WARN")
                && line.contains("users: line 1: unknown word")
                && line.contains("did you mean view-only?"),
            "{line}"
        );
        log_in(port, "vera").unwrap();
        let refused = log_in(port, "bob").unwrap_err();
        assert!(refused.contains("wrong user name or password"), "{refused}");
        // The corrected file is loaded.
        secret(
            &folder.path().join("users"),
            &wrong.replace("viewonly", "view-only"),
        );
        signal(&child, "-HUP");
        logged("configuration applied");
        log_in(port, "bob").unwrap();
        signal(&child, "-KILL");
        child.wait().unwrap();
    });
    done.await.unwrap();
}
