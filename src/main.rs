//! The program: name resolution made safe, then the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    pin_name_services();
    gxdeploy::cli::main(std::env::args_os().collect())
}

/// Looks users, groups and hosts up in the files and DNS only.
///
/// A statically linked glibc would load the plug-ins that `/etc/nsswitch.conf` names, built for
/// another glibc, and crash in them as soon as a missing user is looked up. Names that only such a
/// plug-in knows (LDAP) are found through `getent`, a program of the host.
fn pin_name_services() {
    use std::ffi::{CStr, c_char, c_int};
    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
    }
    const SERVICES: [(&CStr, &CStr); 7] = [
        (c"passwd", c"files"),
        (c"group", c"files"),
        (c"shadow", c"files"),
        (c"initgroups", c"files"),
        (c"hosts", c"files dns"),
        (c"services", c"files"),
        (c"protocols", c"files"),
    ];
    for (database, services) in SERVICES {
        // SAFETY: both are terminated strings that live forever, and no other thread runs yet.
        unsafe { __nss_configure_lookup(database.as_ptr(), services.as_ptr()) };
    }
}
