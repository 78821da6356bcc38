//! The stylesheet and the scripts, which are part of the program.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const SCREEN: &str = include_str!("../assets/screen.svg");

const ASSETS: [Asset; 7] = [
    Asset {
        name: "style.css",
        kind: CSS,
        text: include_str!("../assets/style.css"),
    },
    Asset {
        name: "list.js",
        kind: SCRIPT,
        text: include_str!("../assets/list.js"),
    },
    Asset {
        name: "pictures.js",
        kind: SCRIPT,
        text: include_str!("../assets/pictures.js"),
    },
    Asset {
        name: "console.js",
        kind: SCRIPT,
        text: include_str!("../assets/console.js"),
    },
    Asset {
        name: "viewer.js",
        kind: SCRIPT,
        text: include_str!("../assets/viewer.js"),
    },
    Asset {
        name: "screen.svg",
        kind: SVG,
        text: SCREEN,
    },
    Asset {
        name: "icon.svg",
        kind: SVG,
        text: include_str!("../assets/icon.svg"),
    },
];

/// The entity tag of each, made once.
static TAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| {
    let tag = |asset: &Asset| entity_tag(asset.text.as_bytes());
    ASSETS.iter().map(tag).collect()
});

/// A strong entity tag of some content.
pub(crate) fn entity_tag(content: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(content);
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::try_from(format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the client has the content with this tag already.
pub(crate) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let given = headers
        .get(IF_NONE_MATCH)
        .and_then(|given| given.to_str().ok());
    let mut given = given
        .into_iter()
        .flat_map(|given| given.split(','))
        .map(str::trim);
    given.any(|given| given.as_bytes() == tag.as_bytes())
}

/// The picture of a screen that shows nothing, for a VM without a picture.
pub(crate) fn placeholder() -> Response {
    let kept = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (kept, [(CONTENT_TYPE, SVG)], SCREEN).into_response()
}

pub(crate) async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let found = ASSETS
        .iter()
        .zip(TAGS.iter())
        .find(|(asset, _)| asset.name == file);
    let Some((asset, tag)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // The browser asks each time whether it has changed, as it does with another version of the program.
    let cached = [
        (ETAG, tag.clone()),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    match is_known(&headers, tag) {
        true => (StatusCode::NOT_MODIFIED, cached).into_response(),
        false => (cached, [(CONTENT_TYPE, asset.kind)], asset.text).into_response(),
    }
}
