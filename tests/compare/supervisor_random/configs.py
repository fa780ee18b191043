"""Random configurations: what is refused and how; what a good one comes to, and an edit of it."""
import random
from supervisor_scenarios.base import HEAD, rpc, scenario
from . import values as v

PROGRAM = {"command": v.COMMANDS, "process_name": v.NAMES, "numprocs": v.SMALL, "numprocs_start": v.SMALL, "priority": v.PRIORITIES, "autostart": v.BOOLEANS, "autorestart": v.RESTARTS,
    "startsecs": v.NUMBERS, "startretries": v.NUMBERS, "exitcodes": v.CODES, "stopsignal": v.SIGNALS, "stopwaitsecs": v.NUMBERS, "stopasgroup": v.BOOLEANS, "killasgroup": v.BOOLEANS,
    "user": v.USERS, "redirect_stderr": v.BOOLEANS, "environment": v.ENVIRONMENTS, "directory": v.DIRECTORIES, "umask": v.OCTALS, "serverurl": v.URLS,
    **{f"{c}_{o}": values for c in ("stdout", "stderr") for o, values in {"logfile": v.LOGS, "logfile_maxbytes": v.BYTES, "logfile_backups": v.NUMBERS, "capture_maxbytes": v.BYTES, "events_enabled": v.BOOLEANS, "syslog": v.BOOLEANS}.items()}}
KINDS = {
    "program": PROGRAM,
    "eventlistener": {**PROGRAM, "events": v.EVENTS, "buffer_size": v.NUMBERS, "result_handler": ["supervisor.dispatchers:default_handler"]},
    "fcgi-program": {**PROGRAM, "socket": v.SOCKETS, "socket_mode": v.OCTALS, "socket_owner": v.OWNERS, "socket_backlog": v.NUMBERS},
    "group": {"programs": ["a", "a,b", " b , a ", "a b", "", ",", "a,", "a,a", "zz", "f", "l", "%(ENV_A)s", "%(nope)s", "A", "a\n b", "a,\n b", "b;a", "program:a"], "priority": v.PRIORITIES},
    "supervisord": {"logfile": v.FILES, "logfile_maxbytes": v.BYTES, "logfile_backups": v.NUMBERS, "loglevel": v.LEVELS, "pidfile": v.FILES, "umask": v.OCTALS, "nodaemon": v.BOOLEANS, "silent": v.BOOLEANS,
        "minfds": ["64", "1024", "x", "", " 200", "-1", "0"], "minprocs": ["10", "200", "x", "", "-1", "0"], "nocleanup": v.BOOLEANS, "childlogdir": v.DIRECTORIES, "user": ["root", "0", "no-such", "99999", "", " root"], "directory": v.DIRECTORIES,
        "strip_ansi": v.BOOLEANS, "environment": v.ENVIRONMENTS, "identifier": v.WORDS},
    "unix_http_server": {"file": ["%(here)s/t.sock", "t.sock", "/no/such/t.sock", "", "%(nope)s", "~/t.sock", "%(here)s", "%(here)s/%(ENV_TOP)s.sock"], "chmod": v.OCTALS, "chown": v.OWNERS, "username": v.PASSWORDS, "password": v.PASSWORDS},
    "inet_http_server": {"port": v.PORTS, "username": v.PASSWORDS, "password": v.PASSWORDS},
    "rpcinterface": {"supervisor.rpcinterface_factory": ["supervisor.rpcinterface:make_main_rpcinterface"]},
    "include": {"files": v.INCLUDES},
}
NEEDED = {"program": ["command"], "eventlistener": ["command", "events"], "fcgi-program": ["command", "socket"], "group": ["programs"], "unix_http_server": ["file"], "inet_http_server": ["port"], "include": ["files"], "rpcinterface": ["supervisor.rpcinterface_factory"], "supervisord": []}
NAMES = {"program": ["a", "b", "c", " a ", "a b", "a:b", "é", "", "A", "a/b", "x-1_2.3", "%(here)s", "a]b", "*", "a\t"], "group": ["g", "a", "h", "g x", "", " g", "g:x"], "eventlistener": ["l", "a", "l:x"], "fcgi-program": ["f", "b", " f"], "rpcinterface": ["other", "supervisor2"], "unix_http_server": ["t", "", "t:u"], "inet_http_server": ["i", ""]}
ENV = {"TOP": "top", "N": "2", "T": "true", "S": "HUP", "U": "root", "P": "p", "E": "TICK_60", "L": "info", "X": "9", "PERCENT": "5%"}
# What comes first in the list of an option is good.
GOOD = {id(values): n for values, n in ((v.COMMANDS, 6), (v.NAMES, 1), (v.SMALL, 2), (v.NUMBERS, 5), (v.BYTES, 6), (v.BOOLEANS, 10), (v.SIGNALS, 10), (v.CODES, 3), (v.OCTALS, 2), (v.USERS, 2), (v.OWNERS, 3), (v.PRIORITIES, 6), (v.RESTARTS, 5),
    (v.LOGS, 11), (v.ENVIRONMENTS, 4), (v.EVENTS, 6), (v.SOCKETS, 1), (v.URLS, 4), (v.LEVELS, 6), (v.PORTS, 5), (v.PASSWORDS, 2), (v.DIRECTORIES, 2), (v.FILES, 2), (v.INCLUDES, 5), (v.WORDS, 1))}

def value(rng, values, odd):
    if rng.random() < odd:
        return rng.choice(rng.choice([values, values, values, v.WORDS]))
    return rng.choice(values[:GOOD.get(id(values), 1)])

def option(rng, name, text, odd):
    """An option as somebody might write it."""
    if rng.random() > 2 * odd:
        return f"{name}={text}\n"
    if rng.random() < 0.1:
        name = rng.choice([name.upper(), name.title(), name + " ", name + "\t"])
    between = rng.choice(["="] * 8 + [" = ", ":", ": ", " :", "=  ", "= :", "=\n  "])
    behind = rng.choice([""] * 14 + [" ", " ; c", " # c", ";c", "\t", " ;", "\n", "\n  ; c", "\n  more", "\n;c\n  more", "\n\n  more"])
    return name + between + text + behind + "\n"

def section(rng, kind, name, odd):
    options = KINDS[kind]
    chosen = [n for n in NEEDED[kind] if rng.random() < 0.97] + rng.sample(sorted(options), min(len(options), rng.choice([0, 0, 1, 1, 2, 3, 5])))
    if kind in ("program", "fcgi-program", "eventlistener") and rng.random() < 0.9:
        chosen.append("autostart")
    head = f"[{kind}{':' if name is not None else ''}{name or ''}]\n"
    lines = []
    for o in chosen:
        text = "false" if o == "autostart" and rng.random() < 0.8 else value(rng, options[o], odd)
        lines.append(option(rng, o, text, odd))
    return head + "".join(lines)

def sections(rng, odd):
    out = []
    for kind in rng.choices(["program", "group", "eventlistener", "fcgi-program", "supervisord", "unix_http_server", "inet_http_server", "rpcinterface", "include"], [8, 2, 2, 2, 3, 1, 1, 0.3, 1.5], k=rng.choice([1, 1, 2, 2, 3, 4])):
        name = rng.choice(NAMES[kind][: None if rng.random() < odd else 2]) if kind in NAMES else None
        out.append(section(rng, kind, name, odd))
    return out

def damage(rng, text):
    """One thing that happens to files."""
    lines = text.splitlines(True) or ["\n"]
    at = rng.randrange(len(lines))
    kind = rng.choice(["bom", "crlf", "cr", "indent", "unindent", "twice", "gone", "insert", "drop", "swap", "junk", "nul", "latin", "default", "comment", "join", "vt", "nbsp", "end"])
    if kind == "bom":
        return "\ufeff" + text
    if kind == "crlf":
        return text.replace("\n", "\r\n")
    if kind == "end":
        return text.rstrip("\n")
    line = lines[at]
    if kind in ("cr", "vt", "nbsp"):
        mark = {"cr": "\r", "vt": rng.choice("\v\f\x1c\x1d\x1e\x85\u2028\u2029"), "nbsp": rng.choice("\u00a0\u3000\u2003")}[kind]
        n = rng.randrange(len(line))
        lines[at] = line[:n] + mark + line[n:]
    elif kind == "indent":
        lines[at] = rng.choice([" ", "\t", "    "]) + line
    elif kind == "unindent":
        lines[at] = line.lstrip(" \t")
    elif kind == "twice":
        lines.insert(rng.randrange(len(lines) + 1), line)
    elif kind == "gone":
        del lines[at]
    elif kind in ("insert", "nul", "latin"):
        n = rng.randrange(len(line))
        mark = {"insert": rng.choice("%;#:=[]\"'\t ,\\()\n"), "nul": rng.choice("\0\x01\x1b\x7f"), "latin": "\udce9"}[kind]
        lines[at] = line[:n] + mark + line[n:]
    elif kind == "drop":
        n = rng.randrange(len(line))
        lines[at] = line[:n] + line[n + 1:]
    elif kind == "swap":
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "junk":
        lines.insert(at, rng.choice(["junk\n", "= x\n", ": x\n", "[\n", "]\n", "[]\n", "[ ]\n", "[[a]]\n", "[a]]\n", "[a] x\n", "[a];\n", "[a\n", " [a]\n", "[program:a] ; c\n", "x\n", "x=\n", "x:\n", "x = y = z\n", "%\n", "rem x\n", "REM\n", "--\n", "[DEFAULT]\n", "\t\n", "a b = c\n", "[]a]\n", "[program:a]x\n"]))
    elif kind == "default":
        lines.insert(0, "[DEFAULT]\n" + rng.choice(["autostart=false", "priority=3", "command=/bin/cat", "x=%", "environment=A=\"1\"", "file=%(here)s/d.sock", "programs=a", "files=sub/*.conf", "port=PORT1", "directory=/tmp", "loglevel=debug"]) + "\n")
    elif kind == "comment":
        lines[at] = rng.choice([";", "#", "; ", " #"]) + line
    elif kind == "join":
        lines[at] = line.rstrip("\n")
    return "".join(lines)

def text(rng, odd, base):
    whole = base + "".join(sections(rng, odd))
    for _ in range(rng.choice([0, 0, 0, 1, 2]) if odd else 0):
        # The first lines stay: without them nobody answers.
        whole = base + damage(rng, whole[len(base):]) if rng.random() < 0.8 and len(whole) > len(base) else whole
    return whole

def edit(rng, before, odd):
    """The file as somebody leaves it."""
    parts = before[len(HEAD):].split("\n[")
    kind = rng.choice(["add", "add", "gone", "value", "damage", "nothing", "order"])
    if kind == "gone" and len(parts) > 1:
        del parts[rng.randrange(len(parts))]
    elif kind == "order":
        rng.shuffle(parts)
    rest = "\n[".join(parts)
    if kind == "damage":
        rest = damage(rng, rest)
    if kind == "add":
        rest = rest.rstrip("\n") + "\n" + "".join(sections(rng, odd))
    if kind == "value" and "[program" in rest:
        o = rng.choice(sorted(PROGRAM))
        rest = rest.rstrip("\n") + "\n" + option(rng, o, value(rng, PROGRAM[o], odd), odd)
    return HEAD + rest

def case(seed):
    rng = random.Random(f"configs {seed}")
    odd = rng.choice([0, 0.02, 0.05, 0.15, 0.3])
    files = {}
    for name in ("sub/a.conf", "sub/b.conf", "x.inc", "sub/.h.conf"):
        if rng.random() < 0.5:
            files[name] = "".join(sections(rng, odd))
    if odd and rng.random() < 0.1:
        files = {name: damage(rng, t) for name, t in files.items()}
    first = text(rng, odd, HEAD)
    log = ["sh", "sed 's/^[^,]*,[0-9]* //' s.log | grep '^\\(CRIT\\|ERRO\\|WARN\\|INFO\\) ' | grep -v 'spawned:\\|success:\\|exited:\\|gave up\\|stopped:\\|waiting\\|spawnerr\\|UNKNOWN state'"]
    steps = [["try"], log, rpc("supervisor.getAllConfigInfo"), ["info"], ["write", "s.conf", edit(rng, first, odd)], ["type", "reread\navail\nupdate\navail\npid\nversion\n"], rpc("supervisor.getAllConfigInfo"), ["info"], log]
    return scenario(f"configs_{seed}", first, steps, ENV, **{n.replace(".", "__"): t for n, t in files.items()})
