//! `mksgate man`: manual pages, generated from the `--help` texts.

use std::path::PathBuf;

use clap::{Args, Command};

use super::{CommandError, print_bytes};

#[derive(Args)]
pub(crate) struct Options {
    /// Write one page per command into this directory instead of printing the main page
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn run(options: Options, command: Command) -> Result<(), CommandError> {
    let Some(directory) = options.directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|error| CommandError::Failed(format!("cannot write the page ({error})")))?;
        return print_bytes(&page);
    };
    let shown = directory.display();
    std::fs::create_dir_all(&directory)
        .and_then(|()| clap_mangen::generate_to(command, &directory))
        .map_err(|error| {
            CommandError::Failed(format!(
                "cannot write into {shown} ({error}): name another folder"
            ))
        })
}
