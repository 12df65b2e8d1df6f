"""Options of a rendered corpus."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Literal, get_args

from lightmannet.errors import ConfigurationError, faults_message

Balance = Literal["balanced", "casme2", "smic"]

MICRO_WEIGHTS: Mapping[Balance, Mapping[str, float]] = {
    "balanced": {"happiness": 1, "disgust": 1, "repression": 1, "surprise": 1, "others": 1},
    "casme2": {
        "happiness": 32,
        "disgust": 63,
        "repression": 27,
        "surprise": 25,
        "others": 99,
        "fear": 2,
        "sadness": 7,
    },
    # 70 negative, 51 positive, 43 surprise; the negative ones as disgust and repression are in CASME II.
    "smic": {"happiness": 51, "disgust": 49, "repression": 21, "surprise": 43},
}
"""Relative numbers of micro clips per emotion of CASME II; for the two real databases, their counts."""

VIDEO_WEIGHTS: Mapping[Balance, Mapping[str, float]] = {
    "balanced": {"anger": 1, "disgust": 1, "fear": 1, "sadness": 1, "happy": 4, "surprise": 4},
    "casme2": {"anger": 22, "disgust": 22, "fear": 22, "sadness": 22, "happy": 32, "surprise": 25},
    "smic": {"anger": 17.5, "disgust": 17.5, "fear": 17.5, "sadness": 17.5, "happy": 51, "surprise": 43},
}
"""Relative numbers of expressions in long videos; the three classes have the counts of MEGC2019's lists."""


@dataclass(frozen=True)
class Options:
    """Options of a rendered corpus; the same options give the same frames.

    Attributes:
        subjects: Invented people, 1..999.
        micro_clips: Micro-expression clips per person, 1..99.
        macro_clips: Macro-expressions per person, in long videos, 1..99.
        video_micro_clips: Additional micro-expressions per person in the long videos, 0..99.
        seed: Seed of everything random, at least 0.
        size: Height and width of a frame, pixels, even, 64..256.
        micro_fps: Frames per second of the micro clips, 25..1000.
        video_fps: Frames per second of the long videos, 15..120.
        pause: Typical time at rest before, between and after the expressions of a long video, seconds, 0.1..30.
        intensity: Typical strength of a unit in a micro- relative to a macro-expression, above 0, at most 1.
        typical: Share of micro-expressions with the units of the posed emotion, 0..1; the others have units that coders
            found in spontaneous micro-expressions, which fit the emotion less.
        noise: Factor of each camera's sensor noise, 0..10.
        label_noise: Probability of each of these errors, 0..0.5: a wrong emotion, a missed unit, a unit that was not
            shown, and a misplaced apex.
        distractors: Factor of blinks, head drift, speech and changing light, 0..10.
        balance: Frequencies of the classes: ``balanced``, uniform; ``casme2`` and ``smic``, as in these databases.
        jpeg_quality: Quality of the frames' JPEG files, 1..100.
        crf: Compression of the long videos, H.264's constant rate factor, 0 (none) .. 51.

    Raises:
        ConfigurationError: An invalid option; the message lists all of them.
    """

    subjects: int = 40
    micro_clips: int = 10
    macro_clips: int = 10
    video_micro_clips: int = 1
    seed: int = 0
    size: int = 128
    micro_fps: int = 200
    video_fps: int = 30
    pause: float = 0.5
    intensity: float = 0.5
    typical: float = 0.95
    noise: float = 1.0
    label_noise: float = 0.05
    distractors: float = 1.0
    balance: Balance = "balanced"
    jpeg_quality: int = 95
    crf: int = 18

    def __post_init__(self) -> None:
        faults = []
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not isfinite(value) or not least <= value <= most:
                faults.append(f"{name}={value}: {least} to {most} is expected")
        if self.seed < 0:
            faults.append(f"seed={self.seed}: at least 0 is expected")
        if self.size % 2:
            faults.append(f"size={self.size}: an even number is expected, as videos store colour for pairs of pixels")
        if self.intensity == 0:
            faults.append("intensity=0: more than 0 is expected, as micro-expressions would have no motion")
        if self.balance not in get_args(Balance):
            faults.append(f"balance={self.balance!r}: one of {', '.join(get_args(Balance))} is expected")
        if faults:
            raise ConfigurationError(faults_message("Options of the rendered corpus", faults))

    def differences(self, other: Mapping[str, object]) -> list[str]:
        """Return ``name: value here, value there`` for every option that differs in ``other``."""
        return [
            f"{f.name}: {getattr(self, f.name)!r} now, {other.get(f.name)!r} there"
            for f in fields(self)
            if getattr(self, f.name) != other.get(f.name)
        ]


_RANGES: Mapping[str, tuple[float, float]] = {
    "subjects": (1, 999),
    "micro_clips": (1, 99),
    "macro_clips": (1, 99),
    "video_micro_clips": (0, 99),
    "size": (64, 256),
    "micro_fps": (25, 1000),
    "video_fps": (15, 120),
    "pause": (0.1, 30),
    "intensity": (0, 1),
    "typical": (0, 1),
    "noise": (0, 10),
    "label_noise": (0, 0.5),
    "distractors": (0, 10),
    "jpeg_quality": (1, 100),
    "crf": (0, 51),
}
