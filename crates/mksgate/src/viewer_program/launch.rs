//! How each viewer is started: where it learns the address and the password, none of which other users may see.

use std::io;
use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::endpoint::{Endpoint, PrivatePort};
use super::installed::ViewerProgram;
use super::kind::Kind;
use super::secret_file::SecretFile;
use crate::secret_variables::program_without;

/// Where TigerVNC looks for a password; so may a command of the user's own.
const PASSWORD: &str = "VNC_PASSWORD";

/// A viewer that is ready to be started.
pub(crate) struct Launch {
    command: Command,
    /// What it reads from its standard input.
    input: Option<SecretString>,
    /// What somebody has to type, where it can be told in no other way.
    pub(crate) password_to_type: Option<SecretString>,
    /// A file that it reads; it goes when this goes.
    _file: Option<SecretFile>,
}

impl ViewerProgram {
    /// Makes ready what it needs to find its way.
    ///
    /// # Errors
    /// A file for it cannot be made.
    pub(crate) async fn launch(&self, endpoint: &Endpoint) -> io::Result<Launch> {
        let mut command = program_without(&self.program);
        command.args(&self.arguments).stdin(Stdio::null());
        let mut launch = Launch {
            command,
            input: None,
            password_to_type: None,
            _file: None,
        };
        match endpoint {
            Endpoint::Port(port) => self.pass_address(port, &mut launch).await?,
            #[cfg(unix)]
            Endpoint::Socket(path) => {
                launch.command.arg(path);
            }
        }
        Ok(launch)
    }

    async fn pass_address(&self, port: &PrivatePort, launch: &mut Launch) -> io::Result<()> {
        match self.kind {
            Kind::Remmina => {
                let file = SecretFile::remmina(port, &self.program).await?;
                launch.command.arg("-c").arg(&file.path);
                launch._file = Some(file);
                return Ok(());
            }
            Kind::RemoteViewer => {
                let file = SecretFile::virt_viewer(port)?;
                launch.command.arg(&file.path);
                launch._file = Some(file);
                return Ok(());
            }
            Kind::TigerVnc => {
                let password = port.password.expose_secret();
                launch.command.env(PASSWORD, password);
            }
            Kind::TightVnc if !cfg!(windows) => {
                launch.command.arg("-autopass");
                launch.input = Some(port.password.clone());
            }
            // It may know the variable or not.
            Kind::Unknown => {
                let password = port.password.expose_secret();
                launch.command.env(PASSWORD, password);
                launch.password_to_type = Some(port.password.clone());
            }
            _ => launch.password_to_type = Some(port.password.clone()),
        }
        launch.command.args(self.kind.address(port));
        Ok(())
    }
}

impl Kind {
    /// The words by which it is told where to connect.
    fn address(self, port: &PrivatePort) -> Vec<String> {
        let (host, number) = (port.host(), port.address.port());
        match self {
            Self::Gvncviewer => vec![format!("{host}:{}", port.display())],
            Self::Krdc => vec![format!("vnc://{host}:{number}")],
            // Until it is quit, not until its window is there.
            Self::ScreenSharing => vec!["-W".into(), format!("vnc://{host}:{number}")],
            Self::UltraVnc => vec!["-connect".into(), format!("{host}::{number}")],
            _ => vec![format!("{host}::{number}")],
        }
    }
}

impl Launch {
    /// A command of the user's own, with `{{host}}`, `{{port}}` and `{{display}}` filled in. It finds the password in
    /// `VNC_PASSWORD`.
    pub(crate) fn custom_command(words: &[String], port: &PrivatePort) -> Self {
        let fill = |word: &String| {
            word.replace("{{host}}", &port.address.ip().to_string())
                .replace("{{port}}", &port.address.port().to_string())
                .replace("{{display}}", &port.display().to_string())
        };
        let mut words = words.iter().map(fill);
        let mut command = program_without(words.next().unwrap_or_default());
        let password = port.password.expose_secret();
        command.args(words).env(PASSWORD, password);
        Self {
            command,
            input: None,
            password_to_type: None,
            _file: None,
        }
    }

    /// Starts it. It is killed should the result be dropped before it has ended.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) async fn start(&mut self) -> io::Result<Child> {
        self.command.kill_on_drop(true);
        if self.input.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.command.spawn()?;
        if let (Some(input), Some(mut stdin)) = (&self.input, child.stdin.take()) {
            let line = format!("{}\n", input.expose_secret());
            // Ignored on purpose: it has ended, and that will be told.
            let _ = stdin.write_all(line.as_bytes()).await;
        }
        Ok(child)
    }
}
