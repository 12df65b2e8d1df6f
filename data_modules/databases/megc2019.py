"""The flow images of the MEGC2019 composite: CASME II, SMIC and SAMM, three classes, 442 clips of 68 persons.

Anyone can clone them from the GitHub repository wangzhifengharrison/HTNet; the repository tony19980810/CausalNet holds
another extraction of the same clips under the same names, four images a clip. They are no four phases: by its author,
they are the flow from onset to apex, that from apex to offset, and two maps of the direction of these. A root holds::

    combined_3_class2_for_optical_flow.csv          one row a clip; the columns dataset, sub, filename_o, label are read
    datasets/STSNet_whole_norm_u_v_os/
        sub01_EP02_01f .png                         <sub>_<filename_o>, and a space before the extension
        sub01_EP02_01f_1 .png, .._2 .png, .._3 .png  further images of the clip, in the other extraction only

Each image is 28 x 28, 8-bit RGB, with R = u, G = v, B = optical strain. The column ``imagename`` is not used: it writes
the subjects of SMIC in another way than the files. Names of images are made from the rows, never taken apart: the clip
``sub03_EP01_2`` ends in what looks like the number of an image.
"""

import csv
import os
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from jaxtyping import UInt8
from torch import Tensor

from data_modules.corpus import CLASSES, Corpus, CorpusSource
from data_modules.flow import to_float
from data_modules.png import decode_rgb
from data_modules.scaling import CENTRED, STRETCHED, rescale
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError, DataError, faults_message

ROOT_VARIABLE = "MEGC2019_ROOT"
TABLE = "combined_3_class2_for_optical_flow.csv"
IMAGES = "datasets/STSNet_whole_norm_u_v_os"
SIZE = 28
MAX_PHASES = 4
Stored = Literal["stored", "centred"]

_COLUMNS = ("dataset", "sub", "filename_o", "label")
_LABELS = {"0": 0, "1": 1, "2": 2}
_IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_HELP = (
    "Clone the GitHub repository wangzhifengharrison/HTNet and give the clone's folder, as the environment variable "
    f"{ROOT_VARIABLE} or as `root:` in the configuration."
)


@dataclass(frozen=True)
class KnownCounts:
    """What a complete database holds.

    Attributes:
        clips: Clips a class, in the order of ``CLASSES``.
        subjects: Number of persons.
    """

    clips: tuple[int, ...]
    subjects: int

    def __str__(self) -> str:
        classes = ", ".join(f"{count} {name}" for name, count in zip(CLASSES, self.clips, strict=True))
        return f"{sum(self.clips)} clips ({classes}) of {self.subjects} subjects"


KNOWN_COUNTS = {
    "casme2": KnownCounts(clips=(88, 32, 25), subjects=24),
    "smic": KnownCounts(clips=(70, 51, 43), subjects=16),
    "samm": KnownCounts(clips=(92, 26, 15), subjects=28),
}
"""The databases of MEGC2019 by the names of the csv, and what each must hold."""


@dataclass(frozen=True)
class ClipRow:
    """One clip, as its row in the csv has it.

    Attributes:
        database: ``casme2``, ``smic`` or ``samm``.
        subject: Person within the database, e.g. ``sub01``, ``s01``, ``006``.
        clip: Clip of the person, e.g. ``EP02_01f``.
        label: Class, an index of ``CLASSES``.
        row: Row of the csv, 1 for the header.
    """

    database: str
    subject: str
    clip: str
    label: int
    row: int

    @property
    def subject_id(self) -> str:
        """Name of the person that no other database has, e.g. ``casme2/sub01``."""
        return f"{self.database}/{self.subject}"

    @property
    def clip_id(self) -> str:
        """Name of the clip that no other person has, e.g. ``casme2/sub01/EP02_01f``."""
        return f"{self.database}/{self.subject}/{self.clip}"

    def image(self, phase: int) -> str:
        """Return the file name of one image of the clip: phase 0 has no suffix, phase 1 has ``_1``, and so on."""
        suffix = f"_{phase}" if phase else ""
        return f"{self.subject}_{self.clip}{suffix} .png"


class MEGC2019(CorpusSource):
    """The flow images of MEGC2019 as a corpus: inputs (clip, phase, 3, 28, 28), channels u, v, strain, in [-0.5, 0.5].

    Args:
        root: Folder with the csv and ``datasets/``; None takes the environment variable ``MEGC2019_ROOT``.
        databases: Those to read, of ``casme2``, ``smic``, ``samm``; None takes all that the csv lists.
        phases: Images a clip, 1 to 4. More than one only in the extraction that has them, where the first two are
            flows and the others maps of their direction, which are no motion.
        check_counts: Whether each database must hold the clips and subjects that it is known to hold, so that none is
            missing by accident. False is for a subset of your own, e.g. a small one for a test.
        scaling: ``centred`` moves and scales u and v of each image so that their median, which stands for no motion, is
            0, which mirroring, magnifying and changing the gain rely on; ``stored`` leaves the images as they are.

    Raises:
        ConfigurationError: ``databases``, ``phases`` or ``scaling`` is none of the above.
    """

    def __init__(
        self,
        root: str | None = None,
        databases: list[str] | None = None,
        phases: int = 1,
        check_counts: bool = True,
        scaling: Stored = "centred",
    ) -> None:
        _check_options(databases, phases)
        if scaling not in get_args(Stored):
            raise ConfigurationError(f"scaling is one of {', '.join(get_args(Stored))}, not {scaling!r}")
        self.root = root
        self.databases = databases
        self.phases = phases
        self.check_counts = check_counts
        self.scaling: Stored = scaling

    def load(self) -> Corpus:
        """Read the corpus, in the order of the csv.

        Images as stored are ``stretched`` if every channel of every clip's first image spans 0 to 255; otherwise their
        scaling is not known.

        Raises:
            DataError: Anything in the root is missing, damaged or contradictory; the message lists every fault.
        """
        pixels, rows = read_pixels(self.root, self.databases, self.phases, self.check_counts)
        first = pixels[:, 0].flatten(2)
        stretched = bool((first.amin(-1) == 0).all() and (first.amax(-1) == 255).all())
        inputs, scaling = to_float(pixels), STRETCHED if stretched else None
        if self.scaling == "centred":
            inputs, scaling = rescale(inputs, scaling, CENTRED), CENTRED
        clips = Clips(
            inputs=inputs,
            labels=torch.tensor([row.label for row in rows], dtype=torch.int64),
            subjects=tuple(row.subject_id for row in rows),
            ids=tuple(row.clip_id for row in rows),
        )
        return Corpus(
            name="megc2019",
            classes=CLASSES,
            micro=clips,
            macro=None,
            scaling=scaling,
            synthetic=False,
        )


def read_pixels(
    root: str | None = None, databases: list[str] | None = None, phases: int = 1, check_counts: bool = True
) -> tuple[UInt8[Tensor, "clip phase 3 28 28"], tuple[ClipRow, ...]]:
    """Return the images as they are stored, 0..255 with channels R, G, B = u, v, strain, and the row of each clip.

    Args:
        root: As in ``MEGC2019``.
        databases: As in ``MEGC2019``.
        phases: As in ``MEGC2019``.
        check_counts: As in ``MEGC2019``.

    Raises:
        ConfigurationError: ``databases`` or ``phases`` cannot be.
        DataError: Anything in the root is missing, damaged or contradictory; the message lists every fault.
    """
    _check_options(databases, phases)
    folder = _find_root(root)
    faults: list[str] = []
    table = _read_table(folder, faults)
    if table is not None and not faults:
        # Counting makes sense only where every row could be understood.
        faults += _count_faults(table, databases, check_counts)
    files = _list_images(folder, faults)
    if table is None or files is None:
        raise _error(folder, faults)
    claims = _claim_images(table, files, databases, phases, faults)

    rows = tuple(row for row in table if databases is None or row.database in databases)
    pixels = torch.zeros(len(rows), phases, 3, SIZE, SIZE, dtype=torch.uint8)
    for index, row in enumerate(rows):
        for phase in range(phases):
            name = row.image(phase)
            path = files.get(name)
            if path is None or claims.get(name) != (row, phase):
                continue  # missing, unusable or disputed, which is among the faults already
            try:
                pixels[index, phase] = torch.from_numpy(decode_rgb(path.read_bytes(), SIZE, SIZE))
            except ValueError as fault:
                faults.append(f"{_image(name)} (row {row.row} of the csv): {fault}; clone or copy it again")
            except OSError as fault:
                faults.append(f"{_image(name)} (row {row.row} of the csv): cannot be read ({fault.strerror})")
    if faults:
        raise _error(folder, faults)
    return pixels, rows


def _check_options(databases: list[str] | None, phases: int) -> None:
    if not 1 <= phases <= MAX_PHASES:
        raise ConfigurationError(f"phases: {phases} is asked for, but a clip of MEGC2019 has 1 to {MAX_PHASES} images")
    if databases is None:
        return
    known = ", ".join(KNOWN_COUNTS)
    if not databases:
        raise ConfigurationError(f"databases: the list is empty; name some of {known}, or leave it out for all")
    for name in databases:
        if name not in KNOWN_COUNTS:
            raise ConfigurationError(f"databases: {name!r} is not in MEGC2019, which has {known}")
        if databases.count(name) > 1:
            raise ConfigurationError(f"databases: {name!r} is named twice")


def _find_root(root: str | None) -> Path:
    origin = "root" if root else ROOT_VARIABLE
    given = root or os.environ.get(ROOT_VARIABLE)
    if not given:
        raise DataError(f"MEGC2019: no root folder is given. {_HELP}")
    folder = os.path.expanduser(given)
    if os.path.isdir(folder):
        return Path(folder)
    problem = "is a file, not a folder" if os.path.exists(folder) else "does not exist"
    raise DataError(f"MEGC2019: {origin} names {given!r}, which {problem}. {_HELP}")


def _error(folder: Path, faults: list[str]) -> DataError:
    return DataError(faults_message(f"MEGC2019 flow images in {folder}", faults))


def _image(name: str) -> str:
    return f"image {f'{IMAGES}/{name}'!r}"


def _inside(path: Path, folder: Path) -> bool:
    """Return whether the path stays in the folder once links are followed."""
    # realpath, because Path.resolve raises on links that go in circles.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


# --- The csv ---


def _read_table(folder: Path, faults: list[str]) -> list[ClipRow] | None:
    """Return the rows without fault, or None if the csv cannot be read as a table at all."""
    path = folder / TABLE
    if not _inside(path, folder):
        faults.append(f"{TABLE}: is a link that leaves the root; put the file itself there")
        return None
    if os.path.exists(path) and not os.path.isfile(path):
        faults.append(f"{TABLE}: not a file")
        return None
    try:
        # utf-8-sig: a spreadsheet program puts a byte-order mark in front of the header.
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            header = next(lines, [])
            rows = [(lines.line_num, fields) for fields in lines if fields]
    except FileNotFoundError:
        faults.append(f"{TABLE}: no such file. Is the root the repository's top folder? {_HELP}")
        return None
    except OSError as fault:
        faults.append(f"{TABLE}: cannot be read ({fault.strerror})")
        return None
    except UnicodeDecodeError as fault:
        faults.append(f"{TABLE}: not UTF-8 text (byte {fault.start}: {fault.reason}); save it as csv, UTF-8")
        return None
    except csv.Error as fault:
        faults.append(f"{TABLE}: row {lines.line_num}: not comma-separated text ({fault})")
        return None
    if not header:
        faults.append(
            f"{TABLE}: empty, or its first row is; the header {','.join(_COLUMNS)} and one row a clip are expected"
        )
        return None
    columns = [name.strip() for name in header]
    wrong = [name for name in _COLUMNS if columns.count(name) != 1]
    for name in wrong:
        found = ", ".join(columns)
        faults.append(f"{TABLE}: row 1: one column {name!r} is expected, {columns.count(name)} found among {found}")
    if wrong:
        return None
    if not rows:
        faults.append(f"{TABLE}: only a header, no row; one row a clip is expected")
        return None
    return _understand_rows(columns, rows, faults)


def _understand_rows(columns: list[str], rows: list[tuple[int, list[str]]], faults: list[str]) -> list[ClipRow]:
    places = [columns.index(name) for name in _COLUMNS]
    table: dict[str, ClipRow] = {}
    for number, fields in rows:
        where = f"{TABLE}: row {number}"
        if len(fields) > len(columns) or len(fields) <= max(places):
            faults.append(f"{where}: {len(columns)} fields are expected as in the header, {len(fields)} found")
            continue
        database, subject, clip, label = (fields[place].strip() for place in places)
        found = _row_faults(database, subject, clip, label)
        faults += [f"{where}: {fault}" for fault in found]
        if found:
            continue
        row = ClipRow(database, subject, clip, _LABELS[label], number)
        if row.clip_id in table:
            faults.append(f"{where}: clip {row.clip_id!r} is already in row {table[row.clip_id].row}; remove one")
            continue
        table[row.clip_id] = row
    return list(table.values())


def _row_faults(database: str, subject: str, clip: str, label: str) -> list[str]:
    faults = []
    if database not in KNOWN_COUNTS:
        faults.append(f"dataset {database!r} is unknown; {', '.join(KNOWN_COUNTS)} are expected")
    for column, name in (("sub", subject), ("filename_o", clip)):
        if not name:
            faults.append(f"{column} is blank")
        elif name in (".", "..") or "/" in name or "\\" in name or not name.isprintable():
            faults.append(f"{column} {name!r} is not a valid name: it becomes part of a file name, so correct the cell")
    if label not in _LABELS:
        meaning = ", ".join(f"{number} ({CLASSES[index]})" for number, index in _LABELS.items())
        faults.append(f"label {label!r} is unknown; {meaning} are expected")
    return faults


def _count_faults(table: list[ClipRow], databases: list[str] | None, check_counts: bool) -> list[str]:
    present = Counter(row.database for row in table)
    faults = [
        f"{TABLE}: database {name!r} is asked for, but no row has it; the rows are of {', '.join(sorted(present))}"
        for name in databases or ()
        if name not in present
    ]
    if not check_counts:
        return faults
    for name, expected in KNOWN_COUNTS.items():
        if name not in present or (databases is not None and name not in databases):
            continue
        rows = [row for row in table if row.database == name]
        labels = Counter(row.label for row in rows)
        clips = tuple(labels[label] for label in range(len(CLASSES)))
        found = KnownCounts(clips, len({row.subject for row in rows}))
        if found != expected:
            faults.append(
                f"{TABLE}: database {name!r}: {expected} expected, {found} found; restore its rows, or set "
                "check_counts to false for a subset of your own"
            )
    return faults


# --- The images ---


def _list_images(folder: Path, faults: list[str]) -> dict[str, Path | None] | None:
    """Return the image files by name, None for one that must not be read; or None if there is no folder of images.

    Hidden files are no images.
    """
    path = folder / IMAGES
    if not os.path.isdir(path):
        faults.append(f"{IMAGES}: no such folder. Is the root the repository's top folder? {_HELP}")
        return None
    if not _inside(path, folder):
        faults.append(f"{IMAGES}: is a link that leaves the root; put the folder itself there")
        return None
    try:
        names = sorted(os.listdir(path))
    except OSError as fault:
        faults.append(f"{IMAGES}: cannot be read ({fault.strerror})")
        return None
    files: dict[str, Path | None] = {}
    for name in names:
        if name.startswith(".") or not name.lower().endswith(_IMAGE_EXTENSIONS):
            continue
        file = path / name
        problem = None
        if file.is_symlink() and not _inside(file, folder):
            problem = "is a link that leaves the root; put the file itself there"
        elif not os.path.isfile(file):
            problem = "is not a file"
        if problem is not None:
            faults.append(f"{_image(name)}: {problem}")
        files[name] = file if problem is None else None
    return files


def _claim_images(
    table: list[ClipRow], files: Collection[str], databases: list[str] | None, phases: int, faults: list[str]
) -> dict[str, tuple[ClipRow, int]]:
    """Return the clip and phase of each image; every image must have one, and every clip asked for its images."""
    holders = [sum(row.image(phase) in files for row in table) for phase in range(MAX_PHASES)]
    # A suffix is one of this extraction if it is asked for or most clips have it; a single suffixed image is a stray.
    used = [phase for phase in range(MAX_PHASES) if phase < phases or 2 * holders[phase] > holders[0]]
    claims: dict[str, list[tuple[ClipRow, int]]] = {}
    for row in table:
        for phase in used:
            claims.setdefault(row.image(phase), []).append((row, phase))

    for name in files:
        claimants = claims.get(name, [])
        if not claimants:
            faults.append(f"{_image(name)}: no row of {TABLE} has it; add the row or remove the image")
        elif len(claimants) > 1:
            both = " and ".join(f"image {phase + 1} of row {row.row}" for row, phase in claimants)
            faults.append(f"{_image(name)}: its name makes it {both} of {TABLE}; rename one of the clips")
    selected = [row for row in table if databases is None or row.database in databases]
    for phase in range(phases):
        if phase and holders[0] and not holders[phase]:
            faults.append(
                f"phases: {phases} images a clip are asked for, but the set has {phase}; set phases to {phase}"
            )
            break
        for row in selected:
            if row.image(phase) not in files:
                asked = f"image {phase + 1} of {phases} of the clip" if phases > 1 else "the clip's image"
                faults.append(
                    f"{TABLE}: row {row.row}: clip {row.clip_id!r}: {asked}, {f'{IMAGES}/{row.image(phase)}'!r} (with "
                    "the space), is missing; restore it, or leave out its database by `databases:`"
                )
    return {name: claimants[0] for name, claimants in claims.items() if name in files and len(claimants) == 1}
