"""Run cells in this process or in worker processes of this machine."""

import multiprocessing
import os
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import torch

from lightmannet.errors import LightmanNetError
from lightmannet.scheduler import ignore_signal
from lightmannet.table.run_cell import FinishedCell
from lightmannet.table.run_together import Job, finish_job


class Workers(ABC):
    """Runs jobs, at most ``slots`` at the same time."""

    slots: int

    @abstractmethod
    def submit(self, job: Job, log: bool) -> Future[list[FinishedCell]]:
        """Start a job; call it only while fewer than ``slots`` are running. The future holds the results or the error.

        Args:
            job: What is to be run.
            log: Also return what is logged during the run.
        """

    def close(self) -> None:  # noqa: B027  there may be nothing to stop
        """Stop the cells that are running."""


class ThisProcess(Workers):
    """Runs each cell before ``submit`` returns."""

    slots = 1

    def __init__(self) -> None:
        # As in worker processes, so that times are comparable; next to other work, two threads on small networks take
        # ten times as long.
        torch.set_num_threads(1)

    def submit(self, job: Job, log: bool) -> Future[list[FinishedCell]]:
        """Run the cell."""
        future: Future[list[FinishedCell]] = Future()
        try:
            future.set_result(finish_job(job, log))
        except Exception as error:
            future.set_exception(error)
        return future


class LocalProcesses(Workers):
    """Runs cells in ``slots`` processes of this machine; if one is killed, its cell fails and the process is replaced.

    Args:
        slots: Number of processes.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        # A pool for each: a process that is killed takes its whole pool with it.
        self._pools: list[tuple[ProcessPoolExecutor, Future[list[FinishedCell]] | None]] = []

    def submit(self, job: Job, log: bool) -> Future[list[FinishedCell]]:
        """Give the cell to an idle process, or to a new one."""
        for number, (pool, last) in enumerate(self._pools):
            if last is not None and last.done():
                if isinstance(last.exception(), BrokenProcessPool):
                    pool.shutdown(wait=False)
                    pool = _new_pool()
                self._pools[number] = (pool, future := pool.submit(finish_job, job, log))
                return future
        pool = _new_pool()
        future = pool.submit(finish_job, job, log)
        self._pools.append((pool, future))
        return future

    def close(self) -> None:
        """Terminate the processes without waiting for their cells."""
        for pool, _ in self._pools:
            processes = list((pool._processes or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()


def describe_failure(error: BaseException) -> str:
    """Return in one line why a cell failed."""
    if isinstance(error, BrokenProcessPool):
        return "its process was killed; if memory is short, use fewer --workers"
    error = getattr(error, "cause", None) or error  # Ray wraps what was raised on a node
    return str(error) if isinstance(error, LightmanNetError) else f"{type(error).__name__}: {error}"


def _new_pool() -> ProcessPoolExecutor:
    # spawn, since torch's threads do not survive a fork.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker)


def _prepare_worker() -> None:
    # The processes are the parallelism; more threads would only wait for each other.
    torch.set_num_threads(1)
    ignore_signal()
    # A killed parent cannot stop its workers, which would wait for it forever.
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
