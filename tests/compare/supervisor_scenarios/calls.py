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
