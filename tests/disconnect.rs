//! Connections that break, agents and control sides that die: no step is run twice, none is lost,
//! nothing is left running. Needs hosts over SSH.

use crate::lab::{Lab, said, start, wait_until};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Forced disconnections in one run.
const CUTS: usize = 20;

/// Steps of that run.
const STEPS: usize = 400;

#[test]
fn a_run_survives_twenty_disconnections() {
    let Some(lab) = Lab::up("cut", 2) else { return };
    // As two users, and as slow as it takes for all cuts.
    let playbook = lab.playbook(&format!(
        "    - shell: 'echo {{{{ item }}}} >> /tmp/steps; test -e /tmp/enough || sleep 0.5'\n      \
         loop: '{{{{ range({STEPS}) | list }}}}'\n      become: '{{{{ item % 3 == 0 }}}}'\n    \
         - copy: {{content: done, dest: /tmp/done}}\n"
    ));
    let log = lab.work.path().join("log");
    for host in &lab.hosts {
        lab.exec(host, "touch /tmp/steps; chmod 666 /tmp/steps");
    }
    let mut control = start(lab.gxdeploy("apply").arg("--stats").arg(playbook), &log);
    let text = || std::fs::read_to_string(&log).unwrap();
    let began = || {
        lab.hosts
            .iter()
            .all(|host| lab.exec(host, "cat /tmp/steps").len() > 4)
    };
    wait_until("steps run", began);
    let host = &lab.hosts[0];
    for cut in 0..CUTS {
        let before = text().matches("connected again").count();
        if cut % 4 == 3 {
            // Frames are dropped without a word.
            lab.must(&["cut", host]);
            sleep(Duration::from_secs(4));
            lab.must(&["heal", host]);
        } else {
            lab.exec(host, "pkill -f 'sshd: admin@'");
        }
        wait_until("it is connected again", || {
            text().matches("connected again").count() > before
        });
    }
    for host in &lab.hosts {
        lab.exec(host, "touch /tmp/enough");
    }
    let exit = control.wait().unwrap();
    let text = text();
    assert!(exit.success(), "{text}");
    assert!(text.matches("connected again").count() >= CUTS, "{text}");
    assert!(!text.contains("unreachable"), "{text}");
    let expected: Vec<String> = (0..STEPS).map(|n| n.to_string()).collect();
    for host in &lab.hosts {
        let steps = lab.exec(host, "cat /tmp/steps");
        assert_eq!(steps.lines().collect::<Vec<_>>(), expected);
        assert_eq!(lab.exec(host, "cat /tmp/done"), "done");
        wait_until("agents end", || lab.agents(host).is_empty());
        let left = lab.exec(host, "ls -A /home/admin/.local/state/gxdeploy/sessions");
        assert_eq!(left, "", "nothing is left of the session");
    }
}

#[test]
fn a_large_file_arrives_whole_whatever_breaks() {
    let Some(lab) = Lab::up("big", 1) else { return };
    let large: Vec<u8> = (0..200_000_000_u64).map(|n| ((n * n) >> 7) as u8).collect();
    std::fs::write(lab.work.path().join("large"), large).unwrap();
    let playbook = lab.playbook(
        "    - copy: {src: large, dest: /srv/large}\n      become: true\n      register: sent\n    \
         - stat: {path: /srv/large, checksum_algorithm: md5}\n      register: md5\n    \
         - stat: {path: /srv/large}\n      register: sha1\n    \
         - assert: {that: [sent.md5sum == md5.stat.checksum, sent.checksum == sha1.stat.checksum]}\n      \
           when: sent is changed\n",
    );
    let log = lab.work.path().join("log");
    let mut control = start(lab.gxdeploy("apply").arg(&playbook), &log);
    let host = &lab.hosts[0];
    for _ in 0..3 {
        let mut ended = false;
        wait_until("it copies, or has ended", || {
            ended = control.try_wait().unwrap().is_some();
            ended || lab.agents(host).lines().count() > 1
        });
        if ended {
            break;
        }
        sleep(Duration::from_millis(150));
        lab.exec(host, "pkill -f 'sshd: admin@'");
        let left = lab.exec(host, "ls -A /srv");
        assert!(matches!(left.trim(), "" | "large"), "{left}");
        sleep(Duration::from_millis(500));
    }
    let exit = control.wait().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(exit.success(), "{text}");
    let sum = "sha256sum < /srv/large";
    let here = Command::new("sh")
        .args(["-c", "sha256sum < large"])
        .current_dir(lab.work.path())
        .output()
        .unwrap();
    assert_eq!(lab.exec(host, sum), String::from_utf8_lossy(&here.stdout));
    let (text, _) = said(
        &lab.gxdeploy("apply")
            .args(["-O", "ansible"])
            .arg(&playbook)
            .output()
            .unwrap(),
    );
    assert!(text.contains("changed=0"), "{text}");
}

#[test]
fn a_step_whose_agent_died_is_not_run_again() {
    let Some(lab) = Lab::up("die", 1) else { return };
    let host = &lab.hosts[0];
    let playbook = lab.playbook(
        "    - shell: echo a >> /tmp/steps\n    \
         - shell: echo b >> /tmp/steps; kill -9 $PPID; exec sleep 1\n    \
         - shell: echo c >> /tmp/steps\n",
    );
    let (text, exit) = said(&lab.gxdeploy("apply").arg(playbook).output().unwrap());
    assert_eq!(exit, 2, "{text}");
    assert!(text.contains("unknown-outcome"), "{text}");
    assert_eq!(lab.exec(host, "cat /tmp/steps"), "a\nb\n");
}

#[test]
fn what_an_agent_ran_that_was_killed_is_ended() {
    let Some(lab) = Lab::up("orphan", 1) else {
        return;
    };
    let host = &lab.hosts[0];
    // The second step kills the agent that runs it, and has started more than one process.
    let playbook = lab.playbook(
        "    - shell: sleep 4321\n      async: 10000\n      poll: 0\n    \
         - shell: 'trap \"touch /tmp/ended; exit 1\" TERM; sleep 1234 & kill -9 $PPID; wait'\n",
    );
    let (text, exit) = said(&lab.gxdeploy("apply").arg(playbook).output().unwrap());
    assert_eq!(exit, 2, "{text}");
    assert!(text.contains("unknown-outcome"), "{text}");
    // Before this side knew of it, not some time later.
    assert_eq!(lab.exec(host, "pgrep -f '^sleep 1234'"), "", "{text}");
    assert_eq!(
        lab.exec(host, "ls /tmp/ended"),
        "/tmp/ended\n",
        "it was asked to end"
    );
    assert_ne!(
        lab.exec(host, "pgrep -f '^sleep 4321'"),
        "",
        "a step in the background goes on"
    );
    wait_until("agents end", || lab.agents(host).is_empty());
}

#[test]
fn what_ran_behind_a_failure_is_not_run_again() {
    let Some(lab) = Lab::up("behind", 1) else {
        return;
    };
    let host = &lab.hosts[0];
    // Only this side can tell that the first one fails: the others are under way by then.
    let tasks = |condition: &str| {
        lab.playbook(&format!(
            "    - shell: echo a >> /tmp/steps; sleep 1\n      changed_when: {condition}\n    \
             - shell: echo b >> /tmp/steps\n    \
             - shell: echo c >> /tmp/steps; sleep 3; echo d >> /tmp/steps\n    \
             - shell: echo e >> /tmp/steps\n"
        ))
    };
    let playbook = tasks("nothing.of_this");
    let (text, exit) = said(&lab.gxdeploy("apply").arg(&playbook).output().unwrap());
    assert_eq!(exit, 2, "{text}");
    let before = lab.exec(host, "cat /tmp/steps");
    assert!(before.starts_with("a\n"), "{before}");
    tasks("true");
    let mut resume = Command::new(env!("CARGO_BIN_EXE_gxdeploy"));
    resume
        .arg("resume")
        .env("XDG_STATE_HOME", lab.work.path().join("state"))
        .current_dir(lab.work.path());
    let (text, exit) = said(&resume.output().unwrap());
    let after = lab.exec(host, "cat /tmp/steps");
    // What was ended in the middle is a step of its own and begins anew.
    let ended = before.contains("c\n") && !before.contains("d\n");
    assert_eq!(exit, 0, "{text}");
    let expected = match ended {
        true => "a\nb\nc\nc\nd\ne\n",
        false => "a\nb\nc\nd\ne\n",
    };
    assert_eq!(after, expected, "{before} {text}");
}

#[test]
fn nothing_runs_after_a_control_side_that_was_killed() {
    let Some(lab) = Lab::up("killed", 1) else {
        return;
    };
    let host = &lab.hosts[0];
    let playbook = lab.playbook(
        "    - shell: touch /tmp/began; sleep 1234\n      become: true\n    \
         - shell: touch /tmp/after\n",
    );
    let mut command = lab.gxdeploy("apply");
    command.env("GXDEPLOY_RECONNECT", "1").arg(playbook);
    let mut control = start(&mut command, &lab.work.path().join("log"));
    wait_until("the step runs", || {
        lab.exec(host, "ls /tmp/began").contains("began")
    });
    control.kill().unwrap();
    control.wait().unwrap();
    wait_until("the command has ended", || {
        lab.exec(host, "pgrep -f '^sleep 1234'").is_empty()
    });
    wait_until("the agents have ended", || lab.agents(host).is_empty());
    assert!(!lab.exec(host, "ls /tmp").contains("after"));
}

#[test]
fn nothing_stays_after_a_control_machine_that_was_switched_off() {
    let Some(lab) = Lab::up("off", 1) else {
        return;
    };
    let host = &lab.hosts[0];
    let playbook = lab.playbook(
        "    - shell: 'trap \"rm /tmp/scratch; touch /tmp/tidy; exit 1\" TERM; touch /tmp/scratch; sleep 1234 & wait'\n    \
         - copy: {content: x, dest: /tmp/after}\n",
    );
    let mut command = lab.gxdeploy("apply");
    command.env("GXDEPLOY_RECONNECT", "2").arg(playbook);
    let mut control = start(&mut command, &lab.work.path().join("log"));
    wait_until("the step runs", || {
        lab.exec(host, "ls /tmp/scratch").contains("scratch")
    });
    // Neither side hears of the other any more.
    lab.must(&["cut", host]);
    control.kill().unwrap();
    control.wait().unwrap();
    let from = std::time::Instant::now();
    wait_until("the agents have ended", || lab.agents(host).is_empty());
    // 60 s of silence, 2 x 2 + 5 s, and what the end takes.
    let took = from.elapsed().as_secs();
    assert!((55..100).contains(&took), "it took {took} s");
    assert_eq!(lab.exec(host, "pgrep -f '^sleep 1234'"), "");
    assert_eq!(
        lab.exec(host, "cd /tmp; echo scratch* tidy* after*"),
        "scratch* tidy after*\n"
    );
    let left = "find / -xdev -name '.gxdeploy-*' -o -name '.new-*' -path '*gxdeploy*'";
    assert_eq!(lab.exec(host, left), "");
    lab.must(&["heal", host]);
}

#[test]
fn a_host_that_stays_away_is_unreachable() {
    let Some(lab) = Lab::up("away", 2) else {
        return;
    };
    let playbook = lab
        .playbook("    - shell: touch /tmp/began; sleep 3\n    - shell: echo end >> /tmp/steps\n");
    let log = lab.work.path().join("log");
    let mut command = lab.gxdeploy("apply");
    command.env("GXDEPLOY_RECONNECT", "2").arg(playbook);
    let mut control = start(&mut command, &log);
    let host = &lab.hosts[0];
    wait_until("the step runs", || {
        lab.exec(host, "ls /tmp/began").contains("began")
    });
    lab.must(&["cut", host]);
    let exit = control.wait().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(exit.code(), Some(4), "{text}");
    assert!(
        text.contains("could not be made again within 2 s"),
        "{text}"
    );
    assert_eq!(lab.exec(&lab.hosts[1], "cat /tmp/steps"), "end\n");
    wait_until("the agent has ended", || lab.agents(host).is_empty());
}

#[test]
fn a_run_that_was_killed_goes_on_with_what_its_hosts_know() {
    let Some(lab) = Lab::up("resume", 1) else {
        return;
    };
    let host = &lab.hosts[0];
    // Steps that travel together: the host is ahead of what this side knows of it.
    let steps = 30;
    let playbook = lab.playbook(&format!(
        "    - shell: 'echo {{{{ item }}}} >> /tmp/steps; sleep 0.2'\n      \
         loop: '{{{{ range({steps}) | list }}}}'\n"
    ));
    let mut command = lab.gxdeploy("apply");
    command.env("GXDEPLOY_RECONNECT", "1").arg(playbook);
    let mut control = start(&mut command, &lab.work.path().join("log"));
    let done = || lab.exec(host, "cat /tmp/steps").lines().count();
    wait_until("steps run", || done() > 5);
    control.kill().unwrap();
    control.wait().unwrap();
    // At once: the agent is still there.
    let resume = || {
        let mut command = lab.gxdeploy("resume");
        let mut plain = std::process::Command::new(command.get_program());
        plain.arg("resume").current_dir(lab.work.path());
        for (name, value) in command.env("GXDEPLOY_RECONNECT", "1").get_envs() {
            plain.env(name, value.unwrap());
        }
        plain
    };
    let mut control = start(&mut resume(), &lab.work.path().join("log"));
    let before = done();
    wait_until("steps run again", || done() > before + 5);
    control.kill().unwrap();
    control.wait().unwrap();
    // When it has ended: its journal is.
    wait_until("the agent has ended", || lab.agents(host).is_empty());
    let (text, exit) = said(&resume().output().unwrap());
    assert_eq!(exit, 0, "{text}");
    let expected: Vec<String> = (0..steps).map(|n| n.to_string()).collect();
    let steps = lab.exec(host, "cat /tmp/steps");
    assert_eq!(steps.lines().collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn ctrl_c_ends_what_another_user_runs() {
    let Some(lab) = Lab::up("ctrlc", 1) else {
        return;
    };
    let host = &lab.hosts[0];
    let playbook = lab.playbook(
        "    - shell: touch /tmp/began; sleep 1234\n      become: true\n    \
         - shell: touch /tmp/after\n",
    );
    let log = lab.work.path().join("log");
    let mut control = start(lab.gxdeploy("apply").arg(playbook), &log);
    wait_until("the step runs", || {
        lab.exec(host, "ls /tmp/began").contains("began")
    });
    let pid = nix::unistd::Pid::from_raw(i32::try_from(control.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(control.wait().unwrap().code(), Some(99));
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("interrupted at or before task"), "{text}");
    // Ended, not only left alone: no grace is waited for.
    assert_eq!(lab.exec(host, "pgrep -f '^sleep 1234'"), "", "{text}");
    wait_until("the agents have ended", || lab.agents(host).is_empty());
    assert!(!lab.exec(host, "ls /tmp").contains("after"));
}

/// A terminal: the side of the user, and what a program is given.
fn terminal() -> (File, File) {
    let pair = nix::pty::openpty(None, None).unwrap();
    (File::from(pair.master), File::from(pair.slave))
}

/// Has a program run on a terminal, as the first of its session.
fn on_terminal_of(command: &mut Command, given: &File) {
    command
        .stdin(given.try_clone().unwrap())
        .stdout(given.try_clone().unwrap())
        .stderr(given.try_clone().unwrap());
    // SAFETY: system calls only.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            match nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
}

/// Reads what a program shows on a terminal until it has ended.
fn shown(mut terminal: File) -> String {
    let mut text = Vec::new();
    let mut bytes = [0; 4096];
    // Its end is an error.
    while let Ok(read @ 1..) = terminal.read(&mut bytes) {
        text.extend(&bytes[..read]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let Some(lab) = Lab::up("twice", 1) else {
        return;
    };
    let host = &lab.hosts[0];
    let playbook = lab.playbook(
        "    - shell: touch /tmp/began; sleep 1234\n      become: true\n    - shell: touch /tmp/after\n",
    );
    for on_terminal in [true, false] {
        lab.exec(host, "rm -f /tmp/began");
        let mut command = lab.gxdeploy("apply");
        command.env("GXDEPLOY_RECONNECT", "1").arg(&playbook);
        let (mut user, given) = terminal();
        let before = nix::sys::termios::tcgetattr(&user).unwrap();
        if on_terminal {
            on_terminal_of(&mut command, &given);
        } else {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let mut control = command.spawn().unwrap();
        drop((command, given));
        let shows = user.try_clone().unwrap();
        let reader = on_terminal.then(|| std::thread::spawn(|| shown(shows)));
        wait_until("the step runs", || {
            lab.exec(host, "ls /tmp/began").contains("began")
        });
        // The host cannot be told any more.
        lab.must(&["cut", host]);
        let pid = nix::unistd::Pid::from_raw(i32::try_from(control.id()).unwrap());
        let mut interrupt = || match on_terminal {
            true => user.write_all(b"\x03").unwrap(),
            false => nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap(),
        };
        interrupt();
        sleep(Duration::from_secs(1));
        assert!(
            control.try_wait().unwrap().is_none(),
            "the first one ends what runs"
        );
        interrupt();
        let text = match reader {
            Some(reader) => {
                let exit = control.wait().unwrap();
                assert_eq!(exit.code(), Some(99));
                let after = nix::sys::termios::tcgetattr(&user).unwrap();
                assert_eq!(before.local_flags, after.local_flags);
                reader.join().unwrap()
            }
            None => {
                let (text, exit) = said(&control.wait_with_output().unwrap());
                assert_eq!(exit, 99, "{text}");
                assert!(!text.contains('\x1b'), "{text}");
                text
            }
        };
        assert!(text.contains("ended at once"), "{text}");
        // Without a word of its control side: it was silent for a minute, and was waited for 7 s.
        wait_until("the command has ended", || {
            lab.exec(host, "pgrep -f '^sleep 1234'").is_empty()
        });
        wait_until("the agents have ended", || lab.agents(host).is_empty());
        assert!(!lab.exec(host, "ls /tmp").contains("after"));
        lab.must(&["heal", host]);
    }
}

#[test]
fn a_question_for_a_password_can_be_left() {
    let work = tempfile::tempdir().unwrap();
    let (mut user, given) = terminal();
    let before = nix::sys::termios::tcgetattr(&user).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gxdeploy"));
    command
        .args(["run", "-i", "nobody,", "-k", "-m", "ping", "all"])
        .env("XDG_STATE_HOME", work.path());
    on_terminal_of(&mut command, &given);
    let mut control = command.spawn().unwrap();
    drop(command);
    let mut question = Vec::new();
    let mut bytes = [0; 1024];
    while !String::from_utf8_lossy(&question).contains("SSH password: ") {
        let read = user.read(&mut bytes).unwrap();
        question.extend(&bytes[..read]);
    }
    // It is silent before it asks.
    let silent = nix::sys::termios::tcgetattr(&user).unwrap();
    assert_ne!(silent.local_flags, before.local_flags);
    user.write_all(b"half a pass\x03").unwrap();
    assert_eq!(control.wait().unwrap().code(), Some(99));
    let after = nix::sys::termios::tcgetattr(&user).unwrap();
    assert_eq!(after.local_flags, before.local_flags);
    drop(given);
    assert!(!shown(user).contains("half"));
}
