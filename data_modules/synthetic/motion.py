"""The embedded corpus: synthetic motion images of micro- and macro-expressions.

Everything here is generated. No image shows or derives from a real person; the only real ingredient is the table of
how often action units go with emotions in CK+ (``action_units.py``). Emotion → action units → a dense displacement
field on a schematic face → (u, v, strain). Use it to try the whole pipeline without a licensed database; its
macro-expressions can stand in for the auxiliary data (``stretched=True`` for corpora of stretched images).

It does not show how well a method recognises real micro-expressions, nor which of two methods is better. Faces are
sums of Gaussian bumps without skin, hair, light or time course; action units are drawn independently given the emotion;
the variation of people, cameras and errors is our guess. The difficulty was set on purpose: the positions of faces in
their crops vary so much that a linear classifier does worse than a small convolutional network, which may be different
on real, well-aligned images. 3 % of the micro labels are wrong by design (``expressions.MICRO``).
"""

import numpy as np
import torch

from data_modules.corpus import CLASSES, Corpus, CorpusSource
from data_modules.objective_class import objective_class
from data_modules.scaling import STRETCHED
from data_modules.synthetic.action_units import ActionUnitTable, read_action_units
from data_modules.synthetic.anatomy import Anatomy, anatomy
from data_modules.synthetic.counts import apportion, clips_per_person
from data_modules.synthetic.databases import MACRO_CAMERA, SyntheticDatabase, micro_databases
from data_modules.synthetic.expressions import CLASS_OF_EMOTION, MACRO, MICRO, draw_emotions, labels_of_emotions
from data_modules.synthetic.fields import Field
from data_modules.synthetic.images import SCALING, to_images
from data_modules.synthetic.people import Variety, draw_people
from data_modules.synthetic.recording import record
from lightmannet.episode import Clips, concatenate
from lightmannet.errors import ConfigurationError

CLIPS_A_MACRO_SUBJECT = 5
"""Mean number of macro-expression clips per person."""

_MICRO_STREAM, _MACRO_STREAM = 0, 1


class SyntheticMotion(CorpusSource):
    """A generated corpus of micro- and macro-expressions, the same for the same arguments.

    Micro-expressions come from three synthetic databases with the subject and class counts of MEGC2019,
    macro-expressions from other people, in about equal numbers per CK+ emotion. Inputs are (clip, 1, 3, 28, 28),
    float32 in [-0.5, 0.5], as ``images.to_images`` scales them. Annotated action units and objective classes are those
    of the movement shown, even where the label is wrong by design. Neither part depends on the size of the other.

    Args:
        subjects: Total number of people in the micro-expression databases.
        micro_clips: Total number of micro-expression clips; the proportions stay the same.
        macro_clips: Number of macro-expression clips; 0 for none.
        seed: Seed of everything random, at least 0.
        stretched: Stretch each channel of each image to the full range, as the public MEGC2019 images are.

    Raises:
        ConfigurationError: Numbers that are too small.
    """

    def __init__(
        self,
        subjects: int = 68,
        micro_clips: int = 442,
        macro_clips: int = 600,
        seed: int = 0,
        stretched: bool = False,
    ) -> None:
        if seed < 0:
            raise ConfigurationError(f"seed={seed}: a seed is a whole number of at least 0")
        emotions = len(CLASS_OF_EMOTION)
        if macro_clips != 0 and macro_clips < emotions:
            raise ConfigurationError(
                f"macro_clips={macro_clips}: at least {emotions} are needed, one per emotion; or 0 for none"
            )
        self.databases = micro_databases(subjects, micro_clips)
        self.macro_clips = macro_clips
        self.seed = seed
        self.stretched = stretched

    def load(self) -> Corpus:
        """Generate the corpus.

        Raises:
            DataError: The table of action units is missing or damaged.
        """
        table = read_action_units()
        face = anatomy(table.units)
        micro = self._micro(0, self.databases[0], table, face)
        for index, database in enumerate(self.databases[1:], start=1):
            micro = concatenate(micro, self._micro(index, database, table, face))
        return Corpus(
            name="synthetic",
            classes=CLASSES,
            micro=micro,
            macro=self._macro(table, face) if self.macro_clips else None,
            scaling=STRETCHED if self.stretched else SCALING,
            synthetic=True,
        )

    def _micro(self, index: int, database: SyntheticDatabase, table: ActionUnitTable, face: Anatomy) -> Clips:
        generator = np.random.default_rng([self.seed, _MICRO_STREAM, index])
        sizes = generator.permutation(clips_per_person(sum(database.clips), database.subjects))
        person = np.repeat(np.arange(database.subjects), sizes)
        labels = generator.permutation(np.repeat(np.arange(len(CLASSES)), database.clips))
        people = draw_people(face, len(table.units), database.subjects, generator, Variety())
        emotions = draw_emotions(MICRO, table, labels, generator)
        field, shown = record(MICRO, table, face, people, person, emotions, database.camera, generator)
        pattern = f"{database.name[-1]}{{:02d}}"
        return _clips(database.name, pattern, field, labels, person, shown, table.units, self.stretched)

    def _macro(self, table: ActionUnitTable, face: Anatomy) -> Clips:
        generator = np.random.default_rng([self.seed, _MACRO_STREAM])
        sizes = apportion(self.macro_clips, [1.0] * -(-self.macro_clips // CLIPS_A_MACRO_SUBJECT))
        person = np.repeat(np.arange(len(sizes)), sizes)
        counts = apportion(self.macro_clips, [1.0] * len(table.emotions))
        emotions = generator.permutation(np.repeat(np.arange(len(table.emotions)), counts))
        labels = labels_of_emotions(table)[emotions]
        people = draw_people(face, len(table.units), len(sizes), generator, Variety())
        field, shown = record(MACRO, table, face, people, person, emotions, MACRO_CAMERA, generator)
        return _clips("synthetic_macro", "m{:03d}", field, labels, person, shown, table.units, self.stretched)


def _clips(
    database: str,
    pattern: str,
    field: Field,
    labels: np.ndarray,
    person: np.ndarray,
    shown: np.ndarray,
    units: tuple[int, ...],
    stretched: bool,
) -> Clips:
    """Return the recorded clips with their names, ordered by person; ``pattern`` formats a person's number."""
    subjects = tuple(f"{database}/{pattern.format(number + 1)}" for number in person)
    first = np.searchsorted(person, person)
    action_units = np.zeros((len(person), 46), dtype=np.bool_)
    action_units[:, np.array(units) - 1] = shown
    return Clips(
        inputs=to_images(field, stretched).unsqueeze(1),
        labels=torch.from_numpy(labels.astype(np.int64)),
        subjects=subjects,
        ids=tuple(f"{subject}/{i - first[i] + 1:02d}" for i, subject in enumerate(subjects)),
        objective_classes=torch.tensor([objective_class(np.flatnonzero(row) + 1) or 0 for row in action_units]),
        action_units=torch.from_numpy(action_units),
    )
