"""Benchmarks of the code itself."""
