//! Every way in which a session ends.
//!
//! | first to end | then |
//! |---|---|
//! | viewer, by FIN | Close 1000 to ESXi; what ESXi still sends arrives; both connections end |
//! | viewer, by reset | Close 1001 to ESXi, and its connection ends |
//! | ESXi, by Close | all bytes before it arrive, the Close is answered, FIN to the viewer |
//! | ESXi, without Close | all bytes arrive, FIN to the viewer |
//! | ESXi, by a violation | all bytes before it arrive, a Close with the violation's code, FIN to the viewer |
//! | the gateway | Close 1001 to ESXi, FIN to the viewer |
//!
//! Where a viewer's RFB is translated, it is shown the reason before the FIN ([`reason`]).

mod by_esxi;
mod by_gateway;
mod by_viewer;
mod leaks;
mod payload;
mod pings;
mod reason;
mod unread_data;
mod vm_change;
