//! `screenshot --via api`: from /screen or by CreateScreenshot_Task.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn screenshot_task_is_the_fallback_and_deletes_its_file() {
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
            let taken = run_bytes(mksgate_at(&host, &empty_folder(), &arguments)).await;
            assert_eq!(taken.0, Some(0), "{}", taken.2);
            (decoded(&taken.1), taken.2)
        };
        let (screen, notes) = shot(&["--verbose"]).await;
        assert!(notes.contains("taken from /screen"), "{notes}");
        for status in [401, 403, 404, 405, 500, 501] {
            host.refuse_screen(Some(status));
            let (picture, notes) = shot(&[]).await;
            assert!(picture == screen && notes.is_empty(), "{status}: {notes}");
        }
        let (_, notes) = shot(&["--verbose"]).await;
        assert!(
            notes.contains("/screen has no picture") && notes.contains("and its file deleted"),
            "{notes}"
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
async fn file_that_cannot_be_deleted_is_reported_and_the_screenshot_kept() {
    let host = host().await;
    host.refuse_screen(Some(404));
    host.set_screenshots(Screenshots {
        deletion_denied: true,
        ..Screenshots::default()
    });
    let folder = empty_folder();
    let arguments = ["screenshot", "web01", "-o", "x.png", "--via=api", "--quiet"];
    let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(0), "{error}");
    assert!(
        error.starts_with(
            "web01: the screenshot file [datastore1] web01/web01-1.png was left on the datastore, since it cannot be deleted: root lacks the privilege Datastore.FileManagement on "
        ),
        "{error}"
    );
    decoded(&std::fs::read(folder.path().join("x.png")).unwrap());
    assert_eq!(host.files(), ["[datastore1] web01/web01-1.png"]);
    let arguments = ["screenshot", "--all", "-d", "shots", "--via=api"];
    let (code, _, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(error.matches("cannot be deleted").count(), 4, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failure_of_both_ways_reports_the_tasks_error() {
    let host = host().await;
    host.refuse_screen(Some(404));
    let fails = async |screenshots: Screenshots, why: &str| {
        host.set_screenshots(screenshots);
        let arguments = ["screenshot", "web01", "-o", "x.png", "--via", "api"];
        let folder = empty_folder();
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
            "the host cannot write a picture of web01 to its datastore (NoDiskSpace: ",
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
    fails(no_png, "(something other than a PNG)").await;
    let locked = Screenshots {
        folder_status: Some(403),
        ..Screenshots::default()
    };
    fails(
        locked,
        "cannot fetch the picture [datastore1] web01/web01-3.png: ",
    )
    .await;
    assert_eq!(
        host.files().len(),
        3,
        "files that were not fetched are kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn overloaded_host_gets_no_further_requests() {
    let host = host().await;
    host.refuse_screen(Some(503));
    let arguments = ["screenshot", "web01", "-o", "-", "--via", "api"];
    let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
    assert_eq!(code, Some(1));
    assert!(error.contains("503: it is overloaded"), "{error}");
    assert_eq!(host.counts().calls_of("CreateScreenshot_Task"), 0);
}
