"""Dropout whose masks are given: each run has those that it would have drawn alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from jaxtyping import Bool
from torch import Tensor, nn

Draw = tuple[tuple[int, ...], float]
"""Shape and probability of keeping a value: one mask."""

_GIVEN: ContextVar["Iterator[Tensor] | list[Draw]"] = ContextVar("given masks, or the list of those that are needed")


class GivenDropout(nn.Dropout):
    """``nn.Dropout`` with the next of the masks that ``given`` names; under ``needed`` it writes down what it needs."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs with some values dropped."""
        if not self.training or self.p == 0:
            return inputs
        if self.p == 1:
            return inputs * 0.0
        source, kept = _GIVEN.get(), 1 - self.p
        if isinstance(source, list):
            source.append((tuple(inputs.shape), kept))
            return inputs
        # As torch computes it: the mask is scaled first.
        return inputs * (next(source).to(inputs.dtype) / kept)


@contextmanager
def needed() -> Iterator[list[Draw]]:
    """Let nothing be dropped for a while, and list which masks would be drawn, in order."""
    draws: list[Draw] = []
    token = _GIVEN.set(draws)
    try:
        yield draws
    finally:
        _GIVEN.reset(token)


@contextmanager
def given(masks: Sequence[Tensor]) -> Iterator[None]:
    """Drop by these masks for a while, one a call, in order."""
    token = _GIVEN.set(iter(masks))
    try:
        yield
    finally:
        _GIVEN.reset(token)


class MaskStreams:
    """The masks that each run draws, from the random state in which its training begins.

    Runs of one seed begin in the same state; as long as they need the same shapes, their masks are drawn once.

    Args:
        states: State of torch's generator of each run.
    """

    def __init__(self, states: Sequence[Tensor]) -> None:
        self._generators: list[torch.Generator] = []
        self._stream: list[int] = []
        known: dict[bytes, int] = {}
        for state in states:
            key = state.numpy().tobytes()
            if key not in known:
                known[key] = len(self._generators)
                self._generators.append(torch.Generator().set_state(state))
            self._stream.append(known[key])

    def draw(self, runs: Sequence[int], draws: Sequence[Sequence[Draw]]) -> list[list[Bool[Tensor, "..."]]]:
        """Return the masks of some runs, each in its own order.

        Args:
            runs: Numbers of the runs.
            draws: The masks that each of them needs.
        """
        users: dict[int, dict[tuple[Draw, ...], list[int]]] = {}
        for place, (run, its) in enumerate(zip(runs, draws, strict=True)):
            users.setdefault(self._stream[run], {}).setdefault(tuple(its), []).append(place)
        masks: list[list[Tensor]] = [[]] * len(runs)
        for stream, by_need in users.items():
            others = self._stream.count(stream) > sum(map(len, by_need.values()))
            state = self._generators[stream].get_state()
            for number, (need, places) in enumerate(by_need.items()):
                mine = stream
                if others or number:
                    # From here on these runs have drawn other numbers than the rest of the stream.
                    mine = len(self._generators)
                    self._generators.append(torch.Generator().set_state(state))
                    for place in places:
                        self._stream[runs[place]] = mine
                drawn = [
                    torch.empty(shape, dtype=torch.bool).bernoulli_(kept, generator=self._generators[mine])
                    for shape, kept in need
                ]
                for place in places:
                    masks[place] = drawn
        return masks
