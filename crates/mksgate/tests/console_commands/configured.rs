//! Commands with a configuration file of two vSpheres: which of them is searched, and which has the VM.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use tokio::task::spawn_blocking;

use super::*;
use support::viewer::{interrupt, proxy, view};

/// The vSpheres `lab`, with `web01`, and `prod`, with `db02`, each with one `both`; and a folder with a gateway.toml for
/// both.
struct TwoVSpheres {
    lab: Host,
    prod: Host,
    folder: TempDir,
}

impl TwoVSpheres {
    async fn start() -> Self {
        let (lab, prod) = (
            host_with(&["web01", "both"]).await,
            host_with(&["db02", "both"]).await,
        );
        let folder = empty_folder();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, DEMO_PASSWORD).unwrap();
        std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        let console = "[[console]]\nport = 5901\nvsphere = \"lab\"\nvm = \"web01\"\n";
        let text = table("lab", &lab) + &table("prod", &prod) + console;
        std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
        Self { lab, prod, folder }
    }

    /// The command, in the folder with the configuration.
    async fn run(&self, arguments: &[&str]) -> support::Ended {
        run(mksgate(&self.folder, arguments)).await
    }

    /// Logins and tickets of each, once all sessions are closed.
    async fn logins_and_tickets(&self) -> [(u64, u64); 2] {
        let mut counted = [(0, 0); 2];
        for (host, counted) in [&self.lab, &self.prod].into_iter().zip(&mut counted) {
            let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
            *counted = (counts.logins, counts.tickets_spent);
        }
        counted
    }
}

async fn host_with(vms: &[&str]) -> Host {
    Host::start(Settings {
        vms: vms.iter().map(|name| VmSettings::desktop(*name)).collect(),
        kind: Kind::VCenter,
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap()
}

fn table(name: &str, host: &Host) -> String {
    let pin = hex(&host.certificate_sha256());
    format!(
        "[vsphere.{name}]\naddress = \"{}\"\nusername = \"root\"\npassword_file = \"secret\"\ntrust = \"sha256:{pin}\"\n\
         tls_records = \"in-place\"\n",
        host.address()
    )
}

/// A command line of each command, for `vm`.
fn command_lines(vm: &str) -> [Vec<&str>; 5] {
    [
        vec!["probe", vm],
        vec!["screenshot", vm, "-o", "x.png"],
        vec!["type", vm, "a", "--delay", "2"],
        vec!["keys", vm, "b", "--delay", "2"],
        vec!["connect", vm, "--", "sh", "-c", "exit 7"],
    ]
}

/// The exit code of each on success.
const EXIT_CODES: [i32; 5] = [0, 0, 0, 0, 7];

#[tokio::test(flavor = "multi_thread")]
async fn vm_is_found_in_the_vsphere_that_has_it() {
    let two = TwoVSpheres::start().await;
    for (arguments, done) in command_lines("db02").iter().zip(EXIT_CODES) {
        let (code, _, error) = two.run(arguments).await;
        assert_eq!((code, error.as_str()), (Some(done), ""), "{arguments:?}");
    }
    assert_eq!(two.prod.typed("db02"), "ab");
    decoded(&std::fs::read(two.folder.path().join("x.png")).unwrap());
    // The command that `connect` runs does not open the console.
    assert_eq!(two.logins_and_tickets().await, [(5, 0), (5, 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_name_is_reported_and_no_console_is_opened() {
    let two = TwoVSpheres::start().await;
    for arguments in command_lines("both") {
        let (code, shown, error) = two.run(&arguments).await;
        assert_eq!(code, Some(1), "{arguments:?}");
        let message = match arguments[0] {
            // probe prints the error as its result.
            "probe" => shown,
            _ => error,
        };
        assert!(
            message.contains("lab and prod both have a VM both: name one of them with --vsphere\n"),
            "{arguments:?}: {message}"
        );
    }
    assert_eq!(two.logins_and_tickets().await, [(5, 0), (5, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn vsphere_option_limits_the_search() {
    let two = TwoVSpheres::start().await;
    for (arguments, done) in command_lines("both").iter().zip(EXIT_CODES) {
        let arguments = [
            &["--config", "gateway.toml"],
            &arguments[..2],
            &["--vsphere", "prod"],
            &arguments[2..],
        ]
        .concat();
        let (code, _, error) = two.run(&arguments).await;
        assert_eq!((code, error.as_str()), (Some(done), ""), "{arguments:?}");
    }
    assert_eq!(two.prod.typed("both"), "ab");
    let (code, _, error) = two.run(&["keys", "web01", "a", "--vsphere", "prod"]).await;
    assert_eq!(code, Some(4));
    assert!(
        error.starts_with("mksgate: there is no VM web01"),
        "{error}"
    );
    assert_eq!(two.logins_and_tickets().await, [(0, 0), (6, 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_connects_to_the_vm_of_the_named_vsphere() {
    let two = TwoVSpheres::start().await;
    let arguments = ["connect", "both", "--vsphere", "prod", "--proxy-only"];
    let command = mksgate(&two.folder, &arguments);
    let seen = spawn_blocking(move || {
        let (mut child, line) = proxy(command);
        let seen = view(&line, line["password"].as_str().unwrap());
        (seen, interrupt(&mut child))
    });
    assert_eq!(seen.await.unwrap(), (Ok((800, 600)), Some(0)));
    assert_eq!(two.logins_and_tickets().await, [(0, 0), (1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_prints_each_login_and_the_vsphere_of_the_vm() {
    let two = TwoVSpheres::start().await;
    for (vm, more, vspheres) in [
        ("web01", &[][..], &["lab", "prod", "lab"][..]),
        ("db02", &[], &["lab", "prod", "prod"]),
        ("both", &["--vsphere", "lab"], &["lab", "lab"]),
    ] {
        let arguments = [&["probe", vm, "--json"], more].concat();
        let (code, shown, _) = two.run(&arguments).await;
        assert_eq!(code, Some(0), "{shown}");
        let answer: Value = serde_json::from_str(&shown).unwrap();
        let steps = answer["steps"].as_array().unwrap();
        let column = |name: &str| -> Vec<&Value> { steps.iter().map(|step| &step[name]).collect() };
        let logins = vec!["login"; vspheres.len() - 1];
        let beyond = [
            "vm",
            "ticket",
            "tcp",
            "tls",
            "websocket",
            "rfb",
            "screen",
            "updates",
        ];
        assert_eq!(column("step"), [&logins[..], &beyond].concat());
        assert_eq!(column("vsphere")[..vspheres.len()], *vspheres);
        let host = if vspheres.ends_with(&["lab"]) {
            &two.lab
        } else {
            &two.prod
        };
        // Probe uses rustls for TLS records, whatever tls_records says, to get the certificate.
        let certificate = format!("sha256:{}", hex(&host.console_certificate_sha256()));
        assert_eq!(steps[vspheres.len() + 2]["thumbprint"], certificate);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_fails_at_the_step_that_fails() {
    let two = TwoVSpheres::start().await;
    let steps = async |vm: &str, exit: i32| -> Vec<String> {
        let (code, shown, _) = two.run(&["probe", vm]).await;
        assert_eq!(code, Some(exit), "{shown}");
        let lines = shown.lines().filter(|line| !line.starts_with(vm));
        let words = lines.map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        });
        words.collect()
    };
    assert_eq!(
        steps("both", 1).await,
        ["ok login", "ok login", "FAILED vm"]
    );
    assert_eq!(
        steps("web10", 4).await,
        ["ok login", "ok login", "FAILED vm"]
    );
    let path = two.folder.path().join("gateway.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let another = text.replace(&hex(&two.prod.certificate_sha256()), &"ab".repeat(32));
    std::fs::write(&path, another).unwrap();
    assert_eq!(steps("web01", 7).await, ["ok login", "FAILED login"]);
    assert_eq!(two.logins_and_tickets().await, [(3, 0), (2, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_vsphere_is_a_usage_error_that_lists_the_configured_ones() {
    let two = TwoVSpheres::start().await;
    for arguments in command_lines("both") {
        let arguments = [&arguments[..2], &["--vsphere", "prd"], &arguments[2..]].concat();
        let (code, shown, error) = two.run(&arguments).await;
        let expected = "mksgate: there is no vSphere prd: name one of lab, prod\n";
        assert_eq!(
            (code, shown.as_str(), error.as_str()),
            (Some(2), "", expected),
            "{arguments:?}"
        );
    }
    assert_eq!(two.logins_and_tickets().await, [(0, 0), (0, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn config_option_overrides_environment_which_overrides_local_file() {
    let two = TwoVSpheres::start().await;
    let elsewhere = empty_folder();
    let path = two.folder.path().join("gateway.toml");
    let named = ["--config", path.to_str().unwrap(), "keys", "web01", "x"];
    // The password file is relative to the configuration, not to the working directory.
    let (code, _, error) = run(mksgate_at(&two.prod, &elsewhere, &named)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(two.lab.typed("web01"), "x");
    for folder in [&two.folder, &elsewhere] {
        let mut command = mksgate_at(&two.prod, folder, &["--quiet"]);
        command.args(&named[2..]);
        let (code, _, error) = run(command).await;
        assert_eq!(code, Some(4));
        assert!(
            error.starts_with("mksgate: there is no VM web01"),
            "{error}"
        );
    }
}
