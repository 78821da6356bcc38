//! `type` and `keys`.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_confirmed_by_a_host_that_requires_acks() {
    let host = host_with_quirks(Quirks {
        needs_acks: true,
        ..Quirks::default()
    })
    .await;
    let arguments = ["keys", "web01", "printscreen"];
    let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let keys: Vec<Option<u16>> = host
        .keys("web01")
        .iter()
        .map(|event| event.scan_code)
        .collect();
    assert_eq!(keys, [Some(0x137), Some(0x137)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_keys_arrive_in_order() {
    let host = host().await;
    let folder = empty_folder();
    let type_ = async |arguments: &[&str]| {
        let arguments = [arguments, &["--delay", "2", "--quiet"]].concat();
        let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, shown.as_str(), error.as_str()), (Some(0), "", ""));
    };
    type_(&["type", "web01", "Hello, World #1", "--enter"]).await;
    assert_eq!(
        host.typed("web01"),
        "Hello, World #1\n",
        "the host has received all keys before the program exits"
    );
    std::fs::write(folder.path().join("lines"), "two\r\nthree").unwrap();
    type_(&["type", "web01", "--file", "lines"]).await;
    type_(&["keys", "web01", "backspace", "shift-e", "enter"]).await;
    assert_eq!(host.typed("web01"), "Hello, World #1\ntwo\nthreE\n");
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_are_refused_before_connecting() {
    let host = host().await;
    for (arguments, why) in [
        (["keys", "web01", "ctrl-dle"], "unknown key \"dle\""),
        (["type", "web01", "--file=none"], "none cannot be read"),
        (["type", "uuid:1", "x"], "uuid"),
        (
            ["screenshot", "web01", "--scale=2"],
            "write a number from 0.01 to 1",
        ),
    ] {
        let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(host.counts().logins, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn scan_codes_are_interpreted_by_the_guests_layout() {
    let german = Quirks {
        layout: Layout::German,
        ..Quirks::default()
    };
    let host = host_with_quirks(german).await;
    let text = "Größe: {x} @ y~z €";
    let arguments = ["type", "web01", text, "--layout", "de", "--delay", "2"];
    let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
    assert_eq!(
        (code, error.as_str()),
        (Some(0), ""),
        "no note about another layout"
    );
    // A guest without dead keys also writes the space that follows an accent.
    assert_eq!(host.typed("web01").replace("~ ", "~"), text);
    let arguments = ["keys", "web01", "ctrl-alt-del", "--layout", "de"];
    let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let received = host.keys("web01");
    let last: Vec<(u16, bool)> = received
        .iter()
        .rev()
        .take(6)
        .map(|key| (key.scan_code.unwrap(), key.down))
        .collect();
    let expected = [
        (0x1d, false),
        (0x38, false),
        (0x153, false),
        (0x153, true),
        (0x38, true),
        (0x1d, true),
    ];
    assert_eq!(last, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scan_code_support_keysyms_are_sent_and_reported() {
    let plain = Quirks {
        server_caps: None,
        ..Quirks::default()
    };
    let host = host_with_quirks(plain).await;
    let arguments = ["type", "web01", "Plain #1", "--delay", "2"];
    let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
    assert_eq!(code, Some(0));
    assert!(
        error.starts_with("the host of web01 does not accept scan codes"),
        "{error}"
    );
    assert_eq!(host.typed("web01"), "Plain #1");
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_that_the_layout_lacks_are_named_before_connecting() {
    let host = host().await;
    for (arguments, expected) in [
        (
            ["type", "web01", "gr\u{fc}\u{df}e", "--enter"],
            "mksgate: nothing was typed, since the layout us has no key for 'ü', 'ß': \
             if the guest has another layout, choose it with --layout (de)\n",
        ),
        (
            ["keys", "web01", "a", "\u{fc}"],
            "mksgate: no single key of the layout us writes \"ü\": \
             if the guest has another layout, choose it with --layout\n",
        ),
    ] {
        let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
        assert_eq!((code, error.as_str()), (Some(1), expected));
    }
    assert_eq!(host.counts().logins, 0);
}

/// A host that takes no scan codes, in front of a guest with a German keyboard.
async fn german_without_scan_codes() -> Host {
    host_with_quirks(Quirks {
        server_caps: None,
        layout: Layout::German,
        ..Quirks::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scan_codes_the_same_keys_are_pressed_as_on_a_us_keyboard() {
    let host = german_without_scan_codes().await;
    let text = "Größe: xyz @ ê";
    let arguments = ["type", "web01", text, "--layout=de", "--delay=2", "--quiet"];
    let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(host.typed("web01"), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_typed_if_a_key_cannot_be_sent_without_scan_codes() {
    let host = german_without_scan_codes().await;
    for (arguments, named) in [
        (["type", "web01", "a<b>c<", "--layout=de"], "'<', '>'"),
        (["keys", "web01", "ctrl-<", "--layout=de"], "\"ctrl-<\""),
    ] {
        let (code, _, error) = run(mksgate_at(&host, &empty_folder(), &arguments)).await;
        let expected = format!(
            "mksgate: nothing was typed, since the host of web01 does not accept scan codes, and {named} (layout de) \
             cannot be sent without: leave that out\n"
        );
        assert_eq!((code, error), (Some(1), expected));
    }
    assert!(host.keys("web01").is_empty());
    let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
    let ends: Vec<&EndReason> = counts.ends.iter().map(|end| &end.reason).collect();
    assert_eq!(ends, [&EndReason::ClosedByClient(Some(1000)); 2]);
}

/// `web01`, with keys held down so long that a signal arrives before they are released.
const LONG_PRESS: [&str; 6] = ["keys", "web01", "ctrl-alt-del", "a", "--delay", "60000"];

#[tokio::test(flavor = "multi_thread")]
async fn interrupt_releases_keys_that_are_down() {
    for (word, code) in [("-INT", 130), ("-TERM", 143)] {
        let host = host().await;
        let folder = empty_folder();
        let mut command = mksgate_at(&host, &folder, &LONG_PRESS);
        command.stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        host.keys_until("web01", |keys| keys.len() == 3).await;
        assert_eq!(host.keys_down("web01").len(), 3);
        signal(&child, word);
        let (ended_with, _, error) = ended(child).await;
        assert_eq!((ended_with, error.as_str()), (Some(code), ""), "{word}");
        assert!(host.keys_down("web01").is_empty(), "{word}");
        assert_eq!(host.keys("web01").len(), 6, "no other key was pressed");
        let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
        let how: Vec<&EndReason> = counts.ends.iter().map(|end| &end.reason).collect();
        assert_eq!(how, [&EndReason::ClosedByClient(Some(1000))], "{word}");
    }
}

/// A host that misbehaves, and a command whose handshake timeout is four seconds.
async fn silent_host(misbehaviour: Misbehaviour, arguments: &[&str]) -> (Host, TempDir, Command) {
    // Without acks, which request updates: a host that stalls while sending one accepts no more keys.
    let host = host_with_quirks(Quirks {
        server_caps: Some(ServerCaps::PLAIN),
        ..Quirks::default()
    })
    .await;
    host.misbehave(misbehaviour);
    let folder = configuration(&host, "[gateway]\nhandshake_timeout = \"4s\"");
    let mut command = mksgate(&folder, arguments);
    command.env(PASSWORD, DEMO_PASSWORD).stderr(Stdio::piped());
    (host, folder, command)
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_host_is_given_up_after_handshake_timeout() {
    let slow = "mksgate: ESXi's keyboard did not answer within 4 s: check that it is not overloaded, or raise handshake_timeout\n";
    let unheard = "mksgate: ESXi did not confirm the keys within 4 s: check on the console which of them arrived\n";
    // During ServerInit, before the first update, and after it.
    let cases =
        [(40, 6, slow), (60, 6, slow), (120, 1, unheard)].map(async |(after, exit, why)| {
            let stall = Misbehaviour::StallAfter(after);
            let (host, _folder, command) = silent_host(stall, &["type", "web01", "x"]).await;
            let (code, shown, error) = run(command).await;
            assert_eq!((code, shown.as_str()), (Some(exit), ""), "{after}");
            assert_eq!(error, why, "{after}");
            host.counts_until(|counts| counts.sessions_open == 0).await;
        });
    futures::future::join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unconfirmed_key_release_is_reported_and_does_not_delay_exit() {
    let (host, _folder, mut command) =
        silent_host(Misbehaviour::StallAfter(120), &LONG_PRESS).await;
    let child = command.spawn().unwrap();
    host.keys_until("web01", |keys| keys.len() == 3).await;
    signal(&child, "-TERM");
    let (code, _, error) = ended(child).await;
    assert_eq!(code, Some(143));
    assert_eq!(
        error,
        "web01 did not confirm that all keys are released: check whether a key is still held down\n"
    );
    host.counts_until(|counts| counts.sessions_open == 0).await;
}
