//! How soon the list of 5,000 VMs comes.

use tokio::time::Duration;

use crate::Effort;
use crate::browser::Browser;
use crate::gateway::Gateway;
use crate::machine;
use crate::table::{head, median, quantile, row, say};

/// What is asked for, and by how much it may take until the first byte in ms.
const REQUESTS: [(&str, &str); 6] = [
    ("the list", "/"),
    ("its 10th page", "/?page=10"),
    ("a word", "/?part=rows&q=web"),
    ("a name that one VM has", "/?part=rows&q=web-0010"),
    ("three words, nothing found", "/?part=rows&q=web+lab+zzz"),
    ("switched on, by folder", "/?power=on&group=folder"),
];

pub(crate) async fn measure(effort: Effort) {
    let (gateway, ready) = Gateway::start(effort.vms).await;
    say(&format!(
        "The list of {} VMs, {} of which the user may open; it was complete {:.1} s after the gateway's start. {} requests each, ms\n",
        effort.vms,
        gateway.total().await,
        ready.as_secs_f64(),
        effort.requests,
    ));
    say(&head(&[
        "what",
        "first byte p50",
        "p99",
        "whole p50",
        "p99",
        "KiB",
        "CPU",
    ]));
    for (what, path) in REQUESTS {
        let mut browser = Browser::connect(&gateway).await;
        let (mut first, mut whole, mut size) = (Vec::new(), Vec::new(), 0);
        let cpu = machine::cpu_in_all(gateway.pid());
        for _ in 0..effort.requests {
            let answer = browser.get(path).await;
            assert!(answer.head.starts_with("HTTP/1.1 200"), "{}", answer.head);
            first.push(millis(answer.first_byte));
            whole.push(millis(answer.whole));
            size = answer.body.len();
        }
        let cpu = machine::cpu_in_all(gateway.pid()) - cpu;
        say(&row(&[
            what.into(),
            format!("{:.1}", median(&first)),
            format!("{:.1}", quantile(&first, 0.99)),
            format!("{:.1}", median(&whole)),
            format!("{:.1}", quantile(&whole, 0.99)),
            (size / 1024).to_string(),
            format!("{:.1}", millis(cpu) / effort.requests as f64),
        ]));
    }
    say("");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
