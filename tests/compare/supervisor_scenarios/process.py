"""What a program finds, and how it is started and stopped."""
from .base import *

def scenarios():
    yield scenario("child", HEAD + "[program:c]\ncommand=%(here)s/show\nenvironment=A=\"x y\"\numask=027\ndirectory=/\nstdout_logfile=%(here)s/c.log\nautorestart=false\n"
        + "[program:x]\ncommand=/bin/sh /dev/null\ndirectory=/no/such\nstderr_logfile=%(here)s/x.log\nstartretries=0\n[program:k]\ncommand=%(here)s/ignore\nstopwaitsecs=1\n",
        [["start"], ["settle", "c", "RUNNING"], ["grep", "c.log", "^umask"], ["grep", "c.log", "^pwd"], ["grep", "c.log", "^env"], ["grep", "c.log", "^fds"], ["settle", "x", "FATAL"], ["grep", "x.log", "."],
         ["settle", "k", "RUNNING"], rpc("supervisor.stopProcess", "k"), ["grep", "s.log", "killing|SIGKILL|spawnerr|gave up"], ["signal", "USR2"], ["grep", "s.log", "SIGUSR2|reopen"], ["signal", "TERM"], ["end"], ["grep", "s.log", "SIGTERM|stopped:"]],
        show="#!/bin/sh\necho umask $(umask)\necho pwd $(pwd)\necho env \"$A\" $SUPERVISOR_ENABLED $SUPERVISOR_PROCESS_NAME $SUPERVISOR_GROUP_NAME\necho fds $(ls /proc/$$/fd | tr '\\n' ' ')\nexec sleep 1000\n",
        ignore="#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n")
