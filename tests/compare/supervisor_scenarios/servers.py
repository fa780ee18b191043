"""The two programs' command lines, and the servers: sockets, TCP, passwords, several at once."""
import base64
from .base import *

def get(path, *heads, method="GET", body=""):
    heads = "".join(f"{h}\r\n" for h in heads)
    length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
    return ["web", f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{length}{heads}\r\n{body}"]

def login(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

def scenarios():
    yield scenario("flags", HEAD, [["daemon", *w] for w in (
        ["-v"], ["--version"], ["-x"], ["--foo"], ["-c"], ["x"], ["-n", "-c", "none.conf"], ["--lo", "x"],
        ["-n", "-c", "s.conf", "-a", "x"], ["-n", "-c", "s.conf", "-e", "loud"], ["-n", "-c", "s.conf", "-m", "9"],
        ["-n", "-c", "s.conf", "-u", "nobody-at-all"], ["-n", "-c", "s.conf", "-d", "/no/such"],
        ["-n", "-c", "s.conf", "-y", "1TB"], ["-n", "-c", "s.conf", "-z", "x"], ["-n", "-c", "s.conf", "-l", "/no/such/x"], ["-n", "-c", "s.conf", "-j", "/no/such/x"],
        ["-n", "-c", "s.conf", "-q", "/no/such"], ["-n", "-c", "s.conf", "--minprocs", "x"], 
        ["-vn"], ["-nv"], ["--vers"], ["--version=1"], ["--nodaemon=1"], ["--configuration"], ["--configuration=none.conf", "-n"], ["--", "x"], ["-n", "-"], ["-v", "-x"], ["-n", "-c", "s.conf", "-c", "none.conf"], ["-c", "none.conf", "x"])]
        + [["bare", *w] for w in (["-x"], ["--foo"], ["-c"], ["-s"], ["--server=unix:///no/such", "status"], ["-s", "ftp://x", "status"], ["-s", "unix:///no/such", "version"],
            ["-u"], ["-c", "s.conf", "-i", "-x"], ["-cs.conf", "status"], ["--conf", "s.conf", "status"], ["-c", "s.conf", "-s", "http://localhost:1", "status"], ["-c", "s.conf", "-s", "http://localhost:1", "pid"], ["-c", "s.conf", "status", "-x"], ["--help=x"], ["-hx"])])
    yield scenario("overrides", HEAD + SLEEP, [["start", "-l", "other.log", "-y", "1KB", "-z", "1", "-e", "debug", "-j", "other.pid", "-i", "me", "-q", "sub", "-k", "-t", "-a", "100", "--minprocs=50", "-m", "077", "-d", "/"],
        ["settle", "s", "RUNNING"], rpc("supervisor.getIdentification"), ["sh", "ls | sort | grep -v 'out\\|children'; ls sub | wc -l; cat other.pid | wc -l"], ["sh", "head -c4000 other.log | grep -c DEBG | sed 's/[1-9].*/some/'"], ["sh", "stat -c %a other.log; umask"], ["sh", "cat out | grep -c spawned; cat err"]],
        **{"sub/x": ""})
    yield scenario("silent", HEAD + SLEEP, [["start", "-s"], ["settle", "s", "RUNNING"], ["sh", "cat out err"], ["signal", "TERM"], ["end"], ["sh", "cat out err; ls s.sock s.pid"]])
    yield scenario("background", HEAD.replace("childlogdir", "directory=/\numask=027\nidentifier=bg\nchildlogdir") + SLEEP + "[program:u]\ncommand=/bin/sh -c 'umask; pwd; sleep 1000'\nstdout_logfile=%(here)s/u.log\n",
        [["sh", "supervisord -c s.conf; echo $?"], ["until", "supervisorctl -c s.conf status s | grep RUNNING"], ["ctl", "status"], ["until", "grep / u.log"], ["sh", "cat u.log; test $(cat s.pid) = $(supervisorctl -c s.conf pid) && echo same"],
         ["sh", "p=$(cat s.pid); readlink /proc/$p/cwd /proc/$p/fd/0 /proc/$p/fd/1 /proc/$p/fd/2; test $(ps -o sid= -p $p) = $p && echo own session; stat -c %a s.log s.pid s.sock"],
         ["sh", "supervisord -c s.conf; echo $?"], ["ctl", "shutdown"], ["until", "! test -e s.pid"], ["sh", "ls s.sock"], ["ctl", "status"]])
    yield scenario("sockets", HEAD.replace("s.sock\n[rpc", "s.sock\nchmod=0770\nchown=nobody:root\n[rpc"),
        [["sh", "python3 -c 'import socket; s=socket.socket(socket.AF_UNIX); s.bind(\"s.sock\")' 2>/dev/null || true"], ["start"], ["sh", "stat -c '%a %U %G' s.sock"], ["sh", "cat err"], ["daemon", "-n", "-c", "s.conf", "-l", "two.log", "-j", "two.pid"], ["ctl", "pid"]], root=True)
    yield scenario("stale", HEAD + SLEEP, [["start"], ["settle", "s", "RUNNING"], ["sh", "kill -9 $(supervisorctl -c s.conf pid s) && echo killed"], ["settle", "s", "RUNNING"], ["grep", "s.log", "exited:"]])
    two = HEAD + "[inet_http_server]\nport=127.0.0.1:PORT1\nusername=me\npassword={SHA}9d4e1e23bd5b727046a9e3b4b7db57bd8d6ee684\n[inet_http_server:b]\nport=localhost:PORT2\n" + SLEEP
    good, bad = login("me", "pass"), login("me", "wrong")
    body = rpc("supervisor.getState")[2]
    yield scenario("tcp", two, [["start"], ["settle", "s", "RUNNING"], ["sh", "true PORT1 PORT2"],
        get("/ok.html"), get("/ok.html", good), get("/ok.html", bad), get("/ok.html", "Authorization: Basic"), decided("a login that cannot be read", get("/ok.html", "Authorization: Basic !!")), get("/ok.html", "Authorization: Bearer x"),
        get("/RPC2", method="POST", body=body), get("/RPC2", good, method="POST", body=body), get("/RPC2", good), get("/nope", good), get("/logtail/zz", good), get("/logtail/zz/stdout", good), get("/logtail/s/nope", good), get("/mainlogtail/x", bad),
        *[["bare", "-s", "http://localhost:PORT1", *w] for w in (["status"], ["-u", "me", "-p", "pass", "status"], ["-u", "me", "-p", "x", "status"], ["-u", "me", "-p", "x", "pid"], ["-u", "me", "-p", "pass", "pid"], ["start", "s"], ["version"])],
        ["bare", "-s", "http://localhost:PORT2", "status"], ["bare", "-s", "http://localhost:PORT2/", "status"], ["bare", "-s", "localhost:PORT2", "status"], ["grep", "s.log", "HTTP|RPC"],
        ["cross", "-s", "http://localhost:PORT1", "-u", "me", "-p", "pass", "status"], ["cross", "-s", "http://localhost:PORT1", "status"],
        ["python", "import xmlrpc.client as x; s=x.ServerProxy('http://me:pass@localhost:PORT1/RPC2'); print(s.supervisor.getAPIVersion(), s.system.multicall([{'methodName':'supervisor.getState','params':[]}]), sorted(s.supervisor.getProcessInfo('s')))"],
        ["python", "import xmlrpc.client as x\ntry: x.ServerProxy('http://localhost:PORT1/RPC2').supervisor.getPID()\nexcept x.ProtocolError as e: print(e.errcode, e.errmsg)"]])
    yield scenario("tcp_config", two.replace("serverurl=unix://%(here)s/s.sock", "serverurl=http://127.0.0.1:PORT1\nusername=me\npassword=pass\nprompt=mine"), [["start"], ["settle", "s", "RUNNING"], ["ctl", "status"], ["type", "pid s\n", ], ["ctl", "-u", "x", "status"], ["ctl", "-p", "x", "status"]])
    yield scenario("unix_password", HEAD.replace("[rpc", "username=u\npassword=p\n[rpc") + SLEEP, [["sh", "(supervisord -n -c s.conf > /dev/null 2>&1 &); sleep 0"], ["until", "supervisorctl -c s.conf -u u -p p status | grep RUNNING"],
        ["ctl", "status"], ["ctl", "pid"], ["ctl", "version"], ["ctl", "update"], ["ctl", "-u", "u", "-p", "p", "pid", "s"], ["ctl", "-u", "u", "-p", "p", "shutdown"], ["until", "! test -e s.pid"]])
    yield scenario("no_rpc", HEAD.replace("[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n", "") + SLEEP,
        [["start"], ["until", "test -S s.sock"], *[decided("help texts and `-h`", ["ctl", *w.split()]) for w in ("status", "pid", "version", "start s")], rpc("system.listMethods"), rpc("supervisor.getState"), ["grep", "s.log", "RPC|spawned"]])
    yield scenario("taken", HEAD + "[inet_http_server]\nport=127.0.0.1:PORT1\n", [["start"], ["sh", "sed 's/s.sock/t.sock/; s/s.pid/t.pid/' s.conf > t.conf; supervisord -n -c t.conf; echo $?; ls t.*"], ["ctl", "pid"]])
