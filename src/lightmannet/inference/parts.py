"""The possible parts of a bundle, by name: this package's, and classes of its author where the user allows them."""

import importlib
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import data_modules
import lightmannet.learners as learners
import lightmannet.losses as losses
import lightmannet.networks as networks
from data_modules.representations.base import Representation
from data_modules.representations.landmark_flow import LandmarkFlow
from data_modules.video.crop import AnnotatedBox, Crop, WholeFrame, YuNet
from data_modules.video.eyes import DetectedEyes, FixedEyes
from lightmannet.errors import BundleError, ConfigurationError, LightmanNetError
from lightmannet.inference.old_parts import modern_options

Spec = dict[str, Any]
"""Specification of a part: ``{"name": "Conv4", "options": {"width": 32}}``; options may be parts themselves. A name
with a dot is the path of a class outside this package."""

_REPRESENTATIONS = ("ApexFlow", "Difference", "FrameClip", "PairFlow", "PhaseFlow")
PARTS: Mapping[str, type] = {
    **{name: getattr(learners, name) for name in learners.__all__},
    **{name: getattr(networks, name) for name in networks.__all__ if name != "Encoder"},
    **{name: getattr(losses, name) for name in losses.__all__},
    **{name: getattr(data_modules, name) for name in _REPRESENTATIONS},
    "WholeFrame": WholeFrame,
    "YuNet": YuNet,
    "DetectedEyes": DetectedEyes,
    "FixedEyes": FixedEyes,
}
_OURS = ("lightmannet", "data_modules")


def build(spec: Spec, allow: Collection[str] = ()) -> Any:
    """Return the part that ``spec`` describes; a name that is neither in ``PARTS`` nor allowed is refused.

    Args:
        spec: The part.
        allow: Paths of classes outside this package that may be imported.

    Raises:
        BundleError: An unknown part, one that is not allowed or cannot be imported, or unknown or invalid options.
    """
    path = str(spec.get("name"))
    kind = _imported(path) if "." in path and path in allow else PARTS.get(path)
    options = spec.get("options")
    if kind is None or not isinstance(options, dict):
        raise BundleError(
            f"The bundle needs the part {spec.get('name')!r}, which this version does not have. Export it again, or "
            "install the version that wrote it."
        )
    hints = get_type_hints(kind.__init__)  # type: ignore[misc]
    try:
        return kind(**{name: _option(value, hints.get(name), allow) for name, value in modern_options(options).items()})
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"The bundle's options of {spec['name']} do not fit this version ({error}). Export it again, or install "
            "the version that wrote it."
        ) from error
    except BundleError:
        raise
    except LightmanNetError as error:
        raise BundleError(f"The bundle's options of {spec['name']} are invalid: {error}") from error


def learner_spec(configuration: Mapping[str, Any]) -> Spec:
    """Return the specification of a method in a run's ``config.yaml``, which names classes by their paths.

    A class that is not of this package keeps its path.

    Raises:
        ConfigurationError: It, or one of its options, belongs to this package but is neither a method nor an encoder.
    """
    path = str(configuration["class_path"])
    ours = "." not in path or path.split(".")[0] in _OURS
    name = path.rsplit(".", 1)[-1] if ours else path
    if ours and name not in PARTS:
        raise ConfigurationError(
            f"{path} cannot go into a bundle: it is neither a method nor an encoder. Use one of "
            f"{', '.join(sorted(PARTS))}."
        )
    options = {key: _spec_of(value) for key, value in (configuration.get("init_args") or {}).items()}
    return {"name": name, "options": options}


def representation_spec(representation: Representation) -> Spec:
    """Return a representation's specification.

    Raises:
        ConfigurationError: It needs landmarks, or is not a dataclass.
    """
    if isinstance(representation, LandmarkFlow):
        raise ConfigurationError(
            "LandmarkFlow cannot go into a bundle: a user's own clip has no landmarks. Train with ApexFlow."
        )
    if not is_dataclass(representation):
        raise ConfigurationError(
            f"{type(representation).__name__} cannot go into a bundle: make it a dataclass of its options."
        )
    options = {field.name: getattr(representation, field.name) for field in fields(representation) if field.init}
    return {"name": _name(type(representation)), "options": options}


def crop_spec(crop: Crop) -> Spec:
    """Return a crop's specification, without the path of a face detector's model.

    Raises:
        ConfigurationError: The crop needs a database's annotation.
    """
    if isinstance(crop, AnnotatedBox):
        raise ConfigurationError(
            "AnnotatedBox cannot go into a bundle: a user's own clip has no annotated face box. Train with crop: "
            "YuNet, or with WholeFrame on frames that are faces already."
        )
    options: dict[str, Any] = {}
    if isinstance(crop, YuNet):
        options = {"margin": crop.margin, "min_score": crop.min_score}
    elif isinstance(crop, DetectedEyes):
        options = {"min_score": crop.detector.min_score}
    elif isinstance(crop, FixedEyes):
        options = {"left": list(crop.left), "right": list(crop.right)}
    return {"name": _name(type(crop)), "options": options}


def own_names(spec: object) -> list[str]:
    """Return the paths of classes that are not of this package, in a specification."""
    if isinstance(spec, Mapping):
        name = str(spec.get("name", "")) if "options" in spec else ""
        found = [name] if "." in name else []
        return [*found, *(path for value in spec.values() for path in own_names(value))]
    return [path for value in spec for path in own_names(value)] if isinstance(spec, list) else []


def _name(kind: type) -> str:
    return kind.__name__ if kind.__module__.split(".")[0] in _OURS else f"{kind.__module__}.{kind.__qualname__}"


def _imported(path: str) -> type:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BundleError(
            f"The bundle needs {path}, which cannot be imported here ({error}). Put its file into the current "
            "folder, or install its package."
        ) from error
    if not isinstance(found, type):
        raise BundleError(f"The bundle needs {path}, which is no class here. Ask the bundle's author for its file.")
    return found


def _spec_of(value: Any) -> Any:
    if isinstance(value, Mapping):
        return learner_spec(value) if "class_path" in value else {key: _spec_of(v) for key, v in value.items()}
    return [_spec_of(item) for item in value] if isinstance(value, list) else value


def _option(value: Any, hint: Any, allow: Collection[str]) -> Any:
    if not isinstance(value, dict):
        return value
    if "name" in value and "options" in value:
        return build(value, allow)
    for kind in (hint, *get_args(hint)):
        if is_dataclass(kind) and isinstance(kind, type):
            hints = get_type_hints(kind)
            return kind(**{name: _option(own, hints.get(name), allow) for name, own in value.items()})
    raise ValueError(f"{value!r} is not an option")
