"""Losses: tensors in, scalar out."""
