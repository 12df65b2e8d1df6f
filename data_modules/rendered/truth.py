"""Ground truth of a rendered recording, beside its frames: what moved, when and how far, and where the face was."""

import io
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float16, Float32, Float64

from data_modules.annotations import Kind
from data_modules.rendered.performance import Recording
from data_modules.rendered.scene import Scene
from lightmannet.errors import DataError

_ARRAYS = ("units", "strengths", "landmarks", "flow", "blink", "mouth", "head", "light")


@dataclass(frozen=True)
class TrueExpression:
    """One expression as it was and as it was coded.

    Attributes:
        kind: ``micro`` or ``macro``.
        shown: Emotion whose units were moved.
        emotion: Emotion as labelled.
        onset: Number of the last frame at rest.
        apex: Number of the frame of the strongest movement.
        offset: Number of the first frame at rest again.
        coded_apex: Number of the frame that is annotated as apex.
        coded_units: Units as annotated.
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
class Truth:
    """What a recording shows.

    Attributes:
        subject: Person, from 1; the same one in micro clips and in long videos.
        fps: Frames a second.
        first: Number of the first frame.
        expressions: Expressions in their order.
        unit_numbers: FACS numbers of the units.
        units: Strength of each unit in each frame, 0..1; side 0 is the person's left.
        strengths: The same at each expression's apex.
        landmarks: The usual 68 points in each frame, x and y, pixels.
        flow: Displacement of the skin from each expression's onset to its apex: u to the right, v downwards, pixels.
        blink: Closing of the eyes, 0..1.
        mouth: Opening of the mouth in speech, -1..1.
        head: Shift right and down, fractions of the image's width; roll, radians.
        light: Factor of the illumination.
        frames: SHA-256 of the recording's files, one after the other in their order.
    """

    subject: int
    fps: int
    first: int
    expressions: tuple[TrueExpression, ...]
    unit_numbers: tuple[int, ...]
    units: Float32[np.ndarray, "frame unit 2"]
    strengths: Float32[np.ndarray, "expression unit 2"]
    landmarks: Float32[np.ndarray, "frame 68 2"]
    flow: Float16[np.ndarray, "expression 2 size size"]
    blink: Float32[np.ndarray, " frame"]
    mouth: Float32[np.ndarray, " frame"]
    head: Float32[np.ndarray, "frame 3"]
    light: Float32[np.ndarray, " frame"]
    frames: str


def pack_truth(
    recording: Recording,
    scene: Scene,
    landmarks: Float64[np.ndarray, "frame 68 2"],
    unit_numbers: tuple[int, ...],
    frames: str,
) -> bytes:
    """Return the content of a recording's file of truth, a compressed ``.npz``.

    Args:
        recording: What was shown.
        scene: What it was drawn with.
        landmarks: Points of each frame, pixels.
        unit_numbers: FACS numbers of the units.
        frames: SHA-256 of the recording's files.
    """
    r, d = recording, recording.distractors
    flow = [scene.displacement(r.state(e.onset), r.state(e.apex)) for e in r.expressions]
    words = [
        {name: value for name, value in vars(expression).items() if name != "strength"} for expression in r.expressions
    ]
    header = {
        "subject": r.job.subject,
        "fps": r.fps,
        "first": r.first,
        "expressions": words,
        "unit_numbers": unit_numbers,
        "frames": frames,
    }
    file = io.BytesIO()
    np.savez_compressed(
        file,
        header=np.frombuffer(json.dumps(header).encode(), np.uint8),
        units=r.units.astype(np.float32),
        strengths=np.stack([e.strength for e in r.expressions]).astype(np.float32),
        landmarks=landmarks.astype(np.float32),
        flow=np.stack(flow).astype(np.float16),
        **{name: values.astype(np.float32) for name, values in asdict(d).items()},
    )
    return file.getvalue()


def read_truth(path: Path) -> Truth:
    """Return what a file of truth holds.

    Raises:
        DataError: It is missing, damaged, or no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            header = json.loads(content["header"].tobytes())
            arrays = {name: content[name] for name in _ARRAYS}
        expressions = tuple(TrueExpression(**words) for words in header.pop("expressions"))
        numbers = tuple(header.pop("unit_numbers"))
        return Truth(expressions=expressions, unit_numbers=numbers, **header, **arrays)
    except FileNotFoundError:
        raise DataError(
            f"{path}: there is no such file of truth; it is written by lightmannet synthesize beside the frames"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: damaged, or no file of truth ({error}); make the corpus again") from None
