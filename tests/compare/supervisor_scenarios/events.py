"""Events, the listeners' protocol, and sockets that are shared."""
from .base import *

LISTEN = """#!/bin/sh
while :; do
    printf 'READY\\n'
    IFS= read -r head || exit 0
    len=${head##*len:}
    body=$(dd bs=1 count="$len" 2>/dev/null; echo .)
    echo "$head | ${body%.}" >> seen
    printf 'RESULT 2\\nOK'
done
"""

TAIL = "tagged output: text after the end mark"

def scenarios():
    yield scenario("events", HEAD + SLEEP + "autostart=false\n[program:o]\ncommand=%(here)s/talk\nautostart=false\nstdout_events_enabled=true\nstdout_capture_maxbytes=1KB\nstartsecs=0\nautorestart=false\n[eventlistener:l]\ncommand=%(here)s/listen\nevents=EVENT\nbuffer_size=100\n",
        [["start"], ["settle", "l", "RUNNING"], rpc("supervisor.startProcess", "s"), rpc("supervisor.stopProcess", "s"), rpc("supervisor.sendRemoteCommEvent", "kind", "data"),
         rpc("supervisor.startProcess", "o"), ["settle", "o", "EXITED"], 
         ["grep", "seen", "^captured"], rpc("supervisor.addProcessGroup", "s"), rpc("supervisor.removeProcessGroup", "s"), 
         decided(TAIL, rpc("supervisor.readProcessStdoutLog", "o", 0, 0))],
        listen=LISTEN, talk="#!/bin/sh\nprintf 'before\\n'\nsleep 0.4\nprintf '<!--XSUPERVISOR:BEGIN-->captured<!--XSUPERVISOR:END-->'\nsleep 0.4\nprintf 'after\\n'\n")
    yield scenario("listener_unknown", HEAD + "[eventlistener:l]\ncommand=/bin/echo hello\nevents=EVENT\nstartsecs=0\nautorestart=false\n[eventlistener:f]\ncommand=%(here)s/fail\nevents=REMOTE_COMMUNICATION\n",
        [["start"], ["settle", "l", "EXITED"], ["grep", "s.log", "UNKNOWN"], ["settle", "f", "RUNNING"], rpc("supervisor.sendRemoteCommEvent", "k", "v"), ["grep", "s.log", "reject"]],
        fail="#!/bin/sh\nprintf 'READY\\n'; read x; printf 'RESULT 4\\nFAIL'; sleep 1000\n")
    hear = lambda events, more="": f"[eventlistener:l]\ncommand=%(here)s/listen\nevents={events}\n{more}"
    brief = "sed 's/ serial:[0-9]*//; s/poolserial:[0-9]*//; s/pid:[0-9]*/pid:N/; s/len:[0-9]*/len:N/' seen"
    yield scenario("states", HEAD + hear("PROCESS_STATE", "buffer_size=100\n") + "[program:f]\ncommand=/bin/sh -c 'exit 3'\nstartretries=1\n[program:x]\ncommand=/bin/sh -c 'sleep 2; exit 7'\nautorestart=false\n[program:n]\ncommand=/no/such\nstartretries=0\n",
        [["start"], ["settle", "f", "FATAL"], ["settle", "x", "EXITED"], *[["sh", f"sleep 0.3; {brief} | grep 'processname:{n} '"] for n in "fxnl"]], listen=LISTEN)
    yield scenario("groups", HEAD + hear("PROCESS_GROUP,SUPERVISOR_STATE_CHANGE") + SLEEP, [["start"], ["settle", "s", "RUNNING"], ["ctl", "stop", "s"], ["ctl", "remove", "s"], ["ctl", "add", "s"], ["sh", f"sleep 0.3; {brief}"]], listen=LISTEN)
    slow = "#!/bin/sh\ntrap 'sleep 2; exit 0' TERM\nwhile :; do sleep 0.1; done\n"
    yield scenario("last_event", HEAD + hear("SUPERVISOR_STATE_CHANGE") + "[program:k]\ncommand=%(here)s/slow\n", [["start"], ["settle", "k", "RUNNING"], ["ctl", "shutdown"], ["end"], ["sh", brief]], listen=LISTEN, slow=slow)
    yield scenario("ticks", HEAD + hear("TICK_5") + SLEEP, [["start"], ["until", "grep TICK seen > /dev/null"], ["sh", "sed 's/.*eventname/eventname/; s/[0-9][0-9]* *$/N/' seen | sort -u | head -1; w=$(sed 's/.*when://' seen | head -1); echo $((w % 5))"]], listen=LISTEN)
    yield scenario("overflow", HEAD + "[eventlistener:l]\ncommand=/bin/sleep 1000\nevents=REMOTE_COMMUNICATION\nbuffer_size=2\n", [["start"], ["settle", "l", "RUNNING"], *[rpc("supervisor.sendRemoteCommEvent", "k", str(n)) for n in range(4)], ["grep", "s.log", "overflow"]])
    yield scenario("large", HEAD + hear("REMOTE_COMMUNICATION"), [["start"], ["settle", "l", "RUNNING"], rpc("supervisor.sendRemoteCommEvent", "big", "x" * 3000), ["until", "test $(grep -c REMOTE seen) = 1"], ["sh", "cut -c1-150 seen"], rpc("supervisor.sendRemoteCommEvent", "\u00fc", "\u20ac"), ["until", "test $(grep -c REMOTE seen) = 2"], decided("the length of an event with more than ASCII", ["sh", "tail -2 seen"]), rpc("supervisor.sendRemoteCommEvent", "a")], listen=LISTEN)
    says = {"result": "printf 'READY\\n'; read x; printf 'RESULT x\\n'; sleep 1000", "ready": "printf 'READY\\nREADY\\n'; sleep 1000", "early": "printf 'RESULT 2\\nOK'; sleep 1000", "noise": "echo hello; sleep 1000", "dies": "printf 'READY\\n'; read x; exit 1"}
    yield scenario("protocol", HEAD + "".join(f"[eventlistener:{n}]\ncommand=%(here)s/{n}\nevents=REMOTE_COMMUNICATION\nautorestart=false\n" for n in says), [["start"], *[["settle", n, "RUNNING"] for n in says], rpc("supervisor.sendRemoteCommEvent", "k", "v"), ["settle", "dies", "EXITED"],
        *[["sh", f"sleep 0.2; grep ' {n}: ' s.log | cut -d' ' -f3-"] for n in says], ["ctl", "status"], ["ctl", "tail", "noise"], ["ctl", "restart", "noise"]], **{n: "#!/bin/sh\n" + s + "\n" for n, s in says.items()})
    retry = "#!/bin/sh\nprintf 'READY\\n'\nread x\nlen=${x##*len:}\ndd bs=1 count=$len > /dev/null 2>&1\nprintf 'RESULT 4\\nFAIL'\necho again > failed\nprintf 'READY\\n'\nread y\necho \"$y\" > second\nsleep 1000\n"
    yield scenario("rejected", HEAD + "[eventlistener:l]\ncommand=%(here)s/retry\nevents=REMOTE_COMMUNICATION\n", [["start"], ["settle", "l", "RUNNING"], rpc("supervisor.sendRemoteCommEvent", "k", "v"), ["grep", "second", "."], ["grep", "s.log", "reject"]], retry=retry)
    both = "#!/bin/sh\nprintf 'a<!--XSUPERVISOR:BEGIN-->one<!--XSUPERVISOR:END-->b and so on for a while so that it is logged\\n'\nsleep 0.2\nprintf 'e<!--XSUPERVISOR:BEGIN-->two<!--XSUPERVISOR:END-->f and so on for a while so that it is logged\\n' >&2\nsleep 1000\n"
    yield scenario("tagged", HEAD + hear("PROCESS_COMMUNICATION,PROCESS_LOG") + "[program:o]\ncommand=%(here)s/both\nstdout_capture_maxbytes=1KB\nstderr_capture_maxbytes=1KB\nstderr_events_enabled=true\n", [["start"], ["until", "grep two seen > /dev/null"], ["sh", f"{brief} | grep -v so.on"]], listen=LISTEN, both=both)
    yield scenario("fcgi_tcp", HEAD + "[fcgi-program:f]\nsocket=tcp://localhost:PORT1\nsocket_backlog=5\ncommand=%(here)s/show\nstdout_logfile=%(here)s/f.log\n[program:p]\ncommand=%(here)s/show\nstdout_logfile=%(here)s/p.log\n[fcgi-program:g]\nsocket=unix://%(here)s/g.sock\ncommand=%(here)s/show\nstdout_logfile=%(here)s/g.log\n[group:both]\nprograms=p,g\n",
        [["start"], ["settle", "f", "RUNNING"], ["settle", "both:g", "RUNNING"], ["sh", "cat f.log p.log g.log; ls g.sock"], ["grep", "s.log", "ocket"], ["ctl", "stop", "f"], ["ctl", "start", "f"], ["ctl", "restart", "f"], ["sh", "grep -c ocket s.log"]], show="#!/bin/sh\nreadlink /proc/self/fd/0 | sed 's/:.*//'\nexec sleep 1000\n")
    yield scenario("fcgi", HEAD + "[fcgi-program:f]\nsocket=unix://%(here)s/f.sock\nsocket_mode=0600\ncommand=%(here)s/show\nprocess_name=f%(process_num)d\nnumprocs=2\nstdout_logfile=%(here)s/f%(process_num)d.log\n",
        [["start"], ["settle", "f:f0", "RUNNING"], ["grep", "f0.log", "socket"], ["grep", "f1.log", "socket"], ["grep", "f0.log", "mode"], ["grep", "s.log", "ocket"], unordered(rpc("supervisor.stopProcessGroup", "f")), ["grep", "s.log", "Closing|closing"]],
        show="#!/bin/sh\nreadlink /proc/self/fd/0 | sed 's/:.*//'\necho mode $(stat -c %a f.sock)\nexec sleep 1000\n")
