//! All levels of variables, each over the one before it. What ansible-core 2.19.14 made of the same
//! directory is recorded here.

use std::process::Command;

/// `v00` is set at the lowest level only, `v01` at the two lowest, and so on: each shows the highest
/// level that sets it. A group's variables in the inventory file lose against `group_vars/all` beside
/// the playbook, which is why `v03` has the value of `v02`.
const WINNERS: [&str; 17] = [
    "role_default",
    "inv_all",
    "pb_gv_all",
    "pb_gv_all",
    "pb_gv_g",
    "inv_host",
    "inv_hv",
    "pb_hv",
    "play_vars",
    "vars_files",
    "role_vars",
    "block_vars",
    "task_vars",
    "include_vars",
    "set_fact",
    "role_params",
    "extra",
];

#[test]
fn each_level_wins_over_the_lower_ones() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/precedence");
    let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .current_dir(dir)
        .args([
            "apply",
            "-O",
            "json",
            "-i",
            "inv",
            "-e",
            "@extra.yml",
            "p.yml",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let messages: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["result"]["msg"].clone())
        .filter(serde_json::Value::is_array)
        .collect();
    assert_eq!(messages, [serde_json::json!(WINNERS)], "{text}");
}
