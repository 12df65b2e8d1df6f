"""Recordings: the intensity of every action unit in every frame, and its coding.

A recording depends only on the options and its place in the corpus, so recordings can be made in any order and by any
number of processes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float64

from data_modules.annotations import Kind
from data_modules.rendered.distractors import Distractors, bump, draw_distractors
from data_modules.rendered.emotions import CLASS_OF_EMOTION, is_posed, posed, spontaneous
from data_modules.rendered.muscles import UNITS
from data_modules.rendered.options import MICRO_WEIGHTS, VIDEO_WEIGHTS, Options
from data_modules.rendered.person import Person, draw_person
from data_modules.rendered.scene import State
from data_modules.synthetic.counts import apportion

RecordingKind = Literal["clip", "video"]

EXPRESSIONS_A_VIDEO = 4
"""Largest number of expressions in one long video."""

LONGEST_MICRO, SHORTEST_MACRO, LONGEST_MACRO = 0.5, 0.5, 4.0
"""Seconds from onset to offset."""

_MACRO_STRENGTH = 0.6
_SHORTEST_MICRO = 0.12  # seconds
# Standard deviation of the strength's logarithm, of an expression and again of each of its units.
_VARIATION, _UNIT_VARIATION = 0.7, 0.2
_SIDED = 0.5  # a unit is coded as one-sided if the other side moves less than this fraction
# Expressions of 1, 2 and 3 units. Coders of CAS(ME)^3 found 1.25 units in a micro-expression.
_POSED_UNITS, _SPONTANEOUS_UNITS = (0.3, 0.45, 0.25), (0.78, 0.19, 0.03)
_RARELY_LEAKED: Mapping[int, float] = {25: 0.2, 26: 0.2}  # what opens the lips is rare in micro-expressions
_EDGE = 0.01  # least probability of a unit's presence and absence, for every emotion

_PERSON, _LABELS, _COURSE, _NOISE = range(4)  # streams of random numbers


@dataclass(frozen=True)
class Job:
    """A recording to make.

    Attributes:
        subject: Person, from 1.
        kind: ``clip``, one micro-expression from onset to offset; ``video``, several expressions with pauses.
        number: Recording of that kind and person, from 1.
        expressions: Kind and emotion as labelled, in order.
    """

    subject: int
    kind: RecordingKind
    number: int
    expressions: tuple[tuple[Kind, str], ...]


@dataclass(frozen=True)
class CodedExpression:
    """One expression and its coding.

    Attributes:
        kind: ``micro`` or ``macro``.
        shown: Emotion whose units are shown.
        emotion: Emotion as labelled, possibly wrong.
        onset: Number of the last frame at rest.
        apex: Number of the frame of the strongest movement.
        offset: Number of the first frame at rest again.
        coded_apex: Number of the frame that is annotated as apex.
        coded_units: Units as annotated, e.g. ``4+L14``; ``?`` for none.
    """

    kind: Kind
    shown: str
    emotion: str
    onset: int
    apex: int
    offset: int
    coded_apex: int
    coded_units: str


@dataclass(frozen=True)
class Expression(CodedExpression):
    """One expression with its movement.

    Attributes:
        strength: How strongly each unit moves on each side at the apex, 0..1.
    """

    strength: Float64[np.ndarray, "unit 2"]


@dataclass(frozen=True)
class Recording:
    """Content of a recording.

    Attributes:
        job: Its place in the corpus.
        fps: Frames per second.
        first: Number of the first frame.
        expressions: Expressions in the order in which they are shown.
        units: Strength of each of ``UNITS`` on each side in each frame, 0..1.
        distractors: All other movement.
    """

    job: Job
    fps: int
    first: int
    expressions: tuple[Expression, ...]
    units: Float64[np.ndarray, "frame unit 2"]
    distractors: Distractors

    @property
    def numbers(self) -> range:
        """Numbers of the frames."""
        return range(self.first, self.first + len(self.units))

    def state(self, number: int) -> State:
        """Return the content of the frame with this number."""
        frame, d = number - self.first, self.distractors
        right, down, roll = d.head[frame].tolist()
        return State(
            units=self.units[frame],
            blink=float(d.blink[frame]),
            mouth=float(d.mouth[frame]),
            head=(right, down, roll),
            light=float(d.light[frame]),
        )


def jobs(options: Options) -> list[Job]:
    """Return all recordings of a corpus, person by person; over the corpus, the classes have the exact proportions."""
    o = options
    clips = iter(_labels(o, 0, MICRO_WEIGHTS[o.balance], o.subjects * o.micro_clips))
    macros = iter(_labels(o, 1, VIDEO_WEIGHTS[o.balance], o.subjects * o.macro_clips))
    micros = iter(_labels(o, 2, VIDEO_WEIGHTS[o.balance], o.subjects * o.video_micro_clips))
    found = []
    for subject in range(1, o.subjects + 1):
        for number in range(1, o.micro_clips + 1):
            found.append(Job(subject, "clip", number, (("micro", next(clips)),)))
        expressions: list[tuple[Kind, str]] = [("macro", next(macros)) for _ in range(o.macro_clips)]
        expressions += [("micro", next(micros)) for _ in range(o.video_micro_clips)]
        order = np.random.default_rng([o.seed, _LABELS, 3, subject]).permutation(len(expressions))
        videos = -(-len(expressions) // EXPRESSIONS_A_VIDEO)
        for number, places in enumerate(np.array_split(order, videos), start=1):
            found.append(Job(subject, "video", number, tuple(expressions[place] for place in places)))
    return found


@lru_cache(maxsize=4)
def person(options: Options, subject: int) -> Person:
    """Return the person of this number, from 1."""
    return draw_person(np.random.default_rng([options.seed, _PERSON, subject]), options)


def noise_of(options: Options, job: Job) -> np.random.Generator:
    """Return the source of a recording's sensor noise."""
    return np.random.default_rng([options.seed, _NOISE, *_place(job)])


def perform(options: Options, job: Job) -> Recording:
    """Return what a recording shows."""
    random = np.random.default_rng([options.seed, _COURSE, *_place(job)])
    who = person(options, job.subject)
    fps = options.micro_fps if job.kind == "clip" else options.video_fps
    first = int(random.integers(1, 200)) if job.kind == "clip" else 1
    emotions = list(MICRO_WEIGHTS["casme2"] if job.kind == "clip" else VIDEO_WEIGHTS["balanced"])
    number, courses, expressions = first, [], []
    for place, (kind, emotion) in enumerate(job.expressions):
        if job.kind == "video":
            number += round(fps * options.pause * random.uniform(0.6, 1.4))  # a pause
        shown = _shown(random, options, emotion, emotions)
        expression, course = _express(random, options, who, kind, shown, emotion, fps, number)
        expressions.append(expression)
        courses.append(course)
        number = expression.offset
        if job.kind == "video" and place == len(job.expressions) - 1:
            number += round(fps * options.pause * random.uniform(0.6, 1.4))
    units = np.zeros((number - first + 1, len(UNITS), 2))
    for expression, course in zip(expressions, courses, strict=True):
        frames = slice(expression.onset - first, expression.offset - first + 1)
        units[frames] = course[:, None, None] * expression.strength
    seconds = np.arange(len(units)) / fps
    return Recording(
        job, fps, first, tuple(expressions), units, draw_distractors(random, who, seconds, options.distractors)
    )


def _labels(options: Options, stream: int, weights: Mapping[str, float], count: int) -> Iterator[str]:
    random = np.random.default_rng([options.seed, _LABELS, stream])
    emotions = np.repeat(list(weights), apportion(count, list(weights.values()), least=0))
    return iter(random.permutation(emotions).tolist())


def _place(job: Job) -> tuple[int, int, int]:
    return job.subject, 0 if job.kind == "clip" else 1, job.number


def _express(
    random: np.random.Generator,
    options: Options,
    who: Person,
    kind: Kind,
    shown: str,
    emotion: str,
    fps: int,
    onset: int,
) -> tuple[Expression, Float64[np.ndarray, " frame"]]:
    """Return one expression that begins with frame ``onset``, and its intensity over time, 1 at the apex."""
    strength = _strength(random, options, who, kind, shown)
    course = _course(random, who, kind, fps)
    # With a hold, the movement reaches its maximum at the hold's first frame.
    apex = int(course.argmax())
    coded_apex = apex
    if random.random() < options.label_noise:
        error = max(1, round(0.15 * len(course)))
        coded_apex = int(np.clip(apex + random.integers(-error, error + 1), 1, len(course) - 1))
    expression = Expression(
        kind=kind,
        shown=shown,
        emotion=emotion,
        onset=onset,
        apex=onset + apex,
        offset=onset + len(course) - 1,
        coded_apex=onset + coded_apex,
        coded_units=_code(random, strength, options.label_noise),
        strength=strength,
    )
    return expression, course


def _shown(random: np.random.Generator, options: Options, emotion: str, emotions: list[str]) -> str:
    """Return the emotion behind a label; with the probability of label noise, one of another class."""
    wrong = random.random() < options.label_noise
    others = [other for other in emotions if CLASS_OF_EMOTION[other] != CLASS_OF_EMOTION[emotion]]
    other = others[random.integers(len(others))]
    return other if wrong else emotion


def _strength(
    random: np.random.Generator, options: Options, who: Person, kind: Kind, emotion: str
) -> Float64[np.ndarray, "unit 2"]:
    """Return how strongly each unit moves on each side at the apex."""
    typical = is_posed(emotion) and (kind == "macro" or random.random() < options.typical)
    frequency = (posed(emotion) if typical else spontaneous(emotion)).clip(_EDGE, 1 - _EDGE)
    probability = 1 / (1 + (1 / frequency - 1) * np.exp(-who.preference))
    if kind == "macro":
        active = random.random(len(UNITS)) < probability
        active[probability.argmax()] = True
    else:
        weight = probability * np.array([_RARELY_LEAKED.get(unit, 1.0) for unit in UNITS])
        chances = _POSED_UNITS if typical else _SPONTANEOUS_UNITS
        count = 1 + int(random.choice(len(chances), p=chances))
        # The largest logarithms of weights with Gumbel noise are a draw without replacement.
        chosen = np.argsort(np.log(weight) + random.gumbel(size=len(UNITS)))[-count:]
        active = np.isin(np.arange(len(UNITS)), chosen)
    typical_strength = _MACRO_STRENGTH * (options.intensity if kind == "micro" else 1.0)
    spread = _VARIATION * random.standard_normal() + _UNIT_VARIATION * random.standard_normal((len(UNITS), 1))
    varied = np.exp(spread)
    sides = np.ones(2)
    if random.random() < (who.one_sided if kind == "micro" else 0.05):
        sides[1 if random.random() < who.side else 0] = random.uniform(0, 0.3)
    strength = active[:, None] * typical_strength * varied * who.gain * sides
    return np.asarray(strength.clip(0, 1))


def _course(random: np.random.Generator, who: Person, kind: Kind, fps: int) -> Float64[np.ndarray, " frame"]:
    """Return the strength over time from rest to rest, relative to that at the apex."""
    if kind == "micro":
        seconds = float(np.clip(0.3 * random.lognormal(0, 0.35) / who.speed, _SHORTEST_MICRO, LONGEST_MICRO))
        rise, hold = random.uniform(0.3, 0.55), random.uniform(0, 0.1)
    else:
        seconds = float(np.clip(1.2 * random.lognormal(0, 0.45) / who.speed, SHORTEST_MACRO, LONGEST_MACRO))
        rise, hold = random.uniform(0.2, 0.4), random.uniform(0.1, 0.35)
    steps = int(np.floor(seconds * fps)) if kind == "micro" else int(np.ceil(seconds * fps))
    # There are frames at rest before and after the apex.
    return bump(np.linspace(0, 1, max(steps, 2) + 1), rise, hold)


def _code(random: np.random.Generator, strength: Float64[np.ndarray, "unit 2"], error: float) -> str:
    """Return the coded units, with ``L`` or ``R`` before units on the person's left or right side only."""
    largest = strength.max(axis=1)
    there = largest > 0
    overlooked, seen = random.random(len(UNITS)) < error, random.random() < error
    noted = there & ~overlooked
    if seen:
        noted[random.integers(len(UNITS))] = True
    codes = []
    for index in np.flatnonzero(noted):
        left, right = strength[index]
        side = "" if min(left, right) >= _SIDED * max(left, right) else "L" if left > right else "R"
        codes.append(f"{side}{UNITS[index]}")
    return "+".join(codes) or "?"
