"""MAXL: a second network invents auxiliary labels that make the first one recognise better."""

import copy
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.adaptation.maml import adapt, refuse_batch_normalisation
from lightmannet.episode import Clips, Episode
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Learner, micro_clips
from lightmannet.losses.focal import focal_loss
from lightmannet.networks import Encoder, TwoBranchNetwork


class MAXL(Learner):
    """Meta-auxiliary learning: recognition beside C ψ auxiliary sub-classes whose labels a label generator gives.

    The multi-task network θ descends ``L(θ, φ) = L_pri(f_pri(x), y) + L_aux(f_aux(x), g_φ(x, y))``, both focal losses.
    The generator φ descends ``L_pri(f_pri(x; θ - η ∇_θ L(θ, φ)), y) + w H(g_φ(x, y))``: how well the network would
    recognise the same batch after one step with these labels, and the negative entropy ``H = Σ_k ȳ_k log ȳ_k`` of the
    batch's mean label, which keeps sub-classes in use. This is the algorithm in the repository of LightmanNet's
    authors. It has no macro-expressions, tasks or inner loop in testing, and is not LightmanNet as the figure shows it.

    Deviations from Liu et al.: both networks move at once, by AdamW, on the same batch (there in alternate epochs, by
    SGD); the encoder is ours; the step that the generator looks ahead is taken without dropout of the network.
    Both gradients come from one ``training_step``, so the trainer's gradient accumulation (mean over batches; the
    look-ahead sees one batch), clipping (norm over both networks), precision and devices work as for any other method.

    Args:
        network: Encoder and primary head of the multi-task network.
        generator: Encoder of the label generator; None takes a copy of the network's encoder with start values of its
            own.
        sub_classes: ψ, auxiliary classes per class, >= 2.
        focus: γ of the focal losses, >= 0.
        entropy_weight: w, >= 0.
        step: η, step size of the look-ahead, > 0.
        hypergradient: ``exact``, through the step as in Liu et al.; or ``finite_differences``, ``-η (∇_φ L(θ + ε v, φ)
            - ∇_φ L(θ - ε v, φ)) / 2 ε`` with ``v = ∇_θ' L_pri(θ')`` at the look-ahead θ' and ``ε = 0.01 / |v|``, as in
            the repository (from DARTS, Liu, Simonyan, Yang 2018, arXiv 1806.09055, eq. 8). The repository loses the
            entropy's gradient on the way; here it is kept.
        learning_rate: Step size of AdamW, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0; the auxiliary head and the generator do not decay.

    Raises:
        ConfigurationError: A value outside its range, or a network with batch normalisation.

    Reference: Liu, Davison, Johns 2019, "Self-Supervised Generalisation with Meta Auxiliary Learning", arXiv
    1901.08933, section 3 and algorithm 1; GitHub repository WangJingyao07/LightmanNet for the settings.
    """

    takes_gradients = True

    def __init__(
        self,
        network: TwoBranchNetwork,
        generator: Encoder | None = None,
        sub_classes: int = 5,
        focus: float = 2.0,
        entropy_weight: float = 0.2,
        step: float = 0.01,
        hypergradient: Literal["exact", "finite_differences"] = "exact",
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay)
        if sub_classes < 2 or focus < 0 or entropy_weight < 0 or step <= 0:
            raise ConfigurationError(
                f"MAXL needs sub_classes >= 2, focus >= 0, entropy_weight >= 0 and step > 0, but has sub_classes: "
                f"{sub_classes}, focus: {focus}, entropy_weight: {entropy_weight}, step: {step}."
            )
        refuse_batch_normalisation(network)
        self.sub_classes, self.focus, self.entropy_weight = sub_classes, focus, entropy_weight
        self.step, self.hypergradient = step, hypergradient
        encoder = _restarted(network.encoder) if generator is None else generator
        outputs = network.mer_head.out_features * sub_classes
        self.auxiliary_head = nn.Linear(network.encoder.features, outputs)
        self.generator = nn.Sequential(encoder, nn.Linear(encoder.features, outputs))

    def auxiliary_labels(self, clips: Clips) -> Float[Tensor, "clip subclass"]:
        """Return g_φ(x, y), a distribution over the sub-classes of each clip's own class, 0 elsewhere."""
        scores = self.generator(clips.inputs).unflatten(1, (-1, self.sub_classes))
        own = F.one_hot(clips.labels, scores.shape[1])[..., None]
        return (own * torch.softmax(scores, dim=2)).flatten(1)

    def training_step(self, batch: Clips | Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Return the multi-task loss, with a term of value 0 whose gradient is the label generator's."""
        clips = micro_clips(batch)
        labels = self.auxiliary_labels(clips)
        parameters = list(self.generator.parameters())
        gradients = self._generator_gradient(clips, labels, parameters)
        tasks = _Tasks(self.network, self.auxiliary_head)
        loss = self._loss(tasks, clips, labels.detach())
        self.log_loss(loss, len(clips))
        products = [(p * gradient).sum() for p, gradient in zip(parameters, gradients, strict=True)]
        generator = torch.stack(products).sum()
        return loss + generator - generator.detach()

    def branch_losses(self, batch: Clips | Episode) -> tuple[Float[Tensor, ""], Float[Tensor, ""]] | None:
        """Return the focal losses of the classes and of the label generator's sub-classes."""
        clips = micro_clips(batch)
        primary, auxiliary = _Tasks(self.network, self.auxiliary_head)(clips.inputs)
        labels = self.auxiliary_labels(clips).detach()
        return self._primary(primary, clips.labels), focal_loss(auxiliary, labels, self.focus)

    def _loss(self, tasks: "_Tasks", clips: Clips, labels: Float[Tensor, "clip subclass"]) -> Float[Tensor, ""]:
        """Return L(θ, φ) for these auxiliary labels."""
        primary, auxiliary = tasks(clips.inputs)
        return self._primary(primary, clips.labels) + focal_loss(auxiliary, labels, self.focus)

    def _primary(self, logits: Float[Tensor, "clip class"], labels: Int64[Tensor, " clip"]) -> Float[Tensor, ""]:
        return focal_loss(logits, F.one_hot(labels, logits.shape[1]).to(logits.dtype), self.focus)

    def _generator_gradient(
        self, clips: Clips, labels: Float[Tensor, "clip subclass"], parameters: list[nn.Parameter]
    ) -> tuple[Tensor, ...]:
        """Return the gradient of what the label generator descends."""
        tasks = _Tasks(self.network, self.auxiliary_head)
        training = tasks.training
        # Two passes with different dropout would differ by much more than the step that is looked at.
        tasks.eval()
        mean = labels.mean(0)
        # A sub-class of a class that the batch lacks has a mean of 0, whose logarithm would be infinite.
        entropy = self.entropy_weight * (mean * (mean + 1e-20).log()).sum()
        if self.hypergradient == "exact":
            ahead = adapt(tasks, lambda copy: self._loss(copy, clips, labels), 1, self.step, first_order=False)
            value = self._primary(ahead(clips.inputs)[0], clips.labels) + entropy
        else:
            value = self._finite_differences(tasks, clips, labels) + entropy
        gradients = torch.autograd.grad(value, parameters)
        tasks.train(training)
        return gradients

    def _finite_differences(
        self, tasks: "_Tasks", clips: Clips, labels: Float[Tensor, "clip subclass"]
    ) -> Float[Tensor, ""]:
        """Return a scalar whose gradient with respect to φ is the hypergradient in finite differences."""
        ahead = adapt(tasks, lambda copy: self._loss(copy, clips, labels.detach()), 1, self.step, first_order=True)
        names, moved = zip(*ahead.named_parameters(), strict=True)
        primary = self._primary(ahead(clips.inputs)[0], clips.labels)
        direction = torch.autograd.grad(primary, moved, allow_unused=True)
        v = {name: d for name, d in zip(names, direction, strict=True) if d is not None}
        epsilon = 0.01 / torch.cat([d.flatten() for d in v.values()]).norm().clamp_min(1e-12)
        losses = []
        for sign in (1, -1):
            shifted = {
                name: parameter.detach() + sign * epsilon * v[name] if name in v else parameter.detach()
                for name, parameter in tasks.named_parameters()
            }
            _, auxiliary = torch.func.functional_call(tasks, shifted, (clips.inputs,))
            # L_pri does not depend on φ, so the auxiliary loss alone is left of L.
            losses.append(focal_loss(auxiliary, labels, self.focus))
        return -self.step * (losses[0] - losses[1]) / (2 * epsilon)


class _Tasks(nn.Module):
    """The multi-task network: what the look-ahead step moves."""

    def __init__(self, network: TwoBranchNetwork, auxiliary_head: nn.Linear) -> None:
        super().__init__()
        self.network, self.auxiliary_head = network, auxiliary_head
        self.train(network.training)

    def forward(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> tuple[Float[Tensor, "clip class"], Float[Tensor, "clip subclass"]]:
        features = self.network.encode(inputs)
        return self.network.mer_head(features), self.auxiliary_head(features)


def _restarted(encoder: Encoder) -> Encoder:
    """Return a copy of an encoder with start values of its own, as far as its layers know how to draw them."""
    twin = copy.deepcopy(encoder)
    for module in twin.modules():
        if callable(reset := getattr(module, "reset_parameters", None)):
            reset()
    return twin
