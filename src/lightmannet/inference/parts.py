"""The possible parts of a bundle, by name: this package's methods, encoders, representations and crops."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import data_modules
import lightmannet.learners as learners
import lightmannet.losses as losses
import lightmannet.networks as networks
from data_modules.representations.base import Representation
from data_modules.video.crop import AnnotatedBox, Crop, WholeFrame, YuNet
from lightmannet.errors import BundleError, ConfigurationError, LightmanNetError
from lightmannet.inference.old_parts import modern_options

Spec = dict[str, Any]
"""Specification of a part: ``{"name": "Conv4", "options": {"width": 32}}``; options may be parts themselves."""

_REPRESENTATIONS = ("ApexFlow", "Difference", "FrameClip", "PhaseFlow")
PARTS: Mapping[str, type] = {
    **{name: getattr(learners, name) for name in learners.__all__},
    **{name: getattr(networks, name) for name in networks.__all__ if name != "Encoder"},
    **{name: getattr(losses, name) for name in losses.__all__},
    **{name: getattr(data_modules, name) for name in _REPRESENTATIONS},
    "WholeFrame": WholeFrame,
    "YuNet": YuNet,
}


def build(spec: Spec) -> Any:
    """Return the part that ``spec`` describes; names outside ``PARTS`` are refused, so that no other code runs.

    Raises:
        BundleError: An unknown part, or unknown or invalid options.
    """
    kind = PARTS.get(str(spec.get("name")))
    options = spec.get("options")
    if kind is None or not isinstance(options, dict):
        raise BundleError(
            f"The bundle needs the part {spec.get('name')!r}, which this version does not have. Export it again, or "
            "install the version that wrote it."
        )
    hints = get_type_hints(kind.__init__)  # type: ignore[misc]
    try:
        return kind(**{name: _option(value, hints.get(name)) for name, value in modern_options(options).items()})
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

    Raises:
        ConfigurationError: It, or one of its options, is not part of this package.
    """
    name = str(configuration["class_path"]).rsplit(".", 1)[-1]
    if name not in PARTS:
        raise ConfigurationError(
            f"{configuration['class_path']} cannot go into a bundle: it is not part of this package, and "
            f"loading a bundle runs no other code. Use one of {', '.join(sorted(PARTS))}."
        )
    options = {key: _spec_of(value) for key, value in (configuration.get("init_args") or {}).items()}
    return {"name": name, "options": options}


def representation_spec(representation: Representation) -> Spec:
    """Return a representation's specification."""
    assert is_dataclass(representation)
    options = {field.name: getattr(representation, field.name) for field in fields(representation) if field.init}
    return {"name": type(representation).__name__, "options": options}


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
    options = {"margin": crop.margin, "min_score": crop.min_score} if isinstance(crop, YuNet) else {}
    return {"name": type(crop).__name__, "options": options}


def _spec_of(value: Any) -> Any:
    if isinstance(value, Mapping):
        return learner_spec(value) if "class_path" in value else {key: _spec_of(v) for key, v in value.items()}
    return [_spec_of(item) for item in value] if isinstance(value, list) else value


def _option(value: Any, hint: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "name" in value and "options" in value:
        return build(value)
    for kind in (hint, *get_args(hint)):
        if is_dataclass(kind) and isinstance(kind, type):
            hints = get_type_hints(kind)
            return kind(**{name: _option(own, hints.get(name)) for name, own in value.items()})
    raise ValueError(f"{value!r} is not an option")
