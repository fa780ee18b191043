"""Programs that were written for supervisord: superlance's listeners, Python's xmlrpc.client. They need Python, so none is recorded."""
from .base import *

def live(*args, **files):
    return {**scenario(*args, **files), "recorded": False}

def listener(name, command, events, more=""):
    return f"[eventlistener:{name}]\ncommand={command}\nevents={events}\n{more}"

def scenarios():
    mail = "#!/bin/sh\ncat > mail.$$.tmp\nmv mail.$$.tmp mail.$(date +%s%N)\n"
    crash = "[program:c]\ncommand=/bin/sh -c 'sleep 2; exit 3'\nautorestart=false\n"
    yield live("crashmail", HEAD + crash + listener("l", "crashmail -m a@b -s %(here)s/mail", "PROCESS_STATE_EXITED"),
        [["start"], ["settle", "c", "EXITED"], ["until", "ls mail.[0-9]* > /dev/null"], ["sh", "sed 's/pid [0-9]*/pid N/; s/at [0-9T:, .-]*/at T/' mail.[0-9]* | grep -v Date"], ["ctl", "status"]], mail=mail)
    fatal = "[program:f]\ncommand=/bin/sh -c 'exit 1'\nstartretries=0\n"
    yield live("batches", HEAD + fatal + crash + listener("b", "fatalmailbatch --toEmail a@b --fromEmail c@d --sendmail-cmd %(here)s/mail --interval 0.05", "PROCESS_STATE,TICK_5") + listener("c", "crashmailbatch --toEmail a@b --fromEmail c@d --interval 0.05", "PROCESS_STATE,TICK_5"),
        [["start"], ["settle", "b", "RUNNING"], ["settle", "c:c", "RUNNING"], ["settle", "f", "FATAL"], ["sh", "sleep 6; grep 'UNKNOWN state' s.log | cut -d' ' -f3-"], ["ctl", "status", "b", "f"]], mail=mail)
    yield live("memmon", HEAD + SLEEP + listener("l", "memmon -p s=1B", "TICK_5"), [["start"], ["settle", "s", "RUNNING"], ["settle", "l", "RUNNING"], ["until", "grep 'stopped: s' s.log > /dev/null"], ["settle", "s", "RUNNING"], ["sh", "grep 'stopped: s' s.log | head -1 | cut -d' ' -f3-"], ["until", "cat l-stderr*.log | grep -i restart > /dev/null"], ["sh", "cat l-stderr*.log | grep -i restart | head -2 | sed 's/[0-9][0-9]*/N/g'"]])
    yield live("httpok", HEAD + SLEEP + listener("l", "httpok -p s -t 2 http://localhost:PORT1/", "TICK_5"), [["start"], ["settle", "s", "RUNNING"], ["settle", "l", "RUNNING"], ["until", "grep 'stopped: s' s.log > /dev/null"], ["settle", "s", "RUNNING"], ["sh", "grep 'stopped: s' s.log | head -1 | cut -d' ' -f3-"]])
    script = """
import xmlrpc.client as x, http.client, socket
class C(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect('s.sock')
class T(x.Transport):
    def make_connection(self, host): return C('localhost')
s = x.ServerProxy('http://localhost/RPC2', transport=T())
print(s.system.listMethods(), s.supervisor.getState(), s.supervisor.getProcessInfo('s')['statename'])
m = x.MultiCall(s)
m.supervisor.getAPIVersion(); m.supervisor.getSupervisorVersion()
try: print(list(m()))
except Exception as e: print(type(e).__name__, e)
for call in (lambda: s.supervisor.getProcessInfo('zz'), lambda: s.supervisor.nope(), lambda: s.supervisor.startProcess('s')):
    try: print(call())
    except x.Fault as f: print(f.faultCode, f.faultString)
print(s.supervisor.tailProcessStdoutLog('s', 0, 100), s.supervisor.readLog(0, 4), s.supervisor.sendRemoteCommEvent('a', '\\u20ac'))
print(sorted(s.supervisor.getAllConfigInfo()[0]), [type(v).__name__ for k, v in sorted(s.supervisor.getAllConfigInfo()[0].items())])
"""
    yield live("xmlrpc_client", HEAD + SLEEP, [["start"], ["settle", "s", "RUNNING"], ["python", script]])
    extras = "depends_on=s\nready_command=/bin/true\nready_interval=1\nready_timeout=5\nlive_command=/bin/true\nlive_interval=5\nlive_timeout=2\nlive_failures=2\nexit_on_fatal=true\nenv_file=-%(here)s/none.env\nlimit_nofile=512\nlog_format=json\nstop_tree=true\n"
    yield live("extra_options", HEAD + SLEEP + "[program:x]\ncommand=/bin/sleep 1000\n" + extras, [["start"], ["settle", "x", "RUNNING"], ["ctl", "status"], ["ctl", "avail"], ["ctl", "reread"], ["ctl", "stop", "x"], ["ctl", "start", "x"]])
