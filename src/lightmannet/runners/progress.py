"""Progress of a table: a bar on a terminal, else one line per run."""

import statistics
from collections import defaultdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lightmannet.table.cell import Cell
from lightmannet.table.store import Result


class TableProgress:
    """Counts runs and estimates the remaining time from how long the runs of each method took.

    Args:
        cells: All cells of the table.
        done: Results that exist already.
        slots: Number of runs at the same time.
    """

    def __init__(self, cells: list[Cell], done: list[Result], slots: int) -> None:
        self.total, self.done, self.running, self.slots = len(cells), len(done), 0, slots
        finished = {result.cell.key for result in done}
        self._left = {cell for cell in cells if cell.key not in finished}
        self._seconds: dict[str, list[float]] = defaultdict(list)
        for result in done:
            self._add_seconds(result)
        console = Console()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self.bar.add_task("running", total=self.total, completed=self.done)

    def started(self) -> None:
        """Count a run that starts here."""
        self.running += 1

    def finished(self, result: Result) -> None:
        """Count a run that finished here."""
        self.running -= 1
        self._add_seconds(result)
        self._report(result.cell, f"{result.seconds['training']:.1f} s")

    def failed(self, cell: Cell) -> None:
        """Count a run that failed here."""
        self.running -= 1
        self._report(cell, "FAILED")

    def finished_elsewhere(self, cell: Cell) -> None:
        """Count a run that another runner finished."""
        self._report(cell, "done by another runner")

    @property
    def minutes_left(self) -> float | None:
        """Estimated minutes until all is done; None before any run has finished."""
        known = [seconds for mine in self._seconds.values() for seconds in mine]
        if not known:
            return None
        seconds = sum(statistics.mean(self._seconds[cell.method] or known) for cell in self._left)
        return seconds / 60 / self.slots

    def _add_seconds(self, result: Result) -> None:
        self._seconds[result.cell.method].append(result.seconds["training"] + result.seconds["predicting"])

    def _report(self, cell: Cell, outcome: str) -> None:
        self.done += 1
        self._left.discard(cell)
        minutes = self.minutes_left
        left = f"{self.running} running, {len(self._left) - self.running} left"
        left += "" if minutes is None else f", about {minutes:.1f} min"
        self.bar.update(self._task, advance=1, description=f"{left}; last {cell}: {outcome}")
        if self.bar.disable:
            print(f"[{self.done}/{self.total}] {cell}: {outcome}; {left}", flush=True)


def overview(cells: list[Cell], done: set[str], running: set[str]) -> str:
    """Return a line per method and condition: how many of its cells are done, running and left.

    Args:
        cells: All cells of the table.
        done: Keys of the finished ones.
        running: Keys of those that a runner has locked.
    """
    rows: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        rows[cell.method, cell.condition].append(cell)
    lines = []
    for (method, condition), mine in rows.items():
        counts = sum(cell.key in done for cell in mine), sum(cell.key in running for cell in mine)
        name = f"{method}, {condition}" if condition else method
        lines.append(f"{name}: {counts[0]} of {len(mine)} done, {counts[1]} running, {len(mine) - sum(counts)} left")
    return "\n".join(lines)
