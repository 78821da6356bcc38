//! `mksgate connect`: opens one console without the daemon, on a private port, socket or stdio, and starts a viewer.

mod child;
mod client;
mod outcome;
mod port;
#[cfg(unix)]
mod socket;
mod stdio;
mod target;

use std::cell::Cell;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::console_args::{ConsoleArgs, ConsoleTarget};
use super::failure::Failure;
use super::found_vm::FoundVm;
use super::{CommandError, print};
use child::view;
use client::{Client, ClientArgs};
use config::client::ClientConfig;
use outcome::Outcome;
use port::InUse;
use target::Target;
use terminal::signals::TerminationSignals;
use terminal::{Spinner, Terminal};
use viewers::{Endpoint, Launch, PrivatePort};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    console: ConsoleArgs,
    #[command(flatten)]
    client: ClientArgs,
}

/// The line that `--proxy-only` prints; its keys are a contract.
#[derive(Serialize)]
struct Line<'a> {
    address: String,
    port: u16,
    password: &'a str,
}

/// Serves the console until the viewer exits, and returns the viewer's exit code.
pub(crate) async fn run(
    options: Options,
    config: impl FnOnce() -> Result<ClientConfig, CommandError>,
    terminal: Terminal,
) -> Result<ExitCode, CommandError> {
    let is_stdio = options.client.stdio;
    let has_begun = Cell::new(false);
    let ended = open(options, &has_begun, config, terminal).await;
    // A session that has begun sends its viewer the reason itself.
    if let (true, false, Err(error)) = (is_stdio, has_begun.get(), &ended) {
        stdio::refuse(error).await;
    }
    ended
}

async fn open(
    options: Options,
    has_begun: &Cell<bool>,
    config: impl FnOnce() -> Result<ClientConfig, CommandError>,
    terminal: Terminal,
) -> Result<ExitCode, CommandError> {
    let target = options.console.into_target(config)?;
    // Fail before connecting if there is no viewer.
    let client = options.client.client()?;
    let listen = options.client.listen;
    match target {
        ConsoleTarget::Vm(vm_args, config) => {
            let within = config.gateway.handshake_timeout;
            let work = async |found_vm: &FoundVm, spinner: &Spinner| {
                found_vm.require_running()?;
                spinner.done();
                has_begun.set(true);
                client
                    .run(&Target::vm(found_vm, within), listen, terminal)
                    .await
            };
            vm_args
                .skipping_unavailable()
                .run(*config, terminal, work)
                .await
        }
        ConsoleTarget::Url(endpoint, within) => {
            let target = Target::url(endpoint, within);
            has_begun.set(true);
            client.run(&target, listen, terminal).await
        }
    }
}

impl Client {
    /// Runs the client. If its last session failed, prints why and returns the exit code for that; only the exit code of a
    /// command that failed itself is returned in any case.
    async fn run(
        &self,
        target: &Target,
        listen: Option<SocketAddr>,
        terminal: Terminal,
    ) -> Result<ExitCode, CommandError> {
        let (code, failure) = self.open(target, listen, terminal).await?;
        match (self, failure) {
            (Self::Stdio | Self::Serve { once: true }, Some(failure)) => {
                Err(CommandError::failed(failure))
            }
            (Self::Command(_), Some(failure)) if code != ExitCode::SUCCESS => {
                Failure::from(failure).print();
                Ok(code)
            }
            (Self::Command(_) | Self::View(_), Some(failure)) => Err(CommandError::failed(failure)),
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
            Self::Serve { once } => {
                let serve =
                    async |port: PrivatePort, signals: &mut TerminationSignals, in_use: &InUse| {
                        print_line(&port)?;
                        let served = async {
                            match once {
                                true => in_use.until_served().await,
                                false => in_use.print_failures().await,
                            }
                        };
                        tokio::select! {
                            () = served => {}
                            _ = signals.next() => {}
                        }
                        Ok(ExitCode::SUCCESS)
                    };
                port::open(target, listen, *once, serve).await
            }
            Self::Command(words) => {
                let command = async |port: PrivatePort,
                                     signals: &mut TerminationSignals,
                                     _: &InUse| {
                    let program = words.first().map(String::as_str).unwrap_or_default();
                    child::run(&mut Launch::custom_command(words, &port), program, signals).await
                };
                port::open(target, listen, false, command).await
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
                        let unused = in_use.until_unused();
                        view(viewer, &Endpoint::Port(port), signals, unused).await
                    };
                port::open(target, listen, false, view).await
            }
        }
    }
}

/// Prints the line of `--proxy-only`.
fn print_line(port: &PrivatePort) -> Result<(), CommandError> {
    let line = Line {
        address: port.address.ip().to_string(),
        port: port.address.port(),
        password: port.password.expose_secret(),
    };
    let line = serde_json::to_string(&line)
        .map_err(|error| CommandError::failed(format!("cannot write the answer ({error})")))?;
    print(line + "\n")
}
