//! Ways to log in, and why that is not possible: each failure is named, with words that docs/ssh.md
//! lists. Needs hosts over SSH.

use crate::lab::{Lab, said};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Users with a password; `pw` may use sudo with it, `other` may not. The first host takes them as
/// passwords, the second one only by keyboard-interactive.
fn with_passwords(lab: &Lab) {
    for host in &lab.hosts {
        lab.exec(
            host,
            "for u in pw other; do useradd -m -s /bin/sh $u; echo $u:secret-$u | chpasswd; done; \
             echo root:secret-root | chpasswd; echo 'pw ALL=(ALL) ALL' > /etc/sudoers.d/pw",
        );
    }
    lab.exec(
        &lab.hosts[1],
        "printf 'PasswordAuthentication no\nKbdInteractiveAuthentication yes\n' > /etc/ssh/sshd_config.d/k.conf; \
         pkill -HUP -o sshd; sleep 1",
    );
}

/// Lines for the inventory: no configuration and no keys but those that are named.
fn inventory(lab: &Lab, options: &str) {
    let hosts = lab.must(&["inventory"]);
    let ours = hosts.lines().filter(|line| {
        let name = line.split_whitespace().next().unwrap_or_default();
        lab.hosts.iter().any(|host| host == name)
    });
    let mut text: String = ours.map(|line| format!("{line}\n")).collect();
    text += &format!(
        "[all:vars]\nansible_user=admin\nansible_ssh_common_args='-F /dev/null {options}'\n"
    );
    std::fs::write(lab.work.path().join("hosts"), text).unwrap();
}

/// The lab's key as a file of the test's own, and the options that know the hosts' keys.
fn key(lab: &Lab) -> (PathBuf, String) {
    let path = lab.work.path().join("key");
    let lab_s = lab.must(&["path", "key"]);
    std::fs::copy(lab_s.trim(), &path).unwrap();
    let config = std::fs::read_to_string(lab.must(&["path", "ssh_config"]).trim()).unwrap();
    let known = config
        .lines()
        .find_map(|line| line.trim().strip_prefix("UserKnownHostsFile "))
        .unwrap();
    (
        path,
        format!("-o UserKnownHostsFile={known} -o IdentitiesOnly=yes"),
    )
}

/// Runs `id -un` on all hosts, with more words.
fn id(lab: &Lab, words: &[&str]) -> (String, i32) {
    let mut command = lab.gxdeploy("run");
    command.args(["-m", "command", "-a", "id -un", "all"]);
    said(
        &command
            .args(words)
            .env_remove("SSH_AUTH_SOCK")
            .output()
            .unwrap(),
    )
}

fn file(lab: &Lab, name: &str, text: &str) -> String {
    let path = lab.work.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

fn must(program: &str, words: &[&str]) -> String {
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (text, exit) = said(&output);
    assert_eq!(exit, 0, "{program} {words:?}: {text}");
    text
}

#[test]
fn passwords() {
    let Some(lab) = Lab::up("pass", 2) else {
        return;
    };
    with_passwords(&lab);
    let (_, known) = key(&lab);
    inventory(&lab, &format!("{known} -o IdentityFile=none"));
    let right = file(&lab, "right", "secret-pw\n");
    let wrong = file(&lab, "wrong", "hunter-2\n");
    let root = file(&lab, "root", "secret-root\n");
    let other = file(&lab, "other", "secret-other\n");
    let cases: [(&[&str], i32, &str); 9] = [
        (
            &[
                "-e",
                "ansible_user=pw",
                "--connection-password-file",
                &right,
            ],
            0,
            "pw",
        ),
        (
            &[
                "-e",
                "ansible_user=pw",
                "--connection-password-file",
                &wrong,
            ],
            4,
            "permission denied: wrong password",
        ),
        (
            &["-e", "ansible_user=pw"],
            4,
            "permission denied: there is no key to log in with",
        ),
        (
            &[
                "-e",
                "ansible_user=pw",
                "--connection-password-file",
                &right,
                "-b",
                "--become-password-file",
                &right,
            ],
            0,
            "root",
        ),
        (
            &[
                "-e",
                "ansible_user=pw",
                "--connection-password-file",
                &right,
                "-b",
                "--become-password-file",
                &wrong,
            ],
            2,
            "Incorrect sudo password",
        ),
        (
            &[
                "-e",
                "ansible_user=other",
                "--connection-password-file",
                &other,
                "-b",
                "--become-password-file",
                &other,
            ],
            2,
            "cannot become root by sudo: other is not in the sudoers file",
        ),
        (
            &[
                "-e",
                "ansible_user=other",
                "--connection-password-file",
                &other,
                "-b",
                "--become-method",
                "su",
                "--become-password-file",
                &root,
            ],
            0,
            "root",
        ),
        (
            &[
                "-e",
                "ansible_user=other",
                "--connection-password-file",
                &other,
                "-b",
                "--become-method",
                "su",
                "--become-password-file",
                &wrong,
            ],
            2,
            "Incorrect su password",
        ),
        (
            &[
                "-e",
                "ansible_user=other",
                "--connection-password-file",
                &other,
                "-b",
                "--become-user",
                "pw",
                "--become-method",
                "nosuch",
            ],
            2,
            "unknown become method",
        ),
    ];
    for (words, exit, expected) in cases {
        let (text, ended) = id(&lab, words);
        assert_eq!(ended, exit, "{words:?}: {text}");
        let found = text.matches(expected).count();
        assert!(found >= lab.hosts.len(), "{words:?}: {text}");
        for secret in ["secret-", "hunter-2"] {
            assert!(!text.contains(secret), "{words:?}: {text}");
        }
    }
}

/// An `ssh-agent` with keys, ended with this value.
struct Agent {
    process: Child,
    socket: String,
}

impl Agent {
    fn with(lab: &Lab, keys: &[&str]) -> Agent {
        let socket = lab.work.path().join("agent.socket");
        let process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        crate::lab::wait_until("the SSH agent listens", || socket.exists());
        let socket = socket.to_string_lossy().into_owned();
        for key in keys {
            let mut add = Command::new("ssh-add");
            add.args(["-q", key]).env("SSH_AUTH_SOCK", &socket);
            assert!(add.status().unwrap().success());
        }
        Agent { process, socket }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

#[test]
fn keys() {
    let Some(lab) = Lab::up("keys", 2) else {
        return;
    };
    let (key, known) = key(&lab);
    let path = |name: &str| lab.work.path().join(name).to_string_lossy().into_owned();
    let key = key.to_string_lossy().into_owned();
    let closed = path("closed");
    std::fs::copy(&key, &closed).unwrap();
    must("ssh-keygen", &["-q", "-p", "-f", &closed, "-N", "phrase-1"]);
    let works = |what: &str, words: &[&str], agent: Option<&Agent>| {
        let mut command = lab.gxdeploy("run");
        command
            .args(["-v", "-m", "command", "-a", "id -un", "all"])
            .args(words);
        match agent {
            Some(agent) => command.env("SSH_AUTH_SOCK", &agent.socket),
            None => command.env_remove("SSH_AUTH_SOCK"),
        };
        let (text, exit) = said(&command.output().unwrap());
        assert_eq!(exit, 0, "{what}: {text}");
        assert_eq!(
            text.matches("admin").count(),
            lab.hosts.len(),
            "{what}: {text}"
        );
        text
    };
    // A key file, one with a passphrase, and the same in an agent.
    inventory(&lab, &format!("{known} -i {key}"));
    works("a key file", &[], None);
    inventory(&lab, &format!("{known} -i {closed}"));
    works(
        "a passphrase",
        &["-e", "ansible_ssh_private_key_passphrase=phrase-1"],
        None,
    );
    let (text, exit) = id(&lab, &["-e", "ansible_ssh_private_key_passphrase=wrong-1"]);
    assert!(exit == 4 && text.contains("wrong passphrase"), "{text}");
    works("an SSH agent", &[], Some(&Agent::with(&lab, &[&key])));

    // More keys than a server takes: only the named one is shown.
    let others: Vec<String> = (0..7).map(|n| path(&format!("other{n}"))).collect();
    for other in &others {
        must(
            "ssh-keygen",
            &["-q", "-t", "ed25519", "-N", "", "-f", other],
        );
    }
    let mut all: Vec<&str> = others.iter().map(String::as_str).collect();
    all.push(&key);
    {
        let agent = Agent::with(&lab, &all);
        inventory(&lab, &format!("{known} -i {key}"));
        works("IdentitiesOnly", &[], Some(&agent));
        let many = known.replace("IdentitiesOnly=yes", "IdentitiesOnly=no");
        inventory(&lab, &format!("{many} -o IdentityFile=none"));
        let mut command = lab.gxdeploy("run");
        command
            .args(["-m", "ping", "all"])
            .env("SSH_AUTH_SOCK", &agent.socket);
        let (text, exit) = said(&command.output().unwrap());
        assert!(
            exit == 4 && text.contains("maybe after too many keys"),
            "{text}"
        );
    }

    // A certificate.
    let (authority, certified) = (path("authority"), path("certified"));
    must(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-f", &authority],
    );
    must(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-f", &certified],
    );
    let public = format!("{certified}.pub");
    must(
        "ssh-keygen",
        &["-q", "-s", &authority, "-I", "me", "-n", "admin", &public],
    );
    let trusted = std::fs::read_to_string(format!("{authority}.pub")).unwrap();
    for host in &lab.hosts {
        lab.exec(
            host,
            &format!(
                "echo '{}' > /etc/ssh/ca.pub; echo 'TrustedUserCAKeys /etc/ssh/ca.pub' \
                 > /etc/ssh/sshd_config.d/ca.conf; pkill -HUP -o sshd; sleep 1",
                trusted.trim()
            ),
        );
    }
    inventory(&lab, &format!("{known} -i {certified}"));
    let text = works("a certificate", &[], None);
    assert!(text.contains("the ssh program, since"), "{text}");

    // Through the first host to the second.
    let config = path("config");
    let known_file = known.split_whitespace().nth(1).unwrap();
    let first = lab.must(&["inventory"]);
    let first = first
        .lines()
        .find(|line| line.starts_with(&lab.hosts[0]))
        .unwrap();
    let first = first.split("ansible_host=").nth(1).unwrap();
    let first = first.split_whitespace().next().unwrap();
    let jump = format!("Host *\n  User admin\n  IdentityFile {key}\n  {known_file}\n");
    std::fs::write(&config, jump.replace('=', " ")).unwrap();
    for way in [
        format!("-o ProxyJump=admin@{first}"),
        format!("-o \\\"ProxyCommand=ssh -F {config} -W %h:%p {first}\\\""),
    ] {
        inventory(&lab, "");
        let hosts = lab.work.path().join("hosts");
        let text = std::fs::read_to_string(&hosts).unwrap();
        let text = text.replace("'-F /dev/null '", &format!("\"-F {config} {way}\""));
        let second = text.lines().filter(|line| !line.starts_with(&lab.hosts[0]));
        std::fs::write(&hosts, second.collect::<Vec<_>>().join("\n")).unwrap();
        let (text, exit) = id(&lab, &["-v"]);
        assert!(exit == 0 && text.contains("admin"), "{way}: {text}");
        assert!(text.contains("the ssh program, since Proxy"), "{text}");
    }
}

#[test]
fn host_keys() {
    let Some(lab) = Lab::up("hostkeys", 2) else {
        return;
    };
    let (key, _) = key(&lab);
    let known = lab.work.path().join("known");
    let with = |strict: &str| {
        let options = format!(
            "-i {} -o UserKnownHostsFile={} {strict}",
            key.display(),
            known.display()
        );
        inventory(&lab, &options);
    };
    let (ask, new, no) = (
        "-o StrictHostKeyChecking=yes",
        "-o StrictHostKeyChecking=accept-new",
        "-o StrictHostKeyChecking=no",
    );
    let lines = || {
        std::fs::read_to_string(&known)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let expect = |exit: i32, words: &str| {
        let (text, ended) = id(&lab, &[]);
        assert_eq!(ended, exit, "{text}");
        assert!(text.contains(words), "{text}");
    };
    with(ask);
    expect(4, "the host's key is not known");
    assert_eq!(lines(), 0);
    let (text, exit) = said(&lab.gxdeploy("hosts").output().unwrap());
    assert_eq!(exit, 2, "{text}");
    let trust = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gxdeploy"));
        let hosts = lab.work.path().join("hosts");
        command.args(["hosts", "trust", "-i"]).arg(hosts);
        said(&command.output().unwrap())
    };
    let (text, exit) = trust();
    assert_eq!((exit, text.matches("pinned in").count()), (0, 2), "{text}");
    expect(0, "admin");
    let (text, exit) = trust();
    assert_eq!((exit, text.matches("known (").count()), (0, 2), "{text}");
    // Other keys than those that were pinned.
    let swapped: String = {
        let text = std::fs::read_to_string(&known).unwrap();
        let rows: Vec<(&str, &str)> = text.lines().filter_map(|l| l.split_once(' ')).collect();
        let keys = rows.iter().rev().map(|(_, key)| key);
        let swapped = rows
            .iter()
            .zip(keys)
            .map(|((host, _), key)| format!("{host} {key}\n"));
        swapped.collect()
    };
    std::fs::write(&known, &swapped).unwrap();
    for strict in [ask, new] {
        with(strict);
        expect(4, "the host's key has changed: it shows");
    }
    let (text, exit) = trust();
    assert_eq!(
        (exit, text.matches("has changed").count()),
        (4, 2),
        "{text}"
    );
    assert_eq!(
        std::fs::read_to_string(&known).unwrap(),
        swapped,
        "never replaced"
    );
    with(no);
    expect(0, "admin");
    std::fs::remove_file(&known).unwrap();
    with(new);
    expect(0, "admin");
    assert_eq!(lines(), 2);
    with(ask);
    expect(0, "admin");
}

#[test]
fn why_there_is_no_agent() {
    let Some(lab) = Lab::up("why", 2) else {
        return;
    };
    let host = &lab.hosts[0];
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ssh.md")).unwrap();
    let docs = docs.split_whitespace().collect::<Vec<_>>().join(" ");
    let places = "for d in /home/admin/.cache /var/tmp /tmp; do mkdir -p $d;";
    let tmpfs = |options: &str| {
        format!(
            "{places} mount -t tmpfs -o {options},mode=1777 none $d; chown admin /home/admin/.cache; done"
        )
    };
    let plain = format!("{places} umount $d; done; rm -rf /home/admin/.cache");
    let uname =
        "printf '#!/bin/sh\necho sparc64\n' > /usr/local/bin/uname; chmod 755 /usr/local/bin/uname";
    let cases: [(&str, &[&str], &str, &str); 12] = [
        (
            "",
            &["-e", "ansible_host=nowhere.invalid"],
            "the name cannot be resolved",
            "",
        ),
        (
            "",
            &["-e", "ansible_port=2"],
            "connection refused on port 2",
            "",
        ),
        ("", &["-T", "1"], "connection timed out", ""),
        (
            "",
            &["-e", "ansible_user=nobody-there"],
            "permission denied: the host accepted none of the keys",
            "",
        ),
        (&tmpfs("size=64k"), &[], "or /tmp: no space left", &plain),
        (
            &tmpfs("noexec"),
            &[],
            "or /tmp: programs must not be run there (noexec)",
            &plain,
        ),
        (
            "rm -rf /home/admin/.cache /var/tmp/gx* /tmp/gx*; mkdir /home/admin/.cache /var/tmp/gxdeploy-1000 /tmp/gxdeploy-1000",
            &[],
            "or /tmp: they cannot be made or belong to somebody else",
            "rmdir /home/admin/.cache /var/tmp/gxdeploy-1000 /tmp/gxdeploy-1000",
        ),
        (
            uname,
            &[],
            "and there is no gxdeploy-sparc64",
            "rm /usr/local/bin/uname",
        ),
        (
            "mv /usr/bin/gzip /usr/bin/gzip.off",
            &[],
            "the host has no gzip",
            "mv /usr/bin/gzip.off /usr/bin/gzip",
        ),
        (
            "usermod -s /usr/sbin/nologin admin",
            &[],
            "the user has no login shell",
            "",
        ),
        (
            "usermod -s /bin/false admin",
            &[],
            "the host ended the command without a word",
            "usermod -s /bin/bash admin",
        ),
        (
            "mv /usr/bin/sudo /usr/bin/sudo.off",
            &["-b"],
            "there is no program sudo on the host",
            "mv /usr/bin/sudo.off /usr/bin/sudo",
        ),
    ];
    let playbook = lab.playbook("    - command: 'true'\n");
    for (before, words, expected, after) in cases {
        let cut = expected == "connection timed out";
        if cut {
            lab.must(&["cut", host]);
        }
        lab.exec(host, before);
        let mut command = lab.gxdeploy("apply");
        command.arg(&playbook).args(["-l", host]).args(words);
        let (text, exit) = said(&command.output().unwrap());
        lab.exec(host, after);
        if cut {
            lab.must(&["heal", host]);
        }
        assert!(exit == 4 || exit == 2, "{expected}: {text}");
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(text.contains("help: "), "what to do: {text}");
        assert!(!text.contains("trying again"), "{text}");
        let general = expected
            .replace("port 2", "port 22")
            .replace("sparc64", "aarch64");
        assert!(
            docs.contains(&general),
            "docs/ssh.md does not have: {general}"
        );
    }
    // The other host goes on all the while.
    lab.exec(host, "pkill -o sshd");
    let (text, exit) = said(&lab.gxdeploy("apply").arg(&playbook).output().unwrap());
    assert_eq!(exit, 4, "{text}");
    assert!(
        text.contains("1 unreachable") && text.contains("1 changed"),
        "{text}"
    );
}
