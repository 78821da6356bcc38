//! The client of `connect`, as chosen by options and environment.

use std::net::SocketAddr;

use clap::Args;

use super::port;
use crate::commands::CommandError;
use crate::commands::failure::{Failure, NO_SUCH_PROGRAM};
use viewers::{Kind, ViewerProgram};

/// What connects to the console.
pub(super) enum Client {
    /// Viewers started by somebody else (`--proxy-only`).
    Serve {
        /// One only.
        once: bool,
    },
    /// The peer of our stdin and stdout (`--stdio`).
    Stdio,
    /// A command in place of a viewer.
    Command(Vec<String>),
    /// A known viewer program.
    View(ViewerProgram),
}

/// Options that choose the client. Resets the help heading of the options before.
#[derive(Args)]
#[command(next_help_heading = None::<&str>)]
pub(super) struct ClientArgs {
    /// The viewer to start: a name (TigerVNC, Remmina, …) or a program [default: $VNCVIEWER, else the first one that is
    /// installed]
    #[arg(long, value_name = "NAME|PATH")]
    viewer: Option<String>,
    /// Start no viewer: print one line {"address":…,"port":…,"password":…} and serve viewers until Ctrl-C
    #[arg(long, conflicts_with_all = ["viewer", "stdio", "command"])]
    proxy_only: bool,
    /// With --proxy-only: serve one viewer, and end when it leaves. A second one is refused meanwhile. A viewer whose password is
    /// wrong does not count
    #[arg(long, requires = "proxy_only")]
    once: bool,
    /// Where to listen, on loopback only; port 0 takes a free one [default: 127.0.0.1:0, or a Unix socket for viewers that support
    /// it]
    #[arg(long, value_name = "ADDR:PORT", value_parser = port::parse_loopback)]
    pub(super) listen: Option<SocketAddr>,
    /// Serve the console on stdin and stdout, for example for `ssh HOST mksgate connect VM --stdio` or socat
    #[arg(long, conflicts_with_all = ["viewer", "command", "listen"])]
    pub(super) stdio: bool,
    /// Command to run instead of a viewer; {{host}}, {{port}}, {{display}} and {{password}} are replaced, and VNC_HOST, VNC_PORT
    /// and VNC_PASSWORD are set. Other users of this machine can read {{password}} in the list of processes: rather let the
    /// program take VNC_PASSWORD from its environment
    #[arg(
        index = 2,
        last = true,
        value_name = "COMMAND",
        conflicts_with = "viewer"
    )]
    command: Vec<String>,
}

impl ClientArgs {
    /// Chooses the client; fails if the viewer is not installed.
    pub(super) fn client(&self) -> Result<Client, CommandError> {
        if self.proxy_only {
            return Ok(Client::Serve { once: self.once });
        }
        if self.stdio {
            return Ok(Client::Stdio);
        }
        if !self.command.is_empty() {
            return Ok(Client::Command(self.command.clone()));
        }
        let variable = || {
            let named = std::env::var("VNCVIEWER").ok();
            named.filter(|name| !name.is_empty())
        };
        let viewer = match self.viewer.clone().or_else(variable) {
            Some(name) => ViewerProgram::named(&name),
            None => ViewerProgram::any(),
        };
        let viewer = viewer.map_err(no_such_program)?;
        require_display(&viewer)?;
        Ok(Client::View(viewer))
    }
}

fn no_such_program(sentence: String) -> CommandError {
    CommandError::failed(Failure::local(NO_SUCH_PROGRAM, sentence))
}

/// Checked here so that the error is the same for all viewers. An unknown viewer may need no display.
fn require_display(viewer: &ViewerProgram) -> Result<(), CommandError> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let always_has_display = cfg!(windows) || cfg!(target_os = "macos");
    if always_has_display
        || is_set("DISPLAY")
        || is_set("WAYLAND_DISPLAY")
        || viewer.kind == Kind::Unknown
    {
        return Ok(());
    }
    let name = viewer.kind.name();
    Err(CommandError::failed(Failure::local(
        "no-display",
        format!(
            "{name} needs a display, but neither DISPLAY nor WAYLAND_DISPLAY is set: use --proxy-only, or connect with ssh -X"
        ),
    )))
}
