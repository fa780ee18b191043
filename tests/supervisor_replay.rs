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
const NORMAL: [(&str, &str); 13] = [
    // Help after an error is in each one's own words.
    (
        r"(?m)^((?:\w+> )?(?:Error: .* (?:arguments|name)|ERROR: no process name supplied))\n(?:(?!\w+> ).*(?:\n|$))*",
        "${1}\n",
    ),
    (r": file: \S+ line: \d+", ": file: FILE line: N"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME"),
    (r"\b\d{4}-\d\d-\d\d\b", "DAY"),
    (r"\bpid:?(<[^>]*>)?\s?[1-9]\d*", "pid N"),
    (r"uptime \d+:\d\d:\d\d", "uptime U"),
    (r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "WHEN"),
    (r"<int>\d{3,}</int>", "<int>N</int>"),
    (r"\(\d{3,}\)", "(N)"),
    (r"(---\w+-)\w{8}\.log", "${1}X.log"),
    (r"(?m)^(\w+> )?\d{3,}$", "${1}N"),
    (r"\blen:\d+", "len:N"),
    // Those of the environment among them.
    (
        r"Available names: .*?( in section|\n|$)",
        "Available names: NAMES$1",
    ),
];

fn normal(text: &str, dir: &Path, ports: &[(String, u16)]) -> String {
    let mut text = text.replace(&dir.display().to_string(), "DIR");
    for (name, port) in ports {
        text = text.replace(&port.to_string(), name);
    }
    for (pattern, to) in NORMAL {
        let pattern = fancy_regex::Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, to).into_owned();
    }
    text
}

fn http(socket: &Path, request: &[u8]) -> Option<(String, String)> {
    let stream = UnixStream::connect(socket).ok()?;
    exchange(stream, request).map(|(status, _, body)| (status, body))
}

/// Status, head and body of the answer.
fn exchange(mut stream: impl Read + Write, request: &[u8]) -> Option<(String, String, String)> {
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
            return Some((status.to_owned(), head.to_owned(), body.to_owned()));
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
    env: Vec<(String, String)>,
    /// `PORT1` and so on, as far as they were named.
    ports: Vec<(String, u16)>,
}

/// A port on which nobody listens.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            let pid = nix::unistd::Pid::from_raw(daemon.id() as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            let _ = daemon.wait();
        }
        // One that went into the background.
        let pid = std::fs::read_to_string(self.dir.path().join("work/s.pid"));
        if let Some(pid) = pid.ok().and_then(|p| p.trim().parse().ok()) {
            let pid = nix::unistd::Pid::from_raw(pid);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
    }
}

impl Stage {
    /// With free ports in the place of their names.
    fn fill(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in ["PORT1", "PORT2"].map(str::to_owned) {
            if !text.contains(&name) {
                continue;
            }
            let known = self.ports.iter().find(|(n, _)| *n == name).map(|p| p.1);
            let port = known.unwrap_or_else(|| {
                let port = free_port();
                self.ports.push((name.clone(), port));
                port
            });
            text = text.replace(&name, &port.to_string());
        }
        text
    }

    fn write(&mut self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, self.fill(text)).unwrap();
        if text.starts_with("#!") {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&path, mode).unwrap();
        }
    }

    fn bin(&self) -> PathBuf {
        self.dir.path().join("bin")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path().join("work"));
        command.stdin(Stdio::null());
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.bin().display()));
        command.envs(self.env.iter().cloned());
        command
    }

    fn run(&self, mut command: Command, input: Option<&str>) -> (i32, String) {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let Some(text) = input {
            let mut stdin = child.stdin.take().unwrap();
            // One that ends early does not read all.
            let _ = stdin.write_all(text.as_bytes());
        }
        let done = child.wait_with_output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let link = format!("{}/", self.bin().display());
        (done.status.code().unwrap_or(-1), text.replace(&link, ""))
    }

    fn program(&self, name: &str, args: &[&str], input: Option<&str>) -> String {
        let link = self.bin().join(name);
        let mut command = self.command(link.to_str().unwrap());
        command.args(args);
        let (code, text) = self.run(command, input);
        format!("{code}\n{text}")
    }

    fn ctl(&self, args: &[&str], input: Option<&str>) -> String {
        self.program(
            "supervisorctl",
            &[&["-c", "s.conf"][..], args].concat(),
            input,
        )
    }

    fn script(&self, script: &str) -> (i32, String) {
        let mut command = self.command("sh");
        command.args(["-c", script]);
        self.run(command, None)
    }

    fn start(&mut self, args: &[&str]) {
        let link = self.bin().join("supervisord");
        let mut command = self.command(link.to_str().unwrap());
        let file = |name: &str| std::fs::File::create(self.dir.path().join("work").join(name));
        command.stdout(file("out").unwrap());
        command.stderr(file("err").unwrap());
        command.args(["-n", "-c", "s.conf"]).args(args);
        let mut daemon = command.spawn().unwrap();
        let socket = self.dir.path().join("work/s.sock");
        let call = call("supervisor.getState", None);
        wait(|| {
            let answers = post(&socket, "/RPC2", &call).is_some();
            (answers || daemon.try_wait().unwrap().is_some()).then_some(())
        });
        self.daemon = Some(daemon);
    }

    fn step(&mut self, words: &[&str]) -> String {
        let dir = self.dir.path().join("work");
        let socket = dir.join("s.sock");
        match words {
            ["start", args @ ..] => {
                self.start(args);
                String::new()
            }
            ["daemon", args @ ..] => self.program("supervisord", args, None),
            ["ctl", args @ ..] => self.ctl(args, None),
            ["bare", args @ ..] => self.program("supervisorctl", args, None),
            ["type", text, args @ ..] => self.ctl(args, Some(text)),
            ["prose", args @ ..] => {
                let text = self.ctl(args, None);
                text.lines().take(2).collect::<Vec<_>>().join("\n")
            }
            ["sh", script] => {
                let (code, text) = self.script(script);
                format!("{code}\n{text}")
            }
            ["until", script] => {
                let seen = wait(|| Some(self.script(script)).filter(|(code, _)| *code == 0));
                seen.map_or("never".into(), |(_, text)| text)
            }
            ["write", name, text] => {
                self.write(&format!("work/{name}"), text);
                String::new()
            }
            ["web", text] => {
                let port = self.ports.iter().find(|(n, _)| n == "PORT1").unwrap().1;
                let stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (status, head, body) = exchange(stream, text.as_bytes()).unwrap();
                let head = head.to_lowercase();
                let asks = head.lines().find(|l| l.starts_with("www-authenticate:"));
                format!("HTTP {status}\n{}\n{body}", asks.unwrap_or_default())
            }
            ["post", to, body] => {
                let answer = post(&socket, to, body);
                answer.map_or("no answer".into(), |(status, body)| {
                    format!("HTTP {status}\n{body}")
                })
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

/// What was answered otherwise; nothing where the recording needs root.
fn replay(file: &Path) -> Option<Vec<String>> {
    let recording: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let name = file.file_stem().unwrap().to_string_lossy();
    if recording.get("root").is_some() && !nix::unistd::getuid().is_root() {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("bin")).unwrap();
    for name in ["supervisord", "supervisorctl"] {
        let link = dir.path().join("bin").join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gxdeploy"), link).unwrap();
    }
    let mut stage = Stage {
        dir,
        daemon: None,
        env: texts(recording.get("env")),
        ports: Vec::new(),
    };
    for (name, text) in texts(recording.get("files")) {
        stage.write(&format!("work/{name}"), &text);
    }
    let mut wrong = Vec::new();
    for step in recording["steps"].as_array().unwrap() {
        let words = step["do"].as_array().unwrap();
        let words: Vec<String> = words
            .iter()
            .map(|w| stage.fill(w.as_str().unwrap()))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = stage.step(&words);
        let mut answer = normal(&answer, &stage.dir.path().join("work"), &stage.ports);
        if step.get("sorted").is_some() {
            let mut lines: Vec<&str> = answer.split('\n').collect();
            lines.sort_unstable();
            answer = lines.join("\n");
        }
        // An answer nearer to the original than the recorded one is no fault.
        let wanted = step["answer"].as_str().unwrap();
        let ours = step.get("ours").map(|o| o.as_str().unwrap());
        if answer != wanted && Some(answer.as_str()) != ours {
            let wanted = ours.unwrap_or(wanted);
            wrong.push(format!(
                "{name} {words:?}\n  wanted {wanted:?}\n  got    {answer:?}"
            ));
        }
    }
    Some(wrong)
}

fn texts(map: Option<&Value>) -> Vec<(String, String)> {
    let map = map.and_then(Value::as_object).into_iter().flatten();
    map.map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()))
        .collect()
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
    // Most of the time is waiting; but too many at once would wait for the processor.
    let files = std::sync::Mutex::new(files);
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some(file) = files.lock().unwrap().pop() else {
                        return;
                    };
                    match replay(&file) {
                        Some(found) => wrong.lock().unwrap().extend(found),
                        None => println!("skipped {}: needs root", file.display()),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
