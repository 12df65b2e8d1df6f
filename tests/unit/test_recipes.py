"""Batches as recipes: the same pixels, made later."""

import pytest
import torch

from data_modules.base import SubjectDisjointDataModule
from data_modules.conventional import ConventionalDataModule
from data_modules.episodic import EpisodicDataModule
from data_modules.protocols import SubjectKFold
from data_modules.recipes import ImagePool, cook
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips, Episode
from tests.clips import MadeCorpus


def parts(batch: object) -> list[Clips]:
    if isinstance(batch, Episode):
        assert batch.auxiliary is not None
        return [batch.support, batch.query, batch.auxiliary]
    assert isinstance(batch, Clips)
    return [batch]


@pytest.mark.parametrize("augmentation", [None, Augmentation(), Augmentation(mirror=False, gain=0.0)])
@pytest.mark.parametrize("kind", ["motion", "difference", "frames"])
def test_recipes_are_cooked_into_the_very_batches(kind: str, augmentation: Augmentation | None) -> None:
    corpus = MadeCorpus(size=16, kind=kind)  # type: ignore[arg-type]
    modules: list[SubjectDisjointDataModule] = [
        ConventionalDataModule(corpus, SubjectKFold(k=3), 1, batch_size=9, augmentation=augmentation),
        EpisodicDataModule(corpus, SubjectKFold(k=3), 1, n_shot=2, n_query=2, augmentation=augmentation),
    ]
    for module in modules:
        module.setup("fit")
        plan, pool = module.training_plan(), ImagePool()
        recipes = plan.recipes(pool)
        assert recipes is not None
        for key in ((0, 0), (0, 1), (3, 2)):
            for clips, recipe in zip(parts(plan[key]), parts(recipes[key]), strict=True):
                pixels = cook(recipe.inputs, pool.images(), augmentation, module.corpus.kind)
                torch.testing.assert_close(pixels, clips.inputs, rtol=0, atol=0)
                assert recipe.ids == clips.ids
                assert torch.equal(recipe.labels, clips.labels)


def test_an_image_is_kept_once_however_many_folds_have_it() -> None:
    pool, corpus = ImagePool(), MadeCorpus(size=16).load()
    for _ in range(3):
        pool.recipes(corpus.micro)
    assert len(pool.images()) == len(corpus.micro)


def test_what_is_changed_clip_by_clip_has_no_recipe() -> None:
    module = ConventionalDataModule(MadeCorpus(size=16), SubjectKFold(k=3), augmentation=Augmentation(noise=0.1))
    module.setup("fit")
    assert module.training_plan().recipes(ImagePool()) is None
