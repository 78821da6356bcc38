//! `GET /api/vms`: the VMs that a key may open, as `mksgate vms --json` lists them.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gateway::User;
use serde::Serialize;

use super::key::ApiKey;
use crate::app::Routed;
use crate::row::Row;

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    power: String,
    host: Option<&'a str>,
    path: Option<&'a str>,
    uuid: Option<String>,
    instance_uuid: Option<String>,
    moref: &'a str,
    vsphere: &'a str,
    port: Option<u16>,
}

pub(super) async fn list(State(routed): State<Routed>, key: ApiKey) -> Response {
    let rows = routed.app.live.rows();
    let of_key = rows.of_user(&key.user);
    let mut listed: Vec<Listed<'_>> = of_key.filter_map(|row| listed(row, &key.user)).collect();
    listed.sort_by(|one, other| (one.path, one.vsphere).cmp(&(other.path, other.vsphere)));
    Json(listed).into_response()
}

/// Without consoles at URLs, which are of no VM.
fn listed<'a>(row: &'a Row, key: &User) -> Option<Listed<'a>> {
    let vm = row.vm.as_ref()?;
    Some(Listed {
        name: &vm.name,
        power: vm.power.to_string(),
        host: vm.host.as_deref(),
        path: vm.path.as_deref(),
        uuid: vm.uuid.map(|uuid| uuid.to_string()),
        instance_uuid: vm.instance_uuid.map(|uuid| uuid.to_string()),
        moref: &vm.moref,
        vsphere: row.vsphere.as_deref()?,
        port: row.port_for(key).map(|port| port.address.port()),
    })
}
