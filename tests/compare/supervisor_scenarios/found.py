"""What random cases found (tests/compare/supervisor-random): each a fault once."""
from .base import *

P = "[supervisord]\n[program:x]\ncommand=/bin/true\n"
REFUSED = {
    "boolean_lines": P + "autostart=false\n  more\n",
    "boolean_quoted": P + "autostart='true'\n",
    "expansion_lines": "[supervisord]\n[group:g]\nprograms=\n  %(ENV_NO_SUCH)s\n",
    "expansion_quote": P + "directory='%(nope)s'\n",
    # Which of two errors is told.
    "order_shared": P + "environment=A\nkillasgroup=x\nstartsecs=x\nexitcodes=x\n",
    "order_signal": P + "exitcodes=x\nstopsignal=x\n",
    "order_process": P + "stdout_logfile=/no/such/x\nenvironment=A\ndirectory=%(q)s\n",
    "order_command": "[supervisord]\n[program:x]\nstderr_syslog=x\nprocess_name=%(q)s\n",
    "order_numprocs": P + "numprocs=2\nstopasgroup=true\nkillasgroup=false\numask=x\n",
    "order_name": P + "process_name=a:b\nnumprocs=2\n",
    "order_listener": "[supervisord]\n[eventlistener:x]\npriority=x\nevents=NOPE\n",
    "order_listener_name": "[supervisord]\n[eventlistener:a b]\ncommand=x\nevents=NOPE\n",
    "order_listener_named": "[supervisord]\n[eventlistener:a b]\ncommand=x\nevents=EVENT\n",
    "order_fcgi": "[supervisord]\n[fcgi-program:x]\nsocket=x\nsocket_mode=x\nsocket_owner=no-such-user\n",
    "order_fcgi_user": "[supervisord]\n[fcgi-program:x]\nuser=no-such-user\n",
    "order_fcgi_mode": "[supervisord]\n[fcgi-program:x]\nsocket=x\nsocket_mode=0700\n",
    "order_kinds": "[supervisord]\n[fcgi-program:x]\n[eventlistener:x]\n[program:x]\n",
    "order_rpc": "[supervisord]\n[group:g]\nprograms=zz\n[rpcinterface:x]\n",
    "order_servers": "[supervisord]\n[unix_http_server]\nfile=x\nusername=x\nchmod=x\n[inet_http_server]\nport=x\nusername=y\n",
    "order_daemon": "[supervisord]\nuser=no-such-user\nenvironment=A\numask=x\nlogfile=/no/such/x\ndirectory=/no/such\nminfds=x\n",
    "order_daemon_rest": "[supervisord]\nuser=no-such-user\nstrip_ansi=x\nnocleanup=x\nchildlogdir=/no/such\nsilent=x\nidentifier=%(q)s\n",
    # What all processes share knows no process.
    "shared_number": P + "startsecs=%(process_num)d\n",
    "shared_count": P + "umask=%(numprocs)d\n",
    "shared_own": P + "serverurl=%(ENV_OWN)s\nenvironment=OWN=1\n",
    "underscores": P + "startsecs=1__0\n",
    "name_tab": "[supervisord]\n[program:a b\t]\ncommand=x\n",
    "carriage_return": "[supervisord]\n\r[program:x]\n",
    "conversion_percent": P + "directory=%5%\n",
    "conversion_text": P + "directory=%(here)x\n",
    "conversion_none": P + "directory=%d\n",
    "conversion_star": P + "directory=%(here)*d\n",
    "conversion_long": P + "directory=%(here)lls\n",
    "ambiguous": "[supervisord]\n[group:g]\nprograms=x\n[program:x]\ncommand=x\n[fcgi-program:x]\ncommand=x\nsocket=tcp://localhost:1\n",
    "member_spaced": "[supervisord]\n[group:g]\nprograms=x\n[program: x ]\ncommand=x\n",
    "first_file": "[supervisord]\n[include]\nfiles=good*.conf\n[program:x]\nstartsecs=x\n",
    "good_more": "[program:x]\ncommand=x\nstartsecs=y\n",
    "log_twice": P + "stdout_logfile=%(here)s/%%.log\n",
    "log_slash": P + "stdout_logfile=none/\n",
    "fcgi_no_host": "[supervisord]\n[fcgi-program:x]\nsocket=tcp://:80\n",
    "fcgi_two_colons": "[supervisord]\n[fcgi-program:x]\nsocket=tcp://a:b:1\n",
    "fcgi_high": "[supervisord]\n[fcgi-program:x]\nsocket=tcp://localhost:70000\n",
    "fcgi_low": "[supervisord]\n[fcgi-program:x]\nsocket=tcp://localhost:0\n",
    "fcgi_quoted": "[supervisord]\n[fcgi-program:x]\nsocket='a\tb'\n",
    "fcgi_empty": "[supervisord]\n[fcgi-program:x]\nsocket=\n",
    "fcgi_backlog": "[supervisord]\n[fcgi-program:x]\nsocket=tcp://localhost:1\nsocket_backlog=0\n",
    "signal_tab": P + "stopsignal=a\tb\n",
    "user_negative": P + "user=-1\n",
    "integer_long": P + "startsecs=" + "x" * 300 + "\n",
    "here_twice": P + "directory=%%(here)s%(q)s\n",
    "here_settled": "[supervisord]\n[include]\nfiles=none.conf\n[program:x]\ncommand=x\ndirectory=%%(here)s%(q)s\n",
    "separator": "[supervisord]\nx=1\n\x1e\n  y\n=\n",
}
GOOD = HEAD.replace("[supervisord]\n", "[supervisord]\nuser=root\n") + """[include]
files=sub/**.conf none.conf su* sub/[x.conf
[fcgi-program:f]
command=/bin/cat
socket=unix://%(here)s/f.sock
autostart=false
[program:none]
numprocs=0
[program:big]
command=/bin/cat
autostart=false
stdout_logfile_maxbytes=0
stderr_logfile=syslog
startsecs=1_0
directory=%(ENV_OWN)s
environment=OWN="/tmp"
stdout_logfile_backups=%(process_num)d
stderr_logfile_maxbytes=%(ENV_SIZE)s
[program:pads]
command=/bin/echo %(process_num)#x % (process_num)d|%(process_num)+05d|%(process_num)-5d|%(process_num).2f %(process_num)e %(process_num)g %(program_name).2s %(program_name)r
autostart=false
numprocs_start=3
[group:g]
programs=pads,pads
[program:files]
command=/bin/cat
autostart=false
stdout_logfile=%(here)s/50%%%%.log
stderr_logfile=%(here)s/%(program_name)s.log
umask=0O22
""".replace("% (", "%(")

def scenarios():
    steps = [["daemon", "-n", "-c", n + ".conf"] for n in REFUSED]
    yield {**configs("found_refused", REFUSED), "steps": [*steps, ["sh", "printf '[supervisord]\\nx=\\351\\n' > latin.conf; supervisord -n -c latin.conf 2>&1 | head -1; supervisorctl -c latin.conf version >out 2>&1; echo $?"]]}
    log = ["sh", "sed 's/^[^,]*,[0-9]* //' s.log | grep -v 'pid'"]
    yield scenario("found_good", GOOD, [["start"], rpc("supervisor.getAllConfigInfo"), ["ctl", "avail"], log], {"SIZE": "0"}, True,
        **{"sub/a__conf": "[program:shown]\ncommand=/bin/cat\nautostart=false\n", "sub/.h__conf": "[program:hidden]\ncommand=/bin/cat\n"})
    plug = HEAD.replace("make_main_rpcinterface\n", "make_main_rpcinterface\nretries=3\n")
    yield scenario("found_plug", plug, [["sh", "supervisord -n -c s.conf 2>&1 | grep '^Error'; test -e s.sock; echo $?"]])
    wrap = lambda name, *params: "<methodCall><methodName>" + name + "</methodName><params>" + "".join(f"<param><value>{p}</value></param>" for p in params) + "</params></methodCall>"
    yield scenario("found_calls", HEAD + SLEEP + "[program:k]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n", [["start"], ["settle", "s", "RUNNING"],
        *[["post", "/RPC2", body] for body in (wrap("supervisor.getVersion") + "x", wrap("supervisor.getVersion") + "<x/>", wrap("supervisor.getVersion") + "<!-- c -->\n", wrap(" supervisor.getVersion"), wrap(" "), wrap("supervisor.readProcessStderrLog", "zz", "<int>1</int>"),
            wrap("supervisor.addProcessGroup"), wrap("supervisor.signalProcess", "zz"), wrap("supervisor.startProcess", "k", "<boolean>true</boolean>"), wrap("supervisor.getProcessInfo", "<string>z<!-- c -->z</string>"))],
        ["raw", "POST /logtail/s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"], ["ctl", "status", "zz", "s"], ["ctl", "status", "zz"], ["ctl", "stop", "k:k"], ["ctl", "stop", "k:k"], ["ctl", "signal", "FOO", "s:s", "zz:zz"], ["ctl", "status", "zz", "k"], ["ctl", "clear", "zz:zz"],
        ["type", "help a  b\nhelp\ta\n"], ["ctl", "tail", "--"], ["ctl", "tail", "-5_0", "s"], ["ctl", "tail", "-x", "s", "x"]])
