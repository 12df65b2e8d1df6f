"""The command ``lightmannet databases check``: whether the files of a database are sound."""

import os
from collections import Counter
from collections.abc import Sequence

from jsonargparse import ArgumentParser
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.utils.data import DataLoader, Dataset

from data_modules.annotations import Report
from data_modules.clip_table import ClipRow
from data_modules.databases.base import Database
from data_modules.databases.registry import READERS
from data_modules.schemes import Scheme, read_scheme, scheme_names
from data_modules.video.frames import open_frames
from data_modules.video.landmarks import LandmarkPair
from lightmannet.errors import ConfigurationError, DataError, faults_message

_SHOWN = 200


def check(words: Sequence[str]) -> None:
    """Read everything of one database and print counts beside the expected ones, notes and faults.

    Args:
        words: The database's name, then the reader's options, e.g. ``["casme2", "--root", "CASME2"]``.

    Raises:
        ConfigurationError: No such database or option.
        DataError: There are faults; the message lists them all.
    """
    if words[:1] in (["-h"], ["--help"]):
        print(f"usage: lightmannet databases check NAME [OPTIONS]\n\nNAME: one of {', '.join(READERS)}")
        return
    if not words or words[0] not in READERS:
        raise ConfigurationError(
            f"lightmannet databases check NAME: one of {', '.join(READERS)} is expected"
            + (f", not {words[0]!r}." if words else ".")
        )
    reader = READERS[words[0]]
    parser = ArgumentParser(prog=f"lightmannet databases check {words[0]}", description=check_database.__doc__)
    parser.add_class_arguments(reader)
    parser.add_argument("--decode", type=bool, default=True, help="decode each frame of each clip as well")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes that decode")
    options = parser.parse_args(list(words[1:])).as_dict()
    decode, workers = options.pop("decode"), options.pop("workers")
    check_database(reader(**options), decode, workers, Console())


def check_database(database: Database, decode: bool, workers: int, console: Console) -> None:
    """Read everything of a database and print what there is.

    Args:
        database: Its reader.
        decode: Decode each frame of each clip as well.
        workers: Processes that decode.
        console: Where to print.

    Raises:
        DataError: There are faults; the message lists them all.
    """
    report = Report()
    rows = database.read(report)
    if decode:
        loader = DataLoader(_Decoding(rows), batch_size=None, num_workers=workers)
        report.faults += [f for f in track(loader, "decoding each frame", len(rows), console=console) if f]
    d = database.description
    console.print(f"[bold]{d.title}[/] in {database.folder()}: {len(rows)} clips without a fault")
    console.print(_emotions(database, rows))
    console.print(_subjects(rows))
    for name in scheme_names():
        scheme = read_scheme(name)
        if d.name in scheme.databases and any(row.kind == "micro" for row in rows):
            console.print(f"scheme {name} ({scheme.title}): {_classes(scheme, d.name, rows)}")
    for note in report.notes[:_SHOWN]:
        console.print(f"  note: {note}", markup=False, soft_wrap=True)
    if len(report.notes) > _SHOWN:
        console.print(f"  … and {len(report.notes) - _SHOWN} more notes")
    if report.faults:
        raise DataError(faults_message(f"{d.title} in {database.folder()}", report.faults, shown=_SHOWN))
    console.print("no faults")


def _emotions(database: Database, rows: Sequence[ClipRow]) -> Table:
    table = Table("kind", "emotion", "clips", "expected")
    for kind, expected in database.description.expected.items():
        of_kind = [row for row in rows if row.kind == kind]
        found = Counter((row.emotion or "(none)").lower() for row in of_kind)
        for emotion in sorted(set(found) | set(expected.emotions), key=lambda word: (-found[word], word)):
            number = expected.emotions.get(emotion, 0) if expected.emotions else None
            table.add_row(kind, emotion, *_beside(found[emotion], number))
        table.add_row(kind, "[bold]all clips", *_beside(len(of_kind), expected.clips))
        table.add_row(kind, "[bold]subjects", *_beside(len({row.subject for row in of_kind}), expected.subjects))
        table.add_section()
    return table


def _beside(found: int, expected: int | None) -> tuple[str, str]:
    return (str(found) if expected in (None, found) else f"[yellow]{found}"), "" if expected is None else str(expected)


def _subjects(rows: Sequence[ClipRow]) -> str:
    clips = Counter(row.subject for row in rows)
    return "clips a subject: " + ", ".join(f"{subject} {number}" for subject, number in sorted(clips.items()))


def _classes(scheme: Scheme, name: str, rows: Sequence[ClipRow]) -> str:
    micro = [row for row in rows if row.kind == "micro"]
    found = Counter(label for label in scheme.labels(micro) if label is not None)
    known = scheme.databases[name].clips
    parts = []
    for label, title in enumerate(scheme.classes):
        beside = f" (expected {known[title]})" if known.get(title, found[label]) != found[label] else ""
        parts.append(f"{title} {found[label]}{beside}")
    return ", ".join(parts)


class _Decoding(Dataset[str]):
    """Clips to decode; an item is the fault met, or an empty text."""

    def __init__(self, rows: Sequence[ClipRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> str:
        row = self.rows[number]
        try:
            reader = open_frames(row.path, row.root, row.first_number, row.neutral)
            reader.points(row.numbers) if isinstance(reader, LandmarkPair) else reader.read(row.numbers, "gray")
        except DataError as error:
            return f"{row.source}: clip {row.clip_id}: {error}"
        return ""
