//! The credentials that a viewer has presented.

use std::fmt;

use crate::{Challenge, Password, Response};

/// The credentials that a viewer has presented, not verified yet. `Debug` shows no secret, and nothing that helps to
/// guess a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Claim {
    /// None: security type None, or X509None.
    Nobody,
    /// A response to a VNC challenge: see [`crate::VncPassword::verify`].
    VncPassword {
        /// The challenge that the viewer was sent.
        challenge: Challenge,
        /// The viewer's response.
        response: Response,
    },
    /// A user name and password, received inside TLS (VeNCrypt X509Plain).
    Plain {
        /// The name: at most [`crate::MAX_CREDENTIAL`] bytes, and possibly empty.
        user: String,
        /// The password: at most [`crate::MAX_CREDENTIAL`] bytes.
        password: Password,
    },
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("Nobody"),
            Self::VncPassword { .. } => f.debug_struct("VncPassword").finish_non_exhaustive(),
            Self::Plain { user, .. } => f
                .debug_struct("Plain")
                .field("user", user)
                .finish_non_exhaustive(),
        }
    }
}
