//! `gxdeploy`: the program that works here.

use super::Facts;
use super::source::Source;
use serde_json::json;

/// Version, and path of the binary on this host; without the path where it was deleted meanwhile.
pub(super) fn gather(source: &Source) -> Facts {
    let binary = std::env::current_exe()
        .ok()
        .filter(|path| source.exists(path));
    Facts::from_iter([(
        "gxdeploy".to_owned(),
        json!({"binary": binary, "version": env!("CARGO_PKG_VERSION")}),
    )])
}
