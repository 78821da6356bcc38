//! A one-use login as the page hands it out.

use std::net::SocketAddr;

use secrecy::SecretString;

use crate::current::Port;
use crate::error::Failure;
use crate::judge::login_point;
use logins::users::User;

/// A login at a console's port that works once, within [`TOKEN_LIFETIME`](crate::TOKEN_LIFETIME).
#[derive(Debug)]
pub struct OneUseLogin {
    /// The port's bound address.
    pub address: SocketAddr,
    /// The names of the port's methods.
    pub methods: Vec<&'static str>,
    /// The password for the user name [`ONE_USE_NAME`](crate::ONE_USE_NAME), where the port has a method with names.
    pub password: Option<SecretString>,
    /// The VNC password, where the port has a method with one. Either password uses the login up.
    pub vnc_password: Option<SecretString>,
}

impl OneUseLogin {
    /// For `user` at `port`.
    pub(super) fn mint(user: User, port: &Port) -> Result<Self, Failure> {
        let entrance = &port.entrance;
        let logins = &entrance.shared.one_use_logins;
        let key = login_point(entrance).key;
        let credentials = logins.mint(user, key, &entrance.auth.methods)?;
        Ok(Self {
            address: port.address,
            methods: entrance.auth.names().collect(),
            password: credentials.password,
            vnc_password: credentials.vnc_password,
        })
    }
}
