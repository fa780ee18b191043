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

def scenarios():
    yield scenario("events", HEAD + SLEEP + "autostart=false\n[program:o]\ncommand=%(here)s/talk\nautostart=false\nstdout_events_enabled=true\nstdout_capture_maxbytes=1KB\nstartsecs=0\nautorestart=false\n[eventlistener:l]\ncommand=%(here)s/listen\nevents=EVENT\nbuffer_size=100\n",
        [["start"], ["settle", "l", "RUNNING"], rpc("supervisor.startProcess", "s"), rpc("supervisor.stopProcess", "s"), rpc("supervisor.sendRemoteCommEvent", "kind", "data"),
         ["grep", "seen", "REMOTE"], rpc("supervisor.startProcess", "o"), ["settle", "o", "EXITED"], ["grep", "seen", "processname:s .*STOPPING"], ["grep", "seen", "eventname:PROCESS_STATE_STOPPED"], ["grep", "seen", "eventname:PROCESS_STATE_RUNNING.*processname:s"],
         ["grep", "seen", "eventname:PROCESS_STATE_STARTING.*processname:s"], ["grep", "seen", "PROCESS_LOG"], ["grep", "seen", "PROCESS_COMM"], ["grep", "seen", "eventname:PROCESS_STATE_EXITED"], ["grep", "seen", "^captured"], rpc("supervisor.addProcessGroup", "s"), rpc("supervisor.removeProcessGroup", "s"), ["grep", "seen", "PROCESS_GROUP_REMOVED"], ["grep", "seen", "SUPERVISOR_STATE"],
         rpc("supervisor.readProcessStdoutLog", "o", 0, 0)],
        listen=LISTEN, talk="#!/bin/sh\nprintf 'before\\n<!--XSUPERVISOR:BEGIN-->captured<!--XSUPERVISOR:END-->after\\n'\n")
    yield scenario("listener_unknown", HEAD + "[eventlistener:l]\ncommand=/bin/echo hello\nevents=EVENT\nstartsecs=0\nautorestart=false\n[eventlistener:f]\ncommand=%(here)s/fail\nevents=REMOTE_COMMUNICATION\n",
        [["start"], ["settle", "l", "EXITED"], ["grep", "s.log", "UNKNOWN"], ["settle", "f", "RUNNING"], rpc("supervisor.sendRemoteCommEvent", "k", "v"), ["grep", "s.log", "reject"]],
        fail="#!/bin/sh\nprintf 'READY\\n'; read x; printf 'RESULT 4\\nFAIL'; sleep 1000\n")
    yield scenario("fcgi", HEAD + "[fcgi-program:f]\nsocket=unix://%(here)s/f.sock\nsocket_mode=0600\ncommand=%(here)s/show\nprocess_name=f%(process_num)d\nnumprocs=2\nstdout_logfile=%(here)s/f%(process_num)d.log\n",
        [["start"], ["settle", "f:f0", "RUNNING"], ["grep", "f0.log", "socket"], ["grep", "f1.log", "socket"], ["grep", "f0.log", "mode"], ["grep", "s.log", "ocket"], unordered(rpc("supervisor.stopProcessGroup", "f")), ["grep", "s.log", "Closing|closing"]],
        show="#!/bin/sh\nreadlink /proc/self/fd/0 | sed 's/:.*//'\necho mode $(stat -c %a f.sock)\nexec sleep 1000\n")
