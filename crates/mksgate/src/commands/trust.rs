//! `mksgate trust`: shows a host's certificate and the setting that pins it.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use vsphere::happy_eyeballs;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{CommandError, print};
use config::known_hosts::{self, Saved};
use config::sdk_url;
use console::address::Address;
use console::printable::printable;
use console::tls::{Thumbprint, Trust};

/// Timeout of TCP and TLS handshakes together.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct Options {
    /// Host, host:port or https URL
    address: String,
    /// Pin the certificate for this user's commands, in ~/.config/mksgate/known_hosts.toml
    #[arg(long)]
    save: bool,
    /// Pin it in place of another certificate of this address
    #[arg(long, requires = "save")]
    replace: bool,
}

/// Shows the certificate. Only a TLS handshake is sent, and no credentials.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let address = parse_address(&options.address).ok_or_else(|| {
        CommandError::Usage(format!(
            "{:?} is not an address: write host, host:port or an https URL",
            options.address
        ))
    })?;
    let certificate = fetch_certificate(&address)
        .await
        .map_err(CommandError::Failed)?;
    let (subject, issuer, validity) = describe(&certificate).map_err(CommandError::Failed)?;
    let digest: [u8; 32] = Sha256::digest(&certificate).into();
    let thumbprint = Thumbprint::Sha256(digest);
    // The notation of ESXi's console screen and the vSphere Client.
    let shown = digest.map(|byte| format!("{byte:02X}")).join(":");
    print(format!(
        "subject   {subject}\nissuer    {issuer}\nvalid     {validity}\nsha256    {shown}\n\n\
         Compare the fingerprint with the one on the host's own screen or in its vSphere Client.\n"
    ))?;
    if options.save {
        return save(&address, thumbprint, options.replace);
    }
    print(format!(
        "To trust it in this shell:\n\n\
         export MKSGATE_TRUST={thumbprint}\n\n\
         For all commands of this user:\n\n\
         mksgate trust {address} --save\n\n\
         In gateway.toml:\n\n\
         trust = \"{thumbprint}\"\n"
    ))
}

fn save(address: &Address, thumbprint: Thumbprint, replace: bool) -> Result<(), CommandError> {
    let saved = known_hosts::save(address, thumbprint, replace).map_err(CommandError::Failed)?;
    print(match saved {
        Saved::Pinned(known) => format!("It is pinned now: {}\n", known.place()),
        Saved::Known(known) => format!("It was pinned before: {}\n", known.place()),
    })
}

fn parse_address(text: &str) -> Option<Address> {
    Address::of(&sdk_url(text)?)
}

/// The certificate that the host presents, unverified.
///
/// # Errors
/// A sentence.
pub(super) async fn fetch_certificate(
    address: &Address,
) -> Result<CertificateDer<'static>, String> {
    match timeout(HANDSHAKE_TIMEOUT, fetch(address)).await {
        Ok(fetched) => fetched.map_err(|failure| {
            format!("cannot get the certificate of {address} ({failure}): check the address")
        }),
        Err(_) => Err(format!("{address} does not answer: check the address")),
    }
}

async fn fetch(address: &Address) -> Result<CertificateDer<'static>, String> {
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| "TLS cannot verify this name".to_owned())?;
    let socket = happy_eyeballs::connect_to(&address.host, address.port)
        .await
        .map_err(|error| vsphere::io_in_words(&error))?;
    // Unverified: the user is going to compare the fingerprint.
    let tls = Trust::DangerAcceptAny.client()?;
    let stream = TlsConnector::from(Arc::new(tls))
        .connect(name, socket)
        .await
        .map_err(|error| vsphere::io_in_words(&error))?;
    let (_, session) = stream.get_ref();
    let first = session.peer_certificates().and_then(|chain| chain.first());
    first
        .map(|certificate| certificate.clone().into_owned())
        .ok_or_else(|| "it presented none".into())
}

pub(super) fn describe(
    certificate: &CertificateDer<'_>,
) -> Result<(String, String, String), String> {
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|_| "it presented an invalid certificate: check the address".to_owned())?;
    let validity = parsed.validity();
    let date = |time: &x509_parser::time::ASN1Time| {
        time.to_rfc2822()
            .unwrap_or_else(|_| "a date out of range".into())
    };
    let span = format!(
        "{} to {}",
        date(&validity.not_before),
        date(&validity.not_after)
    );
    // Names in a certificate are untrusted text.
    Ok((
        printable(&parsed.subject().to_string()),
        printable(&parsed.issuer().to_string()),
        span,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_and_both_address_families_are_parsed_with_and_without_a_port() {
        for (text, host, port) in [
            ("esxi.example", "esxi.example", 443),
            ("192.0.2.1:8443", "192.0.2.1", 8443),
            ("https://esxi.example/sdk", "esxi.example", 443),
            ("::1", "::1", 443),
            ("[::1]", "::1", 443),
            ("[::1]:18444", "::1", 18444),
            ("https://[fd00::1]:18444", "fd00::1", 18444),
        ] {
            let host = host.to_owned();
            assert_eq!(parse_address(text), Some(Address { host, port }), "{text}");
        }
        for text in [
            "",
            "http://esxi.example",
            "user@esxi.example",
            "[::1",
            "::1:x",
        ] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }
}
