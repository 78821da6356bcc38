//! Lookup of VMs by name, path, UUID and id.

use vsphere::{Error, Power, VmRef};

use crate::support::{Host, Reply, envelope, fault, fixture, object, objects, ok, status, vm};

fn parents() -> String {
    object(
        "Folder",
        "group-v3",
        &[("name", "vm"), ("parent", "Datacenter:datacenter-2")],
    ) + &object(
        "Datacenter",
        "datacenter-2",
        &[("name", "DC%2f1"), ("parent", "Folder:group-d1")],
    ) + &object("HostSystem", "host-9", &[("name", "esxi01.example")])
}

fn found(method: &str, ids: &[&str]) -> String {
    let values: String = ids
        .iter()
        .map(|id| format!("<returnval type='VirtualMachine'>{id}</returnval>"))
        .collect();
    envelope(&format!(
        "<{method}Response xmlns='urn:vim25'>{values}</{method}Response>"
    ))
}

#[tokio::test]
async fn a_found_vm_has_its_state_host_path_and_uuids() {
    let host = Host::vcenter().await;
    let one = vm("vm-7", "web%2f1 &amp; &quot;co&quot; ü", "suspended");
    host.script_of(
        "RetrievePropertiesEx",
        [ok(objects(&one)), ok(objects(&parents()))],
    );
    let wanted: VmRef = "web/1 & \"co\" ü".parse().unwrap();
    let vm = host.client().find(&wanted).await.unwrap();
    assert_eq!(vm.name, "web/1 & \"co\" ü");
    assert_eq!(vm.power, Power::Suspended);
    assert_eq!(vm.host.as_deref(), Some("esxi01.example"));
    assert_eq!(vm.path.as_deref(), Some("/DC%2f1/vm/web%2f1 & \"co\" ü"));
    assert!(vm.uuid.is_some() && vm.instance_uuid.is_some() && vm.uuid != vm.instance_uuid);
}

#[tokio::test]
async fn ambiguous_name_error_lists_the_paths() {
    let host = Host::vcenter().await;
    let two = vm("vm-7", "web", "poweredOn")
        + &vm("vm-8", "web", "poweredOff").replace("group-v3", "group-v4");
    let nested = parents()
        + &object(
            "Folder",
            "group-v4",
            &[("name", "old"), ("parent", "Folder:group-v3")],
        );
    host.script_of(
        "RetrievePropertiesEx",
        [ok(objects(&two)), ok(objects(&nested))],
    );
    let error = host
        .client()
        .ticket(&VmRef::Name("web".into()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AmbiguousName { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "2 VMs are called web (/DC%2f1/vm/old/web, /DC%2f1/vm/web): name one by its path, or by instance-uuid:…"
    );
    assert_eq!(host.count("AcquireTicket"), 0);
}

#[tokio::test]
async fn uuids_are_looked_up_in_the_index_of_their_kind() {
    for (text, instance) in [("uuid", "false"), ("instance-uuid", "true")] {
        let host = Host::vcenter().await;
        host.on("FindAllByUuid", ok(found("FindAllByUuid", &["vm-7"])));
        let wanted: VmRef = format!("{text}:564D1C4E-0b02-6e1a-3f5c-000000000007")
            .parse()
            .unwrap();
        let ticket = host.client().ticket(&wanted).await.unwrap();
        assert_eq!(ticket.vm().moref, "vm-7");
        let asked = host.asked();
        let search = asked
            .iter()
            .find(|asked| asked.method == "FindAllByUuid")
            .unwrap();
        let arguments = format!(
            "<uuid>564d1c4e-0b02-6e1a-3f5c-000000000007</uuid><vmSearch>true</vmSearch><instanceUuid>{instance}</instanceUuid>"
        );
        assert!(search.body.contains(&arguments), "{}", search.body);
    }
}

#[tokio::test]
async fn ticket_and_properties_are_requested_concurrently() {
    let host = Host::vcenter().await;
    host.on("FindAllByUuid", ok(found("FindAllByUuid", &["vm-7"])));
    let description = host.gate("RetrievePropertiesEx");
    let client = host.client();
    let wanted: VmRef = "uuid:564d1c4e-0b02-6e1a-3f5c-000000000007".parse().unwrap();
    let answer = async {
        host.called("AcquireTicket", 1).await;
        let vm = objects(&vm("vm-7", "vm08", "poweredOn"));
        description.send(ok(vm)).await.unwrap();
    };
    let (ticket, ()) = tokio::join!(client.ticket(&wanted), answer);
    assert_eq!(ticket.unwrap().vm().name, "vm08");
    host.forget();
    client.ticket(&wanted).await.unwrap();
    assert_eq!(host.methods(), ["AcquireTicket"]);
}

#[tokio::test]
async fn ambiguous_uuid_error_lists_the_paths() {
    let host = Host::vcenter().await;
    host.on(
        "FindAllByUuid",
        ok(found("FindAllByUuid", &["vm-7", "vm-8"])),
    );
    let two = vm("vm-7", "a", "poweredOn") + &vm("vm-8", "b", "poweredOn");
    host.script_of(
        "RetrievePropertiesEx",
        [ok(objects(&two)), ok(objects(&parents()))],
    );
    let wanted: VmRef = "uuid:564d1c4e-0b02-6e1a-3f5c-000000000007".parse().unwrap();
    let error = host.client().ticket(&wanted).await.unwrap_err();
    let Error::AmbiguousName { name, paths } = error else {
        panic!("{error:?}");
    };
    assert_eq!(name, wanted.to_string());
    assert_eq!(paths, ["/DC%2f1/vm/a", "/DC%2f1/vm/b"]);
    assert_eq!(host.count("AcquireTicket"), 0);
}

#[tokio::test]
async fn unknown_uuid_is_no_such_vm() {
    let host = Host::vcenter().await;
    host.on("FindAllByUuid", ok(found("FindAllByUuid", &[])));
    let wanted: VmRef = "uuid:564d1c4e-0b02-6e1a-3f5c-000000000007".parse().unwrap();
    let error = host.client().ticket(&wanted).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchVm { .. }), "{error:?}");
}

#[tokio::test]
async fn inventory_path_is_looked_up_in_the_search_index() {
    let host = Host::vcenter().await;
    host.on(
        "FindByInventoryPath",
        ok(found("FindByInventoryPath", &["vm-7"])),
    );
    let ticket = host
        .client()
        .ticket(&"/DC%2f1/vm/vm08".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(ticket.vm().moref, "vm-7");
    assert_eq!(host.count("CreateContainerView"), 0);
}

#[tokio::test]
async fn path_through_a_vapp_is_found_by_listing_all_vms() {
    let host = Host::vcenter().await;
    host.on("FindByInventoryPath", ok(found("FindByInventoryPath", &[])));
    let inside = vm("vm-7", "db", "poweredOn")
        .replace("<name>parent</name>", "<name>parentVApp</name>")
        .replace("'Folder'", "'VirtualApp'")
        .replace("group-v3", "resgroup-v9");
    let up = parents()
        + &object(
            "VirtualApp",
            "resgroup-v9",
            &[("name", "shop"), ("parentFolder", "Folder:group-v3")],
        );
    host.script_of(
        "RetrievePropertiesEx",
        [ok(objects(&inside)), ok(objects(&up))],
    );
    let ticket = host
        .client()
        .ticket(&"/DC%2F1/vm/shop/db".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(ticket.vm().moref, "vm-7");
}

#[tokio::test]
async fn moref_needs_no_lookup() {
    let host = Host::esxi().await;
    let client = host.client();
    client.ticket(&"moref:7".parse().unwrap()).await.unwrap();
    assert_eq!(host.count("CreateContainerView"), 0);
    host.on("RetrievePropertiesEx", fault("managed-object-not-found"));
    let error = client
        .ticket(&"moref:8".parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoSuchVm { .. }), "{error:?}");
}

#[tokio::test]
async fn all_vms_are_listed_by_path_without_templates() {
    let host = Host::vcenter().await;
    let template = vm("vm-9", "golden", "poweredOff").replace(
        "</objects>",
        "<propSet><name>config.template</name><val>true</val></propSet></objects>",
    );
    let three = vm("vm-8", "b", "poweredOn") + &vm("vm-7", "a", "poweredOn") + &template;
    host.script_of(
        "RetrievePropertiesEx",
        [ok(objects(&three)), ok(objects(&parents()))],
    );
    let vms = host.client().vms().await.unwrap();
    let paths: Vec<_> = vms.iter().map(|vm| vm.path.as_deref().unwrap()).collect();
    assert_eq!(paths, ["/DC%2f1/vm/a", "/DC%2f1/vm/b"]);
}

#[tokio::test]
async fn all_pages_are_read() {
    let host = Host::vcenter().await;
    let first = objects(&vm("vm-7", "a", "poweredOn"))
        .replace("<returnval>", "<returnval><token>t&amp;1</token>");
    let more = |page: &str| {
        page.replace(
            "RetrievePropertiesExResponse",
            "ContinueRetrievePropertiesExResponse",
        )
    };
    let second = more(
        &objects(&vm("vm-8", "b", "poweredOn"))
            .replace("<returnval>", "<returnval><token>t2</token>"),
    );
    let third = more(&objects(&vm("vm-9", "c", "poweredOn")));
    host.on("RetrievePropertiesEx", ok(first));
    host.script_of("ContinueRetrievePropertiesEx", [ok(second), ok(third)]);
    let ticket = host
        .client()
        .ticket(&VmRef::Name("c".into()))
        .await
        .unwrap();
    assert_eq!(ticket.vm().moref, "vm-9");
    assert_eq!(host.count("ContinueRetrievePropertiesEx"), 2);
    let asked = host.asked();
    let next = asked
        .iter()
        .find(|asked| asked.method == "ContinueRetrievePropertiesEx")
        .unwrap();
    assert!(
        next.body.contains("<token>t&amp;1</token>"),
        "{}",
        next.body
    );
}

#[tokio::test]
async fn session_end_reported_per_object_renews_the_session() {
    let host = Host::vcenter().await;
    let hidden = "<objects><obj type='VirtualMachine'>vm-7</obj><missingSet><path>name</path><fault><fault xsi:type='NotAuthenticated'/><localizedMessage/></fault></missingSet></objects>";
    host.script_of(
        "RetrievePropertiesEx",
        [
            ok(objects(hidden)),
            ok(objects(&vm("vm-7", "vm08", "poweredOn"))),
        ],
    );
    host.client()
        .ticket(&VmRef::Name("vm08".into()))
        .await
        .unwrap();
    assert_eq!(host.count("Login"), 2);
    assert_eq!(host.count("CreateContainerView"), 2);
}

/// What `container-view.xml` makes.
const VIEW: &str = "session[52aa]52bb";

/// The fault of a read that met an object that is not there.
fn not_found(kind: &str, id: &str) -> Reply {
    let text = fixture("fault-managed-object-not-found")
        .replace("vim.VirtualMachine:7", &format!("vim.{kind}:{id}"))
        .replace(
            r#"type="VirtualMachine">7<"#,
            &format!(r#"type="{kind}">{id}<"#),
        );
    status(500, text)
}

#[tokio::test]
async fn vm_deleted_during_listing_keeps_the_session() {
    let host = Host::vcenter().await;
    let deleted = not_found("VirtualMachine", "vm-9");
    let rest = ok(objects(&vm("vm-7", "vm08", "poweredOn")));
    host.script_of("RetrievePropertiesEx", [deleted.clone(), deleted, rest]);
    host.client()
        .ticket(&VmRef::Name("vm08".into()))
        .await
        .unwrap();
    assert_eq!(host.count("Login"), 1);
    assert_eq!(host.count("CreateContainerView"), 1);
}

#[tokio::test]
async fn repeated_not_found_ends_the_retries() {
    let host = Host::vcenter().await;
    host.on("RetrievePropertiesEx", not_found("VirtualMachine", "vm-9"));
    let error = host.client().vms().await.unwrap_err();
    assert!(
        matches!(&error, Error::Fault { kind, .. } if kind == "ManagedObjectNotFound"),
        "{error:?}"
    );
    assert_eq!(host.count("RetrievePropertiesEx"), 3);
    assert_eq!(host.count("Login"), 1);
}

#[tokio::test]
async fn lost_view_is_created_again_in_the_same_session() {
    let host = Host::vcenter().await;
    let rest = ok(objects(&vm("vm-7", "vm08", "poweredOn")));
    host.script_of(
        "RetrievePropertiesEx",
        [not_found("ContainerView", VIEW), rest],
    );
    let client = host.client();
    client.ticket(&VmRef::Name("vm08".into())).await.unwrap();
    assert_eq!(host.count("Login"), 1);
    assert_eq!(host.count("CreateContainerView"), 2);
}

#[tokio::test]
async fn view_lost_with_its_session_renews_the_session() {
    let host = Host::vcenter().await;
    let rest = ok(objects(&vm("vm-7", "vm08", "poweredOn")));
    host.script_of(
        "RetrievePropertiesEx",
        [not_found("ContainerView", VIEW), rest],
    );
    let made = || ok(fixture("container-view"));
    host.script_of(
        "CreateContainerView",
        [made(), fault("not-authenticated"), made()],
    );
    let client = host.client();
    client.ticket(&VmRef::Name("vm08".into())).await.unwrap();
    assert_eq!(host.count("Login"), 2);
}
