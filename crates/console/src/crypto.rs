//! The rustls crypto provider of all TLS connections, chosen by a cargo feature.

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as chosen;
#[cfg(feature = "ring")]
use rustls::crypto::ring as chosen;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!(
    "there is no crypto provider: build with the feature \"ring\" (the default) or \"aws-lc-rs\""
);

#[cfg(all(feature = "ring", feature = "aws-lc-rs"))]
compile_error!(
    "there are two crypto providers: with \"aws-lc-rs\", build with --no-default-features"
);

/// The provider, shared by all TLS configurations.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(chosen::default_provider()));
    Arc::clone(&PROVIDER)
}
