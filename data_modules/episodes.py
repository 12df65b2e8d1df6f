"""Which clips make a task: a pure function of seed, epoch and index."""

from collections import Counter
from copy import copy
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float64, Int64

from data_modules.corpus import InputKind
from data_modules.recipes import DrawnAhead, ImagePool
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips, Episode
from lightmannet.errors import ConfigurationError, DataError

Tasks = Literal["mixed", "per_database", "per_subject"]

_TRIES = 200
# Streams of random numbers. None is 0: NumPy pads a seed with zeros, so [seed] and [seed, 0] are the same stream.
_TRAINING, _EVALUATION = 1, 2


class EpisodeSampler:
    """Draws N-way K-shot Q-query tasks whose support and query show different people by default.

    Args:
        clips: Micro-expression clips to draw from.
        auxiliary: Pool of D^aux, or None.
        n_way: Classes per task.
        n_shot: Support clips per class.
        n_query: Query clips per class.
        n_auxiliary: Auxiliary clips per class, drawn with replacement where a class has fewer. In a pool of several
            sets, each set that shows the class, and each of its people who show it, is drawn equally often.
        separate_subjects: Support and query show different people.
        augmentation: Random changes of the support and query clips in training, or None.
        seed: Seed of everything drawn.
        kind: What the clips' inputs show, which augmentation depends on.
        tasks: Where the clips of a training task come from: all people (``mixed``); one database, drawn in proportion
            to its clips, so that each clip occurs about as often as in mixed tasks (``per_database``; every database
            must have enough clips for a task); or one person, drawn uniformly among those with enough clips
            (``per_subject``). Support and query then show the same person: such tasks measure what can be learned about
            a known person from a few labelled clips, whereas tasks of separate subjects measure recognition of
            unknown people. Supports drawn for recognition, and auxiliary clips, are always mixed.
        side: Name of the clips in messages.
        macro_tasks: Share of the training tasks that are made of one auxiliary set each, which plays the part of
            micro-expressions, while D^aux comes from the other sets; in [0, 1]. Sets that cannot make a task are only
            drawn from.
        repeat_clips: A class with fewer clips than a task needs shows some of them several times, augmented
            differently; support and query then share clips, and so people.
        augment_auxiliary: Augment the auxiliary clips of training tasks, too.

    Raises:
        DataError: Too few classes, clips, people or auxiliary clips for such a task; the message counts them.
        ConfigurationError: ``per_subject`` or ``repeat_clips`` with separate subjects, or ``macro_tasks`` outside
            [0, 1].
    """

    def __init__(
        self,
        clips: Clips,
        auxiliary: Clips | None,
        n_way: int,
        n_shot: int,
        n_query: int,
        n_auxiliary: int,
        separate_subjects: bool,
        augmentation: Augmentation | DrawnAhead | None,
        seed: int,
        kind: InputKind = "motion",
        tasks: Tasks = "mixed",
        side: str = "training",
        macro_tasks: float = 0.0,
        repeat_clips: bool = False,
        augment_auxiliary: bool = False,
    ) -> None:
        if tasks not in get_args(Tasks):
            raise ConfigurationError(f"tasks is one of {', '.join(get_args(Tasks))}, not {tasks!r}.")
        if tasks == "per_subject" and separate_subjects:
            raise ConfigurationError(
                "tasks: per_subject makes a task of one person's clips, so support and query cannot show different "
                "people. Set separate_subjects: false."
            )
        if repeat_clips and separate_subjects:
            raise ConfigurationError(
                "repeat_clips: true lets support and query share clips, so they cannot show different people. Set "
                "separate_subjects: false."
            )
        if not 0 <= macro_tasks <= 1:
            raise ConfigurationError(f"macro_tasks must lie in [0, 1], but is {macro_tasks}.")
        self.tasks: Tasks = tasks
        self.macro_tasks, self.repeat_clips, self.augment_auxiliary = macro_tasks, repeat_clips, augment_auxiliary
        self.clips, self.auxiliary = clips, auxiliary
        self.n_way, self.n_shot, self.n_query, self.n_auxiliary = n_way, n_shot, n_query, n_auxiliary
        self.separate_subjects, self.seed = separate_subjects, seed
        self.augmentation = augmentation
        self.kind, self.side = kind, side
        self._labels = clips.labels.numpy()
        self._subjects = np.array(clips.subjects)
        self._people, self._person = np.unique(self._subjects, return_inverse=True)
        self._classes = np.unique(self._labels)
        self._check()
        self._groups, self._shares = self._task_groups()
        self._sets = np.array(auxiliary.databases if auxiliary else ())
        self._playing = self._samplers_of_sets() if macro_tasks else []

    @property
    def drawn_from(self) -> tuple[str, ...]:
        """Ids of the clips that tasks are made of: those of people and classes with enough clips."""
        mine = [group & np.isin(self._labels, classes) for group, classes in self._groups]
        return tuple(np.array(self.clips.ids)[np.any(mine, axis=0)].tolist())

    def for_test(self, clips: Clips, tasks: Tasks, separate_subjects: bool) -> "EpisodeSampler":
        """Return a sampler of test tasks of the same size, not augmented and the same for every method and seed.

        Raises:
            DataError: Too few classes, clips, people or auxiliary clips for such a task.
        """
        return EpisodeSampler(
            clips=clips,
            auxiliary=self.auxiliary,
            n_way=self.n_way,
            n_shot=self.n_shot,
            n_query=self.n_query,
            n_auxiliary=self.n_auxiliary,
            separate_subjects=separate_subjects,
            augmentation=None,
            seed=0,
            kind=self.kind,
            tasks=tasks,
            side="test",
        )

    def recipes(self, pool: ImagePool) -> "EpisodeSampler | None":
        """Return a sampler of the same tasks as recipes over ``pool``; None where pixels cannot be made later."""
        sampler = copy(self)
        if isinstance(self.augmentation, Augmentation):
            if not self.augmentation.drawn_ahead:
                return None
            sampler.augmentation = DrawnAhead(self.augmentation)
        sampler.clips = pool.recipes(self.clips)
        sampler.auxiliary = None if self.auxiliary is None else pool.recipes(self.auxiliary)
        sampler._playing = [its for one in self._playing if (its := one.recipes(pool)) is not None]
        return sampler

    def episode(self, epoch: int, index: int) -> Episode:
        """Return task ``index`` of ``epoch``, augmented if so configured.

        Raises:
            DataError: No division of the people gives every class enough support and query clips.
        """
        random = np.random.default_rng([self.seed, _TRAINING, epoch, index])
        if self.macro_tasks and random.random() < self.macro_tasks:
            return self._playing[random.integers(len(self._playing))].episode(epoch, index)
        group, available = self._draw_group(random)
        classes = np.sort(random.choice(available, self.n_way, replace=False))
        support, query = self._support_and_query(random, classes, group)
        auxiliary = self._draw_auxiliary(random, classes, [*support, *query])
        return Episode(
            support=self._augmented(support, random),
            query=self._augmented(query, random),
            auxiliary=self._changed(auxiliary, random) if auxiliary and self.augment_auxiliary else auxiliary,
            n_way=self.n_way,
            n_shot=self.n_shot,
            index=index,
        )

    def draw(self, query: Clips, index: int, most_shots: int | None = None) -> Episode:
        """Return draw ``index`` of the support (all classes) and auxiliary clips for recognising ``query``.

        The draw does not depend on the query, so a clip gets the same supports whichever clips are recognised with it.

        Args:
            query: Clips to recognise.
            index: Number of the draw.
            most_shots: Support clips per class: as many as the rarest class has, but at most this; None takes those
                of training tasks. Where the auxiliary clips are made of the same ones, each class keeps one for them.
        """
        random = np.random.default_rng([self.seed, _EVALUATION, index])
        pools = [np.flatnonzero(self._labels == label) for label in self._classes]
        kept = self.auxiliary is not None and not set(self.auxiliary.ids).isdisjoint(self.clips.ids)
        shots = self.n_shot if most_shots is None else min(most_shots, *(len(pool) - kept for pool in pools))
        support = np.concatenate([random.choice(pool, shots, replace=shots > len(pool)) for pool in pools]).tolist()
        return Episode(
            support=self.clips.select(support),
            query=query,
            auxiliary=self._draw_auxiliary(random, self._classes, support),
            n_way=len(self._classes),
            n_shot=shots,
            index=index,
        )

    def _draw_group(self, random: np.random.Generator) -> tuple[Bool[np.ndarray, " clip"], Int64[np.ndarray, " class"]]:
        """Return the clips that the task is drawn from, and the classes with enough of them."""
        # Mixed tasks draw no number here, so that they stay the same as in earlier versions.
        return self._groups[0 if self.tasks == "mixed" else random.choice(len(self._groups), p=self._shares)]

    def _support_and_query(
        self, random: np.random.Generator, classes: np.ndarray, group: Bool[np.ndarray, " clip"]
    ) -> tuple[list[int], list[int]]:
        for _ in range(_TRIES):
            # Each person is assigned to the support with the support's share of the clips as probability.
            side = (random.random(len(self._people)) < self.n_shot / (self.n_shot + self.n_query))[self._person]
            chosen: list[np.ndarray] = []
            for label in classes:
                mine = group & (self._labels == label)
                if self.repeat_clips and mine.sum() < self.n_shot + self.n_query:
                    drawn = np.resize(random.permutation(np.flatnonzero(mine)), self.n_shot + self.n_query)
                    pools = drawn[: self.n_shot], drawn[self.n_shot :]
                elif self.separate_subjects:
                    pools = np.flatnonzero(mine & side), np.flatnonzero(mine & ~side)
                else:
                    order = random.permutation(np.flatnonzero(mine))
                    pools = order[: self.n_shot], order[self.n_shot :]
                if len(pools[0]) < self.n_shot or len(pools[1]) < self.n_query:
                    break
                chosen.append(random.choice(pools[0], self.n_shot, replace=False))
                chosen.append(random.choice(pools[1], self.n_query, replace=False))
            else:
                return np.concatenate(chosen[::2]).tolist(), np.concatenate(chosen[1::2]).tolist()
        raise DataError(
            f"No division of the {len(set(self._subjects[group]))} people gives every class {self.n_shot} support and "
            f"{self.n_query} query clips of different people ({_TRIES} tried). {self._counts(group)} Lower n_shot or "
            "n_query, or set separate_subjects: false."
        )

    def _draw_auxiliary(self, random: np.random.Generator, classes: np.ndarray, taken: list[int]) -> Clips | None:
        if self.auxiliary is None:
            return None
        labels = self.auxiliary.labels.numpy()
        # A magnified clip keeps its id: a task must not have its own clips as auxiliary clips, too.
        ids = {self.clips.ids[i] for i in taken}
        free = np.array([clip not in ids for clip in self.auxiliary.ids])
        chosen: list[int] = []
        for label in classes:
            pool = np.flatnonzero((labels == label) & free)
            shares = self._balanced(pool)
            chosen += random.choice(pool, self.n_auxiliary, replace=len(pool) < self.n_auxiliary, p=shares).tolist()
        return self.auxiliary.select(chosen)

    def _balanced(self, pool: Int64[np.ndarray, " clip"]) -> Float64[np.ndarray, " clip"] | None:
        """Return each auxiliary clip's probability, uniform over sets and over their people; None for a single set."""
        assert self.auxiliary is not None
        sets = self._sets[pool]
        if len(set(self._sets)) == 1:
            return None
        people = [self.auxiliary.subjects[index] for index in pool]
        clips_of = Counter(zip(sets, people, strict=True))
        people_of = Counter(name for name, _ in clips_of)
        shares = np.array(
            [1 / (people_of[name] * clips_of[name, person]) for name, person in zip(sets, people, strict=True)]
        )
        return shares / shares.sum()

    def _samplers_of_sets(self) -> list["EpisodeSampler"]:
        """Return a sampler for each auxiliary set with enough clips for a task, with the other sets as its D^aux."""
        if self.auxiliary is None:
            raise ConfigurationError("macro_tasks needs macro-expressions, but auxiliary is null.")
        able, faults = [], []
        for name in np.unique(self._sets):
            own, others = (
                self.auxiliary.select(np.flatnonzero(which).tolist())
                for which in (self._sets == name, self._sets != name)
            )
            try:
                able.append(
                    EpisodeSampler(
                        clips=own,
                        auxiliary=others,
                        n_way=self.n_way,
                        n_shot=self.n_shot,
                        n_query=self.n_query,
                        n_auxiliary=self.n_auxiliary,
                        # A whole set has no need to repeat clips.
                        separate_subjects=self.separate_subjects or self.repeat_clips,
                        augmentation=self.augmentation,
                        seed=self.seed,
                        kind=self.kind,
                        side=f"{name}'s",
                        augment_auxiliary=self.augment_auxiliary,
                    )
                )
            except DataError as error:
                faults.append(f"{name}: {error}")
        if not able:
            raise DataError(
                f"macro_tasks: no set has enough clips for a task with D^aux of the others. {' '.join(faults)}"
            )
        return able

    def _augmented(self, indices: list[int], random: np.random.Generator) -> Clips:
        return self._changed(self.clips.select(indices), random)

    def _changed(self, clips: Clips, random: np.random.Generator) -> Clips:
        return clips if self.augmentation is None else self.augmentation(clips, random, self.kind)

    def _task_groups(self) -> tuple[list[tuple[Bool[np.ndarray, " clip"], Int64[np.ndarray, " class"]]], np.ndarray]:
        """Return the groups of clips that tasks are drawn from, each with its classes, and each group's probability."""
        if self.tasks == "mixed":
            return [(np.full(len(self.clips), True), self._classes)], np.ones(1)
        of_clip = np.array(self.clips.databases) if self.tasks == "per_database" else self._subjects
        names = np.unique(of_clip)
        groups = [(of_clip == name, self._usable_classes(of_clip == name)) for name in names]
        able = [(group, classes) for group, classes in groups if len(classes) >= self.n_way]
        if self.tasks == "per_database" and len(able) < len(names):
            name, unable = next((n, g) for n, (g, c) in zip(names, groups, strict=True) if len(c) < self.n_way)
            raise DataError(
                f"tasks: per_database: {name} has too few clips for tasks of n_way: {self.n_way} classes with n_shot: "
                f"{self.n_shot} and n_query: {self.n_query} clips each. {self._counts(unable)} Lower n_shot or "
                "n_query, or leave the database out."
            )
        if not able:
            most = max(len(classes) for _, classes in groups)
            raise DataError(
                f"tasks: per_subject: none of the {len(names)} people shows n_way: {self.n_way} classes with "
                f"{self.n_shot + self.n_query} clips each (n_shot: {self.n_shot} and n_query: {self.n_query}); the "
                f"maximum is {most}. Lower n_way, n_shot or n_query."
            )
        sizes = np.array([group.sum() if self.tasks == "per_database" else 1 for group, _ in able])
        return able, sizes / sizes.sum()

    def _usable_classes(self, group: Bool[np.ndarray, " clip"]) -> Int64[np.ndarray, " class"]:
        """Return the classes with enough clips in a group, and with two people where people are separated."""

        def usable(label: int) -> bool:
            mine = self._subjects[group & (self._labels == label)]
            enough = len(mine) >= self.n_shot + self.n_query or (self.repeat_clips and len(mine) > 0)
            return enough and (not self.separate_subjects or len(set(mine)) > 1)

        return np.array([label for label in self._classes if usable(label)], dtype=np.int64)

    def _counts(self, group: Bool[np.ndarray, " clip"] | None = None) -> str:
        group = np.full(len(self.clips), True) if group is None else group
        clips = Counter(self._labels[group].tolist())
        people = {int(c): len(set(self._subjects[group & (self._labels == c)])) for c in np.unique(self._labels[group])}
        return "Per class: " + ", ".join(f"{c}: {clips[c]} clips of {people[c]} people" for c in sorted(people)) + "."

    def _check(self) -> None:
        if len(self._classes) < self.n_way:
            raise DataError(
                f"n_way: {self.n_way} is more than the number of classes of the {self.side} clips. {self._counts()}"
            )
        # If every task is made of macro-expressions, these clips only serve as supports in recognition.
        n_query = 0 if self.macro_tasks == 1 else self.n_query
        needed = self.n_shot + n_query
        for label in self._classes:
            mine = self._subjects[self._labels == label]
            if len(mine) < needed and not self.repeat_clips:
                raise DataError(
                    f"Class {label} has {len(mine)} {self.side} clips, but n_shot: {self.n_shot} and n_query: "
                    f"{n_query} need {needed}. {self._counts()} Lower n_shot or n_query."
                )
            if n_query and self.separate_subjects and len(set(mine)) < 2:
                raise DataError(
                    f"Class {label} has {self.side} clips of one person only, but support and query must show "
                    f"different people. {self._counts()} Set separate_subjects: false or add people."
                )
            self._check_auxiliary(label, needed)

    def _check_auxiliary(self, label: int, needed: int) -> None:
        if self.auxiliary is None:
            return
        pool = (self.auxiliary.labels == label).numpy()
        if not pool.any():
            sets = ", ".join(sorted(set(self.auxiliary.databases))) or "no set"
            raise DataError(f"No auxiliary clip ({sets}) shows class {label}. Add a set that does to auxiliary.")
        # Magnified copies of the task's own clips are not drawn.
        own = int((pool & np.isin(self.auxiliary.ids, self.clips.ids)).sum())
        taken = min(own, needed)
        if pool.sum() <= taken:
            raise DataError(
                f"Class {label} has {pool.sum()} auxiliary clips, and a task may contain {taken} of them itself, which "
                "leaves none. Choose another kind of auxiliary, or lower n_shot or n_query."
            )
