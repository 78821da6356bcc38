//! AboutInfo, which needs no login.

use std::fmt;

/// The used part of `AboutInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// ESXi or vCenter.
    pub api_type: ApiType,
    /// As in `VMware ESXi 7.0.3 build-19193900`.
    pub full_name: String,
    /// The product's version, as in `7.0.3`.
    pub version: String,
    /// The newest version of the API that it supports, as in `7.0.3.0`.
    pub api_version: String,
    /// vCenter's own identity; ESXi has none.
    pub instance_uuid: Option<String>,
}

/// What kind of endpoint it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiType {
    /// A single host (`HostAgent`): its consoles are at the address of its API.
    Esxi,
    /// A vCenter (`VirtualCenter`): consoles are at its hosts, never at the vCenter.
    VCenter,
}

impl fmt::Display for ApiType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Esxi => "ESXi",
            Self::VCenter => "vCenter",
        })
    }
}
