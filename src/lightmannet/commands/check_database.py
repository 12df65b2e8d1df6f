"""The command ``lightmannet databases check``: check the files of a database."""

import difflib
import os
import shlex
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
from data_modules.databases.own import OwnDatabase
from data_modules.databases.registry import READERS, own_reader
from data_modules.schemes import Scheme, read_scheme, scheme_names
from data_modules.video.frames import open_frames
from data_modules.video.landmarks import LandmarkFrames
from lightmannet.errors import ConfigurationError, DataError, faults_message

_SHOWN = 200


def check(arguments: Sequence[str]) -> None:
    """Read a whole database, or your own clips, and print counts next to the expected ones, notes and faults.

    Args:
        arguments: The database's name, or a folder or table of one's own clips, then the reader's options, e.g.
            ``["casme2", "--root", "CASME2"]``.

    Raises:
        ConfigurationError: Unknown database or option.
        DataError: There are faults; the message lists all of them.
    """
    if arguments[:1] in (["-h"], ["--help"]):
        print(
            "usage: lightmannet databases check NAME|PATH [OPTIONS]\n\n"
            f"NAME: one of {', '.join(READERS)}\n"
            "PATH: a folder of your own clips (class/clip or subject/class/clip), or a table of them (.csv, .xlsx)"
        )
        return
    reader, root = reader_named(arguments[0] if arguments else "", "lightmannet databases check")
    parser = ArgumentParser(prog=f"lightmannet databases check {arguments[0]}", description=check_database.__doc__)
    parser.add_class_arguments(reader)
    parser.add_argument("--decode", type=bool, default=True, help="also decode every frame of every clip")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes that decode")
    options = parser.parse_args(list(arguments[1:])).as_dict()
    options |= root
    decode, workers = options.pop("decode"), options.pop("workers")
    check_database(reader(**options), decode, workers, Console())


def reader_named(name: str, command: str) -> tuple[type[Database], dict[str, str]]:
    """Return the reader of a database by name or of one's own clips by path, and the option that the path is.

    Args:
        name: Short name of a database, or the path of a folder or table.
        command: The command that asks, for the message.

    Raises:
        ConfigurationError: There is neither.
    """
    if name in READERS:
        return READERS[name], {}
    own = own_reader(name) if name else None
    if own is not None:
        return own, {"root": name}
    near = difflib.get_close_matches(name, READERS, 1)
    raise ConfigurationError(
        f"{command} NAME|PATH: one of {', '.join(READERS)}, or a folder or table of your own clips, is expected"
        + (f", not {name!r}." if name else ".")
        + (f" Did you mean {near[0]}?" if near else "")
    )


def check_database(database: Database, decode: bool, workers: int, console: Console) -> None:
    """Read a whole database and print a summary.

    Args:
        database: Its reader.
        decode: Also decode every frame of every clip.
        workers: Processes that decode.
        console: Where to print.

    Raises:
        DataError: There are faults; the message lists all of them.
    """
    report = Report()
    rows = database.read(report)
    if decode:
        loader = DataLoader(_Decoding(rows), batch_size=None, num_workers=workers)
        report.faults += [f for f in track(loader, "decoding each frame", len(rows), console=console) if f]
    d = database.description
    console.print(f"[bold]{d.title}[/] in {database.folder()}: {len(rows)} clips without a fault", soft_wrap=True)
    console.print(_emotions(database, rows))
    console.print(_subjects(rows), markup=False, soft_wrap=True)
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
    if isinstance(database, OwnDatabase):
        line = f"Train on them: lightning fit --config supervised --data {shlex.quote(database.address)}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


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
    return "clips per subject: " + ", ".join(f"{subject} {number}" for subject, number in sorted(clips.items()))


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
    """Clips to decode; an item is the fault, or an empty text."""

    def __init__(self, rows: Sequence[ClipRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> str:
        row = self.rows[number]
        try:
            reader = open_frames(row.path, row.root, row.first_number, row.neutral)
            reader.points(row.numbers) if isinstance(reader, LandmarkFrames) else reader.read(row.numbers, "gray")
        except DataError as error:
            return f"{row.source}: clip {row.clip_id}: {error}"
        return ""
