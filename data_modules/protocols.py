"""Who is trained on and who is tested: folds in which no person occurs twice."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError


@dataclass(frozen=True)
class Fold:
    """The people of one fold, as ``database/subject``.

    Attributes:
        train: People whose clips are learned from; supports at test time come from them, too.
        validation: People taken from the training side to choose epochs or hyper-parameters on; may be empty.
        test: People whose clips are recognised.

    Raises:
        ConfigurationError: A person occurs twice, or nobody is left to train on or to test on.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        twice = [person for person, count in Counter(self.train + self.validation + self.test).items() if count > 1]
        if twice:
            raise ConfigurationError(
                f"A fold must not share people between its parts, but {sorted(twice)} occur more than once."
            )
        if not self.train or not self.test:
            raise ConfigurationError(
                f"A fold needs people to train on and people to test on, but has {len(self.train)} and "
                f"{len(self.test)}. Lower validation_fraction, or take a corpus of more people."
            )


class Protocol(ABC):
    """A way to divide the people of a corpus, the same for every method and seed.

    The subclasses are frozen dataclasses: what they hold is all that decides who is trained on and who is tested.
    """

    name: ClassVar[str]
    """Short name for commands and folders."""
    description: ClassVar[str]
    """What is done, as a table says it of itself."""

    @abstractmethod
    def groups(self, clips: Clips) -> list[tuple[str, ...]]:
        """Return the test people of each fold; nobody occurs in two of them.

        Raises:
            ConfigurationError: The corpus has not the people or databases that are asked for.
        """

    def people(self, clips: Clips) -> set[str]:
        """Return who takes part, in training or in test: here everybody."""
        return set(clips.subjects)

    def tested(self, clips: Clips) -> Clips:
        """Return the clips that all folds together test, each once."""
        return select_subjects(clips, tuple(person for group in self.groups(clips) for person in group))

    def fold(self, clips: Clips, number: int, validation_fraction: float = 0.0, seed: int = 0) -> Fold:
        """Return fold ``number``, with about ``validation_fraction`` of the training clips' people set aside.

        Args:
            clips: All clips of the corpus.
            number: 0 <= number < number of groups.
            validation_fraction: Share of the training clips whose people validate, in [0, 1); 0 sets nobody aside.
            seed: Chooses the validation people.

        Raises:
            ConfigurationError: No such fold, a fraction outside [0, 1) or too small for anybody, or a part without
                people.
        """
        groups = self.groups(clips)
        if not 0 <= number < len(groups):
            raise ConfigurationError(f"fold: {number} does not exist; {self.name} has folds 0 to {len(groups) - 1}.")
        if not 0 <= validation_fraction < 1:
            raise ConfigurationError(f"validation_fraction must lie in [0, 1), but is {validation_fraction}.")
        test = groups[number]
        rest = self.people(clips) - set(test)
        validation: tuple[str, ...] = ()
        if validation_fraction and rest:
            sizes = (validation_fraction, 1 - validation_fraction)
            validation = _balanced_groups(select_subjects(clips, tuple(rest)), sizes, seed)[0]
            if not validation:
                raise ConfigurationError(
                    f"validation_fraction: {validation_fraction} of {len(rest)} people is nobody. Raise it, or set it "
                    "to 0 to validate on nobody."
                )
        return Fold(train=tuple(sorted(rest - set(validation))), validation=validation, test=test)


@dataclass(frozen=True)
class LeaveOneSubjectOut(Protocol):
    """Each person is tested once by a network trained on everybody else, of all databases (MEGC2019's CDE)."""

    name = "loso"
    description = "leave-one-subject-out, trained on the other subjects of all databases"

    def groups(self, clips: Clips) -> list[tuple[str, ...]]:
        """Return one group a person, in alphabetical order."""
        return [(person,) for person in sorted(set(clips.subjects))]


@dataclass(frozen=True)
class SubjectKFold(Protocol):
    """K groups of people with about the same number of clips of each class; a quick look, not the field's protocol.

    Attributes:
        k: Number of folds, >= 2.
        seed: Chooses the grouping; it is not the training seed, so that all seeds share the folds.

    Raises:
        ConfigurationError: k < 2, or more folds than people.
    """

    k: int = 5
    seed: int = 0

    name = "kfold"
    description = "folds by subject, a quick look and not the field's protocol"

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ConfigurationError(f"SubjectKFold needs k >= 2, but k is {self.k}.")

    def groups(self, clips: Clips) -> list[tuple[str, ...]]:
        """Return ``k`` groups of people."""
        people = len(set(clips.subjects))
        if people < self.k:
            raise ConfigurationError(
                f"SubjectKFold with k: {self.k} needs as many people, but the corpus has {people}. Lower k."
            )
        return _balanced_groups(clips, [1.0] * self.k, self.seed)


def select_subjects(clips: Clips, people: tuple[str, ...]) -> Clips:
    """Return the clips of these people, in the clips' own order."""
    wanted = set(people)
    return clips.select([i for i, person in enumerate(clips.subjects) if person in wanted])


def _balanced_groups(clips: Clips, sizes: Sequence[float], seed: int) -> list[tuple[str, ...]]:
    """Divide people into groups of relative ``sizes``, the busiest first, each to where its classes are scarcest."""
    people = sorted(set(clips.subjects))
    classes = int(clips.labels.max()) + 1
    owned = np.zeros((len(people), classes))
    row = {person: i for i, person in enumerate(people)}
    for person, label in zip(clips.subjects, clips.labels.tolist(), strict=True):
        owned[row[person], label] += 1
    # Rare classes weigh as much as common ones.
    share = owned / owned.sum(0).clip(min=1)
    # People with many clips come first, so that the others can even out; stirred, or the seed would have no say.
    order = np.argsort(-share.sum(1) * np.random.default_rng(seed).uniform(0.5, 1.5, len(people)), kind="stable")
    filled = np.zeros((len(sizes), classes))
    groups: list[list[str]] = [[] for _ in sizes]
    for person in order:
        crowding = ((filled + share[person]) ** 2 - filled**2).sum(1) / np.array(sizes)
        group = int(np.lexsort(([len(g) for g in groups], crowding))[0])
        filled[group] += share[person]
        groups[group].append(people[person])
    return [tuple(sorted(group)) for group in groups]
