//! Commands with two vSpheres of which one cannot be asked, and the files of `screenshot --all` over several.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use esxi_sim::{DEMO_PASSWORD, Host, Kind, Power, Settings, VmSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use support::{ended, mksgate, run, signal};

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

fn vms(names: &[&str]) -> Vec<VmSettings> {
    names
        .iter()
        .map(|name| VmSettings::desktop(*name))
        .collect()
}

/// A configuration of vSpheres at these addresses.
fn folder(vspheres: &[(&str, String)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, DEMO_PASSWORD).unwrap();
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let mut text = String::new();
    for (name, address) in vspheres {
        text += &format!(
            "[vsphere.{name}]\naddress = \"{address}\"\nusername = \"root\"\npassword_file = \"secret\"\n\
             trust = \"danger-accept-any\"\n"
        );
    }
    text += "[[console]]\nport = 5901\nvsphere = \"lab\"\nvm = \"web01\"\n";
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

/// An address on which nobody listens.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn files(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path().join("shots")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn vsphere_that_is_down_is_named_and_the_vms_of_the_others_are_listed() {
    let lab = host(vms(&["web01"])).await;
    // The vSphere that is down is asked first, and last.
    for (up, down) in [("lab", "aaa"), ("lab", "prod")] {
        let folder = folder(&[(up, lab.address().to_string()), (down, unused_address())]);
        let (code, table, error) = run(mksgate(&folder, &["vms"])).await;
        assert_eq!(code, Some(1), "{error}");
        assert!(
            table.lines().count() == 2 && table.contains("web01"),
            "{table}"
        );
        let named = format!("mksgate: vSphere {down}: 127.0.0.1:");
        assert!(
            error.starts_with(&named) && error.lines().count() == 1,
            "{error}"
        );
        let (code, json, _) = run(mksgate(&folder, &["vms", "--json"])).await;
        let vms: Vec<Value> = serde_json::from_str(&json).unwrap();
        assert_eq!((code, vms.len()), (Some(1), 1));
        // --vsphere asks the other alone, so that this one is no failure.
        let (code, _, error) = run(mksgate(&folder, &["vms", "--vsphere", "lab"])).await;
        assert_eq!((code, error.as_str()), (Some(0), ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vsphere_that_goes_down_while_watched_is_named_once_and_the_others_are_watched_on() {
    let lab = host(vms(&["web01"])).await;
    let prod = host(vms(&["db01"])).await;
    let folder = folder(&[
        ("lab", lab.address().to_string()),
        ("prod", prod.address().to_string()),
    ]);
    let mut child = mksgate(&folder, &["vms", "--watch", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    // Each list ends with an empty line.
    let mut next_list = move || {
        let mut text = String::new();
        while !text.ends_with("\n\n") {
            assert_ne!(printed.read_line(&mut text).unwrap(), 0, "{text}");
        }
        let vms: Vec<Value> = serde_json::from_str(&text).unwrap();
        vms.iter()
            .map(|vm| format!("{} {}", vm["name"], vm["power"]))
            .collect::<Vec<_>>()
    };
    let (mut next_list, first) = spawn_blocking(move || {
        let first = next_list();
        (next_list, first)
    })
    .await
    .unwrap();
    assert_eq!(first.len(), 2, "{first:?}");
    drop(prod);
    let (next_list, second) = spawn_blocking(move || {
        let second = next_list();
        (next_list, second)
    })
    .await
    .unwrap();
    assert_eq!(second, ["\"web01\" \"poweredOn\""]);
    lab.set_power("web01", Power::Off);
    let third = spawn_blocking(next_list).await.unwrap();
    assert_eq!(third, ["\"web01\" \"poweredOff\""]);
    signal(&child, "-INT");
    let (code, _, error) = ended(child).await;
    assert_eq!(code, Some(130));
    assert_eq!(error.lines().count(), 1, "{error}");
    let lines: Value = serde_json::from_str(&error).unwrap();
    assert_eq!(lines["vsphere"], "prod");
    assert_eq!(lines["error"], "vsphere-unreachable");
}

#[tokio::test(flavor = "multi_thread")]
async fn vspheres_that_are_all_down_are_all_named() {
    let folder = folder(&[("lab", unused_address()), ("prod", unused_address())]);
    for arguments in [
        &["vms"][..],
        &["screenshot", "--all", "-d", "shots"],
        &["connect", "web01", "--", "true"],
    ] {
        let (code, out, error) = run(mksgate(&folder, arguments)).await;
        // The same cause everywhere.
        assert_eq!((code, out.as_str()), (Some(6), ""), "{arguments:?}");
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 2, "{error}");
        for (line, name) in lines.iter().zip(["lab", "prod"]) {
            assert!(line.starts_with(&format!("mksgate: vSphere {name}: 127.0.0.1:")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_opens_a_console_of_the_vsphere_that_is_up() {
    let lab = host(vms(&["web01"])).await;
    let folder = folder(&[
        ("lab", lab.address().to_string()),
        ("aaa", unused_address()),
    ]);
    let arguments = ["connect", "web01", "--", "sh", "-c", "exit 7"];
    let (code, _, error) = run(mksgate(&folder, &arguments)).await;
    // The command's own code.
    assert_eq!(code, Some(7), "{error}");
    assert!(
        error.starts_with("mksgate: vSphere aaa: 127.0.0.1:") && error.lines().count() == 1,
        "{error}"
    );
    let (code, _, error) = run(mksgate(&folder, &["connect", "web02", "--", "true"])).await;
    assert_eq!(code, Some(1));
    assert!(
        error.ends_with(
            "mksgate: there is no VM web02: did you mean web01? (aaa could not be asked)\n"
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_pressed_only_if_every_vsphere_can_be_asked() {
    let lab = host(vms(&["web01"])).await;
    let folder = folder(&[
        ("lab", lab.address().to_string()),
        ("prod", unused_address()),
    ]);
    let (code, _, error) = run(mksgate(&folder, &["keys", "web01", "a"])).await;
    assert_eq!(code, Some(6));
    assert!(
        error.starts_with("mksgate: vSphere prod: 127.0.0.1:"),
        "{error}"
    );
    assert_eq!(lab.typed("web01"), "");
    let arguments = ["keys", "web01", "a", "--vsphere", "lab", "--delay", "1"];
    let (code, _, error) = run(mksgate(&folder, &arguments)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(lab.typed("web01"), "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_picture_of_two_vspheres_has_its_own_file() {
    let off = VmSettings {
        power: Power::Off,
        ..VmSettings::desktop("mail")
    };
    let in_folder = VmSettings {
        folder: Some("two".into()),
        ..VmSettings::desktop("web")
    };
    // VMs of one name in one vSphere, of names that give the same file name, and of the same id in both.
    let mut of_lab = vms(&["web", "WEB", "a/b", "a:b", "mail"]);
    of_lab.extend([in_folder, off]);
    let lab = host(of_lab).await;
    let prod = host(vms(&["web", "a/b", "lab-web"])).await;
    let folder = folder(&[
        ("lab", lab.address().to_string()),
        ("prod", prod.address().to_string()),
    ]);
    let arguments = ["screenshot", "--all", "-d", "shots", "--scale", "0.1"];
    let (code, _, error) = run(mksgate(&folder, &arguments)).await;
    assert_eq!(
        (code, error.as_str()),
        (Some(0), "9 screenshots are in shots\n")
    );
    let names = files(&folder);
    assert_eq!(names.len(), 9, "{names:?}");
    let of = |vsphere: &str| {
        names
            .iter()
            .filter(|name| name.starts_with(vsphere))
            .count()
    };
    assert_eq!((of("lab-"), of("prod-")), (6, 3), "{names:?}");
    // The second VM of that name is off: file names must not depend on which of them run.
    assert!(
        names.contains(&format!("lab-mail-{}.png", lab.moref("mail"))),
        "{names:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_taken_of_the_vsphere_that_is_up() {
    let lab = host(vms(&["web01", "db02"])).await;
    let folder = folder(&[
        ("lab", lab.address().to_string()),
        ("aaa", unused_address()),
    ]);
    let arguments = ["screenshot", "--all", "-d", "shots", "--scale", "0.1"];
    let (code, _, error) = run(mksgate(&folder, &arguments)).await;
    assert_eq!(code, Some(1));
    let lines: Vec<&str> = error.lines().collect();
    assert!(
        lines[0].starts_with("mksgate: vSphere aaa: 127.0.0.1:"),
        "{error}"
    );
    assert_eq!(lines[1..], ["2 screenshots are in shots"]);
    assert_eq!(files(&folder), ["lab-db02.png", "lab-web01.png"]);
}
