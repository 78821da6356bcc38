//! Runs `trust`, `check` and `vms` against a simulated host.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use esxi_sim::{DEMO_PASSWORD, Host, Kind, Power, Settings, VmSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use support::{mksgate, mksgate_at, run};

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

/// The setting that `mksgate trust` prints.
async fn trust_line(host: &Host) -> String {
    let empty = tempfile::tempdir().unwrap();
    let (code, shown, _) = run(mksgate(&empty, &["trust", &host.address().to_string()])).await;
    assert_eq!(code, Some(0));
    assert!(
        shown.contains("subject     CN=esxi-sim") && shown.contains("\nnot before  "),
        "{shown}"
    );
    let digest = host.certificate_sha256().map(|byte| format!("{byte:02X}"));
    let line = format!("\nsha256      {}\n", digest.join(":"));
    assert!(shown.contains(&line), "{shown}");
    // The setting is on a line of its own, to be copied.
    let hex: String = digest.concat().to_lowercase();
    assert!(
        shown.contains(&format!("\n\nexport MKSGATE_TRUST=sha256:{hex}\n\n")),
        "{shown}"
    );
    shown.lines().last().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_output_is_accepted_by_the_configuration() {
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
    let empty = tempfile::tempdir().unwrap();
    let mut command = mksgate_at(&host, &empty, &["vms"]);
    command
        .env_remove("GOVC_INSECURE")
        .env("MKSGATE_TRUST", format!("sha256:{hex}"));
    assert_eq!(run(command).await.0, Some(0));
    // Only those two logged in, and both have logged out.
    let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
    assert_eq!(counts.logins, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_and_untrusted_certificates_are_one_line_errors() {
    let host = host().await;
    let other = format!("trust = \"sha256:{}\"", "ab".repeat(32));
    let (code, _, error) = run(mksgate(&folder(&host, &other, &["web01"]), &["vms"])).await;
    assert_eq!(code, Some(7));
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
    assert_eq!(code, Some(7));
    assert!(
        error.contains("compare it with what `mksgate trust"),
        "{error}"
    );
    assert_eq!(host.counts().logins, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_prints_availability_of_each_console() {
    let host = host().await;
    let line = trust_line(&host).await;
    let folder = folder(&host, &line, &["web01", "old03", "nope"]);
    let (code, table, error) = run(mksgate(&folder, &["check"])).await;
    assert_eq!(code, Some(1));
    assert_eq!(
        error,
        "mksgate: 1 of 3 consoles are not available: see the table\n"
    );
    let rows: Vec<&str> = table.lines().collect();
    assert!(
        rows[1].starts_with("127.0.0.1:5901") && rows[1].ends_with("web01 on esxi-sim"),
        "{table}"
    );
    assert!(
        rows[2].ends_with(", powered off: viewers are refused until it runs"),
        "{table}"
    );
    assert!(rows[3].contains("FAILED: there is no VM nope"), "{table}");
    assert!(!table.contains(DEMO_PASSWORD) && !error.contains(DEMO_PASSWORD));
    let (code, table, _) = run(mksgate(&folder, &["check", "--offline"])).await;
    assert_eq!(code, Some(0));
    assert_eq!(table.matches("not checked").count(), 3);
    assert_eq!(host.counts().logins, 1, "--offline logs in nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_prints_a_table_or_json() {
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
async fn vms_works_with_govc_variables_only() {
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
    assert_eq!(code, Some(3));
    assert!(
        error.contains("refuses the user name or the password of root") && !error.contains("wrong"),
        "{error}"
    );
    let (code, _, error) = ask(address.to_string(), &[both[0], both[2]]).await;
    assert_eq!(code, Some(2));
    assert!(error.contains("GOVC_PASSWORD is not set"), "{error}");
    let (code, _, error) = run(mksgate(&empty, &["vms"])).await;
    assert_eq!(code, Some(2));
    assert!(error.ends_with("or set GOVC_URL\n"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_sends_a_refused_password_once_and_the_next_check_sends_it_again() {
    let host = host().await;
    let folder = folder(&host, "trust = \"danger-accept-any\"", &["web01", "db 02"]);
    std::fs::write(folder.path().join("secret"), "wrong").unwrap();
    for checks in 1..=2 {
        let (code, shown, _) = run(mksgate(&folder, &["check"])).await;
        assert_eq!(code, Some(1));
        let refused = "refuses the user name or the password of root: correct them";
        assert!(shown.contains(refused), "{shown}");
        // A command cannot promise what the next one does.
        assert!(!shown.contains("minutes"), "{shown}");
        assert_eq!(host.counts().logins_refused, checks);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_filters_and_sorts() {
    let host = host().await;
    let folder = tempfile::tempdir().unwrap();
    let names = async |more: &[&str]| {
        let arguments = [&["vms", "--json"], more].concat();
        let (code, json, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, error.as_str()), (Some(0), ""));
        let vms: Vec<Value> = serde_json::from_str(&json).unwrap();
        vms.iter()
            .map(|vm| vm["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&["B 0"]).await, ["db 02"]);
    assert_eq!(names(&["*0?"]).await, ["db 02", "old03", "web01"]);
    assert_eq!(names(&["*0[13]"]).await, [""; 0]);
    assert_eq!(names(&["/DC/vm/w*"]).await, ["web01"]);
    assert_eq!(names(&["nothing"]).await, [""; 0]);
    assert_eq!(names(&["--power", "off"]).await, ["old03"]);
    assert_eq!(
        names(&["--sort", "power"]).await,
        ["db 02", "web01", "old03"]
    );
    assert_eq!(names(&["we[b"]).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_prints_the_list_after_a_change() {
    let host = host().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = mksgate_at(&host, &folder, &["vms", "old", "--watch"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut table = move || {
        let lines = lines.by_ref().map(Result::unwrap);
        lines
            .take_while(|line| !line.is_empty())
            .collect::<Vec<_>>()
    };
    let (first, table) = spawn_blocking(move || (table(), table)).await.unwrap();
    assert!(first[1].contains("poweredOff"), "{first:?}");
    host.set_power("old03", Power::On);
    let second = spawn_blocking(table).await.unwrap();
    assert!(second[1].contains("poweredOn"), "{second:?}");
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let code = spawn_blocking(move || child.wait().unwrap().code());
    assert_eq!(code.await.unwrap(), Some(130));
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_offers_commands_and_vm_names() {
    let host = host().await;
    let folder = tempfile::tempdir().unwrap();
    let complete = async |host_is_there: bool, words: &[&str]| {
        let arguments = [&["--", "mksgate"], words].concat();
        let mut command = mksgate_at(&host, &folder, &arguments);
        if !host_is_there {
            command.env("GOVC_URL", "127.0.0.1:9");
        }
        command
            .env("MKSGATE_COMPLETE", "bash")
            .env("_CLAP_IFS", "|")
            .env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        let (code, shown, error) = run(command).await;
        assert_eq!((code, error.as_str()), (Some(0), ""));
        shown
    };
    // Completion has two seconds: if that was too short, nothing is shown, and a session may be left.
    let mut too_short = 0;
    let mut names_of = async |words: &[&str]| {
        for _ in 0..5 {
            let shown = complete(true, words).await;
            if shown.contains("web01") {
                return shown;
            }
            too_short += 1;
        }
        String::new()
    };
    assert!(complete(true, &["con"]).await.contains("connect"));
    let names = names_of(&["connect", ""]).await;
    for name in ["web01", "db", "old03"] {
        assert!(names.contains(name), "{names}");
    }
    assert_eq!(names_of(&["probe", "we"]).await, "web01");
    // Without an answer completion ends soon and prints nothing.
    assert!(!complete(false, &["connect", ""]).await.contains("web01"));
    host.counts_until(|counts| counts.sessions_open <= too_short)
        .await;
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(mksgate(&folder, &["completions", shell])).await;
        assert_eq!(code, Some(0));
        assert!(script.contains("MKSGATE_COMPLETE"), "{script}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_has_the_help_texts() {
    let folder = tempfile::tempdir().unwrap();
    let (code, page, _) = run(mksgate(&folder, &["man"])).await;
    assert_eq!(code, Some(0));
    assert!(
        page.contains(".TH mksgate 1") && page.contains("mksgate\\-connect(1)"),
        "{page}"
    );
    let (code, _, _) = run(mksgate(&folder, &["man", "-d", "pages"])).await;
    assert_eq!(code, Some(0));
    let connect = folder.path().join("pages/mksgate-connect.1");
    let connect = std::fs::read_to_string(connect).unwrap();
    assert!(connect.contains("\\-\\-proxy\\-only"), "{connect}");
    let (_, help, _) = run(mksgate(&folder, &["connect", "--help"])).await;
    for (section, heading) in [
        (".SH \"EXIT STATUS\"", "Exit status:"),
        (".SH ENVIRONMENT", "Environment:"),
        (".SH FILES", "Files:"),
        (".SH EXAMPLES", "Examples:"),
    ] {
        assert!(connect.contains(section), "{section}: {connect}");
        assert!(help.lines().any(|line| line == heading), "{help}");
    }
}
