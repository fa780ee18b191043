"""What a program finds, and how it is started and stopped."""
from .base import *

def scenarios():
    yield scenario("child", HEAD + "[program:c]\ncommand=%(here)s/show\nenvironment=A=\"x y\"\numask=027\ndirectory=/\nstdout_logfile=%(here)s/c.log\nautorestart=false\n"
        + "[program:x]\ncommand=/bin/sh /dev/null\ndirectory=/no/such\nstderr_logfile=%(here)s/x.log\nstartretries=0\n[program:k]\ncommand=%(here)s/ignore\nstopwaitsecs=1\n",
        [["start"], ["settle", "c", "RUNNING"], ["grep", "c.log", "^umask"], ["grep", "c.log", "^pwd"], ["grep", "c.log", "^env"], ["grep", "c.log", "^fds"], ["settle", "x", "FATAL"], ["grep", "x.log", "."],
         ["settle", "k", "RUNNING"], rpc("supervisor.stopProcess", "k"), ["grep", "s.log", "killing|SIGKILL|spawnerr|gave up"], ["signal", "USR2"], ["grep", "s.log", "SIGUSR2|reopen"], ["signal", "TERM"], ["end"], ["grep", "s.log", "SIGTERM|stopped:"]],
        show="#!/bin/sh\necho umask $(umask)\necho pwd $(pwd)\necho env \"$A\" $SUPERVISOR_ENABLED $SUPERVISOR_PROCESS_NAME $SUPERVISOR_GROUP_NAME\necho fds $(ls /proc/$$/fd | tr '\\n' ' ')\nexec sleep 1000\n",
        ignore="#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n")
    ends = HEAD + "".join(f"[program:{n}]\ncommand=/bin/sh -c 'sleep 0.1; exit {code}'\n{options}\n" for n, code, options in (
        ("never", 0, "startsecs=0\nautorestart=false"), ("expected", 0, "startsecs=0"), ("two", 2, "startsecs=0\nexitcodes=0,2"), ("bad", 3, "startsecs=0\nautorestart=false"), ("quick", 0, "startsecs=1\nstartretries=0"), ("retries", 1, "startretries=1")))
    names = ("never", "expected", "two", "bad", "quick", "retries")
    yield scenario("ends", ends + "[program:killed]\ncommand=/bin/sh -c 'kill -9 $$'\nstartsecs=0\nautorestart=false\n", [["start"], *[["settle", n, "EXITED"] for n in names[:4]], ["settle", "quick", "FATAL"], ["settle", "killed", "EXITED"], ["settle", "retries", "FATAL"],
        ["ctl", "status"], *[["grep", "s.log", f"[^a-z]{n}[^a-z]"] for n in (*names, "killed")], *[rpc("supervisor.getProcessInfo", n) for n in (*names, "killed")], ["ctl", "pid", "all"], ["ctl", "start", "retries"], ["ctl", "start", "never", "bad"], ["ctl", "stop", "bad"]])
    spawn = {"missing": "/no/such", "bare": "no-such-command", "dir": "/tmp", "plain": "%(here)s/plain", "quote": "/bin/echo 'x", "only_quote": "\"\"", "tilde": "~/no/such"}
    text = "".join(f"[program:{n}]\ncommand={c}\nstartretries=0\n" for n, c in spawn.items())
    yield scenario("spawn_errors", HEAD + text, [["start"], *[["settle", n, "FATAL"] for n in spawn], ["ctl", "status"], *[["grep", "s.log", f"{n}|spawnerr: .*{c.split('/')[-1]}"] for n, c in list(spawn.items())[:4]], *[["ctl", "start", n] for n in spawn], *[rpc("supervisor.startProcess", n) for n in spawn]], plain="x")
    late = "[program:dir]\ncommand=/bin/sleep 1000\ndirectory=/no/such\nstartretries=0\nstderr_logfile=%(here)s/dir.log\n[program:exec]\ncommand=%(here)s/script\nstartretries=0\nstderr_logfile=%(here)s/exec.log\n[program:format]\ncommand=%(here)s/empty\nstartretries=0\nstderr_logfile=%(here)s/format.log\n"
    yield scenario("late_errors", HEAD + late, [["start"], *[["settle", n, "FATAL"] for n in ("dir", "exec", "format")], ["sh", "cat dir.log; cat exec.log; cat format.log"], ["grep", "s.log", "exited|gave"]], script="#!/no/such/interpreter\n", empty="#!\n")
    family = "#!/bin/sh\nsleep 1000 &\necho $! > $1.child\nwait\n"
    alive = "kill -0 $(cat {0}.child) 2>/dev/null && echo {0} lives || echo {0} gone; kill $(cat {0}.child) 2>/dev/null; true"
    trap = "#!/bin/sh\ntrap '' TERM\nsh -c \"trap '' TERM; echo \\$\\$ > $1.child; sleep 1000; sleep 1000\" &\nwhile :; do sleep 1000; done\n"
    groups = "".join(f"[program:{n}]\ncommand=%(here)s/{script} {n}\nstopwaitsecs=1\n{o}" for n, script, o in (("plain", "family", ""), ("whole", "family", "stopasgroup=true\n"), ("kill", "trap", ""), ("killall", "trap", "killasgroup=true\n")))
    names = ("plain", "whole", "kill", "killall")
    yield scenario("families", HEAD + groups, [["start"], *[["settle", n, "RUNNING"] for n in names], ["until", "ls plain.child whole.child kill.child killall.child"],
        ["sh", "for n in plain whole; do p=$(supervisorctl -c s.conf pid $n); test $(ps -o pgid= -p $p) = $p && echo own group; test $(ps -o sid= -p $p) = $(ps -o sid= -p $(cat s.pid)) && echo same session; done"],
        *[["ctl", "stop", n] for n in names], ["sh", "sleep 0.2; " + "; ".join(alive.format(n) for n in names)], ["grep", "s.log", "killing|stopped: "]], family=family, trap=trap)
    stubborn = "#!/bin/sh\ntrap 'sleep 3; exit 4' TERM\nwhile :; do sleep 0.1; done\n"
    yield scenario("stopping", HEAD + "[program:k]\ncommand=%(here)s/stubborn\n[program:i]\ncommand=/bin/sleep 1000\nstopsignal=INT\n[program:q]\ncommand=/bin/sh -c \"trap 'exit 5' USR1; while :; do sleep 0.1; done\"\nstopsignal=USR1\n", [["start"], *[["settle", n, "RUNNING"] for n in "kiq"],
        rpc("supervisor.stopProcess", "i", False), ["settle", "i", "STOPPED"], ["ctl", "stop", "q"], ["sh", "supervisorctl -c s.conf stop k & sleep 1; supervisorctl -c s.conf status k; supervisorctl -c s.conf start k; supervisorctl -c s.conf stop k; supervisorctl -c s.conf signal HUP zz; wait"], ["ctl", "status"], ["grep", "s.log", "stop"], *[rpc("supervisor.getProcessInfo", n) for n in "iqk"]], stubborn=stubborn)
    order = "".join(f"[program:{n}]\ncommand=/bin/sleep 1000\npriority={p}\nstartsecs=0\n" for n, p in (("c", 1), ("a", 5), ("b", 5), ("z", 0)))
    yield scenario("order", HEAD + order + "[program:y]\ncommand=/bin/sleep 1000\nstartsecs=0\n[program:x]\ncommand=/bin/sleep 1000\nstartsecs=0\npriority=2\n[group:g]\nprograms=y,x\npriority=3\n", [["start"], *[["settle", n, "RUNNING"] for n in ("a", "b", "c", "z", "g:x", "g:y")],
        ["sh", "grep -o \"spawned: '.'\" s.log"], ["ctl", "status"], ["ctl", "avail"], unordered(["ctl", "stop", "all"]), ["ctl", "start", "all"], ["signal", "INT"], ["end"], ["grep", "s.log", "SIGINT|to die"], ["sh", "grep -o 'stopped: .' s.log | tail -6"]])
    whole = "#!/bin/sh\nenv | grep -v '^_=\\|^SHLVL\\|^PATH\\|^PWD\\|^OLDPWD' | sort > $1.env\nulimit -n > /dev/null\numask > $1.umask\nid > $1.id\ntr '\\0' ' ' < /proc/$$/cmdline > $1.args\nexec sleep 1000\n"
    yield scenario("child_environment", HEAD.replace("[unix", "environment=TOP=\"1\",BOTH=\"top\",ENVX=\"%(ENV_KEEP)s\"\n[unix") + "[program:e]\ncommand=%(here)s/whole e 'a b' \"c d\" %(ENV_KEEP)s %(ENV_TOP)s\nenvironment=BOTH=\"own\",P=\"%(process_num)d\",K=\"%(ENV_BOTH)s\",SUPERVISOR_ENABLED=\"no\"\n[program:u]\ncommand=%(here)s/whole u\numask=0\nserverurl=http://there:1\n",
        [["start"], ["settle", "e", "RUNNING"], ["settle", "u", "RUNNING"], ["sh", "cat e.env e.umask e.args; cat u.umask; grep SUPERVISOR u.env"]], env={"KEEP": "kept value", "HOME": "/home/of"}, whole=whole)
    yield scenario("users", HEAD.replace("[unix", "user=root\n[unix") + "[program:n]\ncommand=%(here)s/whole /tmp/n\nuser=nobody\nautostart=false\n[program:w]\ncommand=/bin/sh -c 'id -un; id -gn; echo $HOME; sleep 1000'\nuser=nobody\nstdout_logfile=%(here)s/w.log\n", [["start"], ["settle", "w", "RUNNING"], ["until", "grep -c / w.log"], ["sh", "cat w.log; ps -o user= -p $(supervisorctl -c s.conf pid w)"], ["sh", "grep -c root s.log"]], root=True, env={"HOME": "/home/of"}, whole=whole)
    for name in ("INT", "QUIT", "TERM"):
        yield scenario(f"exit_{name.lower()}", HEAD + SLEEP, [["start"], ["settle", "s", "RUNNING"], ["signal", name], ["end"], ["grep", "s.log", "SIG"], ["sh", "ls s.sock s.pid; cut -d' ' -f3- out | grep -v CRIT | sed 's/pid [0-9]*/pid N/'"]])
    yield scenario("while_ending", HEAD + "[program:k]\ncommand=%(here)s/stubborn\n", [["start"], ["settle", "k", "RUNNING"], ["signal", "TERM"], ["grep", "s.log", "SIGTERM"], rpc("supervisor.getState"), rpc("supervisor.getPID"), rpc("supervisor.sendRemoteCommEvent", "a", "b"), rpc("supervisor.startProcess", "k"), rpc("system.listMethods")[:1] + ["/RPC2", "<methodCall><methodName>system.methodSignature</methodName><params><param><value><string>supervisor.getPID</string></value></param></params></methodCall>"],
        ["ctl", "status"], ["ctl", "stop", "k"], ["signal", "HUP"], ["signal", "TERM"], ["end"], ["grep", "s.log", "SIG|die|stopped"]], stubborn=stubborn)
