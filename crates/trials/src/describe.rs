//! Text for what a host announced and sent.

use rfb_proto::Encoding;
use rfb_proto::vmware::ServerCaps;

use console::update_stats::UpdateStats;

/// Known bits of ServerCaps (`docs/webmks.md` 1.5 and 7.1).
const CAPS: [(u32, &str); 17] = [
    (0x2, "VMware's key events (127/0)"),
    (0x8, "expects ClientCaps (127/3)"),
    (0x20, "update acks (127/4)"),
    (0x80, "resolution requests (127/5)"),
    (0x100, "key events by Unicode (127/6)"),
    (0x200, "key events by JavaScript key code (127/6)"),
    (0x400, "audio acks (127/7)"),
    (0x1000, "several monitors (127/10)"),
    (0x2000, "update cache (127/11)"),
    (0x4000, "hide copy"),
    (0x8000, "hide paste"),
    (0x1_0000, "heartbeat (127/4)"),
    (0x2_0000, "session close (127/7)"),
    (0x4_0000, "clipboard channel"),
    (0x40_0000, "stream state (127/15)"),
    (0x100_0000, "LED sync"),
    // Terminates the table.
    (0, ""),
];

/// ServerCaps as a number and in words.
pub fn caps(caps: Option<ServerCaps>) -> String {
    let Some(ServerCaps(bits)) = caps else {
        return "not received".into();
    };
    let known = CAPS.iter().filter(|(bit, _)| bits & bit != 0);
    let mut words: Vec<String> = known.map(|(_, words)| (*words).to_owned()).collect();
    let unknown = CAPS.iter().fold(bits, |left, (bit, _)| left & !bit);
    if unknown != 0 {
        words.push(format!("unknown {unknown:#x}"));
    }
    if words.is_empty() {
        words.push("none".into());
    }
    format!("{bits:#010x}: {}", words.join(", "))
}

/// Name or number of an encoding.
pub fn encoding(encoding: &Encoding) -> String {
    let name = match *encoding {
        Encoding::RAW => "Raw",
        Encoding::COPY_RECT => "CopyRect",
        Encoding::RRE => "RRE",
        Encoding::HEXTILE => "Hextile",
        Encoding::ZLIB => "Zlib",
        Encoding::TIGHT => "Tight",
        Encoding::TRLE => "TRLE",
        Encoding::ZRLE => "ZRLE",
        Encoding::TIGHT_PNG => "TightPNG",
        Encoding::DESKTOP_SIZE => "DesktopSize",
        Encoding::LAST_RECT => "LastRect",
        other if other.is_vmware() => return format!("VMware's {:#x}", other.0),
        other => return format!("encoding {}", other.0),
    };
    name.into()
}

/// Counts of received messages.
pub fn message_counts(seen: &UpdateStats) -> String {
    if seen.is_empty() {
        return "nothing received".into();
    }
    let mut parts = Vec::new();
    if seen.updates > 0 {
        parts.push(plural(seen.updates, "update"));
    }
    let rectangles = seen.rectangles.iter();
    parts.extend(
        rectangles
            .map(|(name, &count)| format!("{} {}", plural(count, "rectangle"), encoding(name))),
    );
    let others = seen.others.iter();
    parts.extend(others.map(|(name, count)| format!("{count} x {name}")));
    parts.join(", ")
}

fn plural(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_bits_of_server_caps_are_listed_as_hex() {
        let output = caps(Some(ServerCaps(0x0210_20bf)));
        assert_eq!(
            output,
            "0x021020bf: VMware's key events (127/0), expects ClientCaps (127/3), update acks (127/4), resolution requests \
             (127/5), update cache (127/11), unknown 0x2100015"
        );
        assert_eq!(caps(Some(ServerCaps(0))), "0x00000000: none");
        assert_eq!(caps(None), "not received");
    }
}
