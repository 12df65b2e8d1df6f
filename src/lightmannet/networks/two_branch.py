"""The one network that both branches of LightmanNet share: an encoder, a MER head and an alignment head."""

from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.networks.conv4 import Conv4
from lightmannet.networks.encoder import Encoder


class TwoBranchNetwork(nn.Module):
    """Encoder, MER head (class scores) and alignment head (representation for comparing micro- and macro-expressions).

    Args:
        encoder: Turns clips into features; None makes a ``Conv4`` with its own defaults.
        n_classes: Number of classes.
        alignment_features: Outputs of the alignment head, a linear map of the features; 0 for no head, so that
            the features themselves are aligned.
    """

    def __init__(self, encoder: Encoder | None = None, n_classes: int = 3, alignment_features: int = 0) -> None:
        super().__init__()
        # Conv4() as a default argument would be created once and shared by all networks.
        self.encoder = Conv4() if encoder is None else encoder
        self.mer_head = nn.Linear(self.encoder.features, n_classes)
        self.alignment_head = (
            nn.Linear(self.encoder.features, alignment_features) if alignment_features else nn.Identity()
        )

    def forward(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip class"]:
        """Return the class scores (logits) of the MER head."""
        return self.mer_head(self.encode(inputs))

    def encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        """Return the encoder's features.

        Raises:
            ConfigurationError: Clips of another shape than the encoder was built for.
        """
        return self.encoder(inputs)
