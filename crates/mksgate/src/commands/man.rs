//! `mksgate man`: manual pages, generated from the `--help` texts.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use super::{CommandError, print_bytes};
use crate::help;

/// When the text of the pages last changed; a page needs a date.
const DATE: &str = "2026-11-30";

/// clap_mangen's line breaks around an empty line, which mandoc warns about, and an empty line in roff.
const BREAKS: (&str, &str) = ("\n.br\n\n.br\n", "\n.sp\n");

#[derive(Args)]
pub(crate) struct Options {
    /// Write one page per command into this directory instead of printing the main page
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn run(options: Options, mut program: Command) -> Result<(), CommandError> {
    program = program.disable_help_subcommand(true);
    program.build();
    let Some(directory) = options.directory else {
        let page = page(&program)
            .map_err(|error| CommandError::failed(format!("cannot write the page ({error})")))?;
        return print_bytes(page.as_bytes());
    };
    write_all(&program, &directory).map_err(|error| {
        CommandError::failed(format!(
            "cannot write into {} ({error}): name another folder",
            directory.display()
        ))
    })
}

fn write_all(program: &Command, directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for command in std::iter::once(program).chain(program.get_subcommands()) {
        let name = command
            .get_display_name()
            .unwrap_or_else(|| command.get_name());
        std::fs::write(directory.join(format!("{name}.1")), page(command)?)?;
    }
    Ok(())
}

/// The page of the program or of one of its commands.
fn page(command: &Command) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command.clone())
        .date(DATE)
        .source(concat!("mksgate ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands")
        .render(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).replace(BREAKS.0, BREAKS.1);
    let at = page.find(".SH VERSION").unwrap_or(page.len());
    page.insert_str(at, &help::roff(command.get_name()));
    Ok(page)
}
