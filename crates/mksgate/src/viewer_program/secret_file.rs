//! Files by which some viewers are told where to connect and with which password, in folders that nobody else can look
//! into.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::endpoint::PrivatePort;

/// A file, there for as long as this exists.
pub(super) struct SecretFile {
    _folder: TempDir,
    /// Where it is.
    pub(super) path: PathBuf,
}

impl SecretFile {
    /// A profile of Remmina's. It has all but the password, which Remmina itself adds, in a form of its own.
    pub(super) async fn remmina(port: &PrivatePort, program: &Path) -> io::Result<Self> {
        let (host, number, title) = (port.host(), port.address.port(), &port.title);
        let file = Self::write(
            "console.remmina",
            &format!(
                "[remmina]\nname={title}\nprotocol=VNC\nserver={host}:{number}\nquality=9\ncolordepth=32\n"
            ),
        )?;
        let mut adding = Command::new(program)
            .arg("--update-profile")
            .arg(&file.path)
            .args(["--set-option", "password"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(mut stdin) = adding.stdin.take() {
            let line = format!("{}\n", port.password.expose_secret());
            stdin.write_all(line.as_bytes()).await?;
        }
        adding.wait().await?;
        Ok(file)
    }

    /// What virt-viewer calls a connection file. It deletes it as soon as it has read it.
    pub(super) fn virt_viewer(port: &PrivatePort) -> io::Result<Self> {
        let (host, number) = (port.address.ip(), port.address.port());
        let (title, password) = (&port.title, port.password.expose_secret());
        Self::write(
            "console.vv",
            &format!(
                "[virt-viewer]\ntype=vnc\nhost={host}\nport={number}\npassword={password}\ntitle={title}\ndelete-this-file=1\n"
            ),
        )
    }

    fn write(name: &str, text: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("mksgate-").tempdir()?;
        let path = folder.path().join(name);
        std::fs::File::create(&path)?.write_all(text.as_bytes())?;
        Ok(Self {
            _folder: folder,
            path,
        })
    }
}
