"""Fine-tuning: ordinary supervised learning, then gradient steps on the support at test time."""

from typing import Literal

from torch.nn import functional as F

from lightmannet.adaptation.engines import make_engine, resolve
from lightmannet.adaptation.maml import adapt
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Predictor, differentiable
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.supervised import Supervised
from lightmannet.networks import TwoBranchNetwork


class FineTuning(Supervised):
    """Supervised learning of θ; at test time ``θ_i ← θ - α ∇_θ L_pri(D^s, θ)``, some steps, of all of θ or its heads.

    It is MAML without the outer loop: θ does not learn to be adapted. As the classes are those of the training people,
    the trained head is tuned on, where the paper's baseline begins a new one for new classes. Without a support the
    trained network answers.

    Args:
        network: The network that learns.
        inner: The steps at test time; the rate is fixed.
        learning_rate: Step size of AdamW, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.
        label_smoothing: Share of the target spread evenly over the classes, in [0, 1), in training only.
        clips: What to learn from in training, see ``Supervised``.
        macro_epochs: Epochs on macro-expressions alone before that, >= 0.

    Raises:
        ConfigurationError: The inner rate is to be learned.

    Reference: Chen, Liu, Kira, Wang, Huang 2019, "A Closer Look at Few-shot Classification", arXiv 1904.04232, section
    3.2, baseline.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(steps=10),
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.0,
        clips: Literal["micro", "both"] = "micro",
        macro_epochs: int = 0,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay, label_smoothing, clips, macro_epochs)
        if inner.learn_learning_rate or inner.rates != "one":
            raise ConfigurationError(
                "FineTuning has no outer loop that could learn inner rates: set learn_learning_rate: false and rates: "
                "one."
            )
        self.inner = inner

    def adapt(self, support: Clips, auxiliary: Clips | None) -> Predictor:
        """Return a predictor after the steps on the support; the learner stays as it was.

        Raises:
            ConfigurationError: The network has batch normalisation.
        """
        inner = self.inner
        with differentiable(support) as (task, _):
            network = adapt(
                self.network,
                lambda network: F.cross_entropy(network(task.inputs), task.labels),
                steps=inner.steps,
                learning_rate=inner.learning_rate,
                first_order=True,
                part=inner.moving,
                engine=make_engine(resolve(inner.engine, self.device.type)),
            )
        return Predictor(network)
