"""Random XML-RPC: methods, arguments of right and wrong number and type, ways to write them, and HTTP around them."""
import random
from xml.sax.saxutils import escape
from supervisor_scenarios.base import scenario, rpc
from .commands import PROGRAMS

NAMES = ["s", "t", "k", "m", "m:m_00", "m:*", "gx", "gx:*", "gx:x", "x", "l", "zz", "zz:*", "", ":", "*", "m:m_00:x", "s:s", "é", "<s>", "&", " s ", "s\n"]
# Method and the kinds of its parameters.
METHODS = {
    "getAPIVersion": "", "getVersion": "", "getSupervisorVersion": "", "getIdentification": "", "getState": "", "getPID": "", "readLog": "ii", "reloadConfig": "", "addProcessGroup": "n", "removeProcessGroup": "n",
    "startProcess": "nb", "startProcessGroup": "nb", "stopProcess": "nb", "stopProcessGroup": "nb", "signalProcess": "ng", "signalProcessGroup": "ng", "signalAllProcesses": "g", "getAllConfigInfo": "", "getProcessInfo": "n", "getAllProcessInfo": "",
    "readProcessStdoutLog": "nii", "readProcessStderrLog": "nii", "tailProcessStdoutLog": "nii", "tailProcessStderrLog": "nii", "readProcessLog": "nii", "tailProcessLog": "nii", "clearProcessLogs": "n", "clearProcessLog": "n", "clearAllProcessLogs": "",
    "sendProcessStdin": "ns", "sendRemoteCommEvent": "ss", "nope": "", "_update": "s", "__class__": "", "": "", "supervisord": "",
}
SPACES = ["supervisor"] * 16 + ["system", "", "Supervisor", "supervisor.supervisor", "nope", "supervisor "]
SYSTEM = {"listMethods": "", "methodHelp": "M", "methodSignature": "M", "multicall": "c"}

def text(rng):
    return rng.choice(NAMES + ["a b", "\u20ac", "x" * 50, "]]>", "0", "1.5", "true", "\t", "\U0001f600"])

def value(rng, kind):
    """A value as XML, mostly of the kind."""
    if rng.random() < 0.08:
        kind = rng.choice("nigbsfdaezx6")
    whole = rng.choice([0, 0, 1, 2, 5, 10, 100, -1, -5, 2147483647, -2147483648])
    if kind == "i":
        return rng.choice([f"<int>{whole}</int>"] * 8 + [f"<i4>{whole}</i4>", f"<int> {whole} </int>", f"<int>+{abs(whole)}</int>", "<int>x</int>", "<int></int>", "<int>2147483648</int>", "<int>1.0</int>", f"<i8>{whole}</i8>", f"<double>{whole}.0</double>"])
    if kind == "b":
        # Not to wait leaves it open what the next call finds.
        return rng.choice(["<boolean>1</boolean>"] * 8 + ["<boolean>2</boolean>", "<boolean>true</boolean>", "<int>1</int>", "<string>x</string>"])
    if kind == "n":
        name = escape(rng.choices(NAMES, [4] * 12 + [1] * (len(NAMES) - 12))[0])
        return rng.choice([f"<string>{name}</string>"] * 8 + [name, f"<string><![CDATA[{name}]]></string>" if "&" not in name else name, f"<string>{name}<!-- c --></string>"])
    if kind == "g":
        return f"<string>{rng.choice(['CONT', 'SIGCONT', '18', 'cont', 'FOO', '99', '', 'WINCH', ' CONT', '-1'])}</string>"
    if kind == "M":
        return f"<string>{rng.choice(['supervisor.' + rng.choice(sorted(METHODS)), 'system.multicall', 'nope', '', 'system.methodHelp'])}</string>"
    if kind == "c":
        return multi(rng)
    if kind == "s":
        return f"<string>{escape(text(rng))}</string>"
    return {"f": "<double>1.5</double>", "d": "<struct><member><name>a</name><value><int>1</int></value></member></struct>", "a": "<array><data><value><int>1</int></value></data></array>",
        "e": "<nil/>", "z": "", "x": "<dateTime.iso8601>20260101T00:00:00</dateTime.iso8601>", "6": "<base64>czE=</base64>"}[kind]

def call(rng):
    """Name and parameters."""
    if rng.random() < 0.1:
        method = rng.choice(sorted(SYSTEM))
        kinds, name = SYSTEM[method], "system." + method
    else:
        method = rng.choice(sorted(METHODS))
        space = rng.choice(SPACES)
        kinds, name = METHODS[method], space + ("." if space else "") + method
    params = [value(rng, k) for k in kinds]
    if kinds.endswith("b") and rng.random() < 0.5:
        params.pop()
    if rng.random() < 0.08:
        params = rng.choice([params[:-1], params + [value(rng, rng.choice("nisb"))], []])
    return name, params

def multi(rng):
    calls = []
    for _ in range(rng.choice([0, 1, 2, 3])):
        name, params = call(rng)
        # A list of calls in a list of calls is one case of many.
        if name == "system.multicall" and rng.random() < 0.5:
            name, params = "supervisor.getState", []
        members = [f"<member><name>methodName</name><value><string>{escape(name)}</string></value></member>", "<member><name>params</name><value><array><data>" + "".join(f"<value>{p}</value>" for p in params) + "</data></array></value></member>"]
        if rng.random() < 0.1:
            members = rng.choice([members[:1], members[1:], [], members + ["<member><name>x</name><value><int>1</int></value></member>"], members[::-1]])
        calls.append("<value><struct>" + "".join(members) + "</struct></value>")
    return "<array><data>" + "".join(calls) + "</data></array>"

def body(rng):
    name, params = call(rng)
    gap = rng.choice(["", "", "", "\n", "  ", "\r\n\t"])
    inner = "".join(f"<param>{gap}<value>{p}</value>{gap}</param>" for p in params)
    inner = f"<params>{gap}{inner}{gap}</params>" if inner or rng.random() < 0.7 else ""
    head = rng.choice(["", "", "<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n", "<?xml version='1.0' standalone='yes'?>"])
    xml = f"{head}<methodCall>{gap}<methodName>{escape(name)}</methodName>{gap}{inner}</methodCall>" + rng.choice(["", "", "\n"])
    if rng.random() < 0.12:
        at = rng.randrange(len(xml))
        xml = rng.choice([xml[:at] + xml[at + 1:], xml[:at] + rng.choice("<>&;/\"' x") + xml[at:], xml[:at], xml + "x", xml + "<x/>", "\n" + xml, xml.replace("<methodCall>", "<!DOCTYPE x [<!ENTITY e 's'>]><methodCall>").replace("<string>s<", "<string>&e;<"),
            xml.replace("<methodName>", "<methodName> "), xml.replace("<value>", "<value >"), xml.replace("</", "</ "), xml.replace("<param>", "<param x='1'>"), "\ufeff" + xml])
    return xml

def case(seed):
    rng = random.Random(f"calls {seed}")
    steps = [["post", "/RPC2", body(rng)] for _ in range(40)]
    return scenario(f"calls_{seed}", PROGRAMS, [["try"], ["settle", "s", "RUNNING"], ["settle", "gx:x", "RUNNING"], *steps, ["ctl", "status"], rpc("supervisor.getAllProcessInfo")])
