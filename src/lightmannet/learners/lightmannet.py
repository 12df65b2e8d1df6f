"""LightmanNet: meta-auxiliary learning for micro-expression recognition."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.episode import Clips, Episode
from lightmannet.errors import ConfigurationError
from lightmannet.learners.episodic import InnerLoop, InnerLoopLearner, WarmStart
from lightmannet.losses.alignment import Kernel, alignment_loss, warped_alignment_loss
from lightmannet.losses.pair_weighting import PairWeighting
from lightmannet.losses.pairs import Pairs, pair_weights
from lightmannet.networks import TwoBranchNetwork

_LEARNED = ("raw_auxiliary_weight", "pair_weighting.")


@dataclass(frozen=True)
class Branches:
    """How the inner loop weighs and builds its two branches; ``losses.alignment`` and ``.pairs`` tell the choices.

    Attributes:
        primary_weight: λ1, weight of the recognition loss, >= 0.
        auxiliary_weight: λ2, weight of the alignment loss, >= 0; the start value where it is learned.
        kernel: k, the distance between a micro- and a macro-expression.
        pairs: All micro × macro pairs, those of the same class or FACS objective class, or all by the overlap of their
            action units.
        align_at: What is aligned: what the alignment head makes of the ``features``; the ``logits`` of the MER head;
            the encoder's ``maps``, place by place; its features of single ``phases``, each with its like; or the same
            as ``warped_phases``, in the order of time but at any speed (soft-DTW). Only ``features`` passes the
            alignment head.
        bandwidth: σ of rbf and mmd2; None takes the median distance.
        temperature: τ of infonce, > 0.
        smoothing: γ of warped_phases, > 0.
        learn_auxiliary_weight: Learn λ2 in the outer loop, as the softplus of a parameter.
        learn_pair_weights: Let a small network, which only the outer loop changes, weigh the pairs.
        weights_learning_rate: Step size of AdamW for these two in meta-training, > 0, without weight decay: AdamW moves
            a parameter by about its step size, so β would hardly move λ2.

    Raises:
        ConfigurationError: A negative weight; bandwidth, temperature, smoothing or weights_learning_rate that is not
            positive; learned weights of an alignment that is off; or a kernel that cannot do what is asked.
    """

    primary_weight: float = 1.0
    auxiliary_weight: float = 0.1
    kernel: Kernel = "cosine"
    pairs: Pairs = "all"
    align_at: Literal["features", "logits", "maps", "phases", "warped_phases"] = "features"
    bandwidth: float | None = None
    temperature: float = 0.1
    smoothing: float = 0.1
    learn_auxiliary_weight: bool = False
    learn_pair_weights: bool = False
    weights_learning_rate: float = 1e-2

    def __post_init__(self) -> None:
        if self.primary_weight < 0 or self.auxiliary_weight < 0 or (self.bandwidth is not None and self.bandwidth <= 0):
            raise ConfigurationError(
                f"The branches need weights >= 0 and bandwidth > 0, but have primary_weight: {self.primary_weight}, "
                f"auxiliary_weight: {self.auxiliary_weight}, bandwidth: {self.bandwidth}."
            )
        for name in ("temperature", "smoothing", "weights_learning_rate"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"The branches need {name} > 0, but it is {getattr(self, name)}.")
        if self.learned and self.auxiliary_weight == 0:
            raise ConfigurationError(
                "learn_auxiliary_weight and learn_pair_weights need auxiliary_weight > 0 to start from, but it is 0."
            )
        if self.kernel == "infonce" and self.pairs == "all":
            raise ConfigurationError(
                "kernel: infonce tells pairs from other pairs, and pairs: all leaves none over. Take pairs: same_class."
            )
        if self.kernel == "mmd2" and (self.pairs == "action_units" or self.learn_pair_weights):
            raise ConfigurationError(
                "kernel: mmd2 compares sets of clips and knows no weight of a single pair, as pairs: action_units and "
                "learn_pair_weights would give it. Take another kernel."
            )
        if self.align_at == "warped_phases" and self.kernel not in ("cosine", "squared_euclidean"):
            raise ConfigurationError(
                f"align_at: warped_phases needs the cost of two phases, kernel: cosine or squared_euclidean, but has "
                f"kernel: {self.kernel}."
            )

    @property
    def learned(self) -> bool:
        """Whether the outer loop learns something of the alignment."""
        return self.learn_auxiliary_weight or self.learn_pair_weights


class LightmanNet(InnerLoopLearner):
    """Bi-level learning whose inner loop has a recognition branch and an alignment branch on one shared network.

    First level, a step (one or more): ``θ_i ← θ - α ∇_θ {λ1 L_pri(D^s, θ) + λ2 L_aux(D^s, D^aux, θ)}``.
    Second level: ``θ ← θ - β ∇_θ (1 / N_tasks) Σ_i L_pri(D_i^q, θ_i)``, through the inner steps; no macro-expressions.

    The formulas are those of the paper's framework figure. What it leaves open (kernel and its sign, pairs, what is
    aligned, number of steps, start of θ) is configuration, and the defaults are ours.

    Args:
        network: f_θ: encoder, MER head, alignment head.
        inner: The inner loop.
        branches: Its two losses.
        warm_start: Where θ starts.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Raises:
        ConfigurationError: Learned weights of the alignment that the outer loop cannot reach (first order, no steps),
            or an inner loop of the heads alone where the alignment passes through none.

    Reference: Wang, Tian, Yang, Chen, Zheng, Qiang 2024, "Meta-Auxiliary Learning for Micro-Expression Recognition",
    arXiv 2404.12024, framework figure.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(),
        branches: Branches = Branches(),
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, inner, warm_start, learning_rate, weight_decay)
        self.branches = branches
        if branches.learned and (inner.first_order or inner.steps == 0):
            raise ConfigurationError(
                "learn_auxiliary_weight and learn_pair_weights reach the outer loss through the inner steps' gradients "
                f"alone, which are constants or absent with first_order: {inner.first_order}, steps: {inner.steps}. "
                "Set first_order: false and steps >= 1, or learn neither."
            )
        through_a_head = branches.align_at == "logits" or (
            branches.align_at == "features" and any(True for _ in network.alignment_head.parameters())
        )
        if inner.parameters == "heads" and branches.auxiliary_weight > 0 and not through_a_head:
            raise ConfigurationError(
                f"parameters: heads moves nothing that align_at: {branches.align_at} passes through, so the alignment "
                "would do nothing. Set the network's alignment_features with align_at: features, or parameters: all."
            )
        start = torch.tensor(branches.auxiliary_weight)
        self.raw_auxiliary_weight = (
            nn.Parameter(start.expm1().log()) if branches.learn_auxiliary_weight else None  # softplus of this is λ2
        )
        classes = network.mer_head.out_features
        self.pair_weighting = PairWeighting(classes) if branches.learn_pair_weights else None

    @property
    def auxiliary_weight(self) -> float | Tensor:
        """λ2, fixed or learned."""
        raw = self.raw_auxiliary_weight
        return self.branches.auxiliary_weight if raw is None else F.softplus(raw)

    def inner_loss(self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None) -> Float[Tensor, ""]:
        """Return ``λ1 L_pri(D^s) + λ2 L_aux(D^s, D^aux)``.

        Raises:
            ConfigurationError: λ2 > 0 without auxiliary clips, clips without the annotation that ``pairs`` asks for,
                or an encoder without the maps or phases that ``align_at`` asks for.
        """
        primary, alignment = self.inner_losses(network, support, auxiliary)
        weighted = self.branches.primary_weight * primary
        return weighted if alignment is None else weighted + self.auxiliary_weight * alignment

    def inner_losses(
        self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""] | None]:
        """Return ``L_pri(D^s)`` and ``L_aux(D^s, D^aux)``, which is None where λ2 is 0.

        Raises:
            ConfigurationError: As ``inner_loss``.
        """
        options = self.branches
        if options.auxiliary_weight == 0:
            return F.cross_entropy(network(support.inputs), support.labels), None
        if auxiliary is None:
            raise ConfigurationError(
                "LightmanNet aligns micro- with macro-expressions, but the task has none. Set the data module's "
                "auxiliary to corpus, magnified or motion, or auxiliary_weight: 0."
            )
        inputs = torch.cat([support.inputs, auxiliary.inputs])
        if options.align_at in ("features", "logits"):
            # One pass for both: no layer mixes clips, and small batches cost mostly their number of operations.
            features = network.encode(inputs)
            logits = network.mer_head(features)
            aligned = logits if options.align_at == "logits" else network.alignment_head(features)
        else:
            logits = network(support.inputs)
            aligned = _parts(network, inputs, options.align_at)
        micro, macro = aligned.split([len(support), len(auxiliary)])
        primary = F.cross_entropy(logits[: len(support)], support.labels)
        return primary, self._alignment(micro, macro, support, auxiliary)

    def _alignment(
        self, micro: Float[Tensor, "micro ..."], macro: Float[Tensor, "macro ..."], support: Clips, auxiliary: Clips
    ) -> Float[Tensor, ""]:
        """Return L_aux for what is aligned: features of a clip, or of each of its parts (clip, part, feature)."""
        options = self.branches
        weights = pair_weights(support, auxiliary, options.pairs)
        if self.pair_weighting is not None:
            images = support.inputs.flatten(1), auxiliary.inputs.flatten(1)
            weights = weights * self.pair_weighting(*images, support.labels, auxiliary.labels)
        if options.align_at == "warped_phases":
            assert options.kernel in ("cosine", "squared_euclidean")
            return warped_alignment_loss(micro, macro, weights, options.kernel, options.smoothing)
        if micro.ndim == 3:
            micro, macro = micro.transpose(0, 1), macro.transpose(0, 1)
        return alignment_loss(micro, macro, weights, options.kernel, options.bandwidth, options.temperature)

    def training_step(self, batch: Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Return the primary loss of the adapted network on the query set, or of θ itself during the warm start."""
        loss = super().training_step(batch, batch_idx)
        if self.raw_auxiliary_weight is not None:
            self.log("train/auxiliary_weight", F.softplus(self.raw_auxiliary_weight), batch_size=1)
        return loss

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the parent's groups, and one of the learned weights with a step size of their own."""
        learned = [parameter for name, parameter in self.named_parameters() if name.startswith(_LEARNED)]
        if not learned:
            return super().parameter_groups()
        own = {id(parameter) for parameter in learned}
        groups = [
            {**group, "params": [parameter for parameter in group["params"] if id(parameter) not in own]}
            for group in super().parameter_groups()
        ]
        groups = [group for group in groups if group["params"]]
        return [*groups, {"params": learned, "lr": self.branches.weights_learning_rate, "weight_decay": 0.0}]


def _parts(
    network: TwoBranchNetwork, inputs: Float[Tensor, "clip phase channel height width"], align_at: str
) -> Float[Tensor, "clip part feature"]:
    """Return the features of each place of the encoder's maps, or of each phase."""
    if align_at == "maps":
        return network.encoder.encode_maps(inputs).flatten(2).transpose(1, 2)
    return network.encoder.encode_phases(inputs)
