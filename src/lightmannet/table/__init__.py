"""A table: what it consists of, and how one of its cells is run and kept."""
