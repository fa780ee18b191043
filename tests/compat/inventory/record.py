"""Records what ansible-inventory prints: python record.py, with it in the PATH.

Each directory beside this file has inventories, and in `args.txt` the arguments to try, one case
a line. The answers go to `cases.json` there.
"""

import json
import os
import pathlib
import shlex
import subprocess

for args in sorted(pathlib.Path(__file__).parent.glob("*/args.txt")):
    cases = []
    for line in args.read_text().splitlines():
        run = subprocess.run(
            ["ansible-inventory", *shlex.split(line)],
            cwd=args.parent,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent"},
        )
        case = {"args": line, "exit": run.returncode, "stdout": run.stdout}
        cases.append(case)
    (args.parent / "cases.json").write_text(
        json.dumps(cases, indent=1, ensure_ascii=False) + "\n"
    )
