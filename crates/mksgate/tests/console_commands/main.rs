//! Runs `probe`, `screenshot`, `type` and `keys` against a simulated host.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[cfg(unix)]
mod configured;
mod probes;
#[cfg(unix)]
mod reports;
mod screenshots;
mod screenshots_by_task;
#[cfg(unix)]
mod signals;
#[path = "../support/mod.rs"]
mod support;
mod typing;

use std::io::Cursor;
use std::process::{Command, Stdio};

use esxi_sim::{
    DEMO_PASSWORD, EndReason, Host, Kind, Layout, Misbehaviour, PixelFormats, Power, Quirks,
    Screen, ScreenshotFault, Screenshots, ServerCaps, Settings, VmSettings,
};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use support::{ended, mksgate, mksgate_at, run, run_bytes, signal};

/// Three VMs, one of them powered off, and two that share a name.
async fn host() -> Host {
    let in_folder = |folder: &str| VmSettings {
        folder: Some(folder.into()),
        ..VmSettings::desktop("twin")
    };
    let off = VmSettings {
        power: Power::Off,
        ..VmSettings::desktop("old03")
    };
    let vms = vec![
        VmSettings::desktop("web01"),
        VmSettings::desktop("db 02"),
        off,
        in_folder("a"),
        in_folder("b"),
    ];
    Host::start(Settings {
        vms,
        kind: Kind::VCenter,
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap()
}

fn empty_folder() -> TempDir {
    tempdir().unwrap()
}

/// A directory with a configuration that has a console of `web01` on `host`, with [`PASSWORD`] as password, and `more`.
fn configuration(host: &Host, more: &str) -> TempDir {
    let folder = empty_folder();
    let text = format!(
        "[vsphere.lab]\naddress = \"{}\"\nusername = \"root\"\npassword_env = \"{PASSWORD}\"\n\
         trust = \"sha256:{}\"\n\
         [[console]]\nport = 5901\nvsphere = \"lab\"\nvm = \"web01\"\n{more}\n",
        host.address(),
        hex(&host.certificate_sha256())
    );
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const PASSWORD: &str = "PASSWORD_OF_LAB";

/// Width, height, and pixels of three bytes each.
fn decoded(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    (info.width, info.height, pixels)
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_one_line_on_stderr() {
    let host = host().await;
    let keeps_out = async |exit: i32, variable: &str, value: &str, why: &str| {
        let folder = empty_folder();
        let mut command = mksgate_at(&host, &folder, &["screenshot", "web01", "-o", "-"]);
        command.env(variable, value);
        let (code, shown, error) = run(command).await;
        assert_eq!((code, shown.as_str()), (Some(exit), ""), "{error}");
        assert!(
            error.starts_with("mksgate: ") && error.contains(why),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains(DEMO_PASSWORD));
    };
    keeps_out(
        3,
        "GOVC_PASSWORD",
        "wrong",
        "refuses the user name or the password of root: correct them",
    )
    .await;
    keeps_out(
        7,
        "GOVC_INSECURE",
        "0",
        "compare it with what `mksgate trust 127.0.0.1:",
    )
    .await;
    // The console's port speaks HTTPS and is no vSphere.
    let console = host.console_address().to_string();
    keeps_out(1, "GOVC_URL", &console, "is not an ESXi or vCenter").await;
    let (code, _, error) = run(mksgate(&empty_folder(), &["probe", "web01"])).await;
    assert_eq!(code, Some(2));
    assert!(error.ends_with("or set GOVC_URL\n"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_stdout_is_no_failure() {
    let host = host().await;
    for arguments in [
        &["vms"][..],
        &["probe", "web01"],
        &["screenshot", "web01", "-o", "-"],
        &["man"],
        &["completions", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let folder = empty_folder();
        let mut command = mksgate_at(&host, &folder, arguments);
        command.stdout(Stdio::from(writer));
        let (code, _, error) = run(command).await;
        assert_eq!((code, error.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

/// A host with one VM `web01`, 200 × 100 pixels, with these quirks.
async fn host_with_quirks(quirks: Quirks) -> Host {
    let size = Screen::Desktop {
        width: 200,
        height: 100,
    };
    let vm = VmSettings {
        screen: size,
        quirks,
        ..VmSettings::desktop("web01")
    };
    Host::start(Settings {
        vms: vec![vm],
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap()
}
