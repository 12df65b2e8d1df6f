"""The flow images of the MEGC2019 composite: CASME II, SMIC and SAMM, three classes, 442 clips of 68 subjects.

Anyone can clone them from the GitHub repository wangzhifengharrison/HTNet; the repository tony19980810/CausalNet holds
another extraction of the same clips under the same names, four images per clip. They are no four phases: by its author,
they are the flow from onset to apex, that from apex to offset, and two maps of the direction of these. A root holds::

    combined_3_class2_for_optical_flow.csv          one row per clip; columns dataset, sub, filename_o, label
    datasets/STSNet_whole_norm_u_v_os/
        sub01_EP02_01f .png                         <sub>_<filename_o>, and a space before the extension
        sub01_EP02_01f_1 .png, .._2 .png, .._3 .png  further images of the clip, in the other extraction only

Each image is 28 x 28, 8-bit RGB, with R = u, G = v, B = optical strain. The column ``imagename`` is not used: it
spells the subjects of SMIC differently from the files. Names of images are built from the rows and never parsed: the
clip ``sub03_EP01_2`` ends in what looks like the number of an image.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Literal, get_args

import torch
from jaxtyping import UInt8
from torch import Tensor

from data_modules.corpus import CLASSES, Corpus, CorpusSource
from data_modules.databases.megc2019_rows import (
    HELP,
    KNOWN_COUNTS,
    ROOT_VARIABLE,
    TABLE,
    ImageRow,
    count_faults,
    read_rows,
)
from data_modules.databases.tree import inside
from data_modules.flow import SIZE, to_float
from data_modules.png import decode_rgb
from data_modules.scaling import CENTRED, STRETCHED, rescale
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError, DataError, faults_message

IMAGES = "datasets/STSNet_whole_norm_u_v_os"
MAX_PHASES = 4
Stored = Literal["stored", "centred"]

_IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


class MEGC2019(CorpusSource):
    """The flow images of MEGC2019 as a corpus: inputs (clip, phase, 3, 28, 28), channels u, v, strain, in [-0.5, 0.5].

    Args:
        root: Folder with the csv and ``datasets/``; None takes the environment variable ``MEGC2019_ROOT``.
        databases: Databases to read, of ``casme2``, ``smic``, ``samm``; None takes all in the csv.
        phases: Images per clip, 1 to 4. Only one extraction has more than one: its first two are flows, the others maps
            of their direction, which are not motion.
        check_counts: Whether each database must have its known number of clips and subjects, so that none is missing by
            accident. Set it to false for a subset of your own.
        scaling: ``centred`` moves and scales u and v of each image so that their median, which stands for no motion, is
            0, which mirroring, magnifying and changing the gain rely on; ``stored`` leaves the images as they are.

    Raises:
        ConfigurationError: ``databases``, ``phases`` or ``scaling`` is not one of the above.
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
) -> tuple[UInt8[Tensor, "clip phase 3 28 28"], tuple[ImageRow, ...]]:
    """Return the images as they are stored, 0..255 with channels R, G, B = u, v, strain, and the row of each clip.

    Args:
        root: As in ``MEGC2019``.
        databases: As in ``MEGC2019``.
        phases: As in ``MEGC2019``.
        check_counts: As in ``MEGC2019``.

    Raises:
        ConfigurationError: ``databases`` or ``phases`` is invalid.
        DataError: Anything in the root is missing, damaged or contradictory; the message lists every fault.
    """
    _check_options(databases, phases)
    folder = _find_root(root)
    faults: list[str] = []
    table = read_rows(folder, faults)
    if table is not None and not faults:
        # Counting makes sense only if every row is valid.
        faults += count_faults(table, databases, check_counts)
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
                continue  # missing, unusable or ambiguous, which was reported as a fault
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
        raise ConfigurationError(f"phases is {phases}, but a clip of MEGC2019 has 1 to {MAX_PHASES} images")
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
        raise DataError(f"MEGC2019: no root folder is given. {HELP}")
    folder = os.path.expanduser(given)
    if os.path.isdir(folder):
        return Path(folder)
    problem = "is a file, not a folder" if os.path.exists(folder) else "does not exist"
    raise DataError(f"MEGC2019: {origin} names {given!r}, which {problem}. {HELP}")


def _error(folder: Path, faults: list[str]) -> DataError:
    return DataError(faults_message(f"MEGC2019 flow images in {folder}", faults))


def _image(name: str) -> str:
    return f"image {f'{IMAGES}/{name}'!r}"


def _list_images(folder: Path, faults: list[str]) -> dict[str, Path | None] | None:
    """Return the image files by name, None for one that must not be read; or None if there is no folder of images.

    Hidden files are skipped.
    """
    path = folder / IMAGES
    if not os.path.isdir(path):
        faults.append(f"{IMAGES}: no such folder. Is the root the repository's top folder? {HELP}")
        return None
    if not inside(path, folder):
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
        if file.is_symlink() and not inside(file, folder):
            problem = "is a link that leaves the root; put the file itself there"
        elif not os.path.isfile(file):
            problem = "is not a file"
        if problem is not None:
            faults.append(f"{_image(name)}: {problem}")
        files[name] = file if problem is None else None
    return files


def _claim_images(
    table: list[ImageRow], files: Collection[str], databases: list[str] | None, phases: int, faults: list[str]
) -> dict[str, tuple[ImageRow, int]]:
    """Return the clip and phase of each image; every image must have one, and every requested clip its images."""
    holders = [sum(row.image(phase) in files for row in table) for phase in range(MAX_PHASES)]
    # A suffix belongs to this extraction if it is requested or most clips have it; a single one is a stray image.
    used = [phase for phase in range(MAX_PHASES) if phase < phases or 2 * holders[phase] > holders[0]]
    claims: dict[str, list[tuple[ImageRow, int]]] = {}
    for row in table:
        for phase in used:
            claims.setdefault(row.image(phase), []).append((row, phase))

    for name in files:
        claimants = claims.get(name, [])
        if not claimants:
            faults.append(f"{_image(name)}: no row of {TABLE} has it; add the row or remove the image")
        elif len(claimants) > 1:
            both = " and ".join(f"image {phase + 1} of row {row.row}" for row, phase in claimants)
            faults.append(f"{_image(name)}: its name stands for {both} of {TABLE}; rename one of the clips")
    selected = [row for row in table if databases is None or row.database in databases]
    for phase in range(phases):
        if phase and holders[0] and not holders[phase]:
            faults.append(
                f"phases: {phases} images per clip were requested, but the set has {phase}; set phases to {phase}"
            )
            break
        for row in selected:
            if row.image(phase) not in files:
                what = f"image {phase + 1} of {phases} of the clip" if phases > 1 else "the clip's image"
                faults.append(
                    f"{TABLE}: row {row.row}: clip {row.clip_id!r}: {what}, {f'{IMAGES}/{row.image(phase)}'!r} (with "
                    "the space), is missing; restore it, or leave out its database by `databases:`"
                )
    return {name: claimants[0] for name, claimants in claims.items() if name in files and len(claimants) == 1}
