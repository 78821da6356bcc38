//! Encodings and kinds of the configuration file.

use super::*;

/// Loads the file that `make` creates.
fn load(make: impl Fn(&Path)) -> Result<Config, String> {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    make(&path);
    config::load(&path).map_err(|error| error.to_string())
}

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

#[test]
fn line_ends_byte_order_mark_and_tabs_are_accepted() {
    let text = format!("{LAB}{CONSOLE}");
    for bytes in [
        text.replace('\n', "\r\n").into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        text.replace(" = ", "\t=\t").into_bytes(),
    ] {
        load(|path| std::fs::write(path, &bytes).unwrap()).unwrap();
    }
    let utf16 = format!("\u{feff}{text}");
    let utf16: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [utf16, b"# \xe9".to_vec()] {
        let error = load(|path| std::fs::write(path, &bytes).unwrap()).unwrap_err();
        assert!(
            error.contains("it is not UTF-8 text: save it as that"),
            "{error}"
        );
    }
}

#[test]
fn directories_pipes_devices_and_large_files_are_refused_at_once() {
    let error = load(|path| std::fs::create_dir(path).unwrap()).unwrap_err();
    assert!(error.contains("it is a directory"), "{error}");
    let error = load(pipe).unwrap_err();
    assert!(error.contains("a pipe, and nobody writes to it"), "{error}");
    let endless = |path: &Path| std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    let error = load(endless).unwrap_err();
    assert!(error.contains("it is not a regular file"), "{error}");
    let large = |path: &Path| {
        let file = std::fs::File::create(path).unwrap();
        file.set_len((16 << 20) + 1).unwrap();
    };
    let error = load(large).unwrap_err();
    assert!(error.contains("more than 16777216 bytes"), "{error}");

    let text = format!("{LAB}{CONSOLE}");
    for (from, to) in [
        (
            "password_file = \"secrets/lab\"",
            "password_file = \"pipe\"",
        ),
        ("username", "trust = \"file:pipe\"\nusername"),
    ] {
        let error = load(|path| {
            pipe(&path.with_file_name("pipe"));
            std::fs::write(path, text.replace(from, to)).unwrap();
        })
        .unwrap_err();
        assert!(error.contains("a pipe, and nobody writes to it"), "{error}");
    }
}

#[test]
fn configuration_can_be_a_pipe() {
    let text = format!("{LAB}{CONSOLE}");
    load(|path| {
        pipe(path);
        let (path, text) = (path.to_owned(), text.clone());
        std::thread::spawn(move || std::fs::write(path, text).unwrap());
    })
    .unwrap();
}

#[test]
fn byte_order_mark_is_not_part_of_a_password() {
    let config = load(|path| {
        secret(
            &path.with_file_name("marked"),
            "\u{feff}a long password\r\n".as_bytes(),
        );
        let text = format!("{LAB}{CONSOLE}").replace("secrets/lab", "marked");
        std::fs::write(path, text).unwrap();
    })
    .unwrap();
    assert_eq!(
        config.vspheres["lab"]
            .password
            .as_ref()
            .unwrap()
            .expose_secret(),
        "a long password"
    );
}

#[test]
fn only_client_commands_may_be_given_no_password() {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    let file = |more: &str| {
        let bare = LAB.replace("password_file = \"secrets/lab\"\n", more);
        std::fs::write(&path, format!("{bare}{CONSOLE}")).unwrap();
    };
    let for_client = || config::load_for_client(&path).map(drop);
    file("");
    for_client().unwrap();
    let refused = config::load(&path).unwrap_err().to_string();
    let listed = config::load_listing_errors(&path).unwrap_err();
    let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
    assert!(refused.ends_with("this vSphere has no password: add password_file or password_env"));
    assert_eq!(listed, [refused]);
    // All else is an error for client commands, too.
    for (more, expected) in [
        ("pasword_file = \"secrets/lab\"\n", "pasword_file"),
        (
            "password_file = \"secrets/empty\"\n",
            "its first line is empty",
        ),
        ("max_consoles = true\n", ":5:"),
        ("trust = \"lab.pem\"\n", "unknown trust"),
    ] {
        file(more);
        let error = for_client().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
