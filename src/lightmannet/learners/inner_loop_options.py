"""Options of the inner loop."""

import math
from dataclasses import dataclass
from typing import Literal

from torch import nn

from lightmannet.adaptation.engine import EngineName
from lightmannet.adaptation.engines import check_engine
from lightmannet.errors import ConfigurationError
from lightmannet.networks import TwoBranchNetwork


@dataclass(frozen=True)
class InnerLoop:
    """How a network learns from one task.

    Attributes:
        steps: Gradient steps, >= 0; 0 evaluates the shared network itself.
        learning_rate: α, > 0; the start value where it is learned.
        learn_learning_rate: Learn log α in the outer loop; only with ``rates: one``, the others are always learned.
        first_order: Take the inner gradients as constants in the outer one (FOMAML). The alignment head then keeps its
            start values, because the outer loss reaches it through second derivatives only.
        parameters: What moves: ``all``; the ``heads`` alone (MER and alignment head); or the ``scales``, which are
            scale and shift of each group or layer normalisation, and the heads.
        rates: ``one`` α; or one learned for each ``layer_and_step`` (each parameter tensor, as in MAML++'s release), or
            for each single ``weight`` (Meta-SGD). Learned in these two ways, α may become negative.
        engine: Implementation of the steps: ``learn2learn``, the reference; ``fused``, the same gradients by cheaper
            operations, one task at a time; ``vectorized``, all tasks of a batch at once; ``auto`` takes the faster one
            (docs/performance.md).
        cuda_graph: Let ``vectorized`` replay a step and its gradient as one CUDA graph, which saves the time that it
            takes to start each operation; for tasks of one shape. Without a GPU it does nothing.
        precision: ``float32``: without autocast and TF32, whatever the trainer's precision, because second derivatives
            do not bear less; or ``trainer``: as the rest.

    Raises:
        ConfigurationError: A value outside its range, learned log α beside other learned rates, or an unknown engine.
    """

    steps: int = 1
    learning_rate: float = 0.02
    learn_learning_rate: bool = False
    first_order: bool = False
    parameters: Literal["all", "heads", "scales"] = "all"
    rates: Literal["one", "layer_and_step", "weight"] = "one"
    engine: EngineName = "auto"
    cuda_graph: bool = False
    precision: Literal["float32", "trainer"] = "float32"

    def __post_init__(self) -> None:
        check_engine(self.engine)
        if self.precision not in ("float32", "trainer"):
            raise ConfigurationError(f"The inner loop's precision is float32 or trainer, not {self.precision!r}.")
        if self.steps < 0 or not 0 < self.learning_rate < math.inf:
            raise ConfigurationError(
                f"The inner loop needs steps >= 0 and learning_rate > 0, but has steps: {self.steps}, "
                f"learning_rate: {self.learning_rate}."
            )
        if self.learn_learning_rate and self.rates != "one":
            raise ConfigurationError(
                f"rates: {self.rates} are learned anyway, and learn_learning_rate: true learns one for all. Set it to "
                "false, or rates: one."
            )

    def moving(self, network: TwoBranchNetwork) -> nn.Module:
        """Return what of the network the inner loop adapts.

        Raises:
            ConfigurationError: ``scales`` of an encoder without normalisation.
        """
        if self.parameters == "all":
            return network
        norms = [module for module in network.encoder.modules() if isinstance(module, nn.GroupNorm | nn.LayerNorm)]
        if self.parameters == "scales" and not norms:
            raise ConfigurationError(
                f"parameters: scales needs an encoder with group or layer normalisation, and "
                f"{type(network.encoder).__name__} has none. Choose all or heads."
            )
        scales = norms if self.parameters == "scales" else []
        return nn.ModuleList([*scales, network.mer_head, network.alignment_head])
