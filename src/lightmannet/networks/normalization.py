"""The two normalisations of encoders."""

from typing import Literal

from torch import nn

from lightmannet.errors import ConfigurationError

Normalization = Literal["group", "batch"]


def make_normalization(name: Normalization, filters: int, groups: int) -> nn.Module:
    """Return a normalisation of ``filters`` maps.

    Args:
        name: ``group``, which looks at one clip alone and is safe in adaptation; or ``batch``, which mixes clips, for
            methods that do not adapt.
        filters: Number of maps.
        groups: Groups of ``group``, a divisor of ``filters``; ``batch`` has none.

    Raises:
        ConfigurationError: An unknown name, or filters that cannot be grouped.
    """
    if filters < groups or filters % groups:
        raise ConfigurationError(f"normalization needs a width that is a multiple of {groups}, not {filters}.")
    if name == "batch":
        return nn.BatchNorm2d(filters)
    if name == "group":
        return nn.GroupNorm(groups, filters)
    raise ConfigurationError(f"normalization is 'group' or 'batch', not {name!r}.")
