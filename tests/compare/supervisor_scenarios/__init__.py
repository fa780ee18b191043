"""The scenarios of tests/compare/supervisor, a module for each part of the surface."""
from . import calls, clients, config, ctl, decisions, events, logs, process, servers

def scenarios():
    for part in (config, servers, calls, ctl, process, logs, events, clients, decisions):
        yield from part.scenarios()
