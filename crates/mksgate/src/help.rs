//! The sections of `--help` and of the manual pages that clap does not make of the options. Their text is in `help.txt`.

use clap::Command;
use clap_mangen::roff::{Roff, bold, roman};

const TEXT: &str = include_str!("help.txt");

/// In the order of man-pages(7).
const TITLES: [&str; 4] = ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"];

/// The column of descriptions in the help, as clap has it.
const INDENT: usize = 10;

/// A term, and the lines of its description.
struct Entry {
    term: &'static str,
    description: Vec<&'static str>,
}

/// Adds the sections to the `--help` of the program and its commands; `-h` stays short.
pub(crate) fn with_sections(program: Command) -> Command {
    let names: Vec<String> = program
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let program = names.iter().fold(program, |program, name| {
        program.mut_subcommand(name, with_own_sections)
    });
    with_own_sections(program)
}

fn with_own_sections(command: Command) -> Command {
    let header = command.get_styles().get_header();
    let mut text = String::new();
    for (title, entries) in sections(command.get_name()) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let title = sentence_case(title);
        text += &format!("{gap}{header}{title}:{header:#}\n");
        for Entry { term, description } in entries {
            let description = description.join(&format!("\n{:INDENT$}", ""));
            text += &match term.len() + 4 <= INDENT {
                true => format!("  {term:<width$}{description}\n", width = INDENT - 2),
                false => format!("  {term}\n{:INDENT$}{description}\n", ""),
            };
        }
    }
    let text = text.trim_end().to_owned();
    command.after_long_help(clap::builder::StyledStr::from(text))
}

/// The sections in the language of manual pages.
pub(crate) fn roff(command: &str) -> String {
    let mut page = Roff::new();
    for (title, entries) in sections(command) {
        page.control("SH", [title]);
        for Entry { term, description } in entries {
            page.control("TP", []);
            page.text([bold(term)]);
            page.text([roman(description.join(" "))]);
        }
    }
    page.to_roff()
}

/// The sections that a command has, with their entries.
fn sections(command: &str) -> impl Iterator<Item = (&'static str, Vec<Entry>)> {
    TITLES.into_iter().filter_map(move |title| {
        let entries = entries(title, command);
        (!entries.is_empty()).then_some((title, entries))
    })
}

fn entries(title: &str, command: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut applies = false;
    for line in TEXT.lines().filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("= ") {
            applies = heading.split_once(": ").is_some_and(|(of, commands)| {
                of == title && commands.split(' ').any(|one| one == command)
            });
        } else if !applies {
        } else if let Some(more) = line.strip_prefix("    ") {
            if let Some(entry) = entries.last_mut() {
                entry.description.push(more);
            }
        } else {
            entries.push(Entry {
                term: line,
                description: Vec::new(),
            });
        }
    }
    entries
}

/// The example command lines of a command.
#[cfg(test)]
pub(crate) fn examples(command: &str) -> impl Iterator<Item = &'static str> {
    let entries = entries("EXAMPLES", command).into_iter();
    entries.map(|entry| entry.term)
}

/// `EXIT STATUS` as `Exit status`.
fn sentence_case(title: &str) -> String {
    let (first, rest) = title.split_at(1);
    format!("{first}{}", rest.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_well_formed() {
        let headings = TEXT.lines().filter_map(|line| line.strip_prefix("= "));
        for heading in headings {
            let (title, commands) = heading.split_once(": ").unwrap();
            assert!(TITLES.contains(&title), "{heading}");
            for command in commands.split(' ') {
                for Entry { term, description } in entries(title, command) {
                    assert!(!description.is_empty(), "{term}");
                    assert!(
                        description.iter().all(|line| line.chars().count() <= 70),
                        "{term}"
                    );
                }
            }
        }
    }
}
