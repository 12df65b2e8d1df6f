"""A file of answers, CSV or one JSON object per line, which stays valid if a run is killed and can be continued."""

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightmannet.errors import ConfigurationError
from lightmannet.inference.answer import Answer


class AnswerFile:
    """Appends answers to a file and knows its existing ones.

    Args:
        path: The file, created if missing; CSV if it ends in ``.csv``, otherwise one JSON object per line.
        made_by: Digest of the bundle and its options.
        classes: Names of the classes.

    Raises:
        ConfigurationError: The file contains something else, or answers of another bundle.
        OSError: It cannot be written.

    Attributes:
        finished: Keys of the answers in the file, without failed ones, which are tried again.
    """

    def __init__(self, path: Path, made_by: str, classes: Sequence[str]) -> None:
        self.path = path.expanduser()
        self.finished: set[str] = set()
        self._made_by = made_by
        self._csv = self.path.suffix.lower() == ".csv"
        self._columns = [
            *("clip", "decision", "reason", *(f"probability_{name}" for name in classes)),
            *("onset", "apex", "offset", "kind", "source", "candidates", "warnings", "learned_from", "score"),
            *("error", "key", "made_by"),
        ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            file.seek(0)
            whole = 0
            for line in file:
                if not line.endswith(b"\n"):
                    break  # of a run that was killed
                self._take(line.decode("utf-8", "replace"))
                whole += len(line)
            file.truncate(whole)
            if self._csv and not whole:
                file.write(self._line(self._columns))

    def add(self, clip: str, answer: Answer | None, error: str, key: str) -> None:
        """Append the answer for a clip, or its error, in one write.

        Args:
            clip: The clip's path.
            answer: The answer, or None.
            error: What went wrong where there is no answer.
            key: What the answer depends on.
        """
        made = {"key": key, "made_by": self._made_by}
        if self._csv:
            row = {"clip": clip, "error": error, **(_flat(answer) if answer else {}), **made}
            line = self._line([row.get(name, "") for name in self._columns])
        else:
            line = (json.dumps(as_json(clip, answer, error) | made) + "\n").encode()
        with self.path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _take(self, line: str) -> None:
        try:
            values = next(csv.reader([line])) if self._csv else []
            if values == self._columns:
                return
            row = dict(zip(self._columns, values, strict=True)) if self._csv else json.loads(line)
            same, key = row["made_by"] == self._made_by, row["key"]
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(f"{self.path}: contains something other than answers; use another file") from None
        if not same:
            raise ConfigurationError(
                f"{self.path}: contains answers of another bundle or another --support; use another file"
            )
        if not row.get("error"):
            self.finished.add(key)

    def _line(self, values: Sequence[Any]) -> bytes:
        buffer = io.StringIO()
        # A line break within a value would look like the end of a line after a kill.
        csv.writer(buffer, lineterminator="\n").writerow([" ".join(str(value).split()) for value in values])
        return buffer.getvalue().encode()


def as_json(clip: str, answer: Answer | None, error: str) -> dict[str, Any]:
    """Return an answer as plain values, or the clip and its error."""
    return asdict(answer) if answer else {"clip": clip, "error": error}


def _flat(answer: Answer) -> dict[str, Any]:
    interval = answer.interval
    return {
        "decision": answer.decision or "",
        "reason": answer.reason,
        **{f"probability_{name}": f"{p:.6f}" for name, p in zip(answer.classes, answer.probabilities, strict=False)},
        **(
            {name: getattr(interval, name) for name in ("onset", "apex", "offset", "kind", "source")}
            if interval
            else {}
        ),
        "candidates": " | ".join(f"{i.kind} {i.onset}-{i.apex}-{i.offset} ({i.score:.2f})" for i in answer.candidates),
        "warnings": " | ".join(warning.message for warning in answer.warnings),
        "learned_from": answer.learned_from,
        "score": answer.score,
    }
