//! vSphere sessions of one command: prompts for a wrong password, and logs out of every session.

use std::sync::Arc;

use secrecy::SecretString;
use vsphere::Error;

use super::CommandError;
use crate::terminal::Spinner;
use console::progress::{Observer, Progress};
use console::settings::VSphere;
use console::slots::Slots;
use console::upstream::Upstream;

/// Retries. With the first attempt they stay below the five after which vCenter locks the account.
const MAX_RETRIES: usize = 3;

#[derive(Default)]
pub(crate) struct Sessions(Vec<Arc<Upstream>>);

impl Sessions {
    /// Logs in, with a prompt after a refused password.
    pub(crate) async fn log_in(
        &mut self,
        name: &str,
        mut settings: VSphere,
        spinner: &Spinner,
        observer: &Observer,
    ) -> Result<Arc<Upstream>, CommandError> {
        let mut retries = 0;
        loop {
            let upstream = Upstream::new(name, settings.clone(), Slots::default())?;
            let upstream = Arc::new(upstream);
            // Before the login: an interrupted login may leave a session that has to be logged out.
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
            let password = match error {
                Error::InvalidLogin { .. } if retries < MAX_RETRIES => {
                    prompt_again(&settings, spinner).await
                }
                _ => None,
            };
            let Some(password) = password else {
                return Err(console::Error::from(error).into());
            };
            settings.password = Some(password);
            retries += 1;
            self.0.pop();
        }
    }

    pub(crate) fn upstreams(&self) -> impl Iterator<Item = &Upstream> {
        self.0.iter().map(|upstream| &**upstream)
    }

    /// Logs out of all sessions.
    pub(crate) async fn log_out(self) {
        for upstream in self.upstreams() {
            upstream.client().logout().await;
        }
    }
}

async fn prompt_again(settings: &VSphere, spinner: &Spinner) -> Option<SecretString> {
    let host = settings.url.host_str().unwrap_or_default();
    let user = &settings.username;
    let prompt = format!("{host} refuses the password of {user}. Password: ");
    spinner.ask_password(prompt).await
}
