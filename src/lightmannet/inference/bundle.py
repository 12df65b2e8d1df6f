"""A bundle: a trained method with everything needed for recognition, as a folder of plain files without code.

``manifest.json`` (format, version, SHA-256 of each file), ``settings.json`` (parts, classes, calibration),
``weights.safetensors``, ``support.safetensors`` (the support bank) and ``card.md`` (the model card); optionally
``model.onnx``, the adapted network for other programs.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from lightmannet.episode import Clips
from lightmannet.errors import BundleError
from lightmannet.files import set_default_permissions, write_bytes_atomically

FORMAT, VERSION = "lightmannet-bundle", 1
MANIFEST = "manifest.json"
FILES = ("settings.json", "weights.safetensors", "support.safetensors", "card.md")
ONNX = "model.onnx"
_OPTIONAL = ("objective_classes", "action_units")


@dataclass(frozen=True)
class Draw:
    """One support set of training people's clips.

    Attributes:
        support: Labelled micro-expression clips.
        auxiliary: Macro-expression clips, or None for methods without an auxiliary branch.
    """

    support: Clips
    auxiliary: Clips | None


@dataclass(frozen=True)
class Bundle:
    """Content of a bundle.

    Attributes:
        settings: Specifications of parts, classes, calibration and provenance of the scores; plain values.
        weights: The method's tensors by name.
        draws: The support bank.
        card: The model card, Markdown.
        onnx: The adapted network as an ONNX file, or None.
    """

    settings: Mapping[str, Any]
    weights: dict[str, Tensor]
    draws: tuple[Draw, ...]
    card: str
    onnx: bytes | None = None


def is_weight(name: str) -> bool:
    """Return whether a tensor of a learner's state is part of the method, not of its metrics in training."""
    return not name.startswith(("scores.", "mean_loss."))


def check_room(folder: Path) -> None:
    """Check that a bundle may be written to a folder.

    Raises:
        BundleError: The folder contains something else.
    """
    if folder.exists() and not (folder / MANIFEST).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise BundleError(f"{folder}: contains something that is not a bundle; use a new folder")


def write_bundle(folder: Path, bundle: Bundle) -> None:
    """Write a bundle atomically: to a temporary folder next to ``folder``, which is then renamed.

    Args:
        folder: New or empty folder, or a bundle, which is replaced.
        bundle: The bundle.

    Raises:
        BundleError: The folder contains something else.
        OSError: It cannot be written.
    """
    check_room(folder)
    content = {
        "settings.json": (json.dumps(bundle.settings, indent=2) + "\n").encode(),
        "weights.safetensors": save_tensors({name: value.contiguous() for name, value in bundle.weights.items()}),
        "support.safetensors": save_tensors(_bank(bundle.draws)),
        "card.md": bundle.card.encode(),
        **({ONNX: bundle.onnx} if bundle.onnx is not None else {}),
    }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    content[MANIFEST] = (json.dumps({"format": FORMAT, "version": VERSION, "sha256": hashes}, indent=2) + "\n").encode()
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        for name, data in content.items():
            write_bytes_atomically(part / name, data)
        set_default_permissions(part)
        if folder.exists():
            old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
            folder.rename(old / "old")
            part.rename(folder)
            shutil.rmtree(old)
        else:
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def read_bundle(folder: Path) -> Bundle:
    """Return the content of a bundle, after checking its hashes, without executing anything in it.

    Raises:
        BundleError: Not a bundle, one of another version, or a file is missing or has changed since the export.
    """
    manifest = _manifest(folder)
    content = {}
    for name in (*FILES, *({ONNX} & manifest["sha256"].keys())):
        try:
            content[name] = (folder / name).read_bytes()
        except OSError as error:
            raise BundleError(
                f"{folder}: the bundle's file {name} is missing or cannot be read ({error.strerror}); copy the whole "
                "bundle again"
            ) from error
        if hashlib.sha256(content[name]).hexdigest() != manifest["sha256"].get(name):
            raise BundleError(
                f"{folder / name}: has changed since the export (its SHA-256 differs from {MANIFEST}); copy the bundle "
                "again or export it again"
            )
    try:
        settings = json.loads(content["settings.json"])
        weights, bank = load_tensors(content["weights.safetensors"]), load_tensors(content["support.safetensors"])
        return Bundle(settings, weights, _draws(bank), content["card.md"].decode(), content.get(ONNX))
    except (ValueError, KeyError, SafetensorError) as error:
        raise BundleError(f"{folder}: the bundle's files contradict each other ({error}); export it again") from error


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(
            f"{folder}: is not a bundle ({MANIFEST}: {error.strerror}). Make one with: lightmannet export RUN {folder}"
        ) from error
    except ValueError as error:
        raise BundleError(f"{path}: damaged ({error}); copy the bundle again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(
            f"{path}: does not describe a bundle of this program; make one with: lightmannet export RUN FOLDER"
        )
    if manifest.get("version") != VERSION:
        raise BundleError(
            f"{folder}: is a bundle of version {manifest.get('version')!r}, and this program reads version {VERSION}; "
            "export it again with this program"
        )
    if not isinstance(manifest.get("sha256"), dict):
        raise BundleError(f"{path}: has no hashes; copy the bundle again")
    return manifest


def _bank(draws: tuple[Draw, ...]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for number, draw in enumerate(draws):
        for part, clips in (("support", draw.support), ("auxiliary", draw.auxiliary)):
            if clips is not None:
                for name in ("inputs", "labels", *_OPTIONAL):
                    value = getattr(clips, name)
                    if value is not None:
                        tensors[f"{number:03d}.{part}.{name}"] = value.contiguous()
    # Not empty, so that the file can be recognised as safetensors.
    return tensors or {"none": torch.zeros(0)}


def _draws(tensors: Mapping[str, Tensor]) -> tuple[Draw, ...]:
    numbers = sorted({name.split(".")[0] for name in tensors if name != "none"})
    draws = []
    for number in numbers:
        support = _clips(tensors, f"{number}.support")
        if support is None:
            raise KeyError(f"{number}.support")
        draws.append(Draw(support, _clips(tensors, f"{number}.auxiliary")))
    return tuple(draws)


def _clips(tensors: Mapping[str, Tensor], prefix: str) -> Clips | None:
    if f"{prefix}.inputs" not in tensors:
        return None
    inputs = tensors[f"{prefix}.inputs"]
    # The people's names are not part of a bundle.
    people = tuple("bank/person" for _ in range(len(inputs)))
    ids = tuple(f"bank/{prefix}/{number}" for number in range(len(inputs)))
    extra = {name: tensors.get(f"{prefix}.{name}") for name in _OPTIONAL}
    return Clips(inputs, tensors[f"{prefix}.labels"], people, ids, extra["objective_classes"], extra["action_units"])
