"""The command ``lightmannet predict CLIP… --model BUNDLE``: recognise clips, one after the other."""

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jsonargparse import ArgumentParser

from lightmannet.commands.answer_file import AnswerFile, as_json
from lightmannet.errors import ClipError, ConfigurationError, DataError, LightmanNetError
from lightmannet.inference.answer import FILE_NAME, Answer
from lightmannet.inference.bundle import MANIFEST
from lightmannet.inference.clip_file import check_fps, open_clip
from lightmannet.inference.labelled_clips import Wanted, wanted_clips
from lightmannet.inference.look import Span
from lightmannet.inference.recogniser import Recogniser, load
from lightmannet.pictures.captions import model_caption

ALL, SOME, NOTHING = 0, 1, 2
"""Exit codes: all clips were answered (including "can't tell"); some failed; all failed."""


def predict(arguments: Sequence[str]) -> int:
    """Recognise clips and return the exit code.

    Args:
        arguments: Arguments after ``predict`` on the command line.

    Raises:
        ConfigurationError: Invalid options, an output file of another bundle, or an unwritable folder.
        BundleError: The bundle cannot be loaded.
        ClipError: The clips of --support cannot be used.
    """
    options = _parser().parse_args(list(arguments))
    check_fps(options.fps)
    recogniser = load(options.model, options.any_face, (options.allow or "").split(","))
    made_by = _digest(Path(options.model).expanduser() / MANIFEST, options.support, options.any_face)
    interval = _interval(options.interval)
    with _as_fault_of("--output", options.output):
        output = (
            None if options.output in (None, "-") else AnswerFile(Path(options.output), made_by, recogniser.classes)
        )
    for option, folder in (("--picture", options.picture), ("--video", options.video)):
        if folder:
            with _as_fault_of(option, folder):
                _check_folder(Path(folder).expanduser())
    if options.support:
        recogniser = recogniser.adapt(options.support, options.fps)
        print(f"adapted: {recogniser.gain}", file=sys.stderr)
    folders = (options.picture, options.video)
    console = sys.stderr if options.output == "-" else sys.stdout
    names = _Names()
    counts = dict.fromkeys(("answered", "cannot tell", "failed", "skipped"), 0)
    for found in _clips(options.clips):
        if isinstance(found, LightmanNetError):
            counts["failed"] += 1
            print(f"error: {found}", file=sys.stderr)
            continue
        span = found.interval or interval
        name, stem = _key(found.path, span, options.fps), names.of(found.path)
        if output is not None and name in output.finished:
            counts["skipped"] += 1
            continue
        pictures, film = (Path(folder).expanduser() / stem if folder else None for folder in folders)
        answer, error = _answer(recogniser, found, span, options.fps, pictures, film)
        if answer is None:
            counts["failed"] += 1
            print(f"error: {error}", file=sys.stderr)
        else:
            counts["answered" if answer.decision else "cannot tell"] += 1
            print(for_a_person(answer), file=console, flush=True)
        if output is not None:
            output.add(str(found.path), answer, error, name)
        elif options.output == "-":
            print(json.dumps(as_json(str(found.path), answer, error) | {"key": name}), flush=True)
    for what, folder in (("pictures and pages", options.picture), ("films", options.video)):
        if folder:
            print(f"{what}: {folder}", file=sys.stderr)
    if output is not None:
        print(f"answers: {output.path}", file=sys.stderr)
    print(", ".join(f"{number} {what}" for what, number in counts.items() if number), file=sys.stderr)
    good = counts["answered"] + counts["cannot tell"] + counts["skipped"]
    return (SOME if good else NOTHING) if counts["failed"] else ALL


def for_a_person(answer: Answer) -> str:
    """Return an answer as text: a line with the result, one about the model and one per warning."""
    where = ""
    if answer.interval is not None:
        i = answer.interval
        where = f" [{i.source} onset {i.onset}, apex {i.apex}, offset {i.offset}]"
    bars = ", ".join(f"{name} {p:.2f}" for name, p in zip(answer.classes, answer.probabilities, strict=False))
    said = answer.decision or answer.reason
    lines = [f"{answer.clip}: {said}{f' ({bars})' if bars else ''}{where}"]
    others = [found for found in answer.candidates if found != answer.interval]
    lines += [
        f"  also {i.kind}: onset {i.onset}, apex {i.apex}, offset {i.offset}, score {i.score:.2f}" for i in others
    ]
    lines.append(f"  model: {model_caption(answer)}")
    lines += [f"  {warning.severity}: {warning.message}" for warning in answer.warnings if warning.severity != "fatal"]
    return "\n".join(lines)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="lightmannet predict",
        description="Recognise clips with a bundle. Exit code 0: all answered; 1: some failed; 2: all failed. "
        "With --config it is Lightning's verb, which recognises the test people of a run.",
    )
    parser.add_argument("clips", nargs="+", help="videos, folders of frames, folders of clips, or CSV files of clips")
    parser.add_argument("--model", type=str, required=True, help="bundle that lightmannet export wrote")
    parser.add_argument(
        "--allow", type=str, help="classes of the bundle's author that may be run, e.g. my_methods.HalfLoss,my_nets.Net"
    )
    parser.add_argument("--support", type=str, help="labelled clips to adapt to: a folder per class, or a CSV")
    parser.add_argument("--interval", type=str, help="frame numbers of onset,apex,offset")
    parser.add_argument("--fps", type=float, help="frames per second, for folders of frames, or to override a video's")
    parser.add_argument("--any-face", action="store_true", help="treat each frame as a face without face detection")
    parser.add_argument("--picture", type=str, help="folder for a PNG and an HTML page of each answer")
    parser.add_argument("--video", type=str, help="folder for a film (MP4) of each answer")
    parser.add_argument(
        "--output",
        type=str,
        help="file of answers, which a new run continues: CSV if it ends in .csv, else JSON lines; - prints JSON",
    )
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
            yield ClipError(f"{source}: cannot be read ({error.strerror}); check name and permissions")


@contextmanager
def _as_fault_of(option: str, value: str | None) -> Iterator[None]:
    """Report the option whose path cannot be written, before any clip is read."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{option} {value}: cannot be written ({error.strerror}); use another path, or get permission"
        ) from error


def _check_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _answer(
    recogniser: Recogniser, clip: Wanted, span: Span | None, fps: float | None, pictures: Path | None, film: Path | None
) -> tuple[Answer | None, str]:
    """Return the answer for a clip, after drawing it if requested, or None and the error."""
    try:
        if pictures is None and film is None:
            return recogniser.predict(clip.path, span, fps), ""
        return _drawn(recogniser, clip, span, fps, pictures, film), ""
    except (ClipError, DataError) as error:
        return None, str(error)
    except OSError as error:
        return None, f"{clip.path}: cannot be read ({error})"
    except MemoryError:
        return None, f"{clip.path}: does not fit in memory; make its frames smaller"
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        # One damaged file must not stop the others.
        return None, f"{clip.path}: cannot be recognised ({type(error).__name__}: {error})"


def _drawn(
    recogniser: Recogniser, clip: Wanted, span: Span | None, fps: float | None, pictures: Path | None, film: Path | None
) -> Answer:
    """Write pictures and film of an answer and return it."""
    # Imported here because it is slow.
    from lightmannet.pictures.film import write_film
    from lightmannet.pictures.write import write_pictures

    for option, file in (("--picture", pictures), ("--video", film)):
        if file is not None and clip.path.is_dir() and file.parent.resolve() == clip.path.resolve():
            raise ClipError(
                f"{clip.path}: {option} is the folder of this clip, so the answer's files would be mistaken for "
                "its frames; use another folder"
            )
    examination = recogniser.examine(clip.path, span, fps)
    if pictures is not None:
        write_pictures(examination, recogniser.network, pictures.parent, pictures.name)
    if film is not None:
        opened = open_clip(clip.path, fps)
        write_film(examination.answer, opened, examination.candidates, film.with_name(f"{film.name}.mp4"))
    return examination.answer


class _Names:
    """Readable and unique names for the files of answers."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, clip: Path) -> str:
        """Return a name without suffix; duplicates get the folder's name as prefix, or a number."""
        path = clip.expanduser().absolute()
        stem = path.stem if path.is_file() else path.name
        name, number = f"{stem}{FILE_NAME}", 1
        if name in self._taken:
            name = stem = f"{path.parent.name}-{stem}{FILE_NAME}"
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        return name


def _key(clip: Path, span: Span | None, fps: float | None) -> str:
    """Return what an answer depends on besides the bundle: the state of the clip's files, and the options."""
    return f"{clip} {','.join(map(str, span)) if span else 'spotted'} fps={fps} {_state(clip)}"


def _digest(manifest: Path, support: str | None, any_face: bool) -> str:
    """Return a digest of the bundle and the clips that it was adapted to."""
    state = "any face" if any_face else ""
    state += f"{os.path.abspath(support)} {_state(Path(support))}" if support else ""
    return hashlib.sha256(manifest.read_bytes() + state.encode()).hexdigest()[:16]


def _state(path: Path) -> str:
    """Return a digest of the names, sizes and times of a file, or of all files in a folder."""
    path = path.expanduser()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        with contextlib.suppress(OSError):  # unreadable files are reported later
            stat = file.stat()
            digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]
