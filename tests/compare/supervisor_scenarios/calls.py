"""The XML-RPC interface: methods, faults, introspection, HTTP around it."""
from .base import *

def scenarios():
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
         decided("a parameter of the wrong type", rpc("supervisor.getProcessInfo", 1)), rpc("supervisor.getState", 1), rpc("supervisor.nope"), rpc("nope"), rpc("a.b.c"), rpc("supervisor._x"),
         rpc("supervisor.startProcess", "s"), rpc("supervisor.startProcess", "t"), rpc("supervisor.startProcess", "zz"), rpc("supervisor.startProcess", "m:*"),
         rpc("supervisor.stopProcess", "t"), rpc("supervisor.signalProcess", "t", "HUP"), rpc("supervisor.signalProcess", "s", "FOO"), rpc("supervisor.signalProcess", "s", "CONT"),
         rpc("supervisor.signalProcessGroup", "m", "CONT"), rpc("supervisor.signalAllProcesses", "CONT"), rpc("supervisor.signalProcessGroup", "zz", "CONT"),
         rpc("supervisor.sendProcessStdin", "m:m_00", "hello\n"), ["grep", "m0.log", "hello"], rpc("supervisor.sendProcessStdin", "t", "x"), rpc("supervisor.sendProcessStdin", "zz", "x"), rpc("supervisor.sendProcessStdin", "s", 1),
         rpc("supervisor.readProcessStdoutLog", "m:m_00", 0, 0), rpc("supervisor.readProcessStdoutLog", "m:m_00", -3, 0), rpc("supervisor.readProcessStdoutLog", "m:m_00", -3, 1),
         rpc("supervisor.readProcessStdoutLog", "m:m_00", 0, -1), rpc("supervisor.readProcessStderrLog", "m:m_00", 0, 0), rpc("supervisor.readProcessStdoutLog", "zz", 0, 0), rpc("supervisor.readProcessStdoutLog", "m:*", 0, 0),
         rpc("supervisor.tailProcessStdoutLog", "m:m_00", 0, 3), rpc("supervisor.tailProcessStdoutLog", "m:m_00", 3, 100), rpc("supervisor.tailProcessStderrLog", "m:m_00", 0, 3), rpc("supervisor.tailProcessStdoutLog", "zz", 0, 3),
         rpc("supervisor.clearProcessLogs", "m:m_00"), rpc("supervisor.clearProcessLogs", "zz"), rpc("supervisor.clearAllProcessLogs"),
         rpc("supervisor.addProcessGroup", "s"), rpc("supervisor.addProcessGroup", "zz"), rpc("supervisor.removeProcessGroup", "s"), rpc("supervisor.removeProcessGroup", "zz"),
         rpc("supervisor.reloadConfig"), rpc("supervisor.sendRemoteCommEvent", "t", "d"), unordered(rpc("supervisor.stopProcessGroup", "m")), rpc("supervisor.startProcessGroup", "m"), rpc("supervisor.startProcessGroup", "zz"), unordered(rpc("supervisor.stopAllProcesses")),
         rpc("system.multicall", [{"methodName": "supervisor.getAPIVersion", "params": []}, {"methodName": "nope"}, {}, {"methodName": "system.multicall", "params": []}]),
         ["post", "/RPC2", "<x"], ["post", "/RPC2", "<methodCall></methodCall>"], ["post", "/RPC2x", xmlrpc.client.dumps((), "supervisor.getAPIVersion")], ["post", "/nope", ""],
         ["post", "/RPC2", "<methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>"],
         ["raw", "GET /RPC2 HTTP/1.0\r\n\r\n"], ["raw", "POST /RPC2 HTTP/1.0\r\n\r\n"], ["raw", "GET /ok.html HTTP/1.0\r\n\r\n"], ["raw", "GET /logtail/zz HTTP/1.0\r\n\r\n"],
         rpc("supervisor.shutdown"), ["end"]])
    wrap = lambda name, *params: "<methodCall><methodName>" + name + "</methodName><params>" + "".join(f"<param><value>{p}</value></param>" for p in params) + "</params></methodCall>"
    head = HEAD + SLEEP + "[program:m]\ncommand=/bin/cat\nprocess_name=m%(process_num)d\nnumprocs=3\nstdout_logfile=%(here)s/m%(process_num)d.log\n[program:k]\ncommand=/bin/sleep 1000\nautostart=false\n[program:late]\ncommand=/bin/sh -c 'sleep 0.3; exit 1'\nautostart=false\nstartretries=0\n"
    multi = lambda *calls: rpc("system.multicall", [{"methodName": "supervisor." + name, "params": params} for name, *params in calls])
    yield scenario("calls_more", head, [["start"], ["settle", "s", "RUNNING"], *[["settle", f"m:m{n}", "RUNNING"] for n in range(3)],
        rpc("supervisor.startProcess", "k", False), ["settle", "k", "RUNNING"], rpc("supervisor.stopProcess", "k", False), ["settle", "k", "STOPPED"], rpc("supervisor.startProcess", "late"), rpc("supervisor.startProcess", "late", False), rpc("supervisor.startProcessGroup", "late"),
        rpc("supervisor.startProcess", "m:*"), unordered(rpc("supervisor.stopProcess", "m:*")), rpc("supervisor.startProcess", "m:*", False), *[["settle", f"m:m{n}", "RUNNING"] for n in range(3)], rpc("supervisor.startProcess", "m:zz"), rpc("supervisor.startProcess", "zz:m1"), rpc("supervisor.startProcess", "m"), rpc("supervisor.startProcess", ""), rpc("supervisor.startProcess", ":"), rpc("supervisor.startProcess", "a:b:c"),
        rpc("supervisor.signalProcess", "s", "18"), rpc("supervisor.signalProcess", "s", "SIGCONT"), rpc("supervisor.signalProcess", "s", "cont"), rpc("supervisor.signalProcess", "s", "99"), rpc("supervisor.signalProcess", "s", ""), rpc("supervisor.signalProcess", "m:*", "CONT"), rpc("supervisor.startProcess", "k", False), ["settle", "k", "RUNNING"], rpc("supervisor.signalProcess", "k", "CONT"), rpc("supervisor.signalProcessGroup", "m", "FOO"),
        rpc("supervisor.sendProcessStdin", "m:m0", "one\ntwo \u20ac\n"), ["grep", "m0.log", "two"], rpc("supervisor.sendProcessStdin", "m:*", "x"), rpc("supervisor.sendProcessStdin", "m:m0", ""),
        *[rpc("supervisor.readProcessStdoutLog", "m:m0", a, b) for a, b in ((0, 5), (4, 3), (100, 0), (-100, 0), (-1, 0), (0, 100))], *[rpc("supervisor.tailProcessStdoutLog", "m:m0", a, b) for a, b in ((0, 4), (0, 100), (8, 4), (100, 10), (0, 0), (-5, 10))],
        rpc("supervisor.readProcessLog", "m:m0", 0, 3), rpc("supervisor.tailProcessLog", "m:m0", 0, 4), rpc("supervisor.clearProcessLog", "m:m0"), rpc("supervisor.tailProcessStderrLog", "m:m0", 0, 4), rpc("supervisor.readProcessStdoutLog", "k", 0, 0), rpc("supervisor.readProcessStderrLog", "m:m1", 0, 0),
        multi(["getState"], ["getProcessInfo", "zz"], ["stopProcess", "k"], ["startProcess", "k"], ["stopProcess", "k"], ["nope"], ["getState", 1]), rpc("system.multicall", []), rpc("system.multicall"), rpc("system.multicall", [{"methodName": "supervisor.getState"}]), decided("a parameter of the wrong type", rpc("system.multicall", [1])),
        rpc("supervisor.removeProcessGroup", "m"), unordered(rpc("supervisor.stopProcessGroup", "m")), rpc("supervisor.removeProcessGroup", "m"), rpc("supervisor.getProcessInfo", "m:m0"), rpc("supervisor.addProcessGroup", "m"), rpc("supervisor.addProcessGroup", "m"),
        *[["post", "/RPC2", body] for body in (wrap("supervisor.getProcessInfo", "s"), wrap("supervisor.getProcessInfo", "<string>s</string>"), wrap("supervisor.getState2"), "<?xml version='1.0' encoding='utf-8'?>" + wrap("supervisor.getAPIVersion"), "<methodCall><methodName>supervisor.getAPIVersion</methodName><params/></methodCall>", "x", "<methodCall><methodName></methodName></methodCall>", "<methodCall/>", "<methodResponse/>", wrap("supervisor.readLog", "<i4>0</i4>", "<int>1</int>"))],
        decided("`HEAD`", ["raw", "HEAD /ok.html HTTP/1.0\r\n\r\n"]), *[["raw", text] for text in ("PUT /RPC2 HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "GET /logtail/s/nope HTTP/1.0\r\n\r\n", "GET /nope.html HTTP/1.0\r\n\r\n", "GET /stylesheets/supervisor.css HTTP/1.0\r\n\r\n", "GET /index.html?action=nope HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET /tail.html?processname=s HTTP/1.0\r\n\r\n")],
        unordered(rpc("supervisor.stopAllProcesses", False)), ["settle", "s", "STOPPED"], rpc("supervisor.restart"), ["until", "test $(grep -c 'started with' s.log) = 2"], ["settle", "s", "RUNNING"]])
