"""The command ``lightmannet class-means``: mean motion of each class, micro- beside macro-expressions."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float
from jsonargparse import ArgumentError, ArgumentParser
from rich.console import Console

import data_modules
from data_modules.auxiliary import AuxiliarySource
from data_modules.corpus import CorpusSource
from data_modules.macro_sets import MacroSets
from data_modules.protocols import Fold
from lightmannet.config_file import check_config_file
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from lightmannet.files import write_bytes_atomically
from lightmannet.packaged import config_path
from lightmannet.pictures.channels import encode_png
from lightmannet.pictures.class_panels import class_panels

Means = Float[np.ndarray, "class 2 height width"]


def class_means(output: Path, data: list[str] | None = None) -> None:
    """Draw the mean motion of each class, of micro- above that of macro-expressions, and print how alike they are.

    Means of many people's motion show no face. Drawn is what is peculiar to a class: its mean without the mean of all
    classes. The likeness is the correlation of u and v over all pixels.

    Args:
        output: PNG file.
        data: Configurations of a corpus and of auxiliary, of which each changes those before; by default
            configs/data/megc2019.yaml and macro.yaml.

    Raises:
        ConfigurationError: The configurations have no corpus or no auxiliary, the corpus has no motion images, or the
            output is no PNG file.
        DataError: The data cannot be read.
    """
    if output.suffix.lower() != ".png":
        raise ConfigurationError(f"{output}: name a .png file")
    corpus, auxiliary = _sources(data or ["configs/data/megc2019.yaml", "configs/data/macro.yaml"])
    micro = corpus.load()
    if micro.kind != "motion":
        raise ConfigurationError(f"class-means needs motion images, but {micro.name} has {micro.kind}")
    macro = auxiliary.clips(micro, Fold(train=tuple(set(micro.micro.subjects)), validation=(), test=("nobody",)))
    rows = [peculiar_motion(clips, len(micro.classes)) for clips in (micro.micro, macro)]
    names = [f"micro: {len(micro.micro)} clips", f"macro: {len(macro)} clips"]
    write_bytes_atomically(output, encode_png(class_panels(rows, names, micro.classes)))
    console = Console(soft_wrap=True)
    console.print(f"micro: {len(micro.micro)} clips of {micro.name}; {auxiliary.describe()}", highlight=False)
    for name, one, other in zip(micro.classes, *rows, strict=True):
        console.print(f"{name}: correlation {np.corrcoef(one.ravel(), other.ravel())[0, 1]:.2f}", highlight=False)
    console.print(f"picture: {output}", highlight=False)


def _sources(names: list[str]) -> tuple[CorpusSource, AuxiliarySource]:
    """Return what configurations name as corpus and as auxiliary."""
    found: dict[str, Any] = {}
    for name in names:
        path = config_path(name, "data")
        check_config_file(path)
        options = yaml.safe_load(Path(path).read_text(encoding="utf-8"))["data"]["init_args"]
        found |= {key: options[key] for key in ("corpus", "auxiliary") if key in options}
    if len(found) < 2:
        raise ConfigurationError(f"{', '.join(names)} must name a corpus and auxiliary, but name {', '.join(found)}")
    for name in data_modules.__all__:
        getattr(data_modules, name)  # short names are those of classes that are imported
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--corpus", type=CorpusSource)
    parser.add_argument("--auxiliary", type=AuxiliarySource | list[CorpusSource])
    try:
        made = parser.instantiate_classes(parser.parse_object(found))
    except ArgumentError as error:
        raise ConfigurationError(f"{', '.join(names)}: {error}") from None
    return made.corpus, MacroSets(made.auxiliary) if isinstance(made.auxiliary, list) else made.auxiliary


def peculiar_motion(clips: Clips, classes: int) -> Means:
    """Return mean u and v of each class without the mean over classes, of the first phase.

    Raises:
        ConfigurationError: A class without clips.
    """
    motion = clips.inputs[:, 0, :2].double().numpy()
    labels = clips.labels.numpy()
    missing = sorted(set(range(classes)) - set(labels.tolist()))
    if missing:
        raise ConfigurationError(f"no clip shows class {missing[0]}; add a set that does")
    means = np.stack([motion[labels == label].mean(0) for label in range(classes)])
    return np.asarray(means - means.mean(0))
