"""Which clips make a task: a pure function of seed, epoch and index."""

from collections import Counter

import numpy as np

from data_modules.transforms import Augmentation
from lightmannet.episode import Clips, Episode
from lightmannet.errors import DataError

_TRIES = 200
# Streams of random numbers. None is 0: NumPy pads a seed with zeros, so [seed] and [seed, 0] are the same stream.
_TRAINING, _EVALUATION = 1, 2


class EpisodeSampler:
    """Draws N-way K-shot Q-query tasks whose support and query show different people.

    Args:
        clips: Micro-expression clips to draw from.
        auxiliary: Pool of D^aux, or None.
        n_way: Classes a task.
        n_shot: Support clips a class.
        n_query: Query clips a class.
        n_auxiliary: Auxiliary clips a class, drawn with replacement where a class has fewer.
        separate_subjects: Support and query show different people.
        augmentation: Random changes of the support and query clips in training, or None.
        seed: Seed of everything drawn.

    Raises:
        DataError: Too few classes, clips, people or auxiliary clips for such a task; the message counts them.
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
        augmentation: Augmentation | None,
        seed: int,
    ) -> None:
        self.clips, self.auxiliary = clips, auxiliary
        self.n_way, self.n_shot, self.n_query, self.n_auxiliary = n_way, n_shot, n_query, n_auxiliary
        self.separate_subjects, self.augmentation, self.seed = separate_subjects, augmentation, seed
        self._labels = clips.labels.numpy()
        self._subjects = np.array(clips.subjects)
        self._people, self._person = np.unique(self._subjects, return_inverse=True)
        self._classes = np.unique(self._labels)
        self._check()

    def episode(self, epoch: int, index: int) -> Episode:
        """Return task ``index`` of ``epoch``, augmented if asked for.

        Raises:
            DataError: No division of the people gives every class enough support and query clips.
        """
        random = np.random.default_rng([self.seed, _TRAINING, epoch, index])
        classes = np.sort(random.choice(self._classes, self.n_way, replace=False))
        support, query = self._support_and_query(random, classes)
        auxiliary = self._draw_auxiliary(random, classes, [*support, *query])
        return Episode(
            support=self._augmented(support, random),
            query=self._augmented(query, random),
            auxiliary=auxiliary,
            n_way=self.n_way,
            n_shot=self.n_shot,
            index=index,
        )

    def draw(self, query: Clips, index: int) -> Episode:
        """Return draw ``index`` of support (all classes) and auxiliary clips to adapt on before recognising ``query``.

        The draw does not depend on the query, so a clip meets the same supports whoever is recognised with it.
        """
        random = np.random.default_rng([self.seed, _EVALUATION, index])
        pools = [np.flatnonzero(self._labels == label) for label in self._classes]
        support = np.concatenate([random.choice(pool, self.n_shot, replace=False) for pool in pools]).tolist()
        return Episode(
            support=self.clips.select(support),
            query=query,
            auxiliary=self._draw_auxiliary(random, self._classes, support),
            n_way=len(self._classes),
            n_shot=self.n_shot,
            index=index,
        )

    def _support_and_query(self, random: np.random.Generator, classes: np.ndarray) -> tuple[list[int], list[int]]:
        for _ in range(_TRIES):
            # Each person falls to the support side with the support's share of the clips.
            side = (random.random(len(self._people)) < self.n_shot / (self.n_shot + self.n_query))[self._person]
            chosen: list[np.ndarray] = []
            for label in classes:
                mine = self._labels == label
                if self.separate_subjects:
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
            f"No division of the {len(self._people)} people gives every class {self.n_shot} support and {self.n_query} "
            f"query clips of different people ({_TRIES} tried). {self._counts()} Lower n_shot or n_query, or set "
            "separate_subjects: false."
        )

    def _draw_auxiliary(self, random: np.random.Generator, classes: np.ndarray, taken: list[int]) -> Clips | None:
        if self.auxiliary is None:
            return None
        labels = self.auxiliary.labels.numpy()
        # A magnified clip keeps its id: a task must not meet its own clips again on the auxiliary side.
        ids = {self.clips.ids[i] for i in taken}
        free = np.array([clip not in ids for clip in self.auxiliary.ids])
        chosen: list[int] = []
        for label in classes:
            pool = np.flatnonzero((labels == label) & free)
            chosen += random.choice(pool, self.n_auxiliary, replace=len(pool) < self.n_auxiliary).tolist()
        return self.auxiliary.select(chosen)

    def _augmented(self, indices: list[int], random: np.random.Generator) -> Clips:
        clips = self.clips.select(indices)
        return clips if self.augmentation is None else self.augmentation(clips, random)

    def _counts(self) -> str:
        clips = Counter(self._labels.tolist())
        people = {int(label): len(set(self._subjects[self._labels == label])) for label in self._classes}
        return "Per class: " + ", ".join(f"{c}: {clips[c]} clips of {people[c]} people" for c in sorted(people)) + "."

    def _check(self) -> None:
        if len(self._classes) < self.n_way:
            raise DataError(f"n_way: {self.n_way} asks for more classes than the training clips have. {self._counts()}")
        needed = self.n_shot + self.n_query
        for label in self._classes:
            mine = self._subjects[self._labels == label]
            if len(mine) < needed:
                raise DataError(
                    f"Class {label} has {len(mine)} training clips, but n_shot: {self.n_shot} and n_query: "
                    f"{self.n_query} ask for {needed}. {self._counts()} Lower n_shot or n_query."
                )
            if self.separate_subjects and len(set(mine)) < 2:
                raise DataError(
                    f"Class {label} has training clips of one person only, but support and query must show different "
                    f"people. {self._counts()} Set separate_subjects: false or add people."
                )
            self._check_auxiliary(label, needed)

    def _check_auxiliary(self, label: int, needed: int) -> None:
        if self.auxiliary is None:
            return
        pool = (self.auxiliary.labels == label).numpy()
        # Magnified clips: those that the task is made of are not drawn.
        own = int((pool & np.isin(self.auxiliary.ids, self.clips.ids)).sum())
        taken = min(own, needed)
        if pool.sum() <= taken:
            raise DataError(
                f"Class {label} has {pool.sum()} auxiliary clips, and a task may itself be made of {taken} of them, so "
                "that none is left. Choose another kind of auxiliary, or lower n_shot or n_query."
            )
