//! `screenshot` over webmks.

use std::collections::VecDeque;

use tokio::net::TcpListener;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn screenshot_equals_the_hosts_screen() {
    let host = host().await;
    let folder = empty_folder();
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
        "the picture is not blank"
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
async fn file_is_replaced_atomically() {
    let host = host().await;
    let folder = empty_folder();
    let file = folder.path().join("x.png");
    std::fs::write(&file, "before").unwrap();
    host.misbehave(Misbehaviour::CutAfter(100_000));
    let arguments = ["screenshot", "web01", "-o", "x.png"];
    let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(6), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"before");
    let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    decoded(&std::fs::read(&file).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn symlink_and_file_mode_are_kept() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let host = host().await;
    let folder = empty_folder();
    let (file, link) = (folder.path().join("x.png"), folder.path().join("link"));
    std::fs::write(&file, "before").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    symlink("x.png", &link).unwrap();
    for name in ["link", "x.png"] {
        let arguments = ["screenshot", "web01", "-o", name];
        let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, error.as_str()), (Some(0), ""));
        assert!(link.is_symlink());
        decoded(&std::fs::read(&file).unwrap());
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn write_error_has_the_given_file_name() {
    let host = host().await;
    let folder = empty_folder();
    std::fs::create_dir(folder.path().join("pictures")).unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for (output, sentence) in [
        (
            "none/x.png",
            "cannot write none/x.png: there is no directory none: create it, or name another file",
        ),
        (
            "file/x.png",
            "cannot write file/x.png (not a directory): name another file",
        ),
        (
            "pictures",
            "cannot write pictures (Is a directory (os error 21)): name another file",
        ),
    ] {
        let arguments = ["screenshot", "web01", "-o", output];
        let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, error), (Some(1), format!("mksgate: {sentence}\n")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_captures_running_vms_and_continues_after_a_failure() {
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
    let folder = empty_folder();
    let shots = |host: &Host| {
        let arguments = ["screenshot", "--all", "-d", "shots", "--scale", "0.1"];
        mksgate_at(host, &folder, &arguments)
    };
    let host = Host::start(settings(vms.clone())).await.unwrap();
    let (code, _, error) = run(shots(&host)).await;
    assert_eq!(
        (code, error.as_str()),
        (Some(0), "6 screenshots are in shots\n")
    );
    vms.push(hidden);
    let host = Host::start(settings(vms)).await.unwrap();
    let (code, _, error) = run(shots(&host)).await;
    assert_eq!(code, Some(1));
    let lines: Vec<&str> = error.lines().collect();
    assert!(
        lines[0].starts_with("mksgate: hidden: root lacks the privilege"),
        "{error}"
    );
    assert_eq!(
        lines[1],
        "mksgate: 1 of 7 screenshots failed: see the messages above"
    );
    let mut names: Vec<String> = std::fs::read_dir(folder.path().join("shots"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected: Vec<String> = (0..6).map(|n| format!("vm{n}.png")).collect();
    assert_eq!(names, expected);
    let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
    assert!(counts.consoles_at_once <= 4, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_captures_at_most_four_vms_at_once() {
    // Each console is a server that sends nothing: it stays open until this test closes it.
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let behind = server.local_addr().unwrap();
    let names = (0..10).map(|n| format!("vm{n}"));
    let host = Host::start(Settings {
        vms: names.map(|name| VmSettings::bridge(name, behind)).collect(),
        ..Settings::default()
    })
    .await
    .unwrap();
    let folder = empty_folder();
    let command = mksgate_at(&host, &folder, &["screenshot", "--all", "-d", "shots"]);
    let consoles = async {
        let mut open = VecDeque::new();
        for n in 0..10 {
            if n == 4 {
                // A fifth would connect before another program has logged in, listed the VMs and exited.
                let listed = run(mksgate_at(&host, &folder, &["vms"])).await;
                assert_eq!(listed.0, Some(0), "{}", listed.2);
                assert_eq!(host.counts().consoles_opened, 4);
            }
            if n >= 4 {
                open.pop_front();
            }
            open.push_back(server.accept().await.unwrap());
        }
    };
    let ((code, _, error), ()) = tokio::join!(run(command), consoles);
    assert_eq!(code, Some(1));
    let last = "mksgate: 10 of 10 screenshots failed: see the messages above\n";
    assert!(error.ends_with(last), "{error}");
    let counts = host.counts();
    assert_eq!((counts.consoles_opened, counts.consoles_at_once), (10, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn screenshot_is_complete_with_every_quirk() {
    let rows = std::num::NonZero::new(7);
    for quirks in [
        Quirks {
            one_pixel_answers: true,
            ..Quirks::default()
        },
        Quirks {
            rows_per_answer: rows,
            ..Quirks::default()
        },
        Quirks {
            one_pixel_answers: true,
            rows_per_answer: rows,
            chatty: true,
            pixel_formats: PixelFormats::OnlyNative,
            ..Quirks::default()
        },
    ] {
        let host = host_with_quirks(quirks.clone()).await;
        let folder = empty_folder();
        let shot = async |via: &str| {
            let arguments = ["screenshot", "web01", "-o", "-", "--via", via];
            let (code, png, error) = run_bytes(mksgate_at(&host, &folder, &arguments)).await;
            assert_eq!((code, error.as_str()), (Some(0), ""), "{quirks:?}");
            decoded(&png)
        };
        assert!(shot("webmks").await == shot("api").await, "{quirks:?}");
    }
}
