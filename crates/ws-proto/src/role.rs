//! The two ends of a connection.

/// Which end of the connection we are, which decides who masks (RFC 6455 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We opened the connection: what we send is masked, what we receive must not be.
    Client,
    /// We accepted the connection: what we receive must be masked, what we send is not.
    Server,
}
