"""Records what PyYAML reads from, and writes for, the texts in samples.txt.

Run with the Python of an ansible-core installation: python record.py > cases.json
Samples are separated by lines of `%%`. Tags of Ansible's are read as the text they hold.
"""

import json
import pathlib
import sys

import yaml


class Loader(yaml.CSafeLoader):
    pass


class Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data):
        return True


for tag in ("!vault", "!unsafe", "tag:yaml.org,2002:timestamp"):
    Loader.add_constructor(tag, lambda loader, node: node.value)


def case(text):
    try:
        value = yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, TypeError, ValueError):
        return {"yaml": text, "repr": None}
    keywords = {"Dumper": Dumper, "allow_unicode": True}
    return {
        "yaml": text,
        "repr": repr(value),
        "nice": yaml.dump(value, indent=4, default_flow_style=False, **keywords),
        "short": yaml.dump(value, default_flow_style=None, width=30, sort_keys=False, **keywords),
    }


samples = (pathlib.Path(__file__).parent / "samples.txt").read_text(encoding="utf-8")
scalars = (pathlib.Path(__file__).parent / "scalars.txt").read_text(encoding="utf-8").splitlines()
texts = samples.split("%%\n") + [f"a: {scalar}\n" for scalar in scalars]
# Without the newline at the end, too.
texts += [text[:-1] for text in samples.split("%%\n") if text.endswith("\n")]
json.dump([case(text) for text in texts], sys.stdout, indent=1, ensure_ascii=False)
print()
