//! How each viewer gets address and password, without exposing them to other users.

use std::io;
use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::command::command_without_secrets;
use crate::endpoint::{Endpoint, PrivatePort};
use crate::installed::ViewerProgram;
use crate::kind::Kind;
use crate::secret_file::SecretFile;

/// Environment variable that TigerVNC reads the password from, and custom commands may.
const PASSWORD: &str = "VNC_PASSWORD";

/// Environment variables with the address, for custom commands.
const HOST: &str = "VNC_HOST";
const PORT: &str = "VNC_PORT";

/// A viewer program that is about to be started.
pub struct Launch {
    command: Command,
    /// Written to its stdin.
    input: Option<SecretString>,
    /// Shown to the user if the viewer takes no password otherwise.
    pub password_to_type: Option<SecretString>,
    /// Connection file, deleted on drop.
    _file: Option<SecretFile>,
}

impl ViewerProgram {
    /// Prepares the command and its files.
    ///
    /// # Errors
    /// A file cannot be created.
    pub async fn launch(&self, endpoint: &Endpoint) -> io::Result<Launch> {
        let mut command = command_without_secrets(&self.program);
        let own_address = match endpoint {
            Endpoint::Port(port) => {
                let words = self.arguments.iter().map(|word| filled(word, port));
                command.args(words);
                self.arguments
                    .iter()
                    .any(|word| filled(word, port) != *word)
            }
            #[cfg(unix)]
            Endpoint::Socket(_) => {
                command.args(&self.arguments);
                false
            }
        };
        command.stdin(Stdio::null());
        let mut launch = Launch {
            command,
            input: None,
            password_to_type: None,
            _file: None,
        };
        match endpoint {
            Endpoint::Port(port) if own_address => export(port, &mut launch.command),
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
            // It may or may not read the variable.
            Kind::Unknown => {
                export(port, &mut launch.command);
                launch.password_to_type = Some(port.password.clone());
            }
            _ => launch.password_to_type = Some(port.password.clone()),
        }
        launch.command.args(self.kind.address(port));
        Ok(())
    }
}

impl Kind {
    /// Address arguments.
    fn address(self, port: &PrivatePort) -> Vec<String> {
        let (host, number) = (port.host(), port.address.port());
        match self {
            Self::Gvncviewer => vec![format!("{host}:{}", port.display())],
            Self::Krdc => vec![format!("vnc://{host}:{number}")],
            // -W: `open` waits for the application to exit.
            Self::ScreenSharing => vec!["-W".into(), format!("vnc://{host}:{number}")],
            Self::UltraVnc => vec!["-connect".into(), format!("{host}::{number}")],
            _ => vec![format!("{host}::{number}")],
        }
    }
}

/// The word with `{{host}}`, `{{port}}`, `{{display}}` and `{{password}}` replaced.
fn filled(word: &str, port: &PrivatePort) -> String {
    word.replace("{{host}}", &port.address.ip().to_string())
        .replace("{{port}}", &port.address.port().to_string())
        .replace("{{display}}", &port.display().to_string())
        .replace("{{password}}", port.password.expose_secret())
}

/// Puts address and password into the environment, which other users cannot read.
fn export(port: &PrivatePort, command: &mut Command) {
    command
        .env(HOST, port.address.ip().to_string())
        .env(PORT, port.address.port().to_string())
        .env(PASSWORD, port.password.expose_secret());
}

impl Launch {
    /// A custom command with its placeholders replaced, and address and password in its environment.
    pub fn custom_command(words: &[String], port: &PrivatePort) -> Self {
        let mut words = words.iter().map(|word| filled(word, port));
        let mut command = command_without_secrets(words.next().unwrap_or_default());
        command.args(words);
        export(port, &mut command);
        Self {
            command,
            input: None,
            password_to_type: None,
            _file: None,
        }
    }

    /// Starts the program, which is killed when the result is dropped.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start(&mut self) -> io::Result<Child> {
        self.command.kill_on_drop(true);
        if self.input.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.command.spawn()?;
        if let (Some(input), Some(mut stdin)) = (&self.input, child.stdin.take()) {
            let line = format!("{}\n", input.expose_secret());
            // A program that has exited already is reported by its exit code.
            let _ = stdin.write_all(line.as_bytes()).await;
        }
        Ok(child)
    }
}
