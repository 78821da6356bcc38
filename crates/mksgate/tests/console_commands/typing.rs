//! `type` and `keys`.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn text_and_keys_reach_the_guest_in_their_order() {
    let host = host().await;
    let folder = nowhere();
    let type_ = async |arguments: &[&str]| {
        let arguments = [arguments, &["--delay", "2", "--quiet"]].concat();
        let (code, shown, error) = run(mksgate_at(&host, &folder, &arguments)).await;
        assert_eq!((code, shown.as_str(), error.as_str()), (Some(0), "", ""));
    };
    type_(&["type", "web01", "Hello, World #1", "--enter"]).await;
    assert_eq!(
        host.typed("web01"),
        "Hello, World #1\n",
        "all was heard before it ended"
    );
    std::fs::write(folder.path().join("lines"), "two\r\nthree").unwrap();
    type_(&["type", "web01", "--file", "lines"]).await;
    type_(&["keys", "web01", "backspace", "shift-e", "enter"]).await;
    assert_eq!(host.typed("web01"), "Hello, World #1\ntwo\nthreE\n");
    host.counts_until(|counts| counts.sessions_open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_there_are_none_of_are_refused_before_anything_is_connected() {
    let host = host().await;
    for (arguments, why) in [
        (["keys", "web01", "ctrl-dle"], "\"dle\" is no key"),
        (
            ["type", "web01", "stra\u{df}e"],
            "the layout us has no key for 'ß'",
        ),
        (["type", "web01", "--file=none"], "none cannot be read"),
        (["type", "uuid:1", "x"], "uuid"),
        (
            ["screenshot", "web01", "--scale=2"],
            "write a number from 0.01 to 1",
        ),
    ] {
        let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(host.counts().logins, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_by_their_place_so_that_the_guests_layout_decides() {
    let german = Moods {
        layout: Layout::German,
        ..Moods::default()
    };
    let host = moody(german).await;
    let text = "Größe: {x} @ y~z €";
    let arguments = ["type", "web01", text, "--layout", "de", "--delay", "2"];
    let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
    assert_eq!(
        (code, error.as_str()),
        (Some(0), ""),
        "no word of another layout"
    );
    // A guest whose dead keys are not dead writes the blank that stands behind an accent too.
    assert_eq!(host.typed("web01").replace("~ ", "~"), text);
    let arguments = ["keys", "web01", "ctrl-alt-del", "--layout", "de"];
    let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let heard = host.keys("web01");
    let last: Vec<(u16, bool)> = heard
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
async fn where_the_host_takes_no_places_keys_go_by_their_meaning_and_that_is_said() {
    let plain = Moods {
        server_caps: None,
        ..Moods::default()
    };
    let host = moody(plain).await;
    let arguments = ["type", "web01", "Plain #1", "--delay", "2"];
    let (code, _, error) = run(mksgate_at(&host, &nowhere(), &arguments)).await;
    assert_eq!(code, Some(0));
    assert!(error.starts_with("web01 takes no scan codes"), "{error}");
    assert_eq!(host.typed("web01"), "Plain #1");
}
