"""Where cells are run: in this process, or in worker processes of this machine."""

import multiprocessing
import os
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import torch

from lightmannet.errors import LightmanNetError
from lightmannet.scheduler import ignore_signal
from lightmannet.table.cell import Finished, finish
from lightmannet.table.plan import Cell


class Workers(ABC):
    """Runs cells, at most ``slots`` at the same time."""

    slots: int

    @abstractmethod
    def submit(self, cell: Cell, watch: bool) -> Future[Finished]:
        """Begin a cell, when fewer than ``slots`` are running; what goes wrong is in the future.

        Args:
            cell: What is to be run.
            watch: Also bring back what is logged on the way.
        """

    def close(self) -> None:  # noqa: B027  there may be nothing to end
        """End what is running, unfinished."""


class ThisProcess(Workers):
    """Runs each cell before ``submit`` returns."""

    slots = 1

    def __init__(self) -> None:
        # As in worker processes, so that times compare; beside other work, two threads on small networks cost tenfold.
        torch.set_num_threads(1)

    def submit(self, cell: Cell, watch: bool) -> Future[Finished]:
        """Run the cell."""
        future: Future[Finished] = Future()
        try:
            future.set_result(finish(cell, watch))
        except Exception as error:
            future.set_exception(error)
        return future


class LocalProcesses(Workers):
    """Runs cells in ``slots`` processes of this machine; one that is killed fails its cell and is replaced.

    Args:
        slots: Number of processes.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        # A pool for each: a process that is killed takes its whole pool with it.
        self._pools: list[tuple[ProcessPoolExecutor, Future[Finished] | None]] = []

    def submit(self, cell: Cell, watch: bool) -> Future[Finished]:
        """Give the cell to a process that has nothing to do, a new one if there is none."""
        for number, (pool, last) in enumerate(self._pools):
            if last is not None and last.done():
                if isinstance(last.exception(), BrokenProcessPool):
                    pool.shutdown(wait=False)
                    pool = _new_pool()
                self._pools[number] = (pool, future := pool.submit(finish, cell, watch))
                return future
        pool = _new_pool()
        future = pool.submit(finish, cell, watch)
        self._pools.append((pool, future))
        return future

    def close(self) -> None:
        """Nothing that waits is started, and what runs is not waited for."""
        for pool, _ in self._pools:
            processes = list((pool._processes or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()


def why(error: BaseException) -> str:
    """Return what went wrong, in words that help."""
    if isinstance(error, BrokenProcessPool):
        return "its process was killed; if memory is short, give fewer --workers"
    error = getattr(error, "cause", None) or error  # Ray wraps what was raised on a node
    return str(error) if isinstance(error, LightmanNetError) else f"{type(error).__name__}: {error}"


def _new_pool() -> ProcessPoolExecutor:
    # spawn, since threads of torch and a fork do not go together.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker)


def _prepare_worker() -> None:
    # Processes side by side are the parallelism; threads on top of them only wait for each other.
    torch.set_num_threads(1)
    ignore_signal()
    # A killed parent cannot stop its workers, and they would wait for it for ever.
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
