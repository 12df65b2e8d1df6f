"""From somebody's own clip to an answer, with what a bundle holds."""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from data_modules.clip_inputs import clip_inputs
from data_modules.representations.base import Representation
from data_modules.representations.optical_flow import dis
from data_modules.video.crop import Crop
from data_modules.video.frames import Pixels, nearest
from lightmannet.episode import Clips, concatenate
from lightmannet.errors import BundleError, ClipError, ConfigurationError, DataError
from lightmannet.inference.answer import STAGES, Answer, Interval, QualityWarning
from lightmannet.inference.bundle import Bundle, Draw, is_weight, read_bundle
from lightmannet.inference.clip_file import ClipFile, open_clip
from lightmannet.inference.ensemble import Calibrated, Ensemble
from lightmannet.inference.labelled_clips import labelled_clips
from lightmannet.inference.motion import divide
from lightmannet.inference.parts import build
from lightmannet.inference.quality import (
    brightness_warnings,
    clip_warnings,
    face_warnings,
    first_frame_warnings,
    interval_warnings,
    motion_warnings,
)
from lightmannet.inference.spotting import kind_of, spot
from lightmannet.learners.base import Learner

T = TypeVar("T")

LOOKING_SIZE = 224
"""Height and width in pixels of the face crops of an ``Examination``."""

Span = tuple[int, int, int]
"""Frame numbers of onset, apex and offset."""


@dataclass(frozen=True)
class Examination:
    """An answer with what it was given for, to be shown.

    Attributes:
        answer: The answer; without an interval the first, middle and last frame are shown.
        frames: Face crops of onset, apex and offset, red, green and blue.
        flow: Motion u, v of the skin from onset to apex in pixels of these crops.
        inputs: The clip as the network sees it.
        still: The same if the face stayed as it is at the onset.
        numbers: Frame numbers of onset, apex and offset.
        fps: Frames a second; None where nobody said it.
        candidates: All intervals that were found, the strongest first; empty where one was given.
    """

    answer: Answer
    frames: UInt8[np.ndarray, "3 height width 3"]
    flow: Float32[np.ndarray, "2 height width"]
    inputs: Float[Tensor, "1 phase channel size size"]
    still: Float[Tensor, "1 phase channel size size"]
    numbers: Span
    fps: float | None
    candidates: tuple[Interval, ...]


@dataclass(frozen=True)
class Gain:
    """What adapting to a person's clips brings, each clip answered from the others.

    Attributes:
        clips: Number of labelled clips.
        right_before: How many of them the bundle answers rightly as it is.
        right_after: How many it answers rightly after it has adapted to all the others.
    """

    clips: int
    right_before: int
    right_after: int

    def __str__(self) -> str:
        change = self.right_after - self.right_before
        word = f"{change:+d}" if change else "nothing gained"
        return (
            f"leave-one-out over your {self.clips} clips: {self.right_before} right before adapting, "
            f"{self.right_after} after ({word})"
        )


def load(folder: str | Path) -> "Recogniser":
    """Return a recogniser of a bundle; nothing in the bundle is executed.

    Args:
        folder: Folder that ``lightmannet export`` wrote.

    Raises:
        BundleError: No bundle, one of another version, or a file that is missing or was altered.
    """
    bundle = read_bundle(Path(folder))
    settings = bundle.settings
    try:
        learner, representation, crop = (build(settings[part]) for part in ("learner", "representation", "crop"))
        missing, unexpected = learner.load_state_dict(bundle.weights, strict=False)
        missing = [name for name in missing if is_weight(name)]
        if missing or unexpected:
            raise KeyError(f"weights {[*missing, *unexpected][0]}")
        return Recogniser(learner.eval(), representation, crop, bundle)
    except (KeyError, TypeError, RuntimeError) as error:
        raise BundleError(f"{folder}: the bundle's files contradict each other ({error}); export it anew") from error


class Recogniser:
    """Answers for clips; made by ``load``, adapted by ``adapt``.

    Args:
        learner: The trained method.
        representation: What it sees of a clip.
        crop: How the face is cut out.
        bundle: The bundle they are from.
        person: Labelled clips of a person to adapt to, or None.

    Attributes:
        classes: Names of the classes.
        card: The model card, Markdown.
        temperature: What the network's scores are divided by before the softmax.
        threshold: Top probability below which no class is named.
        gain: What adapting brought; None before adapting.
    """

    def __init__(
        self,
        learner: Learner,
        representation: Representation,
        crop: Crop,
        bundle: Bundle,
        person: Clips | None = None,
    ) -> None:
        self._learner, self._representation, self._crop = learner, representation, crop
        self._bundle, self._person = bundle, person
        calibration = bundle.settings["calibration"]
        self.classes: tuple[str, ...] = tuple(bundle.settings["classes"])
        self.card = bundle.card
        self.temperature = float(calibration["temperature"])
        self.threshold = float(calibration["threshold"])
        self._calibrated = int(calibration["clips"]) > 0
        self.gain: Gain | None = None

    @cached_property
    def network(self) -> nn.Module:
        """The adapted network, inputs to logits; adapting takes place when it is first asked for."""
        return _adapted(self._learner, self._bundle.draws, self._person)

    @property
    def adapts(self) -> bool:
        """Whether the bundle's method can adapt to a person."""
        return self._learner.adapts

    def adapt(self, clips: str | Path, fps: float | None = None) -> "Recogniser":
        """Return a recogniser adapted to a person; this one stays as it is.

        The person's clips join each of the bundle's support sets, so that classes they do not show stay known; that is
        our choice. The result's ``gain`` says what it brought.

        Args:
            clips: A folder with a subfolder a class, or a CSV ``path,label[,onset,apex,offset]``.
            fps: Frames a second of all of them; None takes what videos say.

        Raises:
            ConfigurationError: The bundle's method does not adapt.
            ClipError: Clips that cannot be read, in which nothing moves, or of one class only.
        """
        if not self.adapts:
            raise ConfigurationError(
                f"The bundle's method, {type(self._learner).__name__}, does not adapt, so labelled clips cannot help. "
                "Export a run of one that does, e.g. configs/lightmannet.yaml."
            )
        wanted = labelled_clips(clips, self.classes)
        shown = {clip.label for clip in wanted}
        if len(shown) < 2:
            raise ClipError(
                f"{clips}: all clips show {shown.pop()}; from one class nothing can be learned about the others. Add "
                "clips of another class."
            )
        inputs = []
        for clip in wanted:
            seen = self._look(str(clip.path), clip.interval, fps)
            if seen.inputs is None:
                raise ClipError(f"{clip.path}: {seen.reason or 'no face was seen to move'}; leave the clip out")
            inputs.append(seen.inputs)
        labels = torch.tensor([self.classes.index(clip.label) for clip in wanted])
        ids = tuple(f"own/person/{number}" for number in range(len(wanted)))
        person = Clips(torch.cat(inputs), labels, ("own/person",) * len(wanted), ids)
        adapted = Recogniser(self._learner, self._representation, self._crop, self._bundle, person)
        adapted.gain = self._gain(person)
        return adapted

    def predict(self, clip: str | Path, interval: Span | None = None, fps: float | None = None) -> Answer:
        """Return the answer for a clip.

        Args:
            clip: A video file, or a folder of frames with numbers in their names.
            interval: Frame numbers of onset, apex and offset (a video's first frame is 0); None looks for motion.
            fps: Frames a second; None takes what the video says.

        Raises:
            ClipError: The clip cannot be read, or the interval is not in it.
            ConfigurationError: The bundle needs a face detector's model, which is not given.
        """
        return self._answer(str(clip), self._look(str(clip), interval, fps))

    def examine(self, clip: str | Path, interval: Span | None = None, fps: float | None = None) -> Examination:
        """Return the answer with the frames, the motion and the inputs it was given for.

        Args:
            clip: As in ``predict``.
            interval: As in ``predict``.
            fps: As in ``predict``.

        Raises:
            ClipError: As ``predict``; also where the clip has no face to show.
            ConfigurationError: As ``predict``.
        """
        seen = self._look(str(clip), interval, fps)
        answer = self._answer(str(clip), seen)
        there = seen.file.numbers
        span = _span(answer.interval) if answer.interval else (there[0], there[len(there) // 2], there[-1])
        numbers = tuple(nearest(there, number) for number in span)
        assert len(numbers) == 3
        with _as_clip_error(str(clip)):
            frames = self._crop.square(seen.file.kept.read(numbers, "rgb"), LOOKING_SIZE, None)
            gray = self._crop.square(seen.file.kept.read(numbers[:2], "gray"), LOOKING_SIZE, None)[..., 0]
            inputs = seen.inputs
            if inputs is None:
                inputs = self._inputs(seen.file, numbers)
            still = self._inputs(seen.file, (numbers[0],) * 3)
        return Examination(
            answer, frames, dis(gray[0], gray[1]), inputs, still, numbers, seen.file.fps, seen.candidates
        )

    # --- One clip ---

    def _look(self, clip: str, interval: Span | None, fps: float | None) -> "_Seen":
        watch = _Watch()
        file = watch.timed("read", lambda: open_clip(clip, fps))
        warnings = list(clip_warnings(file))
        if len(file.numbers) < 2:
            return _Seen(file, None, None, (), tuple(warnings), watch.seconds)
        with _as_clip_error(clip):
            if interval is not None:
                candidates: tuple[Interval, ...] = ()
                chosen: Interval | None = self._given(file, interval)
            else:
                if faceless := list(first_frame_warnings(file, self._crop)):
                    return _Seen(file, None, None, (), (*warnings, *faceless), watch.seconds)
                found = watch.timed("spot", lambda: spot(file.chunks("gray"), file.numbers, self._crop, file.fps))
                candidates, chosen = found.intervals, next(iter(found.intervals), None)
            if chosen is None:
                return _Seen(
                    file, None, None, (), tuple(warnings), watch.seconds, "nothing was seen to move in the face"
                )
            warnings += interval_warnings(chosen, file.fps, len(candidates))
            span = _span(chosen)
            pair = watch.timed("read", lambda: self._read(file, span))
            warnings += face_warnings(pair[0], self._crop)
            if any(warning.code == "no_face" for warning in warnings):
                return _Seen(file, chosen, None, candidates, tuple(warnings), watch.seconds)
            squares = self._crop.square(pair, LOOKING_SIZE // 2, None)
            warnings += brightness_warnings(squares[0])
            warnings += motion_warnings(divide(dis(squares[0, :, :, 0], squares[1, :, :, 0])))
            inputs = watch.timed("represent", lambda: self._inputs(file, span))
        return _Seen(file, chosen, inputs, candidates, tuple(warnings), watch.seconds)

    def _given(self, file: ClipFile, interval: Span) -> Interval:
        onset, apex, offset = file.check_interval(interval)
        return Interval(onset, apex, offset, 1.0, kind_of(onset, offset, file.fps), "given")

    def _read(self, file: ClipFile, span: Span) -> Pixels:
        """Return onset and apex in gray, read together with what the representation wants to see."""
        pair = [nearest(file.numbers, number) for number in span[:2]]
        moments = [nearest(file.numbers, number) for number in self._representation.moments(*span)]
        if self._representation.color == "gray":
            file.kept.read([*pair, *moments], "gray")
        return file.kept.read(pair, "gray")

    def _inputs(self, file: ClipFile, span: Span) -> Float[Tensor, "1 phase channel size size"]:
        inside = [number for number in file.numbers if span[0] <= number <= span[2]]
        made = clip_inputs(file.kept, inside, span, self._representation, self._crop)
        return torch.from_numpy(made)[None]

    def _answer(self, clip: str, seen: "_Seen") -> Answer:
        watch = _Watch(dict(seen.seconds))
        warnings = list(seen.warnings)
        if not self._calibrated:
            warnings.append(
                QualityWarning("not_calibrated", "info", "The bundle was not calibrated: probabilities are as trained.")
            )
        probabilities: tuple[float, ...] = ()
        if seen.inputs is not None:
            network = watch.timed("adapt", lambda: self.network)
            calibrated = Calibrated(network, self.temperature)
            with torch.no_grad():
                row = watch.timed("predict", lambda: calibrated(seen.inputs))
            probabilities = tuple(row[0].tolist())
        decision, reason = self._decide(probabilities, warnings, seen.reason)
        return Answer(
            clip=clip,
            interval=seen.interval,
            classes=self.classes,
            probabilities=probabilities,
            decision=decision,
            reason=reason,
            warnings=tuple(warnings),
            seconds=watch.seconds,
        )

    def _decide(
        self, probabilities: Sequence[float], warnings: Sequence[QualityWarning], reason: str
    ) -> tuple[str | None, str]:
        fatal = [warning.message for warning in warnings if warning.severity == "fatal"]
        if fatal or not probabilities:
            return None, " ".join(fatal) or f"Can't tell: {reason}."
        top = max(probabilities)
        if top < self.threshold:
            return None, (
                f"Can't tell: the likeliest class has a probability of {top:.2f}, and below {self.threshold:.2f} "
                "answers were wrong about as often as right on validation people."
            )
        return self.classes[probabilities.index(top)], ""

    # --- Adapting ---

    def _gain(self, person: Clips) -> Gain:
        """Answer each of a person's clips before adapting and after adapting to the others."""
        before = self.network(person.inputs).argmax(1) == person.labels
        after = 0
        for number in range(len(person)):
            others = person.select([place for place in range(len(person)) if place != number])
            network = _adapted(self._learner, self._bundle.draws, others)
            after += int(network(person.inputs[number : number + 1]).argmax(1) == person.labels[number])
        return Gain(len(person), int(before.sum()), after)


@dataclass(frozen=True)
class _Seen:
    """What was seen of a clip before the network is asked; without inputs there is nothing to ask it."""

    file: ClipFile
    interval: Interval | None
    inputs: Tensor | None
    candidates: tuple[Interval, ...]
    warnings: tuple[QualityWarning, ...]
    seconds: dict[str, float]
    reason: str = ""


@dataclass
class _Watch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    def timed(self, stage: str, work: Callable[[], T]) -> T:
        """Do the work and add its time to the stage's."""
        start = time.perf_counter()
        done = work()
        self.seconds[stage] += time.perf_counter() - start
        return done


@contextmanager
def _as_clip_error(clip: str) -> Iterator[None]:
    """Say which clip it was that could not be read."""
    try:
        yield
    except DataError as error:
        raise ClipError(str(error) if clip in str(error) else f"{clip}: {error}") from error


def _adapted(learner: Learner, draws: Sequence[Draw], person: Clips | None) -> nn.Module:
    """Return the mean of the networks adapted to each draw, the person's clips in all of them."""
    if not draws and person is None:
        return Ensemble([_frozen(learner.network)])
    tasks = draws or [Draw(person, None)] if person is not None else draws
    networks = []
    for draw in tasks:
        support = draw.support
        if person is not None and draws:
            support = concatenate(draw.support, person)
        # An inner loop allows gradients itself.
        with torch.no_grad():
            networks.append(_frozen(learner.adapt(support, draw.auxiliary).network))
    return Ensemble(networks)


def _frozen(network: nn.Module) -> nn.Module:
    """Return a copy without ties to how it was computed."""
    for module in network.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None and not parameter.is_leaf:
                module._parameters[name] = nn.Parameter(parameter.detach(), requires_grad=False)
    return copy.deepcopy(network).eval().requires_grad_(False)


def _span(interval: Interval) -> Span:
    return interval.onset, interval.apex, interval.offset
