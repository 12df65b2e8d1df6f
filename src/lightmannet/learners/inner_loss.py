"""The loss of LightmanNet's inner loop, with the choices that the framework figure leaves open."""

import math
from dataclasses import dataclass

from lightmannet.errors import ConfigurationError
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.losses.kernels import Cosine, Kernel
from lightmannet.losses.pairs import Pairs, SameClass
from lightmannet.networks import TwoBranchNetwork
from lightmannet.networks.aligned import Aligned, Features


@dataclass(frozen=True)
class InnerLoss:
    """``λ1 L_pri(D^s) + λ2 L_aux(D^s, D^aux)``.

    The sum is the figure's; the weights, the kernel, the pairs and what is aligned are our choice.

    Attributes:
        primary_weight: λ1, weight of the recognition loss, >= 0.
        auxiliary_weight: λ2, weight of the alignment loss, >= 0; the start value where it is learned.
        kernel: k, the distance of a micro- from a macro-expression.
        pairs: Which micro × macro pairs are aligned.
        aligned: The representation that is aligned.
        learn_auxiliary_weight: Learn λ2 in the outer loop, as the softplus of a parameter.
        weights_learning_rate: Step size of AdamW for a learned λ2 and learned pairs, > 0, without weight decay: AdamW
            moves a parameter by about its step size, so β would hardly move λ2.

    Raises:
        ConfigurationError: A value outside its range, learned weights of an alignment that is off, or choices that do
            not go together.
    """

    primary_weight: float = 1.0
    auxiliary_weight: float = 0.1
    kernel: Kernel = Cosine()
    pairs: Pairs = SameClass()
    aligned: Aligned = Features()
    learn_auxiliary_weight: bool = False
    weights_learning_rate: float = 1e-2

    def __post_init__(self) -> None:
        if not (0 <= self.primary_weight < math.inf and 0 <= self.auxiliary_weight < math.inf):
            raise ConfigurationError(
                f"The inner loss needs weights >= 0, but has primary_weight: {self.primary_weight}, auxiliary_weight: "
                f"{self.auxiliary_weight}."
            )
        if self.weights_learning_rate <= 0:
            raise ConfigurationError(
                f"The inner loss needs weights_learning_rate > 0, but it is {self.weights_learning_rate}."
            )
        if self.learned and self.auxiliary_weight == 0:
            raise ConfigurationError(
                "A learned auxiliary weight and learned pairs need auxiliary_weight > 0 to start from, but it is 0."
            )
        self.kernel.check(self.pairs)
        if self.kernel.needs_phases and not self.aligned.phases:
            raise ConfigurationError(
                f"kernel: {type(self.kernel).__name__} compares phases in chronological order, but aligned: "
                f"{type(self.aligned).__name__} has none. Set aligned: Phases."
            )

    @property
    def learned(self) -> bool:
        """Whether the outer loop learns something of the alignment."""
        return self.learn_auxiliary_weight or self.pairs.learned

    def check(self, network: TwoBranchNetwork, inner: InnerLoop) -> None:
        """Do nothing where this loss can be minimised by this inner loop.

        Raises:
            ConfigurationError: Learned weights of the alignment that the outer loop cannot reach, or an inner loop of
                the heads alone where the alignment passes through none.
        """
        if self.learned and (inner.first_order or inner.steps == 0):
            raise ConfigurationError(
                "A learned auxiliary weight and learned pairs reach the outer loss through the inner steps' gradients "
                f"alone, which are constants or absent with first_order: {inner.first_order}, steps: {inner.steps}. "
                "Set first_order: false and steps >= 1, or learn neither."
            )
        if inner.parameters == "heads" and self.auxiliary_weight > 0 and not self.aligned.has_head(network):
            raise ConfigurationError(
                f"parameters: heads moves nothing that aligned: {type(self.aligned).__name__} passes through, so the "
                "alignment would do nothing. Set the network's alignment_features with aligned: Features, or "
                "parameters: all."
            )
