"""Differences that are decided: each with its row of docs/supervisor.md."""
import re
from supervisor_scenarios.stage import RELAXED

MORE = [
    ("no server, in `update`, `reread`, `avail`, `add`, `remove`, `reload`", r"(?m)(?<=> )(error: <class '(FileNotFound|ConnectionRefused)Error'>.*|unix://\S+ (no such file|refused connection))$", "no server"),
]
# Not the same twice: what a process is doing at the moment, and in which order several end.
UNSTEADY = [
    (r"(?m)(?<=> )\d+$", "PID"),
    (r"(?m)^((?:\w+> )?\S+ +)(STARTING|RUNNING)\b.*", r"\1UP"),
    (r"(?m)^((?:\w+> )?\S+ +)(BACKOFF|FATAL|EXITED)\b.*", r"\1DOWN"),
]

def excuse(step, theirs, ours):
    """What a difference is excused by: a row, or that it is none."""
    row = None
    for rules in (UNSTEADY, RELAXED + MORE):
        for rule in rules:
            why, pattern, to = rule if len(rule) == 3 else (None, *rule)
            before = (theirs, ours)
            theirs, ours = re.sub(pattern, to, theirs), re.sub(pattern, to, ours)
            row = why if why and (theirs, ours) != before else row
        if theirs == ours:
            return row or ""
    return None
