"""What a table shows at Weights & Biases: each cell as a run, and the folds of a method as one group."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import yaml

from lightmannet.metrics.scores import pooled_scores
from lightmannet.table.cell import Finished
from lightmannet.table.store import Result
from lightmannet.wandb_run import WandbRun

Mode = Literal["offline", "online"]


class Dashboard:
    """Sends finished cells to W&B, one after the other in a thread of its own, while others run.

    What goes wrong there costs no cell and no result: it is said, and the runs that W&B cannot take are kept offline.

    Args:
        table: Name of the table, the first part of each group.
        folder: Folder of the table's results, in which runs and their ``metrics.csv`` are kept.
        mode: Whether the runs are sent or wait there.

    Raises:
        ConfigurationError: The mode is online and no key is known.
    """

    def __init__(self, table: str, folder: Path, mode: Mode) -> None:
        self._table, self._folder, self._mode = table, folder, mode
        self._taken: Counter[str] = Counter()
        WandbRun(str(folder), offline=mode == "offline").check()
        self._thread = ThreadPoolExecutor(1)

    def send(self, finished: Finished) -> None:
        """Send a cell soon; its result is on disk already."""
        self._thread.submit(self._send, finished)

    def close(self) -> str:
        """Wait until all is sent and say where it is."""
        self._thread.shutdown()
        lines = ["No run was sent to W&B: those done before are not."] if not self._taken else []
        if self._taken["online"]:
            lines.append(f"{self._taken['online']} runs were sent to W&B, grouped by method, condition and seed.")
        if self._taken["offline"]:
            runs = self._folder / "wandb" / "offline-run-*"
            lines.append(f"{self._taken['offline']} runs wait for W&B; this sends them: wandb sync {runs}")
        if self._taken["nowhere"]:
            lines.append(f"{self._taken['nowhere']} runs could not be logged for W&B; their results are kept.")
        return "\n".join(lines)

    def _send(self, finished: Finished) -> None:
        try:
            self._log(finished)
            self._taken[self._mode] += 1
        # W&B raises whatever its network, files and processes met.
        except Exception as error:
            result = finished.result
            print(f"W&B took no run of {result.method}, fold {result.fold}, seed {result.seed}: {error}", flush=True)
            if self._mode == "online":
                print("The result is kept; this run and those to come are logged offline.", flush=True)
                self._mode = "offline"
                self._send(finished)
            else:
                self._taken["nowhere"] += 1

    def _log(self, finished: Finished) -> None:
        result = finished.result
        run = WandbRun(
            str(self._folder),
            offline=self._mode == "offline",
            table=self._table,
            method=result.method,
            condition=result.condition,
            silent=True,
        )
        options = yaml.safe_load(result.config)
        run.log_hyperparams({**{key: options[key] for key in ("seed_everything", "model", "data")}, "stage": "table"})
        for step, values in finished.logged:
            run.log_metrics(values, step)
        run.log_metrics(_outcome(result), finished.logged[-1][0] if finished.logged else 0)
        run.finalize("success")


def _outcome(result: Result) -> dict[str, float]:
    """Return the scores of the fold, which are no scores of the table, and what it cost."""
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
        **{f"cost/{name}_seconds": value for name, value in result.seconds.items()},
    }
