//! Every error of a command is readable, and short where a viewer shows it.

use message_check::{assert_readable, every_variant};

use super::CommandError;
use super::failure::{CERTIFICATE_CHANGED, Failure};
use super::no_such_vm;
use terminal::signals::Termination;

fn every_error() -> Vec<CommandError> {
    let config = config::load_listing_errors("/nowhere/gateway.toml".as_ref());
    let unreachable = console::Error::VSphere(vsphere::Error::Timeout {
        address: "vcenter.example".into(),
    });
    every_variant!(CommandError {
        CommandError::Config(_) => CommandError::Config(config.unwrap_err()),
        CommandError::Usage(_) => CommandError::Usage(config::govc::PASSWORD_MISSING.into()),
        CommandError::Failed(_) => CommandError::from(unreachable),
        CommandError::Reported(_) => CommandError::Reported(1),
        CommandError::Signalled(_) => CommandError::Signalled(Termination::Interrupt),
    })
}

/// What is printed; nothing for an error that was printed before, and for a signal.
fn printed(error: &CommandError) -> Vec<String> {
    match error {
        CommandError::Config(errors) => errors.iter().map(ToString::to_string).collect(),
        CommandError::Usage(sentence) => vec![sentence.clone()],
        CommandError::Failed(failure) => vec![failure.message.clone()],
        CommandError::Reported(_) | CommandError::Signalled(_) => Vec::new(),
    }
}

#[test]
fn every_error_is_readable() {
    for error in every_error() {
        printed(&error)
            .iter()
            .for_each(|text| assert_readable(text));
    }
    assert_readable(&no_such_vm::sentence(&"web10".parse().unwrap(), &[]));
}

#[test]
fn every_error_has_a_short_text_for_viewers() {
    let failures = [
        Failure::local(CERTIFICATE_CHANGED, "x"),
        Failure::of(&console::Error::Text, "x".into()),
    ];
    let more = failures.into_iter().map(CommandError::Failed);
    for error in every_error().into_iter().chain(more) {
        match (error.for_viewer(), &error) {
            (None, CommandError::Signalled(_)) => {}
            (text, _) => {
                let text = text.unwrap();
                assert!((20..=100).contains(&text.len()), "{text}");
                assert_readable(text);
            }
        }
    }
}
