//! Holds supervisord and supervisorctl to what supervisor 4.3.0 answered, as
//! tests/compare/supervisor recorded it. Where this program answers otherwise on purpose
//! (docs/supervisor.md) the recording has its own answer beside the original's.

use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The same as in tests/compare/supervisor.
const NORMAL: [(&str, &str); 9] = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME"),
    (r"\bpid:?(<[^>]*>)?\s?[1-9]\d*", "pid N"),
    (r"uptime \d+:\d\d:\d\d", "uptime U"),
    (r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "WHEN"),
    (r"<int>\d{3,}</int>", "<int>N</int>"),
    (r"\(\d{3,}\)", "(N)"),
    (r"(---[a-z]+-)\w{8}\.log", "${1}X.log"),
    (r"(?m)^\d{3,}$", "N"),
    // Those of the environment among them.
    (
        "Available names: .*? in section",
        "Available names: NAMES in section",
    ),
];

fn normal(text: &str, dir: &Path) -> String {
    let mut text = text.replace(&dir.display().to_string(), "DIR");
    for (pattern, to) in NORMAL {
        let pattern = fancy_regex::Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, to).into_owned();
    }
    text
}

fn http(socket: &Path, request: &[u8]) -> Option<(String, String)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(request).ok()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        let n = stream.read(&mut buffer).ok()?;
        answer.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let length = head.lines().find_map(|l| {
            let (name, value) = l.split_once(": ")?;
            let named = name.eq_ignore_ascii_case("content-length");
            named.then(|| value.parse::<usize>().ok()).flatten()
        });
        if n == 0 || length.is_some_and(|l| body.len() >= l) {
            let status = head.split(' ').nth(1).unwrap_or_default();
            return Some((status.to_owned(), body.to_owned()));
        }
    }
}

fn post(socket: &Path, to: &str, body: &str) -> Option<(String, String)> {
    let head = format!(
        "POST {to} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    http(socket, head.as_bytes())
}

fn call(method: &str, param: Option<&str>) -> String {
    let param = param.map_or(String::new(), |p| {
        format!("<param><value><string>{p}</string></value></param>")
    });
    format!("<methodCall><methodName>{method}</methodName><params>{param}</params></methodCall>")
}

/// Waits for something to be there; the daemon's own timers are what it waits for.
fn wait<T>(mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..1200 {
        if let Some(it) = ready() {
            return Some(it);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

struct Stage {
    dir: tempfile::TempDir,
    daemon: Option<Child>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            let pid = nix::unistd::Pid::from_raw(daemon.id() as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            let _ = daemon.wait();
        }
    }
}

impl Stage {
    fn program(&self, name: &str, args: &[&str]) -> Command {
        let link = self.dir.path().join("bin").join(name);
        let mut command = Command::new(link);
        command.args(args).current_dir(self.dir.path());
        command.stdin(Stdio::null());
        command
    }

    fn output(&self, name: &str, args: &[&str]) -> String {
        let mut command = self.program(name, args);
        let done = command.output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let link = format!("{}/bin/", self.dir.path().display());
        let code = done.status.code().unwrap_or(-1);
        format!("{code}\n{}", text.replace(&link, ""))
    }

    fn step(&mut self, words: &[&str]) -> String {
        let dir = self.dir.path().to_path_buf();
        let socket = dir.join("s.sock");
        match words {
            ["start"] => {
                let mut command = self.program("supervisord", &["-n", "-c", "s.conf"]);
                command.stdout(Stdio::null()).stderr(Stdio::null());
                self.daemon = Some(command.spawn().unwrap());
                let call = call("supervisor.getState", None);
                wait(|| post(&socket, "/RPC2", &call)).unwrap();
                String::new()
            }
            ["daemon", args @ ..] => self.output("supervisord", args),
            ["ctl", "-h"] => self.output("supervisorctl", &["-h"]),
            ["ctl", args @ ..] => {
                self.output("supervisorctl", &[&["-c", "s.conf"][..], args].concat())
            }
            ["post", to, body] => {
                let (status, body) = post(&socket, to, body).unwrap();
                format!("HTTP {status}\n{body}")
            }
            ["raw", text] => format!("HTTP {}", http(&socket, text.as_bytes()).unwrap().0),
            ["settle", name, state] => {
                let call = call("supervisor.getProcessInfo", Some(name));
                let wanted = format!("<string>{state}</string>");
                let seen = wait(|| {
                    post(&socket, "/RPC2", &call)?
                        .1
                        .contains(&wanted)
                        .then_some(())
                });
                seen.map_or(format!("never {state}"), |()| String::new())
            }
            ["grep", file, pattern] => {
                let pattern = fancy_regex::Regex::new(pattern).unwrap();
                let lines = wait(|| {
                    let text = std::fs::read(dir.join(file)).ok()?;
                    let text = String::from_utf8_lossy(&text).into_owned();
                    let lines = text.lines().filter(|l| pattern.is_match(l).unwrap());
                    let lines: Vec<&str> = lines.collect();
                    (!lines.is_empty()).then(|| lines.join("\n"))
                });
                lines.unwrap_or("none".into())
            }
            ["signal", name] => {
                let signal: nix::sys::signal::Signal = format!("SIG{name}").parse().unwrap();
                let pid = self.daemon.as_ref().unwrap().id() as i32;
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
                String::new()
            }
            ["end"] => {
                let status = self.daemon.take().unwrap().wait().unwrap();
                status.code().unwrap().to_string()
            }
            _ => panic!("no such step: {words:?}"),
        }
    }
}

fn replay(file: &Path) -> Vec<String> {
    let recording: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("bin")).unwrap();
    for name in ["supervisord", "supervisorctl"] {
        let link = dir.path().join("bin").join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gxdeploy"), link).unwrap();
    }
    for (name, text) in recording["files"].as_object().unwrap() {
        let (path, text) = (dir.path().join(name), text.as_str().unwrap());
        std::fs::write(&path, text).unwrap();
        if text.starts_with("#!") {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&path, mode).unwrap();
        }
    }
    let mut stage = Stage { dir, daemon: None };
    let mut wrong = Vec::new();
    for step in recording["steps"].as_array().unwrap() {
        let words = step["do"].as_array().unwrap();
        let words: Vec<&str> = words.iter().map(|w| w.as_str().unwrap()).collect();
        let answer = stage.step(&words);
        let answer = normal(&answer, stage.dir.path());
        // An answer nearer to the original than the recorded one is no fault.
        let wanted = step["answer"].as_str().unwrap();
        let ours = step.get("ours").map(|o| o.as_str().unwrap());
        if answer != wanted && Some(answer.as_str()) != ours {
            let name = file.file_stem().unwrap().to_string_lossy();
            wrong.push(format!(
                "{name} {words:?}\n  wanted {wanted:?}\n  got    {answer:?}"
            ));
        }
    }
    wrong
}

#[test]
fn what_the_original_answered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/supervisor");
    let mut files: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let threads: Vec<_> = files
        .into_iter()
        .map(|file| std::thread::spawn(move || replay(&file)))
        .collect();
    let wrong: Vec<String> = threads
        .into_iter()
        .flat_map(|t| t.join().unwrap())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
