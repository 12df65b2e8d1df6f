"""Transformer layers that can be differentiated twice."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError


class SelfAttention(nn.Module):
    """Scaled dot-product self-attention with several heads, ``softmax(q kᵀ / √d) v``.

    It is written out, because the fused kernels behind ``nn.MultiheadAttention`` have no second derivative, which
    adaptation needs.

    Args:
        features: Features of a token, a multiple of ``heads``.
        heads: Number of heads.

    Raises:
        ConfigurationError: Features that cannot be shared out among the heads.

    Reference: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762, section 3.2.
    """

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or features % heads:
            raise ConfigurationError(f"Attention needs a width that is a multiple of heads: {heads}, not {features}.")
        self.heads = heads
        self.queries_keys_values = nn.Linear(features, 3 * features, bias=False)
        self.output = nn.Linear(features, features)

    def forward(self, tokens: Float[Tensor, "sequence token feature"]) -> Float[Tensor, "sequence token feature"]:
        """Return each token's attention output over its sequence."""
        # Each to (sequence, head, token, feature of a head).
        split = self.queries_keys_values(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        queries, keys, values = split.unbind(0)
        weights = torch.softmax(queries @ keys.transpose(2, 3) * keys.shape[3] ** -0.5, dim=3)
        return self.output((weights.to(values.dtype) @ values).transpose(1, 2).flatten(2))


class TransformerLayer(nn.Module):
    """Self-attention and two linear layers with GELU, each behind a LayerNorm and with a shortcut.

    Args:
        features: Features of a token, a multiple of ``heads``.
        heads: Heads of the attention.
        expansion: Hidden features per feature.

    Reference: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv 2010.11929, equations 2 and 3.
    """

    def __init__(self, features: int, heads: int, expansion: int = 2) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(features), SelfAttention(features, heads))
        self.perceptron = nn.Sequential(
            nn.LayerNorm(features),
            nn.Linear(features, expansion * features),
            nn.GELU(),
            nn.Linear(expansion * features, features),
        )

    def forward(self, tokens: Float[Tensor, "sequence token feature"]) -> Float[Tensor, "sequence token feature"]:
        """Return the transformed tokens; sequences do not interact."""
        tokens = tokens + self.attention(tokens)
        return tokens + self.perceptron(tokens)
