"""The command ``lightmannet table``: run what is missing of a table, then write it."""

import shutil
from pathlib import Path

from lightmannet.errors import LightmanNetError
from lightmannet.files import write_atomically
from lightmannet.report.report import write_report
from lightmannet.runners.dashboard import Dashboard, Mode
from lightmannet.runners.locks import Claims
from lightmannet.runners.progress import Board, overview
from lightmannet.runners.run_cells import run_cells
from lightmannet.scheduler import requeued_on_signal
from lightmannet.silence import silence_lightning
from lightmannet.table.plan import Cell, Plan, ProtocolName, make_plan
from lightmannet.table.store import Result, read_result


@requeued_on_signal()
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
    silence_lightning()
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
        failed = run_cells(plan.cells, done, missing, folder, claims, workers, dashboard) if missing else []
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
