//! Screenshots without a console: `/screen`, and CreateScreenshot_Task with its file.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use esxi_sim::{Host, Kind, Power, ScreenshotFault, Screenshots, VmSettings};
use support::{Reply, Soap, host, soon, start, tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const FILES: (&str, &str) = ("FileManager", "ha-nfc-file-manager");
const DATACENTER: &str = "<datacenter type=\"Datacenter\">ha-datacenter</datacenter>";

/// Status and body.
async fn get(host: &Host, path: &str, cookie: Option<&str>) -> (u16, Vec<u8>) {
    let cookie = cookie.map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
    let mut stream = tls(host, host.address()).await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{cookie}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = answer.split_off(end.unwrap() + 4);
    let head = String::from_utf8(answer).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

async fn shoot(soap: &mut Soap<'_>, vm: &str) -> Reply {
    let id = soap.host.moref(vm);
    soap.call("CreateScreenshot_Task", ("VirtualMachine", &id), "")
        .await
}

/// The updates about a task until it ends.
async fn ended(soap: &mut Soap<'_>, task: &str) -> Reply {
    let collector = if soap.host.address() == soap.host.console_address() {
        "ha-property-collector"
    } else {
        "propertyCollector"
    };
    let this = ("PropertyCollector", collector);
    let collector = soap.call("CreatePropertyCollector", this, "").await;
    let own = collector.text("returnval").unwrap().to_owned();
    let this = ("PropertyCollector", own.as_str());
    let spec = format!(
        "<spec><propSet><type>Task</type><pathSet>info.state</pathSet><pathSet>info.result</pathSet><pathSet>info.error</pathSet></propSet>\
         <objectSet><obj type=\"Task\">{task}</obj></objectSet></spec><partialUpdates>false</partialUpdates>"
    );
    assert_eq!(soap.call("CreateFilter", this, &spec).await.status, 200);
    let mut version = String::new();
    loop {
        let arguments = format!("<version>{version}</version>");
        let told = soon(soap.call("WaitForUpdatesEx", this, &arguments)).await;
        assert_eq!(told.status, 200, "{}", told.body);
        if !told.body.contains(">running<") {
            return told;
        }
        version = told.text("version").unwrap().to_owned();
    }
}

/// The text of `info.result`.
fn result(told: &Reply) -> String {
    let (_, rest) = told.body.split_once("<name>info.result</name>").unwrap();
    let (_, rest) = rest.split_once("xsi:type=\"xsd:string\">").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_task_writes_a_picture_that_is_handed_out_and_removed() {
    let host = start(|settings| settings.vms.push(VmSettings::desktop("a b/ü"))).await;
    let mut soap = Soap::logged_in(&host).await;
    for (vm, path, url) in [
        ("vm08", "[datastore1] vm08/vm08-1.png", "vm08/vm08-1.png"),
        (
            "a b/ü",
            "[datastore1] a b_ü/a b_ü-1.png",
            "a%20b_%C3%BC/a%20b_%C3%BC-1.png",
        ),
    ] {
        let task = shoot(&mut soap, vm).await;
        assert!(task.body.contains("<returnval type=\"Task\">"));
        let task = task.text("returnval").unwrap().to_owned();
        let told = ended(&mut soap, &task).await;
        assert!(told.body.contains(">success<"), "{}", told.body);
        assert_eq!(result(&told), path);
        assert_eq!(host.files(), [path]);
        let url = format!("/folder/{url}?dcPath=ha-datacenter&dsName=datastore1");
        let cookie = soap.cookie.clone();
        let (status, body) = get(&host, &url, cookie.as_deref()).await;
        assert_eq!(status, 200);
        assert!(Some(body) == host.picture(vm), "it is the picture");
        for (url, cookie, refused) in [
            (url.clone(), None, 401),
            (url.clone(), Some("vmware_soap_session=other"), 401),
            (url.replace("ha-data", "data"), cookie.as_deref(), 404),
            (url.replace("datastore1", "other"), cookie.as_deref(), 404),
            (url.replace("-1.png", "-2.png"), cookie.as_deref(), 404),
        ] {
            assert_eq!(get(&host, &url, cookie).await.0, refused, "{url}");
        }
        let name = format!("<name>{path}</name>{DATACENTER}");
        let task = soap.call("DeleteDatastoreFile_Task", FILES, &name).await;
        let task = task.text("returnval").unwrap().to_owned();
        let told = ended(&mut soap, &task).await;
        assert!(told.body.contains(">success<"), "{}", told.body);
        assert_eq!(host.files(), [""; 0]);
        let task = soap.call("DeleteDatastoreFile_Task", FILES, &name).await;
        let task = task.text("returnval").unwrap().to_owned();
        let told = ended(&mut soap, &task).await;
        assert!(
            told.body.contains("<fault xsi:type=\"FileNotFound\">"),
            "{}",
            told.body
        );
    }
}

#[tokio::test]
async fn each_fault_comes_with_the_call_or_with_the_task() {
    let host = host().await;
    let mut soap = Soap::logged_in(&host).await;
    for (fault, kind) in [
        (ScreenshotFault::NoPermission, "NoPermission"),
        (ScreenshotFault::TaskInProgress, "TaskInProgress"),
        (ScreenshotFault::FileFault, "NoDiskSpace"),
        (ScreenshotFault::InvalidState, "InvalidState"),
    ] {
        let named = format!("xsi:type=\"{kind}\"");
        host.set_screenshots(Screenshots {
            refused: Some(fault),
            ..Screenshots::default()
        });
        let reply = shoot(&mut soap, "vm08").await;
        assert_eq!(reply.status, 500);
        assert!(reply.body.contains(&named), "{}", reply.body);
        host.set_screenshots(Screenshots {
            failed: Some(fault),
            ..Screenshots::default()
        });
        let task = shoot(&mut soap, "vm08").await;
        let task = task.text("returnval").unwrap().to_owned();
        let told = ended(&mut soap, &task).await;
        assert!(told.body.contains(">error<"), "{}", told.body);
        assert!(told.body.contains(&named), "{}", told.body);
    }
    assert_eq!(host.files(), [""; 0]);
    host.set_screenshots(Screenshots::default());
    host.set_power("vm08", Power::Off);
    let reply = shoot(&mut soap, "vm08").await;
    assert!(reply.body.contains("InvalidPowerState"), "{}", reply.body);
    let gone = ("VirtualMachine", "99");
    let reply = soap.call("CreateScreenshot_Task", gone, "").await;
    assert!(reply.body.contains("ManagedObjectNotFound"));
}

#[tokio::test]
async fn who_may_not_remove_files_is_told_so_and_a_vcenter_wants_the_datacenter() {
    let host = start(|settings| settings.kind = Kind::VCenter).await;
    let mut soap = Soap::logged_in(&host).await;
    let task = shoot(&mut soap, "vm08").await;
    let task = task.text("returnval").unwrap().to_owned();
    let path = result(&ended(&mut soap, &task).await);
    let files = ("FileManager", "FileManager");
    let name = format!("<name>{path}</name>");
    let reply = soap.call("DeleteDatastoreFile_Task", files, &name).await;
    assert!(reply.body.contains("InvalidArgument"), "{}", reply.body);
    host.set_screenshots(Screenshots {
        deletion_denied: true,
        ..Screenshots::default()
    });
    let name = name + "<datacenter type=\"Datacenter\">datacenter-3</datacenter>";
    let reply = soap.call("DeleteDatastoreFile_Task", files, &name).await;
    assert!(reply.body.contains("Datastore.FileManagement"));
    assert_eq!(host.files(), [path]);
}

#[tokio::test]
async fn the_screen_and_the_folder_can_be_refused() {
    let host = host().await;
    let soap = Soap::logged_in(&host).await;
    let cookie = soap.cookie.as_deref();
    let screen = format!("/screen?id={}", host.moref("vm08"));
    assert_eq!(get(&host, &screen, None).await.0, 401);
    assert_eq!(get(&host, &screen, cookie).await.0, 200);
    host.refuse_screen(Some(403));
    assert_eq!(get(&host, &screen, cookie).await.0, 403);
    host.refuse_screen(None);
    assert_eq!(get(&host, &screen, cookie).await.0, 200);
    host.set_screenshots(Screenshots {
        folder_status: Some(403),
        ..Screenshots::default()
    });
    assert_eq!(get(&host, "/folder/x", cookie).await.0, 403);
}
