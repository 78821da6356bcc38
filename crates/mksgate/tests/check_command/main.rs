//! `check`: hosts, tickets, names, vSpheres and certificates, for people and as JSON.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod certificates;
#[path = "../support/mod.rs"]
mod support;

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use esxi_sim::{DEMO_PASSWORD, Host, Kind, Power, Settings, TicketHost, TicketShape, VmSettings};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use support::{mksgate, reserved_port, run};

fn vms(names: &[&str]) -> Vec<VmSettings> {
    names
        .iter()
        .map(|name| VmSettings::desktop(*name))
        .collect()
}

async fn host(vms: Vec<VmSettings>) -> Host {
    Host::start(Settings {
        vms,
        kind: Kind::VCenter,
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap()
}

fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    secret(&folder.path().join("secret"), DEMO_PASSWORD);
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

fn vsphere(name: &str, address: impl std::fmt::Display) -> String {
    format!(
        "[vsphere.{name}]\naddress = \"{address}\"\nusername = \"root\"\npassword_file = \"secret\"\n\
         trust = \"system\"\n"
    )
}

/// `trust` for a simulated host.
fn lab(host: &Host) -> String {
    let digest = host.certificate_sha256().map(|byte| format!("{byte:02x}"));
    let pin = format!("sha256:{}", digest.concat());
    vsphere("lab", host.address()).replace("system", &pin)
}

fn consoles(vsphere: &str, vms: &[&str]) -> String {
    let numbered = (5901..).zip(vms);
    numbered
        .map(|(port, vm)| {
            format!("[[console]]\nport = {port}\nvsphere = \"{vsphere}\"\nvm = \"{vm}\"\n")
        })
        .collect()
}

/// A free address on which nobody listens.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn row_of<'a>(table: &'a str, vm: &str) -> &'a str {
    let named = |line: &&str| line.split_whitespace().nth(2) == Some(vm);
    table.lines().find(named).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_host_is_dialled_once_and_each_running_vm_gives_a_ticket() {
    let off = VmSettings {
        power: Power::Off,
        ..VmSettings::desktop("old03")
    };
    let mut all = vms(&["web01", "web02", "web03"]);
    all.push(off);
    let host = host(all).await;
    let text = lab(&host) + &consoles("lab", &["web01", "web02", "web03", "old03"]);
    let folder = folder(&text);
    let (code, table, error) = run(mksgate(&folder, &["check"])).await;
    assert_eq!((code, error.as_str()), (Some(0), ""), "{table}");
    let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
    assert_eq!(
        (counts.logins, counts.tickets_issued, counts.consoles_opened),
        (1, 3, 1)
    );
    let (code, _, _) = run(mksgate(&folder, &["check", "--no-dial"])).await;
    assert_eq!(code, Some(0));
    let (code, _, _) = run(mksgate(&folder, &["check", "--offline"])).await;
    assert_eq!(code, Some(0));
    let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
    assert_eq!(
        (counts.logins, counts.tickets_issued, counts.consoles_opened),
        (2, 3, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn host_that_cannot_be_reached_fails_all_its_consoles() {
    let host = host(vms(&["web01", "web02"])).await;
    host.set_tickets(TicketShape {
        host: TicketHost::Other("esxi01.example".into()),
        ..TicketShape::default()
    });
    let address = unused_address();
    let text = format!(
        "{}console_address = {{ \"esxi01.example\" = \"{address}\" }}\n{}",
        lab(&host),
        consoles("lab", &["web01", "web02"])
    );
    let folder = folder(&text);
    let (code, table, error) = run(mksgate(&folder, &["check"])).await;
    assert_eq!(code, Some(1));
    let failed = format!("FAILED: cannot reach {address} (");
    assert_eq!(table.matches(&failed).count(), 2, "{table}");
    assert_eq!(
        error,
        "mksgate: 2 of 2 consoles are not available: see the table\n"
    );
    // The second was not dialled for it, so that no ticket was acquired.
    assert_eq!(host.counts().tickets_issued, 1);
    let (code, _, error) = run(mksgate(&folder, &["check", "--no-dial"])).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn host_whose_vms_are_all_off_is_connected_to_as_well() {
    let off = |name: &str| VmSettings {
        power: Power::Off,
        ..VmSettings::desktop(name)
    };
    let host = host(vec![off("old01"), off("old02")]).await;
    let check = async |address: &str, options: &[&str]| {
        let text = format!(
            "{}console_address = {{ \"esxi-sim\" = \"{address}\" }}\n{}",
            lab(&host),
            consoles("lab", &["old01", "old02"])
        );
        let folder = folder(&text);
        run(mksgate(&folder, &[&["check"], options].concat())).await
    };
    let nobody = unused_address();
    let (code, table, _) = check(&nobody, &[]).await;
    assert_eq!(code, Some(1));
    let failed = format!("FAILED: cannot reach {nobody} (");
    assert_eq!(table.matches(&failed).count(), 2, "{table}");
    let (code, table, _) = check(&nobody, &["--no-dial"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(table.matches("powered off: viewers").count(), 2, "{table}");
    // What answers with TLS is reached; no ticket is asked for, and no console opened.
    let (code, table, error) = check(&host.address().to_string(), &[]).await;
    assert_eq!((code, error.as_str()), (Some(0), ""), "{table}");
    assert_eq!(table.matches("powered off: viewers").count(), 2, "{table}");
    let counts = host.counts();
    assert_eq!((counts.tickets_issued, counts.consoles_opened), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn host_that_does_not_answer_is_dialled_once_and_fails_all_its_consoles() {
    let host = host(vms(&["web01", "web02"])).await;
    host.set_tickets(TicketShape {
        host: TicketHost::Other("esxi01.example".into()),
        ..TicketShape::default()
    });
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "[gateway]\nhandshake_timeout = \"2s\"\n{}console_address = {{ \"esxi01.example\" = \"{}\" }}\n{}",
        lab(&host),
        silent.local_addr().unwrap(),
        consoles("lab", &["web01", "web02"])
    );
    let (code, table, _) = run(mksgate(&folder(&text), &["check"])).await;
    assert_eq!(code, Some(1));
    let failed = "FAILED: ESXi did not answer within 2 s";
    assert_eq!(table.matches(failed).count(), 2, "{table}");
    silent.set_nonblocking(true).unwrap();
    assert!(silent.accept().is_ok() && silent.accept().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_listed_and_names_are_suggested() {
    let hidden = VmSettings {
        console_permitted: false,
        ..VmSettings::desktop("hidden")
    };
    let mut all = vms(&["web01"]);
    all.push(hidden);
    let host = host(all).await;
    let names = ["wbe01", "/DC/vm/web02", "hidden", "web01"];
    let text = lab(&host)
        + &vsphere("prod", unused_address())
        + &vsphere("unused", unused_address())
        + &consoles("lab", &names)
        + &consoles("prod", &["db01"]).replace("5901", "5910");
    let folder = folder(&text);
    let (code, table, error) = run(mksgate(&folder, &["check"])).await;
    assert_eq!(code, Some(1));
    for (vm, words) in [
        ("wbe01", "FAILED: there is no VM wbe01: did you mean web01?"),
        (
            "/DC/vm/web02",
            "FAILED: there is no VM /DC/vm/web02: did you mean /DC/vm/web01 or ",
        ),
        ("hidden", "FAILED: root lacks the privilege"),
        ("web01", "web01 on esxi-sim"),
        ("db01", "FAILED: "),
    ] {
        assert!(row_of(&table, vm).contains(words), "{vm}: {table}");
    }
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines[0].starts_with("mksgate: vSphere prod: "), "{error}");
    assert!(lines[1].starts_with("mksgate: vSphere unused: "), "{error}");
    assert_eq!(
        lines[2..],
        ["mksgate: 4 of 5 consoles are not available: see the table"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_each_console_and_each_problem() {
    let off = VmSettings {
        power: Power::Off,
        ..VmSettings::desktop("old03")
    };
    let mut all = vms(&["web01"]);
    all.push(off);
    let host = host(all).await;
    let names = ["web01", "old03", "web02"];
    let folder = folder(&(lab(&host) + &consoles("lab", &names)));
    let (code, shown, error) = run(mksgate(&folder, &["check", "--json"])).await;
    assert_eq!((code, error.as_str()), (Some(1), ""));
    let report: Value = serde_json::from_str(&shown).unwrap();
    let missing = "there is no VM web02: did you mean web01?";
    let console = |port: u16, vm: &str, state: &str, found: Value, error: Value| {
        let code = error.as_str().map(|_| "no-such-vm");
        json!({
            "listen": format!("127.0.0.1:{port}"),
            "vsphere": "lab",
            "vm": vm,
            "auth": ["none"],
            "reached_by": "anybody on this machine, not encrypted",
            "state": state,
            "found": found,
            "error": error,
            "code": code,
        })
    };
    let found = |name: &str, power: &str| json!({"name": name, "path": format!("/DC/vm/{name}"), "host": "esxi-sim", "power": power});
    assert_eq!(
        report,
        json!({
            "ok": false,
            "consoles": [
                console(5901, "web01", "ready", found("web01", "poweredOn"), Value::Null),
                console(5902, "old03", "not-running", found("old03", "poweredOff"), Value::Null),
                console(5903, "web02", "failed", Value::Null, missing.into()),
            ],
            "problems": [{
                "kind": "console",
                "subject": "127.0.0.1:5903",
                "error": "no-such-vm",
                "message": missing,
                "not_before": Value::Null,
                "not_after": Value::Null,
            }],
            "warnings": [],
        })
    );
    for (option, state) in [("--no-dial", "found"), ("--offline", "not-checked")] {
        let (_, shown, _) = run(mksgate(&folder, &["check", "--json", option])).await;
        let report: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(report["consoles"][0]["state"], state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_of_a_wrong_configuration_has_all_mistakes_with_their_places() {
    let text = vsphere("lab", "127.0.0.1:9").replace("secret", "none")
        + &consoles("lba", &["web01"])
        + "[[console]]\nport = 0\nvsphere = \"lab\"\nvm = \"web02\"\n";
    let folder = folder(&text);
    let (code, shown, error) = run(mksgate(&folder, &["check", "--json"])).await;
    assert_eq!((code, error.as_str()), (Some(2), ""));
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&report["ok"], &report["consoles"]),
        (&json!(false), &json!([]))
    );
    let problems = report["problems"].as_array().unwrap();
    let places: Vec<&Value> = problems.iter().map(|each| &each["subject"]).collect();
    assert_eq!(
        places,
        [
            "gateway.toml:4:17",
            "gateway.toml:8:11",
            "gateway.toml:11:8"
        ]
    );
    assert!(
        problems
            .iter()
            .all(|each| each["kind"] == "configuration" && each["error"] == "configuration")
    );
    // For people, one a line.
    let (code, out, error) = run(mksgate(&folder, &["check"])).await;
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_are_no_failure() {
    let host = host(vms(&["web01"])).await;
    let text = vsphere("lab", host.address()).replace("system", "danger-accept-any")
        + &consoles("lab", &["web01"]);
    let folder = folder(&text);
    let (code, shown, error) = run(mksgate(&folder, &["check", "--json"])).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["ok"], true);
    let warning = report["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("[vsphere.lab] has trust"), "{warning}");
}
