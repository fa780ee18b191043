//! Steps are sent before the results of earlier ones have come. What came out is compared with what
//! ansible-playbook (ansible-core 2.19.14), which waits for each, printed: `compat/ahead/NAME.txt` is its
//! output for `NAME.yml` with `-i h, -c local`, `DIR` in the place of the directory.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// In the place of ssh: what is to run on the host runs here.
const SSH: &str = "#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n";

#[test]
fn as_if_each_result_had_been_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let ssh = home.path().join("ssh");
    std::fs::write(&ssh, SSH).unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ssh = format!("ansible_ssh_executable={}", ssh.display());
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/ahead");
    for name in ["facts", "registered"] {
        let expected = std::fs::read_to_string(dir.join(format!("{name}.txt"))).unwrap();
        for way in [["-c", "local"], ["-e", &ssh]] {
            let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
                .args(["apply", "-O", "ansible", "-i", "h,"])
                .args(way)
                .arg(format!("{name}.yml"))
                .current_dir(&dir)
                .env("HOME", home.path())
                .env_remove("XDG_STATE_HOME")
                .env("ANSIBLE_NOCOLOR", "1")
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let errors = String::from_utf8(output.stderr).unwrap();
            assert_eq!(
                times(&text, &dir),
                times(&expected, &dir),
                "{way:?} {errors}"
            );
        }
    }
}

/// Without what is another each time: the times of a command that failed.
fn times(text: &str, dir: &Path) -> String {
    let text = text.replace(&*dir.to_string_lossy(), "DIR");
    let times = fancy_regex::Regex::new("\"(delta|end|start)\": \"[^\"]*\"").unwrap();
    times.replace_all(&text, "\"$1\"").trim_end().to_owned()
}
