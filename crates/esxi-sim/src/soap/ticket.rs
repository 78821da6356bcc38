//! AcquireTicket, QueryConnections and DropConnections.

use std::net::SocketAddr;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::call::{Call, Reply};
use crate::certificate::{HOST_NAME, Identity, colons};
use crate::console_connections::LimitReached;
use crate::inventory::vm::{CONSOLE_INTERACT, Vm};
use crate::placement::Placement;
use crate::power::Power;
use crate::ticket_shape::{Thumbprint, TicketHost, TicketUrl};
use crate::vim25::fault::Fault;
use crate::vim25::value::{Fields, Value, write_fields};
use crate::vim25::version::ApiVersion;

/// AcquireTicket("webmks"). The order of its faults is a guess.
pub(super) fn acquire(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = vm(call)?;
    if call.arguments.text_of("ticketType") != Some("webmks") {
        return Err(Fault::not_supported());
    }
    if vm.take_not_created_answer() {
        return Err(Fault::not_found(&call.this));
    }
    if !vm.permits(CONSOLE_INTERACT) {
        return Err(Fault::no_permission(&call.this, CONSOLE_INTERACT));
    }
    if vm.placement() == Placement::LostHost {
        return Err(Fault::host_not_connected());
    }
    if vm.power() != Power::On {
        return Err(Fault::invalid_power_state(vm.power()));
    }
    if let Err(LimitReached(limit)) = vm.connections.check_limit() {
        return Err(Fault::connection_limit(limit));
    }
    let mut xml = String::from("<returnval>");
    write_fields(&ticket(call, vm), &mut xml);
    xml.push_str("</returnval>");
    call.state
        .counters
        .update(|counts| counts.tickets_issued += 1);
    Ok(xml.into())
}

/// QueryConnections (`docs/webmks.md` 2.6). The content of `label` and `client` is a guess.
pub(super) fn connections(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = vm_with_connections(call, "QueryConnections")?;
    let mut xml = String::new();
    for connection in vm.connections.list() {
        let fields = vec![
            ("label", Value::text(connection.label)),
            ("client", Value::text(connection.client.to_string())),
            ("userName", Value::text(call.state.username.as_str())),
        ];
        xml.push_str("<returnval xsi:type=\"VirtualMachineMksConnection\">");
        write_fields(&fields, &mut xml);
        xml.push_str("</returnval>");
    }
    Ok(xml.into())
}

/// DropConnections (`docs/webmks.md` 2.6). That only the label counts, that unknown labels are ignored and that an
/// empty list drops none are guesses.
pub(super) fn drop_connections(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = vm_with_connections(call, "DropConnections")?;
    let meant = call.arguments.children.iter();
    let labels: Vec<&str> = meant
        .filter(|child| child.name == "listOfConnections")
        .filter_map(|connection| connection.text_of("label"))
        .collect();
    vm.connections.drop_labelled(&labels);
    Ok(String::from("<returnval>true</returnval>").into())
}

/// The VM of a method that exists since 7.0.1.0 and requires ConsoleInteract and a VM that is on. The order of its
/// faults is a guess.
fn vm_with_connections<'a>(call: &'a Call<'_>, method: &str) -> Result<&'a Arc<Vm>, Fault> {
    if call.version < ApiVersion::CONNECTIONS {
        return Err(Fault::unknown_method(method, &call.this));
    }
    let vm = vm(call)?;
    if !vm.permits(CONSOLE_INTERACT) {
        return Err(Fault::no_permission(&call.this, CONSOLE_INTERACT));
    }
    if vm.power() != Power::On {
        return Err(Fault::invalid_power_state(vm.power()));
    }
    Ok(vm)
}

fn vm<'a>(call: &'a Call<'_>) -> Result<&'a Arc<Vm>, Fault> {
    let vm = call.state.inventory.vm(&call.this);
    vm.ok_or_else(|| Fault::not_found(&call.this))
}

/// The VirtualMachineTicket (`docs/webmks.md` 3.1), with the fields of the caller's API version.
fn ticket(call: &Call<'_>, vm: &Arc<Vm>) -> Fields {
    let state = call.state;
    let shape = state.ticket_shape();
    let address = state.console_address;
    let secret = state.tickets.issue(vm);
    let mut fields = vec![
        ("ticket", Value::text(secret.expose_secret())),
        (
            "cfgFile",
            Value::text(format!("/vmfs/volumes/datastore1/{0}/{0}.vmx", vm.moref)),
        ),
    ];
    let host = host_field(shape.host, address);
    if let Some(host) = host {
        fields.push(("host", Value::Text(host)));
        fields.push(("port", Value::Int(i32::from(address.port()))));
    }
    let authority =
        url_authority(shape.url, address).filter(|_| call.version >= ApiVersion::TICKET_URL);
    let url =
        authority.map(|authority| format!("wss://{authority}/ticket/{}", secret.expose_secret()));
    add_thumbprints(
        call.version,
        shape.thumbprint,
        &state.console_identity,
        url,
        &mut fields,
    );
    fields
}

/// The field `host`. A wildcard address has none: the client uses the host that it asked.
fn host_field(shape: TicketHost, address: SocketAddr) -> Option<String> {
    match shape {
        TicketHost::Named if address.ip().is_unspecified() => None,
        TicketHost::Named => Some(address.ip().to_string()),
        TicketHost::Other(name) => Some(name),
        TicketHost::Absent => None,
    }
}

fn url_authority(shape: TicketUrl, address: SocketAddr) -> Option<String> {
    let port = address.port();
    match shape {
        TicketUrl::Good if address.ip().is_unspecified() => Some(format!("{HOST_NAME}:{port}")),
        TicketUrl::Good => Some(address.to_string()),
        TicketUrl::Unresolvable => Some(format!("{HOST_NAME}.invalid:{port}")),
        TicketUrl::Absent => None,
    }
}

/// Adds `sslThumbprint`, `url`, `certThumbprintList` and `sslCertificate` in schema order. `sslCertificate` replaces
/// `sslThumbprint`.
fn add_thumbprints(
    version: ApiVersion,
    thumbprint: Thumbprint,
    identity: &Identity,
    url: Option<String>,
    fields: &mut Fields,
) {
    let (sha1, sha256) = match thumbprint {
        Thumbprint::Right => (identity.sha1, identity.sha256),
        Thumbprint::Wrong => ([0xee; 20], [0xee; 32]),
        Thumbprint::Absent => {
            fields.extend(url.map(|url| ("url", Value::Text(url))));
            return;
        }
    };
    let whole = version >= ApiVersion::SSL_CERTIFICATE && thumbprint == Thumbprint::Right;
    if !whole {
        fields.push(("sslThumbprint", Value::Text(colons(&sha1))));
    }
    fields.extend(url.map(|url| ("url", Value::Text(url))));
    if version >= ApiVersion::CERT_THUMBPRINT_LIST {
        let entry = vec![
            ("thumbprint", Value::Text(colons(&sha256))),
            ("hashAlgorithm", Value::text("sha256")),
        ];
        fields.push((
            "certThumbprintList",
            Value::List("VirtualMachineCertThumbprint", vec![entry]),
        ));
    }
    if whole {
        fields.push(("sslCertificate", Value::text(identity.pem.as_str())));
    }
}
