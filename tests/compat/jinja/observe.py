"""Evaluates tests/compat/jinja/*.txt with ansible-core and writes the results beside them.

Usage: python observe.py, with ansible-core 2.19 installed; the tests read only the results. A line
of a .txt file is a template, or a condition where it begins with "COND ". The variables are in
vars.json; all of their strings are templates.
"""
import json
import pathlib
import sys

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

init_plugin_loader()
HERE = pathlib.Path(__file__).parent


def trusted(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trusted(item) for item in value]
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return value


def plain(value):
    """The value and, since JSON has fewer types than Python, its repr."""
    if isinstance(value, str):
        value = str(value)
    if isinstance(value, (list, tuple)):
        value = [plain(item) for item in value]
    if isinstance(value, dict):
        value = {plain(key): plain(item) for key, item in value.items()}
    return value


def observe(text, variables):
    templar = Templar(loader=DataLoader(), variables=variables)
    try:
        if text.startswith("COND "):
            value = templar.evaluate_conditional(trust_as_template(text[5:]))
        else:
            value = templar.template(trust_as_template(text))
    except Exception as error:  # whatever it is, it is the judge's answer
        return {"in": text, "error": str(error).split("\n")[0]}
    return {"in": text, "repr": repr(plain(value))}


variables = trusted(json.loads((HERE / "vars.json").read_text()))
for table in sorted(HERE.glob("*.txt")):
    lines = [line for line in table.read_text().split("\n") if line and not line.startswith("##")]
    rows = [observe(line, variables) for line in lines]
    body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    table.with_suffix(".json").write_text("[\n" + body + "\n]\n")
    print(table.name, len(rows), file=sys.stderr)
