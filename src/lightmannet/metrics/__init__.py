"""Metrics of micro-expression recognition."""

from lightmannet.metrics.uf1_uar import UnweightedAverageRecall, UnweightedF1

__all__ = ["UnweightedAverageRecall", "UnweightedF1"]
