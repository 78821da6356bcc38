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
use x509_parser::time::ASN1Time;

use super::failure::{CERTIFICATE_CHANGED, Failure};
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
    let Described {
        subject,
        issuer,
        not_before,
        not_after,
    } = describe(&certificate).map_err(CommandError::failed)?;
    let digest: [u8; 32] = Sha256::digest(&certificate).into();
    let thumbprint = Thumbprint::Sha256(digest);
    // The notation of ESXi's console screen and the vSphere Client.
    let shown = digest.map(|byte| format!("{byte:02X}")).join(":");
    print(format!(
        "subject     {subject}\nissuer      {issuer}\nnot before  {not_before}\nnot after   {not_after}\nsha256      {shown}\n\n\
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
    let saved = known_hosts::save(address, thumbprint, replace).map_err(CommandError::failed)?;
    print(match saved {
        Saved::Pinned(known) => format!("It is pinned now: {}\n", known.place()),
        Saved::Known(known) => format!("It was pinned before: {}\n", known.place()),
        Saved::Changed(changed) => {
            let failure = Failure::local(CERTIFICATE_CHANGED, changed.to_string());
            return Err(CommandError::Failed(failure));
        }
    })
}

fn parse_address(text: &str) -> Option<Address> {
    Address::of(&sdk_url(text)?)
}

/// The certificate that the host presents, unverified.
///
/// # Errors
/// No TLS handshake with the host.
pub(super) async fn fetch_certificate(
    address: &Address,
) -> Result<CertificateDer<'static>, Failure> {
    match timeout(HANDSHAKE_TIMEOUT, fetch(address)).await {
        Ok(fetched) => fetched.map_err(|(code, sentence)| Failure::local(code, sentence)),
        Err(_) => Err(Failure::local(
            "host-timeout",
            format!("{address} does not answer: check the address"),
        )),
    }
}

/// The error is a code and a sentence.
async fn fetch(address: &Address) -> Result<CertificateDer<'static>, (&'static str, String)> {
    let sentence =
        |why: String| format!("cannot get the certificate of {address} ({why}): check the address");
    let tls_failed = |why: String| ("host-tls", sentence(why));
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| tls_failed("TLS cannot verify this name".into()))?;
    let socket = happy_eyeballs::connect_to(&address.host, address.port)
        .await
        .map_err(|error| ("host-unreachable", sentence(vsphere::io_in_words(&error))))?;
    // Unverified: the user is going to compare the fingerprint.
    let tls = Trust::DangerAcceptAny.client().map_err(tls_failed)?;
    let stream = TlsConnector::from(Arc::new(tls))
        .connect(name, socket)
        .await
        .map_err(|error| {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
            match tls.is_some_and(vsphere::is_not_tls) {
                true => (
                    "host-tls",
                    format!("{address} does not speak TLS: check the port"),
                ),
                false => tls_failed(vsphere::io_in_words(&error)),
            }
        })?;
    let (_, session) = stream.get_ref();
    let first = session.peer_certificates().and_then(|chain| chain.first());
    first
        .map(|certificate| certificate.clone().into_owned())
        .ok_or_else(|| tls_failed("it presented none".into()))
}

/// The fields of a certificate that are shown.
#[derive(Default)]
pub(super) struct Described {
    pub(super) subject: String,
    pub(super) issuer: String,
    /// Dates as in RFC 3339.
    pub(super) not_before: String,
    pub(super) not_after: String,
}

pub(super) fn describe(certificate: &CertificateDer<'_>) -> Result<Described, String> {
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|_| "it presented an invalid certificate: check the address".to_owned())?;
    let validity = parsed.validity();
    // Names in a certificate are untrusted text.
    Ok(Described {
        subject: printable(&parsed.subject().to_string()),
        issuer: printable(&parsed.issuer().to_string()),
        not_before: rfc3339(&validity.not_before),
        not_after: rfc3339(&validity.not_after),
    })
}

/// Certificates have whole seconds, in UTC.
pub(super) fn rfc3339(time: &ASN1Time) -> String {
    let time = time.to_datetime();
    let (date, (hour, minute, second)) = (time.date(), time.to_hms());
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn a_port_without_tls_is_called_that() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address {
            host: "127.0.0.1".into(),
            port: listener.local_addr().unwrap().port(),
        };
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .unwrap();
            // Until the client has gone.
            let _ = socket.read_to_end(&mut Vec::new());
        });
        let error = fetch_certificate(&address).await.unwrap_err();
        assert_eq!(
            error.message,
            format!("{address} does not speak TLS: check the port")
        );
        server.join().unwrap();
    }

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
