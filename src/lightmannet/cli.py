"""The program behind the commands ``lightning`` and ``lightmannet``: Lightning's verbs and this project's own."""

import difflib
import logging
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import lightmannet
from lightmannet.commands import LIGHTNING, ONE_THREAD, PARSES_ITSELF, VERBS
from lightmannet.errors import ConfigurationError, LightmanNetError
from lightmannet.packaged import docstring, first_sentence

_OPTIONS_OF_LIGHTNING = ("--config", "-c=", "--data", "--trainer", "--print_config", "--model.", "--ckpt_path")


def main(args: list[str] | None = None) -> None:
    """Run one command, e.g. ``main(["fit", "--config", "configs/lightmannet.yaml"])``.

    Args:
        args: Arguments after the program's name; None takes those of the command line.

    Raises:
        SystemExit: With code 2 after an error message, if the user's data, options or files are at fault.
    """
    given = sys.argv[1:] if args is None else args
    if not given or given[0] in ("-h", "--help"):
        print(_help())
        return
    if given[0] == "--version":
        print(f"lightmannet {lightmannet.__version__}")
        return
    _ignore_known_warnings()
    try:
        _run(given, args)
    # OSError: a full disk, no permission; its message names the file.
    except (LightmanNetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _run(given: list[str], args: list[str] | None) -> None:
    # As for `python -m`: a configuration may name a class of a file in the current folder.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    verb = _own_verb(given)
    if verb is None:
        known = [name.split()[0] for name in (*LIGHTNING, *VERBS)]
        if not given[0].startswith("-") and given[0] not in known:
            near = difflib.get_close_matches(given[0], known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigurationError(f"There is no command {given[0]!r}.{hint} lightmannet --help lists them.")
        # Here, as Lightning and torch take seconds to import.
        from lightmannet.lightning_cli import run_lightning

        run_lightning(args)
        return
    command: Any = pkgutil.resolve_name(VERBS[verb])
    rest = given[len(verb.split()) :]
    if verb in ONE_THREAD:
        from lightmannet.threads import take_one_thread

        take_one_thread()
    if verb in PARSES_ITSELF:
        if (code := command(rest)) is not None:
            sys.exit(code)
        return
    from jsonargparse import auto_cli

    from lightmannet.commands.parser import Switches

    auto_cli(command, args=rest, prog=f"lightmannet {verb}", parser_class=Switches)


def _help() -> str:
    """Return one line per command, without importing any."""
    own = {verb: first_sentence(docstring(place.replace(":", "."))) for verb, place in VERBS.items()}
    lines = [f"  {verb:<30}{line}" for verb, line in (LIGHTNING | own).items()]
    return "\n".join(
        [
            "usage: lightmannet COMMAND [OPTIONS]     (lightning is the same program)",
            "",
            *lines,
            "",
            "COMMAND --help lists the options of a command; --version prints the version.",
            "Configurations of the package can be given by name: lightning fit --config lightmannet",
        ]
    )


def _own_verb(args: Sequence[str]) -> str | None:
    """Return the requested verb of this project, or None for one of Lightning's."""
    for verb in sorted(VERBS, key=len, reverse=True):
        if list(args[: len(verb.split())]) == verb.split():
            return None if verb == "predict" and _names_a_run(args) else verb
    return None


def _names_a_run(args: Sequence[str]) -> bool:
    """Return whether ``predict`` is Lightning's verb, for a run's configuration, instead of the one for clips."""
    return any(argument == "-c" or argument.startswith(_OPTIONS_OF_LIGHTNING) for argument in args[1:])


def _ignore_known_warnings() -> None:
    # Lightning warns about its own code on every run.
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message="Couldn't infer the batch indices.*")
    warnings.filterwarnings("ignore", message="\\s*skip_none parameter was deprecated.*")
    # A resumed run has its own folder on purpose.
    warnings.filterwarnings("ignore", message="The dirpath has changed from.*")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_is_no_tip)


def _is_no_tip(record: logging.LogRecord) -> bool:
    """Return whether a record is not one of Lightning's tips, which advertise other products."""
    return "💡 Tip" not in record.getMessage()
