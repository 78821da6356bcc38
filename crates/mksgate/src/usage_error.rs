//! Usage errors in one line; clap's own format takes several.

use clap::builder::StyledStr;
use clap::error::{ContextKind, Error, ErrorFormatter, ErrorKind};

/// Formats a clap error as cause, suggestion, and a pointer to `--help`.
pub(crate) struct OneLine;

impl ErrorFormatter for OneLine {
    fn format_error(error: &Error<Self>) -> StyledStr {
        let mut sentence = cause(error);
        if let Some(values) = context(error, ContextKind::ValidValue) {
            sentence += &format!(" [possible values: {values}]");
        }
        if let (ErrorKind::ValueValidation, Some(source)) =
            (error.kind(), std::error::Error::source(error))
        {
            sentence += &format!(": {source}");
        }
        let similar = [
            ContextKind::SuggestedSubcommand,
            ContextKind::SuggestedArg,
            ContextKind::SuggestedValue,
        ];
        for similar in similar.into_iter().filter_map(|kind| context(error, kind)) {
            sentence += &format!("; perhaps {similar} was meant");
        }
        if let Some(advice) = context(error, ContextKind::Suggested) {
            sentence += &format!("; {advice}");
        }
        (sentence + " (see --help)").into()
    }
}

/// The error, with argument and value.
fn cause(error: &Error<OneLine>) -> String {
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    match (error.kind(), argument, value) {
        (ErrorKind::UnknownArgument, Some(argument), _) => {
            format!("unexpected argument '{argument}'")
        }
        (ErrorKind::InvalidValue, Some(argument), Some(value)) if value.is_empty() => {
            format!("'{argument}' needs a value")
        }
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(argument), Some(value)) => {
            format!("invalid value '{value}' for '{argument}'")
        }
        (ErrorKind::MissingRequiredArgument, Some(arguments), _) => {
            format!("required arguments are missing: {arguments}")
        }
        (ErrorKind::ArgumentConflict, Some(argument), _) => {
            match context(error, ContextKind::PriorArg) {
                Some(prior) if prior != argument => {
                    format!("'{argument}' cannot be used with '{prior}'")
                }
                _ => format!("'{argument}' cannot be used more than once"),
            }
        }
        (kind, argument, value) => {
            let kind = kind.as_str().unwrap_or("wrong usage").to_owned();
            let subcommand = context(error, ContextKind::InvalidSubcommand);
            let about = [argument, value, subcommand].into_iter().flatten();
            about.fold(kind, |sentence, about| format!("{sentence}: {about}"))
        }
    }
}

/// clap's context of this kind.
fn context(error: &Error<OneLine>, kind: ContextKind) -> Option<String> {
    let text = error.get(kind)?.to_string();
    // Drop empty context, but keep an empty value: it is the error.
    (kind == ContextKind::InvalidValue || !text.is_empty()).then_some(text)
}
