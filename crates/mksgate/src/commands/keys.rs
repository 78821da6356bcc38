//! `mksgate keys`: presses chords on a console's keyboard.

use clap::Args;

use super::CommandError;
use super::client_config::ClientConfig;
use super::failure::{CANNOT_TYPE, Failure};
use super::keyboard::Keyboard;
use super::vm_args::VmArgs;
use console::client::{Chord, ChordError};
use terminal::Terminal;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    vm_args: VmArgs,
    /// Chords, pressed one after the other: ctrl-alt-del, f2, enter, win-r, a
    #[arg(required = true, value_name = "KEYS")]
    keys: Vec<String>,
    #[command(flatten)]
    keyboard: Keyboard,
}

/// Parses all chords before connecting.
pub(crate) async fn run(
    options: Options,
    config: ClientConfig,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let layout = options.keyboard.layout();
    let chords: Result<Vec<Chord>, ChordError> = options
        .keys
        .iter()
        .map(|keys| Chord::parse(keys, layout))
        .collect();
    let chords = chords.map_err(|error| match error {
        ChordError::UnknownKey(_) => CommandError::Usage(error.to_string()),
        ChordError::NotInLayout { .. } => {
            CommandError::failed(Failure::local(CANNOT_TYPE, error.to_string()))
        }
    })?;
    let Options {
        vm_args, keyboard, ..
    } = options;
    keyboard.play(vm_args, &chords, config, terminal).await
}
