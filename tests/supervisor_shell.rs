//! The interactive shell of `ctl` on a terminal: editing, completion, history, Ctrl-C and Ctrl-D.

use crate::supervisor_daemon::Daemon;
use nix::fcntl::OFlag;
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};

const PROGRAMS: &str = "\
[program:talks]
command=/bin/sh -c 'while :; do echo tick; sleep 0.1; done'
startsecs=0
[program:takes]
command=/bin/cat
startsecs=0
";
const PROMPT: &str = "supervisor> ";
const UP: &str = "\x1b[A";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_U: &str = "\x15";

/// A shell and the other end of its terminal.
struct Shell {
    child: Child,
    keyboard: File,
    seen: RefCell<String>,
}

impl Shell {
    fn new(daemon: &Daemon) -> Shell {
        // Closed in the children of other tests, which would keep the terminal open.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let keyboard = nix::pty::posix_openpt(flags).unwrap();
        nix::pty::grantpt(&keyboard).unwrap();
        nix::pty::unlockpt(&keyboard).unwrap();
        let screen = nix::pty::ptsname_r(&keyboard).unwrap();
        let screen = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(screen)
            .unwrap();
        let end = || Stdio::from(screen.try_clone().unwrap());
        // A session of its own, so that Ctrl-C reaches what runs in this terminal.
        let child = Command::new("setsid")
            .args([
                "--ctty",
                "--wait",
                env!("CARGO_BIN_EXE_gxdeploy"),
                "ctl",
                "-c",
            ])
            .arg(daemon.path("s.conf"))
            .arg("-r")
            .arg(daemon.path("history"))
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let shell = Shell {
            child,
            keyboard: File::from(OwnedFd::from(keyboard)),
            seen: RefCell::default(),
        };
        shell.sees(PROMPT);
        shell
    }

    /// Reads until a text is on the screen, and forgets all up to its end.
    fn sees(&self, text: &str) {
        let mut seen = self.seen.borrow_mut();
        let mut buffer = [0; 4096];
        while !seen.contains(text) {
            // The terminal of a shell that ended gives an error.
            let n = (&self.keyboard).read(&mut buffer).unwrap_or_default();
            assert_ne!(n, 0, "the shell ended, and no {text:?} in {seen:?}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
        let at = seen.find(text).unwrap() + text.len();
        seen.drain(..at);
    }

    fn keys(&self, keys: &str) {
        (&self.keyboard).write_all(keys.as_bytes()).unwrap();
    }

    /// A line, what is to be seen after it, and the next prompt.
    fn line(&self, keys: &str, answer: &str) {
        self.keys(keys);
        self.keys("\r");
        self.sees(answer);
        self.sees(PROMPT);
    }

    fn ends(mut self) {
        // What it says last has to be read, or it waits.
        let mut rest = Vec::new();
        let _ = self.keyboard.read_to_end(&mut rest);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn lines_are_edited_completed_and_remembered() {
    let daemon = Daemon::new(PROGRAMS);
    daemon.running(2);
    let shell = Shell::new(&daemon);
    shell.line("ver\t", "4.3.0\r\n");
    shell.line(
        "version\x7f\x7f\x7f\x7f\x7f\x7f\x7fpid tal\t",
        &format!("\r\n{}\r\n", daemon.pid("talks")),
    );
    shell.keys("st\t\t");
    shell.sees("start    status   stop");
    shell.keys(CTRL_U);
    shell.line("stop ta\tk\t", "takes: stopped\r\n");
    assert!(daemon.ctl("status takes").0.contains("STOPPED"));
    shell.line("start takes", "takes: started\r\n");
    shell.line(UP, "ERROR (already started)\r\n");
    shell.line(&UP.repeat(2), "takes: stopped\r\n");
    shell.line("nothing", "*** Unknown syntax: nothing\r\n");
    shell.keys("quit\r");
    shell.ends();
    let again = Shell::new(&daemon);
    again.line(&UP.repeat(2), "*** Unknown syntax: nothing\r\n");
    again.keys("exit\r");
    again.ends();
}

#[test]
fn ctrl_c_leaves_what_runs_and_ctrl_d_the_shell() {
    let daemon = Daemon::new(PROGRAMS);
    daemon.running(2);
    let shell = Shell::new(&daemon);
    shell.keys("shutdown");
    shell.keys(CTRL_C);
    shell.sees(PROMPT);
    shell.line("version", "4.3.0\r\n");
    shell.keys("tail -f talks\r");
    shell.sees("==> Press Ctrl-C to exit <==\r\n");
    shell.sees("tick\r\ntick\r\n");
    shell.keys(CTRL_C);
    shell.sees(PROMPT);
    shell.keys("fg takes\r");
    shell.sees("==> Press Ctrl-C to exit <==\r\n");
    shell.keys("to the program\r");
    // Once from the terminal, once from the program.
    shell.sees("to the program\r\n");
    shell.sees("to the program\r\n");
    shell.keys(CTRL_C);
    shell.sees("Exiting foreground\r\n");
    shell.sees(PROMPT);
    // A question takes an answer from the terminal.
    shell.keys("shutdown\r");
    shell.sees("Really shut the remote supervisord process");
    shell.keys("n\r");
    shell.sees(PROMPT);
    daemon.running(2);
    shell.keys(CTRL_D);
    shell.ends();
}
