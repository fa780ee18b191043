//! Contents of all sizes reach the host whole: alone, many in one step, large ones in pieces, and
//! again only when they differ.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Bytes that do not repeat in a way that would hide a piece in the wrong place.
fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    };
    (0..length).map(next).collect()
}

fn apply(dir: &Path, playbook: &str, more: &[&str]) -> String {
    fs::write(dir.join("p.yml"), playbook).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["apply", "-O", "ansible", "-i", "localhost,", "-c", "local"])
        .args(more)
        .arg(dir.join("p.yml"))
        .env("XDG_STATE_HOME", dir.join("state"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn contents_of_all_sizes_arrive() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let from = dir.join("files/tree");
    fs::create_dir_all(from.join("below")).unwrap();
    // Around the size of a piece, and more pieces than are under way at once.
    let piece = 1 << 20;
    let sizes = [0, 1, piece - 1, piece, piece + 1, 11 * piece + 7];
    for (seed, size) in (1..).zip(sizes) {
        fs::write(from.join(format!("s{size}")), bytes(size, seed)).unwrap();
    }
    for n in 0..300 {
        let name = from.join(format!("below/{n}"));
        fs::write(name, bytes(9000 + n, n as u64)).unwrap();
    }
    let large = format!("s{}", sizes[5]);
    let playbook = format!(
        "- hosts: localhost
  gather_facts: false
  tasks:
    - copy: {{src: tree/, dest: {d}/to/}}
    - copy: {{src: tree/{large}, dest: {d}/alone}}
      register: alone
    - stat: {{path: {d}/alone, checksum_algorithm: md5}}
      register: there
    - assert:
        that: not alone is changed or alone.md5sum == there.stat.checksum
",
        d = dir.display()
    );
    let said = apply(dir, &playbook, &["--check"]);
    assert!(said.contains("changed=2"), "{said}");
    assert!(!dir.join("alone").exists() && !dir.join("to").exists());
    let said = apply(dir, &playbook, &[]);
    assert!(
        said.contains("changed=2") && said.contains("failed=0"),
        "{said}"
    );
    for (seed, size) in (1..).zip(sizes) {
        let there = fs::read(dir.join(format!("to/s{size}"))).unwrap();
        assert!(there == bytes(size, seed), "{size} bytes");
    }
    for n in 0..300 {
        let there = fs::read(dir.join(format!("to/below/{n}"))).unwrap();
        assert!(there == bytes(9000 + n, n as u64), "file {n}");
    }
    assert!(fs::read(dir.join("alone")).unwrap() == bytes(sizes[5], 6));
    let said = apply(dir, &playbook, &[]);
    assert!(
        said.contains("changed=0") && said.contains("failed=0"),
        "{said}"
    );
    // One byte in the middle of a large file.
    let mut other = bytes(sizes[5], 6);
    other[5 * piece] ^= 1;
    fs::write(from.join(&large), &other).unwrap();
    let said = apply(dir, &playbook, &[]);
    assert!(said.contains("changed=2"), "{said}");
    assert!(fs::read(dir.join("alone")).unwrap() == other);
}

#[test]
fn an_ad_hoc_task_finds_files_from_the_working_directory() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    fs::write(dir.join("source"), "from here").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["run", "-i", "localhost,", "-c", "local", "-m", "copy"])
        .arg("-a")
        .arg(format!("src=source dest={}/there", dir.display()))
        .arg("localhost")
        .current_dir(dir)
        .env("XDG_STATE_HOME", dir.join("state"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert_eq!(fs::read(dir.join("there")).unwrap(), b"from here");
    // Whole results are shown: with sums.
    assert!(said.contains("\"md5sum\""), "{said}");
}
