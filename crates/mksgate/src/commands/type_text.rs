//! `mksgate type`: text, typed on a console's keyboard.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use clap::Args;

use super::CommandError;
use super::keyboard::Keyboard;
use super::which::Which;
use crate::config::Config;
use crate::own_viewer::chords_of;
use crate::terminal::Terminal;

/// The longest text, in bytes: at the usual pace it takes half an hour, and nobody means more.
const LONGEST: u64 = 64 * 1024;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    which: Which,
    /// The text
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// A file with the text, or - for standard input: secrets belong there, where other users cannot see them
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Press Enter after it
    #[arg(long)]
    enter: bool,
    #[command(flatten)]
    keyboard: Keyboard,
}

/// Types it; nothing is connected to where the layout has no key for a character.
pub(crate) async fn run(
    options: Options,
    config: Config,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let Options {
        which,
        text,
        file,
        enter,
        keyboard,
    } = options;
    let mut text = match (text, file) {
        (Some(text), _) => text,
        (None, Some(file)) => read(&file)?,
        (None, None) => String::new(),
    };
    if enter {
        text.push('\n');
    }
    let layout = keyboard.layout();
    let chords = chords_of(&text, layout).map_err(|character| {
        CommandError::Usage(format!(
            "the layout {} has no key for {character:?}: choose another with --layout",
            layout.name()
        ))
    })?;
    keyboard.play(which, &chords, config, terminal).await
}

fn read(path: &Path) -> Result<String, CommandError> {
    let unreadable = |error| {
        let path = path.display();
        CommandError::Usage(format!(
            "{path} cannot be read ({error}): name another file"
        ))
    };
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => stdin().lock().take(LONGEST + 1).read_to_string(&mut text),
        false => File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text)),
    };
    match read.map_err(unreadable)? as u64 {
        ..=LONGEST => Ok(text),
        _ => Err(CommandError::Usage(format!(
            "{} has more than {LONGEST} bytes: split it",
            path.display()
        ))),
    }
}
