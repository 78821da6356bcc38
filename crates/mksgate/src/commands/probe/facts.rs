//! The result of a step: a sentence, and JSON fields.

use rfb_proto::{PixelFormat, SecurityType, Version};
use rustls::ProtocolVersion;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use vsphere::{About, Ticket, Vm};

use crate::commands::failure::Failure;
use crate::commands::trust;
use console::progress::{Progress, Screen};
use console::tls::{Thumbprint, Trust};
use console::tls_session::TlsSession;
use console::ws_url::WsUrl;
use trials::describe;

pub(super) type Facts = (Map<String, Value>, String);

/// The step that failed.
pub(super) struct FailedStep {
    pub(super) failure: Failure,
    /// What is known beside the error.
    pub(super) known: Map<String, Value>,
}

impl From<Failure> for FailedStep {
    fn from(failure: Failure) -> Self {
        let known = Map::new();
        Self { failure, known }
    }
}

/// The JSON keys are a contract.
/// `trust` is the verification that applied, where no ticket had a thumbprint.
pub(super) fn of(progress: &Progress<'_>, trust: Option<&Trust>) -> Facts {
    match progress {
        Progress::LoggedIn { vsphere, about, .. } => login_facts(vsphere, about),
        Progress::Found { vsphere, vm } => vm_facts(vsphere, vm),
        Progress::Ticket(ticket) => ticket_facts(ticket),
        Progress::Located(url) => url_facts(url),
        Progress::Connected { host, peer } => {
            let peer = peer.map(|peer| peer.to_string());
            let sentence = match &peer {
                Some(peer) if *peer != host.to_string() => format!("{host} ({peer})"),
                _ => host.to_string(),
            };
            facts(json!({"host": host.to_string(), "peer": peer}), sentence)
        }
        Progress::Secured(tls) => tls_facts(tls, trust),
        Progress::Upgraded { subprotocol } => facts(
            json!({ "subprotocol": subprotocol }),
            match subprotocol {
                Some(subprotocol) => format!("subprotocol {subprotocol}"),
                None => "no subprotocol".into(),
            },
        ),
        Progress::Entered { ready, offered } => {
            let version = version_number(ready.version);
            let offered: Vec<String> = offered.iter().map(|&code| security_type(code)).collect();
            let sentence = format!("RFB {version}, security types: {}", offered.join(", "));
            facts(
                json!({"version": version, "security_types": offered}),
                sentence,
            )
        }
        Progress::Screen(screen) => screen_facts(screen),
        Progress::Updated(seen) => {
            let caps = describe::caps(seen.caps);
            facts(
                json!({"server_caps": seen.caps.map(|_| caps.as_str()), "update_ids": seen.ids}),
                format!("second update received; ServerCaps {caps}"),
            )
        }
    }
}

fn login_facts(vsphere: &str, about: &About) -> Facts {
    let kind = about.api_type.to_string();
    let sentence = format!("{}, API {}", about.full_name, about.api_version);
    facts(
        json!({"vsphere": vsphere, "kind": kind, "product": about.full_name, "api": about.api_version}),
        sentence,
    )
}

fn vm_facts(vsphere: &str, vm: &Vm) -> Facts {
    let place = vm.path.as_deref().unwrap_or(&vm.name);
    let host = vm
        .host
        .as_deref()
        .unwrap_or("a host that this account cannot see");
    let sentence = format!("{place} ({}), {} on {host}", vm.moref, vm.power);
    let facts_ = json!({
        "vsphere": vsphere,
        "name": vm.name,
        "path": vm.path,
        "moref": vm.moref,
        "power": vm.power.to_string(),
        "host": vm.host,
    });
    facts(facts_, sentence)
}

fn ticket_facts(ticket: &Ticket) -> Facts {
    let thumbprint = Thumbprint::strongest(ticket.thumbprints()).map(|print| print.to_string());
    let sentence = match &thumbprint {
        Some(thumbprint) => format!("one-time ticket, certificate thumbprint {thumbprint}"),
        None => "one-time ticket without a certificate thumbprint".into(),
    };
    facts(json!({ "thumbprint": thumbprint }), sentence)
}

fn url_facts(url: &WsUrl) -> Facts {
    let shown = format!("{}://{url}", url.scheme());
    let sentence = match url.encrypted {
        true => shown.clone(),
        false => format!("{shown}, not encrypted"),
    };
    facts(json!({"url": shown, "encrypted": url.encrypted}), sentence)
}

/// The kind of verification, for JSON and for the sentence.
const fn verification(trust: &Trust) -> (&'static str, &'static str) {
    match trust {
        Trust::System => ("system", "trusted by this machine's authorities"),
        Trust::WebPki => ("webpki", "trusted by Mozilla's authorities"),
        Trust::File(_) => ("file", "trusted by the authorities of the file"),
        Trust::Pinned(_) => ("sha256", "trusted by its thumbprint"),
        Trust::DangerAcceptAny => ("danger-accept-any", "NOT verified"),
    }
}

fn tls_facts(tls: &TlsSession, trust: Option<&Trust>) -> Facts {
    let Some((certificate, version)) = tls.identity() else {
        return facts(json!({}), "no certificate was presented".into());
    };
    let version = match version {
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        _ => "TLS",
    };
    let digest = Thumbprint::Sha256(Sha256::digest(&certificate).into()).to_string();
    let described = trust::describe(&certificate).unwrap_or_default();
    let mut sentence = format!(
        "{version}, {}, {digest}, valid from {} to {}",
        described.subject, described.not_before, described.not_after
    );
    let mut seen = json!({
        "version": version,
        "subject": described.subject,
        "issuer": described.issuer,
        "not_before": described.not_before,
        "not_after": described.not_after,
        "thumbprint": digest,
    });
    if let (Some(trust), Some(seen)) = (trust, seen.as_object_mut()) {
        let (word, words) = verification(trust);
        seen.insert("trust".into(), word.into());
        sentence = format!("{sentence}, {words}");
    }
    facts(seen, sentence)
}

fn screen_facts(screen: &Screen) -> Facts {
    let Screen { name, size, format } = screen;
    let (width, height) = size;
    let sentence = format!("\"{name}\", {width} x {height}, {}", pixel_format(format));
    let facts_ = json!({
        "name": name,
        "width": width,
        "height": height,
        "bits_per_pixel": format.bits_per_pixel,
        "depth": format.depth,
        "big_endian": format.big_endian,
        "true_colour": format.true_colour,
        "max": [format.red_max, format.green_max, format.blue_max],
        "shift": [format.red_shift, format.green_shift, format.blue_shift],
    });
    facts(facts_, sentence)
}

fn pixel_format(format: &PixelFormat) -> String {
    let bits = format.bits_per_pixel;
    let depth = format.depth;
    if !format.true_colour {
        return format!("{bits} bits per pixel, depth {depth}, a colour map");
    }
    let endian = if format.big_endian { "big" } else { "little" };
    let (r, g, b) = (format.red_shift, format.green_shift, format.blue_shift);
    format!("{bits} bits per pixel, depth {depth}, {endian}-endian, red/green/blue at {r}/{g}/{b}")
}

const fn version_number(version: Version) -> &'static str {
    match version {
        Version::V3_3 => "3.3",
        Version::V3_7 => "3.7",
        Version::V3_8 => "3.8",
    }
}

/// Name of a security type (RFC 6143, section 8.1.2, and IANA's registry).
fn security_type(code: u8) -> String {
    match code {
        code if code == SecurityType::None.code() => "None".into(),
        code if code == SecurityType::VncPassword.code() => "VNC password".into(),
        19 => "VeNCrypt".into(),
        other => format!("type {other}"),
    }
}

pub(super) fn facts(facts: Value, sentence: String) -> Facts {
    match facts {
        Value::Object(facts) => (facts, sentence),
        _ => (Map::new(), sentence),
    }
}
