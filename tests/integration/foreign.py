"""A method that is no part of this package."""

from lightmannet.learners import Supervised
from lightmannet.networks import TwoBranchNetwork


class OwnMethod(Supervised):
    """Somebody's own."""

    def __init__(self) -> None:
        super().__init__(TwoBranchNetwork())
