//! What is wrong or doubtful in the users files, given the consoles and their VMs.

use std::collections::BTreeSet;
use std::sync::Arc;

use vsphere::Vm;

use super::{Config, ConsoleSettings};
use logins::ambiguous::ambiguous;
use logins::rights::ConsoleNames;
use logins::unmatched::unmatched;
use logins::users::Users;

/// A sentence, with the number of the line, for each pattern of `users` that matches none of `consoles`, as far as
/// that is known before VMs are looked up.
pub fn unmatched_rights(users: &Users, consoles: &[ConsoleSettings]) -> Vec<String> {
    with_names(consoles, &[], |named| unmatched(users, named))
}

impl Config {
    /// A sentence, with file and line, for each pattern of a users file that matches no console. `vms` are the VMs of the
    /// consoles, in their order, as far as they were looked up.
    pub fn unmatched_rights(&self, vms: &[Option<Vm>]) -> Vec<String> {
        // The page leads to VMs without a console of their own, too.
        let page = self.web.as_ref().and_then(|web| web.auth.users.as_ref());
        let page = page.map(|users| users.origin());
        self.of_each_users_file(vms, |users, named| {
            if page == Some(users.origin()) {
                return Vec::new();
            }
            let file = users.origin().display();
            let sentences = unmatched(users, named).into_iter();
            sentences
                .map(|sentence| format!("{file}: {sentence}"))
                .collect()
        })
    }

    /// A sentence for each pattern of a users file that matches more than it seems to. `vms` as above.
    pub fn ambiguous_rights(&self, vms: &[Option<Vm>]) -> Vec<String> {
        self.of_each_users_file(vms, ambiguous)
    }

    fn of_each_users_file(
        &self,
        vms: &[Option<Vm>],
        sentences: impl Fn(&Users, &[ConsoleNames<'_>]) -> Vec<String>,
    ) -> Vec<String> {
        let mut seen: Vec<&Arc<Users>> = Vec::new();
        for users in self
            .consoles
            .iter()
            .filter_map(|console| console.auth.users.as_ref())
        {
            if !seen.iter().any(|known| Arc::ptr_eq(known, users)) {
                seen.push(users);
            }
        }
        let mut sentences = with_names(&self.consoles, vms, |named| {
            let sentences = seen.iter().flat_map(|users| sentences(users, named));
            sentences.collect::<Vec<_>>()
        });
        // Two [auth.NAME] sections may name one file.
        let mut unique = BTreeSet::new();
        sentences.retain(|sentence| unique.insert(sentence.clone()));
        sentences
    }
}

/// Calls `work` with the names of all consoles.
fn with_names<T>(
    consoles: &[ConsoleSettings],
    vms: &[Option<Vm>],
    work: impl FnOnce(&[ConsoleNames<'_>]) -> T,
) -> T {
    let names: Vec<String> = consoles
        .iter()
        .map(|console| console.backend.to_string())
        .collect();
    let vms = vms
        .iter()
        .map(Option::as_ref)
        .chain(std::iter::repeat(None));
    let consoles = consoles.iter().zip(&names).zip(vms);
    let named: Vec<ConsoleNames<'_>> = consoles
        .map(|((console, name), vm)| console.names(name, vm))
        .collect();
    work(&named)
}
