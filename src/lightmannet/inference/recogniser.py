"""From a clip to an answer, with a bundle."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from data_modules.representations.base import Representation
from data_modules.representations.optical_flow import dis
from data_modules.video.crop import Crop, WholeFrame
from data_modules.video.frames import nearest
from lightmannet.episode import Clips
from lightmannet.errors import BundleError, ClipError, ConfigurationError
from lightmannet.inference.adapt import Gain, adapted_network, leave_one_out
from lightmannet.inference.answer import ClipAnswer, Interval, QualityWarning, Span
from lightmannet.inference.bundle import Bundle, is_weight, read_bundle
from lightmannet.inference.card import model_facts
from lightmannet.inference.ensemble import Calibrated
from lightmannet.inference.labelled_clips import labelled_clips
from lightmannet.inference.look import (
    ClipSource,
    Look,
    Stopwatch,
    as_clip_error,
    look,
    name_of,
    network_inputs,
    span_of,
)
from lightmannet.inference.parts import build
from lightmannet.learners.base import Learner

SHOWN_SIZE = 224
"""Height and width in pixels of the face crops of an ``Examination``."""

_NOT_CALIBRATED = QualityWarning(
    "not_calibrated", "info", "The bundle was not calibrated: probabilities are as trained."
)
_SERIOUS_FIRST = ("fatal", "warning", "info")


@dataclass(frozen=True)
class Examination:
    """An answer with the frames, the motion and the inputs that it is about, to be drawn.

    Attributes:
        answer: The answer; without an interval the first, middle and last frame are shown.
        frames: Face crops of onset, apex and offset, red, green and blue; whole frames where no face was found.
        flow: Motion u, v of the skin from onset to apex in pixels of these crops.
        inputs: The clip as the network sees it.
        still: The same if the face stayed as it is at the onset.
        numbers: Frame numbers of onset, apex and offset.
        fps: Frames a second; None if unknown.
        candidates: All intervals that were found, the strongest first; empty where one was given.
    """

    answer: ClipAnswer
    frames: UInt8[np.ndarray, "3 height width 3"]
    flow: Float32[np.ndarray, "2 height width"]
    inputs: Float[Tensor, "1 phase channel size size"]
    still: Float[Tensor, "1 phase channel size size"]
    numbers: Span
    fps: float | None
    candidates: tuple[Interval, ...]


def load(folder: str | Path, any_face: bool = False) -> "Recogniser":
    """Return a recogniser of a bundle; nothing in the bundle is executed.

    Args:
        folder: Folder that ``lightmannet export`` wrote; ``~`` is the home folder.
        any_face: Take each frame for a face without looking for one; a crop by YuNet looks all the same.

    Raises:
        BundleError: Not a bundle, one of another version, or a file that is missing or was altered.
    """
    folder = Path(folder).expanduser()
    bundle = read_bundle(folder)
    try:
        learner, representation, crop = (build(bundle.settings[part]) for part in ("learner", "representation", "crop"))
        missing, unexpected = learner.load_state_dict(bundle.weights, strict=False)
        missing = [name for name in missing if is_weight(name)]
        if missing or unexpected:
            raise KeyError(f"weights {[*missing, *unexpected][0]}")
        return Recogniser(learner.eval(), representation, crop, bundle, any_face=any_face)
    except (KeyError, TypeError, RuntimeError) as error:
        raise BundleError(f"{folder}: the bundle's files contradict each other ({error}); export it anew") from error


class Recogniser:
    """Answers for clips; made by ``load``, adapted by ``adapt``.

    Args:
        learner: The trained method.
        representation: What it sees of a clip.
        crop: How the face is cut out.
        bundle: The bundle that these are from.
        person: Labelled clips of a person to adapt to, or None.
        any_face: Take each frame for a face without looking for one.

    Attributes:
        classes: Names of the classes.
        card: The model card, Markdown.
        facts: What the model has learned from and how well it scores.
        temperature: Divisor of the network's scores before the softmax.
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
        any_face: bool = False,
    ) -> None:
        self._learner, self._representation, self._crop = learner, representation, crop
        self._bundle, self._person, self._any_face = bundle, person, any_face
        calibration = bundle.settings["calibration"]
        self.classes: tuple[str, ...] = tuple(bundle.settings["classes"])
        self.card = bundle.card
        self.facts = model_facts(bundle.settings)
        self.temperature = float(calibration["temperature"])
        self.threshold = float(calibration["threshold"])
        self._calibrated = int(calibration["clips"]) > 0
        self.gain: Gain | None = None

    @cached_property
    def network(self) -> nn.Module:
        """The adapted network, inputs to logits; it is adapted at first use."""
        return adapted_network(self._learner, self._bundle.draws, self._person)

    @property
    def adapts(self) -> bool:
        """Whether the bundle's method can adapt to a person."""
        return self._learner.adapts

    def adapt(self, clips: str | Path, fps: float | None = None) -> "Recogniser":
        """Return a recogniser adapted to a person; this one stays as it is.

        The person's clips join each of the bundle's support sets, so that classes they do not show stay known; that is
        our choice. The result's ``gain`` says what it brought.

        Args:
            clips: A folder with a subfolder per class, or a CSV ``path,label[,onset,apex,offset]``.
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
        labelled = labelled_clips(Path(clips).expanduser(), self.classes)
        labels = {clip.label for clip in labelled}
        if len(labels) < 2:
            raise ClipError(
                f"{clips}: all clips show {labels.pop()}; from one class nothing can be learned about the others. Add "
                "clips of another class."
            )
        inputs = []
        for clip in labelled:
            found = self._look(clip.path, clip.interval, fps)
            if found.inputs is None:
                fatal = [warning.message for warning in found.warnings if warning.severity == "fatal"]
                raise ClipError(f"{clip.path}: {found.reason or ' '.join(fatal)}; leave the clip out")
            inputs.append(found.inputs)
        person = Clips(
            inputs=torch.cat(inputs),
            labels=torch.tensor([self.classes.index(clip.label) for clip in labelled]),
            subjects=("own/person",) * len(labelled),
            ids=tuple(f"own/person/{number}" for number in range(len(labelled))),
        )
        adapted = Recogniser(self._learner, self._representation, self._crop, self._bundle, person, self._any_face)
        adapted.gain = leave_one_out(self._learner, self._bundle.draws, person, before=self.network)
        return adapted

    def predict(self, clip: ClipSource, interval: Span | None = None, fps: float | None = None) -> ClipAnswer:
        """Return the answer for a clip.

        Args:
            clip: A video file, a folder of frames with numbers in their names, or an array of uint8, frames × height ×
                width × 3 (red, green and blue); ``~`` is the home folder.
            interval: Frame numbers of onset, apex and offset (the first frame of a video or array is 0); None looks for
                motion.
            fps: Frames a second; None takes what the video says.

        Raises:
            ClipError: The clip cannot be read, or the interval is not in it.
            ConfigurationError: The bundle needs a face detector's model, which is not given.
        """
        return self._answer(name_of(clip), self._look(clip, interval, fps))

    def examine(self, clip: ClipSource, interval: Span | None = None, fps: float | None = None) -> Examination:
        """Return the answer with the frames, the motion and the inputs that it is about.

        Args:
            clip: As in ``predict``.
            interval: As in ``predict``.
            fps: As in ``predict``.

        Raises:
            ClipError: As ``predict``.
            ConfigurationError: As ``predict``.
        """
        found = self._look(clip, interval, fps)
        answer = self._answer(name_of(clip), found)
        there = found.file.numbers
        span = span_of(found.interval) if found.interval else (there[0], there[len(there) // 2], there[-1])
        onset, apex, offset = (nearest(there, number) for number in span)
        crop = WholeFrame() if found.faceless else self._crop
        with as_clip_error(clip):
            frames = crop.square(found.file.kept.read((onset, apex, offset), "rgb"), SHOWN_SIZE, None)
            gray = crop.square(found.file.kept.read((onset, apex), "gray"), SHOWN_SIZE, None)[..., 0]
            inputs = found.inputs
            if inputs is None:
                inputs = network_inputs(found.file, (onset, apex, offset), self._representation, crop)
            still = network_inputs(found.file, (onset, onset, onset), self._representation, crop)
        flow, numbers = dis(gray[0], gray[1]), (onset, apex, offset)
        return Examination(answer, frames, flow, inputs, still, numbers, found.file.fps, found.candidates)

    def _look(self, clip: ClipSource, interval: Span | None, fps: float | None) -> Look:
        return look(clip, interval, fps, self._representation, self._crop, self._any_face)

    def _answer(self, name: str, found: Look) -> ClipAnswer:
        watch = Stopwatch(found.seconds)
        probabilities: tuple[float, ...] = ()
        if found.inputs is not None:
            with watch.stage("adapt"):
                network = Calibrated(self.network, self.temperature)
            with watch.stage("predict"), torch.no_grad():
                probabilities = tuple(network(found.inputs)[0].tolist())
        warnings = [*found.warnings, *([] if self._calibrated else [_NOT_CALIBRATED])]
        decision, reason = self._decide(probabilities, warnings, found.reason)
        return ClipAnswer(
            clip=name,
            interval=found.interval,
            classes=self.classes,
            probabilities=probabilities,
            decision=decision,
            reason=reason,
            warnings=tuple(sorted(warnings, key=lambda warning: _SERIOUS_FIRST.index(warning.severity))),
            model=self.facts,
            seconds=watch.seconds,
        )

    def _decide(
        self, probabilities: Sequence[float], warnings: Sequence[QualityWarning], reason: str
    ) -> tuple[str | None, str]:
        """Return the class to name, or None and the reason."""
        fatal = [warning.message for warning in warnings if warning.severity == "fatal"]
        if fatal or not probabilities:
            return None, f"Can't tell: {' '.join(fatal) or reason + '.'}"
        top = max(probabilities)
        if top < self.threshold:
            return None, (
                f"Can't tell: the most probable class has a probability of {top:.2f}, and below {self.threshold:.2f} "
                "answers were wrong about as often as right on validation people."
            )
        return self.classes[probabilities.index(top)], ""
