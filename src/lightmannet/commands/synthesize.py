"""The command ``lightmannet synthesize``: rendered faces in the layouts of two databases."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser

from data_modules.rendered.options import Options
from data_modules.rendered.synthesize import write_corpus


def synthesize(arguments: Sequence[str]) -> None:
    """Write a corpus of rendered faces in the layouts of CASME II and CAS(ME)^2; it shows no real person.

    OUT/casme2 has micro-expressions as images, OUT/casme_sq long videos with macro- and micro-expressions, as MP4 and
    as images, and OUT/truth the true motion. The same options give the same frames. If it is interrupted, the same
    command continues.

    Args:
        arguments: The folder, then the options of the corpus, e.g. ``["corpus", "--subjects=40"]``.

    Raises:
        ConfigurationError: Invalid options, or a folder with something else in it.
        DataError: The folder cannot be written, or has too little room.
    """
    description = (synthesize.__doc__ or "").split("\n\n    Args:")[0]
    parser = ArgumentParser(prog="lightmannet synthesize", description=description)
    parser.add_argument("--config", action="config", help="YAML file with options")
    parser.add_argument("out", type=str, help="folder to write; new, empty, or with the same corpus")
    parser.add_class_arguments(Options)
    parser.add_argument("--workers", type=int | None, help="processes; by default one per core, 0 for none")
    given = parser.parse_args(list(arguments)).as_dict()
    given.pop("config", None)
    out, workers = given.pop("out"), given.pop("workers")
    written = write_corpus(Path(out).expanduser(), Options(**given), workers)
    print(f"{out}: {'written' if written else 'was there already'}; databases in {out}/casme2 and {out}/casme_sq")
