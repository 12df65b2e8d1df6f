"""Motion that somebody has computed, read from files: no faces, so labs can share it."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float64
from safetensors import SafetensorError, safe_open

from data_modules.annotations import Kind
from data_modules.clip_table import ClipRow
from data_modules.corpus import Corpus, CorpusSource
from data_modules.databases.sheets import Source
from data_modules.flow import LOW, STRAIN, optical_strain
from data_modules.representations.base import LARGEST, SMALLEST
from data_modules.scaling import STRETCHED, Scaling, stretch
from data_modules.schemes import Scheme, read_scheme
from lightmannet.episode import Clips, concatenate
from lightmannet.errors import AbsentDataError, ConfigurationError, DataError, faults_message

ROOT_VARIABLE = "MACRO_MOTION_ROOT"
SUFFIXES = (".npz", ".safetensors")

_RULE = "motion_files"
"""What schemes call files whose names they don't know."""


@dataclass(frozen=True)
class MotionFile:
    """One file of computed motion: a database of its own, which has the name of the file.

    A ``.npz`` file holds the arrays ``motion`` (clip, height, width, channel) with the channels u (to the right), v
    (downwards) and, if it likes, strain; ``emotion`` and ``subject``, a text a clip; and, if it likes, ``clip``, a
    name a clip. A ``.safetensors`` file holds the tensor ``motion``, and the texts as JSON lists in its metadata.

    Attributes:
        file: Its name within the root.
        unit: Width of the image in the unit that u and v are in: 28 for pixels of a grid of 28, 112 for motion measured
            in frames of 112 pixels and averaged, 1 for shares of the width; ``stretched`` for images whose channels
            were each stretched to a range of their own, which need the strain channel.
    """

    file: str
    unit: float | Literal["stretched"]

    def __post_init__(self) -> None:
        if isinstance(self.unit, str) and self.unit != "stretched":
            raise ConfigurationError(f"{self.file}: unit is a width or stretched, not {self.unit!r}")
        if not isinstance(self.unit, str) and not 0 < self.unit < np.inf:
            raise ConfigurationError(f"{self.file}: unit is a width greater than 0, not {self.unit}")


class MotionFiles(CorpusSource):
    """Clips of computed motion, one image a clip.

    Where the unit is known, strain is computed again from u and v, so that it has the same unit everywhere, and the
    scaling is absolute: the largest motion and the largest strain of all clips reach the end of the range, so that
    nothing is clipped. ``MacroSets`` converts it to that of other images.

    Args:
        files: The files, each with its unit; either all of them are stretched or none is.
        root: Their folder; None takes the environment variable ``MACRO_MOTION_ROOT``.
        kind: What they show: ``macro``- or ``micro``-expressions.
        scheme: Classes: a name in ``data_modules/schemes``, or the path of a YAML file of that form. A file that is
            named like a database uses the scheme's rule for it, any other the rule for ``motion_files``.

    Raises:
        ConfigurationError: No file, one named twice, or absolute and stretched ones together.
    """

    def __init__(
        self, files: list[MotionFile], root: str | None = None, kind: Kind = "macro", scheme: str = "megc2019"
    ) -> None:
        if not files:
            raise ConfigurationError("files: name at least one file of motion.")
        twice = [name for name, count in Counter(Path(each.file).stem for each in files).items() if count > 1]
        if twice:
            raise ConfigurationError(f"files: {twice[0]} is named twice; the name of a file is that of its database.")
        if len({each.unit == "stretched" for each in files}) > 1:
            raise ConfigurationError(
                "files: some are stretched, so that their amplitude is lost, and some are not; give these and those as "
                "two corpora to MacroSets."
            )
        self.files, self.root, self.kind, self.scheme = files, root, kind, scheme

    def load(self) -> Corpus:
        """Read the files.

        Raises:
            AbsentDataError: No root folder is given, or it has none of the files.
            DataError: A file is missing, damaged or contradictory; the message lists every fault.
            ConfigurationError: The scheme cannot be read.
        """
        scheme = read_scheme(self.scheme)
        folder = self._folder()
        faults: list[str] = []
        parts = [part for file in self.files if (part := _read(folder, file, self.kind, scheme, faults)) is not None]
        if not faults:
            faults += _disagreements(self.files, parts, scheme)
        if faults:
            raise DataError(faults_message(f"Motion files in {folder}", faults))
        clips, scaling = _stored(reduce(concatenate, parts), self.files[0].unit == "stretched")
        return Corpus(
            name="+".join(Path(each.file).stem for each in self.files),
            classes=scheme.classes,
            micro=clips if self.kind == "micro" else clips.select([]),
            macro=clips if self.kind == "macro" else None,
            scaling=scaling,
            synthetic=False,
        )

    def _folder(self) -> Path:
        given = self.root or os.environ.get(ROOT_VARIABLE)
        if not given:
            raise AbsentDataError(
                f"{', '.join(each.file for each in self.files)}: no root folder is given ({ROOT_VARIABLE} is not set). "
                f"Set `root:` or the environment variable {ROOT_VARIABLE} to the folder that holds them."
            )
        folder = os.path.expanduser(given)
        if not os.path.isdir(folder):
            raise DataError(
                f"Motion files: {'root' if self.root else ROOT_VARIABLE} names {given!r}, which is not a folder."
            )
        if not any(os.path.exists(os.path.join(folder, each.file)) for each in self.files):
            raise AbsentDataError(f"{', '.join(each.file for each in self.files)}: no such file in {folder}.")
        return Path(folder)


Raw = tuple[np.ndarray, dict[str, Sequence[str]]]
"""What a file holds: motion, and the texts of each clip by the name of their list."""


def _read(folder: Path, file: MotionFile, kind: Kind, scheme: Scheme, faults: list[str]) -> Clips | None:
    """Return the clips of a file, or None and faults."""
    path = folder / file.file
    before = len(faults)
    try:
        motion, texts = _open(path)
        texts.setdefault("clip", [f"{number:04d}" for number in range(len(texts["subject"]))])
    except DataError as error:
        faults.append(f"{file.file}: {error}")
        return None
    faults += [f"{file.file}: {fault}" for fault in _form_faults(motion, texts, file)]
    if len(faults) > before:
        return None
    rows = _rows(path, texts, kind, scheme)
    ids = [f"{path.stem}/{row.subject}/{row.clip}" for row in rows]
    faults += [f"{file.file}: clip {name} stands {count} times" for name, count in Counter(ids).items() if count > 1]
    try:
        labels = scheme.labels(rows)
    except DataError as error:
        # Its first line is a headline, and the others are faults.
        faults += [f"{file.file}: {line.strip().removeprefix('- ')}" for line in str(error).splitlines()[1:]]
        return None
    kept = [index for index, label in enumerate(labels) if label is not None]
    if not kept:
        faults.append(f"{file.file}: no clip has a class of the scheme {scheme.name}")
    if len(faults) > before:
        return None
    return Clips(
        inputs=torch.from_numpy(_channels(motion[kept], file.unit))[:, None],
        labels=torch.tensor([label for label in labels if label is not None], dtype=torch.int64),
        subjects=tuple(rows[index].subject_id for index in kept),
        ids=tuple(ids[index] for index in kept),
    )


def _disagreements(files: Sequence[MotionFile], parts: Sequence[Clips], scheme: Scheme) -> list[str]:
    """Return the faults of individually valid files taken together."""
    faults = []
    if len({part.inputs.shape[-1] for part in parts}) > 1:
        sizes = ", ".join(f"{file.file} {part.inputs.shape[-1]}" for file, part in zip(files, parts, strict=True))
        faults.append(f"images of one size are expected, not {sizes} pixels")
    seen = {label for part in parts for label in part.labels.tolist()}
    missing = [name for label, name in enumerate(scheme.classes) if label not in seen]
    if missing:
        faults.append(f"no clip of class {', '.join(missing)}; add a file that has some")
    return faults


def _stored(clips: Clips, stretched: bool) -> tuple[Clips, Scaling]:
    """Return the clips with their channels in [-0.5, 0.5], and how they are scaled."""
    inputs = clips.inputs
    if stretched:
        return replace(clips, inputs=inputs.float()), STRETCHED
    motion = inputs[:, :, :STRAIN].abs().max().item() or 1.0  # without any motion, any scale will do
    strain = inputs[:, :, STRAIN].max().item() or 1.0
    full = inputs.new_tensor([2 * motion, 2 * motion, strain])[:, None, None]
    rest = inputs.new_tensor([0.0, 0.0, LOW])[:, None, None]
    return replace(clips, inputs=(inputs / full + rest).float()), Scaling("absolute", motion, strain)


def _open(path: Path) -> Raw:
    """Return what a file holds, unchecked.

    Raises:
        DataError: It is missing, of another type, or damaged, or lacks an array.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"of another type; {' or '.join(SUFFIXES)} is expected")
    if not path.is_file():
        raise DataError("no such file")
    needed = ("motion", "emotion", "subject")
    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, Sequence[str]] = {}
    try:
        if suffix == ".npz":
            with np.load(path, allow_pickle=False) as content:
                arrays = {name: content[name] for name in (*needed, "clip") if name in content.files}
        else:
            with safe_open(str(path), framework="np") as content:
                arrays = {"motion": content.get_tensor("motion")} if "motion" in content.keys() else {}  # noqa: SIM118
                metadata = content.metadata() or {}
            arrays |= {name: np.array(json.loads(metadata[name])) for name in (*needed, "clip") if name in metadata}
    except (OSError, ValueError, EOFError, BadZipFile, SafetensorError, RecursionError) as error:
        raise DataError(f"cannot be read ({error}); copy it again") from None
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise DataError(f"lacks {', '.join(missing)}; motion, emotion and subject are expected")
    for name in ("emotion", "subject", "clip"):
        if name in arrays:
            if arrays[name].ndim != 1 or arrays[name].dtype.kind != "U":
                raise DataError(f"{name} is {arrays[name].dtype} {arrays[name].shape}; a list of texts is expected")
            texts[name] = [str(text).strip() for text in arrays[name]]
    return arrays["motion"], texts


def _form_faults(motion: np.ndarray, texts: dict[str, Sequence[str]], file: MotionFile) -> list[str]:
    """Return the faults of shapes, numbers and names."""
    channels = (3,) if file.unit == "stretched" else (2, 3)
    if motion.ndim != 4 or motion.shape[-1] not in channels or motion.dtype.kind != "f":
        return [
            f"motion is {motion.dtype} {motion.shape}; decimal numbers of the shape (clip, height, width, channel) are "
            f"expected, with {' or '.join(map(str, channels))} channels (u, v, strain)"
        ]
    faults = []
    if motion.shape[1] != motion.shape[2] or not SMALLEST <= motion.shape[1] <= LARGEST:
        faults.append(
            f"its images are {motion.shape[1]} × {motion.shape[2]} pixels; "
            f"squares of {SMALLEST} to {LARGEST} are expected"
        )
    lengths = {"motion": len(motion)} | {name: len(text) for name, text in texts.items()}
    if len(set(lengths.values())) > 1 or not len(motion):
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        return [*faults, f"one entry per clip is expected in each, and at least one clip: {found}"]
    bad = np.flatnonzero(~np.isfinite(motion.astype(np.float64)).all(axis=(1, 2, 3)))
    if len(bad):
        faults.append(f"clip {bad[0]} (from 0) and {len(bad) - 1} more have motion that is infinite or no number")
    for name, text in texts.items():
        wrong = [index for index, word in enumerate(text) if not _is_valid_name(word)]
        if wrong:
            faults.append(f"{name} {text[wrong[0]]!r} of clip {wrong[0]} (from 0) is not a valid name")
    return faults


def _is_valid_name(word: str) -> bool:
    return bool(word.strip(". ")) and word.isprintable() and "/" not in word and "\\" not in word


def _rows(path: Path, texts: dict[str, Sequence[str]], kind: Kind, scheme: Scheme) -> list[ClipRow]:
    """Return one row per clip, for the scheme."""
    return [
        ClipRow(
            database=path.stem if path.stem in scheme.databases else _RULE,
            people=path.stem,
            subject=subject,
            clip=clip,
            kind=kind,
            onset=0,
            apex=0,
            offset=0,
            fps=1.0,
            emotion=emotion,
            action_units=(),
            action_units_raw="",
            objective_class=None,
            root=path.parent,
            path=path,
            numbers=(0,),
            source=Source(path.name),
        )
        for subject, clip, emotion in zip(texts["subject"], texts["clip"], texts["emotion"], strict=True)
    ]


def _channels(motion: np.ndarray, unit: float | Literal["stretched"]) -> Float64[np.ndarray, "clip 3 height width"]:
    """Return u and v as shares of the width and unitless strain, or all stretched."""
    channels = motion.astype(np.float64).transpose(0, 3, 1, 2)
    if isinstance(unit, str):
        return stretch(channels)
    shares = channels[:, :2] / unit
    return np.concatenate([shares, optical_strain(shares * motion.shape[2])[:, None]], axis=1)
