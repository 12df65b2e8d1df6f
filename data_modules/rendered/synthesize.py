"""Writing a rendered corpus to disk, resumable; an incomplete one is never read as complete."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from data_modules.rendered import casme2_layout, casme_sq_layout
from data_modules.rendered.muscles import UNITS
from data_modules.rendered.options import Options
from data_modules.rendered.performance import Job, Recording, jobs, noise_of, perform, person
from data_modules.rendered.pictures import Film, jpeg, one_thread
from data_modules.rendered.scene import Scene
from data_modules.rendered.truth import pack_truth, read_truth
from data_modules.rendered.workbook import xlsx
from lightmannet.errors import ConfigurationError, DataError
from lightmannet.files import digest_of_files, write_atomically, write_bytes_atomically

MANIFEST = "corpus.json"
UNFINISHED = "UNFINISHED.txt"
"""File in each database's folder until the corpus is complete; readers' messages mention it."""

_LOCK = ".lock"
_BYTES_A_PIXEL = 0.6  # of frames and truth; measured at quality 95: 0.4
_DATABASES = (casme2_layout, casme_sq_layout)


def write_corpus(out: Path, options: Options, workers: int | None = None, wait: bool = False) -> bool:
    """Write the missing parts of a corpus, with a progress bar; return False if nothing was missing.

    Memory does not grow with the number of clips.

    Args:
        out: Folder to write; it must be new, empty, or contain the same corpus.
        options: Options of the corpus.
        workers: Processes; None uses one per core, 0 this process.
        wait: Wait while another process writes the same corpus; otherwise that is an error.

    Raises:
        ConfigurationError: The folder contains something else, or ``workers`` is negative.
        DataError: The folder cannot be written to, or has too little space.
    """
    if workers is not None and workers < 0:
        raise ConfigurationError(f"workers={workers}: 0 or more is expected")
    try:
        with _locked(out, wait):
            if _begun(out, options):
                return False
            _make(out, options, workers)
    except OSError as error:
        raise DataError(_unwritable(out, error)) from error
    return True


def is_finished(out: Path, options: Options) -> bool:
    """Return whether ``out`` holds the complete corpus of these options, written by this version of the code."""
    return _manifest(out) == _description(options, finished=True)


def generator_digest() -> str:
    """Return a digest, 16 hexadecimal digits, of the code and tables that determine the frames."""
    here = Path(__file__).parent
    package = here.parent
    tables = (package / "synthetic" / "action_units.csv", package / "synthetic" / "counts.py")
    drawing = [path for path in [*here.glob("*.py"), *here.glob("*.csv")] if path.name != "source.py"]  # only reads
    return digest_of_files([*drawing, *tables], package)[:16]


def render(options: Options, job: Job) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a recording, as path within the corpus and content, the ground truth last.

    Args:
        options: Options of the corpus.
        job: Which recording.
    """
    recording = perform(options, job)
    scene, noise = _scene(options, job.subject), noise_of(options, job)
    film = Film(options.size, recording.fps, options.crf) if job.kind == "video" else None
    images = _image_paths(recording)
    landmarks = np.empty((len(recording.units), 68, 2))
    digest = hashlib.sha256()
    for frame, number in enumerate(recording.numbers):
        state = recording.state(number)
        pixels = scene.render(state, noise)
        landmarks[frame] = scene.landmarks(state)
        if film is not None:
            film.add(pixels)
        for path in images.get(number, []):
            content = jpeg(pixels, options.jpeg_quality)
            digest.update(content)
            yield path, content
    if film is not None:
        content = film.close()
        digest.update(content)
        yield casme_sq_layout.video_path(recording), content
    yield _truth_path(job), pack_truth(recording, scene, landmarks, UNITS, digest.hexdigest())


# --- One recording ---


def _image_paths(recording: Recording) -> dict[int, list[str]]:
    if recording.job.kind == "video":
        return casme_sq_layout.frame_paths(recording)
    return {number: [path] for number, path in casme2_layout.frame_paths(recording).items()}


def _truth_path(job: Job) -> str:
    return f"truth/p{job.subject:02d}/{job.kind}{job.number:02d}.npz"


@lru_cache(maxsize=2)
def _scene(options: Options, subject: int) -> Scene:
    who = person(options, subject)
    return Scene(who.face, who.camera)


def _is_sound(out: Path, options: Options, job: Job) -> bool:
    """Return whether all files of a recording exist and are intact."""
    if not (out / _truth_path(job)).is_file():
        return False
    recording = perform(options, job)
    paths = [path for paths in _image_paths(recording).values() for path in paths]
    if job.kind == "video":
        paths.append(casme_sq_layout.video_path(recording))
    digest = hashlib.sha256()
    try:
        truth = read_truth(out / _truth_path(job))
        for path in paths:
            digest.update((out / path).read_bytes())
    except (DataError, FileNotFoundError):
        return False
    return truth.frames == digest.hexdigest()


class _Recordings(Dataset[str]):
    """Recordings to make: reading an item makes it, unless it exists, and returns the fault or an empty text."""

    def __init__(self, out: Path, options: Options) -> None:
        self.out, self.options, self.jobs = out, options, jobs(options)

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, index: int) -> str:
        job = self.jobs[index]
        try:
            if not _is_sound(self.out, self.options, job):
                self._write(job)
        except OSError as error:
            return _unwritable(self.out, error)
        return ""

    def _write(self, job: Job) -> None:
        # Files need not be written atomically: a recording without its ground truth, the last file, is made again.
        made = set()
        for name, content in render(self.options, job):
            path = self.out / name
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            if path.suffix == ".npz":
                write_bytes_atomically(path, content)
            else:
                path.write_bytes(content)


# --- The corpus ---


def _make(out: Path, options: Options, workers: int | None) -> None:
    recordings = _Recordings(out, options)
    _check_room(out, recordings)
    count = min(len(recordings), len(os.sched_getaffinity(0)) if workers is None else workers)
    loader = DataLoader(recordings, batch_size=None, num_workers=count)
    title = f"rendering {len(recordings)} recordings of {options.subjects} people"
    with one_thread():
        for fault in track(loader, title, len(recordings), console=Console(stderr=True), transient=True):
            if fault:
                raise DataError(fault)
    performed = [perform(options, job) for job in recordings.jobs]
    for layout, kind in zip(_DATABASES, ("clip", "video"), strict=True):
        content = xlsx(layout.sheets([recording for recording in performed if recording.job.kind == kind]))
        write_bytes_atomically(out / layout.WORKBOOK, content)
        (out / layout.FOLDER / UNFINISHED).unlink(missing_ok=True)
    for leftover in out.glob("**/.*.part"):  # of writers that were killed
        leftover.unlink(missing_ok=True)
    _write_manifest(out, options, finished=True)


def _begun(out: Path, options: Options) -> bool:
    """Return whether the corpus is complete; otherwise prepare the folder."""
    found = _manifest(out)
    if found is None:
        strangers = sorted(path.name for path in out.iterdir() if path.name != _LOCK)
        if strangers:
            raise ConfigurationError(
                f"{out}: the folder is not empty and contains no corpus to resume ({', '.join(strangers[:5])}); "
                "use a new one"
            )
    else:
        there = found.get("options")
        differences = options.differences(there if isinstance(there, dict) else {})
        if differences:
            raise ConfigurationError(
                f"{out}: contains a corpus with other options ({'; '.join(differences)}); use another folder"
            )
        if found.get("code") != generator_digest():
            raise ConfigurationError(
                f"{out}: contains a corpus by another version of this program; remove it, or use another folder"
            )
        if found.get("finished") is True:
            return True
    for layout in _DATABASES:
        write_atomically(
            out / layout.FOLDER / UNFINISHED, "The corpus is incomplete. lightmannet synthesize continues it.\n"
        )
    _write_manifest(out, options, finished=False)
    return False


def _manifest(out: Path) -> dict[str, object] | None:
    """Return the content of the manifest; None if there is no manifest."""
    try:
        content = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ConfigurationError(f"{out / MANIFEST}: damaged ({error}); remove the folder or use another") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{out / MANIFEST}: does not describe a corpus; remove the folder or use another")
    return content


def _write_manifest(out: Path, options: Options, finished: bool) -> None:
    write_atomically(out / MANIFEST, json.dumps(_description(options, finished), indent=2) + "\n")


def _description(options: Options, finished: bool) -> dict[str, object]:
    return {
        "what": "rendered faces whose muscles move; no real person",
        "options": asdict(options),
        "code": generator_digest(),
        "finished": finished,
    }


def _check_room(out: Path, recordings: _Recordings) -> None:
    o = recordings.options
    seconds = 0.35 * o.micro_fps * o.micro_clips + (1.5 + o.pause) * o.video_fps * (o.macro_clips + o.video_micro_clips)
    needed = int(o.subjects * seconds * o.size**2 * _BYTES_A_PIXEL)
    free = shutil.disk_usage(out).free
    have = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if free < needed - have:
        raise DataError(
            f"{out}: the corpus needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; free some, use a "
            "folder on another disk, or choose a smaller corpus"
        )


def _unwritable(out: Path, error: OSError) -> str:
    return (
        f"{error.filename or out}: cannot be written ({error.strerror or error}). Free space or permit writing there "
        "and start again, to continue where it stopped"
    )


@contextlib.contextmanager
def _locked(out: Path, wait: bool) -> Iterator[None]:
    """Keep other processes from writing the same corpus; the lock ends with the process, even a killed one."""
    if out.exists() and not out.is_dir():
        raise ConfigurationError(f"{out}: is a file; use a folder")
    out.mkdir(parents=True, exist_ok=True)
    with (out / _LOCK).open("w") as file:
        try:
            # Not flock, which workers would keep after the death of their parent.
            fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise ConfigurationError(f"{out}: another process is writing this corpus; wait until it is done") from None
        yield
