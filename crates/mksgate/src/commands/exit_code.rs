//! The exit codes; docs/commands.md lists them.

/// The command was tried and failed.
pub(crate) const FAILURE: u8 = 1;
/// The command line or the configuration is wrong; nothing was tried.
pub(crate) const USAGE: u8 = 2;
const LOGIN_REFUSED: u8 = 3;
const NO_SUCH_VM: u8 = 4;
const VM_OFF: u8 = 5;
/// No connection, no answer in time, or closed before the answer.
const UNREACHABLE: u8 = 6;
const UNTRUSTED: u8 = 7;
/// As shells have it.
const NO_SUCH_PROGRAM: u8 = 127;

/// The exit code for an error of this code.
pub(crate) fn exit_code(code: &str) -> u8 {
    match code {
        "usage" | "configuration" | "password-needed" => USAGE,
        "login-refused" | "vnc-login-refused" | "vnc-password-needed" => LOGIN_REFUSED,
        "no-such-vm" | "vm-deleted" => NO_SUCH_VM,
        "vm-powered-off" | "vm-suspended" => VM_OFF,
        "vsphere-unreachable"
        | "vsphere-timeout"
        | "vsphere-closed"
        | "proxy-failed"
        | "host-unreachable"
        | "host-unresolvable"
        | "host-timeout"
        | "host-closed"
        | "host-disconnected" => UNREACHABLE,
        "vsphere-untrusted" | "host-untrusted" | "certificate-changed" => UNTRUSTED,
        "no-such-program" => NO_SUCH_PROGRAM,
        _ => FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_codes_have_the_documented_exit_code() {
        let text = include_str!("../../../../docs/commands.md");
        let (_, table) = text.split_once("| error | exit code | |").unwrap();
        let rows = table.lines().filter_map(|line| {
            let mut cells = line.split(" | ");
            let code = cells.next()?.strip_prefix("| `")?.strip_suffix('`')?;
            Some((code, cells.next()?.parse::<u8>().ok()?))
        });
        let rows: Vec<(&str, u8)> = rows.collect();
        assert!(rows.len() > 60, "{rows:?}");
        for (code, exit) in rows {
            assert_eq!(exit_code(code), exit, "{code}");
        }
    }
}
