"""Inner loops: how a network learns from one task."""
