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
from lightmannet.runners.locks import Claims
from lightmannet.runners.progress import Board
from lightmannet.runners.workers import LocalProcesses, ThisProcess, Workers, why
from lightmannet.table.cell import Finished
from lightmannet.table.plan import Cell
from lightmannet.table.store import Result, read_result, write_result

_LOOK_AGAIN = 1.0  # seconds between two looks at cells that another runner has


def run_cells(
    cells: list[Cell],
    done: list[Result],
    missing: list[Cell],
    folder: Path,
    claims: Claims,
    wanted: int | None,
    dashboard: Dashboard | None,
) -> list[str]:
    """Run the missing cells, write each result as it comes, and return a line for each cell that failed."""
    workers = _workers(wanted)
    board = Board(cells, done, min(workers.slots, len(missing)))
    failed: list[str] = []
    waiting, elsewhere, running = deque(missing), deque[Cell](), dict[Future[Finished], Cell]()
    try:
        with board.bar:
            while waiting or elsewhere or running:
                while waiting and len(running) < workers.slots:
                    cell = waiting.popleft()
                    if not claims.take(cell.key):
                        elsewhere.append(cell)
                    elif read_result(folder, cell) is not None:
                        claims.give_back(cell.key)
                        board.found(cell)
                    else:
                        board.begun()
                        running[workers.submit(cell, watch=dashboard is not None)] = cell
                ended, _ = wait(running, _LOOK_AGAIN if elsewhere else None, FIRST_COMPLETED)
                for future in ended:
                    cell = running.pop(future)
                    failed += _keep(future, cell, folder, board, dashboard)
                    claims.give_back(cell.key)
                if not waiting and elsewhere:
                    # They are done by now, or still held, or free again because their runner was killed.
                    if not running:
                        time.sleep(_LOOK_AGAIN)
                    waiting, elsewhere = elsewhere, waiting
    finally:
        workers.close()
    return failed


def _workers(wanted: int | None) -> Workers:
    if os.environ.get("RAY_ADDRESS"):
        from lightmannet.runners.cluster import RayCluster

        return RayCluster(os.environ["RAY_ADDRESS"], wanted)
    slots = wanted or len(os.sched_getaffinity(0))
    return ThisProcess() if slots == 1 else LocalProcesses(slots)


def _keep(future: Future[Finished], cell: Cell, folder: Path, board: Board, dashboard: Dashboard | None) -> list[str]:
    """Write the result, or the log of what went wrong, and return a line for that."""
    error = future.exception()
    try:
        if error is None:
            finished = future.result()
            write_result(folder, cell, finished.result)
            board.ended(cell, finished.result)
            if dashboard is not None:
                dashboard.send(finished)
            return []
        log = folder / "failed" / f"{cell.stem}.log"
        write_atomically(log, "".join(traceback.format_exception(error)))
    except OSError as full:
        raise LightmanNetError(
            f"{folder} cannot be written: {full}. Finished runs are kept; the same command goes on."
        ) from full
    board.ended(cell, "FAILED")
    return [f"{cell}: {why(error)} (log: {log})"]
