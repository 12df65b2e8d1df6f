"""Running many fits without each telling what the first one told."""

import logging
import warnings


def silence_lightning() -> None:
    """Keep Lightning's notes and warnings of this process to errors; one line a fit is too much for sixty fits."""
    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
