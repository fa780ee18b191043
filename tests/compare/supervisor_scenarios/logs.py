"""Logs of programs and of the daemon: where they are, rotation, reading back, reopening."""
from .base import *

def program(name, script, *options):
    return f"[program:{name}]\ncommand=%(here)s/{script}\nautorestart=false\nstartsecs=0\n" + "".join(o + "\n" for o in options)

def scenarios():
    # Each line is read on its own: 100 bytes a line, rotated at 250.
    slow = "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do printf '%099d\\n' $i; sleep 0.2; done\n"
    yield scenario("rotation", HEAD + program("r", "slow", "stdout_logfile=%(here)s/r.log", "stdout_logfile_maxbytes=250", "stdout_logfile_backups=1")
        + program("z", "slow", "stdout_logfile=%(here)s/z.log", "stdout_logfile_maxbytes=250", "stdout_logfile_backups=0")
        + program("n", "slow", "stdout_logfile=%(here)s/n.log", "stdout_logfile_maxbytes=0"),
        [["start"], ["settle", "r", "EXITED"], ["settle", "z", "EXITED"], ["settle", "n", "EXITED"], ["sh", "wc -c r.log* z.log* n.log*; tail -c3 r.log; tail -c3 r.log.1"],
         rpc("supervisor.clearProcessLogs", "r"), decided("clearing the log of a program that does not run", ["sh", "wc -c r.log*"]), rpc("supervisor.tailProcessStdoutLog", "n", 0, 10), rpc("supervisor.readProcessStdoutLog", "n", 795, 0)], slow=slow)
    both = "#!/bin/sh\necho out\nsleep 0.2\necho err >&2\nsleep 0.2\nprintf '\\033[31mred\\033[0m\\n'\n"
    yield scenario("channels", HEAD.replace("[unix", "strip_ansi=true\n[unix") + program("a", "both") + program("r", "both", "redirect_stderr=true", "stdout_logfile=%(here)s/r.log", "stderr_logfile=%(here)s/never.log") + program("n", "both", "stdout_logfile=NONE", "stderr_logfile=none")
        + program("s", "both", "stdout_logfile=syslog") + program("g", "both", "stdout_logfile=%(here)s/%(program_name)s-%(group_name)s-%(process_num)d.log", "stderr_logfile=off") + program("d", "both", "stdout_logfile=%(here)s", "startretries=0"),
        [["start"], *[["settle", n, "EXITED"] for n in "arnsg"], ["settle", "d", "FATAL"], ["sh", "cat r.log g-g-0.log a-stdout*.log; echo; cat a-stderr*.log; ls | grep -v '^a-\\|^d-\\|^s-\\|children'; stat -c %a a-std*.log r.log"],
         *[rpc("supervisor.getProcessInfo", n) for n in "arns"], rpc("supervisor.readProcessStdoutLog", "n", 0, 0), rpc("supervisor.readProcessStderrLog", "r", 0, 0), rpc("supervisor.tailProcessStdoutLog", "n", 0, 10), rpc("supervisor.tailProcessStderrLog", "r", 0, 10),
         ["ctl", "tail", "a"], ["ctl", "tail", "a", "stderr"], ["ctl", "tail", "-3", "a"], ["ctl", "tail", "n"], ["ctl", "tail", "r", "stderr"], ["ctl", "tail", "a", "STDERR"], ["ctl", "clear", "n"], ["ctl", "clear", "a"], decided("clearing the log of a program that does not run", ["ctl", "tail", "a"]), rpc("supervisor.clearProcessLogs", "s"),
         ["ctl", "status", "d"], ["ctl", "start", "d"]], both=both)
    ticks = "#!/bin/sh\nwhile :; do echo x; sleep 0.2; done\n"
    yield scenario("reopen", HEAD + program("t", "ticks", "stdout_logfile=%(here)s/t.log"), [["start"], ["grep", "t.log", "x"], ["sh", "mv t.log moved; mv s.log s.old"], ["signal", "USR2"], ["grep", "t.log", "x"], ["grep", "s.log", "reopen"], ["grep", "s.old", "USR2|reopen"], rpc("supervisor.clearLog"), ["sh", "wc -c < s.log"],
        ["sh", "rm s.log"], rpc("supervisor.readLog", 0, 0), rpc("supervisor.clearLog"), rpc("supervisor.readMainLog", -10, 0)], ticks=ticks)
    yield scenario("main_log", HEAD.replace("s.log\n", "s.log\nloglevel=debug\n", 1) + program("a", "both") + SLEEP, [["start"], ["settle", "a", "EXITED"], ["settle", "s", "RUNNING"], ["ctl", "signal", "CONT", "s"], ["ctl", "stop", "s"], ["sh", "grep -A1 'output:' s.log | cut -d' ' -f3-; grep 'DEBG killing' s.log | cut -d' ' -f3-"],
        rpc("supervisor.readLog", 0, 10), rpc("supervisor.readLog", -1, 0), rpc("supervisor.readLog", -1, 1), rpc("supervisor.readLog", 0, -1), rpc("supervisor.readLog", 10000000, 0), ["ctl", "maintail", "-1"], ["sh", "stat -c %a s.log s.pid"]], both=both)
    yield scenario("main_log_rotation", HEAD.replace("s.log\n", "s.log\nlogfile_maxbytes=1KB\nlogfile_backups=2\n", 1) + SLEEP, [["start"], ["settle", "s", "RUNNING"], *[["ctl", "restart", "s"]] * 4, ["sh", "ls s.log*; test $(stat -c %s s.log.1) -ge 1024 && echo full"]])
    yield scenario("main_log_none", HEAD.replace("%(here)s/s.log\n", "/dev/null\nlogfile_maxbytes=0\n", 1), [["start"], rpc("supervisor.readLog", 0, 0), ["ctl", "maintail"]])
    yield scenario("main_log_syslog", HEAD.replace("%(here)s/s.log\n", "syslog\n", 1), [["start"], rpc("supervisor.readLog", 0, 0), ["ctl", "maintail"], ["ctl", "maintail", "-f"], rpc("supervisor.clearLog"), ["sh", "ls syslog"]])
    # The log is read by nobody else and never cleared: supervisord, as root, would remove the device.
    yield scenario("console", HEAD.replace("%(here)s/s.log\n", "/dev/stdout\nlogfile_maxbytes=0\n", 1) + program("a", "both", "stdout_logfile=/dev/stdout", "stdout_logfile_maxbytes=0", "stderr_logfile=/dev/stderr", "stderr_logfile_maxbytes=0"), [["sh", "(supervisord -n -c s.conf 2>&1 | cat > all) > /dev/null 2>&1 &"], ["settle", "a", "EXITED"], ["sh", "for w in ^out ^err 'exited: a'; do grep -c \"$w\" all; done"], ["ctl", "shutdown"]], both=both)
    old = {"x-stdout---supervisor-abcdefgh__log": "old", "x-stderr---other-abcdefgh__log": "other", "x-stdout---supervisor-abcd__txt": "text"}
    yield scenario("cleanup", HEAD, [["start"], ["sh", "ls x-*"]], **old)
    yield scenario("no_cleanup", HEAD, [["start", "-k"], ["sh", "ls x-*"]], **old)
    # `kept` is what a log has when its program starts: it goes on.
    yield scenario("append", HEAD + program("a", "both", "stdout_logfile=%(here)s/kept"), [["start"], ["settle", "a", "EXITED"], ["sh", "cat kept"], ["ctl", "remove", "a"], ["sh", "cat kept | wc -l"], ["ctl", "add", "a"], ["settle", "a", "EXITED"], ["sh", "cat kept | wc -l"]], both=both, kept="before\n")
    yield scenario("auto_removed", HEAD + program("a", "both"), [["start"], ["settle", "a", "EXITED"], ["sh", "ls a-* | wc -l"], ["ctl", "remove", "a"], ["sh", "ls a-* 2>/dev/null | wc -l"]], both=both)
    latin = "#!/bin/sh\nprintf 'caf\\303\\251 \\342\\202\\254\\n'\n"
    yield scenario("unicode", HEAD + program("u", "latin", "environment=N=\"\u00fc\""), [["start"], ["settle", "u", "EXITED"], rpc("supervisor.readProcessStdoutLog", "u", 0, 0), ["ctl", "tail", "u"], decided("invalid UTF-8 in a log, read through the interface", ["ctl", "tail", "-3", "u"])], latin=latin)
    bad = "#!/bin/sh\nprintf 'a\\377b\\n'\n"
    why = "invalid UTF-8 in a log, read through the interface"
    yield scenario("invalid", HEAD + program("i", "bad"), [["start"], ["settle", "i", "EXITED"], decided(why, rpc("supervisor.readProcessStdoutLog", "i", 0, 0)), decided(why, ["ctl", "tail", "i"])], bad=bad)
    runs = "#!/bin/sh\nfor i in 1 2 3 4 5; do printf '%099d\\n' $i; sleep 0.2; done\nexec sleep 1000\n"
    yield scenario("clear_running", HEAD + program("r", "runs", "stdout_logfile=%(here)s/r.log", "stdout_logfile_maxbytes=250", "stdout_logfile_backups=3") + program("a", "runs"), [["start"], ["until", "grep 5$ r.log"], ["sh", "wc -c r.log*"], rpc("supervisor.clearProcessLogs", "r"), ["sh", "wc -c r.log*"], ["ctl", "clear", "all"], rpc("supervisor.clearAllProcessLogs"), ["sh", "wc -c a-*"]], runs=runs)
