"""Run the cells of a table that have no result yet, beside other runners that share the folder."""

import os
import time
import traceback
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from lightmannet.errors import LightmanNetError
from lightmannet.files import write_atomically
from lightmannet.runners.dashboard import Dashboard
from lightmannet.runners.locks import CellLocks
from lightmannet.runners.progress import TableProgress
from lightmannet.runners.workers import LocalProcesses, ThisProcess, Workers, describe_failure
from lightmannet.table.cell import Cell
from lightmannet.table.run_cell import FinishedCell
from lightmannet.table.run_together import Job
from lightmannet.table.store import Result, read_result, write_result

_LOOK_AGAIN = 1.0  # seconds between two looks at cells that another runner has locked


def run_cells(
    cells: list[Cell],
    done: list[Result],
    missing: list[Job],
    folder: Path,
    locks: CellLocks,
    slots: int | None,
    dashboard: Dashboard | None,
) -> list[str]:
    """Run the missing cells, write each result as it comes, and return a line for each cell that failed.

    Args:
        cells: All cells of the table.
        done: Results that exist already.
        missing: Cells without a result, by job.
        folder: Folder of the results.
        locks: Its locks.
        slots: Number of runs at the same time; None takes one per core.
        dashboard: Where finished cells are sent, if anywhere.

    Raises:
        LightmanNetError: The folder cannot be written.
    """
    workers = _workers(slots)
    progress = TableProgress(cells, done, min(workers.slots, len(missing)))
    failed: list[str] = []
    waiting, elsewhere, running = deque(missing), deque[Job](), dict[Future[list[FinishedCell]], Job]()
    try:
        with progress.bar:
            while waiting or elsewhere or running:
                while waiting and len(running) < workers.slots:
                    job = []
                    for cell in waiting.popleft():
                        if not locks.acquire(cell.key):
                            elsewhere.append((cell,))
                        elif read_result(folder, cell) is not None:
                            locks.release(cell.key)
                            progress.finished_elsewhere(cell)
                        else:
                            progress.started()
                            job.append(cell)
                    if job:
                        running[workers.submit(tuple(job), log=dashboard is not None)] = tuple(job)
                ended, _ = wait(running, _LOOK_AGAIN if elsewhere else None, FIRST_COMPLETED)
                for future in ended:
                    job_done = running.pop(future)
                    failed += _keep(future, job_done, folder, progress, dashboard)
                    for cell in job_done:
                        locks.release(cell.key)
                if not waiting and elsewhere:
                    # They are done by now, or still locked, or free again because their runner was killed.
                    if not running:
                        time.sleep(_LOOK_AGAIN)
                    waiting, elsewhere = elsewhere, waiting
    finally:
        workers.close()
    return failed


def _workers(slots: int | None) -> Workers:
    if os.environ.get("RAY_ADDRESS"):
        from lightmannet.runners.cluster import RayCluster

        return RayCluster(os.environ["RAY_ADDRESS"], slots)
    slots = slots or len(os.sched_getaffinity(0))
    return ThisProcess() if slots == 1 else LocalProcesses(slots)


def _keep(
    future: Future[list[FinishedCell]], job: Job, folder: Path, progress: TableProgress, dashboard: Dashboard | None
) -> list[str]:
    """Write the results, or the log of a failure, and return a line for each cell that failed."""
    error = future.exception()
    try:
        if error is None:
            for finished in future.result():
                write_result(folder, finished.result)
                progress.finished(finished.result)
                if dashboard is not None:
                    dashboard.send(finished)
            return []
        lines = []
        for cell in job:
            log = folder / "failed" / f"{cell.stem}.log"
            write_atomically(log, "".join(traceback.format_exception(error)))
            progress.failed(cell)
            lines.append(f"{cell}: {describe_failure(error)} (log: {log})")
        return lines
    except OSError as full:
        raise LightmanNetError(
            f"{folder} cannot be written: {full}. Finished runs are kept; the same command goes on from there."
        ) from full
