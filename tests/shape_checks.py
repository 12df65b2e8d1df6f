"""What checks tensor shapes while the tests run; pyproject.toml names it in ``--jaxtyping-packages``.

beartype alone would check every annotation, not only shapes. It refuses ``typing.Self`` in methods, and it would
answer a wrong option with an error of its own before the documented one is raised.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_args

from beartype import beartype
from jaxtyping import AbstractArray

F = TypeVar("F", bound=Callable[..., Any])


def checked(function: F) -> F:
    """Return ``function`` with those of its annotations checked that hold a tensor's shape."""
    function.__annotations__ = {name: hint for name, hint in inspect.get_annotations(function).items() if _shaped(hint)}
    return beartype(function)


def _shaped(hint: Any) -> bool:
    is_shape = inspect.isclass(hint) and issubclass(hint, AbstractArray)
    return is_shape or any(_shaped(part) for part in get_args(hint))
