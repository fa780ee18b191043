//! Modules of other systems and a few that are not built in: known by name, so that content which
//! skips them loads and runs; they fail clearly where one of them is really called.

use super::{Anything, Module};
use crate::diag::{Diag, Result};
use crate::sys::{Op, View};

/// Stands for the modules that manage other systems than Debian's (`yum`, `dnf`, `seboolean`,
/// `firewalld`, `pacman` ...) and for `filesystem`, `ufw` and `zfs`. It takes any options and always fails.
pub struct Foreign;

impl Module for Foreign {
    const NAME: &'static str = "foreign";
    const FQCN: &'static str = "gxdeploy.builtin.foreign";
    const ALIASES: &'static [&'static str] = &[
        "ansible.builtin.dnf",
        "ansible.builtin.dnf5",
        "ansible.builtin.rpm_key",
        "ansible.builtin.yum",
        "ansible.builtin.yum_repository",
        "ansible.posix.firewalld",
        "ansible.posix.rhel_facts",
        "ansible.posix.seboolean",
        "ansible.posix.selinux",
        "ansible.windows.win_file",
        "ansible.windows.win_service",
        "apk",
        "community.general.apk",
        "community.general.filesystem",
        "community.general.homebrew",
        "community.general.openbsd_pkg",
        "community.general.pacman",
        "community.general.pkgin",
        "community.general.pkgng",
        "community.general.portage",
        "community.general.sefcontext",
        "community.general.seport",
        "community.general.svc",
        "community.general.system.ufw",
        "community.general.ufw",
        "community.general.zfs",
        "community.general.zypper",
        "community.general.zypper_repository",
        "dnf",
        "dnf5",
        "filesystem",
        "firewalld",
        "homebrew",
        "openbsd_pkg",
        "pacman",
        "pkgin",
        "pkgng",
        "portage",
        "rpm_key",
        "seboolean",
        "sefcontext",
        "selinux",
        "seport",
        "ufw",
        "win_file",
        "win_service",
        "yum",
        "yum_repository",
        "zfs",
        "zypper",
        "zypper_repository",
    ];
    type Args = Anything;

    fn plan(_: &Anything, _: &dyn View) -> Result<Vec<Op>> {
        Err(Diag::error(
            "other-system",
            "this module manages what is not built in (mostly other systems than Debian's) and cannot \
             work on this host",
        )
        .help("skip the task on this host, with `when: ansible_facts['os_family'] == ...`"))
    }
}
