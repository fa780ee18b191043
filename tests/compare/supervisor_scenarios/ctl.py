"""supervisorctl: every command with its text and exit code, from either side; the shell."""
from .base import *

HELP = "help texts and `-h`"
PROGRAMS = HEAD + SLEEP + """[program:t]
command=/no/such
autostart=false
[program:e]
command=/bin/sh -c 'exit 3'
autostart=false
startretries=0
[program:m]
command=/bin/sleep 1000
process_name=%(program_name)s_%(process_num)02d
numprocs=2
"""
LINES = """status|status s|status zz|status m:*|status m:|status zz:*|status s m:* zz|status all|avail|avail x|pid|pid s|pid all|pid zz|pid t|pid m:*|pid s zz t|version|version x
start s|start t|start e|start zz|start zz:*|start m:m_00 zz s|stop t|stop zz|stop m:*|stop m:* t|start m:*|start m:|restart s|restart zz|restart t|restart m:*|restart zz:*
signal CONT s|signal FOO s|signal CONT zz|signal CONT zz:*|signal CONT m:*|signal FOO m:*|signal CONT all|signal 18 s|signal 99 s|signal SIGCONT s m:*|signal CONT t
reread|reread x|update|update zz|update s|update all|update s zz|add|add s|add zz|add s zz|remove|remove s|remove zz|remove zz s
clear s|clear zz|clear all|clear s zz|clear m:*|clear zz:*|tail s|tail zz|tail s stdxxx|tail -x s|tail s stderr|tail -10 s|tail -10|tail s stdout x|tail a b c d|tail zz:*|tail -f|maintail -x|maintail x y|fg a b|fg zz|fg t|fg m:*
foo|foo bar|help nope|open|open foo|shutdown x|reload x|quit|exit|EOF|stop all|stop all s|start all|status t e"""

def step(who, line):
    if line[0] in ("stop", "restart") and line[-1] in ("all", "m:*") or line[:2] == ["stop", "m:*"] or line[:2] == ["stop", "all"]:
        return unordered([who, *line])
    if line[0] == "clear" and line[1].endswith(":*"):
        return decided("`clear group:*`", [who, *line])
    return [who, *line]

def scenarios():
    lines = [line.split() for line in LINES.replace("\n", "|").split("|")]
    yield scenario("ctl", PROGRAMS, [["start"], ["settle", "s", "RUNNING"], ["settle", "m:m_00", "RUNNING"], ["settle", "m:m_01", "RUNNING"]]
        + [step(who, line) for line in lines for who in ("ctl", "cross")]
        + [["prose", *line.split()] for line in ("start", "stop", "restart", "signal", "signal HUP", "clear", "tail", "fg", "help")]
        + [decided(HELP, ["prose", *line.split()]) for line in ("help start", "-h")]
        + [["ctl", "shutdown"], ["end"], *[["ctl", *line.split()] for line in ("status", "start s", "pid", "version", "update", "reread", "avail", "add s", "remove s", "stop all", "tail s", "maintail", "shutdown", "reload", "fg s", "signal HUP s", "clear s", "foo", "restart s")]])
    yield scenario("ctl_shell", PROGRAMS, [["start"], ["settle", "s", "RUNNING"], ["settle", "m:m_00", "RUNNING"], ["settle", "m:m_01", "RUNNING"],
        ["type", ""], ["type", "quit\n"], ["type", "exit\n"], ["type", "EOF\n"], ["type", "\n\n  \n"], ["type", "status s\nfoo\nstop zz\npid s\n"], ["type", "version\nstatus"], ["type", "version; pid\n"],
        ["type", "stop s\n", "-i", "version"], ["type", "start s\n", "version", "-i"], ["type", "shutdown\nn\n"], decided("end of input at a question", ["type", "shutdown\n"]), ["type", "reload\n\n"], ["type", "reload x\n"],
        ["type", "open http://localhost:1\nstatus\n"], ["type", "open unix:///no/such\npid\nversion\n"], ["type", "tail s\nmaintail -5x\nclear s\n"], ["type", "avail\nreread\nupdate\n"], ["type", "restart s\n"], ["type", "shutdown\ny\n"], ["end"], ["type", "status\npid\nfoo\n"]])
    grow = HEAD + "[program:b]\ncommand=/bin/sleep 1000\n[program:a]\ncommand=/bin/sleep 1000\n[program:c]\ncommand=/bin/sleep 1000\n"
    yield scenario("ctl_update", grow, [["start"], ["settle", "c", "RUNNING"], ["settle", "a", "RUNNING"], ["ctl", "reread"],
        ["write", "s.conf", grow.replace("[program:b]\ncommand=/bin/sleep 1000\n", "").replace("c]\ncommand=/bin/sleep 1000", "c]\ncommand=/bin/sleep 1001") + "[program:d]\ncommand=/bin/sleep 1000\n[program:m]\ncommand=/bin/sleep 1000\nautostart=false\n"],
        ["ctl", "reread"], ["ctl", "avail"], ["ctl", "status", "d"], ["ctl", "add", "d"], ["ctl", "remove", "b"], ["ctl", "stop", "b"], ["ctl", "remove", "b"], ["ctl", "start", "b"], ["ctl", "update", "zz", "c"], ["ctl", "update", "m"], ["ctl", "update"], ["settle", "d", "RUNNING"], ["settle", "c", "RUNNING"], ["ctl", "status"],
        ["write", "s.conf", grow], ["cross", "reread"], ["ctl", "update", "all"], ["ctl", "update"],
        ["write", "s.conf", grow + "[program:x]\n"], ["ctl", "reread"], ["ctl", "update"], ["ctl", "update", "a"], rpc("supervisor.reloadConfig"), ["ctl", "avail"], ["ctl", "add", "x"],
        ["write", "s.conf", grow + "autostart=maybe\n"], ["ctl", "reread"], ["ctl", "reload"], ["end"], ["sh", "cat err"]])
    yield scenario("ctl_reload", grow, [["start"], ["settle", "c", "RUNNING"], ["write", "s.conf", grow + "[program:d]\ncommand=/bin/sleep 1000\n"], ["ctl", "reload"], ["until", "supervisorctl -c s.conf status d | grep RUNNING"], ["ctl", "status"],
        ["signal", "HUP"], ["grep", "s.log", "SIGHUP"], ["until", "test $(grep -c 'started with' s.log) = 3"], ["until", "supervisorctl -c s.conf status d | grep RUNNING"], ["sh", "cut -d' ' -f3- s.log | grep -v 'success\\|CRIT\\|spawned\\|stopped:\\|waiting' | sed 's/[0-9]*$//'"]])
    hosts = HEAD + "[program:galaxy]\ncommand=/bin/sleep 1000\nstopsignal=INT\nstartsecs=5\n[program:handler]\ncommand=/bin/sleep 1000\nstartsecs=6\nprocess_name=handler%(process_num)s\nnumprocs=2\numask=022\n"
    yield scenario("exercise", HEAD, [["start"], ["ctl", "status"], ["write", "s.conf", hosts], ["ctl", "update"], ["ctl", "status"], ["settle", "galaxy", "RUNNING"], ["settle", "handler:handler1", "RUNNING"], ["ctl", "status"],
        ["write", "s.conf", hosts + "[group:gx]\nprograms = galaxy,handler\n"], ["ctl", "update"], ["ctl", "status"], ["settle", "gx:galaxy", "RUNNING"], ["settle", "gx:handler1", "RUNNING"],
        ["ctl", "signal", "WINCH", "gx:galaxy"], ["ctl", "signal", "HUP", "gx:galaxy"], ["settle", "gx:galaxy", "RUNNING"], ["ctl", "restart", "gx:handler0", "gx:handler1"], ["ctl", "restart", "gx:*"], ["ctl", "status", "gx:*"], unordered(["ctl", "stop", "gx:*"]), ["ctl", "start", "all"], ["ctl", "status"]])
