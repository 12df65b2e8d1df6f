"""Searching for good options: the sweeps of W&B, run on one machine."""
