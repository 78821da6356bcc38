//! Runs `connect` against a simulated host, with scripted viewers.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod stdio;
#[path = "../support/mod.rs"]
mod support;

use std::io::Read;
use std::net::TcpStream;

use esxi_sim::{Host, Power, Settings, VmSettings};
use tempfile::{TempDir, tempdir};
use tokio::task::spawn_blocking;

use support::program::program;
use support::viewer::{enter, interrupt, proxy, view};
use support::{mksgate_at, run};

async fn host() -> Host {
    let off = VmSettings {
        power: Power::Off,
        ..VmSettings::desktop("off")
    };
    Host::start(Settings {
        vms: vec![VmSettings::desktop("vm08"), off],
        ..Settings::default()
    })
    .await
    .unwrap()
}

/// A program in `folder` that writes its arguments and the password to the file `recorded`, and exits with `code`.
fn viewer_program(folder: &TempDir, name: &str, code: u8) {
    let path = folder.path().join(name);
    let script = format!(
        "#!/bin/sh\nprintf '%s|' \"$@\" \"$VNC_PASSWORD\" \"$VNC_HOST\" \"$VNC_PORT\" > recorded\nexit {code}\n"
    );
    program(&path, &script);
}

fn recorded(folder: &TempDir) -> Vec<String> {
    let words = std::fs::read_to_string(folder.path().join("recorded")).unwrap();
    words.split('|').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_only_serves_viewers_in_turn_each_with_a_fresh_ticket() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let command = mksgate_at(&host, &folder, &["connect", "vm08", "--proxy-only"]);
    let ended = spawn_blocking(move || {
        let (mut child, line) = proxy(command);
        let password = line["password"].as_str().unwrap();
        assert_eq!(line["address"], "127.0.0.1");
        assert_eq!(line.as_object().unwrap().len(), 3);
        for _ in 0..2 {
            assert_eq!(view(&line, password), Ok((800, 600)));
        }
        let refused = view(&line, "wrong").unwrap_err();
        assert!(refused.to_string().contains("wrong password"), "{refused}");
        let (code, mut more) = (interrupt(&mut child), String::new());
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut more)
            .unwrap();
        (code, more)
    })
    .await
    .unwrap();
    assert_eq!(ended, (Some(0), String::new()), "exactly one line");
    let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
    assert_eq!((counts.logins, counts.tickets_spent), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_logins_of_other_local_users_do_not_block_the_viewer() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let command = mksgate_at(&host, &folder, &["connect", "vm08", "--proxy-only"]);
    let guessed = spawn_blocking(move || {
        let (mut child, line) = proxy(command);
        for _ in 0..20 {
            let refused = view(&line, "wrong").unwrap_err();
            assert!(refused.to_string().contains("wrong password"), "{refused}");
        }
        let seen = view(&line, line["password"].as_str().unwrap());
        (seen, interrupt(&mut child))
    });
    assert_eq!(guessed.await.unwrap(), (Ok((800, 600)), Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupt_closes_an_open_console_cleanly() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let command = mksgate_at(&host, &folder, &["connect", "vm08", "--proxy-only"]);
    let (mut child, socket) = spawn_blocking(move || {
        let (child, line) = proxy(command);
        let port = u16::try_from(line["port"].as_u64().unwrap()).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        enter(&socket, &socket, line["password"].as_str()).unwrap();
        (child, socket)
    })
    .await
    .unwrap();
    host.counts_until(|counts| counts.consoles_open == 1).await;
    let code = spawn_blocking(move || {
        let code = interrupt(&mut child);
        // Data in flight may still arrive before the end.
        (&socket).read_to_end(&mut Vec::new()).unwrap();
        code
    });
    assert_eq!(code.await.unwrap(), Some(0));
    let counts = host
        .counts_until(|counts| counts.consoles_open == 0 && counts.sessions_open == 0)
        .await;
    let end = format!("{:?}", counts.ends.last().unwrap().reason);
    assert!(end.contains("1001"), "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_command_gets_the_address_and_its_exit_code_is_returned() {
    let host = host().await;
    let folder = tempdir().unwrap();
    viewer_program(&folder, "own", 7);
    let arguments = [
        "connect",
        "vm08",
        "--listen",
        "127.0.0.1:0",
        "--",
        "./own",
        "at",
        "{{host}}::{{port}}",
        "{{display}}",
        "{{password}}",
    ];
    let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!((code, shown.as_str(), error.as_str()), (Some(7), "", ""));
    let words = recorded(&folder);
    let port: i32 = words[1]
        .strip_prefix("127.0.0.1::")
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(words[0], "at");
    assert_eq!(words[2], (port - 5900).to_string());
    assert_eq!(words[4].len(), 8, "the password is in its environment");
    assert_eq!(words[3], words[4], "and where {{{{password}}}} stood");
    assert_eq!((&*words[5], &*words[6]), ("127.0.0.1", &*port.to_string()));
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn installed_viewer_is_found_and_started() {
    let host = host().await;
    let folder = tempdir().unwrap();
    viewer_program(&folder, "xtigervncviewer", 3);
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let connect = async |more: &[&str], variable: Option<&str>| {
        let arguments = [&["connect", "vm08"], more].concat();
        let mut command = mksgate_at(&host, &folder, &arguments);
        command.env("PATH", &path).env("DISPLAY", ":0");
        variable.map(|viewer| command.env("VNCVIEWER", viewer));
        run(command).await
    };
    let (code, _, error) = connect(&["--viewer", "tigervnc"], None).await;
    assert_eq!(code, Some(3));
    let shown = folder.path().join("xtigervncviewer");
    assert_eq!(error, format!("vm08: TigerVNC ({})\n", shown.display()));
    let words = recorded(&folder);
    assert!(words[0].starts_with("127.0.0.1::"), "{words:?}");
    assert_eq!(words[1].len(), 8, "no password among the arguments");
    let (code, _, _) = connect(&["--quiet"], Some("xtigervncviewer -FullScreen")).await;
    assert_eq!(code, Some(3));
    assert_eq!(recorded(&folder)[0], "-FullScreen");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_with_socket_support_gets_a_socket_unless_listen_is_given() {
    let host = host().await;
    let folder = tempdir().unwrap();
    viewer_program(&folder, "gvncviewer", 0);
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let connect = async |more: &[&str]| {
        let arguments = [&["connect", "vm08", "--viewer", "gvncviewer", "-q"], more].concat();
        let mut command = mksgate_at(&host, &folder, &arguments);
        command.env("PATH", &path).env("DISPLAY", ":0");
        let (code, _, error) = run(command).await;
        assert_eq!(code, Some(0), "{error}");
        (recorded(&folder), error)
    };
    let (words, error) = connect(&[]).await;
    assert!(words[0].ends_with("/console"), "{words:?}");
    assert_eq!(error, "", "it needs no password");
    for listen in ["127.0.0.1:0", "[::ffff:127.0.0.1]:0"] {
        let (words, error) = connect(&["--listen", listen]).await;
        let display = words[0].strip_prefix("127.0.0.1:").map(str::parse::<i32>);
        assert!(matches!(display, Some(Ok(_))), "{words:?}");
        assert!(
            error.starts_with("enter this password in the viewer: "),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listen_off_loopback_is_refused_before_connecting() {
    let host = host().await;
    let folder = tempdir().unwrap();
    for (listen, address) in [
        ("0.0.0.0:5900", "0.0.0.0"),
        ("[::]:0", "::"),
        ("192.0.2.1:5900", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:0", "192.0.2.1"),
    ] {
        // Would exit by itself if it were started.
        let arguments = ["connect", "vm08", "--listen", listen, "--", "true"];
        let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, shown.as_str()), (Some(2), ""), "{error}");
        let sentence = format!(
            "mksgate: invalid value '{listen}' for '--listen <ADDR:PORT>': {address} can be reached from other machines, and \
             this port is for one user: listen on 127.0.0.1, or configure a port with its own auth for `mksgate serve` \
             (see --help)\n"
        );
        assert_eq!(error, sentence);
    }
    let (code, _, error) = run(mksgate_at(
        &host,
        &folder,
        &["connect", "vm08", "--listen", "5900"],
    ))
    .await;
    assert_eq!(code, Some(2));
    assert!(error.contains("write an address and a port, as in 127.0.0.1:5900"));
    assert_eq!(host.counts().logins, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_viewer_is_reported_before_connecting() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let connect = async |exit: i32, more: &[&str], path: &str, display: Option<&str>| {
        let arguments = [&["connect", "vm08"], more].concat();
        let mut command = mksgate_at(&host, &folder, &arguments);
        command.env("PATH", path);
        display.map(|display| command.env("DISPLAY", display));
        let (code, _, error) = run(command).await;
        assert_eq!((code, error.lines().count()), (Some(exit), 1), "{error}");
        error
    };
    let empty = folder.path().to_str().unwrap();
    let none = connect(127, &[], empty, Some(":0")).await;
    assert!(
        none.starts_with(
            "mksgate: no VNC viewer is installed (looked for TigerVNC, RealVNC, Remmina"
        ),
        "{none}"
    );
    let remmina = connect(127, &["--viewer", "Remmina"], empty, Some(":0")).await;
    assert!(remmina.contains("Remmina is not installed"), "{remmina}");
    let unknown = connect(127, &["--viewer", "nonsense"], empty, Some(":0")).await;
    assert!(
        unknown.contains("there is no viewer nonsense: name a program, or one of TigerVNC"),
        "{unknown}"
    );
    viewer_program(&folder, "xtigervncviewer", 0);
    let dark = connect(1, &[], empty, None).await;
    assert!(
        dark.contains("TigerVNC needs a display, but neither DISPLAY"),
        "{dark}"
    );
    assert_eq!(host.counts().logins, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_viewer_gets_the_address_where_its_arguments_name_it() {
    let host = host().await;
    let folder = tempdir().unwrap();
    viewer_program(&folder, "own", 3);
    let connect = async |viewer: &str| {
        let mut command = mksgate_at(&host, &folder, &["connect", "vm08", "-q"]);
        command.env("VNCVIEWER", viewer);
        let (code, _, _) = run(command).await;
        assert_eq!(code, Some(3));
        recorded(&folder)
    };
    let program = folder.path().join("own");
    let own = connect(&format!(
        "{} -p {{{{port}}}} {{{{password}}}}",
        program.display()
    ))
    .await;
    assert_eq!(own[0], "-p");
    assert_eq!((&own[1], &own[2]), (&own[5], &own[3]), "{own:?}");
    let own = connect(program.to_str().unwrap()).await;
    assert_eq!(own[0], format!("127.0.0.1::{}", own[3]), "{own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn powered_off_vm_starts_no_viewer() {
    let host = host().await;
    let folder = tempdir().unwrap();
    for how in [
        &["--proxy-only"][..],
        &["--stdio"],
        &["--", "sh", "-c", "exit 0"],
    ] {
        let arguments = [&["connect", "off"], how].concat();
        let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        // A viewer on standard output is greeted, to be told the reason.
        let greeting = if how == ["--stdio"] {
            "RFB 003.008\n"
        } else {
            ""
        };
        assert_eq!((code, shown.as_str()), (Some(5), greeting));
        assert_eq!(
            error,
            "mksgate: off is powered off: start it, as with `govc vm.power -on /ha-datacenter/vm/off`\n"
        );
    }
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

/// Remmina while an instance runs: the new process passes the address on and exits.
const REMMINA: &str = r#"#!/bin/sh
case "$1" in
    --update-profile) read -r password; echo "password=$password" >> "$2" ;;
    -c) cp "$2" profile; exit 0 ;;
esac
"#;

#[tokio::test(flavor = "multi_thread")]
async fn session_outlives_a_viewer_that_delegates_to_a_running_instance() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("remmina");
    program(&path, REMMINA);
    let mut command = mksgate_at(&host, &folder, &["connect", "vm08", "--viewer", "Remmina"]);
    let paths = format!("{}:/usr/bin:/bin", folder.path().display());
    command.env("PATH", paths).env("DISPLAY", ":0");
    let profile = folder.path().join("profile");
    let (mut child, socket) = spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let text = loop {
            match std::fs::read_to_string(&profile) {
                Ok(text) if text.contains("password=") => break text,
                _ => std::thread::yield_now(),
            }
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "ended before the viewer connected: {ended:?}"
            );
        };
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap().to_owned()
        };
        let socket = TcpStream::connect(value("server=")).unwrap();
        enter(&socket, &socket, Some(&value("password="))).unwrap();
        (child, socket)
    })
    .await
    .unwrap();
    host.counts_until(|counts| counts.consoles_open == 1).await;
    assert!(child.try_wait().unwrap().is_none(), "a viewer is connected");
    drop(socket);
    let code = spawn_blocking(move || child.wait().unwrap().code());
    assert_eq!(code.await.unwrap(), Some(0));
    host.counts_until(|counts| counts.consoles_open == 0 && counts.sessions_open == 0)
        .await;
}
