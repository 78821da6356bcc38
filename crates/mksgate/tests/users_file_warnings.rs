//! Warnings of `check` about users files, after it has looked up the VMs.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use esxi_sim::{DEMO_PASSWORD, Host, Kind, Settings, VmSettings};
use tempfile::TempDir;

use support::{mksgate, run};

/// A hash that `mksgate passwd` printed for the password "x".
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$t2dIS7GCpYHUKunPpwb3uw$dgLDrR/+jioPf+BcqP30PKFWdcX43S5Y3HjdCN1rsD8";

/// Two VMs with the same name, and another.
async fn host() -> Host {
    let vm = |name: &str, folder: &str| VmSettings {
        folder: Some(folder.into()),
        ..VmSettings::desktop(name)
    };
    Host::start(Settings {
        vms: vec![vm("db01", "one"), vm("db01", "two"), vm("web01", "one")],
        kind: Kind::VCenter,
        ..Settings::default()
    })
    .await
    .unwrap()
}

/// A console for each of these VMs, for a user with these rights.
fn folder(host: &Host, vms: &[String], rights: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["gateway.example".into()]).unwrap();
    for (name, text) in [
        ("secret", DEMO_PASSWORD.to_owned()),
        ("users", format!("ada:{HASH}:{rights}\n")),
        ("cert.pem", made.cert.pem()),
        ("key.pem", made.signing_key.serialize_pem()),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    let pin: String = host
        .certificate_sha256()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut text = format!(
        "[vsphere.lab]\naddress = \"{}\"\nusername = \"root\"\npassword_file = \"secret\"\ntrust = \"sha256:{pin}\"\n\
         [auth.staff]\nmethods = [\"x509-plain\"]\nusers_file = \"users\"\ncertificate = \"cert.pem\"\nprivate_key = \"key.pem\"\n",
        host.address()
    );
    for (number, vm) in vms.iter().enumerate() {
        text += &format!(
            "[[console]]\nport = {}\nvsphere = \"lab\"\nvm = \"{vm}\"\nauth = \"staff\"\n",
            5901 + number
        );
    }
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn name_of_two_vms_is_a_warning_and_pattern_that_matches_none_an_error() {
    let host = host().await;
    let vms = [
        "/DC/vm/one/db01".to_owned(),
        "/DC/vm/two/db01".to_owned(),
        format!("instance-uuid:{}", host.instance_uuid("web01")),
    ];
    let rights = "db01,lab:web01,db*,/DC/vm/one/*,/DC/vm/three/*,web02";
    let folder = folder(&host, &vms, rights);
    let (code, _, error) = run(mksgate(&folder, &["check"])).await;
    assert_eq!(code, Some(1), "{error}");
    let matches_none = |pattern: &str, nearest: &str| {
        format!(
            "mksgate: users: line 1: {pattern:?} of the user ada matches no console: did you mean {nearest:?}?"
        )
    };
    assert_eq!(
        error.lines().collect::<Vec<_>>(),
        [
            "mksgate: \"db01\" of the user ada matches two VMs, /DC/vm/one/db01 and /DC/vm/two/db01: write the inventory path of one",
            &matches_none("/DC/vm/three/*", "/DC/vm/one/web01"),
            &matches_none("web02", "web01"),
        ]
    );
    // Without a lookup it is not known which VM a path or name refers to.
    let (code, _, error) = run(mksgate(&folder, &["check", "--offline"])).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
}
