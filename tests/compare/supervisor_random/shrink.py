"""The smallest scenario that still answers differently."""
import copy

def pieces(scenario):
    """What can be left out: places in the scenario, large ones first."""
    for n in range(len(scenario["steps"])):
        yield ("steps", None, n)
    for name, text in scenario["files"].items():
        for n in range(len(text.splitlines(True))):
            yield ("files", name, n)
    for n, step in enumerate(scenario["steps"]):
        if step[0] in ("type", "write", "post", "bytes"):
            for line in range(len(step[-1].splitlines(True))):
                yield ("line", n, line)

def without(scenario, taken):
    """The scenario without these pieces."""
    out = copy.deepcopy(scenario)
    for name, text in out["files"].items():
        out["files"][name] = "".join(l for n, l in enumerate(text.splitlines(True)) if ("files", name, n) not in taken)
    for n, step in enumerate(out["steps"]):
        if len(step) > 1 and step[0] in ("type", "write", "post", "bytes"):
            step[-1] = "".join(l for line, l in enumerate(step[-1].splitlines(True)) if ("line", n, line) not in taken)
    out["steps"] = [s for n, s in enumerate(out["steps"]) if ("steps", None, n) not in taken]
    out["sorted"] = set()
    return out

def shrink(scenario, differs, most=150):
    """Leaves out what it can while `differs(scenario)`, at most so many tries."""
    tries = 0
    size = len(list(pieces(scenario)))
    while size:
        at = 0
        while True:
            all_of_it = list(pieces(scenario))
            if at >= len(all_of_it):
                break
            smaller = without(scenario, set(all_of_it[at:at + size]))
            tries += 1
            if tries > most:
                return scenario
            if smaller["steps"] and differs(smaller):
                scenario = smaller
            else:
                at += size
        size //= 2
    return scenario
