//! Looking up names from a static binary (docs/design/design.md, section 8).

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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
    fn ssh(&self, line: &str, stdin: Stdio) -> Output {
        let config = run(Command::new(&self.lab).args(["path", "ssh_config"])).stdout;
        let config = String::from_utf8_lossy(&config).trim().to_owned();
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", &config, "-l", "root", &self.name(), line])
            .stdin(stdin);
        ssh.output().unwrap()
    }

    /// Runs a shell line that has to succeed; what it printed.
    fn must(&self, line: &str) -> String {
        let output = self.ssh(line, Stdio::null());
        let [out, err] =
            [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
        assert!(
            output.status.success(),
            "{line}: {:?}\n{out}{err}",
            output.status
        );
        out
    }

    fn copy(&self, from: &Path, to: &str) {
        let file = std::fs::File::open(from).unwrap();
        let copied = self.ssh(&format!("cat > {to} && chmod 755 {to}"), file.into());
        assert!(copied.status.success());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new(&self.lab)
            .args(["down", &self.name()])
            .output();
    }
}

/// What the next test runs on a host; true anywhere.
#[test]
fn a_missing_user_is_missing() {
    gxdeploy::sys::names::pin();
    assert!(
        nix::unistd::User::from_name("nobodyhere")
            .unwrap()
            .is_none()
    );
    assert!(nix::unistd::User::from_name("root").unwrap().is_some());
}

/// glibc would load `libnss_systemd`, built for another glibc, and crash. This very program is as
/// statically linked as gxdeploy is.
#[test]
fn a_missing_user_is_missing_where_nsswitch_lists_systemd() {
    let Some(lab) = lab() else {
        println!("skipped: GXDEPLOY_LAB does not name the lab's program");
        return;
    };
    let host = Host::up(lab);
    host.must(
        "apt-get update -q && apt-get install -qy libnss-systemd && \
         sed -i 's/^\\(passwd\\|group\\):.*/\\1: files systemd/' /etc/nsswitch.conf && \
         grep 'passwd: files systemd' /etc/nsswitch.conf",
    );
    host.copy(&std::env::current_exe().unwrap(), "/root/tests");
    host.must("/root/tests --exact names::a_missing_user_is_missing");

    // The same from the command line, with the owner of a file.
    host.copy(Path::new(env!("CARGO_BIN_EXE_gxdeploy")), "/root/gxdeploy");
    let tasks = "[{file: {path: /root/x, state: touch, owner: nobodyhere}}]";
    let answer = host.must(&format!(
        "echo '[{{hosts: localhost, connection: local, tasks: {tasks}}}]' > /root/p.yml; \
         /root/gxdeploy apply -i localhost, /root/p.yml; echo rc=$?"
    ));
    assert!(
        answer.contains("rc=2") && answer.contains("nobodyhere"),
        "{answer}"
    );
}
