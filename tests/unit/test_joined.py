from dataclasses import replace

import pytest
import torch

from data_modules.conventional import ConventionalDataModule
from data_modules.corpus import Corpus, CorpusSource
from data_modules.joined import JoinedCorpora
from data_modules.protocols import SubjectKFold
from data_modules.scaling import CENTRED, rescale
from data_modules.synthetic.images import SCALING
from lightmannet.errors import ConfigurationError
from tests.clips import MadeCorpus, make_clips


class Given(CorpusSource):
    """A corpus that is there already; counts how often it is prepared."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus, self.prepared = corpus, 0

    def prepare(self) -> None:
        self.prepared += 1

    def load(self) -> Corpus:
        return self.corpus


MADE = MadeCorpus().load()
MICRO = replace(MADE, micro=replace(MADE.micro, inputs=rescale(MADE.micro.inputs, SCALING, CENTRED)), scaling=CENTRED)


def macro(database: str, **changed: object) -> Corpus:
    corpus = replace(MADE, name=database, macro=make_clips(12, 3, database=database))
    return replace(corpus, **changed)  # type: ignore[arg-type]


def joined(*others: Corpus, micro: Corpus = MICRO) -> Corpus:
    return JoinedCorpora(Given(micro), [Given(other) for other in others]).load()


def test_macro_expressions_of_all_corpora_come_in_the_scaling_of_the_micro_expressions() -> None:
    one, two = macro("one"), macro("two")
    corpus = joined(one, two)
    assert corpus.macro is not None
    assert corpus.macro.databases == ("one",) * 12 + ("two",) * 12
    assert one.macro is not None
    assert torch.equal(corpus.macro.inputs[:12], rescale(one.macro.inputs, SCALING, CENTRED))
    assert corpus.micro is MICRO.micro
    assert corpus.scaling == CENTRED


def test_one_image_a_clip_is_repeated_in_every_phase() -> None:
    corpus = joined(macro("one"), micro=replace(MICRO, micro=make_clips(12, phases=4)))
    assert corpus.macro is not None
    assert corpus.macro.inputs.shape[1] == 4
    assert torch.equal(corpus.macro.inputs[:, 0], corpus.macro.inputs[:, 3])


def test_every_corpus_is_prepared() -> None:
    sources = [Given(MICRO), Given(macro("one")), Given(macro("two"))]
    JoinedCorpora(sources[0], [*sources[1:]]).prepare()
    assert [source.prepared for source in sources] == [1, 1, 1]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (macro("one", macro=None), "macro: the corpus one has no macro-expressions"),
        (
            macro("one", classes=("a", "b", "c")),
            "one does not fit made: its classes are a, b, c, not negative, positive",
        ),
        (macro("one", kind="frames"), "one does not fit made: its inputs show frames, not motion"),
        (macro("one", macro=make_clips(12, size=56)), "its inputs are 1 × 3 × 56 × 56, not 1 × 3 × 28 × 28"),
        (macro("one", macro=make_clips(12, phases=2)), "its inputs are 2 × 3 × 28 × 28, not 1 × 3 × 28 × 28"),
    ],
)
def test_corpora_that_do_not_fit_are_refused(other: Corpus, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        joined(other)


def test_a_scaling_that_does_not_fit_is_refused_with_both_names() -> None:
    with pytest.raises(ConfigurationError, match="two does not fit made: motion images of centred scaling cannot be"):
        joined(macro("two", scaling=CENTRED), micro=MADE)


def test_a_database_in_two_corpora_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is in two of the corpora; name each database once"):
        joined(macro("one"), macro("one"))


def test_no_corpus_of_macro_expressions_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="name at least one corpus of macro-expressions"):
        JoinedCorpora(Given(MICRO), [])


@pytest.mark.parametrize("learn_from", ["micro", "macro", "both"])
def test_macro_expressions_of_test_people_are_never_learned_from(learn_from: str) -> None:
    # The macro-expressions of made/ are of the same people as the micro-expressions.
    source = JoinedCorpora(Given(MICRO), [Given(macro("other")), Given(macro("made"))])
    module = ConventionalDataModule(source, SubjectKFold(), learn_from=learn_from)  # type: ignore[arg-type]
    module.setup("fit")
    assert not {*module.fold.test, *module.fold.validation} & set(module.training.subjects)
    micro = set(MICRO.micro.ids) & set(module.training.ids)
    databases = set(module.training.databases)
    assert ("other" in databases) == (learn_from != "micro")
    assert module.testing.ids
    assert set(module.testing.ids) <= set(MICRO.micro.ids)
    assert bool(micro) or learn_from == "macro"


def test_learning_from_macro_expressions_needs_some() -> None:
    module = ConventionalDataModule(Given(replace(MICRO, macro=None)), SubjectKFold(), learn_from="macro")
    with pytest.raises(ConfigurationError, match="learn_from: macro, but the corpus made has no macro-expressions"):
        module.setup("fit")


def test_an_unknown_choice_of_what_to_learn_from_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="learn_from is one of micro, macro, both, not 'all'"):
        ConventionalDataModule(Given(MICRO), SubjectKFold(), learn_from="all")  # type: ignore[arg-type]
