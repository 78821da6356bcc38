//! Screenshots: from `/screen`, and by CreateScreenshot_Task, whose file is fetched and removed.

mod refusals;

use std::time::Duration;

use tokio::time::timeout;
use vsphere::{Client, Error, Screenshot, Vm, VmRef};

use crate::support::{
    COOKIE, Host, Reply, envelope, fault, made, nothing, object, objects, ok, status, vm,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";
const PATH: &str = "[my ds] vm ü/vm-1.png";
const FILE: &str = "/folder/vm%20%C3%BC/vm-1.png";

/// What is told of a task.
fn told(task: &str, version: &str, changes: &[(&str, &str)]) -> Reply {
    let changes: String = changes
        .iter()
        .map(|(name, value)| {
            format!("<changeSet><name>{name}</name><op>assign</op><val>{value}</val></changeSet>")
        })
        .collect();
    ok(envelope(&format!(
        "<WaitForUpdatesExResponse xmlns='urn:vim25'><returnval><version>{version}</version><filterSet><filter type='PropertyFilter'>f</filter><objectSet><kind>modify</kind><obj type='Task'>{task}</obj>{changes}</objectSet></filterSet></returnval></WaitForUpdatesExResponse>"
    )))
}

fn written(path: &str) -> Reply {
    told(
        "task-1",
        "2",
        &[("info.state", "success"), ("info.result", path)],
    )
}

fn removed() -> Reply {
    told("task-2", "1", &[("info.state", "success")])
}

fn failed(task: &str, kind: &str) -> Reply {
    let error = format!(
        "<fault xsi:type='{kind}'><file>{PATH}</file></fault><localizedMessage>Words of the server.</localizedMessage>"
    );
    told(
        task,
        "2",
        &[("info.state", "error"), ("info.error", &error)],
    )
}

/// Lets a host take pictures.
fn that_takes_pictures(host: Host) -> Host {
    for (method, kind, id) in [
        ("CreateScreenshot_Task", "Task", "task-1"),
        ("DeleteDatastoreFile_Task", "Task", "task-2"),
        ("CreatePropertyCollector", "PropertyCollector", "pc-1"),
        ("CreateFilter", "PropertyFilter", "filter-1"),
    ] {
        host.on(method, made(method, kind, id));
    }
    let method = "DestroyPropertyCollector";
    host.on(method, nothing(method));
    host.script_of("WaitForUpdatesEx", [written(PATH), removed()]);
    host.on(FILE, ok(PNG));
    host
}

async fn esxi() -> Host {
    that_takes_pictures(Host::esxi().await)
}

async fn vm08(client: &Client) -> Vm {
    client.find(&VmRef::Name("vm08".into())).await.unwrap()
}

async fn taken(host: &Host) -> Result<Screenshot, Error> {
    let client = host.client();
    let vm = vm08(&client).await;
    host.forget();
    timeout(Duration::from_secs(60), client.screenshot(&vm))
        .await
        .unwrap()
}

#[tokio::test]
async fn screenshot_is_taken_fetched_and_its_file_removed() {
    let host = esxi().await;
    let running = told("task-1", "1", &[("info.state", "running")]);
    host.script_of("WaitForUpdatesEx", [running, written(PATH), removed()]);
    let picture = taken(&host).await.unwrap();
    assert_eq!((picture.png.as_slice(), picture.path.as_str()), (PNG, PATH));
    assert!(picture.not_removed.is_none(), "{picture:?}");
    assert_eq!(
        host.methods(),
        [
            "CreateScreenshot_Task",
            "CreatePropertyCollector",
            "CreateFilter",
            "WaitForUpdatesEx",
            "WaitForUpdatesEx",
            "DestroyPropertyCollector",
            FILE,
            "DeleteDatastoreFile_Task",
            "CreatePropertyCollector",
            "CreateFilter",
            "WaitForUpdatesEx",
            "DestroyPropertyCollector",
        ]
    );
    let asked = host.asked();
    assert!(asked[0].body.contains("<_this type=\"VirtualMachine\">7</"));
    assert!(asked[2].body.contains("<obj type=\"Task\">task-1</obj>"));
    assert!(asked[4].body.contains("<version>1</version>"));
    assert_eq!(asked[6].cookie.as_deref(), Some(COOKIE));
    let query = "dcPath=ha-datacenter&dsName=my+ds";
    assert_eq!(asked[6].query.as_deref(), Some(query));
    assert!(asked[7].body.contains("ha-nfc-file-manager"));
    let arguments =
        format!("<name>{PATH}</name><datacenter type=\"Datacenter\">ha-datacenter</datacenter>");
    assert!(asked[7].body.contains(&arguments), "{}", asked[7].body);
}

#[tokio::test]
async fn on_a_vcenter_the_file_is_in_the_datacenter_of_the_vm() {
    let host = that_takes_pictures(Host::vcenter().await);
    let parents = object(
        "Folder",
        "group-v3",
        &[("name", "vm"), ("parent", "Datacenter:datacenter-2")],
    ) + &object(
        "Datacenter",
        "datacenter-2",
        &[("name", "DC%2f1"), ("parent", "Folder:group-d9")],
    ) + &object(
        "Folder",
        "group-d9",
        &[("name", "Lab"), ("parent", "Folder:group-d1")],
    );
    let (vm, parents) = (vm("vm-7", "vm08", "poweredOn"), ok(objects(&parents)));
    let one = ok(objects(&vm));
    host.script_of(
        "RetrievePropertiesEx",
        [one.clone(), parents.clone(), one, parents],
    );
    let picture = taken(&host).await.unwrap();
    assert!(picture.not_removed.is_none(), "{picture:?}");
    let asked = host.asked();
    let query = asked.iter().find(|asked| asked.method == FILE).unwrap();
    assert_eq!(
        query.query.as_deref(),
        Some("dcPath=Lab%2FDC%252f1&dsName=my+ds")
    );
    let remove = asked
        .iter()
        .find(|asked| asked.method == "DeleteDatastoreFile_Task");
    let datacenter = "<datacenter type=\"Datacenter\">datacenter-2</datacenter>";
    assert!(remove.unwrap().body.contains(datacenter));
}

#[tokio::test]
async fn file_that_cannot_be_removed_still_gives_a_screenshot() {
    let left = async |host: &Host| {
        let picture = taken(host).await.unwrap();
        assert_eq!(picture.png, PNG);
        picture.not_removed.unwrap()
    };
    let host = esxi().await;
    host.on("DeleteDatastoreFile_Task", fault("no-permission-7.0"));
    let why = left(&host).await;
    assert!(matches!(why, Error::NoPermission { .. }), "{why:?}");
    let host = esxi().await;
    let locked = failed("task-2", "FileLocked");
    host.script_of("WaitForUpdatesEx", [written(PATH), locked]);
    let why = left(&host).await;
    assert!(
        matches!(&why, Error::Fault { kind, .. } if kind == "FileLocked"),
        "{why:?}"
    );
    let host = esxi().await;
    let content = crate::support::fixture("service-content-esxi-7.0").replace("fileManager", "x");
    host.on("RetrieveServiceContent", ok(content));
    let why = left(&host).await;
    assert!(matches!(why, Error::NotSupported { .. }), "{why:?}");
}

#[tokio::test]
async fn session_that_ends_during_a_screenshot_is_renewed_without_a_second_screenshot() {
    let host = esxi().await;
    let client = host.client();
    let vm = vm08(&client).await;
    let waiting = host.gate("WaitForUpdatesEx");
    let taking = async { client.screenshot(&vm).await.unwrap() };
    let ending = async {
        host.called("WaitForUpdatesEx", 1).await;
        waiting.send(fault("not-authenticated")).await.unwrap();
        waiting.send(written(PATH)).await.unwrap();
        waiting.send(removed()).await.unwrap();
    };
    let (picture, ()) = tokio::join!(taking, ending);
    assert_eq!(picture.png, PNG);
    assert_eq!(host.count("Login"), 2);
    assert_eq!(host.count("CreateScreenshot_Task"), 1);
}
