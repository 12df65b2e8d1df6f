"""The motion from onset to apex."""

import numpy as np

from data_modules.representations import ApexFlow
from tests.moving_skin import bumps, moving_skin


def test_onset_and_apex_are_wanted() -> None:
    assert ApexFlow().moments(3, 8, 20) == (3, 8)


def test_motion_is_that_from_onset_to_apex_right_and_down_positive() -> None:
    motion = moving_skin(bumps(112, 2.0))
    render = ApexFlow(method="dis").render
    forth = render(np.stack([motion.first, motion.second])[..., None])[0]
    back = render(np.stack([motion.second, motion.first])[..., None])[0]
    # The bump at (0.30, 0.30) moves up, the one at (0.68, 0.74) to the right and down.
    assert forth[1, 8, 8] < -0.05
    assert min(forth[:2, 20, 18]) > 0.05
    assert back[1, 8, 8] > 0.05
    assert max(back[:2, 20, 18]) < -0.05
