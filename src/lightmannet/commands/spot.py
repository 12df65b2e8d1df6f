"""The command ``lightmannet spot VIDEO…``: when a face moves."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from jsonargparse import ArgumentParser

from data_modules.video.faces import find_faces, whole_frame_face
from lightmannet.errors import ClipError
from lightmannet.files import write_atomically, write_bytes_atomically
from lightmannet.inference.answer import Interval
from lightmannet.inference.clip_file import ClipFile, open_clip
from lightmannet.inference.look import as_clip_error
from lightmannet.inference.moment.spotter import Spotted, Way, spot

_COLUMNS = ("video", "onset", "apex", "offset", "onset_seconds", "seconds", "kind", "score")


def spot_videos(arguments: Sequence[str]) -> None:
    """List when a face moves in videos: onset, apex and offset, a score and the kind of each interval.

    Args:
        arguments: Arguments after ``spot`` on the command line.

    Raises:
        ClipError: A video cannot be read, or shows no face in its first frame.
        ConfigurationError: Impossible options.
    """
    options = _parser().parse_args(list(arguments))
    rows: list[dict[str, object]] = []
    for name in options.videos:
        clip = open_clip(name, options.fps)
        found = _spotted(clip, options.way, options.any_face)
        print(f"{name}: {_summary(found.intervals, clip)}")
        for interval in sorted(found.intervals, key=lambda interval: interval.onset):
            row = _row(name, interval, clip.fps)
            rows.append(row)
            print("  " + _line(row))
        if options.picture:
            # Here, as what draws is slow to load.
            from lightmannet.pictures.moments import moments_picture

            target = Path(options.picture).expanduser() / f"{Path(name).stem}-moments.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            drawn = moments_picture(str(name), clip.numbers, found.curve, found.intervals, clip.fps)
            write_bytes_atomically(target, drawn)
            print(f"  picture: {target}")
    if options.csv:
        target = Path(options.csv).expanduser()
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, _csv(rows))
        print(f"intervals: {target}")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="lightmannet spot",
        description="List when a face moves in videos. Micro-expressions last half a second at most; what else moves a "
        "face for so short a time may be taken for one.",
    )
    parser.add_argument("videos", nargs="+", help="videos or folders of frames")
    parser.add_argument(
        "--way",
        type=str,
        default="network",
        choices=get_args(Way),
        help="network: trained on rendered faces; matched_filters: shapes of rise and fall; main_direction: as in MDMD",
    )
    parser.add_argument(
        "--fps", type=float, help="frames a second; for folders of frames, or in place of what a video says"
    )
    parser.add_argument(
        "--any-face", action="store_true", help="take the first frame for a face without looking for one"
    )
    parser.add_argument("--picture", type=str, help="folder for a picture over time of each video")
    parser.add_argument("--csv", type=str, help="file for all intervals")
    return parser


def _spotted(clip: ClipFile, way: Way, any_face: bool) -> Spotted:
    with as_clip_error(clip.path):
        first = clip.kept.read(clip.numbers[:1], "gray")[0]
        faces = [whole_frame_face(first)] if any_face else find_faces(first)
        if not faces:
            raise ClipError(
                f"{clip.path}: no face was found in the first frame. Film one face from the front, upright; if "
                "each frame is a face for certain, pass --any-face"
            )
        if len(clip.numbers) < 2:
            raise ClipError(f"{clip.path}: has a single frame, which shows no motion; give a video")
        return spot(clip.chunks("gray"), clip.numbers, faces[0], clip.fps, way)


def _summary(found: Sequence[Interval], clip: ClipFile) -> str:
    kinds = [sum(interval.kind == kind for interval in found) for kind in ("micro", "macro")]
    length = f"{len(clip.numbers)} frames" + (f" at {clip.fps:g} a second" if clip.fps else ", frame rate unknown")
    return f"{kinds[0]} micro- and {kinds[1]} macro-expressions in {length}"


def _row(name: str, interval: Interval, fps: float | None) -> dict[str, object]:
    seconds = {
        "onset_seconds": round(interval.onset / fps, 3) if fps else "",
        "seconds": round((interval.offset - interval.onset) / fps, 3) if fps else "",
    }
    places = {"onset": interval.onset, "apex": interval.apex, "offset": interval.offset}
    return {"video": name, **places, **seconds, "kind": interval.kind, "score": round(interval.score, 3)}


def _line(row: dict[str, object]) -> str:
    after = f" (at {row['onset_seconds']} s, for {row['seconds']} s)" if row["seconds"] != "" else ""
    return (
        f"{row['kind']}: onset {row['onset']}, apex {row['apex']}, offset {row['offset']}{after}, score {row['score']}"
    )


def _csv(rows: Sequence[dict[str, object]]) -> str:
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, _COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return buffer.getvalue()
