//! Certificates of the gateway that expire.

use super::*;

/// A `gateway.toml` with a certificate that expires in that many days.
fn with_certificate(days: i64) -> TempDir {
    let port = reserved_port();
    let text = vsphere("lab", "127.0.0.1:9")
        + "[auth.staff]\nmethods = [\"x509-none\"]\ncertificate = \"cert.pem\"\nprivate_key = \"key.pem\"\n"
        + &consoles("lab", &["web01"]).replace("5901", &port.to_string())
        + "auth = \"staff\"\n";
    folder_with_certificate(&text, days)
}

/// The same, of the page only.
fn with_page_certificate(days: i64) -> TempDir {
    let text = format!(
        "{}[web]\nlisten = \"127.0.0.1:{}\"\nauth = \"none\"\ncertificate = \"cert.pem\"\nprivate_key = \"key.pem\"\n",
        vsphere("lab", "127.0.0.1:9"),
        reserved_port()
    );
    folder_with_certificate(&text, days)
}

fn folder_with_certificate(text: &str, days: i64) -> TempDir {
    let folder = folder(text);
    let mut parameters = CertificateParams::new(["gateway.example".into()]).unwrap();
    let now = SystemTime::now();
    let day = Duration::from_secs(24 * 60 * 60);
    let span = day * u32::try_from(days.abs()).unwrap();
    parameters.not_before = (now - 400 * day).into();
    // An hour more, so that the number of days is the same during the test.
    parameters.not_after = match days < 0 {
        true => (now - span).into(),
        false => (now + span + Duration::from_secs(3600)).into(),
    };
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    secret(&folder.path().join("cert.pem"), &certificate.pem());
    secret(&folder.path().join("key.pem"), &key.serialize_pem());
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_that_has_expired_or_will_soon_fails() {
    for (days, words) in [
        (
            -1,
            Some(": the certificate of CN=rcgen self signed cert expired on "),
        ),
        (12, Some(", in 12 days: renew it\n")),
        (29, Some(", in 29 days: renew it\n")),
        (31, None),
    ] {
        let folder = with_certificate(days);
        for folder in [&folder, &with_page_certificate(days)] {
            let (code, _, error) = run(mksgate(folder, &["check", "--offline"])).await;
            match words {
                Some(words) => {
                    assert_eq!(code, Some(1), "{days}");
                    assert!(
                        error.starts_with("mksgate: cert.pem: ") && error.contains(words),
                        "{error}"
                    );
                    assert_eq!(error.lines().count(), 1, "{error}");
                }
                None => assert_eq!((code, error.as_str()), (Some(0), ""), "{days}"),
            }
        }
        let (_, shown, _) = run(mksgate(&folder, &["check", "--offline", "--json"])).await;
        let report: Value = serde_json::from_str(&shown).unwrap();
        let problem = &report["problems"][0];
        let expected = match days {
            31 => Value::Null,
            -1 => "certificate-expired".into(),
            _ => "certificate-expires-soon".into(),
        };
        assert_eq!(problem["error"], expected);
        for key in ["not_before", "not_after"].iter().filter(|_| days != 31) {
            let date = problem[key].as_str().unwrap();
            let shape = date.replace(|c: char| c.is_ascii_digit(), "0");
            assert_eq!(shape, "0000-00-00T00:00:00Z");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_that_will_expire_soon_is_a_warning_of_serve() {
    let folder = with_certificate(12);
    let path = folder.path().join("gateway.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    // A port that is taken ends it at once.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("port = {}\n", taken.local_addr().unwrap().port());
    let line = text.lines().find(|line| line.starts_with("port = "));
    let text = text.replace(&format!("{}\n", line.unwrap()), &port);
    std::fs::write(&path, text).unwrap();
    let (code, _, log) = run(mksgate(&folder, &["serve"])).await;
    assert_eq!(code, Some(1));
    let warns = |line: &str| line.contains("WARN") && line.contains(", in 12 days: renew it");
    assert!(log.lines().any(warns), "{log}");
}
