//! The URL of a vSphere API endpoint.

use std::net::Ipv6Addr;

use url::Url;

/// The paths of the host client, and of vCenter's clients.
const WEB_CLIENTS: [&str; 2] = ["/ui", "/vsphere-client"];

/// Parses `host`, `host:port` or an https URL.
pub fn sdk_url(address: &str) -> Option<Url> {
    let text = match address.parse::<Ipv6Addr>() {
        Ok(address) => format!("https://[{address}]"),
        Err(_) if address.contains("://") => address.to_owned(),
        // A mistyped URL scheme.
        Err(_) if address.contains("//") || address.contains(":/") => return None,
        Err(_) => format!("https://{address}"),
    };
    let mut url = Url::parse(&text)
        .ok()
        .filter(|url| url.scheme() == "https" && url.has_host())?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.port() == Some(0)
    {
        return None;
    }
    if matches!(url.path(), "" | "/") {
        url.set_path("/sdk");
    }
    Some(url)
}

/// The part of an address that belongs to a web client, as a browser's address line shows it: the API is not below it.
pub(crate) fn web_client_path(url: &Url) -> Option<&'static str> {
    let first = url.path_segments()?.next()?;
    WEB_CLIENTS
        .into_iter()
        .find(|path| path.strip_prefix('/') == Some(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_web_client_is_recognised() {
        for (address, path) in [
            ("esxi.example/ui", Some("/ui")),
            ("https://esxi.example/ui/#/host", Some("/ui")),
            (
                "https://vc.example/vsphere-client/",
                Some("/vsphere-client"),
            ),
            ("esxi.example", None),
            ("esxi.example/sdk", None),
            ("proxy.example/uis/sdk", None),
        ] {
            let url = sdk_url(address).unwrap();
            assert_eq!(web_client_path(&url), path, "{address}");
        }
    }
}
