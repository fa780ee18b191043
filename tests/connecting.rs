//! Connections that break while they are made: they are made anew, as those are that break later.
//! Needs hosts over SSH.

use crate::lab::{Lab, said, start, wait_until};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A way to a host that breaks: each connection after so many bytes in one direction, the last one
/// never.
struct Breaking {
    port: u16,
    connections: Arc<AtomicUsize>,
}

/// Where a connection breaks.
#[derive(Clone, Copy)]
enum At {
    ToHost(usize),
    FromHost(usize),
}

impl Breaking {
    fn to(address: String, breaks: Vec<At>) -> Breaking {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let at = breaks.get(number).copied();
                let ours = stream.unwrap();
                let theirs = TcpStream::connect(&address).unwrap();
                let (to, from) = match at {
                    Some(At::ToHost(most)) => (most, usize::MAX),
                    Some(At::FromHost(most)) => (usize::MAX, most),
                    None => (usize::MAX, usize::MAX),
                };
                let (a, b) = (ours.try_clone().unwrap(), theirs.try_clone().unwrap());
                std::thread::spawn(move || carry(&a, &b, to));
                std::thread::spawn(move || carry(&theirs, &ours, from));
            }
        });
        Breaking { port, connections }
    }
}

/// Carries bytes until there are no more, or so many; then nothing passes in either direction.
fn carry(mut from: &TcpStream, mut to: &TcpStream, most: usize) {
    let mut left = most;
    let mut bytes = [0; 16 * 1024];
    while left > 0 {
        let room = bytes.len().min(left);
        match from.read(&mut bytes[..room]) {
            Ok(0) | Err(_) => break,
            Ok(read) if to.write_all(&bytes[..read]).is_err() => break,
            Ok(read) => left -= read,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// An inventory in which each host is reached through something else.
fn through(lab: &Lab, ports: &[u16]) {
    let key = lab.must(&["path", "key"]);
    let mut text = String::new();
    for (host, port) in lab.hosts.iter().zip(ports) {
        text += &format!("{host} ansible_host=127.0.0.1 ansible_port={port}\n");
    }
    text += &format!(
        "[all:vars]\nansible_user=admin\nansible_ssh_common_args='-F /dev/null -i {} \
         -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'\n",
        key.trim()
    );
    std::fs::write(lab.work.path().join("hosts"), text).unwrap();
}

/// The address of a host's sshd.
fn address(lab: &Lab, host: &str) -> String {
    let all = lab.must(&["inventory"]);
    let line = all.lines().find(|line| line.starts_with(host)).unwrap();
    let address = line.split("ansible_host=").nth(1).unwrap();
    format!("{}:22", address.split_whitespace().next().unwrap())
}

/// Runs one step on hosts whose connections break at so many places.
fn begins(lab: &Lab, words: &[&str], breaks: impl Fn(usize) -> Vec<At>) {
    let ways: Vec<Breaking> = (0..lab.hosts.len())
        .map(|n| Breaking::to(address(lab, &lab.hosts[n]), breaks(n)))
        .collect();
    let ports: Vec<u16> = ways.iter().map(|way| way.port).collect();
    through(lab, &ports);
    for host in &lab.hosts {
        lab.exec(host, "rm -rf /tmp/steps /home/admin/.cache/gxdeploy");
    }
    let playbook = lab.playbook("    - shell: echo once >> /tmp/steps\n");
    let mut command = lab.gxdeploy("apply");
    // As slow as the machine is.
    command.args(["-f20", "--reconnect", "600"]);
    command.arg(&playbook).args(words);
    let (text, exit) = said(&command.output().unwrap());
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("trying again"), "{text}");
    for (number, (host, way)) in lab.hosts.iter().zip(&ways).enumerate() {
        assert_eq!(lab.exec(host, "cat /tmp/steps"), "once\n", "{text}");
        let connections = way.connections.load(Ordering::SeqCst);
        assert_eq!(connections, breaks(number).len() + 1, "{host}: {text}");
    }
}

#[test]
fn a_connection_that_breaks_while_it_is_made_is_made_anew() {
    let Some(lab) = Lab::up("begin", 10) else {
        return;
    };
    // In the banner, in the exchange of keys, while logging in, while the agent is sent, when it
    // starts: at a different place on every host.
    let breaks = |n: usize| {
        vec![
            At::FromHost(10 + n),
            At::FromHost(400 + 100 * n),
            At::ToHost(1500 + 100 * n),
            At::FromHost(1600 + 150 * n),
            At::ToHost(100_000 * (n + 1)),
        ]
    };
    begins(&lab, &[], breaks);
    // By the user's ssh program.
    begins(&lab, &["-e", "ansible_ssh_executable=/usr/bin/ssh"], breaks);
    let playbook = lab.playbook("    - shell: echo once >> /tmp/steps\n");
    // Not where the user does not want it.
    let way = Breaking::to(address(&lab, &lab.hosts[0]), vec![At::FromHost(10)]);
    through(&lab, &[way.port]);
    let mut command = lab.gxdeploy("apply");
    command.args(["--reconnect", "0"]).arg(&playbook);
    let (text, exit) = said(&command.output().unwrap());
    assert_eq!(exit, 4, "{text}");
    assert_eq!(way.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    let Some(lab) = Lab::up("lasts", 1) else {
        return;
    };
    let host = &lab.hosts[0];
    let playbook = lab.playbook("    - command: 'true'\n");
    let tried = |lab: &Lab, set: &dyn Fn(&mut Command), port: Option<u16>| {
        if let Some(port) = port {
            through(lab, &[port]);
        }
        let mut command = lab.gxdeploy("apply");
        set(command.arg(&playbook));
        said(&command.output().unwrap())
    };
    // Nobody is let in.
    let way = Breaking::to(address(&lab, host), Vec::new());
    let (text, exit) = tried(
        &lab,
        &|command| {
            command.args(["-e", "ansible_user=nobody-there"]);
        },
        Some(way.port),
    );
    assert_eq!(exit, 4, "{text}");
    assert!(text.contains("permission denied"), "{text}");
    assert_eq!(way.connections.load(Ordering::SeqCst), 1);
    // Nobody listens: as often as ansible.cfg says, never where it does not.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let (text, exit) = tried(&lab, &|_| {}, Some(port));
    assert_eq!(exit, 4, "{text}");
    assert!(
        text.contains("refused") && !text.contains("trying again"),
        "{text}"
    );
    let (text, exit) = tried(
        &lab,
        &|command| {
            command.env("ANSIBLE_SSH_RETRIES", "2");
        },
        Some(port),
    );
    assert_eq!(exit, 4, "{text}");
    assert!(
        text.contains("refused, trying again") || text.contains("trying again"),
        "{text}"
    );
}

#[test]
fn a_network_that_loses_frames_is_good_enough() {
    let Some(lab) = Lab::up("loss", 10) else {
        return;
    };
    for host in &lab.hosts {
        lab.must(&["net", host, "--loss", "5", "--delay", "20"]);
    }
    let playbook = lab.playbook(
        "    - shell: 'echo {{ item }} >> /tmp/steps'\n      loop: '{{ range(20) | list }}'\n",
    );
    let mut command = lab.gxdeploy("apply");
    command.arg("-f20").arg(playbook);
    let (text, exit) = said(&command.output().unwrap());
    assert_eq!(exit, 0, "{text}");
    let expected: String = (0..20).map(|n| format!("{n}\n")).collect();
    for host in &lab.hosts {
        assert_eq!(lab.exec(host, "cat /tmp/steps"), expected, "{text}");
    }
}

#[test]
fn a_host_that_goes_away_while_the_agent_is_sent_is_waited_for() {
    let Some(lab) = Lab::up("sent", 1) else {
        return;
    };
    let host = lab.hosts[0].clone();
    lab.must(&["net", &host, "--rate", "20"]);
    let playbook = lab.playbook("    - shell: echo once >> /tmp/steps\n");
    let mut command = lab.gxdeploy("apply");
    command
        .args(["-T", "1", "--reconnect", "600"])
        .arg(playbook);
    let log = lab.work.path().join("log");
    let mut control = start(&mut command, &log);
    wait_until("the agent is on its way", || {
        !lab.exec(
            &host,
            "find /home/admin/.cache/gxdeploy -name '.new-*' -size +500k",
        )
        .is_empty()
    });
    lab.must(&["cut", &host]);
    let text = || std::fs::read_to_string(&log).unwrap();
    wait_until("it is noticed", || text().contains("trying again"));
    // Long enough for an attempt that nobody answers.
    std::thread::sleep(std::time::Duration::from_secs(3));
    lab.must(&["heal", &host]);
    lab.must(&["net", &host]);
    let exit = control.wait().unwrap();
    assert!(exit.success(), "{}", text());
    assert_eq!(lab.exec(&host, "cat /tmp/steps"), "once\n");
}
