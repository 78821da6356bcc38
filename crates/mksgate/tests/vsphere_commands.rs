//! `trust`, `check` and `vms`, the program itself against a simulated host.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use esxi_sim::{DEMO_PASSWORD, Host, Kind, Power, Settings, VmSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

async fn host() -> Host {
    let vm = |name: &str| VmSettings::desktop(name);
    let off = VmSettings {
        power: Power::Off,
        ..vm("old03")
    };
    let vms = vec![vm("web01"), vm("db 02"), off];
    Host::start(Settings {
        vms,
        kind: Kind::VCenter,
        ..Settings::default()
    })
    .await
    .unwrap()
}

/// A configuration for `host` whose `[vsphere.lab]` has `trust`, and a console for each VM named.
fn folder(host: &Host, trust: &str, vms: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, DEMO_PASSWORD).unwrap();
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let mut text = format!(
        "[vsphere.lab]\naddress = \"{}\"\nusername = \"root\"\npassword_file = \"secret\"\n{trust}\n",
        host.address()
    );
    for (number, vm) in vms.iter().enumerate() {
        text += &format!(
            "[[console]]\nport = {}\nvsphere = \"lab\"\nvm = \"{vm}\"\n",
            5901 + number
        );
    }
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

/// The exit code, and what was printed on either stream.
async fn run(mut command: Command) -> (Option<i32>, String, String) {
    let output = spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

fn mksgate(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mksgate"));
    command.args(arguments).current_dir(folder.path());
    for variable in [
        "GOVC_URL",
        "GOVC_USERNAME",
        "GOVC_PASSWORD",
        "GOVC_INSECURE",
    ] {
        command.env_remove(variable);
    }
    command
}

/// The line that `mksgate trust` says to paste.
async fn trust_line(host: &Host) -> String {
    let empty = tempfile::tempdir().unwrap();
    let (code, shown, _) = run(mksgate(&empty, &["trust", &host.address().to_string()])).await;
    assert_eq!(code, Some(0));
    assert!(
        shown.contains("subject   CN=esxi-sim") && shown.contains("valid     "),
        "{shown}"
    );
    let digest = host.certificate_sha256().map(|byte| format!("{byte:02X}"));
    let line = format!("\nsha256    {}\n", digest.join(":"));
    assert!(shown.contains(&line), "{shown}");
    shown.lines().last().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_trust_prints_is_what_the_configuration_needs() {
    let host = host().await;
    let line = trust_line(&host).await;
    let hex: String = host
        .certificate_sha256()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(line, format!("trust = \"sha256:{hex}\""));
    let (code, _, _) = run(mksgate(&folder(&host, &line, &["web01"]), &["check"])).await;
    assert_eq!(code, Some(0));
    // Nobody was logged in for that but by `check`, and that is over.
    let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
    assert_eq!(counts.logins, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_another_or_nobodys_is_one_sentence() {
    let host = host().await;
    let other = format!("trust = \"sha256:{}\"", "ab".repeat(32));
    let (code, _, error) = run(mksgate(&folder(&host, &other, &["web01"]), &["vms"])).await;
    assert_eq!(code, Some(1));
    let hex: String = host
        .certificate_sha256()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(
        error.contains(&format!(
            "expected sha256:{}, got sha256:{hex}",
            "ab".repeat(32)
        )),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
    let (code, _, error) = run(mksgate(&folder(&host, "", &["web01"]), &["vms"])).await;
    assert_eq!(code, Some(1));
    assert!(
        error.contains("compare it with what `mksgate trust"),
        "{error}"
    );
    assert_eq!(host.counts().logins, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_of_each_console_whether_it_can_be_had() {
    let host = host().await;
    let line = trust_line(&host).await;
    let folder = folder(&host, &line, &["web01", "old03", "nope"]);
    let (code, table, error) = run(mksgate(&folder, &["check"])).await;
    assert_eq!(code, Some(1));
    assert_eq!(
        error,
        "mksgate: 1 of 3 consoles cannot be had: see the table\n"
    );
    let rows: Vec<&str> = table.lines().collect();
    assert!(
        rows[1].starts_with("127.0.0.1:5901") && rows[1].ends_with("web01 on esxi-sim"),
        "{table}"
    );
    assert!(rows[2].ends_with("but it is poweredOff"), "{table}");
    assert!(rows[3].contains("FAILED: there is no VM nope"), "{table}");
    assert!(!table.contains(DEMO_PASSWORD) && !error.contains(DEMO_PASSWORD));
    let (code, table, _) = run(mksgate(&folder, &["check", "--offline"])).await;
    assert_eq!(code, Some(0));
    assert_eq!(table.matches("not asked").count(), 3);
    assert_eq!(host.counts().logins, 1, "offline is offline");
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_are_listed_for_people_and_for_programs() {
    let host = host().await;
    let folder = folder(&host, &trust_line(&host).await, &["/DC/vm/db 02"]);
    let (code, table, _) = run(mksgate(&folder, &["vms"])).await;
    assert_eq!(code, Some(0));
    assert_eq!(table.lines().count(), 4, "{table}");
    let (code, json, _) = run(mksgate(&folder, &["vms", "--json", "--vsphere", "lab"])).await;
    assert_eq!(code, Some(0));
    let vms: Vec<Value> = serde_json::from_str(&json).unwrap();
    let db = vms.iter().find(|vm| vm["name"] == "db 02").unwrap();
    assert_eq!(db["power"], "poweredOn");
    assert_eq!(db["path"], "/DC/vm/db 02");
    assert_eq!(db["moref"], host.moref("db 02"));
    assert_eq!(db["uuid"], host.uuid("db 02"));
    assert_eq!(db["instance_uuid"], host.instance_uuid("db 02"));
    assert_eq!(
        (&db["vsphere"], &db["host"], &db["port"]),
        (&"lab".into(), &"esxi-sim".into(), &5901.into())
    );
    let old = vms.iter().find(|vm| vm["name"] == "old03").unwrap();
    assert_eq!(
        (&old["power"], &old["port"]),
        (&"poweredOff".into(), &Value::Null)
    );
    let (code, _, error) = run(mksgate(&folder, &["vms", "--vsphere", "lba"])).await;
    assert_eq!(
        (code, error.as_str()),
        (
            Some(2),
            "mksgate: there is no vSphere lba: name one of lab\n"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_needs_no_configuration_where_the_environment_says_enough() {
    let host = host().await;
    let empty = tempfile::tempdir().unwrap();
    let ask = |url: String, more: &[(&str, &str)]| {
        let mut command = mksgate(&empty, &["vms", "--json"]);
        command.env("GOVC_URL", url).envs(more.iter().copied());
        run(command)
    };
    let address = host.address();
    let both = [
        ("GOVC_USERNAME", "root"),
        ("GOVC_PASSWORD", DEMO_PASSWORD),
        ("GOVC_INSECURE", "1"),
    ];
    let (code, json, _) = ask(address.to_string(), &both).await;
    assert_eq!(code, Some(0));
    assert_eq!(serde_json::from_str::<Vec<Value>>(&json).unwrap().len(), 3);
    let (code, _, error) = ask(
        format!("https://root:wrong@{address}/sdk"),
        &[("GOVC_INSECURE", "true")],
    )
    .await;
    assert_eq!(code, Some(1));
    assert!(
        error.contains("refuses the user name or the password of root") && !error.contains("wrong"),
        "{error}"
    );
    let (code, _, error) = ask(address.to_string(), &both[..1]).await;
    assert_eq!((code, error.lines().count()), (Some(2), 1));
    let (code, _, error) = run(mksgate(&empty, &["vms"])).await;
    assert_eq!(code, Some(2));
    assert!(error.ends_with("or set GOVC_URL\n"), "{error}");
}
