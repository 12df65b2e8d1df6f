"""The command ``lightmannet table``: run the missing cells of a table, then write the report."""

import os
import shutil
from pathlib import Path
from typing import Literal

import torch

from lightmannet.errors import ConfigurationError, LightmanNetError
from lightmannet.files import write_atomically
from lightmannet.packaged import config_path
from lightmannet.report.report import write_report
from lightmannet.runners.dashboard import Dashboard, Mode
from lightmannet.runners.locks import CellLocks
from lightmannet.runners.progress import TableProgress, overview
from lightmannet.runners.run_cells import run_cells
from lightmannet.scheduler import requeued_on_signal
from lightmannet.silence import silence_lightning
from lightmannet.table.cell import Cell
from lightmannet.table.description import ProtocolName
from lightmannet.table.plan import Plan, make_plan
from lightmannet.table.run_together import Job, plan_jobs
from lightmannet.table.store import Result, read_result

Engine = Literal["single", "batched"]


@requeued_on_signal()
def table(
    table: Path,
    protocol: ProtocolName | None = None,
    workers: int | None = None,
    fresh: bool = False,
    results: Path = Path("results"),
    status: bool = False,
    wandb: Mode | None = None,
    engine: Engine = "single",
    together: int | None = None,
) -> None:
    """Run the cells of a table that have no result yet, then print and write the table.

    Several runners may share a folder of results: each cell is run by one of them. With the environment variable
    RAY_ADDRESS the cells are run on that Ray cluster.

    Args:
        table: The table's YAML file, or the name of one that comes with the package, e.g. synthetic.
        protocol: kfold or loso in place of the table's own protocol.
        workers: Number of processes, by default one per core; 1 runs everything in this process.
        fresh: Delete earlier results of this table and protocol first.
        results: Folder of all results.
        status: Only print what is done, running and left.
        wandb: offline or online also logs each run to W&B, all folds of a method as one group: scalars and options;
            offline keeps them in a folder for `wandb sync`. Earlier results are not sent. It changes no answer.
        engine: single trains run by run; batched trains the folds and seeds of a method as one batched problem, and
            run by run what cannot be. Both write the same results, and either goes on from the other's.
        together: Most runs that are batched, by default all of a method on a GPU and 16 on a CPU. A killed command
            repeats those that it was at.

    Raises:
        ConfigurationError: together is below 1 or given without batched, or batched runs are to be logged to W&B.
        ConfigurationError: wandb is online, but W&B has no key on this machine.
        LightmanNetError: The table or its data cannot be read, the folder cannot be written, results are to be deleted
            while another runner is at work, or a cell failed; finished cells are kept, and the same command goes on
            from there.
    """
    silence_lightning()
    _check(engine, together, wandb)
    table = Path(config_path(str(table), "tables"))
    plan = make_plan(table, protocol)
    folder = results / f"{table.stem}-{plan.protocol.name}"
    locks = _open(folder, table)
    try:
        if fresh and not status:
            locks = _delete(folder, table, locks)
        done = _read(plan, folder)
        missing = _without(plan.cells, done)
        if status:
            _print_status(plan, done, missing, locks)
            return
        print(f"{plan.table.title}: {len(plan.cells)} runs, {len(done)} done before, {len(missing)} to go", flush=True)
        dashboard = Dashboard(table.stem, folder, wandb) if wandb else None
        if workers is None and engine == "batched" and torch.cuda.is_available():
            workers = 1  # one job fills a GPU
        jobs = _jobs(missing, engine, together, workers)
        failed = run_cells(plan.cells, done, jobs, folder, locks, workers, dashboard) if missing else []
        if dashboard is not None:
            print(f"\n{dashboard.close()}", flush=True)
    finally:
        locks.close()
    done = _read(plan, folder)
    if done:
        print("\n" + write_report(plan, done, folder))
        print(f"\nThe report: {folder / 'report.html'} (beside it: table.md, table.csv, table.tex)")
    if failed:
        raise LightmanNetError(
            f"{len(failed)} of {len(plan.cells)} runs failed and are missing from the table:\n"
            + "\n".join(f"  - {line}" for line in failed)
            + "\nThe same command runs them again and keeps the others."
        )


def _check(engine: Engine, together: int | None, wandb: Mode | None) -> None:
    if together is not None and (engine != "batched" or together < 1):
        raise ConfigurationError(
            f"together: {together}, which needs engine: batched and must be 1 or more. Set --engine=batched, or leave "
            "it out."
        )
    if engine == "batched" and wandb:
        raise ConfigurationError(
            "engine: batched trains many runs at once and logs none of them. Leave --wandb out, or set --engine=single."
        )


def _jobs(missing: list[Cell], engine: Engine, together: int | None, workers: int | None) -> list[Job]:
    if engine == "single":
        return [(cell,) for cell in missing]
    jobs, alone = plan_jobs(missing, together, workers or len(os.sched_getaffinity(0)))
    for line in alone:
        print(line, flush=True)
    return jobs


def _open(folder: Path, table: Path) -> CellLocks:
    """Make the folder, copy the table's description into it, and return its locks."""
    try:
        write_atomically(folder / "table.yaml", table.read_text(encoding="utf-8"))
        return CellLocks(folder)
    except OSError as error:
        raise LightmanNetError(f"{folder} cannot be written: {error}. Choose another folder with --results.") from error


def _delete(folder: Path, table: Path, locks: CellLocks) -> CellLocks:
    if locks.held_by_others():
        raise LightmanNetError(f"Another runner is at work in {folder}: stop it before deleting its results.")
    locks.close()
    shutil.rmtree(folder, ignore_errors=True)
    return _open(folder, table)


def _read(plan: Plan, folder: Path) -> list[Result]:
    return [result for cell in plan.cells if (result := read_result(folder, cell)) is not None]


def _without(cells: list[Cell], done: list[Result]) -> list[Cell]:
    finished = {result.cell.key for result in done}
    return [cell for cell in cells if cell.key not in finished]


def _print_status(plan: Plan, done: list[Result], missing: list[Cell], locks: CellLocks) -> None:
    running = set()
    for cell in missing:
        if locks.acquire(cell.key):
            locks.release(cell.key)
        else:
            running.add(cell.key)
    print(overview(plan.cells, {result.cell.key for result in done}, running))
    minutes = TableProgress(plan.cells, done, 1).minutes_left
    if minutes:
        print(f"about {minutes:.0f} minutes to go with one process")
