"""Runs cells on a Ray cluster."""

import os
import socket
from concurrent.futures import Future
from typing import Any

from lightmannet.errors import ConfigurationError
from lightmannet.runners.workers import Workers
from lightmannet.table.cell import code_digest
from lightmannet.table.run_cell import FinishedCell
from lightmannet.table.run_together import Job, finish_job

_ANSWERS_WITHIN = 5.0  # seconds


class RayCluster(Workers):
    """Runs cells on the nodes of a Ray cluster, one per core, or one per GPU where there are GPUs.

    The nodes need this folder and this environment at the same paths, as on a shared file system; a node with another
    version of the code refuses to work. Results come back to this process, which alone writes them. If a node is lost,
    its cells fail.

    Args:
        address: Address of the cluster, as in RAY_ADDRESS.
        slots: Number of cells at the same time; None takes as many as the cluster has cores or GPUs.

    Raises:
        ConfigurationError: Ray is not installed, or there is no cluster at that address.
    """

    def __init__(self, address: str, slots: int | None) -> None:
        try:
            import ray
        except ImportError as error:
            raise ConfigurationError(
                "RAY_ADDRESS is set, but ray is not installed. Install the extra: pip install -e .[cluster], or unset "
                "RAY_ADDRESS to run on this machine."
            ) from error
        _check_answers(address)
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # leave CUDA_VISIBLE_DEVICES to the user
        wanted = {name: os.environ[name] for name in ("PYTHONPATH", "NO_ALBUMENTATIONS_UPDATE") if name in os.environ}
        try:
            ray.init(address, runtime_env={"env_vars": {**wanted, "OMP_NUM_THREADS": "1"}}, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigurationError(
                f"RAY_ADDRESS: no Ray cluster answers at {address} ({error}). Start one with ray start, or unset it."
            ) from error
        self._ray: Any = ray  # partly untyped
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        self.slots = slots or gpus or int(resources["CPU"])
        # A cell that fails is reported, and the same command runs it again, so Ray should not.
        self._run = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_retries=0)(_run_there)

    def submit(self, job: Job, log: bool) -> Future[list[FinishedCell]]:
        """Submit the cell to the cluster."""
        future: Future[list[FinishedCell]] = self._run.remote(job, log, os.getcwd(), code_digest()).future()
        return future

    def close(self) -> None:
        """Leave the cluster, which stops what is running for this process."""
        self._ray.shutdown()


def _check_answers(address: str) -> None:
    """Refuse an address where nothing listens: Ray itself would keep trying for minutes."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        return  # auto, or ray://…, which Ray resolves
    try:
        socket.create_connection((host, int(port)), _ANSWERS_WITHIN).close()
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"RAY_ADDRESS: no Ray cluster answers at {address} ({error}). Start one with ray start, or unset it."
        ) from error


def _run_there(job: Job, log: bool, folder: str, code: str) -> list[FinishedCell]:
    """Run a cell on a node, in the folder that its paths are relative to."""
    os.chdir(folder)
    if code_digest() != code:
        raise ConfigurationError(
            "This node runs a different version of lightmannet than the driver. Install the same version on both."
        )
    return finish_job(job, log)
