//! `mksgate type`: types text on a console's keyboard.

use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use clap::Args;
use rfb_proto::keys::Layout;

use super::CommandError;
use super::console_args::ConsoleArgs;
use super::failure::{CANNOT_TYPE, Failure};
use super::keyboard::{Keyboard, listed};
use config::client::ClientConfig;
use console::client::{chords_of, quoted};
use console::named_file;
use terminal::Terminal;

/// Limit in bytes: half an hour at the default pace.
const MAX_SIZE: u64 = 64 * 1024;

#[derive(Args)]
#[command(mut_group("console", |group| group.multiple(true)))]
pub(crate) struct Options {
    /// The text to type
    #[arg(index = 2, conflicts_with = "file")]
    text: Option<String>,
    /// File with the text, or - for stdin; use it for secrets, which other users can read in arguments
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Press Enter after the text
    #[arg(long)]
    enter: bool,
    #[command(flatten)]
    keyboard: Keyboard,
    // Last: options after it would be listed under its help heading.
    #[command(flatten)]
    console: ConsoleArgs,
}

/// Converts the whole text before connecting, and fails if the layout has no key for some of its characters.
pub(crate) async fn run(
    options: Options,
    config: impl FnOnce() -> Result<ClientConfig, CommandError>,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let Options {
        text,
        file,
        enter,
        keyboard,
        mut console,
    } = options;
    let mut text = match (console.take_word_after_url(), text, file) {
        (Some(word), None, None) | (None, Some(word), _) => word,
        (None, None, Some(file)) => read(&file)?,
        (None, None, None) => {
            return Err(CommandError::Usage(
                "there is no text to type: write it, or name a file with --file".into(),
            ));
        }
        (Some(_), ..) => {
            return Err(CommandError::Usage(
                "with a URL there is no VM: write the text alone, or --file alone".into(),
            ));
        }
    };
    if enter {
        text.push('\n');
    }
    let layout = keyboard.layout();
    let chords = chords_of(&text, layout).map_err(|missing| {
        CommandError::failed(Failure::local(CANNOT_TYPE, no_key(&text, layout, &missing)))
    })?;
    let target = console.into_target(config)?;
    keyboard.play(target, &chords, terminal).await
}

/// Suggests other layouts only if they have keys for the whole text.
fn no_key(text: &str, layout: Layout, missing: &[char]) -> String {
    let others: Vec<&str> = Layout::ALL
        .into_iter()
        .filter(|other| chords_of(text, *other).is_ok())
        .map(Layout::name)
        .collect();
    let remedy = match others.as_slice() {
        [] => "leave that out of the text".to_owned(),
        others => format!(
            "if the guest has another layout, choose it with --layout ({})",
            others.join(", ")
        ),
    };
    let missing: Vec<String> = missing.iter().copied().map(quoted).collect();
    format!(
        "nothing was typed, since the layout {} has no key for {}: {remedy}",
        layout.name(),
        listed(&missing)
    )
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
        true => stdin().lock().take(MAX_SIZE + 1).read_to_string(&mut text),
        false => named_file::open(path)
            .and_then(|file| file.take(MAX_SIZE + 1).read_to_string(&mut text)),
    };
    match read.map_err(unreadable)? as u64 {
        // A byte order mark is not part of the text.
        ..=MAX_SIZE => Ok(match text.strip_prefix('\u{feff}') {
            Some(text) => text.to_owned(),
            None => text,
        }),
        _ => Err(CommandError::Usage(format!(
            "{} has more than {MAX_SIZE} bytes: split it",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_layouts_are_suggested_only_if_they_have_the_character() {
        let message = no_key("grüße", Layout::Us, &['ü', 'ß']);
        assert!(message.contains("no key for 'ü', 'ß': "), "{message}");
        assert!(
            message.ends_with("choose it with --layout (de)"),
            "{message}"
        );
        for text in ["\u{7}", "\u{feff}", "ß☃"] {
            let message = no_key(text, Layout::Us, &['x']);
            assert!(message.ends_with("leave that out of the text"), "{message}");
        }
        let many: Vec<char> = ('а'..='я').collect();
        let message = no_key("", Layout::Us, &many);
        assert!(message.contains("'з' and 24 others: "), "{message}");
    }

    #[test]
    fn byte_order_mark_is_not_typed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "\u{feff}one\u{feff}").unwrap();
        assert!(read(&path).is_ok_and(|text| text == "one\u{feff}"));
    }
}
