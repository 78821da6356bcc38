//! Names of the files of `--all`, no two of which are the same file.

use std::collections::{BTreeMap, BTreeSet};

/// A VM, as its file is named after it.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    /// Its vSphere, where there are several.
    pub(super) vsphere: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) moref: &'a str,
}

/// A file name for each VM. VMs whose names give the same file name all have their managed object id in it, so that a name does
/// not pass from one VM to another when one of them is switched off: `all` is therefore every VM, running or not.
pub(super) fn file_names<'a>(all: impl IntoIterator<Item = Named<'a>>) -> FileNames {
    let mut counts = BTreeMap::new();
    for vm in all {
        *counts.entry(folded(&plain(vm))).or_insert(0_usize) += 1;
    }
    FileNames {
        counts,
        taken: BTreeSet::new(),
    }
}

/// Gives each VM its file name.
pub(super) struct FileNames {
    /// How many VMs have a plain name.
    counts: BTreeMap<String, usize>,
    taken: BTreeSet<String>,
}

impl FileNames {
    /// The next file name, which was not given before.
    pub(super) fn next(&mut self, vm: Named<'_>) -> String {
        let plain = plain(vm);
        let is_shared = self.counts.get(&folded(&plain)).is_some_and(|&vms| vms > 1);
        let stem = match is_shared || vm.name.trim_start_matches('.').is_empty() {
            true => format!("{plain}-{}", safe(vm.moref)),
            false => plain,
        };
        let numbered = (2_u64..).map(|number| format!("{stem}-{number}"));
        let free = std::iter::once(stem.clone())
            .chain(numbered)
            .find(|name| self.taken.insert(folded(name)));
        format!("{}.png", free.unwrap_or(stem))
    }
}

fn plain(vm: Named<'_>) -> String {
    let name = safe(vm.name);
    match vm.vsphere {
        Some(vsphere) => format!("{}-{name}", safe(vsphere))
            .trim_start_matches('.')
            .to_owned(),
        None => name.trim_start_matches('.').to_owned(),
    }
}

/// Replaces what separates paths, or is not allowed in file names on some systems.
fn safe(name: &str) -> String {
    let safe = |c: char| match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    name.chars().map(safe).collect()
}

/// Some file systems ignore case.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(vms: &[(Option<&str>, &str, &str)]) -> Vec<String> {
        let named = |&(vsphere, name, moref)| Named {
            vsphere,
            name,
            moref,
        };
        let vms: Vec<Named<'_>> = vms.iter().map(named).collect();
        let mut names = file_names(vms.iter().copied());
        vms.iter().map(|vm| names.next(*vm)).collect()
    }

    #[test]
    fn file_names_are_no_paths_and_differ() {
        let one = |name, moref| (None, name, moref);
        assert_eq!(
            names(&[
                one("web", "1"),
                one("Web", "2"),
                one("../a/b", "3"),
                one("...", "4"),
                one("db:1", "5"),
                one("db?1", "6"),
                one("mail", "7"),
            ]),
            [
                "web-1.png",
                "Web-2.png",
                "_a_b.png",
                "-4.png",
                "db_1-5.png",
                "db_1-6.png",
                "mail.png"
            ]
        );
    }

    #[test]
    fn name_that_another_vm_has_by_its_id_is_numbered() {
        assert_eq!(
            names(&[
                (None, "web", "1"),
                (None, "web", "2"),
                (None, "web-1", "3"),
                (None, "WEB-1-2", "4"),
            ]),
            ["web-1.png", "web-2.png", "web-1-2.png", "WEB-1-2-2.png"]
        );
    }

    #[test]
    fn names_carry_the_vsphere_where_there_are_several() {
        assert_eq!(
            names(&[
                (Some("lab"), "web", "vm-1"),
                (Some("prod"), "web", "vm-1"),
                (Some("a"), "b-c", "vm-2"),
                (Some("a-b"), "c", "vm-2"),
                (Some("../x"), "y", "vm-3"),
            ]),
            [
                "lab-web.png",
                "prod-web.png",
                "a-b-c-vm-2.png",
                "a-b-c-vm-2-2.png",
                "_x-y.png"
            ]
        );
    }
}
