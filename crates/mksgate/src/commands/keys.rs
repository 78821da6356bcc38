//! `mksgate keys`: presses chords on a console's keyboard.

use clap::Args;

use super::CommandError;
use super::console_args::ConsoleArgs;
use super::failure::{CANNOT_TYPE, Failure};
use super::keyboard::Keyboard;
use config::client::ClientConfig;
use console::client::{Chord, ChordError};
use terminal::Terminal;

#[derive(Args)]
#[command(mut_group("console", |group| group.multiple(true)))]
pub(crate) struct Options {
    /// Chords, pressed one after the other: ctrl-alt-del, f2, enter, win-r, a
    #[arg(index = 2, value_name = "KEYS")]
    keys: Vec<String>,
    #[command(flatten)]
    keyboard: Keyboard,
    // Last: options after it would be listed under its help heading.
    #[command(flatten)]
    console: ConsoleArgs,
}

/// Parses all chords before connecting.
pub(crate) async fn run(
    options: Options,
    config: impl FnOnce() -> Result<ClientConfig, CommandError>,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let Options {
        keys,
        keyboard,
        mut console,
    } = options;
    let layout = keyboard.layout();
    let keys: Vec<String> = console
        .take_word_after_url()
        .into_iter()
        .chain(keys)
        .collect();
    if keys.is_empty() {
        return Err(CommandError::Usage(
            "there are no keys to press: name some, as in ctrl-alt-del".into(),
        ));
    }
    let chords: Result<Vec<Chord>, ChordError> =
        keys.iter().map(|keys| Chord::parse(keys, layout)).collect();
    let chords = chords.map_err(|error| match error {
        ChordError::UnknownKey(_) => CommandError::Usage(error.to_string()),
        ChordError::NotInLayout { .. } => {
            CommandError::failed(Failure::local(CANNOT_TYPE, error.to_string()))
        }
    })?;
    let target = console.into_target(config)?;
    keyboard.play(target, &chords, terminal).await
}
