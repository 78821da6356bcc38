//! Exit codes, and errors as JSON with the codes that scripts tell apart.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::net::TcpListener;

use esxi_sim::{Host, Power, Settings, VmSettings};
use serde_json::{Value, json};
use support::{mksgate, mksgate_at, run};
use tempfile::{TempDir, tempdir};

async fn host() -> Host {
    let with_power = |name: &str, power: Power| VmSettings {
        power,
        ..VmSettings::desktop(name)
    };
    let vms = vec![
        VmSettings::desktop("vm08"),
        with_power("off", Power::Off),
        with_power("asleep", Power::Suspended),
    ];
    let settings = Settings {
        vms,
        ..Settings::default()
    };
    Host::start(settings).await.unwrap()
}

/// A port that has been closed again: nobody listens there.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The only line on stderr.
fn line(stderr: &str) -> Value {
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    serde_json::from_str(stderr).unwrap()
}

/// Code, stage and blame of the error.
fn cause(stderr: &str) -> Value {
    let error = line(stderr);
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    json!([error["error"], error["stage"], error["blame"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cause_has_its_exit_code_and_its_error_code() {
    let (host, folder) = (host().await, tempdir().unwrap());
    for (arguments, exit, expected) in [
        (
            &["probe", "nosuch"][..],
            4,
            json!(["no-such-vm", "ticket", "gateway"]),
        ),
        (
            &["screenshot", "nosuch", "-o", "-"],
            4,
            json!(["no-such-vm", "ticket", "gateway"]),
        ),
        (
            &["connect", "off", "--proxy-only"],
            5,
            json!(["vm-powered-off", "ticket", "vcenter"]),
        ),
        (
            &["type", "asleep", "x"],
            5,
            json!(["vm-suspended", "ticket", "vcenter"]),
        ),
        (
            &["keys", "off", "a"],
            5,
            json!(["vm-powered-off", "ticket", "vcenter"]),
        ),
        (
            &["connect", "vm08", "--", "./none"],
            127,
            json!(["no-such-program", null, null]),
        ),
        (
            &["connect", "vm08", "--viewer", "none"],
            127,
            json!(["no-such-program", null, null]),
        ),
        (
            &["connect", "vm08", "--nonsense"],
            2,
            json!(["usage", null, null]),
        ),
    ] {
        let as_json = [&["--log", "json"], arguments].concat();
        let (code, _, error) = run(mksgate_at(&host, &folder, &as_json)).await;
        assert_eq!(code, Some(exit), "{arguments:?}: {error}");
        if arguments[0] != "probe" {
            assert_eq!(cause(&error), expected, "{arguments:?}");
        }
        let (code, _, error) = run(mksgate_at(&host, &folder, arguments)).await;
        assert_eq!(code, Some(exit), "{arguments:?}");
        if arguments[0] != "probe" {
            assert!(error.starts_with("mksgate: "), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_login_is_3_and_untrusted_certificate_is_7() {
    let (host, folder) = (host().await, tempdir().unwrap());
    let vms = async |variable: &str, value: &str| {
        let mut command = mksgate_at(&host, &folder, &["vms", "--json"]);
        command.env(variable, value);
        let (code, shown, error) = run(command).await;
        assert_eq!(shown, "");
        (code, cause(&error))
    };
    let refused = vms("GOVC_PASSWORD", "s3cr3t").await;
    assert_eq!(
        refused,
        (Some(3), json!(["login-refused", "ticket", "gateway"]))
    );
    let untrusted = vms("GOVC_INSECURE", "0").await;
    assert_eq!(
        untrusted,
        (Some(7), json!(["vsphere-untrusted", "ticket", "gateway"]))
    );
}

/// A command for which another certificate than the host's is pinned.
fn pinned_otherwise(host: &Host, folder: &TempDir, arguments: &[&str]) -> std::process::Command {
    let config = folder.path().join("mksgate");
    std::fs::create_dir_all(&config).unwrap();
    let line = format!("\"{}\" = \"sha256:{}\"\n", host.address(), "ab".repeat(32));
    std::fs::write(config.join("known_hosts.toml"), line).unwrap();
    let mut command = mksgate_at(host, folder, arguments);
    command
        .env("XDG_CONFIG_HOME", folder.path())
        .env_remove("GOVC_INSECURE");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_certificate_is_7() {
    let (host, folder) = (host().await, tempdir().unwrap());
    let address = host.address().to_string();
    for arguments in [
        &["--log=json", "vms"][..],
        &["--log=json", "trust", &address, "--save"],
    ] {
        let (code, _, error) = run(pinned_otherwise(&host, &folder, arguments)).await;
        assert_eq!(code, Some(7), "{error}");
        assert_eq!(cause(&error)[0], "certificate-changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_is_6() {
    let (host, folder) = (host().await, tempdir().unwrap());
    let mut command = mksgate_at(&host, &folder, &["vms", "--json"]);
    command.env("GOVC_URL", unused_address());
    let (code, _, error) = run(command).await;
    assert_eq!(
        (code, cause(&error)),
        (Some(6), json!(["vsphere-unreachable", "ticket", "vcenter"]))
    );
    let (code, _, error) = run(mksgate(
        &folder,
        &["--log", "json", "trust", &unused_address()],
    ))
    .await;
    assert_eq!(
        (code, cause(&error)),
        (Some(6), json!(["host-unreachable", null, null]))
    );
    let url = format!("ws://{}/", unused_address());
    let (code, shown, error) = run(mksgate(&folder, &["probe", "--url", &url, "--json"])).await;
    assert_eq!((code, error.as_str()), (Some(6), ""));
    let answer: Value = serde_json::from_str(&shown).unwrap();
    let failed = answer["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        json!([failed["code"], failed["blame"]]),
        json!(["host-unreachable", "esxi"])
    );
    // The host's certificate is not the system's to trust.
    let url = format!("wss://{}/", host.address());
    let (code, ..) = run(mksgate(&folder, &["probe", "--url", &url])).await;
    assert_eq!(code, Some(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_error_is_2_and_one_object_for_each_mistake() {
    let folder = tempdir().unwrap();
    let text = "[[console]]\nport = 1\nnonsense = 1\n[[console]]\nnonsense = 1\n";
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    let (code, _, error) = run(mksgate(&folder, &["check", "--log", "json"])).await;
    assert_eq!(code, Some(2));
    let lines: Vec<Value> = error
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!lines.is_empty());
    for line in &lines {
        assert_eq!(line["error"], "configuration", "{error}");
    }
    assert!(
        lines[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("gateway.toml:"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn text_after_two_dashes_does_not_choose_json() {
    let (host, folder) = (host().await, tempdir().unwrap());
    let (code, _, error) = run(mksgate_at(&host, &folder, &["type", "off", "--", "--json"])).await;
    assert_eq!(code, Some(5));
    assert!(error.starts_with("mksgate: off is powered off"), "{error}");
}

/// The words in quotes that look like a code.
fn codes_in(source: &str) -> Vec<&str> {
    let is_code =
        |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    source
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(is_code)
        .collect()
}

#[test]
fn every_code_and_its_exit_code_is_documented() {
    let commands = include_str!("../../../docs/commands.md");
    let mut seen = 0;
    for source in [
        include_str!("../../vsphere/src/error_code.rs"),
        include_str!("../../console/src/error_code.rs"),
        include_str!("../../gateway/src/error_code.rs"),
        include_str!("../src/commands/exit_code.rs"),
    ] {
        for code in codes_in(source) {
            // Stages of a session, from the same file.
            if ["ticket", "dial", "relay"].contains(&code) {
                continue;
            }
            let row = commands
                .lines()
                .find(|line| line.starts_with(&format!("| `{code}` | ")));
            assert!(row.is_some(), "{code} is not in docs/commands.md");
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
}
