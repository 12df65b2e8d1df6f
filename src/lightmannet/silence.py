"""Silence Lightning's repeated messages when many fits run in one process."""

import logging
import warnings


def silence_lightning() -> None:
    """Show only Lightning's errors in this process, and no warnings, which every fit would repeat."""
    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
