//! Checks of `[admin]`.

use std::net::SocketAddr;

use secrecy::ExposeSecret;
use toml::Spanned;

use crate::document::Document;
use crate::error::ConfigError;
use crate::file;
use console::secret::Secret;
use gateway::settings::Admin;

/// 12 random bytes in base64.
const MIN_TOKEN_LENGTH: usize = 16;

impl Document<'_> {
    pub(crate) fn admin_listen(&self, admin: &Spanned<file::Admin>) -> Option<SocketAddr> {
        self.enter(&admin.span());
        let listen = admin.get_ref().listen.as_ref();
        let listen = self.required(listen, "listen", &admin.span())?;
        let text = listen.get_ref();
        self.keep(text.parse().map_err(|_| {
            let sentence = format!(
                "listen = {text:?} is not ADDRESS:PORT, as \"127.0.0.1:9590\" or \"[::1]:9590\""
            );
            self.error_at(listen.span(), sentence)
        }))
    }

    pub(crate) fn admin(
        &self,
        admin: &Spanned<file::Admin>,
        listen: SocketAddr,
    ) -> Result<Admin, ConfigError> {
        self.enter(&admin.span());
        let position = admin.get_ref().listen.as_ref().map(Spanned::span);
        let admin = admin.get_ref();
        let Some(file) = &admin.token_file else {
            return match listen.ip().to_canonical().is_loopback() {
                true => Ok(Admin::open(listen)),
                false => {
                    let sentence = format!(
                        "{listen} can be reached from other machines: add token_file, or listen on 127.0.0.1"
                    );
                    Err(self
                        .error_at(position.unwrap_or_default(), sentence)
                        .missing())
                }
            };
        };
        let line = self.secret_file(file)?;
        let token = line.expose_secret();
        if token.len() < MIN_TOKEN_LENGTH || !token.bytes().all(is_token_byte) {
            let sentence = format!(
                "its first line is not a token: write {MIN_TOKEN_LENGTH} or more letters and digits there, as `openssl rand -hex 32` prints"
            );
            return Err(self.file_error(file, &sentence));
        }
        Ok(Admin {
            listen,
            token: Some(Secret::new(token.to_owned())),
        })
    }
}

/// `b64token` of RFC 6750, section 2.1.
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}
