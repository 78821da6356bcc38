//! `mksgate connect`: one console without a daemon, on a private endpoint, and a viewer that looks at it.

mod child;
mod goal;
mod plan;
mod port;
#[cfg(unix)]
mod socket;
mod stdio;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::wanted::{OfConsole, Wanted};
use super::which::Chosen;
use super::{CommandError, say};
use crate::signals::Ends;
use crate::terminal::{Spinner, Terminal, tell};
use crate::viewer_program::{Endpoint, Launch, PrivatePort, ViewerProgram};
use gateway::settings::Config;
use goal::Goal;
use plan::Plan;
use port::InUse;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    console: OfConsole,
    #[command(flatten)]
    way: Way,
}

/// Who is to see it, and where. The heading of what stands before it ends here.
#[derive(Args)]
#[command(next_help_heading = None::<&str>)]
struct Way {
    /// The viewer to start: a name (TigerVNC, Remmina, …) or a program [default: $VNCVIEWER, else the first that is found]
    #[arg(long, value_name = "NAME|PATH")]
    viewer: Option<String>,
    /// Start no viewer: print one line {"address":…,"port":…,"password":…} and serve one viewer after another
    #[arg(long, conflicts_with_all = ["viewer", "stdio", "command"])]
    proxy_only: bool,
    /// Where to listen, on loopback only; a port of 0 takes a free one [default: 127.0.0.1:0, or a Unix socket for a viewer that takes one]
    #[arg(long, value_name = "ADDR:PORT", value_parser = port::on_loopback)]
    listen: Option<SocketAddr>,
    /// Be the console on standard input and output, as for `ssh HOST mksgate connect VM --stdio` and socat
    #[arg(long, conflicts_with_all = ["viewer", "command", "listen"])]
    stdio: bool,
    /// A command to run in place of a viewer; {{host}}, {{port}} and {{display}} are filled in, and VNC_PASSWORD is set
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "viewer")]
    command: Vec<String>,
}

/// The one line of `--proxy-only`. The names are a contract.
#[derive(Serialize)]
struct Line<'a> {
    address: String,
    port: u16,
    password: &'a str,
}

/// What is left when nobody uses the console any more: the exit code of whoever did, and why the last one did not get
/// what it came for.
type Used = (ExitCode, Option<String>);

/// Opens the console's endpoint and stays until the viewer goes; its exit code is the answer.
pub(crate) async fn run(
    options: Options,
    config: impl FnOnce() -> Result<Config, CommandError>,
    terminal: Terminal,
) -> Result<ExitCode, CommandError> {
    let wanted = options.console.wanted(config)?;
    // Before anything is connected to: without a viewer there is nothing to connect for.
    let plan = options.way.plan()?;
    let listen = options.way.listen;
    match wanted {
        Wanted::Vm(which, config) => {
            let within = config.gateway.handshake_timeout;
            let work = async |chosen: &Chosen, spinner: &Spinner| {
                chosen.must_run()?;
                spinner.done();
                plan.follow(&Goal::vm(chosen, within), listen, terminal)
                    .await
            };
            which.stay(*config, terminal, work).await
        }
        Wanted::Url(endpoint, within) => {
            let goal = Goal::url(endpoint, within);
            plan.follow(&goal, listen, terminal).await
        }
    }
}

impl Plan {
    /// Whoever was to see the console has seen why not; what of it nobody else tells is told here.
    async fn follow(
        &self,
        goal: &Goal,
        listen: Option<SocketAddr>,
        terminal: Terminal,
    ) -> Result<ExitCode, CommandError> {
        let (code, trouble) = self.open(goal, listen, terminal).await?;
        match (self, trouble) {
            (Self::Stdio, Some(why)) => Err(CommandError::Failed(why)),
            (Self::Command(_) | Self::View(_), Some(why)) => {
                tell(format!("mksgate: {why}"));
                Ok(code)
            }
            _ => Ok(code),
        }
    }

    async fn open(
        &self,
        goal: &Goal,
        listen: Option<SocketAddr>,
        terminal: Terminal,
    ) -> Result<Used, CommandError> {
        match self {
            Self::Stdio => stdio::run(goal).await,
            Self::Serve => port::open(goal, listen, serve).await,
            Self::Command(words) => {
                let command = async |port: PrivatePort, ends: &mut Ends, _: &InUse| {
                    let program = words.first().map(String::as_str).unwrap_or_default();
                    child::run(&mut Launch::own(words, &port), program, ends).await
                };
                port::open(goal, listen, command).await
            }
            Self::View(viewer) => {
                let name = viewer.kind.name();
                let shown = viewer.program.display();
                terminal.note(format!("{}: {name} ({shown})", goal.title));
                #[cfg(unix)]
                if viewer.kind.takes_socket() && listen.is_none() {
                    return socket::open(goal, viewer).await;
                }
                let view = async |port: PrivatePort, ends: &mut Ends, in_use: &InUse| {
                    let over = in_use.over();
                    view(viewer, &Endpoint::Port(port), ends, over).await
                };
                port::open(goal, listen, view).await
            }
        }
    }
}

/// For whoever reads the line; until we are told to end.
async fn serve(port: PrivatePort, ends: &mut Ends, _: &InUse) -> Result<ExitCode, CommandError> {
    let line = Line {
        address: port.address.ip().to_string(),
        port: port.address.port(),
        password: port.password.expose_secret(),
    };
    let line = serde_json::to_string(&line)
        .map_err(|error| CommandError::Failed(format!("cannot write the answer ({error})")))?;
    say(line + "\n")?;
    ends.next().await;
    Ok(ExitCode::SUCCESS)
}

/// For this viewer, until it ends; where it has only told another process of its kind, until that is `over`.
async fn view(
    viewer: &ViewerProgram,
    endpoint: &Endpoint,
    ends: &mut Ends,
    over: impl Future<Output = ()>,
) -> Result<ExitCode, CommandError> {
    let program = viewer.program.display().to_string();
    let mut launch = viewer.launch(endpoint).await.map_err(|error| {
        CommandError::Failed(format!("{program} cannot be told where to go ({error})"))
    })?;
    if let Some(password) = &launch.to_be_typed {
        let password = password.expose_secret();
        tell(format!("it will ask for a password, which is {password}"));
    }
    let code = child::run(&mut launch, &program, ends).await?;
    if viewer.kind.hands_over() && code == ExitCode::SUCCESS {
        tokio::select! {
            () = over => {}
            _ = ends.next() => {}
        }
    }
    Ok(code)
}
