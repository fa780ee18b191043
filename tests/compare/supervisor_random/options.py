"""One option at a time, each of its values in turn: seed N is the Nth of them all."""
from supervisor_scenarios.base import HEAD, rpc, scenario
from . import values as v
from .configs import ENV, KINDS, NEEDED, NAMES

OWN = {"command": "/bin/cat", "socket": "unix://%(here)s/f.sock", "events": "TICK_60", "programs": "a", "file": "%(here)s/t.sock", "port": "PORT1", "files": "sub/*.conf"}
# Options of the same kind of value: one of them has all the odd ones.
WORDY = {"command", "process_name", "numprocs", "autostart", "autorestart", "startsecs", "exitcodes", "stopsignal", "user", "environment", "directory", "umask", "stdout_logfile", "stdout_logfile_maxbytes", "serverurl",
    "events", "socket", "socket_owner", "socket_mode", "programs", "port", "username", "file", "chmod", "chown", "logfile", "loglevel", "identifier", "childlogdir", "files"}

def every():
    seen = set()
    for kind, options in KINDS.items():
        for option, values in options.items():
            program = option in KINDS["program"]
            if kind in ("eventlistener", "fcgi-program") and program or option == "result_handler" or option.startswith("stderr_") or kind == "rpcinterface":
                continue
            odd = v.WORDS if option in WORDY and (kind, option) not in seen else []
            few = values if option in WORDY or id(values) not in seen else values[::4]
            seen |= {(kind, option), id(values)}
            yield from ((kind, option, value) for value in dict.fromkeys(few + odd))

ALL = list(every())

def case(seed):
    kind, option, value = ALL[seed % len(ALL)]
    name = NAMES[kind][0] if kind in NAMES else None
    needed = "".join(f"{n}={OWN[n]}\n" for n in NEEDED[kind] if n != option)
    quiet = "autostart=false\n" if kind in ("program", "eventlistener", "fcgi-program") and option != "autostart" else ""
    text = f"[{kind}{':' if name else ''}{name or ''}]\n{needed}{quiet}{option}={value}\n"
    if kind == "group":
        text += "[program:a]\ncommand=/bin/cat\nautostart=false\n[program:b]\ncommand=/bin/cat\nautostart=false\n"
    log = ["sh", "sed 's/^[^,]*,[0-9]* //' s.log | grep '^\\(CRIT\\|ERRO\\|WARN\\|INFO\\) ' | grep -v 'spawned:\\|success:\\|exited:\\|gave up\\|stopped:\\|waiting\\|spawnerr'"]
    included = "[program:%s]\ncommand=/bin/cat\nautostart=false\n"
    return scenario(f"options_{seed}", HEAD + text, [["try"], log, rpc("supervisor.getAllConfigInfo"), ["info"]], ENV,
        **{"sub/a__conf": included % "ia", "sub/b__conf": included % "ib", "sub/.h__conf": included % "ih", "x__inc": included % "ix"})
