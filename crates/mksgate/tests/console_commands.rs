//! `probe`, `screenshot`, `type` and `keys`, the program itself against a simulated host.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::io::Cursor;
use std::process::Stdio;

use esxi_sim::{
    DEMO_PASSWORD, Formats, Host, Kind, Layout, Misbehaviour, Moods, Power, Screen,
    ScreenshotFault, Screenshots, Settings, VmSettings,
};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use support::{mksgate, mksgate_at, run, run_bytes};

/// Three VMs of which one is off, and two that share a name.
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

fn nowhere() -> TempDir {
    tempdir().unwrap()
}

/// Width, height, and pixels of three bytes each.
fn decoded(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    (info.width, info.height, pixels)
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_tells_each_step_and_ends_with_a_verdict() {
    let host = host().await;
    let (code, shown, error) = run(mksgate_at(&host, &nowhere(), &["probe", "web01"])).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let lines: Vec<&str> = shown.lines().collect();
    let steps: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("ok"))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "login",
            "vm",
            "ticket",
            "tcp",
            "tls",
            "websocket",
            "rfb",
            "screen"
        ]
    );
    assert!(!shown.contains('\u{1b}'), "no colours in a pipe: {shown}");
    assert!(lines[7].ends_with(
        "\"web01\", 800 x 600, 32 bits per pixel, depth 24, little-endian, red/green/blue at 16/8/0"
    ));
    assert!(lines[8].starts_with("web01 has a console, ready after "));
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_for_programs_has_the_same_as_values() {
    let host = host().await;
    let arguments = ["probe", "/DC/vm/db 02", "--json"];
    let (code, shown, _) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
    assert_eq!(code, Some(0));
    let answer: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&answer["ok"], &answer["vm"]),
        (&true.into(), &"/DC/vm/db 02".into())
    );
    let steps = answer["steps"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .all(|step| step["ok"] == true && step["seconds"].is_number())
    );
    assert_eq!(steps[1]["moref"], host.moref("db 02"));
    let hex: String = host
        .console_certificate_sha256()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(steps[4]["thumbprint"], format!("sha256:{hex}"));
    assert_eq!(steps[6]["security_types"][0], "None");
    assert_eq!(
        (&steps[7]["width"], &steps[7]["height"]),
        (&800.into(), &600.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_says_which_step_fails_why_and_what_to_try() {
    let host = host().await;
    let fails_at = async |step: &str, vm: &str, why: &str| {
        let (code, shown, error) = run(mksgate_at(&host, &nowhere(), &["probe", vm])).await;
        assert_eq!((code, error.as_str()), (Some(1), ""));
        let failed = shown
            .lines()
            .find(|line| line.starts_with("FAILED"))
            .unwrap();
        assert!(failed.contains(step) && failed.contains(why), "{shown}");
        let verdict = format!("{vm} has no console for us: it fails at {step}");
        assert_eq!(shown.lines().last(), Some(verdict.as_str()));
    };
    fails_at(
        "ticket",
        "old03",
        "start it, as with `govc vm.power -on /DC/vm/old03`",
    )
    .await;
    fails_at("vm", "web10", "did you mean web01?").await;
    fails_at(
        "vm",
        "twin",
        "2 VMs are called twin (/DC/vm/a/twin, /DC/vm/b/twin)",
    )
    .await;
    host.misbehave(Misbehaviour::NoSubprotocol);
    fails_at("websocket", "web01", "refused the WebSocket").await;
    host.misbehave(Misbehaviour::NoSecurity("the VM is being moved".into()));
    fails_at("rfb", "web01", "the VM is being moved").await;
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_out_is_one_sentence_on_stderr() {
    let host = host().await;
    let keeps_out = async |variable: &str, value: &str, why: &str| {
        let folder = nowhere();
        let mut command = mksgate_at(&host, &folder, &["screenshot", "web01", "-o", "-"]);
        command.env(variable, value);
        let (code, shown, error) = run(command).await;
        assert_eq!((code, shown.as_str()), (Some(1), ""), "{error}");
        assert!(
            error.starts_with("mksgate: ") && error.contains(why),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains(DEMO_PASSWORD));
    };
    keeps_out(
        "GOVC_PASSWORD",
        "wrong",
        "refuses the user name or the password of root: correct them",
    )
    .await;
    keeps_out(
        "GOVC_INSECURE",
        "0",
        "compare it with what `mksgate trust 127.0.0.1:",
    )
    .await;
    // The console's own door is HTTPS and no vSphere.
    let console = host.console_address().to_string();
    keeps_out("GOVC_URL", &console, "is no ESXi or vCenter").await;
    let (code, _, error) = run(mksgate(&nowhere(), &["probe", "web01"])).await;
    assert_eq!(code, Some(2));
    assert!(error.ends_with("or set GOVC_URL\n"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screenshot_is_what_the_host_itself_shows_pixel_for_pixel() {
    let host = host().await;
    let folder = nowhere();
    let typed = run(mksgate_at(&host, &folder, &["type", "web01", "pixels"])).await;
    assert_eq!(typed.0, Some(0), "{}", typed.2);
    let shot = async |more: &[&str]| {
        let arguments = [&["screenshot", "web01", "-o", "-"], more].concat();
        let (code, png, error) = run_bytes(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, error.as_str()), (Some(0), ""));
        decoded(&png)
    };
    let api = shot(&["--via", "api"]).await;
    assert_eq!((api.0, api.1), (800, 600));
    assert!(
        api.2.iter().any(|&byte| byte != api.2[0]),
        "it is not blank"
    );
    assert!(shot(&[]).await == api);
    for wrong in [
        Misbehaviour::Fragments,
        Misbehaviour::OneMessagePerTurn,
        Misbehaviour::Pings(b"still there?".to_vec()),
    ] {
        host.misbehave(wrong);
        assert!(shot(&[]).await == api);
    }
    let (width, height, _) = shot(&["--scale", "0.25"]).await;
    assert_eq!((width, height), (200, 150));
    assert!(shot(&["--scale", "0.25"]).await == shot(&["--scale", "0.25", "--via", "api"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_replaced_by_a_whole_picture_or_not_at_all() {
    let host = host().await;
    let folder = nowhere();
    let file = folder.path().join("x.png");
    std::fs::write(&file, "before").unwrap();
    host.misbehave(Misbehaviour::CutAfter(100_000));
    let arguments = ["screenshot", "web01", "-o", "x.png"];
    let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(1), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"before");
    let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    decoded(&std::fs::read(&file).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_vms_that_run_are_taken_and_one_that_cannot_be_spoils_no_other() {
    let hidden = VmSettings {
        console_permitted: false,
        ..VmSettings::desktop("hidden")
    };
    let off = VmSettings {
        power: Power::Off,
        ..VmSettings::desktop("off")
    };
    let mut vms: Vec<VmSettings> = (0..6)
        .map(|n| VmSettings::desktop(format!("vm{n}")))
        .collect();
    vms.push(off);
    let settings = |vms| Settings {
        vms,
        kind: Kind::VCenter,
        ..Settings::default()
    };
    let folder = nowhere();
    let shots = |host: &Host| {
        let arguments = ["screenshot", "--all", "-d", "shots", "--scale", "0.1"];
        mksgate_at(host, &folder, &arguments)
    };
    let host = Host::start(settings(vms.clone())).await.unwrap();
    let (code, _, error) = run(shots(&host)).await;
    assert_eq!(
        (code, error.as_str()),
        (Some(0), "6 pictures are in shots\n")
    );
    vms.push(hidden);
    let host = Host::start(settings(vms)).await.unwrap();
    let (code, _, error) = run(shots(&host)).await;
    assert_eq!(code, Some(1));
    let told: Vec<&str> = error.lines().collect();
    assert!(
        told[0].starts_with("mksgate: hidden: root lacks the privilege"),
        "{error}"
    );
    assert_eq!(
        told[1],
        "mksgate: 1 of 7 pictures could not be taken: see above"
    );
    let mut names: Vec<String> = std::fs::read_dir(folder.path().join("shots"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected: Vec<String> = (0..6).map(|n| format!("vm{n}.png")).collect();
    assert_eq!(names, expected);
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_keys_reach_the_guest_in_their_order() {
    let host = host().await;
    let folder = nowhere();
    let type_ = async |arguments: &[&str]| {
        let arguments = [arguments, &["--delay", "2", "--quiet"]].concat();
        let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, shown.as_str(), error.as_str()), (Some(0), "", ""));
    };
    type_(&["type", "web01", "Hello, World #1", "--enter"]).await;
    assert_eq!(
        host.typed("web01"),
        "Hello, World #1\n",
        "all was heard before it ended"
    );
    std::fs::write(folder.path().join("lines"), "two\r\nthree").unwrap();
    type_(&["type", "web01", "--file", "lines"]).await;
    type_(&["keys", "web01", "backspace", "shift-e", "enter"]).await;
    assert_eq!(host.typed("web01"), "Hello, World #1\ntwo\nthreE\n");
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_there_are_none_of_are_refused_before_anything_is_connected() {
    let host = host().await;
    for (arguments, why) in [
        (["keys", "web01", "ctrl-dle"], "\"dle\" is no key"),
        (
            ["type", "web01", "stra\u{df}e"],
            "the layout us has no key for 'ß'",
        ),
        (["type", "web01", "--file=none"], "none cannot be read"),
        (["type", "uuid:1", "x"], "uuid"),
        (
            ["screenshot", "web01", "--scale=2"],
            "write a number from 0.01 to 1",
        ),
    ] {
        let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(host.counts().logins, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_has_had_enough_is_no_failure() {
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
        let folder = nowhere();
        let mut command = mksgate_at(&host, &folder, arguments);
        command.stdout(Stdio::from(writer));
        let (code, _, error) = run(command).await;
        assert_eq!((code, error.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

/// A host with one VM `web01`, 200 × 100 pixels, in this mood.
async fn moody(moods: Moods) -> Host {
    let size = Screen::Desktop {
        width: 200,
        height: 100,
    };
    let vm = VmSettings {
        screen: size,
        moods,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_screenshot_is_whole_in_every_mood_of_the_host() {
    let rows = std::num::NonZero::new(7);
    for moods in [
        Moods {
            one_pixel_answers: true,
            ..Moods::default()
        },
        Moods {
            rows_per_answer: rows,
            ..Moods::default()
        },
        Moods {
            one_pixel_answers: true,
            rows_per_answer: rows,
            chatty: true,
            formats: Formats::OnlyNative,
            ..Moods::default()
        },
    ] {
        let host = moody(moods.clone()).await;
        let folder = nowhere();
        let shot = async |via: &str| {
            let arguments = ["screenshot", "web01", "-o", "-", "--via", via];
            let (code, png, error) = run_bytes(mksgate_at(&host, &folder, &arguments)).await;
            assert_eq!((code, error.as_str()), (Some(0), ""), "{moods:?}");
            decoded(&png)
        };
        assert!(shot("webmks").await == shot("api").await, "{moods:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_by_their_place_so_that_the_guests_layout_decides() {
    let german = Moods {
        layout: Layout::German,
        ..Moods::default()
    };
    let host = moody(german).await;
    let text = "Größe: {x} @ y~z €";
    let arguments = ["type", "web01", text, "--layout", "de", "--delay", "2"];
    let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
    assert_eq!(
        (code, error.as_str()),
        (Some(0), ""),
        "no word of another layout"
    );
    // A guest whose dead keys are not dead writes the blank that stands behind an accent too.
    assert_eq!(host.typed("web01").replace("~ ", "~"), text);
    let arguments = ["keys", "web01", "ctrl-alt-del", "--layout", "de"];
    let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let heard = host.keys("web01");
    let last: Vec<(u16, bool)> = heard
        .iter()
        .rev()
        .take(6)
        .map(|key| (key.scan_code.unwrap(), key.down))
        .collect();
    let expected = [
        (0x1d, false),
        (0x38, false),
        (0x153, false),
        (0x153, true),
        (0x38, true),
        (0x1d, true),
    ];
    assert_eq!(last, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_host_takes_no_places_keys_go_by_their_meaning_and_that_is_said() {
    let plain = Moods {
        server_caps: None,
        ..Moods::default()
    };
    let host = moody(plain).await;
    let arguments = ["type", "web01", "Plain #1", "--delay", "2"];
    let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
    assert_eq!(code, Some(0));
    assert!(error.starts_with("web01 takes no scan codes"), "{error}");
    assert_eq!(host.typed("web01"), "Plain #1");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_screen_is_refused_a_task_takes_the_picture_and_leaves_nothing() {
    for kind in [Kind::Esxi, Kind::VCenter] {
        let vms = vec![VmSettings::desktop("a b/ü")];
        let settings = Settings {
            vms,
            kind,
            clock: false,
            ..Settings::default()
        };
        let host = Host::start(settings).await.unwrap();
        let shot = async |more: &[&str]| {
            let arguments = [&["screenshot", "a b/ü", "-o", "-", "--via", "api"], more].concat();
            let taken = run_bytes(mksgate_at(&host, &nowhere(), &arguments)).await;
            assert_eq!(taken.0, Some(0), "{}", taken.2);
            (decoded(&taken.1), taken.2)
        };
        let (screen, said) = shot(&["--verbose"]).await;
        assert!(said.contains("taken from /screen"), "{said}");
        for status in [401, 403, 404, 405, 500, 501] {
            host.refuse_screen(Some(status));
            let (picture, said) = shot(&[]).await;
            assert!(picture == screen && said.is_empty(), "{status}: {said}");
        }
        let (_, said) = shot(&["--verbose"]).await;
        assert!(
            said.contains("no picture at /screen") && said.contains("and its file removed"),
            "{said}"
        );
        let (small, _) = shot(&["--scale", "0.5"]).await;
        assert_eq!((small.0, small.1), (400, 300));
        assert_eq!(host.files(), [""; 0]);
        assert_eq!(host.counts().calls_of("CreateScreenshot_Task"), 8);
        assert_eq!(host.counts().consoles_opened, 0);
        host.counts_until(|counts| counts.sessions_open == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_be_removed_is_told_and_the_picture_taken_all_the_same() {
    let host = host().await;
    host.refuse_screen(Some(404));
    host.set_screenshots(Screenshots {
        kept: true,
        ..Screenshots::default()
    });
    let folder = nowhere();
    let arguments = ["screenshot", "web01", "-o", "x.png", "--via=api", "--quiet"];
    let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(0), "{error}");
    assert!(
        error.starts_with(
            "web01: the host's own file of the picture stays in [datastore1] web01/web01-1.png, since it cannot be removed: root lacks the privilege Datastore.FileManagement on "
        ),
        "{error}"
    );
    decoded(&std::fs::read(folder.path().join("x.png")).unwrap());
    assert_eq!(host.files(), ["[datastore1] web01/web01-1.png"]);
    let arguments = ["screenshot", "--all", "-d", "shots", "--via=api"];
    let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(error.matches("cannot be removed").count(), 4, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_neither_way_gives_is_told_by_what_keeps_the_task_from_it() {
    let host = host().await;
    host.refuse_screen(Some(404));
    let fails = async |screenshots: Screenshots, why: &str| {
        host.set_screenshots(screenshots);
        let arguments = ["screenshot", "web01", "-o", "x.png", "--via", "api"];
        let folder = nowhere();
        let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!(code, Some(1), "{error}");
        assert!(
            error.starts_with("mksgate: ") && error.contains(why),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!folder.path().join("x.png").exists());
    };
    for (fault, why) in [
        (
            ScreenshotFault::NoPermission,
            "lacks the privilege VirtualMachine.Interact.CreateScreenshot on web01",
        ),
        (
            ScreenshotFault::TaskInProgress,
            "web01 is busy with another task",
        ),
        (
            ScreenshotFault::FileFault,
            "no picture of web01 can be written to its datastore (NoDiskSpace: ",
        ),
        (ScreenshotFault::InvalidState, "in its present state"),
    ] {
        let refused = Screenshots {
            refused: Some(fault),
            ..Screenshots::default()
        };
        fails(refused, why).await;
        let failed = Screenshots {
            failed: Some(fault),
            ..Screenshots::default()
        };
        fails(failed, why).await;
    }
    assert_eq!(host.files(), [""; 0]);
    let elsewhere = Screenshots {
        path: Some("/vmfs/volumes/x/y.png".into()),
        ..Screenshots::default()
    };
    fails(elsewhere, "it does not begin with [datastore]").await;
    let no_png = Screenshots {
        content: Some(b"<html>".to_vec()),
        ..Screenshots::default()
    };
    fails(no_png, "(something that is no PNG)").await;
    let locked = Screenshots {
        folder: Some(403),
        ..Screenshots::default()
    };
    fails(
        locked,
        "the picture is in [datastore1] web01/web01-3.png and cannot be fetched from there",
    )
    .await;
    assert_eq!(host.files().len(), 3, "what was not fetched is not removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_host_is_not_asked_for_more() {
    let host = host().await;
    host.refuse_screen(Some(503));
    let arguments = ["screenshot", "web01", "-o", "-", "--via", "api"];
    let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
    assert_eq!(code, Some(1));
    assert!(error.contains("503: it is overloaded"), "{error}");
    assert_eq!(host.counts().calls_of("CreateScreenshot_Task"), 0);
}
