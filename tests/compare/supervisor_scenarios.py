"""The scenarios of tests/compare/supervisor."""
import xmlrpc.client

HEAD = """[supervisord]
logfile=%(here)s/s.log
pidfile=%(here)s/s.pid
childlogdir=%(here)s
user=root
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s.sock
"""
HEAD = HEAD.replace("user=root\n", "")

def rpc(method, *params):
    return ["post", "/RPC2", xmlrpc.client.dumps(params, method)]

def scenario(name, config, steps, **files):
    return {"name": name, "files": {"s.conf": config, **{k.replace("__", "."): v for k, v in files.items()}}, "steps": steps}

BAD = {
    "no_supervisord": "[program:x]\ncommand=/bin/true\n",
    "no_command": "[supervisord]\n[program:x]\nautostart=true\n",
    "bad_bool": "[supervisord]\n[program:x]\ncommand=/bin/true\nautostart=maybe\n",
    "bad_int": "[supervisord]\n[program:x]\ncommand=/bin/true\nstartsecs=1.5\n",
    "bad_priority": "[supervisord]\n[program:x]\ncommand=/bin/true\npriority=high\n",
    "bad_signal": "[supervisord]\n[program:x]\ncommand=/bin/true\nstopsignal=FOO\n",
    "bad_exitcodes": "[supervisord]\n[program:x]\ncommand=/bin/true\nexitcodes=0,256\n",
    "bad_user": "[supervisord]\n[program:x]\ncommand=/bin/true\nuser=nobody-at-all\n",
    "bad_logdir": "[supervisord]\n[program:x]\ncommand=/bin/true\nstdout_logfile=/no/such/x.log\n",
    "bad_percent": "[supervisord]\n[program:x]\ncommand=/bin/echo 50%\n",
    "bad_name_expansion": "[supervisord]\n[program:x]\ncommand=/bin/echo %(nope)s\n",
    "bad_env": "[supervisord]\n[program:x]\ncommand=/bin/true\nenvironment=A\n",
    "bad_env_quote": "[supervisord]\n[program:x]\ncommand=/bin/true\nenvironment=A=\"x\n",
    "bad_numprocs": "[supervisord]\n[program:x]\ncommand=/bin/true\nnumprocs=2\n",
    "bad_process_name": "[supervisord]\n[program:x]\ncommand=/bin/true\nprocess_name=a:b\n",
    "bad_group_kill": "[supervisord]\n[program:x]\ncommand=/bin/true\nstopasgroup=true\nkillasgroup=false\n",
    "bad_autorestart": "[supervisord]\n[program:x]\ncommand=/bin/true\nautorestart=perhaps\n",
    "bad_group": "[supervisord]\n[group:g]\nprograms=a,b\n",
    "listener_no_events": "[supervisord]\n[eventlistener:x]\ncommand=/bin/true\n",
    "listener_bad_event": "[supervisord]\n[eventlistener:x]\ncommand=/bin/true\nevents=FOO\n",
    "listener_buffer": "[supervisord]\n[eventlistener:x]\ncommand=/bin/true\nevents=TICK\nbuffer_size=0\n",
    "listener_redirect": "[supervisord]\n[eventlistener:x]\ncommand=/bin/true\nevents=TICK\nredirect_stderr=true\n",
    "fcgi_no_socket": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\n",
    "fcgi_bad_socket": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\nsocket=foo\n",
    "fcgi_relative": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\nsocket=unix://rel\n",
    "fcgi_owner_tcp": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\nsocket=tcp://localhost:1\nsocket_mode=0700\n",
    "unix_no_file": "[supervisord]\n[unix_http_server]\n",
    "inet_no_port": "[supervisord]\n[inet_http_server]\n",
    "inet_bad_port": "[supervisord]\n[inet_http_server]\nport=abc\n",
    "auth_half": "[supervisord]\n[inet_http_server]\nport=9999\nusername=x\n",
    "bad_loglevel": "[supervisord]\nloglevel=loud\n",
    "bad_umask": "[supervisord]\numask=99\n",
    "bad_maxbytes": "[supervisord]\nlogfile_maxbytes=1B\n",
    "bad_childlogdir": "[supervisord]\nchildlogdir=/no/such\n",
    "rpc_no_factory": "[supervisord]\n[rpcinterface:x]\n",
    "include_no_files": "[supervisord]\n[include]\n",
    "syntax": "[supervisord\n",
    "no_section": "a=b\n",
}
SLEEP = "[program:s]\ncommand=/bin/sleep 1000\n"

def scenarios():
    yield {"name": "configs", "files": {n + ".conf": text for n, text in BAD.items()},
        "steps": [["daemon", "-n", "-c", n + ".conf"] for n in BAD]}
    yield scenario("flags", HEAD, [["daemon", *w] for w in (
        ["-v"], ["--version"], ["-h"], ["-x"], ["--foo"], ["-c"], ["x"], ["-n", "-c", "none.conf"], ["--lo", "x"],
        ["-n", "-c", "s.conf", "-a", "x"], ["-n", "-c", "s.conf", "-e", "loud"], ["-n", "-c", "s.conf", "-m", "9"],
        ["-n", "-c", "s.conf", "-u", "nobody-at-all"], ["-n", "-c", "s.conf", "-d", "/no/such"])] + [["ctl", "-h"]])
    names = """getAPIVersion getVersion getSupervisorVersion getIdentification getState getPID readLog clearLog shutdown restart
        reloadConfig addProcessGroup removeProcessGroup startProcess startProcessGroup startAllProcesses stopProcess
        stopProcessGroup stopAllProcesses signalProcess signalProcessGroup signalAllProcesses getAllConfigInfo getProcessInfo
        getAllProcessInfo readProcessStdoutLog readProcessStderrLog tailProcessStdoutLog tailProcessStderrLog
        clearProcessLogs clearAllProcessLogs sendProcessStdin sendRemoteCommEvent""".split()
    yield scenario("introspection", HEAD, [["start"], rpc("system.listMethods")]
        + [rpc("system.methodSignature", "supervisor." + n) for n in names]
        + [rpc("system.methodSignature", "system." + n) for n in ("listMethods", "methodHelp", "methodSignature", "multicall")]
        + [rpc("system.methodSignature", "supervisor.nope"), rpc("system.methodHelp", "nope"), rpc("system.methodHelp")])
    yield scenario("calls", HEAD + SLEEP + "stdout_capture_maxbytes=1MB\nenvironment=A=\"1\",B=\"2\"\n[program:t]\ncommand=/no/such -x\nautostart=false\n"
        + "[program:m]\ncommand=/bin/cat\nprocess_name=%(program_name)s_%(process_num)02d\nnumprocs=2\nredirect_stderr=true\nstdout_logfile=%(here)s/m%(process_num)d.log\n[eventlistener:l]\ncommand=/bin/cat\nevents=PROCESS_STATE,TICK_60\nautostart=false\n",
        [["start"], ["settle", "s", "RUNNING"], ["settle", "m:m_00", "RUNNING"], ["settle", "m:m_01", "RUNNING"], rpc("supervisor.getAPIVersion"), rpc("supervisor.getIdentification"),
         rpc("supervisor.getState"), rpc("supervisor.getAllConfigInfo"), rpc("supervisor.getProcessInfo", "s"),
         rpc("supervisor.getProcessInfo", "m:*"), rpc("supervisor.getProcessInfo", "zz"), rpc("supervisor.getProcessInfo"),
         rpc("supervisor.getProcessInfo", 1), rpc("supervisor.getState", 1), rpc("supervisor.nope"), rpc("nope"), rpc("a.b.c"), rpc("supervisor._x"),
         rpc("supervisor.startProcess", "s"), rpc("supervisor.startProcess", "t"), rpc("supervisor.startProcess", "zz"), rpc("supervisor.startProcess", "m:*"),
         rpc("supervisor.stopProcess", "t"), rpc("supervisor.signalProcess", "t", "HUP"), rpc("supervisor.signalProcess", "s", "FOO"), rpc("supervisor.signalProcess", "s", "CONT"),
         rpc("supervisor.signalProcessGroup", "m", "CONT"), rpc("supervisor.signalAllProcesses", "CONT"), rpc("supervisor.signalProcessGroup", "zz", "CONT"),
         rpc("supervisor.sendProcessStdin", "m:m_00", "hello\n"), ["grep", "m0.log", "hello"], rpc("supervisor.sendProcessStdin", "t", "x"), rpc("supervisor.sendProcessStdin", "zz", "x"), rpc("supervisor.sendProcessStdin", "s", 1),
         rpc("supervisor.readProcessStdoutLog", "m:m_00", 0, 0), rpc("supervisor.readProcessStdoutLog", "m:m_00", -3, 0), rpc("supervisor.readProcessStdoutLog", "m:m_00", -3, 1),
         rpc("supervisor.readProcessStdoutLog", "m:m_00", 0, -1), rpc("supervisor.readProcessStderrLog", "m:m_00", 0, 0), rpc("supervisor.readProcessStdoutLog", "zz", 0, 0), rpc("supervisor.readProcessStdoutLog", "m:*", 0, 0),
         rpc("supervisor.tailProcessStdoutLog", "m:m_00", 0, 3), rpc("supervisor.tailProcessStdoutLog", "m:m_00", 3, 100), rpc("supervisor.tailProcessStderrLog", "m:m_00", 0, 3), rpc("supervisor.tailProcessStdoutLog", "zz", 0, 3),
         rpc("supervisor.clearProcessLogs", "m:m_00"), rpc("supervisor.clearProcessLogs", "zz"), rpc("supervisor.clearAllProcessLogs"),
         rpc("supervisor.addProcessGroup", "s"), rpc("supervisor.addProcessGroup", "zz"), rpc("supervisor.removeProcessGroup", "s"), rpc("supervisor.removeProcessGroup", "zz"),
         rpc("supervisor.reloadConfig"), rpc("supervisor.sendRemoteCommEvent", "t", "d"), rpc("supervisor.stopProcessGroup", "m"), rpc("supervisor.startProcessGroup", "m"), rpc("supervisor.startProcessGroup", "zz"), rpc("supervisor.stopAllProcesses"),
         rpc("system.multicall", [{"methodName": "supervisor.getAPIVersion", "params": []}, {"methodName": "nope"}, {}, {"methodName": "system.multicall", "params": []}]),
         ["post", "/RPC2", "<x"], ["post", "/RPC2", "<methodCall></methodCall>"], ["post", "/RPC2x", xmlrpc.client.dumps((), "supervisor.getAPIVersion")], ["post", "/nope", ""],
         ["post", "/RPC2", "<methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>"],
         ["raw", "GET /RPC2 HTTP/1.0\r\n\r\n"], ["raw", "POST /RPC2 HTTP/1.0\r\n\r\n"], ["raw", "GET /ok.html HTTP/1.0\r\n\r\n"], ["raw", "GET /logtail/zz HTTP/1.0\r\n\r\n"],
         rpc("supervisor.shutdown"), ["end"]])
    yield scenario("ctl", HEAD + SLEEP + "[program:t]\ncommand=/no/such\nautostart=false\n[program:e]\ncommand=/bin/sh -c 'exit 3'\nautostart=false\nstartretries=0\n[program:m]\ncommand=/bin/sleep 1000\nprocess_name=%(program_name)s_%(process_num)02d\nnumprocs=2\n",
        [["start"], ["settle", "s", "RUNNING"], ["settle", "m:m_00", "RUNNING"], ["settle", "m:m_01", "RUNNING"]]
        + [[who, *line.split()] for line in ("status", "status s", "status zz", "status m:*", "status zz:*", "avail", "pid", "pid s", "pid all", "pid zz", "pid t", "version",
            "start s", "start t", "start e", "start zz", "start zz:*", "start", "stop", "stop t", "stop zz", "stop m:*", "start m:*", "restart s", "restart zz", "restart",
            "signal", "signal HUP", "signal CONT s", "signal FOO s", "signal CONT zz", "signal CONT m:*", "signal CONT all", "reread", "update", "update zz", "add", "add s", "add zz", "remove", "remove s", "remove zz",
            "clear", "clear s", "clear zz", "clear all", "tail", "tail s", "tail zz", "tail s stdxxx", "tail -x s", "maintail -x", "fg", "fg a b", "fg zz", "fg t",
            "foo", "help", "help start", "help nope", "help status", "help update", "help tail", "help fg", "help signal", "open", "stop all", "start all") for who in ("ctl", "cross")]
        + [["ctl", "shutdown"], ["end"], ["ctl", "status"], ["ctl", "start", "s"], ["ctl", "pid"], ["ctl", "version"]])
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
        [["start"], ["settle", "f:f0", "RUNNING"], ["grep", "f0.log", "socket"], ["grep", "f1.log", "socket"], ["grep", "f0.log", "mode"], ["grep", "s.log", "ocket"], rpc("supervisor.stopProcessGroup", "f"), ["grep", "s.log", "Closing|closing"]],
        show="#!/bin/sh\nreadlink /proc/self/fd/0 | sed 's/:.*//'\necho mode $(stat -c %a f.sock)\nexec sleep 1000\n")
    yield scenario("child", HEAD + "[program:c]\ncommand=%(here)s/show\nenvironment=A=\"x y\"\numask=027\ndirectory=/\nstdout_logfile=%(here)s/c.log\nautorestart=false\n"
        + "[program:x]\ncommand=/bin/sh /dev/null\ndirectory=/no/such\nstderr_logfile=%(here)s/x.log\nstartretries=0\n[program:k]\ncommand=%(here)s/ignore\nstopwaitsecs=1\n",
        [["start"], ["settle", "c", "RUNNING"], ["grep", "c.log", "^umask"], ["grep", "c.log", "^pwd"], ["grep", "c.log", "^env"], ["grep", "c.log", "^fds"], ["settle", "x", "FATAL"], ["grep", "x.log", "."],
         ["settle", "k", "RUNNING"], rpc("supervisor.stopProcess", "k"), ["grep", "s.log", "killing|SIGKILL|spawnerr|gave up"], ["signal", "USR2"], ["grep", "s.log", "SIGUSR2|reopen"], ["signal", "TERM"], ["end"], ["grep", "s.log", "SIGTERM|stopped:"]],
        show="#!/bin/sh\necho umask $(umask)\necho pwd $(pwd)\necho env \"$A\" $SUPERVISOR_ENABLED $SUPERVISOR_PROCESS_NAME $SUPERVISOR_GROUP_NAME\necho fds $(ls /proc/$$/fd | tr '\\n' ' ')\nexec sleep 1000\n",
        ignore="#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n")
