//! YAML 1.1 as PyYAML reads and writes it, with the place of every node.
