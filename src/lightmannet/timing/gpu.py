"""The command ``lightmannet bench-gpu``: meta-steps on a CUDA device by each engine, beside a bare learn2learn loop.

How they grow, and what share of the card's measured ceilings they reach. Each row is written when it is measured, so
that a run that is cut off leaves what it has.
"""

import csv
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from lightmannet.errors import ConfigurationError
from lightmannet.timing.engines import BARE, GRAPH, Load, Step, meta_step

_MAIN = Load(tasks=16, steps=5)
_GROWTH: dict[str, tuple[int, ...]] = {
    "tasks": (1, 4, 64),
    "steps": (1, 10),
    "shots": (1, 10, 20),
    "size": (64, 112),
}


@dataclass(frozen=True)
class Row:
    """One measurement: milliseconds of a meta-step, and the peak of the device's memory in MiB."""

    kind: str
    tasks: int
    steps: int
    shots: int
    size: int
    median_ms: float
    min_ms: float
    max_ms: float
    memory_mib: float


def bench_gpu(output: Path = Path("results/bench-gpu"), device: str = "cuda", seconds: float = 90) -> None:
    """Time second-order meta-steps of LightmanNet by each engine on a GPU, and how they grow.

    Args:
        output: Folder of ``rows.csv`` and ``summary.json``; what is in them is replaced.
        device: Device; ``cpu`` tries this command out, with smaller loads.
        seconds: No measurement begins after so long.

    Raises:
        ConfigurationError: There is no CUDA device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError(
            "bench-gpu needs a CUDA device, and PyTorch finds none. `lightmannet bench` is for CPUs."
        )
    console, started = Console(), time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    rows = _Rows(output / "rows.csv", console)
    main = _MAIN if device == "cuda" else replace(_MAIN, tasks=2, steps=1, shots=1)
    summary: dict[str, Any] = {"torch": torch.__version__, "device": _name(device), "ceilings": ceilings(device)}
    _write(output, summary)
    console.print(f"{summary['device']}, ceilings: {summary['ceilings']}")
    for kind, repeats in (("vectorized", 10), (GRAPH, 20), (BARE, 5), ("fused", 3), ("learn2learn", 3)):
        if time.perf_counter() - started < seconds:
            rows.measure(main, kind, device, repeats)
    summary["times as fast as the bare loop"] = rows.ratios(main)
    summary["work of a meta-step"] = work(meta_step(main, "vectorized", device), device)
    summary["share of ceilings"] = _shares(rows, main, summary)
    _write(output, summary)
    for name, values in _GROWTH.items() if device == "cuda" else [("tasks", (1,))]:
        for value in values:
            for kind in (GRAPH, "vectorized"):
                if time.perf_counter() - started < seconds:
                    rows.measure(replace(main, **{name: value}), kind, device, 5)
    console.print(rows.table())
    console.print_json(data=summary)
    console.print(f"{time.perf_counter() - started:.0f} s; written to {output}")


class _Rows:
    def __init__(self, path: Path, console: Console) -> None:
        self.path, self.console = path, console
        self.rows: list[Row] = []

    def measure(self, load: Load, kind: str, device: str, repeats: int) -> None:
        """Add a row; where the step fails, say so and go on with the others."""
        try:
            step = meta_step(load, kind, device)
            if device == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            times = [1000 * value for value in timed(step, device, repeats)]
        except (RuntimeError, ConfigurationError) as error:
            self.console.print(f"{kind}, {load}: {error}")
            return
        memory = torch.cuda.max_memory_reserved() / 2**20 if device == "cuda" else 0.0
        self.rows.append(_row(kind, load, times, memory))
        self.console.print(f"{kind}, {load}: {statistics.median(times):.1f} ms, {memory:.0f} MiB")
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(asdict(self.rows[0])))
            writer.writeheader()
            writer.writerows(asdict(row) for row in self.rows)

    def of(self, load: Load, kind: str) -> Row | None:
        return next((r for r in self.rows if r.kind == kind and asdict(load).items() <= asdict(r).items()), None)

    def ratios(self, load: Load) -> dict[str, float]:
        bare = self.of(load, BARE)
        return {r.kind: bare.median_ms / r.median_ms for r in self.rows if bare and self.of(load, r.kind) is r}

    def table(self) -> Table:
        names = list(Row.__dataclass_fields__)
        table = Table(*names)
        for row in self.rows:
            table.add_row(*(f"{v:.1f}" if isinstance(v, float) else str(v) for v in asdict(row).values()))
        return table


def timed(step: Step, device: str, repeats: int) -> list[float]:
    """Return the seconds of each of some calls, after two to warm up."""
    seconds = []
    for number in range(repeats + 2):
        _wait(device)
        start = time.perf_counter()
        step()
        _wait(device)
        if number > 1:
            seconds.append(time.perf_counter() - start)
    return seconds


def ceilings(device: str) -> dict[str, float]:
    """Return what the device reaches: float32 TFLOP/s of a large matrix product, and TB/s of a large copy."""
    side, numbers = (8192, 2**29) if device == "cuda" else (512, 2**22)
    a, b = torch.randn(side, side, device=device), torch.randn(side, side, device=device)
    product = statistics.median(timed(lambda: _do(lambda: a @ b), device, 5))
    source = torch.randn(numbers, device=device)
    target = torch.empty_like(source)
    copy = statistics.median(timed(lambda: _do(lambda: target.copy_(source)), device, 5))
    return {"float32_tflops": 2 * side**3 / product / 1e12, "tb_per_s": 2 * 4 * numbers / copy / 1e12}


def work(step: Step, device: str) -> dict[str, float]:
    """Return what a step does: TFLOP of matrix products, TB that its operations read and write, and their number."""
    step()
    traffic = _Traffic()
    with FlopCounterMode(display=False) as counter, traffic:
        step()
    _wait(device)
    return {"tflop": counter.get_total_flops() / 1e12, "tb": traffic.bytes / 1e12, "operations": traffic.operations}


class _Traffic(TorchDispatchMode):
    """Counts the bytes of every operation's tensors, those that only look at others left out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes, self.operations = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        outputs = [t for t in (result if isinstance(result, tuple | list) else [result]) if isinstance(t, torch.Tensor)]
        if not func.is_view and outputs:
            inputs = [
                t for a in args for t in (a if isinstance(a, tuple | list) else [a]) if isinstance(t, torch.Tensor)
            ]
            self.operations += 1
            # An expanded tensor is larger than what it reads.
            self.bytes += sum(min(t.nbytes, t.untyped_storage().nbytes()) for t in [*inputs, *outputs])
        return result


def _shares(rows: _Rows, load: Load, summary: dict[str, Any]) -> dict[str, dict[str, float]]:
    limits, done = summary["ceilings"], summary["work of a meta-step"]
    shares = {}
    for kind in ("vectorized", GRAPH):
        if (row := rows.of(load, kind)) is not None:
            seconds = row.median_ms / 1000
            products = done["tflop"] / seconds / limits["float32_tflops"]
            shares[kind] = {"products": products, "memory": done["tb"] / seconds / limits["tb_per_s"]}
    return shares


def _row(kind: str, load: Load, times: list[float], memory: float) -> Row:
    sizes = load.tasks, load.steps, load.shots, load.size
    return Row(kind, *sizes, statistics.median(times), min(times), max(times), memory)


def _write(output: Path, summary: dict[str, Any]) -> None:
    (output / "summary.json").write_text(json.dumps(summary, indent=1))


def _do(function: Callable[[], object]) -> None:
    function()


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device


if __name__ == "__main__":
    # So that it can be run where only PyTorch, Lightning and rich are installed.
    bench_gpu()
