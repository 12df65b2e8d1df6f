"""Ground truth of a rendered recording, stored next to its frames: units, motion, landmarks and distractors."""

import io
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float16, Float32, Float64

from data_modules.rendered.performance import CodedExpression, Recording
from data_modules.rendered.scene import Scene
from lightmannet.errors import DataError

_ARRAYS = ("units", "strengths", "landmarks", "flow", "blink", "mouth", "head", "light")


@dataclass(frozen=True)
class Truth:
    """Ground truth of a recording.

    Attributes:
        subject: Person, from 1; the same one in micro clips and in long videos.
        fps: Frames per second.
        first: Number of the first frame.
        expressions: Expressions in order.
        unit_numbers: FACS numbers of the units.
        units: Strength of each unit in each frame, 0..1; side 0 is the person's left.
        strengths: The same at each expression's apex.
        landmarks: The 68 points (as in iBUG 300-W) in each frame, x and y, pixels.
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
    expressions: tuple[CodedExpression, ...]
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
    """Return the content of a recording's ground-truth file, a compressed ``.npz``.

    Args:
        recording: The recording.
        scene: Its scene.
        landmarks: Points of each frame, pixels.
        unit_numbers: FACS numbers of the units.
        frames: SHA-256 of the recording's files.
    """
    r, d = recording, recording.distractors
    flow = [scene.displacement(r.state(e.onset), r.state(e.apex)) for e in r.expressions]
    expressions = [{name: value for name, value in vars(e).items() if name != "strength"} for e in r.expressions]
    header = {
        "subject": r.job.subject,
        "fps": r.fps,
        "first": r.first,
        "expressions": expressions,
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
    """Return the content of a ground-truth file.

    Raises:
        DataError: It is missing, damaged, or another kind of file.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            header = json.loads(content["header"].tobytes())
            arrays = {name: content[name] for name in _ARRAYS}
        expressions = tuple(CodedExpression(**expression) for expression in header.pop("expressions"))
        numbers = tuple(header.pop("unit_numbers"))
        return Truth(expressions=expressions, unit_numbers=numbers, **header, **arrays)
    except FileNotFoundError:
        raise DataError(
            f"{path}: there is no such ground-truth file; lightmannet synthesize writes it next to the frames"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: damaged, or not a ground-truth file ({error}); make the corpus again") from None
