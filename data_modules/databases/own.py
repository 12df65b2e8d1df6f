"""What the readers of own clips share: any classes, any names, and files anywhere."""

import math
import os
import re
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from data_modules.annotations import NO_SUBJECT, Annotation, Kind, ParsedAnnotation, Report, parse_annotations
from data_modules.clip_table import ClipRow, clip_row
from data_modules.databases.base import Database, Description, Expected
from data_modules.databases.tree import inside
from data_modules.video.frames import FrameReader, open_frames
from data_modules.video.video_file import VideoFile
from lightmannet.errors import ConfigurationError, DataError


@dataclass(frozen=True)
class OwnFiles:
    """Where a clip's frames are.

    Attributes:
        path: A video, a folder of frames or, of a pair, the picture of the expression.
        neutral: Of a pair, the picture of the neutral face; None for other clips.
    """

    path: Path
    neutral: Path | None = None


class OwnDatabase(Database):
    """Reader of own labelled clips.

    Args:
        root: Folder or table of the clips; None takes the environment variable of the reader.
        name: First part of the clips' ids; None takes the name of the folder or table.
        fps: Frames per second of clips that do not say; None for unknown. Nothing that is learned depends on it.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.

    Raises:
        ConfigurationError: An impossible name.
    """

    def __init__(
        self,
        root: str | None = None,
        name: str | None = None,
        fps: float | None = None,
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        if name is not None and not re.fullmatch(r"[\w.+-]*\w[\w.+-]*", name):
            raise ConfigurationError(f"name: {name!r} becomes part of ids, so it is made of letters, digits, - and _.")
        given = root or os.environ.get(type(self).description.variable) or ""
        stem = re.sub(r"[^\w.+-]+", "_", Path(os.path.expanduser(given)).stem) or type(self).description.name
        self.fps = fps
        self.description = replace(type(self).description, name=name or stem, title=name or stem)
        self._files: dict[tuple[str, str], OwnFiles] = {}

    @property
    def address(self) -> str:
        """What ``lightmannet databases check`` calls it: its path."""
        return self.root or os.environ.get(self.description.variable) or self.description.name

    @abstractmethod
    def clips(self, root: Path, report: Report) -> list[tuple[Annotation, OwnFiles]]:
        """Return the labelled clips; what cannot be understood is in the report.

        Args:
            root: The folder, or that of the table.
            report: Collects faults and notes.

        Raises:
            DataError: There is no clip, or the table cannot be read.
        """

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the clips; their labels become the emotions of the description."""
        found = self.clips(root, report)
        self._files = {(clip.subject, clip.clip): files for clip, files in found}
        annotations = [clip for clip, _ in found]
        if any(clip.subject == NO_SUBJECT for clip in annotations):
            report.note(
                self.description.title, "no subject is named, so the clips can be looked at, but nothing can be trained"
            )
        kinds: tuple[Kind, ...] = ("micro", "macro")
        self.description = replace(
            self.description,
            emotions=tuple(sorted({str(clip.emotion).lower() for clip in annotations})),
            expected={kind: Expected() for kind in kinds if any(clip.kind == kind for clip in annotations)},
        )
        return annotations

    def expressions(self, report: Report) -> list[ParsedAnnotation]:
        """Return the labelled clips, parsed, without looking for frames; corrections are for public databases only.

        Raises:
            DataError: As ``clips``.
        """
        root = self.folder()
        try:
            found = self.annotations(root, report)
        except DataError as error:
            raise DataError(f"{self.description.title} in {root}: {error}") from error
        # 1 stands for an unknown rate until the frames are opened.
        return parse_annotations(found, self.fps or 1.0, self.description.emotions, report)

    def kinds(self) -> tuple[Kind, ...]:
        """Return which kinds of expressions there are, without looking at frames.

        Raises:
            DataError: As ``clips``.
        """
        self.expressions(Report())
        return tuple(self.description.expected)

    def labels(self) -> tuple[str, ...]:
        """Return the labels of the micro-expressions in lower case, sorted, without looking at frames.

        Raises:
            DataError: As ``clips``.
        """
        found = [e for e in self.expressions(Report()) if e.annotation.kind == "micro"]
        return tuple(sorted({str(expression.emotion).lower() for expression in found}))

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the clip's video, folder of frames or picture of the expression."""
        return self._files[annotation.subject, annotation.clip].path

    def _row(
        self, root: Path, expression: ParsedAnnotation, opened: Callable[[Path, Path, int], FrameReader], report: Report
    ) -> ClipRow | None:
        files = self._files[expression.annotation.subject, expression.annotation.clip]
        # One's own files may be links, or lie elsewhere; a path below the folder lets the collection be moved.
        if not all(inside(path, root) for path in (files.path, files.neutral or files.path)):
            root = Path(files.path.absolute().anchor)
        frames = open_frames(files.path, root, neutral=files.neutral) if files.neutral else opened(files.path, root, 0)
        name = self.description.name
        row = clip_row(expression, name, name, root, files.path, frames, report)
        if row is None:
            return None
        if expression.annotation.fps is None and self.fps is None:
            row = replace(row, fps=(frames.index.fps or math.nan) if isinstance(frames, VideoFile) else math.nan)
        return replace(row, neutral=files.neutral)


def own_description(name: str, variable: str, tree: str) -> Description:
    """Return the description of a reader of own clips, before reading any.

    Args:
        name: Short name of the reader, until clips are named.
        variable: Environment variable that may name the root.
        tree: Layout of the root, as text.
    """
    return Description(
        name=name,
        title=f"own clips ({name})",
        variable=variable,
        fps=1,
        emotions=(),
        expected={},
        certainty="several sources agree",
        licence="your own",
        request="",
        tree=tree,
    )
