//! `user` and `env`: who the steps run as, and their environment.

use super::Facts;
use super::source::Source;
use serde_json::json;

pub(super) fn gather(source: &Source) -> Facts {
    let me = source.me();
    let mut facts = Facts::new();
    facts.insert("user_id".into(), json!(me.name));
    facts.insert("user_uid".into(), json!(me.uid));
    facts.insert("user_gid".into(), json!(me.gid));
    facts.insert("user_gecos".into(), json!(me.gecos));
    facts.insert("user_dir".into(), json!(me.home));
    facts.insert("user_shell".into(), json!(me.shell));
    facts.insert("effective_user_id".into(), json!(me.uid));
    facts.insert("effective_group_id".into(), json!(me.gid));
    facts.insert("real_user_id".into(), json!(nix::unistd::getuid().as_raw()));
    facts.insert(
        "real_group_id".into(),
        json!(nix::unistd::getgid().as_raw()),
    );
    facts
}

pub(super) fn environment(source: &Source) -> Facts {
    Facts::from_iter([("env".to_owned(), json!(source.environment()))])
}
