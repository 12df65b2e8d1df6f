"""A file of answers, JSON lines or CSV, that a new run continues."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightmannet.errors import ConfigurationError
from lightmannet.inference.answer import ClipAnswer, Span
from lightmannet.inference.bundle import MANIFEST
from lightmannet.inference.labelled_clips import Wanted

_INTERVAL = ("onset", "apex", "offset", "source")


class AnswersFile:
    """A file with a line per clip, which a killed run leaves whole but for its last line.

    Args:
        path: The file, ``.csv`` for CSV and else JSON lines; made if missing.
        made_by: Digest of what answers; see ``digest_of_model``.
        classes: Names of the classes.

    Raises:
        ConfigurationError: The file holds something else, or answers of another model.
        OSError: It cannot be written.

    Attributes:
        finished: Keys of the clips that were answered.
    """

    def __init__(self, path: Path, made_by: str, classes: Sequence[str]) -> None:
        self.path, self.finished = path, set[str]()
        self._made_by = made_by
        self._columns = csv_columns(classes) if path.suffix.lower() == ".csv" else None
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            file.seek(0)
            whole = 0
            for line in file:
                if not line.endswith(b"\n"):
                    break  # of a run that was killed
                self._take(line, header=whole == 0)
                whole += len(line)
            file.truncate(whole)
            if self._columns and not whole:
                file.write(_csv_line(self._columns))

    def add(self, clip: Path, key: str, answer: ClipAnswer | None, error: str = "") -> None:
        """Append a clip's answer, or why there is none, in one write."""
        if self._columns is None:
            content = {**values(clip, answer, error), "key": key, "made_by": self._made_by}
            line = (json.dumps(content) + "\n").encode()
        else:
            row = csv_row(clip, answer, error) | {"key": key, "made_by": self._made_by}
            line = _csv_line([row.get(column, "") for column in self._columns])
        with self.path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _take(self, line: bytes, header: bool) -> None:
        try:
            if self._columns is None:
                content = json.loads(line)
                failed = "error" in content
            else:
                cells = next(csv.reader([line.decode()]))
                if header:
                    if cells != self._columns:
                        raise KeyError("columns")
                    return
                content = dict(zip(self._columns, cells, strict=True))
                failed = bool(content["error"])
            made_by, key = content["made_by"], content["key"]
        except (ValueError, KeyError, TypeError, StopIteration):
            raise ConfigurationError(
                f"{self.path}: does not hold answers of this program and these classes; name another file"
            ) from None
        if made_by != self._made_by:
            raise ConfigurationError(
                f"{self.path}: holds answers of another bundle, other --support or another --any-face; name another "
                "file"
            )
        if not failed:  # what failed is tried again
            self.finished.add(key)


def values(clip: Path, answer: ClipAnswer | None, error: str) -> dict[str, Any]:
    """Return an answer, or why there is none, as plain values."""
    return asdict(answer) if answer is not None else {"clip": str(clip), "error": error}


def csv_columns(classes: Sequence[str]) -> list[str]:
    """Return the columns of a CSV of answers."""
    probabilities = [f"probability {name}" for name in classes]
    before, after = ("clip", "decision"), ("reason", "warnings", "learned_from", "score", "error", "key", "made_by")
    return [*before, *probabilities, *_INTERVAL, *after]


def csv_row(clip: Path, answer: ClipAnswer | None, error: str) -> dict[str, Any]:
    """Return an answer, or why there is none, by column; "can't tell" is an empty decision with its reason."""
    if answer is None:
        return {"clip": str(clip), "error": error}
    pairs = zip(answer.classes, answer.probabilities, strict=False)
    found = answer.interval
    return {
        "clip": str(clip),
        "decision": answer.decision or "",
        **{f"probability {name}": f"{probability:.6f}" for name, probability in pairs},
        **({name: getattr(found, name) for name in _INTERVAL} if found else {}),
        "reason": answer.reason,
        "warnings": " ".join(warning.code for warning in answer.warnings),
        "learned_from": answer.model.learned_from,
        "score": answer.model.score,
    }


def key_of(clip: Path, span: Span | None, fps: float | None) -> str:
    """Return a digest of what decides a clip's answer beside the model: its content, the interval, the frame rate."""
    return _digest([str(clip), *_identity(clip), str(span), str(fps)])


def digest_of_model(bundle: Path, support: Sequence[Wanted], any_face: bool) -> str:
    """Return a digest of what answers: the bundle, the content of the clips it adapts to, whether any face will do."""
    clips = [part for clip in support for part in (clip.label, str(clip.interval), *_identity(clip.path))]
    manifest = hashlib.sha256((bundle / MANIFEST).read_bytes()).hexdigest()
    return _digest([manifest, str(any_face), *clips])


def _identity(clip: Path) -> Iterator[str]:
    """Yield name, size and time of a file, or of the files in a folder."""
    try:
        for file in sorted(clip.iterdir()) if clip.is_dir() else [clip]:
            status = file.stat()
            yield f"{file.name} {status.st_size} {status.st_mtime_ns}"
    except OSError:
        yield "cannot be read"


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _csv_line(cells: Sequence[Any]) -> bytes:
    text = io.StringIO()
    # One line per clip, so that a half-written one is recognised.
    csv.writer(text, lineterminator="\n").writerow([" ".join(str(cell).split()) for cell in cells])
    return text.getvalue().encode()
