//! RFB (VNC) handshakes and messages: bytes in, events out, no I/O.
