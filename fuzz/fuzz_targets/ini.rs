//! Configuration files: whatever is in one, it is read or refused.
#![no_main]

use gxdeploy::supervisor::config::ini::Ini;
use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut ini = Ini::default();
    let _ = ini.read(Path::new("/etc/s.conf"), &String::from_utf8_lossy(bytes));
});
