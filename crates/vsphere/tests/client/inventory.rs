//! The inventory: all VMs, and their changes as the PropertyCollector reports them.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use vsphere::{
    Client, Error, Inventory, InventoryChanges, InventoryEvent, InventorySnapshot, InventoryState,
    Power,
};

use crate::support::{Host, Reply, envelope, fault, ok};
use crate::watching::watched_host;

/// A host whose updates the test sends, and a reader of its inventory.
struct Listed {
    host: Host,
    updates: mpsc::Sender<Reply>,
    client: Arc<Client>,
    reader: Inventory,
    _background: JoinSet<()>,
}

impl Listed {
    async fn start() -> Self {
        let host = watched_host().await;
        let updates = host.gate("WaitForUpdatesEx");
        let client = Arc::new(host.client());
        let reader = client.inventory();
        let mut background = JoinSet::new();
        let running = Arc::clone(&client);
        background.spawn(async move { running.run().await });
        Self {
            host,
            updates,
            client,
            reader,
            _background: background,
        }
    }

    /// Starts with the two VMs `vm01` and `vm02` in `/DC/vm` on `esx9`.
    async fn with_two_vms() -> Self {
        let mut listed = Self::start().await;
        let vms = [enter_vm("1", "vm01"), enter_vm("2", "vm02")].concat();
        listed.send(&[places(), vms].concat()).await;
        let changes = listed.next().await;
        assert_eq!(added(&changes), ["vm01", "vm02"]);
        listed
    }

    async fn send(&self, objects: &str) {
        self.updates.send(set("1", objects)).await.unwrap();
    }

    async fn next(&mut self) -> Arc<InventoryChanges> {
        match next(&mut self.reader).await {
            InventoryEvent::Changed(changes) => changes,
            InventoryEvent::Reread => panic!("the reader was too slow"),
        }
    }
}

async fn next(reader: &mut Inventory) -> InventoryEvent {
    let changed = timeout(Duration::from_secs(20), reader.changed()).await;
    changed.expect("no change is reported")
}

/// An `UpdateSet`.
fn set(version: &str, objects: &str) -> Reply {
    set_with(version, objects, "")
}

fn set_with(version: &str, objects: &str, after: &str) -> Reply {
    ok(envelope(&format!(
        "<WaitForUpdatesExResponse xmlns='urn:vim25'><returnval><version>{version}</version><filterSet><filter type='PropertyFilter'>f</filter>{objects}</filterSet>{after}</returnval></WaitForUpdatesExResponse>"
    )))
}

/// An `ObjectUpdate`. A value of the form `Folder:id` is a reference.
fn update(kind: &str, (of, id): (&str, &str), changes: &[(&str, &str)]) -> String {
    let mut text = format!("<objectSet><kind>{kind}</kind><obj type='{of}'>{id}</obj>");
    for (name, value) in changes {
        let value = match value.split_once(':') {
            Some((kind, id)) => format!("<val type='{kind}'>{id}</val>"),
            None => format!("<val>{value}</val>"),
        };
        text.push_str(&format!(
            "<changeSet><name>{name}</name><op>assign</op>{value}</changeSet>"
        ));
    }
    text + "</objectSet>"
}

fn enter_vm(id: &str, name: &str) -> String {
    let properties = [
        ("name", name),
        ("runtime.powerState", "poweredOn"),
        ("runtime.connectionState", "connected"),
        ("runtime.host", "HostSystem:host-9"),
        ("config.template", "false"),
        ("config.guestFullName", "Debian GNU/Linux 12 (64-bit)"),
        ("parent", "Folder:group-v3"),
    ];
    update("enter", ("VirtualMachine", id), &properties)
}

fn modify_vm(id: &str, property: &str, value: &str) -> String {
    update("modify", ("VirtualMachine", id), &[(property, value)])
}

fn leave_vm(id: &str) -> String {
    update("leave", ("VirtualMachine", id), &[])
}

/// The datacenter `DC`, its folder `vm`, and the hosts `esx9` and `esx10`.
fn places() -> String {
    [
        update(
            "enter",
            ("Datacenter", "dc-2"),
            &[("name", "DC"), ("parent", "Folder:ha-folder-root")],
        ),
        update(
            "enter",
            ("Folder", "group-v3"),
            &[("name", "vm"), ("parent", "Datacenter:dc-2")],
        ),
        update("enter", ("HostSystem", "host-9"), &[("name", "esx9")]),
        update("enter", ("HostSystem", "host-10"), &[("name", "esx10")]),
    ]
    .concat()
}

fn added(changes: &InventoryChanges) -> Vec<&str> {
    changes.added.iter().map(|vm| vm.vm.name.as_str()).collect()
}

fn names(snapshot: &InventorySnapshot) -> Vec<&str> {
    let vms = snapshot.vms.values();
    vms.map(|vm| vm.vm.name.as_str()).collect()
}

fn is_current(state: &InventoryState) -> bool {
    matches!(state, InventoryState::Current)
}

#[tokio::test]
async fn every_kind_of_change_is_reported_in_order() {
    let mut listed = Listed::with_two_vms().await;
    let snapshot = listed.reader.snapshot();
    let first = &snapshot.vms["1"];
    assert!(is_current(&snapshot.state), "{:?}", snapshot.state);
    assert_eq!(first.vm.path.as_deref(), Some("/DC/vm/vm01"));
    assert_eq!(first.vm.host.as_deref(), Some("esx9"));
    let os = first.guest_os.as_deref();
    assert_eq!(os, Some("Debian GNU/Linux 12 (64-bit)"));

    listed.send(&enter_vm("3", "vm03")).await;
    listed.send(&modify_vm("1", "name", "a%2fb")).await;
    let moved = modify_vm("2", "runtime.host", "HostSystem:host-10");
    listed.send(&moved).await;
    let off = modify_vm("2", "runtime.powerState", "poweredOff");
    listed.send(&off).await;
    let address = modify_vm("3", "guest.ipAddress", "192.0.2.7");
    listed.send(&address).await;
    listed.send(&leave_vm("1")).await;

    assert_eq!(added(&*listed.next().await), ["vm03"]);
    let renamed = listed.next().await;
    assert_eq!(renamed.changed[0].vm.name, "a/b");
    let path = renamed.changed[0].vm.path.as_deref();
    assert_eq!(path, Some("/DC/vm/a%2fb"));
    let moved = listed.next().await;
    assert_eq!(moved.changed[0].vm.host.as_deref(), Some("esx10"));
    assert_eq!(moved.changed[0].vm.power, Power::On);
    assert_eq!(listed.next().await.changed[0].vm.power, Power::Off);
    let found = listed.next().await;
    let address = found.changed[0].guest_address.as_deref();
    assert_eq!(address, Some("192.0.2.7"));
    let removed = listed.next().await;
    assert_eq!(removed.removed, ["1".into()]);
    assert!(removed.added.is_empty() && removed.changed.is_empty());
    assert_eq!(names(&listed.reader.snapshot()), ["vm02", "vm03"]);
    assert_eq!(listed.host.count("CreateFilter"), 1);
    assert_eq!(listed.host.count("CreateContainerView"), 1);
}

#[tokio::test]
async fn renamed_folder_changes_the_paths_of_its_vms_only() {
    let mut listed = Listed::with_two_vms().await;
    let other = update(
        "enter",
        ("Folder", "group-v4"),
        &[("name", "web"), ("parent", "Folder:group-v3")],
    );
    let moved = modify_vm("2", "parent", "Folder:group-v4");
    listed.send(&[other, moved].concat()).await;
    let changes = listed.next().await;
    assert_eq!(changes.changed.len(), 1);
    let path = changes.changed[0].vm.path.as_deref();
    assert_eq!(path, Some("/DC/vm/web/vm02"));
    let renamed = update("modify", ("Folder", "group-v4"), &[("name", "www")]);
    listed.send(&renamed).await;
    let changes = listed.next().await;
    assert_eq!(changes.changed.len(), 1);
    let path = changes.changed[0].vm.path.as_deref();
    assert_eq!(path, Some("/DC/vm/www/vm02"));
}

#[tokio::test]
async fn a_vm_that_becomes_a_template_is_removed() {
    let mut listed = Listed::with_two_vms().await;
    listed
        .send(&modify_vm("1", "config.template", "true"))
        .await;
    assert_eq!(listed.next().await.removed, ["1".into()]);
    listed
        .send(&modify_vm("1", "config.template", "false"))
        .await;
    assert_eq!(added(&*listed.next().await), ["vm01"]);
}

#[tokio::test]
async fn truncated_sets_are_reported_together_with_the_last() {
    let mut listed = Listed::start().await;
    let truncated = "<truncated>true</truncated>";
    for reply in [
        set_with("1", &enter_vm("1", "vm01"), truncated),
        set_with("2", &enter_vm("2", "vm02"), truncated),
        set_with("3", &places(), "<truncated>false</truncated>"),
    ] {
        listed.updates.send(reply).await.unwrap();
    }
    let changes = listed.next().await;
    assert_eq!(added(&changes), ["vm01", "vm02"]);
    let path = changes.added[0].vm.path.as_deref();
    assert_eq!(path, Some("/DC/vm/vm01"));
    listed.host.called("WaitForUpdatesEx", 4).await;
    let asked = listed.host.asked();
    let waits = asked.iter().filter(|a| a.method == "WaitForUpdatesEx");
    let versions: Vec<&str> = waits
        .filter_map(|asked| Some(asked.body.split_once("<version>")?.1.split_once('<')?.0))
        .collect();
    assert_eq!(versions, ["", "1", "2", "3"]);
    let last = &asked.last().unwrap().body;
    assert!(last.contains("<maxObjectUpdates>500<"), "{last}");
}

#[tokio::test]
async fn changes_while_the_session_had_ended_are_reported_by_the_next() {
    let mut listed = Listed::with_two_vms().await;
    listed.host.called("WaitForUpdatesEx", 2).await;
    listed.host.expire();
    let ended = fault("not-authenticated");
    listed.updates.send(ended).await.unwrap();
    let stale = listed.next().await;
    assert!(
        matches!(
            stale.state,
            InventoryState::Stale(Error::NotAuthenticated { .. })
        ),
        "{stale:?}"
    );
    let kept = listed.reader.snapshot();
    assert_eq!(names(&kept), ["vm01", "vm02"]);
    // vm01 was removed, vm02 was switched off, and vm03 is new.
    let off = modify_vm("2", "runtime.powerState", "poweredOff");
    let now = [places(), enter_vm("2", "vm02"), off, enter_vm("3", "vm03")];
    listed.send(&now.concat()).await;
    let changes = listed.next().await;
    assert!(is_current(&changes.state), "{changes:?}");
    assert_eq!(added(&changes), ["vm03"]);
    assert_eq!(changes.changed.len(), 1);
    assert_eq!(changes.changed[0].vm.power, Power::Off);
    assert_eq!(changes.removed, ["1".into()]);
    let logins = listed.host.count("Login");
    assert_eq!(logins, 2);
    assert_eq!(listed.host.count("CreateContainerView"), 2);
}

#[tokio::test]
async fn changes_are_reported_after_a_lost_version_too() {
    let mut listed = Listed::with_two_vms().await;
    let lost = fault("invalid-collector-version");
    listed.updates.send(lost).await.unwrap();
    let now = [places(), enter_vm("2", "vm02")].concat();
    listed.send(&now).await;
    let changes = listed.next().await;
    assert_eq!(changes.removed, ["1".into()]);
    assert!(changes.changed.is_empty(), "{changes:?}");
}

#[tokio::test]
async fn slow_reader_is_told_to_reread_and_misses_nothing_then() {
    let mut listed = Listed::with_two_vms().await;
    let mut fast = listed.client.inventory();
    for number in 0..200 {
        let name = format!("name{number}");
        listed.send(&modify_vm("1", "name", &name)).await;
        let InventoryEvent::Changed(changes) = next(&mut fast).await else {
            panic!("the fast reader was too slow");
        };
        assert_eq!(changes.changed[0].vm.name, name);
    }
    let event = next(&mut listed.reader).await;
    assert!(matches!(event, InventoryEvent::Reread), "{event:?}");
    let snapshot = listed.reader.snapshot();
    assert_eq!(names(&snapshot), ["name199", "vm02"]);
    // What the snapshot has is not reported again.
    listed.send(&leave_vm("2")).await;
    assert_eq!(listed.next().await.removed, ["2".into()]);
}

#[tokio::test]
async fn readers_share_one_filter_which_ends_with_the_last() {
    let mut listed = Listed::with_two_vms().await;
    let mut second = listed.client.inventory();
    assert_eq!(names(&second.snapshot()), ["vm01", "vm02"]);
    drop(second);
    listed.send(&leave_vm("2")).await;
    assert_eq!(listed.next().await.removed, ["2".into()]);
    assert_eq!(listed.host.count("DestroyPropertyCollector"), 0);
    drop(listed.reader);
    listed.host.called("DestroyPropertyCollector", 1).await;
    assert_eq!(listed.host.count("CreateFilter"), 1);
    assert_eq!(listed.host.count("CancelWaitForUpdates"), 1);
    // The next reader starts another.
    let mut third = listed.client.inventory();
    listed.host.called("CreateFilter", 2).await;
    assert!(third.snapshot().vms.is_empty());
}

#[tokio::test]
async fn account_that_sees_nothing_has_an_empty_inventory_at_once() {
    let mut listed = Listed::start().await;
    let nothing = "<WaitForUpdatesExResponse xmlns='urn:vim25'/>";
    listed.updates.send(ok(envelope(nothing))).await.unwrap();
    let changes = listed.next().await;
    assert!(is_current(&changes.state), "{changes:?}");
    let asked = listed.host.asked();
    let waits = asked.iter().filter(|a| a.method == "WaitForUpdatesEx");
    let first = &waits.map(|wait| &wait.body).next().unwrap();
    assert!(first.contains("<maxWaitSeconds>0<"), "{first}");
}

#[tokio::test]
async fn five_thousand_vms_in_one_answer_are_read() {
    let mut listed = Listed::start().await;
    let vm = |number: usize| enter_vm(&number.to_string(), &format!("vm{number:04}"));
    let vms: String = (0..5000).map(vm).collect();
    listed.send(&[places(), vms].concat()).await;
    let changes = listed.next().await;
    assert_eq!(changes.added.len(), 5000);
    listed.send(&modify_vm("4999", "name", "last")).await;
    let changes = listed.next().await;
    assert_eq!(changes.changed[0].vm.name, "last");
    assert_eq!(listed.reader.snapshot().vms.len(), 5000);
}

#[tokio::test]
async fn endless_inventory_ends_with_an_error() {
    let mut listed = Listed::start().await;
    let mut first = 0;
    let stale = loop {
        let vm = |number: usize| {
            let id = number.to_string();
            update("enter", ("VirtualMachine", &id), &[("name", "x")])
        };
        let vms: String = (first..first + 20_000).map(vm).collect();
        first += 20_000;
        let reply = set_with("1", &vms, "<truncated>true</truncated>");
        let _ = listed.updates.send(reply).await;
        if first > 100_000 {
            break listed.next().await;
        }
    };
    assert!(
        matches!(stale.state, InventoryState::Stale(Error::Malformed { .. })),
        "{:?}",
        stale.state
    );
    assert!(stale.added.is_empty());
}
