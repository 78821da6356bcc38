//! What is wrong with a command line, in one line as every other error: clap takes several, with blank ones in between.

use clap::Error;

/// How clap begins what may have been meant.
const TIP: &str = "tip: ";

/// The cause first, then what may have been meant, and where to look.
pub(crate) fn sentence(error: &Error) -> String {
    let text = error.render().to_string();
    let said = text.strip_prefix("error: ").unwrap_or(&text);
    // What follows is how the command is used at all, and that there is a --help.
    let said = said.split("\n\nUsage:").next().unwrap_or_default();
    let said = said.split("\n\nFor more").next().unwrap_or_default();
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let (tips, causes): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with(TIP));
    let mut sentence = causes.into_iter().fold(String::new(), joined);
    let mut before = ": ";
    for tip in tips {
        sentence += before;
        sentence += tip.trim_start_matches(TIP);
        before = "; ";
    }
    sentence + " (see --help)"
}

/// What is listed stands behind what it belongs to.
fn joined(before: String, line: &str) -> String {
    let between = match before.is_empty() {
        true => "",
        false if before.ends_with(':') || line.starts_with('[') => " ",
        false => ", ",
    };
    before + between + line
}
