"""The command ``lightmannet table``: run what is missing of a table, then write it."""

import multiprocessing
import os
import shutil
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from lightmannet.benchmark.measure import (
    Curve,
    adapting_seconds,
    forget_peak_memory,
    git_state,
    multiply_adds,
    parameter_count,
    peak_memory_mb,
)
from lightmannet.benchmark.oracle import OracleEpoch
from lightmannet.benchmark.plan import Cell, ProtocolName, make_plan, versions
from lightmannet.benchmark.quiet import quiet
from lightmannet.benchmark.report import write_report
from lightmannet.benchmark.store import Answer, Result, read_result, write_result
from lightmannet.episode import Clips
from lightmannet.errors import LightmanNetError
from lightmannet.files import write_atomically
from lightmannet.learners.base import Learner, tested_clips


def table(
    table: Path,
    protocol: ProtocolName | None = None,
    workers: int | None = None,
    fresh: bool = False,
    results: Path = Path("results"),
) -> None:
    """Run the cells of a table that have no result yet, then print and write the table.

    Args:
        table: The table's YAML file, e.g. configs/tables/synthetic.yaml.
        protocol: kfold or loso in place of the table's own protocol.
        workers: Processes, by default one a core; 1 runs in this process.
        fresh: Forget earlier results of this table and protocol.
        results: Folder of all results.

    Raises:
        LightmanNetError: The table or its data cannot be read, the folder cannot be written, or a cell failed; what
            was finished by then is kept, and the same command goes on from there.
    """
    quiet()
    plan = make_plan(table, protocol)
    folder = results / f"{table.stem}-{plan.protocol.name}"
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LightmanNetError(f"{folder} cannot be written: {error}. Choose another folder with --results.") from error
    missing = [cell for cell in plan.cells if read_result(folder, cell) is None]
    total, to_go = len(plan.cells), len(missing)
    print(f"{plan.table.title}: {total} runs, {total - to_go} done before, {to_go} to go")
    failed = _run(missing, folder, workers or len(os.sched_getaffinity(0))) if missing else []
    done = [result for cell in plan.cells if (result := read_result(folder, cell)) is not None]
    if done:
        print("\n" + write_report(plan, done, folder))
        print(f"\nWritten to {folder / 'table.md'} and {folder / 'table.csv'}")
    if failed:
        raise LightmanNetError(
            f"{len(failed)} of {total} runs failed and are holes in the table:\n"
            + "\n".join(f"  - {line}" for line in failed)
            + "\nThe same command runs them again and keeps the others."
        )


def run_cell(cell: Cell) -> Result:
    """Train and test one cell in this process and return its result.

    Raises:
        LightmanNetError: Its options or data are at fault.
    """
    from lightmannet.cli import Lightning

    quiet()
    forget_peak_memory()
    cli = Lightning(list(cell.words), run=False)
    trainer, model, data = cli.trainer, cli.model, cli.datamodule
    assert isinstance(model, Learner)
    curve, oracle = Curve(), OracleEpoch(data)
    trainer.callbacks += [curve, oracle] if cell.oracle_epoch else [curve]  # type: ignore[attr-defined]
    start = time.perf_counter()
    trainer.fit(model, datamodule=data)
    trained = time.perf_counter()
    predicted: Any = trainer.predict(model, datamodule=data)
    end = time.perf_counter()
    memory = peak_memory_mb()
    model.eval()
    batch = next(iter(data.predict_dataloader())).to(model.device)
    return Result(
        method=cell.method,
        condition=cell.condition,
        value=cell.value,
        fold=cell.fold,
        seed=cell.seed,
        key=cell.key,
        words=list(cell.words),
        config=cli.parser.dump(cli.config, skip_unset=False),
        versions=versions(),
        git=git_state(),
        train_subjects=list(data.fold.train),
        test_subjects=list(data.fold.test),
        parameters=parameter_count(model),
        multiply_adds=multiply_adds(model, tested_clips(batch).select([0])),
        peak_memory_mb=memory,
        seconds={
            "training": round(trained - start, 3),
            "predicting": round(end - trained, 3),
            "adapting": round(adapting_seconds(model, batch), 6),
        },
        curve=curve.epochs,
        answers=_answers(predicted),
        oracle=_answers(oracle.best) if cell.oracle_epoch else None,
    )


def _answers(predicted: list[tuple[Clips, Tensor]]) -> list[Answer]:
    return [
        Answer(clip, int(label), [round(float(p), 6) for p in row])
        for clips, probabilities in predicted
        for clip, label, row in zip(clips.ids, clips.labels, probabilities, strict=True)
    ]


def _run(cells: list[Cell], folder: Path, workers: int) -> list[str]:
    """Run the cells, write each result as it comes, and return a line for each cell that failed."""
    failed: list[str] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    console = Console()
    start = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal, speed_estimate_period=600) as progress:
        bar = progress.add_task("running", total=len(cells))
        for number, (cell, future) in enumerate(_outcomes(cells, workers), 1):
            name = str(cell)
            try:
                result = future.result()
                write_result(folder, cell, result)
                outcome = f"{result.seconds['training']:.1f} s"
            except BrokenProcessPool:
                raise LightmanNetError(
                    f"A worker process was killed (out of memory?) near {name}. Finished runs are kept; give the same "
                    "command again, with fewer --workers if memory is short."
                ) from None
            except OSError as error:
                raise LightmanNetError(f"{folder} cannot be written: {error}. Finished runs are kept.") from error
            except Exception as error:
                log = folder / "failed" / f"{cell.stem}.log"
                write_atomically(log, "".join(traceback.format_exception(error)))
                failed.append(f"{name}: {error} (log: {log})")
                outcome = "FAILED"
            progress.update(bar, advance=1, description=name)
            if not console.is_terminal:
                left = (time.monotonic() - start) / number * (len(cells) - number)
                print(f"[{number}/{len(cells)}] {name}: {outcome}; about {left / 60:.1f} min left", flush=True)
    return failed


def _outcomes(cells: list[Cell], workers: int) -> Iterator[tuple[Cell, Future[Result]]]:
    """Run the cells, in this process for one worker, and give each as it finishes."""
    if workers == 1:
        for cell in cells:
            future: Future[Result] = Future()
            try:
                future.set_result(run_cell(cell))
            except Exception as error:
                future.set_exception(error)
            yield cell, future
        return
    # spawn, since threads of torch and a fork do not go together.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(cells)), mp_context=context, initializer=_prepare_worker)
    try:
        futures = {pool.submit(run_cell, cell): cell for cell in cells}
        for future in as_completed(futures):
            yield futures[future], future
    finally:
        # On an interrupt nothing that waits is started, and what runs is not waited for.
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


def _prepare_worker() -> None:
    # Processes side by side are the parallelism; threads on top of them only wait for each other.
    torch.set_num_threads(1)
    # A killed parent cannot stop its workers, and they would wait for it for ever.
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
