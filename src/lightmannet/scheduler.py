"""SLURM: the job of this process, requeueing, and Lightning's view of the cluster."""

import logging
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.trainer.connectors.checkpoint_connector import _CheckpointConnector
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightmannet.errors import ConfigurationError

REQUEUE_SIGNAL: signal.Signals | None = getattr(signal, "SIGUSR1", None)
"""The signal of ``sbatch --signal`` before a job's time is over; Windows has none."""

log = logging.getLogger(__name__)


def job_id() -> str | None:
    """Return the SLURM job that this process runs in, ``123`` or ``123_4`` in an array; None outside of SLURM."""
    if not SLURMEnvironment.detect() or TorchElasticEnvironment.detect():
        return None
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    job = f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID')}" if array else os.environ.get("SLURM_JOB_ID", "")
    return job if re.fullmatch(r"\d+(_\d+)?", job) else None


def requeue(job: str) -> bool:
    """Request SLURM to requeue the job and return its success; a failure is only a warning."""
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
        reason = done.stderr.strip() or f"exit code {done.returncode}"
    except OSError as error:
        done, reason = None, str(error)
    if done is None or done.returncode != 0:
        log.warning(f"Job {job} could not be requeued (scontrol requeue {job}): {reason}. Submit it again yourself.")
        return False
    log.info(f"Job {job} is requeued.")
    return True


@contextmanager
def requeued_on_signal() -> Iterator[None]:
    """Requeue the job as soon as its signal arrives, for commands that continue from finished work.

    Raises:
        SIGTERMException: SIGTERM ended a fit or a test; with exit code 143 instead of Lightning's 0.
    """
    job, before = job_id(), None
    listens = job is not None and threading.current_thread() is threading.main_thread()

    def hear(number: int, frame: FrameType | None) -> None:
        requeue(str(job))

    if REQUEUE_SIGNAL is not None and listens:
        before = signal.signal(REQUEUE_SIGNAL, hear)
    try:
        yield
    except SIGTERMException as end:
        end.code = 128 + signal.SIGTERM
        log.error("SIGTERM: terminated before completion.")
        raise
    finally:
        if REQUEUE_SIGNAL is not None and listens:
            signal.signal(REQUEUE_SIGNAL, before)


def ignore_signal() -> None:
    """Ignore the requeueing signal in this process: SLURM also sends it to workers, whose parent handles it."""
    if REQUEUE_SIGNAL is not None and job_id() is not None:
        signal.signal(REQUEUE_SIGNAL, signal.SIG_IGN)


def cluster_environment(alone: bool) -> ClusterEnvironment | None:
    """Return Lightning's cluster environment for SLURM, or None elsewhere.

    Args:
        alone: Whether the process trains by itself, e.g. a cell of a table, even in a job of several tasks.

    Raises:
        ConfigurationError: SLURM_NTASKS is no number, or there are several tasks, but ``srun`` did not start this one.
    """
    if not SLURMEnvironment.detect() or TorchElasticEnvironment.detect():
        return None
    if alone:
        return LightningEnvironment()
    tasks = _tasks()
    if tasks > 1 and not {"SLURM_STEP_ID", "SLURM_STEPID"} & os.environ.keys():
        raise ConfigurationError(
            f"SLURM_NTASKS is {tasks}, but srun did not start this process, so it would wait forever for the other "
            f"{tasks - 1}. Start the command with srun, or use --ntasks=1; in an interactive job, unset SLURM_NTASKS."
        )
    # Lightning would write hpc_ckpt_N.ckpt to the current folder; callbacks/requeue.py saves in its place.
    return SLURMEnvironment(auto_requeue=False)


def check_tasks(trainer: Trainer) -> None:
    """Check that SLURM started as many tasks as the trainer needs.

    Raises:
        ConfigurationError: It started more, which would wait forever, or fewer.
    """
    if not isinstance(trainer._accelerator_connector.cluster_environment, SLURMEnvironment):
        return
    tasks, wanted = _tasks(), trainer.num_devices * trainer.num_nodes
    if tasks != wanted:
        raise ConfigurationError(
            f"SLURM started {tasks} task(s), but trainer.devices × trainer.num_nodes is {trainer.num_devices} × "
            f"{trainer.num_nodes}. Make them equal: one task for each device (--ntasks-per-node of sbatch)."
        )


def _tasks() -> int:
    """Return how many tasks SLURM announces."""
    text = os.environ["SLURM_NTASKS"]
    if not re.fullmatch(r"[1-9]\d*", text):
        raise ConfigurationError(f"SLURM_NTASKS is {text!r}, not a number of tasks. Unset it, or start with srun.")
    return int(text)


class OwnStateOnly(_CheckpointConnector):
    """Makes a trainer resume only from the checkpoint that it is given.

    Under SLURM, Lightning would load ``hpc_ckpt_N.ckpt`` from the current folder, which may belong to any run.
    """

    _hpc_resume_path = None
