#!/bin/sh
case "$1" in
--list) cat <<'J'
{"grp": {"hosts": ["s1", "s2"], "vars": {"v": "{{ x }}", "l": [1, null, true]}, "children": ["sub"]},
 "sub": ["s3"], "empty": {}, "_meta": {"hostvars": {"s1": {"a": 1}, "s3": {"b": "x"}}}}
J
;;
--host) echo '{}';;
esac
