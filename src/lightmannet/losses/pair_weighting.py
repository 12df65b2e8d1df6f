"""A small network that says how much each micro × macro pair is worth."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F


class PairWeighting(nn.Module):
    """Two linear layers that map what is known of a pair to its weight in (0, 1); all weights are equal at the start.

    A pair is described by the two classes (one-hot) and by the cosine of its motion images. Nothing of that depends on
    the network that learns, so the inner loop cannot lower its loss by moving clips to where weights are small.

    Args:
        n_classes: Number of classes.
        width: Hidden features.

    Reference: Shu et al. 2019, "Meta-Weight-Net: Learning an Explicit Mapping For Sample Weighting", arXiv 1902.07379,
    which weighs single clips by their loss with such a network; pairs and their description are ours.
    """

    def __init__(self, n_classes: int, width: int = 16) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.hidden, self.output = nn.Linear(2 * n_classes + 1, width), nn.Linear(width, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(
        self,
        micro: Float[Tensor, "micro pixel"],
        macro: Float[Tensor, "macro pixel"],
        micro_labels: Int64[Tensor, " micro"],
        macro_labels: Int64[Tensor, " macro"],
    ) -> Float[Tensor, "micro macro"]:
        """Return the weight of each pair, in (0, 1)."""
        cosines = (F.normalize(micro, dim=1) @ F.normalize(macro, dim=1).T)[..., None]
        classes = [F.one_hot(labels, self.n_classes).to(cosines.dtype) for labels in (micro_labels, macro_labels)]
        shape = (len(micro), len(macro), self.n_classes)
        pairs = torch.cat([classes[0][:, None].expand(shape), classes[1][None].expand(shape), cosines], dim=2)
        return torch.sigmoid(self.output(self.hidden(pairs).relu())).squeeze(2)
