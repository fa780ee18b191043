"""The scenarios of tests/compare/supervisor, a module for each part of the surface."""
from . import calls, config, ctl, events, logs, process, servers

def scenarios():
    for part in (config, servers, calls, ctl, process, logs, events):
        yield from part.scenarios()
