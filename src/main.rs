//! The program: name resolution made safe, then the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    gxdeploy::sys::names::pin();
    gxdeploy::cli::main(std::env::args_os().collect())
}
