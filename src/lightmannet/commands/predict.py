"""The command ``lightmannet predict CLIP… --model BUNDLE``: answers for clips, one after the other."""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jsonargparse import ArgumentParser

from lightmannet.errors import ClipError, ConfigurationError, LightmanNetError
from lightmannet.inference.answer import ClipAnswer, Interval, Span
from lightmannet.inference.answers_file import AnswersFile, digest_of_model, key_of, values
from lightmannet.inference.clip_file import check_fps, open_clip
from lightmannet.inference.labelled_clips import Wanted, labelled_clips, wanted_clips
from lightmannet.inference.recogniser import Recogniser, load

ALL, SOME, NOTHING = 0, 1, 2
"""Exit codes: all clips were answered (also by "can't tell"), some failed, none could be answered."""


def predict(arguments: Sequence[str]) -> int:
    """Answer for clips and return the exit code.

    Args:
        arguments: What follows ``predict`` on the command line.

    Raises:
        ConfigurationError: Impossible options, an output file of another model, or a place that cannot be written.
        BundleError: The bundle cannot be loaded.
        ClipError: The clips to adapt to are of no use.
    """
    options = _parser().parse_args(list(arguments))
    interval = _interval(options.interval)
    check_fps(options.fps)
    model, support = (None if path is None else Path(path).expanduser() for path in (options.model, options.support))
    assert model is not None
    recogniser = load(model, options.any_face)
    output = None
    if options.output not in (None, "-"):
        own = labelled_clips(support, recogniser.classes) if support else []
        with _as_fault_of("--output", options.output):
            file = Path(options.output).expanduser()
            output = AnswersFile(file, digest_of_model(model, own, options.any_face), recogniser.classes)
    pictures, films = _folder("--picture", options.picture), _folder("--video", options.video)
    if support:
        recogniser = recogniser.adapt(support, options.fps)
        print(f"adapted: {recogniser.gain}", file=sys.stderr)
    console = sys.stderr if options.output == "-" else sys.stdout
    counts = dict.fromkeys(("answered", "cannot tell", "failed", "skipped"), 0)
    names = _Names()
    for found in _clips(options.clips):
        if isinstance(found, LightmanNetError):
            counts["failed"] += 1
            print(f"error: {found}", file=sys.stderr)
            continue
        span = found.interval or interval
        key, stem = key_of(found.path, span, options.fps), names.of(found.path)
        if output is not None and key in output.finished:
            counts["skipped"] += 1
            continue
        answer, files, error = _answer(recogniser, found.path, span, options.fps, pictures, films, stem)
        if answer is None:
            counts["failed"] += 1
            print(f"error: {error}", file=sys.stderr)
        else:
            counts["answered" if answer.decision else "cannot tell"] += 1
            print(for_a_person(answer), *(f"  written: {file}" for file in files), sep="\n", file=console, flush=True)
        if output is not None:
            output.add(found.path, key, answer, error)
        elif options.output == "-":
            print(json.dumps({**values(found.path, answer, error), "key": key}), flush=True)
    print(", ".join(f"{number} {word}" for word, number in counts.items() if number), file=sys.stderr)
    good = counts["answered"] + counts["cannot tell"] + counts["skipped"]
    return (SOME if good else NOTHING) if counts["failed"] else ALL


def for_a_person(answer: ClipAnswer) -> str:
    """Return an answer in a line, followed by its warnings, what the model has learned from and its score."""
    where = ""
    if answer.interval is not None:
        i = answer.interval
        where = f" [{i.source} onset {i.onset}, apex {i.apex}, offset {i.offset}]"
    bars = ", ".join(f"{name} {p:.2f}" for name, p in zip(answer.classes, answer.probabilities, strict=False))
    said = answer.decision or answer.reason
    lines = [f"{answer.clip}: {said}{f' ({bars})' if bars else ''}{where}"]
    lines += [f"  {warning.severity}: {warning.message}" for warning in answer.warnings if warning.severity != "fatal"]
    return "\n".join([*lines, f"  model: {answer.model.learned_from} {answer.model.score}"])


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
    parser.add_argument("--any-face", action="store_true", help="take each frame for a face without looking for one")
    parser.add_argument("--picture", type=str, help="folder for a PNG and an HTML page of each answer")
    parser.add_argument("--video", type=str, help="folder for a film of each answer, MP4")
    parser.add_argument(
        "--output", type=str, help="file that a new run continues: .csv, or else one JSON object per line; - prints"
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
            yield from wanted_clips(Path(source).expanduser())
        except LightmanNetError as error:
            yield error
        except (OSError, RuntimeError) as error:
            yield ClipError(f"{source}: cannot be read ({error}); check its name and its permissions")


@contextmanager
def _as_fault_of(option: str, value: str) -> Iterator[None]:
    """Name the option whose place cannot be written, before any clip is read."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{option} {value}: cannot be written ({error.strerror}); name another place, or get permission"
        ) from error


def _folder(option: str, value: str | None) -> Path | None:
    """Make the folder of an option and check that it can be written."""
    if not value:
        return None
    folder = Path(value).expanduser()
    with _as_fault_of(option, value):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    return folder


class _Names:
    """Readable names for the files of answers, different within a run."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def of(self, clip: Path) -> str:
        """Return a name without suffix; of clips of one name, the later ones get their folder's name or a number."""
        path = clip.absolute()
        stem = path.stem if path.is_file() else path.name
        for name in (stem, f"{path.parent.name}-{stem}"):
            if name not in self._taken:
                break
        count = self._taken[name] = self._taken.get(name, 0) + 1
        return f"{name}-{count}-answer" if count > 1 else f"{name}-answer"


def _answer(
    recogniser: Recogniser,
    clip: Path,
    span: Span | None,
    fps: float | None,
    pictures: Path | None,
    films: Path | None,
    stem: str,
) -> tuple[ClipAnswer | None, list[Path], str]:
    """Answer for a clip and draw the answer; return it, the files that were written, or an error."""
    candidates: tuple[Interval, ...] = ()
    examination = None
    try:
        if pictures is None and films is None:
            answer = recogniser.predict(clip, span, fps)
        else:
            examination = recogniser.examine(clip, span, fps)
            answer, candidates = examination.answer, examination.candidates
    except ConfigurationError:
        raise
    except LightmanNetError as error:
        return None, [], str(error)
    except MemoryError:
        return None, [], f"{clip}: does not fit in memory; make its frames smaller"
    except Exception as error:  # what a decoder makes of one damaged file must not end a batch
        return None, [], f"{clip}: cannot be answered for ({type(error).__name__}: {error})"
    files: list[Path] = []
    # Here, as what draws them is slow to load.
    if pictures is not None and examination is not None:
        from lightmannet.pictures.write import write_pictures

        files += write_pictures(examination, recogniser.network, pictures, stem)
    if films is not None:
        from lightmannet.pictures.film import write_film

        try:
            write_film(answer, open_clip(clip, fps), candidates, films / f"{stem}.mp4")
            files.append(films / f"{stem}.mp4")
        except ClipError as error:
            return None, files, str(error)
    return answer, files, ""
