"""A small network that weighs micro × macro pairs."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.episode import Clips


class PairWeighting(nn.Module):
    """Two linear layers from the description of a pair to its weight in (0, 1); all weights are initially equal.

    A pair is described by the two classes (one-hot) and by the cosine of its motion images. Nothing of that depends on
    the network that learns, so the inner loop cannot lower its loss by moving clips to where weights are small.

    Args:
        among: Gives the pairs that count, or their weights, which are multiplied with the learned ones.
        n_classes: Number of classes.
        width: Hidden features.

    Reference: Shu et al. 2019, "Meta-Weight-Net: Learning an Explicit Mapping For Sample Weighting", arXiv 1902.07379,
    which weighs single clips by their loss with such a network; pairs and their description are ours.
    """

    def __init__(self, among: Callable[[Clips, Clips], Tensor], n_classes: int, width: int = 16) -> None:
        super().__init__()
        self.among, self.n_classes = among, n_classes
        self.hidden, self.output = nn.Linear(2 * n_classes + 1, width), nn.Linear(width, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, micro: Clips, macro: Clips) -> Float[Tensor, "micro macro"]:
        """Return the weight of each pair, in [0, 1)."""
        first, second = (F.normalize(clips.inputs.flatten(1), dim=1) for clips in (micro, macro))
        cosines = (first @ second.T)[..., None]
        classes = [F.one_hot(clips.labels, self.n_classes).to(cosines.dtype) for clips in (micro, macro)]
        shape = (len(micro), len(macro), self.n_classes)
        pairs = torch.cat([classes[0][:, None].expand(shape), classes[1][None].expand(shape), cosines], dim=2)
        learned = torch.sigmoid(self.output(self.hidden(pairs).relu())).squeeze(2)
        return self.among(micro, macro) * learned
