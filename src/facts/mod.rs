//! Facts about a host, one file per family, with Ansible's names.
