"""Programs that were written for supervisord: superlance's listeners, Python's xmlrpc.client. They need Python, so none is recorded."""
import pathlib, re
from .base import *

def options():
    """The names of all options of docs/supervisor.md that supervisord does not have."""
    text = (pathlib.Path(__file__).resolve().parents[3] / "docs/supervisor.md").read_text()
    rows = text[text.index("Options of `[program:x]`"):text.index("```\n[program:galaxy]")].splitlines()
    cells = [row.split(" | ")[:2] for row in rows if row.startswith("| `")]
    found = {name for first, second in cells for name in re.findall(r"`([a-z]+_[a-z_]+)\b", first + second)}
    limits = next(row for row in rows if "limit_nofile" in row)
    return found | {f"limit_{name}" for name in re.findall(r"`([a-z]+)`", limits) if name != "unlimited"}

def live(*args, **files):
    return {**scenario(*args, **files), "recorded": False}

def listener(name, command, events, more=""):
    return f"[eventlistener:{name}]\ncommand={command}\nevents={events}\n{more}"

def scenarios():
    mail = "#!/bin/sh\ncat > mail.$$.tmp\nmv mail.$$.tmp mail.$(date +%s%N)\n"
    crash = "[program:c]\ncommand=/bin/sh -c 'sleep 2; exit 3'\nautorestart=false\n"
    yield live("crashmail", HEAD + crash + listener("l", "crashmail -m a@b -s %(here)s/mail", "PROCESS_STATE_EXITED"),
        [["start"], ["settle", "c", "EXITED"], ["until", "ls mail.[0-9]* > /dev/null"], ["sh", "sed 's/pid [0-9]*/pid N/; s/at [0-9T:, .-]*/at T/' mail.[0-9]* | grep -v Date"], ["ctl", "status"]], mail=mail)
    fatal = "[program:f]\ncommand=/bin/sh -c 'exit 1'\nstartretries=0\n"
    yield live("batches", HEAD + fatal + crash + listener("b", "fatalmailbatch --toEmail a@b --fromEmail c@d --sendmail-cmd %(here)s/mail --interval 0.05", "PROCESS_STATE,TICK_5") + listener("c", "crashmailbatch --toEmail a@b --fromEmail c@d --interval 0.05", "PROCESS_STATE,TICK_5"),
        [["start"], ["settle", "b", "RUNNING"], ["settle", "c:c", "RUNNING"], ["settle", "f", "FATAL"], ["sh", "sleep 6; grep 'UNKNOWN state' s.log | cut -d' ' -f3-"], ["ctl", "status", "b", "f"]], mail=mail)
    yield live("memmon", HEAD + SLEEP + listener("l", "memmon -p s=1B", "TICK_5"), [["start"], ["settle", "s", "RUNNING"], ["settle", "l", "RUNNING"], ["until", "grep 'stopped: s' s.log > /dev/null"], ["settle", "s", "RUNNING"], ["sh", "grep 'stopped: s' s.log | head -1 | cut -d' ' -f3-"], ["until", "cat l-stderr*.log | grep -i restart > /dev/null"], ["sh", "cat l-stderr*.log | grep -i restart | head -2 | sed 's/[0-9][0-9]*/N/g'"]])
    yield live("httpok", HEAD + SLEEP + listener("l", "httpok -p s -t 2 http://localhost:PORT1/", "TICK_5"), [["start"], ["settle", "s", "RUNNING"], ["settle", "l", "RUNNING"], ["until", "grep 'stopped: s' s.log > /dev/null"], ["settle", "s", "RUNNING"], ["sh", "grep 'stopped: s' s.log | head -1 | cut -d' ' -f3-"]])
    script = """
import xmlrpc.client as x, http.client, socket
class C(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect('s.sock')
class T(x.Transport):
    def make_connection(self, host): return C('localhost')
s = x.ServerProxy('http://localhost/RPC2', transport=T())
print(s.system.listMethods(), s.supervisor.getState(), s.supervisor.getProcessInfo('s')['statename'])
m = x.MultiCall(s)
m.supervisor.getAPIVersion(); m.supervisor.getSupervisorVersion()
try: print(list(m()))
except Exception as e: print(type(e).__name__, e)
for call in (lambda: s.supervisor.getProcessInfo('zz'), lambda: s.supervisor.nope(), lambda: s.supervisor.startProcess('s')):
    try: print(call())
    except x.Fault as f: print(f.faultCode, f.faultString)
print(s.supervisor.tailProcessStdoutLog('s', 0, 100), s.supervisor.readLog(0, 4), s.supervisor.sendRemoteCommEvent('a', '\\u20ac'))
print(sorted(s.supervisor.getAllConfigInfo()[0]), [type(v).__name__ for k, v in sorted(s.supervisor.getAllConfigInfo()[0].items())])
"""
    yield live("xmlrpc_client", HEAD + SLEEP, [["start"], ["settle", "s", "RUNNING"], ["python", script]])
    checks = ("http=http://127.0.0.1:PORT1/ok.html", "tcp=127.0.0.1:PORT1", "command=/bin/true", "log=ready|steady", "notify=true")
    limits = "nofile=512 as=4GB core=0 cpu=unlimited data=4GB fsize=unlimited memlock=64KB nproc=4096 stack=8MB memory=512MB"
    common = "ready_interval=1\nready_timeout=5\nlive_interval=5\nlive_timeout=2\nlive_failures=2\nenv_file=-%(here)s/none.env\nstop_tree=true\n"
    kinds = [f"depends_on=s, x0 started\nexit_on_fatal=true\nlog_format=timestamp\n{common}", f"log_format=json\n{common}" + "".join(f"limit_{l}\n" for l in limits.split()), common, common, common]
    extras = "".join(f"[program:x{n}]\ncommand=/bin/sleep 1000\nready_{check}\n" + (f"live_{check}\n" if n < 3 else "") + kind.replace(", x0 started", ", x1 started") for n, (check, kind) in enumerate(zip(checks, kinds)))
    for option in options():
        assert f"\n{option}=" in extras, f"docs/supervisor.md has {option}"
    names = [f"x{n}" for n in range(5)]
    yield live("extra_options", HEAD + "[inet_http_server]\nport=127.0.0.1:PORT1\n" + SLEEP + extras, [["start"], *[["settle", n, "RUNNING"] for n in names], ["ctl", "status"], ["ctl", "avail"], ["ctl", "reread"], ["ctl", "update"], ["ctl", "stop", *names], ["ctl", "start", *names]])
    # As another user, since it will not be root; with programs that only stay.
    galaxy = """gravity:
  process_manager: supervisor
  galaxy_root: HERE
  virtualenv: HERE/venv
  gunicorn: {bind: "localhost:PORT1", preload: false, start_timeout: 1, stop_timeout: 5}
  celery: {enable: true, enable_beat: true, start_timeout: 1, stop_timeout: 5}
  handlers:
    handler: {processes: 2, start_timeout: 1, stop_timeout: 5}
galaxy: {data_dir: HERE/data}
"""
    stays = "#!/bin/sh\ntrap '' HUP\nwhile :; do sleep 0.1; done\n"
    run = '#!/bin/sh\nexec unshare --user --map-user=1000 --map-group=1000 galaxyctl -c galaxy.yml --state-dir $PWD/state "$@" 2>&1\n'
    do = lambda *words: unordered(["sh", "./run " + " ".join(words) + " | sed 's/Dynamic handlers.*/HANDLERS/'"])
    running = ["until", "test $(./run pm status | grep -c RUNNING) = 5"]
    yield live("gravity", "", [["sh", "sed -i s,HERE,$PWD,g galaxy.yml; cp venv/bin/gunicorn venv/bin/celery; cp venv/bin/gunicorn venv/bin/python; mkdir -p lib/galaxy"], do("list"), do("update"), do("status"), do("start"), running, do("status"), do("graceful"), running, do("restart"), running,
        ["sh", "sed -i 's/processes: 2/processes: 3/' galaxy.yml"], do("update"), ["until", "test $(./run pm status | grep -c RUNNING) = 6"], do("pm", "status"), do("pm", "avail"), do("stop", "handler"), do("start", "handler"), do("stop"), do("status"), do("shutdown")],
        run=run, galaxy__yml=galaxy, **{"venv/bin/gunicorn": stays})
