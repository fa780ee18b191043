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

def shrink(scenario, differs, most=120):
    """Leaves out what it can while `differs(scenario)`, at most so many tries: steps first, they cost most."""
    tries = 0
    for kinds in (("steps",), ("files", "line"), ("steps",)):
        size = sum(p[0] in kinds for p in pieces(scenario)) // 2
        while size:
            at = 0
            while True:
                left = [p for p in pieces(scenario) if p[0] in kinds]
                if at >= len(left):
                    break
                # From the end: what comes after the difference is no part of it.
                end = len(left) - at
                smaller = without(scenario, set(left[max(end - size, 0):end]))
                tries += 1
                if tries > most:
                    return scenario
                if smaller["steps"] and differs(smaller):
                    scenario = smaller
                else:
                    at += size
            size //= 2
    return scenario
