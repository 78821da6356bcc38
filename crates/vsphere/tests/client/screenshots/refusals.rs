//! Screenshots that fail: the error of each cause, and the files that remain.

use super::*;

#[tokio::test]
async fn no_screenshot_without_a_visible_datacenter() {
    let host = that_takes_pictures(Host::vcenter().await);
    let folder = object("Folder", "group-v3", &[("name", "vm")]);
    let one = ok(objects(&vm("vm-7", "vm08", "poweredOn")));
    let hidden = ok(objects(&folder));
    host.script_of(
        "RetrievePropertiesEx",
        [one.clone(), hidden.clone(), one, hidden],
    );
    let error = taken(&host).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "root lacks the privilege System.View on the datacenter of vm08: give it a role that has it"
    );
    assert_eq!(host.count("CreateScreenshot_Task"), 0);
}

#[tokio::test]
async fn each_fault_of_the_call_has_its_own_error() {
    let host = esxi().await;
    let mut told = Vec::new();
    for name in [
        "task-in-progress",
        "powered-off",
        "invalid-state",
        "no-permission-7.0",
        "not-supported",
    ] {
        host.on("CreateScreenshot_Task", fault(name));
        told.push(taken(&host).await.unwrap_err());
    }
    assert!(matches!(&told[0], Error::Busy { vm, .. } if vm == "vm08"));
    assert!(matches!(told[1], Error::InvalidPowerState { .. }));
    assert!(matches!(told[2], Error::InvalidState { .. }));
    assert!(matches!(&told[3], Error::NoPermission { object, .. } if object == "vm08"));
    assert!(matches!(told[4], Error::NotSupported { .. }));
    let busy = told[0].to_string();
    assert!(
        busy.starts_with("vm08 is busy with another task (") && busy.ends_with("has ended"),
        "{busy}"
    );
    assert_eq!(host.count("WaitForUpdatesEx"), 0);
}

#[tokio::test]
async fn each_fault_of_the_task_has_the_same_errors() {
    let fails_with = async |kind: &str| {
        let host = esxi().await;
        host.on("WaitForUpdatesEx", failed("task-1", kind));
        let error = taken(&host).await.unwrap_err();
        assert_eq!(host.count("DestroyPropertyCollector"), 1);
        error
    };
    for kind in ["FileFault", "NoDiskSpace", "CannotCreateFile", "FileLocked"] {
        let error = fails_with(kind).await;
        let Error::NotWritten { kind: told, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(told, kind);
        let expected = format!(
            "the host cannot write a picture of vm08 to its datastore ({kind}: Words of the server): free"
        );
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
    let error = fails_with("TaskInProgress").await;
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    let error = fails_with("InvalidState").await;
    assert!(matches!(error, Error::InvalidState { .. }), "{error:?}");
    let error = fails_with("ScreenshotIsNoFault").await;
    assert!(
        matches!(&error, Error::Fault { kind, .. } if kind == "ScreenshotIsNoFault"),
        "{error:?}"
    );
}

#[tokio::test]
async fn failed_task_without_error_is_malformed() {
    for (changes, why) in [
        (&[("info.state", "error")][..], "does not say why"),
        (&[("info.state", "success")], "the picture is in \"\""),
        (&[], "but never its end"),
    ] {
        let host = esxi().await;
        host.on("WaitForUpdatesEx", told("task-1", "1", changes));
        let error = taken(&host).await.unwrap_err();
        assert!(
            matches!(&error, Error::Malformed { reason, .. } if reason.contains(why)),
            "{error:?}"
        );
    }
    let host = esxi().await;
    let other = told(
        "task-9",
        "1",
        &[("info.state", "success"), ("info.result", PATH)],
    );
    host.script_of("WaitForUpdatesEx", [other, failed("task-1", "FileFault")]);
    let error = taken(&host).await.unwrap_err();
    assert!(
        matches!(error, Error::NotWritten { .. }),
        "another task is not ours: {error:?}"
    );
}

#[tokio::test]
async fn unsafe_path_is_neither_fetched_nor_removed() {
    for path in [
        "vm/vm-1.png",
        "/vmfs/volumes/ds/vm/vm-1.png",
        "[ds] ../../etc/shadow.png",
        "[ds] vm/vm.vmdk",
        "[ds] ",
        "[] vm/x.png",
    ] {
        let host = esxi().await;
        host.on("WaitForUpdatesEx", written(path));
        let error = taken(&host).await.unwrap_err();
        assert!(
            matches!(&error, Error::Malformed { reason, .. } if reason.contains("the picture is in")),
            "{path}: {error:?}"
        );
        assert_eq!(host.methods().last().unwrap(), "DestroyPropertyCollector");
    }
}

#[tokio::test]
async fn error_names_the_file_that_cannot_be_fetched() {
    for (reply, why) in [
        (status(401, ""), "(HTTP status 401): give this account"),
        (status(403, ""), "(HTTP status 403): give this account"),
        (status(404, ""), "(HTTP status 404): give this account"),
        (ok("<html>log in</html>"), "(something other than a PNG)"),
        (status(500, "oh"), "(something other than a PNG)"),
        (ok(""), "(something other than a PNG)"),
        (ok(vec![b'x'; (16 << 20) + 1]), "larger than"),
    ] {
        let host = esxi().await;
        host.on(FILE, reply);
        let error = taken(&host).await.unwrap_err();
        assert!(
            matches!(&error, Error::NotFetched { path, .. } if path == PATH),
            "{error:?}"
        );
        let told = error.to_string();
        assert!(
            told.starts_with("cannot fetch the picture [my ds] vm ü/vm-1.png: "),
            "{told}"
        );
        assert!(told.contains(why), "{told}");
        assert_eq!(host.count("DeleteDatastoreFile_Task"), 0);
    }
}

#[tokio::test]
async fn endless_task_times_out() {
    let host = esxi().await;
    let client = host.client();
    let vm = vm08(&client).await;
    let _never = host.gate("WaitForUpdatesEx");
    let began = tokio::time::Instant::now();
    let waiting = async {
        host.called("WaitForUpdatesEx", 1).await;
        // With nothing but time to wait for, it passes at once.
        tokio::time::pause();
    };
    let (taken, ()) = tokio::join!(client.screenshot(&vm), waiting);
    assert!(matches!(taken, Err(Error::Timeout { .. })), "{taken:?}");
    assert!(began.elapsed() <= vsphere::CALL_TIMEOUT + Duration::from_secs(1));
    let asked = host.asked();
    let most = format!("<maxWaitSeconds>{}</", vsphere::CALL_TIMEOUT.as_secs() - 1);
    assert!(asked.last().unwrap().body.contains(&most), "{asked:?}");
}

#[tokio::test]
async fn screenshot_whose_answer_is_lost_is_not_repeated() {
    let host = Host::esxi().await;
    let client = host.client();
    let vm = client.find(&VmRef::Name("vm08".into())).await.unwrap();
    host.on("CreateScreenshot_Task", status(503, ""));
    let error = client.screenshot(&vm).await.unwrap_err();
    assert!(
        matches!(error, Error::Http { status: 503, .. }),
        "{error:?}"
    );
    assert_eq!(host.count("CreateScreenshot_Task"), 1);
}

#[tokio::test]
async fn refused_screen_differs_from_overload() {
    let host = Host::esxi().await;
    let client = host.client();
    host.on("/screen", ok(PNG));
    assert_eq!(client.screen("7").await.unwrap(), PNG);
    assert_eq!(host.asked().last().unwrap().query.as_deref(), Some("id=7"));
    for (reply, why) in [
        (status(302, ""), "HTTP status 302"),
        (status(401, ""), "HTTP status 401"),
        (status(403, ""), "HTTP status 403"),
        (status(404, ""), "HTTP status 404"),
        (status(501, ""), "HTTP status 501"),
        (status(500, "oh"), "something other than a PNG"),
        (ok("<html/>"), "something other than a PNG"),
    ] {
        host.on("/screen", reply);
        let error = client.screen("7").await.unwrap_err();
        assert!(
            matches!(&error, Error::NoScreen { answered, .. } if answered == why),
            "{error:?}"
        );
    }
    host.on("/screen", status(503, ""));
    let error = client.screen("7").await.unwrap_err();
    assert!(
        matches!(error, Error::Http { status: 503, .. }),
        "{error:?}"
    );
}
