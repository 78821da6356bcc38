//! Options and key playback shared by `type` and `keys`.

use std::pin::pin;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use rfb_proto::keys::Layout;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::found_vm::FoundVm;
use super::vm_args::VmArgs;
use super::{CommandError, or_signal};
use crate::signals::TerminationSignals;
use crate::terminal::{Spinner, Terminal, print_stderr};
use console::client::{Chord, ConsoleClient, KeyEncoding};
use console::dialer::TimeLimit;
use console::socket::CLOSE_TIMEOUT;
use console::{Blame, Error};
use gateway::settings::Config;

/// Longest delay, in milliseconds.
const SLOWEST: u64 = 60_000;

#[derive(Args)]
pub(crate) struct Keyboard {
    /// Keyboard layout of the guest
    #[arg(long, default_value = "us", value_parser = layouts())]
    layout: Layout,
    /// Delay between keys, in milliseconds; firmware and boot loaders may need 100
    #[arg(long, value_name = "MS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=SLOWEST))]
    delay: u64,
}

impl Keyboard {
    pub(crate) const fn layout(&self) -> Layout {
        self.layout
    }

    /// Plays the chords on the VM's console, and releases all keys even when interrupted.
    pub(crate) async fn play(
        &self,
        vm_args: VmArgs,
        chords: &[Chord],
        config: Config,
        terminal: Terminal,
    ) -> Result<(), CommandError> {
        let within = config.gateway.handshake_timeout;
        let mut signals = TerminationSignals::watch()?;
        let work = async |found_vm: &FoundVm, spinner: &Spinner| {
            found_vm.must_run()?;
            let failed = |failure: Error| CommandError::Failed(found_vm.explain(&failure));
            let entered = async { enter(found_vm, within, spinner).await.map_err(failed) };
            let (viewer, press) = or_signal(&mut signals, entered).await?;
            spinner.set_message(format!("pressing {} keys", chords.len()));
            let cancel = CancellationToken::new();
            let mut played = pin!(self.play_on(viewer, chords, press, within, &cancel));
            let ended = tokio::select! {
                played = &mut played => {
                    played.map_err(failed)?.leave().await;
                    None
                }
                by = signals.next() => Some(by),
            };
            if let Some(by) = ended {
                cancel.cancel();
                match timeout(CLOSE_TIMEOUT, played).await {
                    Ok(Ok(viewer)) => viewer.leave().await,
                    _ => print_stderr(format!(
                        "{} has not confirmed that its keys are up: see whether one is held down",
                        found_vm.vm.name
                    )),
                }
                return Err(CommandError::Signalled(by));
            }
            if press == KeyEncoding::Keysym {
                terminal.note(format!(
                    "{} takes no scan codes: its host turns each character into keys by a layout of its own",
                    found_vm.vm.name
                ));
            }
            Ok(())
        };
        vm_args.run(config, terminal, work).await
    }

    /// The playback has no deadline; the confirmation that follows it has `within`.
    async fn play_on(
        &self,
        mut viewer: ConsoleClient,
        chords: &[Chord],
        press: KeyEncoding,
        within: Duration,
        cancel: &CancellationToken,
    ) -> Result<ConsoleClient, Error> {
        let pace = Duration::from_millis(self.delay);
        viewer.play(chords, press, pace, cancel).await?;
        timeout(within, viewer.wait_until_read())
            .await
            .unwrap_or(Err(Error::KeysUnconfirmed(within)))?;
        Ok(viewer)
    }
}

/// Opens the console and asks which key events the host accepts.
async fn enter(
    found_vm: &FoundVm,
    within: Duration,
    spinner: &Spinner,
) -> Result<(ConsoleClient, KeyEncoding), Error> {
    let observer = spinner.observer();
    let limit = TimeLimit::of(within);
    let console = found_vm.dialer().dial(limit, &*observer).await?;
    let entered = async {
        let (mut viewer, _) = ConsoleClient::enter(console).await?;
        let press = viewer.negotiate_keys().await?;
        Ok((viewer, press))
    };
    let slow = || Error::Slow {
        what: "ESXi's keyboard".into(),
        blame: Blame::Esxi,
        within,
    };
    timeout(within, entered)
        .await
        .unwrap_or_else(|_| Err(slow()))
}

fn layouts() -> impl TypedValueParser<Value = Layout> {
    PossibleValuesParser::new(Layout::ALL.map(Layout::name))
        .map(|name| Layout::from_name(&name).unwrap_or(Layout::Us))
}
