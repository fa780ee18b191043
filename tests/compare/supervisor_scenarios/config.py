"""Configurations: what is refused, and with which words."""
from .base import *

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

PROGRAM = "[supervisord]\n[program:x]\ncommand=/bin/true\n"
WORSE = {
    "stopsignal_number": PROGRAM + "stopsignal=99\n",
    "stopsignal_zero": PROGRAM + "stopsignal=0\n",
    "stopwait": PROGRAM + "stopwaitsecs=long\n",
    "startretries": PROGRAM + "startretries=\n",
    "numprocs_text": PROGRAM + "numprocs=two\n",
    "numprocs_start": PROGRAM + "numprocs_start=x\n",
    "exitcodes_text": PROGRAM + "exitcodes=0,x\n",
    "exitcodes_signed": PROGRAM + "exitcodes=-1\n",
    "umask_text": PROGRAM + "umask=abc\n",
    "logfile_maxbytes": PROGRAM + "stdout_logfile_maxbytes=1TB\n",
    "logfile_backups": PROGRAM + "stderr_logfile_backups=many\n",
    "capture": PROGRAM + "stdout_capture_maxbytes=x\n",
    "events_enabled": PROGRAM + "stdout_events_enabled=x\n",
    "syslog_flag": PROGRAM + "stderr_syslog=x\n",
    "redirect": PROGRAM + "redirect_stderr=x\n",
    "user_number": PROGRAM + "user=99999\n",
    "directory_percent": PROGRAM + "directory=%(nope)s\n",
    "name_space": "[supervisord]\n[program:a b]\ncommand=/bin/true\n",
    "name_colon": "[supervisord]\n[program:a:b]\ncommand=/bin/true\n",
    "name_slash": "[supervisord]\n[program:a/b]\ncommand=/bin/true\n",
    "name_empty": "[supervisord]\n[program:]\ncommand=/bin/true\n",
    "process_name_slash": PROGRAM + "process_name=a/b\n",
    "process_name_unknown": PROGRAM + "process_name=%(foo)s\n",
    "process_name_conversion": PROGRAM + "process_name=%(process_num)q\n",
    "process_name_int": PROGRAM + "process_name=%(program_name)d\n",
    "group_bad_name": "[supervisord]\n[group:a b]\nprograms=x\n[program:x]\ncommand=/bin/true\n",
    "group_priority": "[supervisord]\n[group:g]\nprograms=x\npriority=low\n[program:x]\ncommand=/bin/true\n",
    "group_expansion": "[supervisord]\n[group:g]\nprograms=%(foo)s\n",
    "env_lone": PROGRAM + "environment=A=\n",
    "env_no_comma": PROGRAM + "environment=A=1 B=2\n",
    "env_specials": PROGRAM + "environment=A=a@b\n",
    "env_percent": PROGRAM + "environment=A=\"50%\"\n",
    "env_unknown": PROGRAM + "environment=A=\"%(ENV_NO_SUCH_ONE)s\"\n",
    "daemon_env": "[supervisord]\nenvironment=A\n",
    "daemon_env_name": "[supervisord]\nenvironment=A=%(program_name)s\n",
    "daemon_logfile": "[supervisord]\nlogfile=/no/such/s.log\n",
    "daemon_pidfile": "[supervisord]\npidfile=/no/such/s.pid\n",
    "daemon_backups": "[supervisord]\nlogfile_backups=x\n",
    "daemon_bool": "[supervisord]\nnodaemon=x\n",
    "daemon_strip": "[supervisord]\nstrip_ansi=x\n",
    "daemon_minfds": "[supervisord]\nminfds=x\n",
    "daemon_minfds_huge": "[supervisord]\nminfds=99999999\n",
    "daemon_user": "[supervisord]\nuser=nobody-at-all\n",
    "daemon_directory": "[supervisord]\ndirectory=/no/such\n",
    "daemon_here": "[supervisord]\nlogfile=%(nope)s/x\n",
    "unix_dir": "[supervisord]\n[unix_http_server]\nfile=/no/such/s.sock\n",
    "unix_chmod": "[supervisord]\n[unix_http_server]\nfile=/tmp/s.sock\nchmod=rwx\n",
    "unix_chown": "[supervisord]\n[unix_http_server]\nfile=/tmp/s.sock\nchown=nobody-at-all\n",
    "unix_chown_group": "[supervisord]\n[unix_http_server]\nfile=/tmp/s.sock\nchown=root:no-such-group\n",
    "unix_password": "[supervisord]\n[unix_http_server]\nfile=/tmp/s.sock\npassword=x\n",
    "inet_empty": "[supervisord]\n[inet_http_server]\nport=\n",
    "inet_port_range": "[supervisord]\n[inet_http_server]\nport=70000\n",
    "inet_host_no_port": "[supervisord]\n[inet_http_server]\nport=localhost:\n",
    "inet_named": "[supervisord]\n[inet_http_server:x]\n",
    "rpc_bad_factory": "[supervisord]\n[rpcinterface:x]\nsupervisor.rpcinterface_factory=no.such:thing\n",
    "fcgi_port": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\nsocket=tcp://localhost\n",
    "fcgi_port_text": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\nsocket=tcp://localhost:x\n",
    "fcgi_mode": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\nsocket=unix:///tmp/f.sock\nsocket_mode=rw\n",
    "fcgi_owner": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\nsocket=unix:///tmp/f.sock\nsocket_owner=nobody-at-all\n",
    "fcgi_backlog": "[supervisord]\n[fcgi-program:x]\ncommand=/bin/true\nsocket=unix:///tmp/f.sock\nsocket_backlog=x\n",
    "listener_handler": "[supervisord]\n[eventlistener:x]\ncommand=/bin/true\nevents=TICK\nresult_handler=no.such:thing\n",
    "listener_events_empty": "[supervisord]\n[eventlistener:x]\ncommand=/bin/true\nevents=\n",
    "listener_no_command": "[supervisord]\n[eventlistener:x]\nevents=TICK\n",
    "include_empty": "[supervisord]\n[include]\nfiles=\n[program:x]\n",
    "include_broken": "[supervisord]\n[include]\nfiles=syntax_two.conf\n",
    "include_percent": "[supervisord]\n[include]\nfiles=%(nope)s\n",
    "syntax_two": "[supervisord]\nfoo\nbar\n",
    "syntax_empty_key": "[supervisord]\n=x\n",
    "syntax_section": "[]\n",
    "empty": "",
    "upper_section": "[SUPERVISORD]\n",
    "percent_lone": PROGRAM + "stdout_logfile=%\n",
    "percent_key": PROGRAM + "directory=%(here\n",
}
DIALECT = """; a comment
# another
[supervisord]
logfile : %(here)s/s.log
pidfile=%(here)s/s.pid
childlogdir=%(here)s
identifier=x1 ; comment
environment=TOP="one"
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s.sock
[PROGRAM:ignored]
command=/bin/true
[program: spaced ]
COMMAND : /bin/echo a;b c#d 'e ; f
AutoStart = no
[program:twice]
command=/bin/one
autostart=off
priority=5
[program:twice]
command=/bin/two
[program:lines]
command=/bin/sh -c
  'echo one'
   two
autostart=0
environment=A="1,2", B='x y',
  C=/path/to:x-y_z(+),D="50%%"
[program:forms]
command=/bin/echo %(program_name)s %(group_name)s %(process_num)03d %(numprocs)d %(here)s %(ENV_TOP)s %(ENV_OWN)s
process_name=%(program_name)s-%(process_num)02x
numprocs=2
numprocs_start=9
autostart=false
environment=OWN="%(process_num)d"
stdout_logfile=%(here)s/%(program_name)s-%(process_num)d-%(ENV_OWN)s.log
stdout_logfile_maxbytes=2Kb
stderr_logfile=NONE
stopsignal=sigusr1
exitcodes=0, 2 ,3
umask=077
startsecs=0
stopwaitsecs=3
user=root
directory=/tmp
serverurl=http://somewhere:1
[program:off]
command=/bin/echo %(host_node_name)s
autostart=false
stdout_logfile=off
stderr_logfile=syslog
redirect_stderr=true
stopsignal=15
killasgroup=true
stdout_events_enabled=YES
stdout_syslog=On
[group:g]
programs=twice , off
priority=7
[group:none]
programs=
[include]
files = sub/*.conf
  other.conf nothing/*.conf
"""
SUB = "[program:lines]\npriority=3\n[program:fromsub]\ncommand=/bin/echo %(here)s\nautostart=false\n[include]\nfiles=never.conf\n"

def scenarios():
    yield configs("configs", BAD)
    yield configs("configs_more", WORSE, {"stopsignal_zero": "`stopsignal=0`", "daemon_minfds_huge": "help texts and `-h`", "rpc_bad_factory": "`[rpcinterface:x]` of one's own"})
    yield scenario("dialect", DIALECT, [["start"], ["sh", "cat err"], rpc("supervisor.getAllConfigInfo"), rpc("supervisor.getAllProcessInfo"), rpc("supervisor.getIdentification"),
        ["ctl", "avail"], ["ctl", "status"], ["grep", "s.log", "nclude"], ["ctl", "start", "spaced"], ["ctl", "start", "fromsub"], ["settle", "fromsub", "EXITED"],
        ["sh", "cat fromsub-stdout---x1-*.log"]],
        **{"sub/a__conf": SUB, "sub/b__conf": "[program:fromsub]\nstartsecs=0\nautorestart=false\n", "other__conf": "[supervisord]\nloglevel=debug\n"})
    reads = {"a1": "A=1", "space": "A = 1 , B = 2", "quotes": "A=\"a'b\",B='a\"b'", "empty": "", "trailing": "A=1,", "hash": "A=\"a#b\"", "nl": "A=1,\n B=2", "eq": "A=\"x=y\"", "inner": "A=a\"b c\"d", "twice": "A=1,A=2", "unicode": "A=\"é\"", "plain_specials": "A=/x_y.z+1-2():3", "backslash": "A=\"a\\\\b\""}
    text = "".join(f"[program:{n}]\ncommand=/bin/sh -c 'echo \"[$A] [$B]\"'\nenvironment={v}\nstdout_logfile=%(here)s/{n}.log\nstartsecs=0\nautorestart=false\n" for n, v in reads.items())
    yield scenario("environments", HEAD + text, [["start"], *[["settle", n, "EXITED"] for n in reads], ["sh", "for f in *.log; do [ $f = s.log ] || { echo $f; cat $f; }; done"]])
    search = HEAD + SLEEP
    yield scenario("search", search, [["sh", "cd empty; supervisord 2>&1 | grep ^Error | sed 's#(.*/etc/supervisord.conf, .*/supervisord.conf, supervisord.conf#(ABOVE, supervisord.conf#'; supervisorctl status; echo $?"], ["start"], ["settle", "s", "RUNNING"],
        ["sh", "cp s.conf supervisord.conf; supervisorctl status"], ["sh", "mv supervisord.conf etc/; supervisorctl pid s | wc -w"],
        ["sh", "cd empty; supervisorctl -c ../s.conf pid s | wc -w"], ["bare", "-s", "unix:///no/such", "status"], ["bare", "-c", "none.conf", "status"]],
        **{"empty/x": "", "etc/x": ""})
