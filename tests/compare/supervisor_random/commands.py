"""Random lines of supervisorctl, in its shell and as arguments, and what is there afterwards."""
import random
from supervisor_scenarios.base import HEAD, scenario

PROGRAMS = HEAD + """[program:s]
command=/bin/sleep 1000
startsecs=0
stderr_logfile=NONE
[program:t]
command=/no/such
autostart=false
startsecs=0
[program:k]
command=/bin/cat
autostart=false
startsecs=0
[program:m]
command=/bin/sleep 1000
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
[program:x]
command=/bin/sleep 1000
startsecs=0
[program:y]
command=/bin/sleep 1000
startsecs=0
priority=5
autostart=false
[group:gx]
programs=x,y
priority=3
[eventlistener:l]
command=/bin/cat
events=TICK_3600
autostart=false
startsecs=0
"""
ADDED = "[program:n]\ncommand=/bin/sleep 1000\nstartsecs=0\n"
NAMES = ["s", "t", "k", "m", "m:m_00", "m:m_01", "m:*", "gx", "gx:*", "gx:x", "gx:y", "x", "all", "l", "l:l", "zz", "zz:*", "zz:z", "m:", ":", "::", ":m_00", "*", "*:*", "m:m_00:x", "gx:zz", "n", "s:s", "s:*", "S", "é", "all:*", "-", "--", "''", "\"s\"", "m:m_00,s", "'s", "s;", "\\s", "gx:x*"]
# Such as end nothing: when the end is seen is a matter of time.
SIGNALS = ["CONT", "SIGCONT", "18", "cont", "99", "FOO", "", "WINCH", "SIGWINCH", "28", "SIG", "-9", "URG"]
WORDS = ["stdout", "stderr", "stdin", "-f", "-5", "-0", "-5x", "-", "--5", "-f5", "5", "0", "-1 -2", "x", "http://localhost:1", "unix:///no/such", "-99999999999999999999"]
VERBS = ["status", "start", "stop", "restart", "signal", "pid", "avail", "reread", "update", "add", "remove", "clear", "tail", "maintail", "version", "fg", "open", "help", "shutdown", "reload", "exit", "quit", "EOF", "foo", "?", "!ls", "STATUS", "stat", "status;", "", " ", ";", "#", "-h", "--help", "status status", "é"]
WEIGHTS = [6, 6, 6, 4, 4, 4, 2, 2, 3, 3, 3, 3, 4, 1, 1, 1, 0.5, 1, 0.3, 0.3, 0.3, 0.3, 0.3, 1, 0.3, 0.3, 0.5, 0.5, 0.3, 0.3, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]

def words(rng, verb):
    names = rng.choices(NAMES, [4] * 16 + [1] * (len(NAMES) - 16), k=rng.choice([0, 1, 1, 1, 1, 2, 2, 3]))
    if verb == "signal":
        return rng.sample(SIGNALS, rng.choice([0, 1, 1, 1, 1, 2])) + names
    if verb in ("tail", "maintail", "fg", "open"):
        return [w for w in rng.choices(WORDS, k=rng.choice([0, 0, 1])) if w != "-f"] + names[:2] + [w for w in rng.choices(WORDS, k=rng.choice([0, 0, 1])) if w != "-f"]
    if verb in ("version", "reread", "avail", "EOF", "exit", "quit") and rng.random() < 0.7:
        return []
    if verb in ("shutdown", "reload"):
        return [rng.choice(["x", "now", "y"])]
    if rng.random() < 0.05:
        return rng.choices(WORDS, k=2)
    return names

def line(rng, shell):
    verb = rng.choices(VERBS, WEIGHTS)[0]
    out = [verb, *words(rng, verb)]
    # Follows a log, or a program's, until somebody ends it.
    if verb in ("fg", "open") and len(out) < 3 or "-f" in out:
        out = ["status", "s"]
    if not shell:
        return [w for w in out if w]
    return rng.choice(["", "", "", "", " ", "\t"]) + rng.choice([" ", " ", " ", "  ", "\t"]).join(out) + rng.choice(["", "", "", "", " ", "  "])

def shell(rng):
    return "".join(line(rng, True) + "\n" for _ in range(rng.choice([5, 10, 15])))

def case(seed):
    rng = random.Random(f"commands {seed}")
    steps = [["try"], ["settle", "s", "RUNNING"], ["settle", "gx:x", "RUNNING"]]
    for _ in range(rng.choice([3, 5, 7])):
        kind = rng.random()
        if kind < 0.5:
            steps.append(["type", shell(rng)])
        elif kind < 0.9:
            steps.append(["ctl", *line(rng, False)])
        else:
            text = rng.choice([PROGRAMS, PROGRAMS + ADDED, PROGRAMS.replace("[group:gx]\nprograms=x,y", "[group:gx]\nprograms=x"), PROGRAMS.replace("1000\nprocess", "1001\nprocess"), PROGRAMS.replace("numprocs=2", "numprocs=3"), PROGRAMS + "[program:q]\n", PROGRAMS.replace("priority=3", "priority=4"), PROGRAMS.split("[program:t]")[0]])
            steps.append(["write", "s.conf", text])
    log = ["sh", "sed 's/^[^,]*,[0-9]* //' s.log | grep '^\\(CRIT\\|ERRO\\|WARN\\|INFO\\) ' | grep -v 'stopped:\\|waiting\\|exited:\\|Closing\\|success:'"]
    return scenario(f"commands_{seed}", PROGRAMS, [*steps, ["ctl", "status"], ["ctl", "avail"], log])
