import pytest
import torch
from torch.nn import functional as F

from lightmannet.errors import ConfigurationError
from lightmannet.networks.attention import SelfAttention, TransformerLayer


def test_attention_equals_torchs_own() -> None:
    torch.manual_seed(0)
    ours = SelfAttention(12, heads=3).double()
    tokens = torch.randn(2, 5, 12, dtype=torch.float64)
    torchs = torch.nn.MultiheadAttention(12, 3, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        assert torchs.in_proj_weight is not None
        torchs.in_proj_weight.copy_(ours.queries_keys_values.weight)
        torchs.in_proj_bias.zero_()
        torchs.out_proj.weight.copy_(ours.output.weight)
        torchs.out_proj.bias.copy_(ours.output.bias)
    expected, _ = torchs(tokens, tokens, tokens, need_weights=False)
    torch.testing.assert_close(ours(tokens), expected, rtol=0, atol=1e-12)


def test_a_layer_is_two_shortcuts_around_normalised_branches() -> None:
    torch.manual_seed(0)
    layer = TransformerLayer(8, heads=2).double()
    tokens = torch.randn(2, 3, 8, dtype=torch.float64)
    attended = tokens + layer.attention[1](F.layer_norm(tokens, (8,)))
    hidden = F.gelu(layer.perceptron[1](F.layer_norm(attended, (8,))))
    torch.testing.assert_close(layer(tokens), attended + layer.perceptron[3](hidden), rtol=0, atol=1e-12)


def test_sequences_do_not_see_each_other() -> None:
    layer = TransformerLayer(8, heads=2).double()
    tokens = torch.randn(2, 3, 8, dtype=torch.float64)
    other = tokens.clone()
    other[1] = 0
    torch.testing.assert_close(layer(tokens)[0], layer(other)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("heads", [0, 5])
def test_features_that_heads_cannot_share_are_named(heads: int) -> None:
    with pytest.raises(ConfigurationError, match=f"multiple of heads: {heads}, not 8"):
        SelfAttention(8, heads)
