//! vSphere sessions of one command: prompts for a missing or wrong password, and logs out of sessions that are not kept.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use vsphere::Error;

use super::CommandError;
use super::failure::{CERTIFICATE_CHANGED, Failure};
use config::client::ClientVSphere;
use config::known_hosts::KnownHost;
use console::progress::{Observer, Progress};
use console::settings::VSphere;
use console::tls::{PinMismatch, Thumbprint};
use console::upstream::Upstream;
use terminal::Spinner;

/// Retries. With the first attempt they stay below the five after which vCenter locks the account.
const MAX_RETRIES: usize = 3;

#[derive(Default)]
pub(crate) struct Sessions(Vec<Arc<Upstream>>);

impl Sessions {
    /// Takes the kept session, or logs in: with a prompt for a missing password, and after a refused one.
    pub(crate) async fn log_in(
        &mut self,
        name: &str,
        mut vsphere: ClientVSphere,
        spinner: &Spinner,
        observer: &Observer,
    ) -> Result<Arc<Upstream>, CommandError> {
        let (mut retries, mut typing) = (0, Duration::ZERO);
        loop {
            let upstream = Arc::new(vsphere.upstream(name)?);
            // Before the login: an interrupted login may leave a session that has to be logged out.
            self.0.push(Arc::clone(&upstream));
            let error = match upstream.client().login().await {
                Ok(about) => {
                    observer(Progress::LoggedIn {
                        vsphere: name,
                        about: &about,
                        typing,
                    });
                    return Ok(upstream);
                }
                Err(error) => error,
            };
            let asked = Instant::now();
            let password = match error {
                Error::PasswordNeeded { .. } => spinner.ask_password(vsphere.prompt()).await,
                Error::InvalidLogin { .. } if retries < MAX_RETRIES => {
                    retries += 1;
                    prompt_again(&vsphere.settings, spinner).await
                }
                _ => None,
            };
            let Some(password) = password else {
                return Err(login_error(error, &vsphere));
            };
            typing += asked.elapsed();
            vsphere.settings.password = Some(password);
            self.0.pop();
        }
    }

    pub(crate) fn upstreams(&self) -> impl Iterator<Item = &Upstream> {
        self.0.iter().map(|upstream| &**upstream)
    }

    /// Logs out of all sessions that are not kept.
    pub(crate) async fn log_out(self) {
        for upstream in self.upstreams() {
            upstream.client().logout().await;
        }
    }
}

fn login_error(error: Error, vsphere: &ClientVSphere) -> CommandError {
    if let Error::PasswordNeeded { .. } = error {
        return CommandError::Usage(vsphere.password_missing.clone());
    }
    let changed = |known_host: &KnownHost| Some(known_host.changed(other_certificate(&error)?));
    match vsphere.known_host.as_ref().and_then(changed) {
        Some(changed) => CommandError::Failed(Failure {
            code: CERTIFICATE_CHANGED,
            ..Failure::of(&error.into(), changed.to_string())
        }),
        None => console::Error::from(error).into(),
    }
}

/// The digest of the server's certificate, where it is not the pinned one.
fn other_certificate(error: &Error) -> Option<Thumbprint> {
    use rustls::{CertificateError, Error as Tls};
    match error {
        Error::Certificate {
            source: Tls::InvalidCertificate(CertificateError::Other(other)),
            ..
        } => other.0.downcast_ref().map(|pin: &PinMismatch| pin.got),
        _ => None,
    }
}

async fn prompt_again(settings: &VSphere, spinner: &Spinner) -> Option<SecretString> {
    let host = settings.url.host_str().unwrap_or_default();
    let user = &settings.username;
    let prompt = format!("{host} refuses the password of {user}. Password: ");
    spinner.ask_password(prompt).await
}
