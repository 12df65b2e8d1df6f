"""Sphinx: ``make docs`` builds docs/_build; the pages of databases and of the API are made from the code."""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from data_modules.databases.registry import READERS

HERE = Path(__file__).parent
MADE = HERE / "_made"

project = "LightmanNet"
author = "The LightmanNet contributors"
release = importlib.metadata.version("lightmannet")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"LightmanNet {release}"
html_show_sourcelink = False

# Attributes as a list: those of named tuples are documented a second time otherwise.
napoleon_use_ivar = True
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

API = {
    "Methods": "lightmannet.learners",
    "Networks": "lightmannet.networks",
    "Losses": "lightmannet.losses",
    "Inner loop": "lightmannet.adaptation",
    "Metrics": "lightmannet.metrics",
    "Answers for clips": "lightmannet.inference",
    "Data": "data_modules",
}


def _module_names(package: str) -> list[str]:
    """Return the public modules of a package, but for the generators' inner ones."""
    path = Path(importlib.util.find_spec(package).submodule_search_locations[0])  # type: ignore[union-attr,index]
    names = [p.relative_to(path).with_suffix("").as_posix().replace("/", ".") for p in sorted(path.rglob("*.py"))]
    hidden = ("synthetic.", "rendered.", "_")
    return [f"{package}.{name}" for name in names if not name.startswith(hidden) and not name.endswith("__init__")]


def _write_api() -> None:
    toc = []
    for title, package in API.items():
        text = f"# {title}\n\n" + "".join(
            f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n```\n\n" for name in _module_names(package)
        )
        (MADE / f"{package}.md").write_text(text)
        toc.append(f"{package}\n")
    (MADE / "api.md").write_text("# API reference\n\n```{toctree}\n:maxdepth: 2\n\n" + "".join(toc) + "```\n")


def _write_databases() -> None:
    for name, reader in READERS.items():
        d = reader.description
        text = (
            f"# {d.title}: `{name}`\n\n{d.request} Licence: {d.licence}. "
            f"How well the layout is known: {d.certainty}.\n\n"
            f"The folder that `{d.variable}` names:\n```text\n{d.tree}\n```\n"
            f"```\nlightmannet databases check {name}\n```\n"
        )
        (MADE / f"database_{name}.md").write_text(text)


shutil.rmtree(MADE, ignore_errors=True)
MADE.mkdir()
_write_api()
_write_databases()
