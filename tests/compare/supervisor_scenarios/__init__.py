"""The scenarios of tests/compare/supervisor, a module for each part of the surface."""
from . import calls, clients, config, ctl, decisions, events, found, logs, process, servers

def scenarios():
    for part in (config, servers, calls, ctl, process, logs, events, clients, found, decisions):
        yield from part.scenarios()
