"""From database files to a corpus: tables, classes, crops and representations, cached on disk."""

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from data_modules.annotations import Kind
from data_modules.apex import MissingApex, strongest_frame
from data_modules.cache import ArrayCache, cache_folder, digest
from data_modules.clip_inputs import clip_inputs
from data_modules.clip_table import ClipRow, ClipTable
from data_modules.corpus import Corpus
from data_modules.databases.base import Database
from data_modules.frame_corpus import FrameCorpus
from data_modules.representations.base import Representation
from data_modules.representations.flow_image import ApexFlow
from data_modules.schemes import LABELS, Scheme, read_scheme, scheme_of_labels
from data_modules.video.crop import Crop, WholeFrame
from data_modules.video.frames import FrameReader, open_frames
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError, DataError, LightmanNetError, faults_message

_LOG = logging.getLogger(__name__)
ACTION_UNITS = 46
"""Action units of ``Clips.action_units``: 1 to 46."""

_APEX_SIZE = 64  # pixels: height and width for estimating a missing apex


class ClipCorpus(FrameCorpus):
    """Clips of one or several databases in one representation.

    Representations are cached on disk: the first ``prepare`` decodes and computes, with a progress bar and ``workers``
    processes; later ones decode nothing. The clips themselves are held in memory,
    4 bytes per number: 442 flow images of 28 × 28 take 4 MB, 442 clips of 8 gray frames at 112 × 112 take 180 MB.

    Args:
        micro: Databases whose micro-expressions are to be recognised; if empty, the corpus has only macro-expressions,
            for ``MacroSets``.
        macro: Databases whose macro-expressions make D^aux (``auxiliary: CorpusMacro``); may name the same ones.
        scheme: Classes: a name in ``data_modules/schemes``, the path of a YAML file of that form, or ``labels``, which
            makes a class of each label found.
        representation: The network's input for a clip.
        crop: How the face is cropped.
        missing_apex: How to treat clips without a usable apex, if the representation needs one: use the ``middle``
            between onset and offset, the frame with the most ``motion``, or ``refuse``.
        check_counts: Whether the clips per class must match the scheme's numbers for complete databases.
        cache: Folder of the cache; None takes the environment variable ``LIGHTMANNET_CACHE``, or
            ``lightmannet`` in the user's folder for caches.
        workers: Processes that decode and compute; None uses one per core.
        apex_error: Frames by which the apex of each micro-expression is moved, earlier or later, within onset and
            offset; 0 leaves it. It measures robustness, see ``configs/tables/robustness_apex.yaml``.

    Raises:
        ConfigurationError: No database at all, or an apex_error below 0.
    """

    def __init__(
        self,
        micro: list[Database],
        macro: list[Database] | None = None,
        scheme: str = "megc2019",
        representation: Representation = ApexFlow(),
        crop: Crop = WholeFrame(),
        missing_apex: MissingApex = "middle",
        check_counts: bool = False,
        cache: str | None = None,
        workers: int | None = None,
        apex_error: int = 0,
    ) -> None:
        if not micro and not macro:
            raise ConfigurationError("micro: name at least one database whose micro-expressions are to be recognised.")
        if apex_error < 0:
            raise ConfigurationError(f"apex_error must be 0 or more frames, but is {apex_error}.")
        self.apex_error = apex_error
        self.micro, self.macro = micro, macro or []
        self.scheme, self.representation, self.crop, self.missing_apex = scheme, representation, crop, missing_apex
        self.check_counts, self.cache, self.workers = check_counts, cache, workers

    def prepare(self) -> None:
        """Compute what is missing in the cache, with a progress bar.

        Raises:
            DataError: As ``load``.
        """
        self._compute([selected for group in self._selected.values() for selected in group])

    def load(self) -> Corpus:
        """Return the corpus, computing first what is missing in the cache.

        Raises:
            DataError: Anything is missing, damaged or contradictory; the message lists every fault.
            ConfigurationError: The scheme cannot be read.
        """
        self.prepare()
        micro, macro = (self._clips(self._selected[kind]) for kind in ("micro", "macro"))
        if micro is None:
            assert macro is not None  # one of the two lists names a database, and _select raises if it has no clip
            micro = macro.select([])
        return Corpus(
            name="+".join(database.description.name for database in self.micro or self.macro),
            classes=self._scheme.classes,
            micro=micro,
            macro=macro,
            scaling=self.representation.scaling,
            synthetic=False,
            kind=self.representation.kind,
        )

    @cached_property
    def _scheme(self) -> Scheme:
        if self.scheme == LABELS:
            return scheme_of_labels(row for table in self._tables.values() for row in table.rows)
        return read_scheme(self.scheme)

    @cached_property
    def _tables(self) -> dict[int, ClipTable]:
        """What each reader reads, once even where it is read for both kinds."""
        return {id(database): database.table() for database in (*self.micro, *self.macro)}

    @cached_property
    def _selected(self) -> dict[Kind, list["_Selected"]]:
        """The clips that have a class in the scheme, read once."""
        return {"micro": self._select("micro", self.micro), "macro": self._select("macro", self.macro)}

    def _select(self, kind: Kind, databases: Sequence[Database]) -> list["_Selected"]:
        selected: list[_Selected] = []
        for database in databases:
            table = self._tables[id(database)]
            name = database.description.name
            if table.notes:
                _LOG.warning(
                    "%s: %d things were repaired, tolerated or left out; lightmannet databases check %s lists them",
                    name,
                    len(table.notes),
                    database.address,
                )
            selected += self._of_kind(kind, database, table)
        if databases and not selected:
            names = ", ".join(database.description.title for database in databases)
            raise DataError(
                f"{names}: no {kind}-expression has both a class of the scheme {self.scheme} and motion. Choose "
                "another scheme, database or representation"
            )
        twice = [clip for clip, count in Counter(s.row.clip_id for s in selected).items() if count > 1]
        if twice:
            raise ConfigurationError(f"{kind}: {twice[0]} is read from two databases; name each database only once.")
        if kind == "micro" and self.check_counts:
            self._check_counts(selected)
        return selected

    def _of_kind(self, kind: Kind, database: Database, table: ClipTable) -> list["_Selected"]:
        rows = [row for row in table.rows if row.kind == kind]
        if self.representation.kind != "frames":
            stills = sum(row.onset == row.offset for row in rows)
            if stills:
                _LOG.warning(
                    "%s: %d %s-expressions are single images, which show no motion, and are left out; the "
                    "representation FrameClip can show them",
                    database.description.name,
                    stills,
                    kind,
                )
            rows = [row for row in rows if row.onset != row.offset]
        labels = self._scheme.labels(rows)
        if any(row.emotion is None for row in rows) and None in labels:
            _LOG.warning(
                "%s: %d %s-expressions have no annotation for the scheme %s, or belong to none of its classes",
                database.description.name,
                labels.count(None),
                kind,
                self.scheme,
            )
        chosen = [_Selected(row, label) for row, label in zip(rows, labels, strict=True) if label is not None]
        if self.missing_apex == "refuse" and self._needs_apex:
            faults = [f"{s.row.source}: clip {s.row.clip_id} has no apex" for s in chosen if s.row.apex is None]
            if faults:
                title = f"{database.description.title}: clips have no apex, and missing_apex is refuse"
                raise DataError(f"{faults_message(title, faults)}\nSet missing_apex to middle or motion.")
        return chosen

    @property
    def _needs_apex(self) -> bool:
        return self.representation.moments(0, 1, 4) != self.representation.moments(0, 3, 4)

    def _check_counts(self, selected: list["_Selected"]) -> None:
        faults = []
        for name, rule in self._scheme.databases.items():
            found = Counter(self._scheme.classes[s.label] for s in selected if s.row.database == name)
            if found and rule.clips and dict(found) != dict(rule.clips):
                faults.append(f"{name}: {dict(rule.clips)} expected, {dict(found)} found")
        if faults:
            title = f"Clips per class of scheme {self.scheme}"
            raise DataError(
                f"{faults_message(title, faults)}\nSet check_counts to false for a different selection of clips."
            )

    # --- Computing and keeping ---

    @cached_property
    def _cache(self) -> ArrayCache:
        return ArrayCache(cache_folder(self.cache))

    def _compute(self, selected: list["_Selected"]) -> None:
        jobs = _Jobs(selected, self.representation, self.crop, self.missing_apex, self.apex_error, self._cache)
        faults = [fault for fault in map(jobs.find_key, range(len(selected))) if fault]
        if faults:
            raise DataError(faults_message("Frames", faults))
        jobs.todo = [index for index, s in enumerate(selected) if s.key not in self._cache]
        if not jobs.todo:
            return
        workers = min(len(jobs.todo), len(os.sched_getaffinity(0)) if self.workers is None else self.workers)
        loader = DataLoader(jobs, batch_size=None, num_workers=workers)
        console = Console(stderr=True)
        title = f"computing {type(self.representation).__name__} of {len(jobs.todo)} clips"
        faults = [fault for fault in track(loader, title, len(jobs.todo), console=console, transient=True) if fault]
        if faults:
            raise DataError(faults_message("Frames", faults))

    def _clips(self, selected: list["_Selected"]) -> Clips | None:
        if not selected:
            return None
        r = self.representation
        inputs = torch.empty(len(selected), r.phases, r.channels, r.size, r.size)
        for index, s in enumerate(selected):
            array = self._cache.read(s.key)
            if array is None:  # damaged in the meantime
                self._compute([s])
                array = self._cache.read(s.key)
            if array is None:
                raise DataError(
                    f"{self._cache.folder}: a new file cannot be read. Check whether another program deletes it"
                )
            inputs[index] = torch.from_numpy(array)
        return Clips(
            inputs=inputs,
            labels=torch.tensor([s.label for s in selected], dtype=torch.int64),
            subjects=tuple(s.row.subject_id for s in selected),
            ids=tuple(s.row.clip_id for s in selected),
            objective_classes=torch.tensor([s.row.objective_class or 0 for s in selected], dtype=torch.int64),
            action_units=_units([s.row for s in selected]),
        )


def _units(rows: Sequence[ClipRow]) -> Bool[Tensor, "clip 46"]:
    """Return the action units 1 to 46 that each clip shows; descriptors, with higher numbers, are left out."""
    shown = torch.zeros(len(rows), ACTION_UNITS, dtype=torch.bool)
    for clip, row in enumerate(rows):
        for unit in row.action_units:
            if 1 <= unit.number <= ACTION_UNITS:
                shown[clip, unit.number - 1] = True
    return shown


@dataclass
class _Selected:
    row: ClipRow
    label: int
    key: str = ""


class _Jobs(Dataset[str]):
    """Clips to compute: reading an item computes and caches it, and returns the fault or an empty text."""

    def __init__(
        self,
        selected: list[_Selected],
        representation: Representation,
        crop: Crop,
        missing_apex: MissingApex,
        apex_error: int,
        cache: ArrayCache,
    ) -> None:
        self.selected, self.representation, self.crop = selected, representation, crop
        self.missing_apex, self.apex_error, self.cache = missing_apex, apex_error, cache
        self.todo: list[int] = []
        self.options = representation.fingerprint(), crop.fingerprint()

    def __len__(self) -> int:
        return len(self.todo)

    def __getitem__(self, number: int) -> str:
        chosen = self.selected[self.todo[number]]
        try:
            self.cache.write(chosen.key, self.render(chosen))
        except LightmanNetError as error:
            return f"{chosen.row.source}: clip {chosen.row.clip_id}: {error}"
        return ""

    def find_key(self, index: int) -> str:
        """Set a clip's key, a digest of everything that can change its array, and return the fault, if any."""
        chosen = self.selected[index]
        row = chosen.row
        try:
            reader = _open(row.path, row.root, row.first_number, row.neutral)
            source = reader.fingerprint(row.numbers)
        except DataError as error:
            return f"{row.source}: clip {row.clip_id}: {error}"
        chosen.key = digest(
            row.clip_id,
            # Two folders may contain files with equal names, sizes and times.
            os.path.relpath(row.path, row.root),
            source,
            repr((row.onset, row.apex, row.offset, row.numbers, row.box)),
            self.missing_apex if row.apex is None else "",
            *self.options,
            *([f"apex_error {self.apex_error}"] if self.apex_error and row.kind == "micro" else []),
        )
        return ""

    def render(self, chosen: _Selected) -> np.ndarray:
        """Return the array of a clip."""
        row = chosen.row
        reader = _open(row.path, row.root, row.first_number, row.neutral)
        apex = self._apex(row, reader)
        if self.apex_error and row.kind == "micro":
            # Derived from the clip's name, so that it is the same in every run.
            way = 1 if int(digest(row.clip_id)[0], 16) % 2 else -1
            apex = min(max(apex + way * self.apex_error, row.onset), row.offset)
        interval = (row.onset, apex, row.offset)
        return clip_inputs(reader, row.numbers, interval, self.representation, self.crop, row.box)

    def _apex(self, row: ClipRow, reader: FrameReader) -> int:
        if row.apex is not None:
            return row.apex
        if self.missing_apex == "motion":
            frames = self.crop.square(reader.read(row.numbers, "gray"), _APEX_SIZE, row.box)
            return row.numbers[strongest_frame(frames)]
        return (row.onset + row.offset) // 2


@lru_cache(maxsize=8)
def _open(path: Path, root: Path, first_number: int, neutral: Path | None) -> FrameReader:
    # The expressions of a long video share a folder, which may contain thousands of files.
    return open_frames(path, root, first_number, neutral)
