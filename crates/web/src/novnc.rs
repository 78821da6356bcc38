//! noVNC's modules, from the folder of Debian's package or npm's. They are no part of this program.

use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::task::spawn_blocking;

use crate::app::Routed;
use crate::assets::{entity_tag, is_known};

/// The module that a page begins with.
const FIRST: &str = "core/rfb.js";

/// Larger than any module of noVNC's.
const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// Whether noVNC is in this folder.
pub(crate) async fn is_there(folder: &Path) -> bool {
    let file = folder.join(FIRST);
    spawn_blocking(move || file.is_file())
        .await
        .unwrap_or(false)
}

pub(crate) async fn serve(
    State(routed): State<Routed>,
    axum::extract::Path(path): axum::extract::Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(file) = module(&routed.web.novnc, &path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let folder = routed.web.novnc.clone();
    let read = spawn_blocking(move || read(&folder, &file));
    let read = read.await.ok().flatten();
    let Some(content) = read else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = entity_tag(&content);
    let cached = [
        (ETAG, tag.clone()),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    match is_known(&headers, &tag) {
        true => (StatusCode::NOT_MODIFIED, cached).into_response(),
        false => {
            let kind = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
            (cached, kind, content).into_response()
        }
    }
}

/// The file of a module below the folder. Each part is a plain name, so that none leads out of it.
fn module(folder: &Path, path: &str) -> Option<PathBuf> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name =
        |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_letter);
    let is_module = path.ends_with(".js") && path.split('/').all(is_name);
    is_module.then(|| folder.join(path))
}

/// The content of a file in the folder; a link that leads out of it is no such file.
fn read(folder: &Path, file: &Path) -> Option<Vec<u8>> {
    let file = file.canonicalize().ok()?;
    if !file.starts_with(folder.canonicalize().ok()?) {
        return None;
    }
    let size = file.metadata().ok().filter(|found| found.is_file())?.len();
    (size <= MAX_SIZE).then(|| std::fs::read(&file).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let folder = Path::new("/usr/share/novnc");
        assert_eq!(
            module(folder, "core/rfb.js"),
            Some("/usr/share/novnc/core/rfb.js".into())
        );
        assert!(module(folder, "vendor/pako/lib/zlib/inflate.js").is_some());
        for path in [
            "",
            "core",
            "core/",
            "/etc/passwd.js",
            "../secret.js",
            "core/../../secret.js",
            "core//rfb.js",
            "./core/rfb.js",
            "core/.hidden.js",
            "core\\..\\x.js",
            "core/%2e%2e/x.js",
            "core/rfb.js\0",
            "vnc.html",
            "core/a b.js",
        ] {
            assert_eq!(module(folder, path), None, "{path:?}");
        }
    }
}
