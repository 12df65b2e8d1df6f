"""Rendered faces whose muscles move, with the true motion of their skin; no real person, no photograph, no download."""
