"""Whether what was learned from a corpus can answer for somebody's own clip."""

from data_modules.corpus import CorpusSource
from data_modules.frame_corpus import FrameCorpus
from data_modules.representations.landmark_flow import LandmarkFlow
from data_modules.video.crop import AnnotatedBox


def export_obstacle(source: CorpusSource) -> str:
    """Return why a run on a corpus cannot be exported, and what to do; empty where it can.

    Args:
        source: The run's corpus.
    """
    if not isinstance(source, FrameCorpus):
        return (
            f"{type(source).__name__} gives inputs that were not made of frames by this program, so they cannot be "
            "made of other clips. Train on frames: --data with your own clips, the name of a database, or synthetic."
        )
    if isinstance(source.crop, AnnotatedBox):
        return (
            "crop: AnnotatedBox needs the annotated face boxes of the database, which other clips lack. Train with "
            "crop: YuNet, or with WholeFrame on frames that are faces already."
        )
    if isinstance(source.representation, LandmarkFlow):
        return "LandmarkFlow needs landmarks, which other clips lack. Train with ApexFlow."
    return ""
