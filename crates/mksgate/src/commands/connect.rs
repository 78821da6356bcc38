//! `mksgate connect`: one console without a daemon, on a private endpoint, and a viewer that looks at it.

mod child;
mod client;
mod outcome;
mod port;
#[cfg(unix)]
mod socket;
mod stdio;
mod target;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::console_args::{ConsoleArgs, ConsoleTarget};
use super::found_vm::FoundVm;
use super::{CommandError, print};
use crate::signals::TerminationSignals;
use crate::terminal::{Spinner, Terminal, print_stderr};
use crate::viewer_program::{Endpoint, Launch, PrivatePort};
use child::view;
use client::{Client, ClientArgs};
use gateway::settings::Config;
use outcome::Outcome;
use port::InUse;
use target::Target;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    console: ConsoleArgs,
    #[command(flatten)]
    client: ClientArgs,
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
    config: impl FnOnce() -> Result<Config, CommandError>,
    terminal: Terminal,
) -> Result<ExitCode, CommandError> {
    let wanted = options.console.wanted(config)?;
    // Before anything is connected to: without a viewer there is nothing to connect for.
    let client = options.client.client()?;
    let listen = options.client.listen;
    match wanted {
        ConsoleTarget::Vm(vm_args, config) => {
            let within = config.gateway.handshake_timeout;
            let work = async |found_vm: &FoundVm, spinner: &Spinner| {
                found_vm.must_run()?;
                spinner.done();
                client
                    .run(&Target::vm(found_vm, within), listen, terminal)
                    .await
            };
            vm_args.run(*config, terminal, work).await
        }
        ConsoleTarget::Url(endpoint, within) => {
            let target = Target::url(endpoint, within);
            client.run(&target, listen, terminal).await
        }
    }
}

impl Client {
    /// Whoever was to see the console has seen why not; what of it nobody else tells is told here.
    async fn run(
        &self,
        target: &Target,
        listen: Option<SocketAddr>,
        terminal: Terminal,
    ) -> Result<ExitCode, CommandError> {
        let (code, failure) = self.open(target, listen, terminal).await?;
        match (self, failure) {
            (Self::Stdio, Some(why)) => Err(CommandError::Failed(why)),
            (Self::Command(_) | Self::View(_), Some(why)) => {
                print_stderr(format!("mksgate: {why}"));
                Ok(code)
            }
            _ => Ok(code),
        }
    }

    async fn open(
        &self,
        target: &Target,
        listen: Option<SocketAddr>,
        terminal: Terminal,
    ) -> Result<Outcome, CommandError> {
        match self {
            Self::Stdio => stdio::run(target).await,
            Self::Serve => port::open(target, listen, serve).await,
            Self::Command(words) => {
                let command = async |port: PrivatePort,
                                     signals: &mut TerminationSignals,
                                     _: &InUse| {
                    let program = words.first().map(String::as_str).unwrap_or_default();
                    child::run(&mut Launch::custom_command(words, &port), program, signals).await
                };
                port::open(target, listen, command).await
            }
            Self::View(viewer) => {
                let name = viewer.kind.name();
                let shown = viewer.program.display();
                terminal.note(format!("{}: {name} ({shown})", target.title));
                #[cfg(unix)]
                if viewer.kind.takes_socket() && listen.is_none() {
                    return socket::open(target, viewer).await;
                }
                let view =
                    async |port: PrivatePort, signals: &mut TerminationSignals, in_use: &InUse| {
                        let over = in_use.until_unused();
                        view(viewer, &Endpoint::Port(port), signals, over).await
                    };
                port::open(target, listen, view).await
            }
        }
    }
}

/// For whoever reads the line; until we are told to end.
async fn serve(
    port: PrivatePort,
    signals: &mut TerminationSignals,
    _: &InUse,
) -> Result<ExitCode, CommandError> {
    let line = Line {
        address: port.address.ip().to_string(),
        port: port.address.port(),
        password: port.password.expose_secret(),
    };
    let line = serde_json::to_string(&line)
        .map_err(|error| CommandError::Failed(format!("cannot write the answer ({error})")))?;
    print(line + "\n")?;
    signals.next().await;
    Ok(ExitCode::SUCCESS)
}
