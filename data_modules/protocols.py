"""Which people are trained on and which are tested: folds in which no person occurs twice."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from data_modules.annotations import NO_SUBJECT
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError, DataError


@dataclass(frozen=True)
class Fold:
    """The people of one fold, as ``database/subject``.

    Attributes:
        train: People whose clips are learned from; supports in testing come from them, too.
        validation: People set aside from training to choose epochs or hyper-parameters; may be empty.
        test: People whose clips are recognised.

    Raises:
        ConfigurationError: A person occurs twice, or training or test people are missing.
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
                f"{len(self.test)}. Lower validation_fraction, or use a corpus with more people."
            )


@dataclass(frozen=True)
class Protocol(ABC):
    """A way to divide the people of a corpus into folds, the same for every method and seed.

    Attributes:
        expect: Expected number of test clips of each class, over all folds, in the order of the labels; empty for none.
    """

    expect: tuple[int, ...] = field(default=(), kw_only=True)

    name: ClassVar[str]
    """Short name for commands and folders."""
    description: ClassVar[str]
    """Description in a table's footnotes."""

    @abstractmethod
    def groups(self, clips: Clips) -> list[tuple[str, ...]]:
        """Return the test people of each fold; no person occurs in two of them.

        Raises:
            ConfigurationError: The corpus lacks the people or databases that are needed.
        """

    def people(self, clips: Clips) -> set[str]:
        """Return the people who take part, in training or test: by default all."""
        return set(clips.subjects)

    def tested(self, clips: Clips) -> tuple[str, ...]:
        """Return the ids of the test clips of all folds, each once."""
        people = {person for group in self.groups(clips) for person in group}
        return tuple(clip for clip, person in zip(clips.ids, clips.subjects, strict=True) if person in people)

    def check(self, clips: Clips, classes: tuple[str, ...]) -> None:
        """Check that the clips suffice for the protocol.

        Args:
            clips: All clips of the corpus.
            classes: Names of the classes, in the order of their labels.

        Raises:
            DataError: The number of test clips is not as expected, a class has none, or a fold's training people lack a
                class; the message names class and people.
            ConfigurationError: As ``groups``, or clips without a subject.
        """
        _require_subjects(clips)
        groups = self.groups(clips)
        counts = _counts(clips, {person for group in groups for person in group}, len(classes))
        if self.expect and counts != self.expect:
            differences = [
                f"{name}: {wanted} expected, {found} found"
                for name, wanted, found in zip(classes, self.expect, counts, strict=False)
                if wanted != found
            ] or [f"{len(self.expect)} classes expected, {len(classes)} found"]
            raise DataError(
                f"{self.name}: the numbers of test clips are not as expected. {'; '.join(differences)}. Complete the "
                "corpus, or change the protocol's expect."
            )
        absent = [name for name, count in zip(classes, counts, strict=True) if not count]
        if absent:
            raise DataError(f"{self.name}: no test clip shows class {absent[0]}. Use another scheme or database.")
        for number, group in enumerate(groups):
            training = _counts(clips, self.people(clips) - set(group), len(classes))
            if not all(training):
                raise DataError(
                    f"{self.name}: fold {number}, which tests {', '.join(group[:3])}{' …' if len(group) > 3 else ''}, "
                    f"leaves no training clip of class {classes[training.index(0)]}. Add people who show it, or use a "
                    "scheme with fewer classes."
                )

    def fold(self, clips: Clips, number: int, validation_fraction: float = 0.0, seed: int = 0) -> Fold:
        """Return fold ``number``, with the people of about ``validation_fraction`` of the training clips set aside.

        Args:
            clips: All clips of the corpus.
            number: 0 <= number < number of groups.
            validation_fraction: Share of the training clips whose people are set aside, in [0, 1); 0 for none.
            seed: Chooses the validation people.

        Raises:
            ConfigurationError: No such fold, a fraction outside [0, 1) or too small for anybody, a part without people,
                or clips without a subject.
        """
        _require_subjects(clips)
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
            validation = balanced_groups(select_subjects(clips, tuple(rest)), sizes, seed)[0]
            if not validation:
                raise ConfigurationError(
                    f"validation_fraction: {validation_fraction} of {len(rest)} people leaves nobody. Raise it, or set "
                    "it to 0 to train without validation."
                )
        return Fold(train=tuple(sorted(rest - set(validation))), validation=validation, test=test)


@dataclass(frozen=True)
class LeaveOneSubjectOut(Protocol):
    """Each person is tested once by a network trained on all others, of all databases (MEGC2019's CDE)."""

    name = "loso"
    description = "leave-one-subject-out, trained on the other subjects of all databases"

    def groups(self, clips: Clips) -> list[tuple[str, ...]]:
        """Return one group per person, in alphabetical order."""
        return [(person,) for person in sorted(set(clips.subjects))]


@dataclass(frozen=True)
class SubjectKFold(Protocol):
    """K groups of people with about the same number of clips of each class; not the field's protocol.

    Attributes:
        k: Number of folds, >= 2.
        seed: Chooses the grouping; it is not the training seed, so that all seeds share the folds.

    Raises:
        ConfigurationError: k < 2, or more folds than people.
    """

    k: int = 5
    seed: int = 0

    name = "kfold"
    description = "folds by subject, for quick results, not the field's protocol"

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
        return balanced_groups(clips, [1.0] * self.k, self.seed)


@dataclass(frozen=True)
class SingleDatabase(Protocol):
    """Each person of one database is tested once by a network trained on its other people (SDE).

    Attributes:
        database: Name of the database, the first part of its clips' ids.

    Raises:
        ConfigurationError: The corpus has no such database.
    """

    database: str

    name = "sde"
    description = "leave-one-subject-out within one database"

    def people(self, clips: Clips) -> set[str]:
        """Return the people of the database."""
        return _people_of(clips, (self.database,), "database")

    def groups(self, clips: Clips) -> list[tuple[str, ...]]:
        """Return one group per person of the database, in alphabetical order."""
        return [(person,) for person in sorted(self.people(clips))]


@dataclass(frozen=True)
class HoldOutDatabase(Protocol):
    """A single fold: the people of some databases are tested by a network trained on other databases (HDE).

    Attributes:
        test: Names of the databases to test.
        train: Names of the databases to train on; empty takes all others.

    Raises:
        ConfigurationError: The corpus has no such database, or one is to be trained on and tested.
    """

    test: tuple[str, ...]
    train: tuple[str, ...] = ()

    name = "hde"
    description = "trained on some databases, tested on others"

    def __post_init__(self) -> None:
        both = sorted(set(self.test) & set(self.train))
        if both or not self.test:
            raise ConfigurationError(
                f"HoldOutDatabase needs databases to test, and others to train on, but test: {list(self.test)} and "
                f"train: {list(self.train)} share {both}."
            )

    def people(self, clips: Clips) -> set[str]:
        """Return the people of the databases to train on and to test."""
        test = _people_of(clips, self.test, "test")
        return test | _people_of(clips, self.train, "train") if self.train else set(clips.subjects)

    def groups(self, clips: Clips) -> list[tuple[str, ...]]:
        """Return the people of the databases to test, as one group."""
        return [tuple(sorted(_people_of(clips, self.test, "test")))]


def _require_subjects(clips: Clips) -> None:
    nobodys = [
        clip for clip, person in zip(clips.ids, clips.subjects, strict=True) if person.endswith(f"/{NO_SUBJECT}")
    ]
    if nobodys:
        raise ConfigurationError(
            f"{len(nobodys)} of {len(clips)} clips name no subject, the first is {nobodys[0]}. Training and test must "
            "show different people: a network recognises faces it has seen, so with the same person in both the score "
            "would be too good. Name the subjects: in a folder as subject/class/clip or by FolderDatabase's option "
            "subject, in a table by a column subject."
        )


def _counts(clips: Clips, people: set[str], classes: int) -> tuple[int, ...]:
    mine = [label for label, person in zip(clips.labels.tolist(), clips.subjects, strict=True) if person in people]
    return tuple(np.bincount(np.array(mine, dtype=np.int64), minlength=classes).tolist())


def _people_of(clips: Clips, databases: tuple[str, ...], option: str) -> set[str]:
    known = sorted(set(clips.databases))
    strange = [name for name in databases if name not in known]
    if strange:
        raise ConfigurationError(f"{option}: the corpus has no database {strange[0]}; it has {', '.join(known)}.")
    return {person for person, name in zip(clips.subjects, clips.databases, strict=True) if name in databases}


def select_subjects(clips: Clips, people: tuple[str, ...]) -> Clips:
    """Return the clips of these people, in the clips' own order."""
    wanted = set(people)
    return clips.select([i for i, person in enumerate(clips.subjects) if person in wanted])


def balanced_groups(clips: Clips, sizes: Sequence[float], seed: int) -> list[tuple[str, ...]]:
    """Divide people into groups of relative ``sizes``, assigning each to the group that most lacks their classes."""
    people = sorted(set(clips.subjects))
    classes = int(clips.labels.max()) + 1
    owned = np.zeros((len(people), classes))
    row = {person: i for i, person in enumerate(people)}
    for person, label in zip(clips.subjects, clips.labels.tolist(), strict=True):
        owned[row[person], label] += 1
    # All classes weigh the same, however rare.
    share = owned / owned.sum(0).clip(min=1)
    # People with many clips come first, so that the others can balance them; the order is perturbed by the seed.
    order = np.argsort(-share.sum(1) * np.random.default_rng(seed).uniform(0.5, 1.5, len(people)), kind="stable")
    filled = np.zeros((len(sizes), classes))
    groups: list[list[str]] = [[] for _ in sizes]
    for person in order:
        crowding = ((filled + share[person]) ** 2 - filled**2).sum(1) / np.array(sizes)
        group = int(np.lexsort(([len(g) for g in groups], crowding))[0])
        filled[group] += share[person]
        groups[group].append(people[person])
    return [tuple(sorted(group)) for group in groups]
