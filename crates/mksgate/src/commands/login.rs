//! Logging in for one command: whoever sits at a terminal is asked for what is missing or wrong, and every session
//! is ended.

use std::sync::Arc;

use secrecy::SecretString;
use vsphere::Error;

use super::CommandError;
use crate::terminal::Spinner;
use console::progress::{Observer, Progress};
use console::settings::VSphere;
use console::slots::Slots;
use console::upstream::Upstream;

/// How often a wrong password is asked for again: with the first attempt it makes fewer than the five after which vCenter
/// locks the account.
const ATTEMPTS: usize = 3;

/// The sessions of one command.
#[derive(Default)]
pub(crate) struct Sessions(Vec<Arc<Upstream>>);

impl Sessions {
    /// Logs in to a vSphere.
    pub(crate) async fn begin(
        &mut self,
        name: &str,
        mut settings: VSphere,
        spinner: &Spinner,
        observer: &Observer,
    ) -> Result<Arc<Upstream>, CommandError> {
        let mut asked = 0;
        loop {
            let upstream = Upstream::new(name, settings.clone(), Slots::default())?;
            let upstream = Arc::new(upstream);
            // From here on there may be a session.
            self.0.push(Arc::clone(&upstream));
            let error = match upstream.client().login().await {
                Ok(about) => {
                    observer(Progress::LoggedIn {
                        vsphere: name,
                        about: &about,
                    });
                    return Ok(upstream);
                }
                Err(error) => error,
            };
            let another = match error {
                Error::InvalidLogin { .. } if asked < ATTEMPTS => {
                    ask_again(&settings, spinner).await
                }
                _ => None,
            };
            let Some(password) = another else {
                return Err(refused(error));
            };
            settings.password = password;
            asked += 1;
            self.0.pop();
        }
    }

    /// Those that were begun.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Upstream> {
        self.0.iter().map(|upstream| &**upstream)
    }

    /// Ends them all.
    pub(crate) async fn end(self) {
        for upstream in self.open() {
            upstream.client().logout().await;
        }
    }
}

/// For one command the ten minutes are none that the library would wait.
fn refused(error: Error) -> CommandError {
    match error {
        Error::InvalidLogin { username, address } => CommandError::Failed(format!(
            "{address} refuses the user name or the password of {username}: correct them"
        )),
        other => console::Error::from(other).into(),
    }
}

async fn ask_again(settings: &VSphere, spinner: &Spinner) -> Option<SecretString> {
    let host = settings.url.host_str().unwrap_or_default();
    let user = &settings.username;
    let prompt = format!("{host} refuses the password of {user}. Password: ");
    spinner.ask_password(prompt).await
}
