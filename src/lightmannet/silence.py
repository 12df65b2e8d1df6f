"""Silence Lightning's repeated messages when many fits run in one process."""

import logging
import warnings


def silence_lightning() -> None:
    """Show only errors of Lightning in this process, and no warnings: sixty fits would repeat each of them."""
    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
