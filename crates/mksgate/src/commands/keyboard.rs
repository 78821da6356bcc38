//! Options and key playback shared by `type` and `keys`.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use rfb_proto::keys::Layout;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::console_args::ConsoleTarget;
use super::failure::{CANNOT_TYPE, Failure};
use super::found_vm::FoundVm;
use super::{CommandError, or_signal};
use console::client::{Chord, ConsoleClient, KeyEncoding};
use console::dialer::{Dialer, TimeLimit};
use console::socket::CLOSE_TIMEOUT;
use console::{Blame, Error};
use terminal::signals::TerminationSignals;
use terminal::{Spinner, Terminal, print_stderr};

/// Longest delay, in milliseconds.
const MAX_DELAY_MS: u64 = 60_000;

/// The most characters or keys that an error names.
const LISTED: usize = 8;

#[derive(Args)]
pub(crate) struct Keyboard {
    /// Keyboard layout of the guest
    #[arg(long, default_value = "us", value_parser = layouts())]
    layout: Layout,
    /// Delay between keys, in milliseconds; firmware and boot loaders may need 100
    #[arg(long, value_name = "MS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=MAX_DELAY_MS))]
    delay: u64,
}

impl Keyboard {
    pub(crate) const fn layout(&self) -> Layout {
        self.layout
    }

    /// Plays the chords on the console, and releases all keys even when interrupted.
    pub(crate) async fn play(
        &self,
        target: ConsoleTarget,
        chords: &[Chord],
        terminal: Terminal,
    ) -> Result<(), CommandError> {
        match target {
            ConsoleTarget::Vm(vm_args, config) => {
                let within = config.gateway.handshake_timeout;
                let mut signals = TerminationSignals::watch()?;
                let work = async |found_vm: &FoundVm, spinner: &Spinner| {
                    found_vm.require_running()?;
                    let console = Console {
                        name: &found_vm.vm.name,
                        dialer: found_vm.dialer(),
                        explain: &|error| found_vm.explain(&error),
                        within,
                    };
                    self.play_on(&console, chords, &mut signals, spinner, terminal)
                        .await
                };
                vm_args.run(*config, terminal, work).await
            }
            ConsoleTarget::Url(endpoint, within) => {
                let console = Console {
                    name: &endpoint.name,
                    dialer: Dialer::Url(Arc::clone(&endpoint)),
                    explain: &CommandError::from,
                    within,
                };
                let mut signals = TerminationSignals::watch()?;
                let spinner = terminal.spinner("asking for the URL");
                self.play_on(&console, chords, &mut signals, &spinner, terminal)
                    .await
            }
        }
    }

    async fn play_on(
        &self,
        console: &Console<'_>,
        chords: &[Chord],
        signals: &mut TerminationSignals,
        spinner: &Spinner,
        terminal: Terminal,
    ) -> Result<(), CommandError> {
        let name = console.name;
        let opened = async { console.open(spinner).await.map_err(console.explain) };
        let (viewer, encoding) = or_signal(signals, opened).await?;
        let lacking = encoding.cannot_send(chords);
        if !lacking.is_empty() {
            viewer.leave().await;
            let sentence = self.not_sent(name, &lacking);
            return Err(CommandError::failed(Failure::local(CANNOT_TYPE, sentence)));
        }
        spinner.set_message(format!("pressing {} keys", chords.len()));
        let (cancel, within) = (CancellationToken::new(), console.within);
        let mut played = pin!(self.play_chords(viewer, chords, encoding, within, &cancel));
        let ended = tokio::select! {
            played = &mut played => {
                played.map_err(console.explain)?.leave().await;
                None
            }
            by = signals.next() => Some(by),
        };
        if let Some(by) = ended {
            cancel.cancel();
            match timeout(CLOSE_TIMEOUT, played).await {
                Ok(Ok(viewer)) => viewer.leave().await,
                _ => print_stderr(format!(
                    "{name} did not confirm that all keys are released: check whether a key is still held down"
                )),
            }
            return Err(CommandError::Signalled(by));
        }
        if encoding == KeyEncoding::UsKeysym {
            terminal.note(format!(
                "the host of {name} does not accept scan codes: the keys were sent as on a US keyboard, which it is assumed to have"
            ));
        }
        Ok(())
    }

    fn not_sent(&self, name: &str, lacking: &[&str]) -> String {
        format!(
            "nothing was typed, since the host of {} does not accept scan codes, and {} (layout {}) cannot be sent without: leave that out",
            name,
            listed(lacking),
            self.layout.name()
        )
    }

    /// The playback has no deadline; the confirmation that follows it has `within`.
    async fn play_chords(
        &self,
        mut viewer: ConsoleClient,
        chords: &[Chord],
        encoding: KeyEncoding,
        within: Duration,
        cancel: &CancellationToken,
    ) -> Result<ConsoleClient, Error> {
        let delay = Duration::from_millis(self.delay);
        viewer.play(chords, encoding, delay, cancel).await?;
        timeout(within, viewer.wait_until_read())
            .await
            .unwrap_or(Err(Error::KeysUnconfirmed(within)))?;
        Ok(viewer)
    }
}

/// The names of keys or characters in a message: the first eight, and the number of the others.
pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    let first: Vec<&str> = names.iter().take(LISTED).map(AsRef::as_ref).collect();
    let first = first.join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => first,
        others => format!("{first} and {others} others"),
    }
}

/// The console on which keys are played.
struct Console<'a> {
    name: &'a str,
    dialer: Dialer,
    /// Adds what is known of the VM to an error.
    explain: &'a dyn Fn(Error) -> CommandError,
    within: Duration,
}

impl Console<'_> {
    /// Opens it and asks which key events the host accepts.
    async fn open(&self, spinner: &Spinner) -> Result<(ConsoleClient, KeyEncoding), Error> {
        let observer = spinner.observer();
        let limit = TimeLimit::of(self.within);
        let console = self.dialer.dial(limit, &*observer).await?;
        let opened = async {
            let (mut viewer, _) = ConsoleClient::enter(console).await?;
            let otherwise = match self.dialer {
                Dialer::Vm(..) => KeyEncoding::UsKeysym,
                // Most servers at URLs are QEMU or X servers.
                Dialer::Url(_) => KeyEncoding::Keysym,
            };
            let encoding = viewer.negotiate_keys(otherwise).await?;
            Ok((viewer, encoding))
        };
        let slow = || Error::Slow {
            what: match self.dialer {
                Dialer::Vm(..) => "ESXi's keyboard".into(),
                Dialer::Url(_) => self.name.to_owned(),
            },
            blame: Blame::Esxi,
            within: self.within,
        };
        timeout(self.within, opened)
            .await
            .unwrap_or_else(|_| Err(slow()))
    }
}

fn layouts() -> impl TypedValueParser<Value = Layout> {
    PossibleValuesParser::new(Layout::ALL.map(Layout::name))
        .map(|name| Layout::from_name(&name).unwrap_or(Layout::Us))
}
