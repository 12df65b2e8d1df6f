"""Checks that fail before data are read."""

import os
import tempfile
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only

from lightmannet.errors import ConfigurationError
from lightmannet.wandb_run import WandbRun


@rank_zero_only
def check_machine(trainer: Trainer) -> None:
    """Check that the machine can run the trainer's processes, folder and logger, without leaving anything behind.

    Raises:
        ConfigurationError: More CPU processes than cores, an invalid or read-only folder, or W&B online without a
            key.
    """
    # Two processes on one core are still useful for trying out several devices.
    cores = max(2, len(os.sched_getaffinity(0)))
    if isinstance(trainer.accelerator, CPUAccelerator) and trainer.num_devices > cores:
        raise ConfigurationError(
            f"trainer.devices: {trainer.num_devices} processes on {cores} cores would only wait for each other. Set "
            f"--trainer.devices to {cores} or less."
        )
    logs = any(isinstance(logger, CSVLogger) for logger in trainer.loggers)
    for folder in run_folders(trainer):
        _check_writable(folder, "--trainer.logger.init_args.save_dir" if logs else "--trainer.default_root_dir")
    for logger in trainer.loggers:
        if isinstance(logger, WandbRun):
            logger.check()


def run_folders(trainer: Trainer) -> list[Path]:
    """Return the parent folders of runs: those of the loggers, or the trainer's own without loggers."""
    folders = [Path(logger.root_dir) for logger in trainer.loggers if isinstance(logger, CSVLogger)]
    return folders or [Path(trainer.default_root_dir)]


def _check_writable(folder: Path, option: str) -> None:
    if "\0" in str(folder):
        raise ConfigurationError(f"{option}: {str(folder)!r} is not a folder name.")
    folder = folder.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {there}: {error.strerror}. Choose another folder with {option}."
        ) from error
