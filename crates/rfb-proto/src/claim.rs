//! What a viewer claims to be: for the caller to judge.

use std::fmt;

use crate::{Challenge, Password, Response};

/// Who the viewer says it is. As `Debug` it keeps what could be used against a password to itself.
#[derive(Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody in particular: nothing was asked.
    Nobody,
    /// Somebody who knows the VNC password: see [`crate::VncPassword::verify`].
    VncPassword {
        /// What was sent.
        challenge: Challenge,
        /// What came back.
        response: Response,
    },
    /// This user. It came through TLS.
    Plain {
        /// The name: any text of at most [`crate::MAX_CREDENTIAL`] bytes, the empty one too.
        user: String,
        /// The password: of at most [`crate::MAX_CREDENTIAL`] bytes.
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
