//! `url_command`: a URL for each connection, and the reasons where there is none.

use crate::support::esxi::{header, upgraded};
use crate::support::url_gateway::{Folder, Server};
use crate::support::viewer::RfbVersion;
use crate::support::within;

#[tokio::test]
async fn each_connection_gets_its_own_url_and_credentials() {
    within(async {
        let (server, folder) = (Server::start().await, Folder::new());
        // The script counts its calls in the URL; the password is longer than the 8 bytes that VNC uses.
        let script = format!(
            "echo >> calls.$1; n=$(wc -l < calls.$1); echo '{}'$n; echo \"Cookie: call=$n\"; echo \"VNC-Password: PVEVNC:$n-and-more\"",
            server.url("/console?ticket=")
        );
        folder.program(
            "fresh",
            &format!("cd '{}'\n{script}", folder.path().display()),
        );
        let gateway = folder
            .gateway("", "url_command = [\"./fresh\", \"vm08\"]")
            .await;
        for call in 1..=3 {
            let mut viewer = gateway.viewer().await;
            let hosting = async {
                let mut connection = server.connection().await;
                let request = connection.request().await;
                connection.send(&upgraded(&request)).await;
                let password = format!("PVEVNC:{call}");
                assert!(connection.rfb_security(RfbVersion::V3_8, Some(&password)).await);
                request
            };
            let (entered, request) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
            entered.unwrap();
            assert_eq!(header(&request, "cookie"), format!("call={call}"));
            let expected = format!("GET /console?ticket={call} HTTP/1.1\r\n");
            assert!(request.starts_with(&expected), "{request}");
        }
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn reason_for_invalid_output_repeats_none_of_it() {
    within(async {
        let folder = Folder::new();
        for (script, words) in [
            ("echo wss://secret/; exit 3", "failed with exit status: 3"),
            ("kill -9 $$", "failed with signal: 9"),
            ("true", "printed no URL on its first line"),
            (
                "echo; echo wss://secret/",
                "printed no URL on its first line",
            ),
            ("echo secret", "invalid URL"),
            ("echo https://secret/", "write wss:// instead"),
            (
                "echo ws://192.0.2.1/secret",
                "ws:// to another machine is not encrypted",
            ),
            (
                "printf '\\377\\376s3cr3t'",
                "printed output that is not UTF-8",
            ),
            ("yes secret", "its output is too long"),
            (
                "echo wss://secret/; echo secret",
                "line 2: expected \"Name: value\"",
            ),
        ] {
            folder.program("command", script);
            let gateway = folder.gateway("", "url_command = [\"./command\"]").await;
            let reason = gateway.viewer().await.refused(RfbVersion::V3_8, None).await;
            assert!(
                reason.starts_with("the program that prints the URL ") && reason.contains(words),
                "{script}: {reason}"
            );
            assert!(!reason.contains("gehe"), "{reason}");
            gateway.end().await;
        }
        let gateway = folder
            .gateway("", "url_command = [\"./no-such-program\"]")
            .await;
        let reason = gateway.viewer().await.refused(RfbVersion::V3_8, None).await;
        assert!(reason.contains("cannot be run (No such file"), "{reason}");
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn command_that_does_not_end_is_killed_and_reported() {
    within(async {
        let folder = Folder::new();
        let place = folder.path().display();
        folder.program("slow", &format!("echo $$ > '{place}/pid'; exec sleep 1000"));
        let keys = "url_command = [\"./slow\"]";
        let gateway = folder.gateway("handshake_timeout = \"3s\"", keys).await;
        let reason = gateway.viewer().await.refused(RfbVersion::V3_8, None).await;
        assert!(reason.contains("URL did not end within 3 s"), "{reason}");
        let pid = pid_in(&folder).await;
        crate::support::until(|| !runs(&pid)).await;
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn background_child_of_a_command_delays_nothing() {
    within(async {
        let (server, folder) = (Server::start().await, Folder::new());
        let place = folder.path().display();
        let script = format!(
            "sleep 1000 & echo $! > '{place}/pid'; echo '{}'",
            server.url("/")
        );
        folder.program("forking", &script);
        let gateway = folder.gateway("", "url_command = [\"./forking\"]").await;
        let (_viewer, _line) = server.session(&gateway).await;
        let pid = pid_in(&folder).await;
        crate::support::until(|| !runs(&pid)).await;
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn viewer_that_leaves_ends_the_commands_process_group() {
    within(async {
        let folder = Folder::new();
        let place = folder.path().display();
        let script = format!("sleep 1000 & echo $! > '{place}/pid'; wait");
        folder.program("forking", &script);
        let gateway = folder.gateway("", "url_command = [\"./forking\"]").await;
        let mut viewer = gateway.viewer().await;
        viewer.exchange_versions(RfbVersion::V3_8.bytes()).await;
        assert_eq!(viewer.bytes(2).await, [1, 1]);
        viewer.send(&[1]).await;
        let pid = pid_in(&folder).await;
        drop(viewer);
        crate::support::until(|| !runs(&pid)).await;
        gateway.end().await;
    })
    .await;
}

/// The process id that a script has written.
async fn pid_in(folder: &Folder) -> String {
    let mut pid = String::new();
    crate::support::until(|| {
        pid = std::fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
        pid.ends_with('\n')
    })
    .await;
    pid.trim().to_owned()
}

/// Whether the process runs; a zombie, which has ended and was not reaped, does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

#[tokio::test]
async fn refused_viewer_starts_no_command() {
    within(async {
        let folder = Folder::new();
        let mark = folder.path().join("started");
        folder.program(
            "command",
            &format!("touch '{}'; echo wss://h/", mark.display()),
        );
        folder.secret("viewers", "let me i");
        let keys = "url_command = [\"./command\"]\nauth = \"vnc\"\n\
                    [auth.vnc]\nmethods = [\"vnc-password\"]\npassword_file = \"viewers\"";
        let gateway = folder.gateway("", keys).await;
        let mut viewer = gateway.viewer().await;
        let refused = viewer.enter(RfbVersion::V3_8, Some("let me o")).await;
        assert!(refused.unwrap_err().starts_with("wrong password"));
        gateway.end().await;
        assert!(!mark.exists());
    })
    .await;
}
