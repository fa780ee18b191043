"""What is decided differently (docs/supervisor.md) and comes up in no other part."""
from .base import *

def answers_only(name, *args, **files):
    """A scenario that needs time, Python or the machine's leave: not recorded."""
    return {**scenario(name, *args, **files), "recorded": False}

def get(path, *heads):
    return ["web", f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + "".join(f"{h}\r\n" for h in heads) + "\r\n"]

# A /dev of the scenario's own, seen by what the script starts and by nothing else.
PRIVATE = """#!/bin/sh
set -e
mkdir dev
for f in null zero urandom random; do touch dev/$f; mount --bind /dev/$f dev/$f; done
mount --rbind dev /dev
"""
LISTENER = """import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('/dev/log')
os.chmod('/dev/log', 0o666)
with open('lines', 'ab', buffering=0) as lines:
    while True:
        lines.write(s.recv(65536).removesuffix(b'\\n') + b'\\n')
"""

def scenarios():
    # The copy closes 18000 descriptors before it becomes the program: time for the stop to come.
    many = HEAD.replace("[unix", "minfds=18000\n[unix")
    calls = "".join(f"<value><struct><member><name>methodName</name><value><string>supervisor.{m}</string></value></member><member><name>params</name><value><array><data><value><string>x</string></value><value><boolean>0</boolean></value></data></array></value></member></struct></value>" for m in ("startProcess", "stopProcess"))
    both = f"<methodCall><methodName>system.multicall</methodName><params><param><value><array><data>{calls}</data></array></value></param></params></methodCall>"
    yield answers_only("stop_of_a_copy", many + "[program:x]\ncommand=/bin/sleep 1000\nautostart=false\nstopwaitsecs=2\n",
        [["start"], ["post", "/RPC2", both], ["settle", "x", "STOPPED"], decided("a stop that comes while a copy is being made", ["grep", "s.log", "stopped: x"])], root=True)
    # The first 28: who starts the daemon may have it ignore the C library's own signals.
    yield scenario("signals_of_children", HEAD + "[program:x]\ncommand=/bin/sh -c 'echo ignored $(grep SigIgn /proc/self/status | tail -c 8); exec sleep 1000'\nstdout_logfile=%(here)s/x.log\n",
        [["start"], ["settle", "x", "RUNNING"], decided("SIGPIPE, SIGXFSZ", ["grep", "x.log", "ignored"])])
    listen = lambda reject: f"#!/bin/sh\nprintf 'READY\\n'\nwhile IFS= read -r head; do len=${{head##*len:}}; dd bs=1 count=$len >/dev/null 2>&1; echo $head >> $0.seen\nif {reject}; then printf 'RESULT 4\\nFAIL'; else printf 'RESULT 2\\nOK'; fi; printf 'READY\\n'; done\n"
    pools = "".join(f"[eventlistener:{n}]\ncommand=%(here)s/{n}\nevents=REMOTE_COMMUNICATION\n" for n in ("refuses", "takes"))
    yield scenario("rejected_by_one", HEAD + pools, [["start"], ["settle", "refuses", "RUNNING"], ["settle", "takes", "RUNNING"], rpc("supervisor.sendRemoteCommEvent", "k", "v"), ["until", "test $(grep -c REMOTE refuses.seen) = 2"],
        ["sh", "sleep 1.5; grep -c REMOTE refuses.seen"], decided("an event that a listener rejected", ["sh", "grep -c REMOTE takes.seen"])], refuses=listen("test $(grep -c . $0.seen) = 1"), takes=listen("false"))
    yield scenario("fcgi_no_socket", HEAD + SLEEP + "[fcgi-program:f]\nsocket=unix://%(here)s/no/such/f.sock\ncommand=/bin/sleep 1000\nstartretries=0\n",
        [["start"], decided("a socket of an `fcgi-program` that cannot be made", ["until", "supervisorctl -c s.conf status f:f | grep -o 'FATAL *[a-z ]*' || ! kill -0 $(cat s.pid) 2>/dev/null"]),
         decided("a socket of an `fcgi-program` that cannot be made", ["ctl", "pid", "s"])])
    talks = "[program:t]\ncommand=/bin/sh -c 'while :; do echo x; sleep 0.02; done'\n"
    yield scenario("ends_at_once", HEAD + talks + "[program:x]\ncommand=/bin/true\nstartsecs=0\nautorestart=true\n", [["start"], ["settle", "t", "RUNNING"], decided("a program with `startsecs=0` that ends at once", ["sh", "sleep 3; test $(grep -c \"spawned: .x.\" s.log) -gt 10 && echo often || echo once a second"])])
    why = "control characters in an answer"
    yield scenario("control_characters", HEAD + "[program:x]\ncommand=/bin/sh -c 'printf \"a\\\\001b\\n\"; exec sleep 1000'\n", [["start"], ["settle", "x", "RUNNING"], decided(why, rpc("supervisor.tailProcessStdoutLog", "x", 0, 100))])
    browser = "User-Agent: Mozilla/5.0"
    web = HEAD + "[inet_http_server]\nport=127.0.0.1:PORT1\n" + SLEEP + "[program:k]\ncommand=%(here)s/stubborn\nstopwaitsecs=3\n"
    yield answers_only("page_actions", web, [["start"], ["settle", "s", "RUNNING"], ["settle", "k", "RUNNING"], decided("actions by link, in a browser", get("/index.html?processname=s&action=stop", browser)), decided("actions by link, in a browser", ["sh", "supervisorctl -c s.conf status s | cut -c34-40"]),
        ["sh", "python3 -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:PORT1/index.html?processname=k&action=stop\").read()'"], decided("page's start and stop", ["sh", "supervisorctl -c s.conf status k | cut -c34-40"])], stubborn="#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n")
    yield scenario("update_broken", HEAD + SLEEP, [["start"], ["settle", "s", "RUNNING"], ["write", "s.conf", HEAD + "[program:x]\n"], decided("`update` with a broken configuration", ["ctl", "update"]), ["ctl", "pid", "s"]])
    yield scenario("files_beside", HEAD + SLEEP, [["start"], ["settle", "s", "RUNNING"], decided("a file `PIDFILE.children`", ["sh", "ls s.pid*"]), decided("AUTO logs of an earlier daemon", ["sh", "ls notes*"])], **{"notes---supervisor-of-1999__log__txt": "kept"})
    yield scenario("result_handler", HEAD + "[eventlistener:l]\ncommand=/bin/cat\nevents=TICK_60\nresult_handler=os:getcwd\n", [["start"], decided("a result handler of one's own", ["sh", "supervisorctl -c s.conf status l | grep -o 'RUNNING\\|STARTING\\|refused\\|no such file'"])])
    empty = "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(3); s.connect('s.sock'); s.sendall(b'POST /RPC2 HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n')\ntry: print(s.recv(100).split(b'\\r')[0])\nexcept TimeoutError: print('no answer')"
    yield answers_only("empty_body", HEAD, [["start"], decided("a call with an empty body", ["python", empty])])
    yield scenario("searched_as_root", "", [decided("searching the configuration as root", ["sh", "supervisord -n 2>&1 | grep -c UserWarning; true"])], root=True, **{"supervisord__conf": "broken\n"})
    # A device of the scenario's own: supervisord removes it.
    yield answers_only("log_is_a_device", HEAD + "[program:x]\ncommand=/bin/sh -c 'echo out; exec sleep 1000'\nstdout_logfile=%(here)s/device\nstdout_logfile_maxbytes=0\n",
        [["sh", "mknod device c 1 3"], ["start"], ["settle", "x", "RUNNING"], ["ctl", "clear", "x"], decided("clearing a log that is no file", ["sh", "test -c device && echo a device"])], root=True)
    full = "#!/bin/sh\nmkdir disk\nmount -t tmpfs -o size=128k tmpfs disk\nexec supervisord -n -c s.conf > out 2>&1\n"
    yield answers_only("full_disk", HEAD + SLEEP + "[program:w]\ncommand=/bin/sh -c 'yes | head -c 500000; touch %(here)s/written; while ! test -e %(here)s/go; do echo line; sleep 0.05; done; echo after; exec sleep 1000'\nstdout_logfile=%(here)s/disk/w.log\n",
        [["sh", "unshare -m ./full > /dev/null 2>&1 &"], ["until", "supervisorctl -c s.conf status w | grep RUNNING | cut -c1-42"], ["until", "test -e written"], ["sh", "sleep 2"], decided("clearing a log on a full disk", ["ctl", "clear", "w"]), ["write", "go", ""], ["sh", "sleep 1"], decided("clearing a log on a full disk", ["ctl", "tail", "-6", "w"]), ["ctl", "pid", "s"], ["ctl", "shutdown"], ["until", "! test -e s.pid"]], root=True, full=full)
    system = "[program:p]\ncommand=/bin/sh -c 'echo one; sleep 0.3; echo \"  two  \"; sleep 0.3; echo three >&2; sleep 0.3; printf \"four\\n\\nfive\\n\"; sleep 1000'\nstdout_logfile=syslog\nstderr_logfile=syslog\n[program:f]\ncommand=/bin/sh -c 'echo to both; exec sleep 1000'\nstdout_syslog=true\n"
    brief = "sed 's/> *[A-Z][a-z][a-z] [ 0-9:]* /> TIME /; s/[0-9,: -]* \\(INFO\\|WARN\\|CRIT\\)/\\1/' lines"
    yield answers_only("system_log", HEAD.replace("%(here)s/s.log\n", "syslog\n", 1) + system, [["sh", "unshare -m ./start > /dev/null 2>&1"], ["settle", "p", "RUNNING"], ["settle", "f", "RUNNING"], ["until", "grep -aq five lines"],
        unordered(["sh", f"{brief} | grep -a ': [pf] '"]), ["ctl", "stop", "f"], ["ctl", "shutdown"], ["until", "! test -e s.pid"], ["sh", f"sleep 0.3; {brief} | grep -av ': [pf] ' | sed 's/pid [0-9]*/pid N/' | sort"], ["sh", "kill $(cat listener.pid)"]], root=True,
        start=PRIVATE + "python3 listener.py & echo $! > listener.pid\nwhile ! test -S /dev/log; do sleep 0.05; done\nsupervisord -c s.conf\n", listener__py=LISTENER)
