"""The commands ``lightning`` and ``lightmannet``, one program: Lightning's verbs, and this project's own."""

import logging
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentParser, auto_cli

from lightmannet.commands import PARSES_ITSELF, VERBS
from lightmannet.errors import LightmanNetError

_OPTIONS_OF_LIGHTNING = ("--config", "-c=", "--data", "--trainer", "--print_config", "--model.", "--ckpt_path")


def main(args: list[str] | None = None) -> None:
    """Run one command, e.g. ``main(["fit", "--config", "configs/lightmannet.yaml"])``.

    Args:
        args: Arguments after the program's name; None takes those of the command line.

    Raises:
        SystemExit: With code 2 after a plain message, if the user's data, options or files are at fault.
    """
    _ignore_known_warnings()
    given = sys.argv[1:] if args is None else args
    verb = _own_verb(given)
    try:
        if verb is None:
            # Here, as Lightning and torch take seconds to import.
            from lightmannet.lightning_cli import run_lightning

            run_lightning(args)
            return
        command: Any = pkgutil.resolve_name(VERBS[verb])
        rest = given[len(verb.split()) :]
        if verb in PARSES_ITSELF:
            if (code := command(rest)) is not None:
                sys.exit(code)
            return
        auto_cli(command, args=rest, prog=f"lightmannet {verb}", parser_class=_Switches)
    # OSError: a full disk, no permission; its message names the file.
    except (LightmanNetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _own_verb(args: Sequence[str]) -> str | None:
    """Return which of this project's own verbs is asked for, or None for one of Lightning's."""
    for verb in sorted(VERBS, key=len, reverse=True):
        if list(args[: len(verb.split())]) == verb.split():
            return None if verb == "predict" and _names_a_run(args) else verb
    return None


def _names_a_run(args: Sequence[str]) -> bool:
    """Return whether ``predict`` is Lightning's verb, on a run's configuration, and not the one for clips."""
    return any(argument == "-c" or argument.startswith(_OPTIONS_OF_LIGHTNING) for argument in args[1:])


def _ignore_known_warnings() -> None:
    # Said by Lightning about its own code, on every run.
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message="Couldn't infer the batch indices.*")
    warnings.filterwarnings("ignore", message="\\s*skip_none parameter was deprecated.*")
    # A run that goes on has a folder of its own, and should.
    warnings.filterwarnings("ignore", message="The dirpath has changed from.*")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_is_no_tip)


def _is_no_tip(record: logging.LogRecord) -> bool:
    """Return whether a note is none of Lightning's tips, which advertise other products."""
    return "💡 Tip" not in record.getMessage()


class _Switches(ArgumentParser):
    """Takes an option that is true or false, given alone, for true: ``--fresh`` is ``--fresh=true``."""

    def add_argument(self, *names: Any, **options: Any) -> Any:
        if options.get("type") is bool:
            options |= {"nargs": "?", "const": True}
        return super().add_argument(*names, **options)
