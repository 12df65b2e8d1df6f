"""Configurations and docstrings of the package, read without importing anything."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


def config_folder() -> Path:
    """Return the folder of configurations: in the installed package, or at the top of the repository."""
    installed = _HERE / "configs"
    return installed if installed.is_dir() else _HERE.parents[1] / "configs"


def config_path(name: str, folder: str = "") -> str:
    """Return the path of a configuration given as a path or by its name in the package.

    Args:
        name: An existing file, or e.g. ``lightmannet`` or ``configs/data/casme2.yaml``.
        folder: Subfolder of short names, e.g. ``tables``.

    Returns:
        The path of the file, or ``name`` itself if there is no such file.
    """
    if "\0" in name or Path(name).is_file():
        return name
    short = name.removeprefix("configs/").removesuffix(".yaml")
    for place in (config_folder() / folder, config_folder()):
        if (found := place / f"{short}.yaml").is_file():
            return str(found)
    return name


def described(folder: str = "") -> dict[str, str]:
    """Return the configurations that come with the package, by name, with the first sentence of their comments.

    Args:
        folder: Subfolder, e.g. ``data``; the methods' configurations lie in none.
    """
    return {path.stem: comment_of(path) for path in sorted((config_folder() / folder).glob("*.yaml"))}


def comment_of(config: Path) -> str:
    """Return the first sentence of the comment that a configuration begins with."""
    comment = re.match(r"(?:#.*\n)+", config.read_text(encoding="utf-8"))
    return first_sentence(" ".join(line.lstrip("# ") for line in comment[0].splitlines())) if comment else ""


def docstring(class_or_function: str) -> str:
    """Return the docstring of a class or function by its import path, e.g. ``lightmannet.learners.LightmanNet``.

    Args:
        class_or_function: Module and name; the module may import the name from another.

    Returns:
        The text, or an empty one if it cannot be found.
    """
    module, _, name = class_or_function.rpartition(".")
    tree = _tree(module)
    for node in tree.body if tree else []:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node) or ""
        if isinstance(node, ast.ImportFrom) and node.module and name in [alias.name for alias in node.names]:
            return docstring(f"{node.module}.{name}")
    return ""


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, in one line."""
    return re.split(r"(?<=\.) (?=[A-Z])", " ".join(text.split()), maxsplit=1)[0]


@cache
def _tree(module: str) -> ast.Module | None:
    package, *parts = module.split(".")
    found = importlib.util.find_spec(package) if package else None
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent.joinpath(*parts) if found.submodule_search_locations else Path(found.origin)
    file = next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)
    return ast.parse(file.read_text(encoding="utf-8")) if file else None
