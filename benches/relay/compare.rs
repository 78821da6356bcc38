//! Compares every byte, both ways at once, through the real gateway: TLS 1.2 and 1.3, rustls' records and records in
//! place. Nothing is timed.

use tokio::time::Instant;

use crate::comparison::{self, EVENTS};
use crate::entry::Entry;
use crate::machine;
use crate::relays::{IN_PLACE, OURS, Relays};
use crate::table::{head, row, say};
use crate::viewer::Viewer;

pub(crate) async fn measure(relays: &Relays, mib: u16) {
    say("Compared byte for byte, both ways at once\n");
    say(&head(&[
        "relay",
        "TLS",
        "MiB to the viewer",
        "events to the host",
        "seconds",
    ]));
    for name in [OURS, IN_PLACE] {
        for tls12 in [false, true] {
            let relay = relays.start_with(name, &machine::all_cores(), tls12).await;
            let viewer = Viewer::enter(relay.listen, Entry::Rfb).await.unwrap();
            let begun = Instant::now();
            let stream = viewer.compare(mib).await.unwrap();
            comparison::viewer(stream, mib).await.unwrap();
            say(&row(&[
                name.into(),
                if tls12 { "1.2" } else { "1.3" }.into(),
                mib.to_string(),
                (u64::from(mib) * EVENTS).to_string(),
                format!("{:.0}", begun.elapsed().as_secs_f64()),
            ]));
        }
    }
    say("");
}
