//! What the linker is to do: the release binary is without unwind tables (1 MB less of what is sent to
//! every host), and one function of libssh2 is replaced.

use std::{env, path::PathBuf};

/// Leaves out `.eh_frame`. Rust's standard library and the C libraries are compiled with it, but
/// with `panic = "abort"` (the release profile) nothing walks the stack.
const DISCARD: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame) } } INSERT BEFORE .text;\n";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // `src/transport/cipher.rs` takes the place of libssh2's function.
    println!("cargo:rustc-link-arg=-Wl,--wrap=ssh2_cipher_crypt");
    let release = env::var_os("PROFILE").is_some_and(|profile| profile == "release");
    let Some(out) = env::var_os("OUT_DIR").filter(|_| release) else {
        return;
    };
    let script = PathBuf::from(out).join("discard.ld");
    if let Err(e) = std::fs::write(&script, DISCARD) {
        println!(
            "cargo:warning={}: {e}; the binary will be larger",
            script.display()
        );
        return;
    }
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", script.display());
    // Functions that came out alike are kept once (80 kB). Nothing here compares functions by address.
    println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
}
