"""Random cases for tests/compare/supervisor-random: scenarios made from a seed."""
