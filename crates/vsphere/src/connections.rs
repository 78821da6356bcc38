//! Existing connections to a VM's console (`QueryConnections`, since 7.0.1.0).

use crate::{fault::one_line, xml::Element};

/// One console connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleConnection {
    /// The host's label of the connection.
    pub label: String,
    /// The client's name or address.
    pub client: String,
    /// The user whose ticket opened it.
    pub user: String,
}

impl ConsoleConnection {
    /// Reads the `returnval`s of QueryConnections, no more than [`MAX_CONNECTIONS`].
    pub(crate) fn read_all(response: &Element) -> Vec<Self> {
        let text = |value: &Element, name| one_line(value.text_of(name).unwrap_or_default());
        response
            .children("returnval")
            .take(MAX_CONNECTIONS)
            .map(|value| Self {
                label: text(value, "label"),
                client: text(value, "client"),
                user: text(value, "userName"),
            })
            .collect()
    }

    /// The text in error messages.
    pub(crate) fn in_words(&self) -> String {
        match (self.user.as_str(), self.client.as_str()) {
            ("", "") => self.label.clone(),
            (user, "") => user.to_owned(),
            ("", client) => client.to_owned(),
            (user, client) => format!("{user} from {client}"),
        }
    }
}

/// `RemoteDisplay.maxConnections` is 40 by default, as far as is known (`docs/webmks.md` 2.6).
const MAX_CONNECTIONS: usize = 100;
