//! Hosts and groups, from INI, YAML, scripts, directories and host lists.
