//! What `type` and `keys` have in common: the guest's layout, the pace, and the keys' way to the console.

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use rfb_proto::keys::Layout;

use super::CommandError;
use super::which::{Chosen, Which};
use crate::config::Config;
use crate::own_viewer::{Chord, OwnViewer, Press};
use crate::reach;
use crate::terminal::{Spinner, Terminal};

/// The slowest pace that is taken, in milliseconds: a key a minute.
const SLOWEST: u64 = 60_000;

#[derive(Args)]
pub(crate) struct Keyboard {
    /// The layout that the guest has
    #[arg(long, default_value = "us", value_parser = layouts())]
    layout: Layout,
    /// Milliseconds from one key to the next; firmware and boot loaders may want 100
    #[arg(long, value_name = "MS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=SLOWEST))]
    delay: u64,
}

impl Keyboard {
    /// The layout that the guest has.
    pub(crate) const fn layout(&self) -> Layout {
        self.layout
    }

    /// Plays the chords on the VM's console.
    pub(crate) async fn play(
        &self,
        which: Which,
        chords: &[Chord],
        config: Config,
        terminal: Terminal,
    ) -> Result<(), CommandError> {
        let within = config.gateway.handshake_timeout;
        let work = async |chosen: &Chosen, spinner: &Spinner| {
            chosen.must_run()?;
            let played = self.play_on(chosen, chords, within, spinner).await;
            let press = played.map_err(|failure| CommandError::Failed(chosen.explain(&failure)))?;
            if press == Press::ByMeaning {
                terminal.note(format!(
                    "{} takes no scan codes: its host turns each character into keys by a layout of its own",
                    chosen.vm.name
                ));
            }
            Ok(())
        };
        which.visit(config, terminal, work).await
    }

    async fn play_on(
        &self,
        chosen: &Chosen,
        chords: &[Chord],
        within: Duration,
        spinner: &Spinner,
    ) -> Result<Press, crate::error::Failure> {
        let witness = spinner.witness();
        let console = reach::open(&chosen.upstream, &chosen.vm, within, &*witness).await?;
        let (mut viewer, _) = OwnViewer::enter(console).await?;
        let press = viewer.ask_for_keys().await?;
        spinner.say(format!("pressing {} keys", chords.len()));
        let pace = Duration::from_millis(self.delay);
        viewer.play(chords, press, pace).await?;
        viewer.leave().await;
        Ok(press)
    }
}

fn layouts() -> impl TypedValueParser<Value = Layout> {
    PossibleValuesParser::new(Layout::ALL.map(Layout::name))
        .map(|name| Layout::from_name(&name).unwrap_or(Layout::Us))
}
