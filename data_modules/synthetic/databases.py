"""The synthetic databases: how many people and clips each has, and how each is recorded."""

from dataclasses import dataclass, replace

from data_modules.corpus import CLASSES
from data_modules.synthetic.counts import apportion
from data_modules.synthetic.recording import SyntheticCamera
from lightmannet.errors import ConfigurationError


@dataclass(frozen=True)
class SyntheticDatabase:
    """One synthetic micro-expression database.

    Attributes:
        name: First part of its clips' ids.
        subjects: Number of people.
        clips: Number of clips of each class, in the order of ``CLASSES``.
        camera: How it is recorded.
    """

    name: str
    subjects: int
    clips: tuple[int, ...]
    camera: SyntheticCamera


MICRO_DATABASES = (
    SyntheticDatabase("synthetic_a", 24, (88, 32, 25), SyntheticCamera(gain=1.0, noise=0.015, smoothness=1.5)),
    SyntheticDatabase("synthetic_b", 16, (70, 51, 43), SyntheticCamera(gain=0.8, noise=0.020, smoothness=2.0)),
    SyntheticDatabase("synthetic_c", 28, (92, 26, 15), SyntheticCamera(gain=1.2, noise=0.030, smoothness=1.2)),
)
"""Counts of people and clips as in the three databases of MEGC2019 (CASME II, SMIC, SAMM); the cameras are invented."""

MACRO_CAMERA = SyntheticCamera(gain=1.0, noise=0.015, smoothness=1.5)


def micro_databases(subjects: int, clips: int) -> tuple[SyntheticDatabase, ...]:
    """Return the micro-expression databases scaled to ``subjects`` people and ``clips`` clips in total.

    Every database keeps at least one person and one clip of each class.

    Raises:
        ConfigurationError: The numbers are too small for that, or a database has fewer clips than people.
    """
    least = len(MICRO_DATABASES) * len(CLASSES)
    if subjects < len(MICRO_DATABASES):
        raise ConfigurationError(f"subjects={subjects}: at least {len(MICRO_DATABASES)} are needed, one per database")
    if clips < least:
        raise ConfigurationError(f"micro_clips={clips}: at least {least} are needed, one per class in each database")
    people = apportion(subjects, [database.subjects for database in MICRO_DATABASES])
    cells = apportion(clips, [count for database in MICRO_DATABASES for count in database.clips])
    scaled = []
    for index, database in enumerate(MICRO_DATABASES):
        counts = tuple(cells[index * len(CLASSES) : (index + 1) * len(CLASSES)])
        if sum(counts) < people[index]:
            raise ConfigurationError(
                f"subjects={subjects}, micro_clips={clips}: {database.name} would have {sum(counts)} clips for "
                f"{people[index]} people, who need one each; set more clips or fewer subjects"
            )
        scaled.append(replace(database, subjects=people[index], clips=counts))
    return tuple(scaled)
