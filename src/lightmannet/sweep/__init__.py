"""Search for good options: W&B sweeps, run on one machine."""
