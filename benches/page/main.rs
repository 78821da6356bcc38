//! The page's list: how soon it comes with 5,000 VMs, and how it is kept up to date on 1,000 pages at once:
//! `cargo bench --bench page [-- [quick] PART...]`.
//!
//! Parts: `list`, `events`; both where none is named. `vms=N`, `pages=N` and `seconds=N` choose other sizes. What is measured is
//! the release binary with a configuration file, over TLS, with a user whose rights are patterns. The simulated vCenter and all
//! browsers are in this process, on the same cores.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench"
)]

mod browser;
mod events;
mod gateway;
mod list;
#[path = "../support/machine.rs"]
#[allow(dead_code, reason = "other benches use the rest")]
mod machine;
#[path = "../support/release.rs"]
mod release;
#[path = "../support/table.rs"]
#[allow(dead_code, reason = "other benches use the rest")]
mod table;

use table::say;

/// How much is done.
#[derive(Clone, Copy)]
struct Effort {
    /// VMs in the list.
    vms: usize,
    /// Requests of each kind.
    requests: usize,
    /// List pages at once.
    pages: usize,
    /// For so many seconds, ten VMs change in each.
    seconds: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = arguments.iter().any(|word| word == "quick");
    let size = |key: &str, quick: usize, full: usize| {
        let mut pairs = arguments.iter().filter_map(|word| word.split_once('='));
        let given = pairs.find(|(word, _)| *word == key);
        given.map_or(if is_quick { quick } else { full }, |(_, number)| {
            number.parse().unwrap()
        })
    };
    let effort = Effort {
        vms: size("vms", 500, 5000),
        requests: size("requests", 20, 300),
        pages: size("pages", 50, 1000),
        seconds: size("seconds", 3, 30),
    };
    let named = |part: &str| arguments.iter().any(|word| word == part);
    let wanted = |part: &str| named(part) || !["list", "events"].into_iter().any(named);
    // As the bench of relays does: with the same features nothing is built twice.
    let built = release::cargo_build(&["--package", "mksgate", "--package", "relay-peers"]);
    assert!(built, "the build failed");
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        say(&machine::description());
        if wanted("list") {
            list::measure(effort).await;
        }
        if wanted("events") {
            events::measure(effort).await;
        }
    });
}
