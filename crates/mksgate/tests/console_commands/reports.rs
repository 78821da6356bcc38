//! `probe --report`: the content of the file and how it is written.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// The lines under this heading.
fn section<'a>(report: &'a str, title: &str) -> Vec<&'a str> {
    let from = report.split(&format!("## {title}\n\n")).nth(1);
    let section = from.unwrap_or_default();
    section
        .lines()
        .take_while(|line| line.starts_with("- "))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn thorough_report_has_no_names() {
    let host = host_with_quirks(Quirks {
        needs_acks: true,
        ..Quirks::default()
    })
    .await;
    let folder = empty_folder();
    let arguments = ["probe", "web01", "--report", "report.md", "--thorough"];
    let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(0), "{shown}{error}");
    assert_eq!(error, "report written to report.md\n");
    let path = folder.path().join("report.md");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let report = std::fs::read_to_string(&path).unwrap();
    for line in [
        concat!("- mksgate: ", env!("CARGO_PKG_VERSION"), ", "),
        "- login: product VMware ESXi ",
        "- rfb: version 3.8, security_types [\"None\"]",
        "- screen: width 200, height 100, bits_per_pixel 32, ",
        "- ServerCaps: 0x021020bf: VMware's key events (127/0), expects ClientCaps (127/3), update acks",
        "- second update received after ServerCaps: yes",
    ] {
        assert!(report.contains(line), "{line} is missing in {report}");
    }
    let encodings = section(&report, "Each encoding, requested alone");
    assert_eq!(encodings.len(), 6, "{report}");
    for (line, name) in encodings
        .iter()
        .zip(["Raw", "CopyRect", "Hextile", "ZRLE", "Tight", "TightPNG"])
    {
        assert!(line.starts_with(&format!("- {name}: ")), "{line}");
        let comes = if name == "CopyRect" { "Raw" } else { name };
        assert!(
            line.contains("1 update, ") && line.ends_with(comes),
            "{line}"
        );
    }
    assert_eq!(
        section(&report, "Messages received in 10 s without a request").len(),
        1
    );
    let further = section(&report, "Further updates, each test on its own connection");
    assert_eq!(further.len(), 3, "{report}");
    assert!(
        further[0].ends_with(
            "acks are announced (0x20) and none was sent; 0 of 4 further updates received"
        ),
        "{report}"
    );
    assert!(
        further[1].contains("0x5100 sent")
            && further[1].ends_with("4 of 4 further updates received"),
        "{report}"
    );
    assert!(
        further[2].contains("no pong within 3 s; 4 of 4"),
        "{report}"
    );
    assert_eq!(host.counts().pings, 1);
    for secret in [
        "web01",
        "root",
        DEMO_PASSWORD,
        "127.0.0.1",
        "localhost",
        "esxi-sim",
        "/ticket/",
        "sha256",
    ] {
        assert!(!report.contains(secret), "{secret} is in {report}");
    }
    // One ticket for the probe, and one for each test with its own connection.
    assert_eq!(host.counts().tickets_spent, 4);
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn report_replaces_a_symlink_and_names_the_failed_step() {
    let host = host().await;
    host.misbehave(Misbehaviour::NoSecurity("web01 is moved".into()));
    let folder = empty_folder();
    let (elsewhere, link) = (
        folder.path().join("elsewhere"),
        folder.path().join("report"),
    );
    std::fs::write(&elsewhere, "precious").unwrap();
    symlink(&elsewhere, &link).unwrap();
    let arguments = ["probe", "web01", "--report", "report"];
    let (code, _, _) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(3));
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "precious");
    assert!(!link.is_symlink());
    let report = std::fs::read_to_string(&link).unwrap();
    assert!(report.contains("- failed at rfb "), "{report}");
    assert!(!report.contains("web01"), "{report}");
    for (name, words) in [
        (".", "directory"),
        ("none/report", "cannot write none/report"),
    ] {
        let arguments = ["probe", "web01", "--report", name];
        let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, shown.as_str()), (Some(1), ""), "{error}");
        assert!(error.contains(words), "{error}");
    }
    let (code, ..) = run(mksgate_at(
        &host,
        &folder,
        &["probe", "web01", "--thorough"],
    ))
    .await;
    assert_eq!(code, Some(2), "--thorough is of a report");
}
