//! `probe`: its steps and its errors.

use super::*;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn missing_vnc_password_error_names_the_options() {
    let host = host().await;
    host.misbehave_always(Some(Misbehaviour::VncAuthenticationOnly));
    for command in [
        &["probe", "web01"][..],
        &["screenshot", "web01", "-o", "-"],
        &["type", "web01", "x"],
        &["keys", "web01", "x"],
    ] {
        let folder = empty_folder();
        let (_, shown, error) = run(mksgate_at(&host, &folder, command)).await;
        let output = shown + &error;
        assert!(
            output.contains("asks for the VM's VNC password"),
            "{output}"
        );
        assert!(output.contains("--vnc-password-file"), "{output}");
        let with = [command, &["--vnc-password-env", "NOT_SET"]].concat();
        let (code, _, error) = run(mksgate_at(&host, &folder, &with)).await;
        assert_eq!(code, Some(2));
        assert!(error.contains("NOT_SET is not set"), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn every_command_takes_the_vnc_password() {
    let host = host_with_quirks(Quirks {
        vnc_password: Some("of a VM".into()),
        ..Quirks::default()
    })
    .await;
    let configured = configuration(&host, "vnc_password_env = \"OF_VM\"");
    for command in [
        &["probe", "web01"][..],
        &["screenshot", "web01", "-o", "web01.png"],
        &["screenshot", "--all", "-d", "all", "--quiet"],
        &["type", "web01", "x"],
        &["keys", "web01", "x"],
    ] {
        for (given, password, expected) in [
            (true, "of a VM", Some(0)),
            (
                true,
                "another",
                Some(if command.contains(&"--all") { 1 } else { 3 }),
            ),
            (false, "of a VM", Some(0)),
        ] {
            let folder = empty_folder();
            let option = ["--vnc-password-env", "OF_VM"];
            let arguments = [command, if given { &option } else { &[] }].concat();
            let mut mksgate = match given {
                true => mksgate_at(&host, &folder, &arguments),
                false => mksgate(&configured, &arguments),
            };
            mksgate.env("OF_VM", password).env(PASSWORD, DEMO_PASSWORD);
            let (code, shown, error) = run(mksgate).await;
            assert_eq!(code, expected, "{command:?}: {shown}{error}");
            assert!(!(shown + &error).contains(password));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_prints_each_step_and_a_verdict() {
    let host = host().await;
    let (code, shown, error) = run(mksgate_at(&host, &empty_folder(), &["probe", "web01"])).await;
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
            "screen",
            "updates"
        ]
    );
    assert!(!shown.contains('\u{1b}'), "no colours in a pipe: {shown}");
    assert!(lines[7].ends_with(
        "\"web01\", 800 x 600, 32 bits per pixel, depth 24, little-endian, red/green/blue at 16/8/0"
    ));
    assert!(
        lines[8].contains("second update received; ServerCaps 0x021020bf: VMware's key events")
    );
    assert!(lines[9].starts_with("web01: the console opened in "));
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_json_has_the_same_facts() {
    let host = host().await;
    let arguments = ["probe", "/DC/vm/db 02", "--json"];
    let (code, shown, _) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
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
    assert!(
        steps[8]["server_caps"]
            .as_str()
            .unwrap()
            .starts_with("0x021020bf")
    );
    assert_eq!(steps[8]["update_ids"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_names_the_failed_step_cause_and_remedy() {
    let host = host().await;
    let fails_at = async |exit: i32, step: &str, vm: &str, why: &str| {
        let (code, shown, error) = run(mksgate_at(&host, &empty_folder(), &["probe", vm])).await;
        assert_eq!((code, error.as_str()), (Some(exit), ""));
        let failed = shown
            .lines()
            .find(|line| line.starts_with("FAILED"))
            .unwrap();
        assert!(failed.contains(step) && failed.contains(why), "{shown}");
        let verdict = format!("{vm}: the console did not open, step {step} failed");
        assert_eq!(shown.lines().last(), Some(verdict.as_str()));
    };
    fails_at(
        5,
        "ticket",
        "old03",
        "start it, as with `govc vm.power -on /DC/vm/old03`",
    )
    .await;
    fails_at(4, "vm", "web10", "did you mean web01?").await;
    fails_at(
        1,
        "vm",
        "twin",
        "2 VMs are called twin (/DC/vm/a/twin, /DC/vm/b/twin)",
    )
    .await;
    host.misbehave(Misbehaviour::NoSubprotocol);
    fails_at(1, "websocket", "web01", "refused the WebSocket").await;
    host.misbehave(Misbehaviour::NoSecurity("the VM is being moved".into()));
    fails_at(3, "rfb", "web01", "the VM is being moved").await;
    host.counts_until(|counts| counts.sessions_open == 0).await;
}
