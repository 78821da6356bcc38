use vsphere::{ConnectionState, Power, Vm};

use super::*;
use crate::ambiguous::ambiguous;
use crate::users::tests::{at_lab, line};

fn users(rights: &str) -> Users {
    Users::parse(&line("ada", "x", &format!(":{rights}"))).unwrap()
}

#[test]
fn pattern_that_matches_no_console_is_reported_with_line_and_nearest_console() {
    let text = format!(
        "# people\n{}{}",
        line("zoe", "x", ":esxd,vm*"),
        line("bob", "x", ":web01,db*,view-only,lba:web01,lab:wbe*")
    );
    let users = Users::parse(&text).unwrap();
    let consoles = ["vm08", "web01", "esxi01", "mail"].map(at_lab);
    assert_eq!(
        unmatched(&users, &consoles),
        [
            "line 2: \"esxd\" of the user zoe matches no console: did you mean \"esxi01\"?",
            "line 3: \"db*\" of the user bob matches no console: there are esxi01, mail, vm08 and 1 more",
            "line 3: \"lba:web01\" of the user bob matches no console: did you mean \"lab:web01\"?",
            "line 3: \"lab:wbe*\" of the user bob matches no console: did you mean \"lab:web01\"?",
        ]
    );
}

#[test]
fn misspelt_view_only_is_an_unknown_word_whatever_may_be_looked_up_later() {
    for word in [
        "viewonly",
        "view-onl",
        "view_only",
        "View-Only",
        "VIEWONLY",
        "vew-only",
        "readonly",
        "read-only",
        "RO",
    ] {
        for console in ["vm08", "moref:vm-42"] {
            let sentences = unmatched(
                &users(&format!("vm08,{word}")),
                &[at_lab("vm08"), at_lab(console)],
            );
            assert_eq!(
                sentences,
                [format!(
                    "line 1: unknown word {word:?} of the user ada: did you mean view-only?"
                )]
            );
        }
    }
    // A console of that name is one.
    assert!(unmatched(&users("viewonly"), &[at_lab("viewonly")]).is_empty());
}

#[test]
fn what_only_a_look_up_can_tell_is_no_error_before_it() {
    let users = users("/DC/vm/db/*,uuid:4*,web01");
    let count = |named| unmatched(&users, &[named]).len();
    assert_eq!(count(at_lab("vm08")), 1, "web01 is another name");
    assert_eq!(count(at_lab("moref:vm-42")), 0);
    let at_a_url = ConsoleNames {
        vsphere: None,
        ..at_lab("kiosk")
    };
    assert_eq!(count(at_a_url), 3);
    let vm = Vm {
        moref: "vm-42".into(),
        name: "web02".into(),
        power: Power::On,
        connection: ConnectionState::Connected,
        host: None,
        host_moref: None,
        path: Some("/DC/vm/dbs/web02".into()),
        uuid: None,
        instance_uuid: None,
    };
    let looked_up = ConsoleNames {
        vm: Some((&vm).into()),
        ..at_lab("moref:vm-42")
    };
    assert_eq!(
        unmatched(&users, &[looked_up]),
        [
            "line 1: \"/DC/vm/db/*\" of the user ada matches no console: did you mean \"/DC/vm/dbs/web02\"?",
            "line 1: \"uuid:4*\" of the user ada matches no console: there are moref:vm-42",
            "line 1: \"web01\" of the user ada matches no console: did you mean \"web02\"?",
        ]
    );
}

#[test]
fn path_in_a_vsphere_without_console_can_match_none_later() {
    let sentences = unmatched(&users("prod:/DC/vm/*"), &[at_lab("vm08")]);
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    assert!(unmatched(&users("lab:/DC/vm/*"), &[at_lab("vm08")]).is_empty());
}

#[test]
fn pattern_that_means_two_is_a_warning() {
    let text = line("ada", "x", ":vm08,lab:web01,web*,*,db01");
    let users = Users::parse(&text).unwrap();
    let at_other = |configured| ConsoleNames {
        vsphere: Some("other"),
        ..at_lab(configured)
    };
    let consoles = [
        at_lab("vm08"),
        at_other("vm08"),
        at_lab("web01"),
        at_other("web02"),
        at_lab("db01"),
        // Two ports of one VM are fine.
        at_lab("db01"),
    ];
    assert_eq!(
        ambiguous(&users, &consoles),
        [
            "\"vm08\" of the user ada matches consoles of lab and of other: write \"lab:vm08\" to restrict it",
            "\"web*\" of the user ada matches consoles of lab and of other: write \"lab:web*\" to restrict it",
        ]
    );
}
