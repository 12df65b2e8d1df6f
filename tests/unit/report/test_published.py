"""Published scores: none without a source, none of the paper this project follows, none beside no counterpart."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightmannet.commands.check_release import KNOWN_SCORES
from lightmannet.errors import ConfigurationError
from lightmannet.report.published import comparable_columns, published_beside, published_scores
from tests.fake_results import fake_corpus

WHOLE = {"smic": 164, "casme2": 145, "samm": 133}


def test_every_score_has_a_source_a_protocol_and_a_sample_count() -> None:
    assert len(published_scores()) > 20
    for entry in published_scores():
        assert len(entry.source.text) > 10
        assert "leave-one-subject-out" in entry.protocol
        assert entry.scores.keys() == entry.samples.keys()
        assert any(number is not None for pair in entry.scores.values() for number in pair)
        assert all(caveat.label and caveat.text.endswith(".") for caveat in entry.caveats)


def test_there_is_no_score_of_the_paper() -> None:
    assert not [entry.method for entry in published_scores() if "lightman" in entry.method.lower()]


def test_what_is_known_to_be_wrong_is_marked() -> None:
    labels = {entry.method: {caveat.label for caveat in entry.caveats} for entry in published_scores()}
    assert "oracle epoch" in labels["HTNet"] & labels["CausalNet"]
    assert "UAR is precision" in labels["STSTNet"]
    assert "435 clips" in labels["CapsuleNet"]
    assert {entry.method for entry in published_scores() if entry.recomputed} == {
        "STSTNet, its released predictions",
        "STSTNet, its released PyTorch weights",
    }


def test_a_source_has_an_address_or_is_marked_as_having_none() -> None:
    unmarked = [entry for entry in published_scores() if "no address" not in {c.label for c in entry.caveats}]
    assert all((entry.source.address or "").startswith(("GitHub ", "doi:")) for entry in unmarked)
    marked = {str(entry.source) for entry in published_scores() if entry not in unmarked}
    assert marked == {"comparison in D-FACE", "comparison in Ra-ICL"}


def test_the_released_weights_score_as_check_release_knows_them() -> None:
    entry = next(entry for entry in published_scores() if "weights" in entry.method)
    assert entry.scores["Full"] == KNOWN_SCORES["casme2", "samm", "smic"]
    for database in WHOLE:
        assert entry.scores[database] == KNOWN_SCORES[(database,)]


def test_they_stand_beside_real_and_whole_databases_only() -> None:
    assert set(comparable_columns(fake_corpus(WHOLE, name="megc2019", synthetic=False))) == {*WHOLE, "Full"}
    two = {name: WHOLE[name] for name in ("smic", "casme2")}
    assert set(comparable_columns(fake_corpus(two, name="megc2019", synthetic=False))) == set(two)
    part = fake_corpus({**two, "samm": 100}, name="megc2019", synthetic=False)
    assert set(comparable_columns(part)) == set(two)
    for corpus in (fake_corpus(WHOLE, name="megc2019"), fake_corpus(WHOLE, name="other", synthetic=False)):
        assert comparable_columns(corpus) == ()
        assert published_beside(corpus) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": None}, "is not listed under sources"),
        ({"source": "hearsay"}, "'hearsay' is not listed under sources"),
        ({"caveats": ["odd"]}, "caveat 'odd' is not explained"),
        ({"scores": {"mmew": [0.5, 0.5]}}, "column 'mmew' has no number of samples"),
        ({"scores": {"smic": [50, 0.5]}}, r"UF1 and UAR in \[0, 1\]"),
    ],
)
def test_a_faulty_entry_is_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    entry = {"method": "ours", "source": "paper", "scores": {"smic": [0.5, 0.5]}, **change}
    content = {
        "protocol": "p",
        "samples": {"smic": 1},
        "caveats": {},
        "sources": {"paper": {"text": "Paper", "address": "doi:1"}},
        "entries": [entry],
    }
    path = tmp_path / "published.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match=message):
        published_scores(path)
