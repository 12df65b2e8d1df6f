"""A table at Weights & Biases: each cell is a run, and the folds of a method form a group."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import yaml

from lightmannet.metrics.scores import pooled_scores
from lightmannet.table.run_cell import FinishedCell
from lightmannet.table.store import Result
from lightmannet.wandb_run import WandbRun

Mode = Literal["offline", "online"]


class Dashboard:
    """Sends finished cells to W&B, one after another in a separate thread, while others run.

    A failure there costs no cell and no result: it is reported, and the runs that W&B cannot take are kept offline.

    Args:
        table: Name of the table, the first part of each group.
        folder: Folder of the table's results, in which runs and their ``metrics.csv`` are kept.
        mode: Whether the runs are sent or wait there.

    Raises:
        ConfigurationError: The mode is online and no key is known.
    """

    def __init__(self, table: str, folder: Path, mode: Mode) -> None:
        self._table, self._folder, self._mode = table, folder, mode
        self._counts: Counter[str] = Counter()
        WandbRun(str(folder), offline=mode == "offline").check()
        self._thread = ThreadPoolExecutor(1)

    def send(self, finished: FinishedCell) -> None:
        """Queue a cell for sending; its result is on disk already."""
        self._thread.submit(self._send, finished)

    def close(self) -> str:
        """Wait until everything is sent and return where it is."""
        self._thread.shutdown()
        lines = ["No run was sent to W&B: earlier results are not sent."] if not self._counts else []
        if self._counts["online"]:
            lines.append(f"{self._counts['online']} runs were sent to W&B, grouped by method, condition and seed.")
        if self._counts["offline"]:
            runs = self._folder / "wandb" / "offline-run-*"
            lines.append(f"{self._counts['offline']} runs wait for W&B; this sends them: wandb sync {runs}")
        if self._counts["nowhere"]:
            lines.append(f"{self._counts['nowhere']} runs could not be logged for W&B; their results are kept.")
        return "\n".join(lines)

    def _send(self, finished: FinishedCell) -> None:
        try:
            self._log(finished)
            self._counts[self._mode] += 1
        # W&B passes on any error of its network, files and processes.
        except Exception as error:
            print(f"W&B did not accept the run of {finished.result.cell}: {error}", flush=True)
            if self._mode == "online":
                print("The result is kept; this run and the following ones are logged offline.", flush=True)
                self._mode = "offline"
                self._send(finished)
            else:
                self._counts["nowhere"] += 1

    def _log(self, finished: FinishedCell) -> None:
        result = finished.result
        run = WandbRun(
            str(self._folder),
            offline=self._mode == "offline",
            table=self._table,
            method=result.cell.method,
            condition=result.cell.condition,
            silent=True,
        )
        options = yaml.safe_load(result.config)
        run.log_hyperparams({**{key: options[key] for key in ("seed_everything", "model", "data")}, "stage": "table"})
        for step, values in finished.logged:
            run.log_metrics(values, step)
        run.log_metrics(_outcome(result), finished.logged[-1][0] if finished.logged else 0)
        run.finalize("success")


def _outcome(result: Result) -> dict[str, float]:
    """Return the fold's own scores, which are not those of the table, and its costs."""
    answers = result.answers
    scores = pooled_scores(
        [answer.label for answer in answers],
        [answer.prediction for answer in answers],
        len(answers[0].probabilities),
    )
    return {
        **{f"test/{name}": value for name, value in asdict(scores).items()},
        "test/clips": len(answers),
        "cost/parameters": result.parameters,
        "cost/multiply_adds": result.multiply_adds,
        "cost/peak_memory_mib": result.peak_memory_mb,
        **{f"cost/{kind}_clips_drawn": count for kind, count in (result.drawn_clips or {}).items()},
        **{f"cost/{name}_seconds": value for name, value in result.seconds.items()},
    }
