"""One side of a scenario: its files, its steps, and what they answer."""
import difflib, json, os, pathlib, re, signal, socket, subprocess, sys, tempfile, time, xmlrpc.client

ROOT = pathlib.Path(__file__).resolve().parents[3]
NORMAL = [
    (r"(?m)^((?:\w+> )?(?:Error: .* (?:arguments|name)|ERROR: no process name supplied))\n(?:(?!\w+> ).*(?:\n|$))*", r"\1\n"),
    (r": file: \S+ line: \d+", ": file: FILE line: N"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME"),
    (r"\b\d{4}-\d\d-\d\d\b", "DAY"),
    (r"\bpid:?(<[^>]*>)?\s?[1-9]\d*", "pid N"),
    (r"uptime \d+:\d\d:\d\d", "uptime U"),
    (r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "WHEN"),
    (r"<int>\d{3,}</int>", "<int>N</int>"),
    (r"\(\d{3,}\)", "(N)"),
    (r"(---\w+-)\w{8}\.log", r"\1X.log"),
    (r"(?m)^(\w+> )?\d{3,}$", r"\1N"),
    (r"\blen:\d+", "len:N"),
    (r"Available names: .*?( in section|\n|$)", r"Available names: NAMES\1"),
]
# Seconds until a daemon that says nothing has not answered.
PATIENCE = float(os.environ.get("PATIENCE", 30))
LINES = int(os.environ.get("LINES_SHOWN", 12))

# A row of docs/supervisor.md and what it means for an answer.
RELAXED = [
    ("Python's error lines", r"(?m)^error: <class 'xmlrpc.client.ProtocolError'>.*\n", ""),
    ("Python's error lines", r"error: <class '[^']*'>, <Fault \d+: ([\"'])(.*)\1>: file: \S+ line: \w+", r"error: \2"),
    ("no server, in `update`, `reread`, `avail`, `add`, `remove`, `reload`", r"(?m)^(error: <class 'FileNotFoundError'>.*|unix://\S+ no such file)$", "no such file"),
    ("Python's error lines", r"error: <class '[^']*'>, (.*): file: \S+ line: \w+", r"error: \1"),
]

def relaxed(a, b):
    """The row that explains the difference, where it is one that is general."""
    row = None
    for why, pattern, to in RELAXED:
        before = (a, b)
        a, b = re.sub(pattern, to, a), re.sub(pattern, to, b)
        row = why if (a, b) != before else row
    return row if a == b else None

def normal(text, directory, ports):
    text = text.replace(str(directory), "DIR")
    for name, port in ports.items():
        text = text.replace(str(port), name)
    for pattern, to in NORMAL:
        text = re.sub(pattern, to, text)
    return text

def http(address, request):
    s = socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX)
    s.settimeout(PATIENCE)
    s.connect(address)
    s.sendall(request)
    data = b""
    while True:
        part = s.recv(65536)
        if not part:
            break
        data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length and len(body) >= int(length[1]):
            break
    s.close()
    head, _, body = data.partition(b"\r\n\r\n")
    status = head.split(b" ")[1].decode() if b" " in head else ""
    return status, head.decode("latin-1"), body.decode("utf-8", "replace")

def exchange(address, request):
    """All answers to what may be several requests, until the server closes or says no more: what they say, in short."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(min(PATIENCE, 1.5))
    data, end = b"", "closes"
    try:
        s.connect(address)
        s.sendall(request)
        while part := s.recv(65536):
            data += part
    except TimeoutError:
        end = "stays open"
    except OSError as e:
        end = "closes" if isinstance(e, (BrokenPipeError, ConnectionResetError)) else type(e).__name__
    s.close()
    out = []
    for answer in re.split(rb"(?=HTTP/1\.[01] \d{3} )", data)[1:] or [data]:
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        kept = sorted(l.lower() for l in lines[1:] if re.match(r"(?i)(content-type|connection|transfer-encoding|www-authenticate|allow):", l))
        plain = any("xml" in l for l in kept)
        out += [lines[0], *kept, body.decode("utf-8", "replace") if plain else f"{len(body) > 0}"]
    return "\n".join([*out, end])

def post(path, to, body):
    body = body.encode()
    head = f"POST {to} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return http(str(path), head.encode() + body)

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]

def alive(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True

class Stage:
    """One side of one scenario, in a directory of its own."""

    def __init__(self, scenario, commands, other):
        self.scenario, self.commands, self.other = scenario, commands, other
        self.daemon = None
        self.ports = {}

    def run(self):
        with tempfile.TemporaryDirectory() as directory:
            self.d = pathlib.Path(directory)
            for name, text in self.scenario["files"].items():
                self.write(name, text)
            self.env = self.environment()
            self.env["PATH"] = ":".join([str(self.commands), os.environ["PATH"], os.environ["SUPERVISOR_ORIGINAL"]])
            try:
                answers = []
                for step in self.scenario["steps"]:
                    try:
                        answer = self.step([self.fill(word) for word in step])
                    except (OSError, IndexError, subprocess.TimeoutExpired) as e:
                        answer = f"fails: {type(e).__name__}"
                    answer = normal(answer, self.d, self.ports)
                    if id(step) in self.scenario["sorted"]:
                        answer = "\n".join(sorted(answer.split("\n")))
                    answers.append(answer)
                return answers
            finally:
                self.finish()

    def environment(self):
        return {**os.environ, **self.scenario.get("env", {})}

    def fill(self, text):
        for name in re.findall(r"PORT\d", text):
            self.ports.setdefault(name, free_port())
            text = text.replace(name, str(self.ports[name]))
        return text

    def write(self, name, text):
        path = self.d / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # A byte that is no UTF-8 stands in the text as a lone surrogate.
        path.write_bytes(self.fill(text).encode("utf-8", "surrogateescape"))
        if text.startswith("#!"):
            path.chmod(0o755)

    def finish(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
        try:
            pid = int((self.d / "s.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            self.wait(lambda: not alive(pid))
        except (OSError, ValueError):
            pass

    def wait(self, ready):
        return self.wait_for(ready, 600)

    def wait_for(self, ready, times):
        for _ in range(times):
            try:
                got = ready()
                if got:
                    return got
            except (OSError, IndexError):
                pass
            time.sleep(0.05)
        return None

    def answers(self):
        return post(self.d / "s.sock", "/RPC2", CALL("supervisor.getState"))

    def program(self, name, args, commands=None, text=None, limit=120):
        command = (commands or self.commands) / name
        given = {"input": text} if text is not None else {"stdin": subprocess.DEVNULL}
        try:
            done = subprocess.run([command, *args], cwd=self.d, env=self.env, text=True, capture_output=True, timeout=limit, **given)
        except subprocess.TimeoutExpired:
            return "does not end"
        return f"{done.returncode}\n{done.stdout + done.stderr}".replace(str(command), name)

    def script(self, words):
        done = subprocess.run(words, cwd=self.d, env=self.env, text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        text = done.stdout + done.stderr
        return done.returncode, text.replace(f"{self.commands}/", "")

    def step(self, step):
        kind, args = step[0], step[1:]
        d = self.d
        if kind in ("start", "try"):
            with open(d / "out", "w") as out, open(d / "err", "w") as err:
                self.daemon = subprocess.Popen([self.commands / "supervisord", "-n", "-c", "s.conf", *args], cwd=d, env=self.env,
                    stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            self.wait(lambda: self.daemon.poll() is not None or self.answers())
            if kind == "try" and self.daemon.poll() is not None:
                text = (d / "err").read_text(errors="replace").replace(f"{self.commands}/", "")
                return f"{self.daemon.returncode}\n{text}"
            return ""
        if kind == "info":
            _, _, body = post(d / "s.sock", "/RPC2", CALL("supervisor.getAllProcessInfo"))
            keys = ("group", "name", "logfile", "stdout_logfile", "stderr_logfile")
            return "\n".join(" ".join(str(p[k]) for k in keys) for p in xmlrpc.client.loads(body)[0][0])
        if kind == "daemon":
            return self.program("supervisord", args, limit=15)
        if kind == "ctl":
            return self.program("supervisorctl", ["-c", "s.conf", *args])
        if kind == "bare":
            return self.program("supervisorctl", args)
        if kind == "cross":
            return self.program("supervisorctl", ["-c", "s.conf", *args], self.other)
        if kind == "type":
            return self.program("supervisorctl", ["-c", "s.conf", *args[1:]], text=args[0])
        if kind == "prose":
            return "\n".join(self.program("supervisorctl", ["-c", "s.conf", *args]).splitlines()[:2])
        if kind == "post":
            status, _, body = post(d / "s.sock", *args)
            return f"HTTP {status}\n{body}"
        if kind == "raw":
            return "HTTP " + http(str(d / "s.sock"), args[0].encode())[0]
        if kind == "bytes":
            return exchange(str(d / "s.sock"), args[0].encode("utf-8", "surrogateescape"))
        if kind == "web":
            status, head, body = http(("127.0.0.1", self.ports["PORT1"]), args[0].encode())
            asks = re.search(r"(?im)^www-authenticate:.*?$", head)
            return f"HTTP {status}\n{asks[0].strip().lower() if asks else ''}\n{body}"
        if kind in ("sh", "python"):
            words = ["sh", "-c"] if kind == "sh" else [sys.executable, "-c"]
            return "{}\n{}".format(*self.script([*words, args[0]]))
        if kind == "until":
            def ready():
                code, text = self.script(["sh", "-c", args[0]])
                return [text] if code == 0 else None
            return (self.wait(ready) or ["never"])[0]
        if kind == "settle":
            name, state = args
            call = CALL("supervisor.getProcessInfo", name)
            seen = self.wait(lambda: f"<string>{state}</string>" in post(d / "s.sock", "/RPC2", call)[2])
            return "" if seen else f"never {state}"
        if kind == "grep":
            def lines():
                text = (d / args[0]).read_text(errors="replace")
                return "\n".join(l for l in text.splitlines() if re.search(args[1], l))
            return self.wait(lines) or "none"
        if kind == "write":
            self.write(*args)
            return ""
        if kind == "signal":
            self.daemon.send_signal(getattr(signal, "SIG" + args[0]))
            return ""
        if kind == "end":
            return str(self.daemon.wait(60))
        raise ValueError(kind)

def CALL(method, *params):
    return xmlrpc.client.dumps(params, method)

def difference(a, b):
    """The lines that only one of them has, - the original's."""
    lines = difflib.ndiff(a.split("\n"), b.split("\n"))
    lines = ["  " + line for line in lines if line[:1] in "+-"]
    return "\n".join(lines[:LINES] + ["  ..."] * (len(lines) > LINES))

def decisions():
    text = (ROOT / "docs/supervisor.md").read_text()
    return [row.split("|")[1].strip() for row in text.splitlines() if row.count("|") > 3]
