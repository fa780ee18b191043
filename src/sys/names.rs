//! Names of users, groups and hosts in a statically linked program.

use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
}

/// What answers for each database, in place of what `/etc/nsswitch.conf` says.
const SERVICES: [(&CStr, &CStr); 7] = [
    (c"passwd", c"files"),
    (c"group", c"files"),
    (c"shadow", c"files"),
    (c"initgroups", c"files"),
    (c"hosts", c"files dns"),
    (c"services", c"files"),
    (c"protocols", c"files"),
];

/// Makes the C library look names up in the files and DNS only. To be called before anything else.
///
/// A statically linked glibc would load the plug-ins that `/etc/nsswitch.conf` names, built for
/// another glibc, and crash in them as soon as a missing user is looked up. Names that only such a
/// plug-in knows (LDAP) are found through `getent`, a program of the host.
pub fn pin() {
    for (database, services) in SERVICES {
        // SAFETY: both are terminated strings that live forever; the C library copies what it needs.
        unsafe { __nss_configure_lookup(database.as_ptr(), services.as_ptr()) };
    }
}
