//! What will be done with a console's endpoint, as the command line and the environment say.

use std::net::SocketAddr;

use clap::Args;

use super::port;
use crate::commands::CommandError;
use crate::viewer_program::{Kind, ViewerProgram};

/// Who will use it.
pub(super) enum Client {
    /// Whoever reads where it is.
    Serve,
    /// Whoever has our standard input and output.
    Stdio,
    /// A command of the user's own.
    Command(Vec<String>),
    /// A viewer.
    View(ViewerProgram),
}

/// Who is to see it, and where. The heading of what stands before it ends here.
#[derive(Args)]
#[command(next_help_heading = None::<&str>)]
pub(super) struct ClientArgs {
    /// The viewer to start: a name (TigerVNC, Remmina, …) or a program [default: $VNCVIEWER, else the first that is found]
    #[arg(long, value_name = "NAME|PATH")]
    viewer: Option<String>,
    /// Start no viewer: print one line {"address":…,"port":…,"password":…} and serve one viewer after another
    #[arg(long, conflicts_with_all = ["viewer", "stdio", "command"])]
    proxy_only: bool,
    /// Where to listen, on loopback only; a port of 0 takes a free one [default: 127.0.0.1:0, or a Unix socket for a viewer that takes one]
    #[arg(long, value_name = "ADDR:PORT", value_parser = port::on_loopback)]
    pub(super) listen: Option<SocketAddr>,
    /// Be the console on standard input and output, as for `ssh HOST mksgate connect VM --stdio` and socat
    #[arg(long, conflicts_with_all = ["viewer", "command", "listen"])]
    stdio: bool,
    /// A command to run in place of a viewer; {{host}}, {{port}} and {{display}} are filled in, and VNC_PASSWORD is set
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "viewer")]
    command: Vec<String>,
}

impl ClientArgs {
    /// Finds the viewer, where there is to be one.
    pub(super) fn client(&self) -> Result<Client, CommandError> {
        if self.proxy_only {
            return Ok(Client::Serve);
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
        let viewer = viewer.map_err(CommandError::Failed)?;
        require_display(&viewer)?;
        Ok(Client::View(viewer))
    }
}

/// Where there is none, every viewer would say so in words of its own. Who knows what an unknown one needs.
fn require_display(viewer: &ViewerProgram) -> Result<(), CommandError> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_one = cfg!(windows) || cfg!(target_os = "macos");
    if has_one || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || viewer.kind == Kind::Unknown {
        return Ok(());
    }
    Err(CommandError::Failed(format!(
        "there is no screen for {} here (neither DISPLAY nor WAYLAND_DISPLAY is set): use --proxy-only, or come by ssh -X",
        viewer.kind.name()
    )))
}
