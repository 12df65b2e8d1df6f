"""Class schemes: how each database's emotions map to classes, as described in ``schemes/*.yaml``."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from data_modules.clip_table import ClipRow
from lightmannet.errors import ConfigurationError, DataError, faults_message

FOLDER = Path(__file__).with_name("schemes")
CLASSES = ("negative", "positive", "surprise")
"""The three classes of MEGC2019, in the order of their labels 0, 1, 2."""


@dataclass(frozen=True)
class DatabaseScheme:
    """How a scheme maps the clips of one database to classes.

    Attributes:
        classes: Values of the column ``by`` for each class; emotions in lower case.
        drop: Values that belong to no class.
        exclude: Clips, as ``subject/clip``, that the scheme leaves out by name.
        by: The column that determines the class.
        clips: Number of micro-expression clips per class in the complete database; empty if unknown.
    """

    classes: Mapping[str, Sequence[str | int]]
    drop: Sequence[str | int] = ()
    exclude: Sequence[str] = ()
    by: Literal["emotion", "objective_class"] = "emotion"
    clips: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Scheme:
    """Classes to recognise, and how each database's annotations map to them.

    Attributes:
        name: Stem of its file.
        title: Short description.
        classes: Class names in the order of their labels.
        databases: Mapping of each database, by its short name.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    databases: Mapping[str, DatabaseScheme]

    def label(self, row: ClipRow) -> int | None:
        """Return a clip's class, or None if the scheme excludes it or the clip lacks the annotation.

        Raises:
            DataError: The scheme does not cover the clip's annotation or its database.
        """
        rule = self.databases.get(row.database)
        if rule is None:
            raise DataError(
                f"The scheme {self.name} does not cover {row.database}; it covers {', '.join(self.databases)}"
            )
        value = row.objective_class if rule.by == "objective_class" else row.emotion and row.emotion.lower()
        if value is None or f"{row.subject}/{row.clip}" in rule.exclude or value in rule.drop:
            return None
        for label, name in enumerate(self.classes):
            if value in rule.classes.get(name, ()):
                return label
        raise DataError(
            f"The scheme {self.name} has no class for {rule.by.replace('_', ' ')} {value!r} of {row.database}; "
            f"add it to the scheme's file"
        )

    def labels(self, rows: Sequence[ClipRow]) -> list[int | None]:
        """Return ``label`` of each row.

        Raises:
            DataError: The scheme does not cover some clips; the message lists each value once.
        """
        found: list[int | None] = []
        faults: Counter[str] = Counter()
        for row in rows:
            try:
                found.append(self.label(row))
            except DataError as error:
                faults[str(error)] += 1
        if faults:
            raise DataError(
                faults_message(
                    f"Classes of scheme {self.name}", [f"{what} ({count} clips)" for what, count in faults.items()]
                )
            )
        return found


LABELS = "labels"
"""Name of the scheme that is made of the labels found."""


def scheme_of_labels(rows: Iterable[ClipRow]) -> Scheme:
    """Return the scheme whose classes are the emotions of the micro-expressions, or of the macro-expressions alone.

    Args:
        rows: Clips of any databases; values of macro-expressions that no micro-expression has are of no class.

    Raises:
        DataError: No clip has an emotion.
    """
    values: dict[str, dict[str, set[str]]] = {"micro": {}, "macro": {}}
    for row in rows:
        values["micro"].setdefault(row.database, set())
        values["macro"].setdefault(row.database, set())
        if row.emotion is not None:
            values[row.kind][row.database].add(row.emotion.lower())
    deciding = set().union(*values["micro"].values()) or set().union(*values["macro"].values())
    if not deciding:
        raise DataError(f"scheme: {LABELS} makes classes of the clips' labels, but no clip has one.")
    classes = tuple(sorted(deciding))
    databases = {
        name: DatabaseScheme(
            classes={label: (label,) for label in classes}, drop=tuple(sorted(values["macro"][name] - deciding))
        )
        for name in values["micro"]
    }
    return Scheme(LABELS, "The labels found", classes, databases)


def scheme_names() -> list[str]:
    """Return the names of all schemes."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_scheme(name: str) -> Scheme:
    """Return a scheme.

    Args:
        name: One of ``scheme_names()``, or the path of a YAML file of your own.

    Raises:
        ConfigurationError: There is no such scheme, or the file is not a scheme.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the name
        raise ConfigurationError(
            f"scheme: {name!r} is neither a YAML file nor one of {', '.join(scheme_names())}"
        ) from error
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not YAML: {error}") from error
    try:
        databases = {key: DatabaseScheme(**value) for key, value in content["databases"].items()}
        scheme = Scheme(path.stem, content["title"], tuple(content["classes"]), databases)
        _check(path, scheme)
    except (KeyError, TypeError, AttributeError) as error:  # a file of another form
        raise ConfigurationError(
            f"{path} is not a class scheme, which has title, classes and databases ({error!r})"
        ) from error
    return scheme


def _check(path: Path, scheme: Scheme) -> None:
    faults = [] if scheme.classes and scheme.databases else ["no class or no database"]
    faults += [f"class {name!r} is not text" for name in scheme.classes if not isinstance(name, str)]
    faults += [f"class {name!r} occurs twice" for name in _twice(scheme.classes)]
    for name, rule in scheme.databases.items():
        lists = [*rule.classes.values(), rule.drop, rule.exclude]
        if any(not isinstance(group, list | tuple) for group in lists):
            faults.append(f"{name}: each class, drop and exclude hold a list, e.g. [happiness]")
            continue
        values = [value for group in rule.classes.values() for value in group] + list(rule.drop)
        faults += [f"{name}: {value!r} occurs twice" for value in _twice(values)]
        faults += [
            f"{name}: class {key!r} is not among the classes"
            for key in [*rule.classes, *rule.clips]
            if key not in scheme.classes
        ]
        if rule.by == "emotion":
            faults += [f"{name}: {value!r} is not lower-case text" for value in values if value != str(value).lower()]
        elif rule.by == "objective_class":
            faults += [f"{name}: {value!r} is not a number from 1 to 7" for value in values if value not in range(1, 8)]
        else:
            faults.append(f"{name}: by is emotion or objective_class, not {rule.by!r}")
    if faults:
        raise ConfigurationError(faults_message(str(path), faults))


def _twice(values: Iterable[str | int]) -> list[str | int]:
    return [value for value, count in Counter(values).items() if count > 1]
