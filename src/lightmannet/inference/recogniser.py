"""Recognition of a user's own clips with a bundle: look, adapt, recognise."""

import copy
from collections.abc import Collection
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
from lightmannet.errors import BundleError, ConfigurationError
from lightmannet.inference.adapt import Gain, adapted_network, clips_of_person, leave_one_out_gain
from lightmannet.inference.answer import Answer, Interval, QualityWarning
from lightmannet.inference.bundle import Bundle, is_weight, read_bundle
from lightmannet.inference.ensemble import Calibrated
from lightmannet.inference.look import LOOKING_SIZE, Observation, Span, as_clip_error, inputs_of, look, span_of
from lightmannet.inference.parts import build, own_names
from lightmannet.inference.provenance import learned_from, score_of
from lightmannet.learners.base import Learner


@dataclass(frozen=True)
class Examination:
    """An answer with the data for drawing it.

    Attributes:
        answer: The answer; without an interval the first, middle and last frame are drawn.
        frames: Face crops of onset, apex and offset, red, green and blue; whole frames where there is no face.
        flow: Motion u, v of the skin from onset to apex in pixels of these crops.
        inputs: The network's inputs for the clip.
        still: The inputs for a face that does not move after the onset.
        numbers: Frame numbers of onset, apex and offset.
        fps: Frames per second; None if unknown.
        candidates: All spotted intervals, the strongest first; empty for a given interval.
    """

    answer: Answer
    frames: UInt8[np.ndarray, "3 height width 3"]
    flow: Float32[np.ndarray, "2 height width"]
    inputs: Float[Tensor, "1 phase channel size size"]
    still: Float[Tensor, "1 phase channel size size"]
    numbers: Span
    fps: float | None
    candidates: tuple[Interval, ...]


def load(folder: str | Path, any_face: bool = False, allow: Collection[str] = ()) -> "Recogniser":
    """Return a recogniser of a bundle; nothing in the bundle is executed, and no code of its author unless allowed.

    Args:
        folder: Folder that ``lightmannet export`` wrote.
        any_face: Treat each frame as a face without face detection, which every answer then mentions; ignored for a
            crop by YuNet.
        allow: Paths of classes outside this package that may be imported, e.g. ``["my_methods.HalfLoss"]``.

    Raises:
        BundleError: Not a bundle, one of another version, a file is missing or has changed, or the bundle needs its
            author's code, which is not allowed or cannot be imported.
    """
    bundle = read_bundle(Path(folder).expanduser())
    settings = bundle.settings
    parts = ("learner", "representation", "crop")
    unknown = [name for part in parts for name in own_names(settings.get(part)) if name not in allow]
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        raise BundleError(
            f"{folder}: the bundle needs code of its author: {names}. Loading runs none unless you allow it by name: "
            f"if you trust it, and it is in the current folder or installed, give --allow {names.replace(' ', '')}, in "
            f"Python lightmannet.load({str(folder)!r}, allow={list(dict.fromkeys(unknown))})."
        )
    try:
        learner, representation, crop = (build(settings[part], allow) for part in parts)
        missing, unexpected = learner.load_state_dict(bundle.weights, strict=False)
        missing = [name for name in missing if is_weight(name)]
        if missing or unexpected:
            raise KeyError(f"weights {[*missing, *unexpected][0]}")
        return Recogniser(learner.eval(), representation, crop, bundle, any_face=any_face)
    except (KeyError, TypeError, RuntimeError) as error:
        raise BundleError(f"{folder}: the bundle's files contradict each other ({error}); export it again") from error


class Recogniser:
    """Recognises clips; created by ``load``, adapted by ``adapt``.

    Args:
        learner: The trained method.
        representation: Computes its inputs.
        crop: How the face is cropped.
        bundle: Their bundle.
        person: Labelled clips of a person to adapt to, or None.
        any_face: Treat each frame as a face without face detection.

    Attributes:
        classes: Names of the classes.
        card: The model card, Markdown.
        temperature: Divisor of the network's scores before the softmax.
        threshold: Top probability below which no class is named.
        gain: Gain from adapting; None before adapting.
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
        self.temperature = float(calibration["temperature"])
        self.threshold = float(calibration["threshold"])
        self._calibrated = int(calibration["clips"]) > 0
        self.gain: Gain | None = None

    def __repr__(self) -> str:
        adapted = "" if self._person is None else f", adapted to {len(self._person)} clips of a person"
        return f"Recogniser({type(self._learner).__name__}, classes {', '.join(self.classes)}{adapted})"

    @cached_property
    def network(self) -> nn.Module:
        """The adapted network, from inputs to logits; adapted on first use."""
        return adapted_network(self._learner, self._bundle.draws, self._person)

    @property
    def adapts(self) -> bool:
        """Whether the bundle's method can adapt to a person."""
        return self._learner.adapts

    def adapt(self, clips: str | Path, fps: float | None = None) -> "Recogniser":
        """Return a recogniser adapted to a person, with its ``gain``; this one does not change.

        Args:
            clips: A folder with a subfolder per class, or a CSV ``path,label[,onset,apex,offset]``.
            fps: Frames per second of all of them; None takes each video's.

        Raises:
            ConfigurationError: The bundle's method does not adapt.
            ClipError: Clips that cannot be read or show no motion, or clips of only one class.
        """
        if not self.adapts:
            raise ConfigurationError(
                f"The bundle's method, {type(self._learner).__name__}, does not adapt, so labelled clips cannot help. "
                "Export a run of a method that adapts, e.g. configs/lightmannet.yaml."
            )
        person = clips_of_person(clips, self.classes, lambda path, interval: self._look(path, interval, fps))
        adapted = copy.copy(self)
        adapted.__dict__.pop("network", None)
        adapted._person = person
        adapted.gain = leave_one_out_gain(self._learner, self._bundle.draws, self.network, person)
        return adapted

    def predict(self, clip: str | Path | np.ndarray, interval: Span | None = None, fps: float | None = None) -> Answer:
        """Return the answer for a clip.

        Args:
            clip: A video file, a folder of frames with numbers in their names, or an array of frames, uint8 (frame,
                height, width) or (frame, height, width, 3) in red, green and blue.
            interval: Frame numbers of onset, apex and offset (a video's first frame is 0); None spots motion.
            fps: Frames per second; None takes the video's.

        Raises:
            ClipError: The clip cannot be read, or the interval does not fit it.
            ConfigurationError: The bundle needs a face detector's model, which is not given.
        """
        seen = self._look(clip, interval, fps)
        return self._answer(_name(clip, seen), seen)

    def examine(
        self, clip: str | Path | np.ndarray, interval: Span | None = None, fps: float | None = None
    ) -> Examination:
        """Return the answer with its frames, motion and inputs.

        Args:
            clip: As in ``predict``.
            interval: As in ``predict``.
            fps: As in ``predict``.

        Raises:
            ClipError: As ``predict``.
            ConfigurationError: As ``predict``.
        """
        seen = self._look(clip, interval, fps)
        answer = self._answer(_name(clip, seen), seen)
        file, there = seen.file, seen.file.numbers
        span = span_of(answer.interval) if answer.interval else (there[0], there[len(there) // 2], there[-1])
        onset, apex, offset = (nearest(there, number) for number in span)
        # Without a face there is nothing to crop, but the answer still has a picture.
        crop = WholeFrame() if any(warning.code == "no_face" for warning in seen.warnings) else self._crop
        with as_clip_error(file.path):
            frames = crop.square(file.kept.read((onset, apex, offset), "rgb"), LOOKING_SIZE, None)
            gray = crop.square(file.kept.read((onset, apex), "gray"), LOOKING_SIZE, None)[..., 0]
            inputs = seen.inputs
            if inputs is None:
                inputs = inputs_of(file, (onset, apex, offset), self._representation, crop)
            still = inputs_of(file, (onset,) * 3, self._representation, crop)
        flow = dis(gray[0], gray[1])
        return Examination(answer, frames, flow, inputs, still, (onset, apex, offset), file.fps, seen.candidates)

    def _look(self, clip: str | Path | np.ndarray, interval: Span | None, fps: float | None) -> Observation:
        return look(clip, interval, fps, self._representation, self._crop, self._any_face)

    def _answer(self, clip: str, seen: Observation) -> Answer:
        warnings = list(seen.warnings)
        if not self._calibrated:
            warnings.append(
                QualityWarning(
                    "not_calibrated",
                    "info",
                    "The bundle was not calibrated: its probabilities are those of the trained network.",
                )
            )
        probabilities: tuple[float, ...] = ()
        if (inputs := seen.inputs) is not None:
            network = seen.timed("adapt", lambda: self.network)
            with torch.no_grad():
                row = seen.timed("predict", lambda: Calibrated(network, self.temperature)(inputs))
            probabilities = tuple(row[0].tolist())
        decision, reason = self._decide(probabilities, seen)
        return Answer(
            clip=clip,
            interval=seen.interval,
            classes=self.classes,
            probabilities=probabilities,
            decision=decision,
            reason=reason,
            warnings=tuple(sorted(warnings, key=lambda warning: warning.severity == "info")),
            learned_from=learned_from(self._bundle.settings),
            score=score_of(self._bundle.settings),
            seconds=seen.seconds,
            candidates=seen.candidates,
        )

    def _decide(self, probabilities: tuple[float, ...], seen: Observation) -> tuple[str | None, str]:
        """Return the class to name, or None and the reason."""
        if seen.hopeless or not probabilities:
            fatal = [warning.message for warning in seen.warnings if warning.severity == "fatal"]
            return None, " ".join(fatal) or f"Can't tell: {seen.reason}."
        top = max(probabilities)
        if top < self.threshold:
            return None, (
                f"Can't tell: the most likely class has a probability of {top:.2f}, and below {self.threshold:.2f} "
                "answers were wrong about as often as right on validation people."
            )
        return self.classes[probabilities.index(top)], ""


def _name(clip: str | Path | np.ndarray, seen: Observation) -> str:
    """Return the path as given, or the name of an array."""
    return str(seen.file.path) if isinstance(clip, np.ndarray) else str(clip)
