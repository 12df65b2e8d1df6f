"""One's own clips in a folder: ``class/clip`` or ``subject/class/clip``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from data_modules.annotations import NO_SUBJECT, Annotation, Kind, Place, Report
from data_modules.clip_folder import clips_in
from data_modules.databases.own import OwnDatabase, OwnFiles, own_description
from data_modules.databases.sheets import Source
from data_modules.databases.tree import files, folders
from data_modules.video.image_folder import SUFFIXES as IMAGES
from lightmannet.errors import ClipError, ConfigurationError, DataError, faults_message

Layout = Literal["class/clip", "subject/class/clip", "class/subject/clip"]

_PAIR = re.compile(r"(?P<clip>.*?)[-_. ]?(?P<moment>neutral|onset|apex)", re.IGNORECASE)


class FolderDatabase(OwnDatabase):
    """Reader of a folder of labelled clips; the folders that a clip lies in name its class and its subject.

    A clip is a video, a folder of frames with numbers in their names, or a pair of pictures: ``x_onset.png`` (or
    ``x_neutral.png``) and ``x_apex.png``, or ``onset.png`` and ``apex.png`` in a folder of their own. It begins at the
    onset and ends at the offset; where the apex is, ``missing_apex`` of the corpus decides, and a pair says itself. All
    are micro-expressions, unless the folder holds two, ``micro`` and ``macro``, that are laid out so.

    Args:
        root: The folder; None takes the environment variable ``OWN_CLIPS``.
        layout: What the folders mean; None takes ``class/clip`` or ``subject/class/clip`` by how deep the clips lie.
        subject: Regular expression whose first group is the subject in a clip's name, for ``class/clip``.
        name: First part of the clips' ids; None takes the folder's name.
        fps: Frames per second of clips that do not say; None for unknown. Nothing that is learned depends on it.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.

    Raises:
        ConfigurationError: No such layout, no valid regular expression with a group, or an impossible name.
    """

    description = own_description(
        "folder",
        "OWN_CLIPS",
        """\
FOLDER/
  anna/happy/clip1.mp4 …      subject/class/clip; a clip is a video, a folder of frames, or two pictures
  happy/clip1.mp4 …           or class/clip, where nothing names the subjects""",
    )

    def __init__(
        self,
        root: str | None = None,
        layout: Layout | None = None,
        subject: str | None = None,
        name: str | None = None,
        fps: float | None = None,
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, name, fps, faulty)
        if layout not in (None, *get_args(Layout)):
            raise ConfigurationError(f"layout: {layout!r} is not one of {', '.join(get_args(Layout))}.")
        self.layout = layout
        try:
            self.subject = re.compile(subject) if subject else None
        except re.error as error:
            raise ConfigurationError(f"subject: {subject!r} is no regular expression ({error}).") from error
        if self.subject is not None and not self.subject.groups:
            raise ConfigurationError(f"subject: {subject!r} has no group that is the subject, e.g. (s[0-9]+)_.*")

    def clips(self, root: Path, report: Report) -> list[tuple[Annotation, OwnFiles]]:
        """Return the clips, in the order of their paths."""
        parts: dict[str, tuple[Kind, Path]] = {"": ("micro", root)}
        if {folder.name.lower() for folder in folders(root)} == {"micro", "macro"}:
            kinds: dict[str, Kind] = {"micro": "micro", "macro": "macro"}
            parts = {path.name: (kinds[path.name.lower()], path) for path in folders(root)}
        found = []
        for kind, base in parts.values():
            clips = list(self._below(base, report))
            layout = self.layout or self._layout(base, clips)
            found += [self._clip(path, files, kind, base, layout, report) for path, files in clips]
        return [clip for clip in found if clip is not None]

    def _below(self, base: Path, report: Report) -> Iterator[tuple[Path, OwnFiles]]:
        """Yield each clip's place, whose parent folders name it, and its files."""
        try:
            for clip in clips_in(base, lambda text: report.note(self.description.title, text)):
                if isinstance(clip, ClipError):
                    report.fault(self.description.title, str(clip))
                    continue
                pairs = _pairs(clip) if clip.is_dir() else {}
                yield from pairs.items() if pairs else [(clip, OwnFiles(clip))]
        except ClipError as error:
            raise DataError(str(error)) from error

    def _layout(self, base: Path, clips: list[tuple[Path, OwnFiles]]) -> Layout:
        """Return the layout that the clips' depth tells.

        Raises:
            DataError: They lie at several depths, or at one that no layout has.
        """
        layouts: dict[int, Layout] = {2: "class/clip", 3: "subject/class/clip"}
        depths = {len(path.relative_to(base).parts) for path, _ in clips}
        if len(depths) == 1 and (layout := layouts.get(depths.pop())):
            return layout
        first: dict[int, str] = {}
        for path, _ in clips:
            first.setdefault(len(path.relative_to(base).parts), str(path.relative_to(base)))
        examples = [
            f"{place}: {layouts.get(depth, 'too deep' if depth > 3 else 'in no folder of a class')}"
            for depth, place in sorted(first.items())
        ]
        raise DataError(
            faults_message("class/clip or subject/class/clip is expected, the same for all clips", examples)
        )

    def _clip(
        self, path: Path, files: OwnFiles, kind: Kind, base: Path, layout: Layout, report: Report
    ) -> tuple[Annotation, OwnFiles] | None:
        place = path.relative_to(base)
        names = dict(zip(layout.split("/"), place.parts, strict=False))
        if len(place.parts) != len(names) or len(names) != len(layout.split("/")):
            report.fault(str(place), f"{layout} is expected; move the clip, or set layout")
            return None
        subject = names.get("subject", NO_SUBJECT)
        if self.subject is not None and "subject" not in names:
            match = self.subject.match(place.name)
            if match is None or not match[1]:
                report.fault(str(place), f"its name does not match subject: {self.subject.pattern!r}")
                return None
            subject = match[1]
        annotation = Annotation(
            subject=subject,
            # The same file name may occur in the folders of two classes or kinds.
            clip=f"{'macro-' if kind == 'macro' else ''}{names['class']}-{place.name}",
            kind=kind,
            onset=Place.FIRST,
            apex=None if files.neutral is None else Place.LAST,
            offset=Place.LAST,
            emotion=names["class"],
            source=Source(str(path.relative_to(base.parent if base.name.lower() == kind else base))),
        )
        return annotation, files


def _pairs(folder: Path) -> dict[Path, OwnFiles]:
    """Return the pairs of pictures in a folder, by place; empty where its pictures are the frames of a clip."""
    pairs: dict[str, dict[str, Path]] = {}
    pictures = files(folder, IMAGES)
    for path in pictures:
        match = _PAIR.fullmatch(path.stem)
        if match is None:
            return {}
        moment = "apex" if match["moment"].lower() == "apex" else "neutral"
        pairs.setdefault(match["clip"], {})[moment] = path
    if any(len(pair) != 2 for pair in pairs.values()) or len(pictures) != 2 * len(pairs):
        return {}
    return {folder / clip if clip else folder: OwnFiles(p["apex"], p["neutral"]) for clip, p in pairs.items()}
