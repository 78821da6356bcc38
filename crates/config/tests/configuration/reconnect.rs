//! `reconnect_for`, `wait` and `power_on`.

use gateway::settings::Reconnect;

use super::*;

fn of_console(gateway: &str, console: &str) -> Reconnect {
    let config = with(&format!("[gateway]\n{gateway}\n{CONSOLE}{console}")).unwrap();
    config.consoles[0].reconnect.unwrap()
}

#[track_caller]
fn assert_refused(text: &str, expected: &str) {
    let error = with(text).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn consoles_are_not_waited_for_by_default() {
    assert_eq!(of_console("", ""), Reconnect::default());
    assert!(!Reconnect::default().is_on());
}

#[test]
fn a_console_has_the_keys_of_gateway_unless_it_has_its_own() {
    let all = "reconnect_for = \"10m\"\nwait = true\npower_on = \"ask\"";
    let expected = Reconnect {
        reconnect_for: Duration::from_secs(600),
        wait: true,
        ask_power_on: true,
    };
    assert_eq!(of_console(all, ""), expected);
    assert_eq!(of_console("", all), expected);
    assert_eq!(
        of_console(all, "wait = false\npower_on = \"never\""),
        Reconnect {
            wait: false,
            ask_power_on: false,
            ..expected
        }
    );
}

#[test]
fn keys_that_would_have_no_effect_are_refused() {
    for key in ["wait = true", "power_on = \"ask\""] {
        let expected = "has no effect without reconnect_for";
        assert_refused(&format!("[gateway]\n{key}\n{CONSOLE}"), expected);
        assert_refused(&format!("{CONSOLE}{key}"), expected);
    }
    let expected = "has no effect at a URL or with transparent = true";
    let key = "reconnect_for = \"5m\"";
    assert_refused(&format!("{CONSOLE}transparent = true\n{key}"), expected);
    let url = "[[console]]\nport = 5902\nurl = \"wss://host.example/vnc\"\n";
    assert_refused(&format!("{url}{key}"), expected);
    // The default of all consoles does not reach these.
    assert!(with(&format!("[gateway]\n{key}\n{CONSOLE}transparent = true")).is_ok());
    let wrong = format!("{CONSOLE}{key}\npower_on = \"yes\"");
    assert_refused(&wrong, "write \"ask\" or \"never\"");
}
