"""STSTNet with its authors' released weights, one network per left-out subject."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lightmannet.errors import CheckpointError
from lightmannet.networks.three_stream import ThreeStream

_CLASSES = 3


class ReleasedSTSTNet:
    """The networks that the authors of STSTNet trained and released, one for each left-out subject.

    Args:
        path: A safetensors file with tensors named ``<subject>/<parameter>``, e.g. ``s01/conv1.weight``; the parameters
            have the names of the PyTorch release: ``conv1`` to ``conv3``, ``bn1`` to ``bn3``, ``fc``.

    Attributes:
        path: The file.
        subjects: Left-out subjects with a network in the file, sorted.

    Raises:
        CheckpointError: The file is missing, not a safetensors file, or damaged.

    Reference:
        Liong et al. (2019), arXiv 1902.03634; weights from the GitHub repository christy1206/STSTNet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._weights: dict[str, dict[str, Tensor]] = {}
        for name, tensor in _read(self.path).items():
            subject, _, parameter = name.partition("/")
            self._weights.setdefault(subject, {})[parameter] = tensor
        self.subjects = tuple(sorted(self._weights))

    def network(self, subject: str) -> nn.Sequential:
        """Return the network that was trained without ``subject``, ready to predict (eval mode).

        It takes raw motion images (clip, 3, 28, 28), float32 0..255 in the order blue, green, red (strain, v, u: the
        order in which it was trained), and returns logits (clip, 3) in the order of the MEGC2019 classes.

        Args:
            subject: The left-out subject without its database, e.g. ``s01``, ``sub01`` or ``006``.

        Raises:
            CheckpointError: The file lacks the subject, or one of the subject's tensors is missing, unknown, of another
                shape or type, or not finite; the message names all of them.
        """
        if subject not in self._weights:
            raise CheckpointError(
                f"{self.path}: no weights of subject {subject!r}; it has those of {len(self.subjects)} subjects: "
                f"{', '.join(self.subjects)}. Give a file with the network of every subject that is tested."
            )
        found = self._weights[subject]
        encoder = ThreeStream(normalization="batch")
        # An image becomes a clip of one phase.
        network = nn.Sequential(nn.Unflatten(1, (1, 3)), encoder, nn.Linear(encoder.features, _CLASSES))
        expected = _released_names(network.state_dict())
        _check(found, expected, f"{self.path}: the weights of subject {subject!r}")
        network.load_state_dict({ours: found[released] for released, (ours, _) in expected.items()})
        return network.eval()


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; a safetensors file with STSTNet's released weights is expected")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a safetensors file, or a damaged one ({error})") from error


def _released_names(state: dict[str, Tensor]) -> dict[str, tuple[str, Tensor]]:
    """Return our name and our (yet random) tensor for each name in the release."""
    names = {}
    for ours, tensor in state.items():
        part, _, parameter = ours.rpartition(".")
        if part == "2":
            layer = "fc"
        else:
            # 1.streams.<number>.convolution or 0.streams.<number>.normalization
            _, _, number, kind = part.split(".")
            layer = f"{'conv' if kind == 'convolution' else 'bn'}{int(number) + 1}"
        names[f"{layer}.{parameter}"] = (ours, tensor)
    return names


def _check(found: dict[str, Tensor], expected: dict[str, tuple[str, Tensor]], title: str) -> None:
    """Raise one CheckpointError that lists all mismatches."""
    faults = [f"{name} is missing" for name in expected if name not in found]
    faults += [f"{name} is unknown" for name in found if name not in expected]
    for name, (_, ours) in expected.items():
        if name not in found:
            continue
        tensor = found[name]
        if tensor.shape != ours.shape or tensor.dtype != ours.dtype:
            faults.append(f"{name} is {_describe(tensor)} where {_describe(ours)} is expected")
        elif not torch.isfinite(tensor).all():
            faults.append(f"{name} holds values that are not finite")
    if faults:
        raise CheckpointError(f"{title} are not those of STSTNet: {'; '.join(faults)}")


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
