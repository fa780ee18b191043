"""What all scenarios are made of."""
import xmlrpc.client

HEAD = """[supervisord]
logfile=%(here)s/s.log
pidfile=%(here)s/s.pid
childlogdir=%(here)s
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s.sock
"""
SLEEP = "[program:s]\ncommand=/bin/sleep 1000\n"

class Step(list):
    """A step whose answer is another on purpose: `why` is the row in docs/supervisor.md."""
    why = None
    sorted = False

def unordered(step):
    """A step whose lines may come in any order: processes end when they do."""
    step = Step(step)
    step.sorted = True
    return step

def decided(why, step):
    step = Step(step)
    step.why = why
    return step

def rpc(method, *params):
    return ["post", "/RPC2", xmlrpc.client.dumps(params, method)]

def scenario(name, config, steps, env=None, root=False, **files):
    return {"name": name, "files": {"s.conf": config, **{k.replace("__", "."): v for k, v in files.items()}}, "steps": steps,
        "env": env or {}, "root": root, "decided": {id(s): s.why for s in steps if isinstance(s, Step) and s.why},
        "sorted": {id(s) for s in steps if isinstance(s, Step) and s.sorted}}

def configs(name, good_and_bad, why={}):
    """A daemon for each of the files, which is expected not to start."""
    steps = [["daemon", "-n", "-c", n + ".conf"] for n in good_and_bad]
    steps = [decided(why[n], s) if n in why else s for n, s in zip(good_and_bad, steps)]
    return {"name": name, "files": {n + ".conf": text for n, text in good_and_bad.items()}, "steps": steps, "env": {}, "root": False, "decided": {id(s): s.why for s in steps if isinstance(s, Step)}, "sorted": set()}
