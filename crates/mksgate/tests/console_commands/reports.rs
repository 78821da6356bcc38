//! `probe --report`: what is in the file, what is not, and whose file it is.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// What a report has under this heading.
fn section<'a>(report: &'a str, title: &str) -> Vec<&'a str> {
    let from = report.split(&format!("## {title}\n\n")).nth(1);
    let section = from.unwrap_or_default();
    section
        .lines()
        .take_while(|line| line.starts_with("- "))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thorough_report_says_what_the_host_sends_and_names_nobody() {
    let host = quirky(Quirks {
        needs_acks: true,
        ..Quirks::default()
    })
    .await;
    let folder = nowhere();
    let arguments = ["probe", "web01", "--report", "report.md", "--thorough"];
    let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(0), "{shown}{error}");
    assert_eq!(error, "the report is in report.md\n");
    let path = folder.path().join("report.md");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let report = std::fs::read_to_string(&path).unwrap();
    for line in [
        concat!("- mksgate: ", env!("CARGO_PKG_VERSION"), ", "),
        "- login: product VMware ESXi ",
        "- rfb: version 3.8, security_types [\"None\"]",
        "- screen: width 200, height 100, bits_per_pixel 32, ",
        "- ServerCaps: 0x021020bf: VMware's key events (127/0), wants ClientCaps (127/3), update acks",
        "- a second update came after ServerCaps: yes",
    ] {
        assert!(report.contains(line), "{line} is missing in {report}");
    }
    let encodings = section(&report, "Each encoding, asked for by itself");
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
    assert_eq!(section(&report, "Nothing asked for, for 10 s").len(), 1);
    let further = section(
        &report,
        "Whether updates go on, each on a connection of its own",
    );
    assert_eq!(further.len(), 3, "{report}");
    assert!(
        further[0]
            .ends_with("acks are announced (0x20) and none was sent; 0 of 4 further updates came"),
        "{report}"
    );
    assert!(
        further[1].contains("0x5100 sent") && further[1].ends_with("4 of 4 further updates came"),
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
    // One ticket for the probe, and one for each connection of its own.
    assert_eq!(host.counts().tickets_spent, 4);
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_replaces_a_link_and_follows_none_and_tells_where_a_probe_failed() {
    let host = host().await;
    host.misbehave(Misbehaviour::NoSecurity("web01 is moved".into()));
    let folder = nowhere();
    let (elsewhere, link) = (
        folder.path().join("elsewhere"),
        folder.path().join("report"),
    );
    std::fs::write(&elsewhere, "precious").unwrap();
    symlink(&elsewhere, &link).unwrap();
    let arguments = ["probe", "web01", "--report", "report"];
    let (code, _, _) = run(mksgate_at(&host, &folder, &arguments)).await;
    assert_eq!(code, Some(1));
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "precious");
    assert!(!link.is_symlink());
    let report = std::fs::read_to_string(&link).unwrap();
    assert!(report.contains("- it failed at rfb "), "{report}");
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
