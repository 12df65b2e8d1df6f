"""Long videos of a database with their annotated expressions, and the motion in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_modules.clip_table import ClipRow
from data_modules.databases.casme_sq import CASMESquared
from data_modules.databases.samm_lv import SAMMLongVideos
from data_modules.video.faces import find_faces
from lightmannet.errors import ConfigurationError
from lightmannet.inference.clip_file import ClipFile, open_clip
from lightmannet.inference.moment.candidates import Candidate
from lightmannet.inference.moment.region_motion import RegionMotion, region_motion

DATABASES = ("casme_sq", "samm_lv")


@dataclass(frozen=True)
class LongVideo:
    """A recording.

    Attributes:
        person: Who is seen.
        path: Video file or folder of frames.
        rate: Frames a second.
        expressions: Those that are annotated, in seconds from the first frame; without an apex, it is the middle.
    """

    person: str
    path: Path
    rate: float
    expressions: tuple[Candidate, ...]


def long_videos(database: str, root: str | None) -> list[LongVideo]:
    """Return the recordings of a database.

    Args:
        database: ``casme_sq``, whose layout rendered videos have too, or ``samm_lv``.
        root: The database's folder; None takes its environment variable.

    Raises:
        ConfigurationError: Another database.
        DataError: The database cannot be read.
    """
    if database not in DATABASES:
        raise ConfigurationError(f"{database}: long videos are known of {' and '.join(DATABASES)} alone")
    reader = CASMESquared(root, frames="video") if database == "casme_sq" else SAMMLongVideos(root)
    by_path: dict[Path, list[ClipRow]] = {}
    for row in reader.table().rows:
        by_path.setdefault(row.path, []).append(row)
    return [_video(path, rows) for path, rows in by_path.items()]


def motion_of(video: LongVideo, shift: Sequence[float] = (0, 0, 0, 0)) -> RegionMotion | None:
    """Return the motion in a recording, or None without a face in its first frame.

    Args:
        video: The recording.
        shift: What is added to x and y of the left and of the right eye, in distances between them.

    Raises:
        ClipError: It cannot be read.
        DataError: A frame cannot be read.
    """
    clip = open_clip(video.path, video.rate)
    faces = find_faces(clip.kept.read(clip.numbers[:1], "gray")[0])
    if not faces:
        return None
    left, right = np.array(faces[0].left_eye), np.array(faces[0].right_eye)
    moved = np.hypot(*(right - left)) * np.array(shift).reshape(2, 2)
    (a, b), (c, d) = (np.stack([left, right]) + moved).tolist()
    return region_motion(clip.chunks("gray"), (a, b), (c, d), video.rate)


def _video(path: Path, rows: Sequence[ClipRow]) -> LongVideo:
    clip: ClipFile = open_clip(path)
    rate = clip.fps or rows[0].fps
    # A video's frames count from 0 in the file, and from ``first_number`` in the annotation.
    first = rows[0].first_number if path.is_file() else clip.numbers[0]

    def seconds(number: float) -> float:
        return (number - first) / rate

    expressions = tuple(
        Candidate(
            seconds(row.onset),
            seconds((row.onset + row.offset) / 2 if row.apex is None else row.apex),
            seconds(row.offset),
            1.0,
            row.kind,
        )
        for row in rows
    )
    return LongVideo(rows[0].subject_id, path, rate, expressions)
