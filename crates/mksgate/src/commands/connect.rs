//! `mksgate connect`: one console without a daemon, on a private endpoint, and a viewer that looks at it.

mod child;
mod plan;
mod port;
#[cfg(unix)]
mod socket;
mod stdio;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::which::{Chosen, Which};
use super::{CommandError, say};
use crate::config::Config;
use crate::signals::Ends;
use crate::terminal::{Spinner, Terminal, tell};
use crate::viewer_program::{Endpoint, Launch, PrivatePort, ViewerProgram};
use plan::Plan;
use port::InUse;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    which: Which,
    /// The viewer to start: a name (TigerVNC, Remmina, …) or a program [default: $VNCVIEWER, else the first that is found]
    #[arg(long, value_name = "NAME|PATH")]
    viewer: Option<String>,
    /// Start no viewer: print one line {"address":…,"port":…,"password":…} and serve one viewer after another
    #[arg(long, conflicts_with_all = ["viewer", "stdio", "command"])]
    proxy_only: bool,
    /// Where to listen; a port of 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), hide_default_value = true)]
    listen: SocketAddr,
    /// Be the console on standard input and output, as for ssh's ProxyCommand and socat
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

/// Opens the console's endpoint and stays until the viewer goes; its exit code is the answer.
pub(crate) async fn run(
    options: Options,
    config: Config,
    terminal: Terminal,
) -> Result<ExitCode, CommandError> {
    // Before anything is connected to: without a viewer there is nothing to connect for.
    let plan = options.plan()?;
    let within = config.gateway.handshake_timeout;
    let listen = options.listen;
    let work = async |chosen: &Chosen, spinner: &Spinner| {
        chosen.must_run()?;
        spinner.done();
        match &plan {
            Plan::Stdio => stdio::run(chosen, within).await,
            Plan::Serve => port::open(chosen, listen, within, serve).await,
            Plan::Command(words) => {
                let command = async |port: PrivatePort, ends: &mut Ends, _: &InUse| {
                    let program = words.first().map(String::as_str).unwrap_or_default();
                    child::run(&mut Launch::own(words, &port), program, ends).await
                };
                port::open(chosen, listen, within, command).await
            }
            Plan::View(viewer) => {
                let name = viewer.kind.name();
                let shown = viewer.program.display();
                terminal.note(format!("{}: {name} ({shown})", chosen.vm.name));
                #[cfg(unix)]
                if viewer.kind.takes_socket() {
                    return socket::open(chosen, within, viewer).await;
                }
                let view = async |port: PrivatePort, ends: &mut Ends, in_use: &InUse| {
                    let over = in_use.over();
                    view(viewer, &Endpoint::Port(port), ends, over).await
                };
                port::open(chosen, listen, within, view).await
            }
        }
    };
    options.which.stay(config, terminal, work).await
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
            () = ends.next() => {}
        }
    }
    Ok(code)
}
