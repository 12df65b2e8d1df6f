"""The rows of a table: scores with their spread and interval, comparisons, people, costs and training curves."""

import statistics
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from lightmannet.metrics.scores import ScoreName


@dataclass(frozen=True)
class Estimate:
    """A score over seeds.

    Attributes:
        values: One per seed, in [0, 1].
        low: Lower end of the 95 % interval of their mean: over people, or over tasks for evaluation in tasks.
        high: Its upper end.
    """

    values: tuple[float, ...]
    low: float
    high: float

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return statistics.mean(self.values)

    @property
    def deviation(self) -> float | None:
        """Standard deviation over seeds; None for one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


Estimates = dict[ScoreName, Estimate]


@dataclass(frozen=True)
class Comparison:
    """Difference of UF1 between two methods under the same condition, from counts pooled over all tested people.

    Attributes:
        difference: Mean over their common seeds.
        low: Lower end of its 95 % interval over people.
        high: Its upper end.
        p_value: p-value of the paired randomisation test.
        corrected: The p-value corrected (Holm) for the number of such comparisons in the table.
    """

    difference: float
    low: float
    high: float
    p_value: float
    corrected: float


@dataclass(frozen=True)
class PersonAccuracy:
    """Accuracy of a method on one person.

    Attributes:
        subject: As ``database/subject``.
        clips: Number of answers per seed.
        accuracy: Share of right answers over all seeds, in [0, 1].
    """

    subject: str
    clips: int
    accuracy: float


@dataclass(frozen=True)
class Cost:
    """Costs of a method, medians over its runs.

    Attributes:
        parameters: Number of parameters.
        multiply_adds: Of one forward pass for one clip.
        training: Seconds per fold.
        adapting: Seconds to adapt to one support.
        predicting: Seconds per test clip, including adaptation and several draws of the support.
        peak_memory_mb: Largest memory of any run, MB.
        micro_clips: Micro-expressions drawn in training; None in older results.
        macro_clips: Macro-expressions drawn in training; None in older results.
    """

    parameters: float
    multiply_adds: float
    training: float
    adapting: float
    predicting: float
    peak_memory_mb: float
    micro_clips: float | None
    macro_clips: float | None

    @property
    def drawn_clips(self) -> float | None:
        """Clips drawn in training, of both kinds."""
        if self.micro_clips is None or self.macro_clips is None:
            return None
        return self.micro_clips + self.macro_clips


@dataclass(frozen=True)
class CurvePoint:
    """Training loss of one epoch: mean, smallest and largest over folds and seeds."""

    epoch: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """A method under one condition.

    Attributes:
        method: Name.
        condition: Name of the condition; empty in tables without conditions.
        value: Position of the condition on the table's axis, or None.
        seeds: Number of seeds with all folds finished; only these are scored.
        missing: Number of runs without a result.
        columns: Scores by column, a database or ``Full``; empty if no seed is complete.
        unadapted: Scores of θ itself, for a method that adapts; else empty.
        comparison: Comparison with the baseline; None for the baseline itself or without complete seeds.
        adapting: Comparison with θ itself, for a method that adapts; else None.
        oracle: ``Full`` scores of the epoch that was best on the test people; None without one.
        confusion: Counts by true and predicted class, averaged over seeds; None if no seed is complete.
        people: The people tested, by name.
        cost: Costs, or None if no run has finished.
        curve: Training losses.
    """

    method: str
    condition: str
    value: float | None
    seeds: int
    missing: int
    columns: dict[str, Estimates]
    unadapted: dict[str, Estimates]
    comparison: Comparison | None
    adapting: Comparison | None
    oracle: Estimates | None
    confusion: Float[Tensor, "truth prediction"] | None
    people: tuple[PersonAccuracy, ...]
    cost: Cost | None
    curve: tuple[CurvePoint, ...]

    @property
    def unadapted_name(self) -> str:
        """Name of the method without adaptation."""
        return f"{self.method}, no adaptation"


@dataclass(frozen=True)
class Floor:
    """Scores of always predicting the most frequent class.

    Attributes:
        condition: Name of the condition; empty if all conditions test the same clips.
        columns: Scores by column.
    """

    condition: str
    columns: dict[str, Estimates]


@dataclass(frozen=True)
class Summary:
    """A table's rows, in order, and their common properties.

    Attributes:
        rows: Every method under every condition; without scores if nothing has finished.
        floors: One, or one per condition if conditions test different clips.
        columns: Databases, then ``Full``; only ``Full`` for a single database or evaluation in tasks.
        tasks: Number of test tasks per seed, or None if each clip is recognised once.
    """

    rows: tuple[Row, ...]
    floors: tuple[Floor, ...]
    columns: tuple[str, ...]
    tasks: int | None
