"""Which micro × macro pairs of a task are aligned; to add a rule, write a subclass of ``Pairs``."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from lightmannet.losses.pair_weighting import PairWeighting

Weighting = Callable[[Clips, Clips], Bool[Tensor, "micro macro"] | Float[Tensor, "micro macro"]]


@dataclass(frozen=True)
class Pairs(ABC):
    """The pairs that count, a boolean matrix, or their weights in [0, 1]."""

    @property
    def all_positive(self) -> bool:
        """Whether every pair counts, so that none is left as a negative."""
        return False

    @property
    def graded(self) -> bool:
        """Whether single pairs have weights of their own."""
        return False

    @property
    def learned(self) -> bool:
        """Whether the outer loop learns the weights."""
        return False

    def weighting(self, n_classes: int) -> Weighting:
        """Return the function from micro and macro clips to weights; a module where it has parameters.

        Args:
            n_classes: Number of classes.
        """
        return self

    def check(self, micro: Clips, macro: Clips) -> None:  # noqa: B027  most rules take any clips
        """Do nothing for clips that have pairs.

        Raises:
            ConfigurationError: The rule needs a pair in every task, and these clips have none.
        """

    @abstractmethod
    def __call__(self, micro: Clips, macro: Clips) -> Bool[Tensor, "micro macro"] | Float[Tensor, "micro macro"]:
        """Return which pairs of support (``micro``) and auxiliary (``macro``) clips count, or with what weight.

        Raises:
            ConfigurationError: The clips lack what the rule goes by.
        """


@dataclass(frozen=True)
class AllPairs(Pairs):
    """All pairs, as the framework figure prints it."""

    @property
    def all_positive(self) -> bool:
        """True: every pair counts."""
        return True

    def __call__(self, micro: Clips, macro: Clips) -> Bool[Tensor, "micro macro"]:
        """Return true for every pair."""
        return torch.ones(len(micro), len(macro), dtype=torch.bool, device=micro.labels.device)


@dataclass(frozen=True)
class SameClass(Pairs):
    """Pairs of the same class (our choice)."""

    def check(self, micro: Clips, macro: Clips) -> None:
        """Refuse clips without a class that occurs in both sets."""
        if not self(micro, macro).any():
            raise ConfigurationError(
                f"pairs: SameClass needs a common class, but the support has classes {_classes(micro.labels)} "
                f"and the auxiliary set {_classes(macro.labels)}. Set pairs: AllPairs, or choose other auxiliary clips."
            )

    def __call__(self, micro: Clips, macro: Clips) -> Bool[Tensor, "micro macro"]:
        """Return which pairs share their class."""
        return micro.labels[:, None] == macro.labels[None, :]


@dataclass(frozen=True)
class SameObjectiveClass(Pairs):
    """Pairs of the same FACS objective class, 1 to 6 (our choice); a task may have none.

    Clips of class 0, not known, and 7, others, have nothing in common and no partner.
    """

    def __call__(self, micro: Clips, macro: Clips) -> Bool[Tensor, "micro macro"]:
        """Return which pairs share their objective class.

        Raises:
            ConfigurationError: Clips without objective classes.
        """
        first = _annotated(micro.objective_classes, "objective classes", self, "support")[:, None]
        second = _annotated(macro.objective_classes, "objective classes", self, "auxiliary")[None, :]
        return (first == second) & (first > 0) & (first < 7)


@dataclass(frozen=True)
class ActionUnitOverlap(Pairs):
    """Each pair weighs the share of the action units shown by either clip that both show (Jaccard index; our choice).

    A task may have no pair.
    """

    @property
    def graded(self) -> bool:
        """True: each pair has a weight of its own."""
        return True

    def __call__(self, micro: Clips, macro: Clips) -> Float[Tensor, "micro macro"]:
        """Return the overlap of each pair, in [0, 1].

        Raises:
            ConfigurationError: Clips without action units.
        """
        first = _annotated(micro.action_units, "action units", self, "support").to(micro.inputs.dtype)
        second = _annotated(macro.action_units, "action units", self, "auxiliary").to(micro.inputs.dtype)
        both = first @ second.T
        either = first.sum(1)[:, None] + second.sum(1)[None] - both
        return both / either.clamp_min(1)


@dataclass(frozen=True)
class LearnedPairs(Pairs):
    """A small network, which only the outer loop changes, weighs the pairs of another rule; see ``PairWeighting``.

    Attributes:
        among: The rule whose pairs are weighed.
        width: Hidden features of the network, >= 1.

    Raises:
        ConfigurationError: A width below 1.
    """

    among: Pairs = field(default_factory=SameClass)
    width: int = 16

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ConfigurationError(f"pairs: LearnedPairs needs width >= 1, but it is {self.width}.")

    @property
    def all_positive(self) -> bool:
        """As the rule whose pairs are weighed."""
        return self.among.all_positive

    @property
    def graded(self) -> bool:
        """True: each pair has a weight of its own."""
        return True

    @property
    def learned(self) -> bool:
        """True: by the outer loop."""
        return True

    def check(self, micro: Clips, macro: Clips) -> None:
        """Refuse clips that the rule refuses."""
        self.among.check(micro, macro)

    def weighting(self, n_classes: int) -> Weighting:
        """Return a new network, for which all pairs of the rule initially have the same weight."""
        return PairWeighting(self.among, n_classes, self.width)

    def __call__(self, micro: Clips, macro: Clips) -> Bool[Tensor, "micro macro"] | Float[Tensor, "micro macro"]:
        """Return the pairs without learned weights."""
        return self.among(micro, macro)


def _annotated(annotation: Tensor | None, what: str, pairs: Pairs, clips: str) -> Tensor:
    if annotation is None:
        raise ConfigurationError(
            f"pairs: {type(pairs).__name__} needs {what}, and the {clips} clips have none. Choose another corpus or "
            "auxiliary set, or pairs: SameClass."
        )
    return annotation


def _classes(labels: Int64[Tensor, " n"]) -> list[int]:
    return [int(label) for label in labels.unique()]
