"""The command ``lightmannet predict CLIP… --model BUNDLE``: answers for clips, one after the other."""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from lightmannet.errors import ClipError, ConfigurationError, LightmanNetError
from lightmannet.inference.answer import Answer, Interval
from lightmannet.inference.bundle import MANIFEST
from lightmannet.inference.clip_file import open_clip
from lightmannet.inference.labelled_clips import Wanted, wanted_clips
from lightmannet.inference.recogniser import Recogniser, Span, load

ALL, SOME, NOTHING = 0, 1, 2
"""Exit codes: all clips were answered (also by "can't tell"), some could not be read, there was nothing to go by."""


def predict(words: Sequence[str]) -> int:
    """Answer for clips and return the exit code.

    Args:
        words: What follows ``predict`` on the command line.

    Raises:
        ConfigurationError: Impossible options, an output file of another bundle, or nowhere to write.
        BundleError: The bundle cannot be loaded.
        ClipError: The clips to adapt to are of no use.
    """
    options = _parser().parse_args(list(words))
    recogniser = load(options.model)
    made_by = _digest(Path(options.model) / MANIFEST, options.support)
    interval = _interval(options.interval)
    with _as_fault_of("--output", options.output):
        output = None if options.output in (None, "-") else _Output(Path(options.output), made_by)
    for option, folder in (("--picture", options.picture), ("--video", options.video)):
        if folder:
            with _as_fault_of(option, folder):
                _check_folder(Path(folder))
    if options.support:
        recogniser = recogniser.adapt(options.support, options.fps)
        print(f"adapted: {recogniser.gain}", file=sys.stderr)
    folders = (options.picture, options.video)
    for_people = sys.stderr if options.output == "-" else sys.stdout
    counts = dict.fromkeys(("answered", "cannot tell", "failed", "skipped"), 0)
    for found in _clips(options.clips):
        if isinstance(found, LightmanNetError):
            counts["failed"] += 1
            print(f"error: {found}", file=sys.stderr)
            continue
        span = found.interval or interval
        name = _key(str(found.path), span)
        if output is not None and name in output.finished:
            counts["skipped"] += 1
            continue
        pictures, film = (Path(folder) / _stem(found.path, name) if folder else None for folder in folders)
        answer, error = _answer(recogniser, found, span, options.fps, pictures, film)
        if answer is None:
            counts["failed"] += 1
            print(f"error: {error}", file=sys.stderr)
        else:
            counts["answered" if answer.decision else "cannot tell"] += 1
            print(for_a_person(answer), file=for_people, flush=True)
        line = {**(asdict(answer) if answer else {"clip": str(found.path), "error": error}), "key": name}
        if output is not None:
            output.add({**line, "made_by": made_by})
        elif options.output == "-":
            print(json.dumps(line), flush=True)
    print(", ".join(f"{number} {word}" for word, number in counts.items() if number), file=sys.stderr)
    good = counts["answered"] + counts["cannot tell"] + counts["skipped"]
    return (SOME if good else NOTHING) if counts["failed"] else ALL


def for_a_person(answer: Answer) -> str:
    """Return an answer in a line, with a line for each warning."""
    where = ""
    if answer.interval is not None:
        i = answer.interval
        where = f" [{i.source} onset {i.onset}, apex {i.apex}, offset {i.offset}]"
    bars = ", ".join(f"{name} {p:.2f}" for name, p in zip(answer.classes, answer.probabilities, strict=False))
    said = answer.decision or answer.reason
    lines = [f"{answer.clip}: {said}{f' ({bars})' if bars else ''}{where}"]
    lines += [f"  {warning.severity}: {warning.message}" for warning in answer.warnings if warning.severity != "fatal"]
    return "\n".join(lines)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="lightmannet predict",
        description="Answer for clips with a bundle. Exit code 0: all answered; 1: some failed; 2: nothing usable. "
        "With --config it is Lightning's verb, which recognises the test people of a run.",
    )
    parser.add_argument("clips", nargs="+", help="videos, folders of frames, folders of clips, or CSV files of clips")
    parser.add_argument("--model", type=str, required=True, help="bundle that lightmannet export wrote")
    parser.add_argument("--support", type=str, help="labelled clips to adapt to: a folder per class, or a CSV")
    parser.add_argument("--interval", type=str, help="frame numbers of onset,apex,offset")
    parser.add_argument("--fps", type=float, help="frames a second; needed for folders of frames")
    parser.add_argument("--picture", type=str, help="folder for a PNG and an HTML page of each answer")
    parser.add_argument("--video", type=str, help="folder for a film of each answer, MP4")
    parser.add_argument("--output", type=str, help="file for one JSON object a line, which a new run goes on; - prints")
    return parser


def _interval(text: str | None) -> Span | None:
    if text is None:
        return None
    try:
        onset, apex, offset = map(int, text.split(","))
    except ValueError:
        raise ConfigurationError(
            f"--interval {text}: three frame numbers are expected, e.g. --interval 10,25,40"
        ) from None
    return onset, apex, offset


def _clips(sources: Sequence[str]) -> Iterator[Wanted | LightmanNetError]:
    for source in sources:
        try:
            yield from wanted_clips(source)
        except LightmanNetError as error:
            yield error
        except OSError as error:
            yield ClipError(f"{source}: cannot be read ({error.strerror}); check its name and its permissions")


@contextmanager
def _as_fault_of(option: str, value: str | None) -> Iterator[None]:
    """Say which option names a place that cannot be written, before any clip is looked at."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{option} {value}: cannot be written ({error.strerror}); name another place, or get permission"
        ) from error


def _check_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _answer(
    recogniser: Recogniser, clip: Wanted, span: Span | None, fps: float | None, pictures: Path | None, film: Path | None
) -> tuple[Answer | None, str]:
    """Answer for a clip, and draw the answer where that is asked for."""
    try:
        if pictures is None and film is None:
            return recogniser.predict(clip.path, span, fps), ""
        return _drawn(recogniser, clip, span, fps, pictures, film), ""
    except ClipError as error:
        return None, str(error)
    except MemoryError:
        return None, f"{clip.path}: does not fit in memory; make its frames smaller"


def _drawn(
    recogniser: Recogniser, clip: Wanted, span: Span | None, fps: float | None, pictures: Path | None, film: Path | None
) -> Answer:
    """Write pictures and film of an answer and return it; where there is no face to show there are no pictures."""
    # Here, as what draws them is slow to load.
    from lightmannet.pictures.film import write_film
    from lightmannet.pictures.write import write_pictures

    try:
        examination = recogniser.examine(clip.path, span, fps)
    except ClipError:
        answer = recogniser.predict(clip.path, span, fps)
        candidates: tuple[Interval, ...] = ()
    else:
        answer, candidates = examination.answer, examination.candidates
        if pictures is not None:
            write_pictures(examination, recogniser.network, pictures.parent, pictures.name)
    if film is not None:
        write_film(answer, open_clip(clip.path, fps), candidates, film.with_name(f"{film.name}.mp4"))
    return answer


def _stem(clip: Path, key: str) -> str:
    """Return a name for a clip's pictures that no other clip has."""
    return f"{clip.name}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def _key(clip: str, span: Span | None) -> str:
    return f"{clip} {span[0]},{span[1]},{span[2]}" if span else clip


def _digest(manifest: Path, support: str | None) -> str:
    """Return a digest of what answers: the bundle, and the clips it adapted to by their place."""
    content = manifest.read_bytes() + (os.path.abspath(support).encode() if support else b"")
    return hashlib.sha256(content).hexdigest()[:16]


class _Output:
    """A file of JSON lines that a killed run leaves whole but for its last line, and a new run goes on.

    Args:
        path: The file; made if missing.
        made_by: Digest of what answers.

    Raises:
        ConfigurationError: The file holds something else, or answers of another bundle.
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, made_by: str) -> None:
        self.path = path
        self.finished: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            file.seek(0)
            whole = 0
            for line in file:
                if not line.endswith(b"\n"):
                    break  # of a run that was killed
                self._take(line, made_by)
                whole += len(line)
            file.truncate(whole)

    def _take(self, line: bytes, made_by: str) -> None:
        try:
            words = json.loads(line)
            same, key = words["made_by"] == made_by, words["key"]
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(f"{self.path}: holds something that is no answers; name another file") from None
        if not same:
            raise ConfigurationError(
                f"{self.path}: holds answers of another bundle or another --support; name another file"
            )
        if "error" not in words:  # what failed is tried again
            self.finished.add(key)

    def add(self, line: dict[str, Any]) -> None:
        """Append a line in one write."""
        with self.path.open("ab") as file:
            file.write((json.dumps(line) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
