//! What restricts a port restricts its console in a browser.

use super::*;

#[tokio::test]
async fn allow_list_of_a_port_holds_for_browsers() {
    within(async {
        let mut setup = with_page();
        setup.customize = |console| ConsoleSettings {
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            ..console
        };
        let testbed = setup.start().await;
        let page = &testbed.page;
        let console = granted(page, user(page, "ada"), false);
        let mut browser = Browser::open(page, console).await;
        let shown = browser.viewer.enter(RfbVersion::V3_8, None).await;
        let shown = shown.unwrap_err();
        assert!(
            shown.starts_with("your address may not use this console"),
            "{shown}"
        );
        assert_eq!(testbed.end().await.soap_calls(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_restricts_the_port_of_a_vm_restricts_it_without_the_port() {
    within(async {
        let found = with_page().start().await;
        let names = vm_of(&found.page, "1").await;
        let (path, uuid) = (names.path.unwrap(), names.uuid.unwrap());
        let instance = names.instance_uuid.unwrap();
        found.end().await;
        for configured in [
            "vm08".to_owned(),
            "moref:1".into(),
            format!("uuid:{uuid}"),
            format!("instance-uuid:{instance}"),
            path.clone(),
            format!("/{path}/"),
        ] {
            let mut setup = with_page();
            setup.consoles = vec![configured.clone()];
            setup.customize = |console| ConsoleSettings {
                view_only: true,
                allow: vec!["127.0.0.0/8".parse().unwrap()],
                ..console
            };
            let testbed = setup.start().await;
            let page = &testbed.page;
            let console = vm_console(page, "1").await;
            // Where the page knows less of the VM than the port does, too.
            let ConsoleId::Vm { vsphere, mut vm } = console.clone() else {
                unreachable!()
            };
            (vm.path, vm.uuid, vm.instance_uuid) = (None, None, None);
            for console in [console, ConsoleId::Vm { vsphere, vm }] {
                let console = redeemed(page, user(page, "ada"), console, false);
                let mut browser = Browser::open(page, console).await;
                browser.viewer.open().await;
                assert!(
                    page.sessions().iter().all(|one| one.view_only),
                    "{configured}"
                );
            }
        }
    })
    .await;
}
