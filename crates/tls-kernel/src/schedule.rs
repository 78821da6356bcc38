//! The key schedule of rustls, and its store of session tickets.

use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use tls_records::{KeySchedule, Refused, TrafficKey};

use crate::cipher::{self, Cipher};

/// What rustls keeps of a connection whose records are not its own.
pub struct Schedule(KernelConnection<ClientConnectionData>);

impl Schedule {
    pub(crate) const fn new(kernel: KernelConnection<ClientConnectionData>) -> Self {
        Self(kernel)
    }
}

impl KeySchedule for Schedule {
    type Aead = Cipher;

    fn next_receive_key(&mut self) -> Result<TrafficKey<Cipher>, Refused> {
        cipher::key(self.0.update_rx_secret().map_err(refused)?)
    }

    fn next_send_key(&mut self) -> Result<TrafficKey<Cipher>, Refused> {
        cipher::key(self.0.update_tx_secret().map_err(refused)?)
    }

    fn session_ticket(&mut self, ticket: &[u8]) -> Result<(), Refused> {
        self.0.handle_new_session_ticket(ticket).map_err(refused)
    }
}

fn refused(error: rustls::Error) -> Refused {
    Refused::Tls {
        reason: error.to_string(),
        is_malformed: matches!(error, rustls::Error::InvalidMessage(_)),
    }
}
