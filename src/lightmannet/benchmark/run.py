"""The command ``lightmannet table``: run what is missing of a table, then write it."""

import os
import shutil
import time
import traceback
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from lightmannet.benchmark.board import Board, overview
from lightmannet.benchmark.cell import Finished
from lightmannet.benchmark.claims import Claims
from lightmannet.benchmark.dashboard import Dashboard, Mode
from lightmannet.benchmark.plan import Cell, Plan, ProtocolName, make_plan
from lightmannet.benchmark.quiet import quiet
from lightmannet.benchmark.report import write_report
from lightmannet.benchmark.store import Result, read_result, write_result
from lightmannet.benchmark.workers import LocalProcesses, ThisProcess, Workers, why
from lightmannet.errors import LightmanNetError
from lightmannet.files import write_atomically

_LOOK_AGAIN = 1.0  # seconds between two looks at cells that another runner has


def table(
    table: Path,
    protocol: ProtocolName | None = None,
    workers: int | None = None,
    fresh: bool = False,
    results: Path = Path("results"),
    status: bool = False,
    wandb: Mode | None = None,
) -> None:
    """Run the cells of a table that have no result yet, then print and write the table.

    Several runners may share a folder of results: each cell is run by one of them. With the environment variable
    RAY_ADDRESS the cells are run on that Ray cluster.

    Args:
        table: The table's YAML file, e.g. configs/tables/synthetic.yaml.
        protocol: kfold or loso in place of the table's own protocol.
        workers: Processes, by default one a core; 1 runs in this process.
        fresh: Forget earlier results of this table and protocol.
        results: Folder of all results.
        status: Only say what is done, running and left.
        wandb: offline or online sends each run to W&B, too, all folds of a method as one group: scalars and options,
            offline to a folder for `wandb sync`. Runs that were done before are not sent. It changes no answer.

    Raises:
        ConfigurationError: W&B is to be told online, but has no key here.
        LightmanNetError: The table or its data cannot be read, the folder cannot be written, another runner is at work
            where everything is to be forgotten, or a cell failed; what was finished by then is kept, and the same
            command goes on from there.
    """
    quiet()
    plan = make_plan(table, protocol)
    folder = results / f"{table.stem}-{plan.protocol.name}"
    claims = _open(folder, table)
    try:
        if fresh and not status:
            claims = _forget(folder, table, claims)
        done = _read(plan, folder)
        missing = _without(plan.cells, done)
        if status:
            _print_status(plan, done, missing, claims)
            return
        print(f"{plan.table.title}: {len(plan.cells)} runs, {len(done)} done before, {len(missing)} to go", flush=True)
        dashboard = Dashboard(table.stem, folder, wandb) if wandb else None
        failed = _run_all(plan.cells, done, missing, folder, claims, workers, dashboard) if missing else []
        if dashboard is not None:
            print(f"\n{dashboard.close()}", flush=True)
    finally:
        claims.close()
    done = _read(plan, folder)
    if done:
        print("\n" + write_report(plan, done, folder))
        print(f"\nThe report: {folder / 'report.html'} (beside it: table.md, table.csv, table.tex)")
    if failed:
        raise LightmanNetError(
            f"{len(failed)} of {len(plan.cells)} runs failed and are holes in the table:\n"
            + "\n".join(f"  - {line}" for line in failed)
            + "\nThe same command runs them again and keeps the others."
        )


def _open(folder: Path, table: Path) -> Claims:
    """Make the folder, with the table's description in it, and return its claims."""
    try:
        write_atomically(folder / "table.yaml", table.read_text(encoding="utf-8"))
        return Claims(folder)
    except OSError as error:
        raise LightmanNetError(f"{folder} cannot be written: {error}. Choose another folder with --results.") from error


def _forget(folder: Path, table: Path, claims: Claims) -> Claims:
    if claims.others_at_work():
        raise LightmanNetError(f"Another runner is at work in {folder}: end it before its results are forgotten.")
    claims.close()
    shutil.rmtree(folder, ignore_errors=True)
    return _open(folder, table)


def _read(plan: Plan, folder: Path) -> list[Result]:
    return [result for cell in plan.cells if (result := read_result(folder, cell)) is not None]


def _without(cells: list[Cell], done: list[Result]) -> list[Cell]:
    finished = {result.key for result in done}
    return [cell for cell in cells if cell.key not in finished]


def _print_status(plan: Plan, done: list[Result], missing: list[Cell], claims: Claims) -> None:
    running = set()
    for cell in missing:
        if claims.take(cell.key):
            claims.give_back(cell.key)
        else:
            running.add(cell.key)
    print(overview(plan.cells, {result.key for result in done}, running))
    minutes = Board(plan.cells, done, 1).minutes_left
    if minutes:
        print(f"about {minutes:.0f} minutes of one process to go")


def _workers(wanted: int | None) -> Workers:
    if os.environ.get("RAY_ADDRESS"):
        from lightmannet.benchmark.cluster import RayCluster

        return RayCluster(os.environ["RAY_ADDRESS"], wanted)
    slots = wanted or len(os.sched_getaffinity(0))
    return ThisProcess() if slots == 1 else LocalProcesses(slots)


def _run_all(
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
