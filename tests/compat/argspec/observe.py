"""Validates the cases of cases.json with ansible-core and writes what is wrong into recorded.json.

Usage: python observe.py, with ansible-core 2.19 installed; the tests read only the results.
"""
import json
import pathlib

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

HERE = pathlib.Path(__file__).parent
recorded = []
for case in json.loads((HERE / "cases.json").read_text()):
    try:
        result = ArgumentSpecValidator(case["spec"]).validate(case["given"])
        recorded.append(result.error_messages)
    except Exception as error:  # whatever it is, it is the judge's answer
        recorded.append(["%s: %s" % (type(error).__name__, error)])
lines = ",\n".join(json.dumps(errors) for errors in recorded)
(HERE / "recorded.json").write_text("[\n" + lines + "\n]\n")
