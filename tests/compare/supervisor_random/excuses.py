"""Differences that are decided: each with its row of docs/supervisor.md."""
import re
from supervisor_scenarios.stage import RELAXED

MORE = [
    ("AUTO logs in `getAllConfigInfo` after a `reread`", r"<string>DIR/[^<]*-(stdout|stderr)----?\w*-\w*\.log</string>|<string>auto</string>", "<string>AUTO</string>"),
    ("`[rpcinterface:x]` of one's own", r"INFO RPC interface 'other\d*' initialized\n|WARN \[rpcinterface:other\d*\] is Python code and is not loaded\n", ""),
    ("a negative size or number of backups", r"WARN For \[[^]]*\], AUTO logging used for .* unintentionally\n|<int>-\d+</int>|<int>0</int>", ""),
    ("`update` with a broken configuration", r"error: (<class 'xmlrpc.client.Fault'>, <Fault 92: )?.?CANT_REREAD: .*", "error: CANT_REREAD"),
    ("an unknown name behind a known one in `programs`", r"\[\S+\] names unknown", "names unknown"),
    ("control characters in an answer", "[\\x00-\\x08\\x0b-\\x1f\ufffd]", "?"),
    ("`clear group:*`", r"(\S+):(None|\*|): ERROR \(no such process\)", r"\1: ERROR"),
    ("help texts and `-h`", r"(?m)^default commands[^$]*?\n\n(?=\w+> )", ""),
    ("Python's error lines", r"error: <class 'OverflowError'>, int exceeds XML-RPC limits: .*|Error: bad argument -\d{10,}", "error: too large"),
    ("no server, in `update`, `reread`, `avail`, `add`, `remove`, `reload`", r"(?m)(?<=> )(error: <class '(FileNotFound|ConnectionRefused)Error'>.*|unix://\S+ (no such file|refused connection))$", "no server"),
]
# Not the same twice: what a process is doing at the moment, and in which order several end.
UNSTEADY = [
    (r"Unknown event type \S*", "Unknown event type"),
    (r"(?m)(?<=> )\d+$", "PID"),
    (r"(?m)^((?:\w+> )?\S+ +)(STARTING|RUNNING)\b.*", r"\1UP"),
    (r"(?m)^((?:\w+> )?\S+ +)(BACKOFF|FATAL|EXITED)\b.*", r"\1DOWN"),
]

def lines(text):
    """In any order, and whether behind a prompt or not."""
    return sorted(re.sub(r"(\w+> )+", "", line) for line in text.split("\n"))

def of_call(body, theirs, ours):
    both = theirs.startswith("HTTP 200") and ours.startswith("HTTP 200")
    if "INCORRECT_PARAMETERS" in ours and ("HTTP 500" in theirs or re.search(r"<(double|nil|dateTime|base64|boolean|int|i4|i8|struct|array)\b", body)):
        return "a parameter of the wrong type"
    if "<!DOCTYPE" in body and ours.startswith("HTTP 400"):
        return "a document type in a call"
    if both and "methodHelp" in body:
        return "help texts and `-h`"
    if both and re.search("read(Main)?Log", body) and "<fault>" not in theirs + ours:
        return ""
    if theirs.startswith("HTTP 500") and both is False and "getAllConfigInfo" in body:
        return "numbers beyond 32 bits in an answer"
    return None

def of_start(theirs, ours):
    """A daemon that started, or did not."""
    if "not enough arguments for format string" in ours:
        return "`%s` and the like without a name, in an option"
    if "get_socket()" in theirs:
        return "a socket of an `fcgi-program` that cannot be made"
    if re.search(r"\[\S*program:.*\] names unknown", theirs) and "names unknown" in ours:
        return "an unknown name behind a known one in `programs`"
    if re.search("Invalid name: .* because of character", ours) and "Invalid name" not in theirs:
        return "a process name that gets a space, colon or slash by expansion"
    if re.search("Error: -[0-7]+ can not be converted to an octal|Invalid .* value -[0-7]", ours):
        return "a negative umask or mode"
    if re.search("(invalid literal for int|octal|name ).*[^\\x00-\\x7f]", ours):
        return "digits of other scripts in a number"
    return None

def of_client(theirs, ours):
    if "Traceback" in theirs and re.match("2\nError: (Source|File) contains", ours):
        return "a file that cannot be parsed, in supervisorctl"
    return None

def of_request(text, theirs, ours):
    if not theirs.startswith("HTTP/1") and "HTTP/1.1 400" in ours:
        return "a request that is no HTTP/1.0 or 1.1"
    return None

def excuse(step, theirs, ours):
    """What a difference is excused by: a row, or \"\" where it is none."""
    if step[0] == "post" and (found := of_call(step[2], theirs, ours)) is not None:
        return found
    if step[0] in ("type", "ctl") and (found := of_client(theirs, ours)) is not None:
        return found
    if step[0] == "info" and theirs == "fails: Fault":
        return ""
    if step[0] == "try" and (found := of_start(theirs, ours)) is not None:
        return found
    if step[0] == "bytes" and (found := of_request(step[1], theirs, ours)) is not None:
        return found
    row = ""
    for rules in (UNSTEADY, RELAXED + MORE):
        for rule in rules:
            why, pattern, to = rule if len(rule) == 3 else ("", *rule)
            before = (theirs, ours)
            theirs, ours = re.sub(pattern, to, theirs), re.sub(pattern, to, ours)
            row = why if why and (theirs, ours) != before else row
        if theirs == ours or step[0] in ("ctl", "type") and lines(theirs) == lines(ours):
            return row
    return None
