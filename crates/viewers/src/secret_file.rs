//! Connection files of viewers, in private directories.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use super::command::command_without_secrets;
use super::endpoint::PrivatePort;
use super::private_files::{self, private_folder};
use console::printable::printable;

/// Deleted on drop.
pub(crate) struct SecretFile {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl SecretFile {
    /// A Remmina profile. Remmina adds the password itself, encrypted in its own format.
    pub(crate) async fn remmina(port: &PrivatePort, program: &Path) -> io::Result<Self> {
        let file = Self::write("console.remmina", &profile(port))?;
        let mut adding = command_without_secrets(program)
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
        // Remmina rewrites the file with umask permissions.
        private_files::restrict(&file.path)?;
        Ok(file)
    }

    /// A virt-viewer connection file, which virt-viewer deletes after reading.
    pub(crate) fn virt_viewer(port: &PrivatePort) -> io::Result<Self> {
        let (host, number) = (port.address.ip(), port.address.port());
        let (title, password) = (value(&port.title), port.password.expose_secret());
        Self::write(
            "console.vv",
            &format!(
                "[virt-viewer]\ntype=vnc\nhost={host}\nport={number}\npassword={password}\ntitle={title}\ndelete-this-file=1\n"
            ),
        )
    }

    fn write(name: &str, text: &str) -> io::Result<Self> {
        let folder = private_folder()?;
        let path = folder.path().join(name);
        private_files::write(&path, text)?;
        Ok(Self {
            _folder: folder,
            path,
        })
    }
}

fn profile(port: &PrivatePort) -> String {
    let (host, number, title) = (port.host(), port.address.port(), value(&port.title));
    format!(
        "[remmina]\nname={title}\nprotocol=VNC\nserver={host}:{number}\nquality=9\ncolordepth=32\n"
    )
}

/// Escapes a value for GLib's key file format. Removes line ends, with which a VM's name could add keys.
fn value(text: &str) -> String {
    printable(text).replace('\\', r"\\")
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    /// A VM name that tries to add keys.
    fn port() -> PrivatePort {
        PrivatePort {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 5901)),
            password: "secret".into(),
            title: "vm\nhost=evil\r\nprecommand=evil\n[other]\na\\b".into(),
        }
    }

    /// The keys that a parser would find.
    fn keys(text: &str) -> Vec<(&str, &str)> {
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with('['));
        lines.map(|line| line.split_once('=').unwrap()).collect()
    }

    const TITLE: &str = r"vmhost=evilprecommand=evil[other]a\\b";

    #[test]
    fn remmina_profile_escapes_the_title() {
        let expected = [
            ("name", TITLE),
            ("protocol", "VNC"),
            ("server", "127.0.0.1:5901"),
            ("quality", "9"),
            ("colordepth", "32"),
        ];
        assert_eq!(keys(&profile(&port())), expected);
    }

    #[test]
    fn virt_viewer_file_escapes_the_title() {
        let file = SecretFile::virt_viewer(&port()).unwrap();
        let text = std::fs::read_to_string(&file.path).unwrap();
        let expected = [
            ("type", "vnc"),
            ("host", "127.0.0.1"),
            ("port", "5901"),
            ("password", "secret"),
            ("title", TITLE),
            ("delete-this-file", "1"),
        ];
        assert_eq!(keys(&text), expected);
    }
}
