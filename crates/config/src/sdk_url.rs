//! The URL of a vSphere API endpoint.

use std::net::Ipv6Addr;

use url::Url;

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
