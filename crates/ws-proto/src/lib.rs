//! RFC 6455 framing and opening handshake: bytes in, events out, no I/O.
