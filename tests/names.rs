//! Looking up names from a static binary (docs/design/design.md, section 8).

use std::path::PathBuf;
use std::process::{Command, Output};

/// The lab that starts real hosts, where `GXDEPLOY_LAB` names its program.
fn lab() -> Option<PathBuf> {
    std::env::var_os("GXDEPLOY_LAB").map(PathBuf::from)
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    output
}

/// A host of the lab that is taken down however the test ends.
struct Host {
    lab: PathBuf,
    prefix: String,
}

impl Host {
    fn up(lab: PathBuf) -> Host {
        let prefix = format!("names{}x", std::process::id());
        run(Command::new(&lab).args(["up", "1", "--systemd", "--prefix", &prefix]));
        Host { lab, prefix }
    }

    fn name(&self) -> String {
        format!("{}1", self.prefix)
    }

    /// Runs a shell line as root on the host, with bytes for its standard input.
    fn ssh(&self, line: &str, stdin: std::process::Stdio) -> Output {
        let config = run(Command::new(&self.lab).args(["path", "ssh_config"])).stdout;
        let config = String::from_utf8_lossy(&config).trim().to_owned();
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", &config, "-l", "root", &self.name(), line])
            .stdin(stdin);
        ssh.output().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new(&self.lab)
            .args(["down", &self.name()])
            .output();
    }
}

/// glibc would load `libnss_systemd`, built for another glibc, and crash.
#[test]
fn a_missing_user_is_missing_where_nsswitch_lists_systemd() {
    let Some(lab) = lab() else {
        println!("skipped: GXDEPLOY_LAB does not name the lab's program");
        return;
    };
    let host = Host::up(lab);
    let binary = std::fs::File::open(env!("CARGO_BIN_EXE_gxdeploy")).unwrap();
    let copied = host.ssh(
        "cat > /root/gxdeploy && chmod 755 /root/gxdeploy",
        binary.into(),
    );
    assert!(copied.status.success());
    let nsswitch = host.ssh(
        "sed -i 's/^\\(passwd\\|group\\):.*/\\1: files systemd/' /etc/nsswitch.conf && grep systemd /etc/nsswitch.conf",
        std::process::Stdio::null(),
    );
    assert!(String::from_utf8_lossy(&nsswitch.stdout).contains("passwd: files systemd"));
    // An owner that does not exist, looked up by the binary on that host.
    let playbook = "[{hosts: localhost, connection: local, gather_facts: false, tasks: [{file: {path: /root/x, state: touch, owner: nobodyhere}}]}]";
    let line = format!(
        "cat > /root/p.yml <<'END'\n{playbook}\nEND\n/root/gxdeploy apply -i localhost, /root/p.yml; echo rc=$?"
    );
    let answer = host.ssh(&line, std::process::Stdio::null());
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    // 2: the task failed and said so. A crash would be 139.
    assert!(
        text.contains("rc=2") && text.contains("nobodyhere"),
        "{text}"
    );
}
