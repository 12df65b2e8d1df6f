from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data_modules.annotations import Kind
from data_modules.clip_table import ClipRow
from data_modules.databases.registry import READERS
from data_modules.databases.sheets import Source
from data_modules.schemes import Scheme, read_scheme, scheme_names
from lightmannet.errors import ConfigurationError, DataError

DATABASES = (
    "casme", "casme2", "samm", "samm_lv", "smic", "casme_sq", "casme3", "mmew", "dfme", "ckplus", "oulu_casia", "mmi",
    "kdef", "kdef_landmarks", "ckplus_pairs", "ckplus_landmarks", "jaffe", "yale_faces", "london_faces", "mmew_pairs",
)  # fmt: skip

# Published counts of micro-expressions an emotion, words as in the annotations.
EMOTIONS: dict[str, dict[str, int]] = {
    "casme2": {
        "others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2,
    },
    "samm": {
        "Anger": 57, "Other": 26, "Happiness": 26, "Surprise": 15, "Contempt": 12, "Disgust": 9, "Fear": 8,
        "Sadness": 6,
    },
    "smic": {"negative": 70, "positive": 51, "surprise": 43},
    "casme": {
        "tense": 71, "disgust": 44, "repression": 40, "surprise": 20, "happiness": 9, "sadness": 6, "fear": 2,
        "contempt": 3,
    },
    "casme3": {
        "disgust": 250, "surprise": 187, "others": 158, "Others": 3, "fear": 86, "anger": 64, "sad": 57, "happy": 55,
    },
    "mmew": {
        "happiness": 36, "surprise": 89, "disgust": 72, "fear": 16, "sadness": 13, "anger": 8, "others": 66,
    },
    "dfme": {
        "disgust": 548 + 129 + 58, "surprise": 298 + 101 + 48, "sadness": 278 + 46 + 35, "fear": 265 + 62 + 38,
        "happiness": 206 + 63 + 42, "anger": 161 + 39 + 41, "contempt": 100 + 34 + 37,
    },
    "ckplus": {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happy": 69, "sadness": 28, "surprise": 83},
    "oulu_casia": dict.fromkeys(["anger", "disgust", "fear", "happiness", "sadness", "surprise"], 80),
}  # fmt: skip
CLIPS = {
    "casme2": 255, "samm": 159, "smic": 164, "casme": 195, "casme3": 860, "mmew": 300, "dfme": 2629, "ckplus": 327,
    "oulu_casia": 480,
}  # fmt: skip
OBJECTIVE: dict[str, dict[int, int]] = {
    "samm": {1: 24, 2: 13, 3: 20, 4: 8, 5: 3, 6: 7, 7: 84},
    "casme3": {1: 15, 2: 151, 3: 234, 4: 37, 5: 47, 6: 3, 7: 373},
}


def row(database: str, emotion: str | None = None, objective_class: int | None = None, **changes: Any) -> ClipRow:
    values: dict[str, Any] = {"subject": "s", "clip": "c", "kind": "micro"} | changes
    return ClipRow(
        database, database, onset=1, apex=2, offset=3, fps=30, emotion=emotion, action_units=(), action_units_raw="",
        objective_class=objective_class, root=Path("."), path=Path("x"), numbers=(1, 2, 3), source=Source("x"),
        **values,
    )  # fmt: skip


def clips_a_class(scheme: Scheme, rows: list[ClipRow]) -> dict[str, int]:
    return dict(Counter(scheme.classes[label] for label in scheme.labels(rows) if label is not None))


def rows_of(database: str) -> list[ClipRow]:
    rows = [row(database, emotion) for emotion, number in EMOTIONS[database].items() for _ in range(number)]
    assert len(rows) == CLIPS[database]
    if database == "casme2":  # two clips of disgust that the official list of MEGC2019 lacks
        rows.remove(row("casme2", "disgust"))
        rows.remove(row("casme2", "disgust"))
        rows.append(row("casme2", "disgust", subject="sub04", clip="EP12_01f"))
        rows.append(row("casme2", "disgust", subject="sub05", clip="EP09_05f"))
    return rows


@pytest.mark.parametrize(
    ("name", "database", "expected"),
    [
        ("megc2019", "casme2", (88, 32, 25)),
        ("megc2019", "samm", (92, 26, 15)),
        ("megc2019", "smic", (70, 51, 43)),
        ("megc2019", "casme3", (457, 55, 187)),
        ("megc2019", "mmew", (109, 36, 89)),
        ("megc2019", "dfme", (1871, 311, 447)),
        ("megc2019", "casme", (84, 9, 20)),
        ("megc2019", "ckplus", (175, 69, 83)),
        ("megc2019", "oulu_casia", (320, 80, 80)),
        ("casme2_five", "casme2", (32, 63, 27, 25, 99)),
        ("samm_five", "samm", (57, 26, 26, 15, 12)),
        ("casme_four", "casme", (71, 44, 40, 20)),
        ("casme3_four", "casme3", (457, 55, 187, 161)),
        ("casme3_seven", "casme3", (55, 187, 57, 250, 86, 64, 161)),
        ("mmew_four", "mmew", (36, 89, 72, 66)),
        ("dfme_seven", "dfme", (241, 171, 735, 365, 311, 359, 447)),
    ],
)
def test_published_counts_of_emotions_give_the_published_classes(
    name: str, database: str, expected: tuple[int, ...]
) -> None:
    scheme = read_scheme(name)
    assert clips_a_class(scheme, rows_of(database)) == dict(zip(scheme.classes, expected, strict=True))


@pytest.mark.parametrize(("name", "total"), [("casme2_five", 246), ("samm_five", 136)])
def test_five_classes_have_the_published_number_of_clips(name: str, total: int) -> None:
    (rule,) = read_scheme(name).databases.values()
    assert sum(rule.clips.values()) == total


@pytest.mark.parametrize(
    ("name", "database", "expected"),
    [
        ("objective_five", "samm", (24, 13, 20, 8, 3)),
        ("objective_five", "casme3", (15, 151, 234, 37, 47)),
        ("objective_seven", "samm", (24, 13, 20, 8, 3, 7, 84)),
        ("objective_seven", "casme3", (15, 151, 234, 37, 47, 3, 373)),
    ],
)
def test_objective_classes_do_not_depend_on_emotions(name: str, database: str, expected: tuple[int, ...]) -> None:
    scheme = read_scheme(name)
    rows = [row(database, "any", number) for number, count in OBJECTIVE[database].items() for _ in range(count)]
    assert len(rows) == CLIPS[database]
    assert clips_a_class(scheme, rows) == dict(zip(scheme.classes, expected, strict=True))


@pytest.mark.parametrize("name", scheme_names())
def test_the_counts_that_a_scheme_states_are_those_of_the_published_emotions(name: str) -> None:
    scheme = read_scheme(name)
    stated = {database: rule for database, rule in scheme.databases.items() if rule.clips}
    for database, rule in stated.items():
        rows = rows_of(database)
        if rule.by == "objective_class":
            rows = [row(database, None, number) for number, count in OBJECTIVE[database].items() for _ in range(count)]
        assert clips_a_class(scheme, rows) == dict(rule.clips)


def test_the_schemes_are_these() -> None:
    assert scheme_names() == [
        "casme2_five", "casme3_four", "casme3_seven", "casme_four", "dfme_seven", "megc2019", "mmew_four",
        "objective_five", "objective_seven", "samm_five",
    ]  # fmt: skip


def test_the_three_classes_cover_every_database() -> None:
    scheme = read_scheme("megc2019")
    assert scheme.classes == ("negative", "positive", "surprise")
    assert set(scheme.databases) == {*DATABASES, "motion_files"}
    assert all(set(rule.classes) == set(scheme.classes) for rule in scheme.databases.values())


@pytest.mark.parametrize(
    ("database", "emotion", "expected"),
    [
        ("casme3", "happiness", "positive"),
        ("casme3", "sadness", "negative"),
        ("ckplus", "contempt", "negative"),
        ("ckplus", "neutral", None),
        ("casme_sq", "positive", "positive"),
        ("casme_sq", "others", None),
        ("mmew", "repression", None),
        ("casme2", "repression", "negative"),
        ("samm_lv", "Anger", "negative"),
        ("samm_lv", "Other", None),
        ("mmi", "happiness", "positive"),
    ],
)
@pytest.mark.parametrize("kind", ["micro", "macro"])
def test_micro_and_macro_expressions_share_the_classes(
    database: str, emotion: str, expected: str | None, kind: Kind
) -> None:
    scheme = read_scheme("megc2019")
    label = scheme.label(row(database, emotion, kind=kind))
    assert (None if label is None else scheme.classes[label]) == expected


def test_each_emotion_of_each_reader_has_a_place_in_each_scheme() -> None:
    assert set(READERS) == {*DATABASES, "megc2019_list"}  # whose clips are those of three others
    for reader in READERS.values():
        for name in scheme_names():
            rule = read_scheme(name).databases.get(reader.description.name)
            if rule is not None and rule.by == "emotion":
                words = {word for group in rule.classes.values() for word in group} | set(rule.drop)
                assert set(reader.description.emotions) <= words, (name, reader)


def test_a_clip_without_annotation_has_no_class() -> None:
    assert read_scheme("megc2019").label(row("samm_lv", None, kind="macro")) is None
    assert read_scheme("objective_five").label(row("samm", "Anger", None)) is None


def test_clips_are_left_out_by_name() -> None:
    scheme = read_scheme("megc2019")
    assert scheme.label(row("casme2", "disgust", subject="sub05", clip="EP09_05f")) is None
    assert scheme.label(row("casme2", "disgust", subject="sub05", clip="EP09_06")) == 0


def test_an_emotion_without_a_place_is_an_error_that_names_it() -> None:
    with pytest.raises(DataError, match=r"The scheme megc2019 has no class for emotion 'bored' of casme2; add it"):
        read_scheme("megc2019").label(row("casme2", "bored"))


def test_a_database_without_a_place_is_an_error_that_names_those_that_have_one() -> None:
    with pytest.raises(DataError, match=r"The scheme casme2_five does not cover samm; it covers casme2"):
        read_scheme("casme2_five").label(row("samm", "Anger"))


def test_each_word_without_a_place_is_listed_once_with_its_clips() -> None:
    rows = [row("casme2", word) for word in ("bored", "bored", "tired", "disgust")]
    with pytest.raises(DataError, match=r"(?s)scheme megc2019: 2 faults.*'bored'.*\(2 clips\).*'tired'.*\(1 clips\)"):
        read_scheme("megc2019").labels(rows)


# --- Files of one's own ---

OWN = "title: mine\nclasses: [bad, good]\ndatabases:\n  casme2: {classes: {bad: [disgust], good: [happiness]}}\n"


def test_a_file_of_ones_own_is_a_scheme(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    scheme = read_scheme(str(tmp_path / "own.yaml"))
    assert (scheme.name, scheme.title, scheme.label(row("casme2", "happiness"))) == ("own", "mine", 1)


@pytest.mark.parametrize("name", ["megc2020", "nowhere.yaml", "", "../schemes", "a\0b", "x" * 300])
def test_a_scheme_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"scheme: .* is neither a YAML file nor one of casme2_five, .*megc2019"
    ):
        read_scheme(name)


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\xfa", b"9" * 5000, b"a: 2024-99-99"])
def test_a_file_that_is_no_yaml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"own.yaml is not YAML"):
        read_scheme(str(tmp_path / "own.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "[1, 2]",
        "title: mine",
        OWN.replace("title: mine", "name: mine"),
        OWN.replace("[bad, good]", "7"),
        OWN.replace("{classes: {bad: [disgust], good: [happiness]}}", "7"),
        OWN.replace("{classes:", "{words:"),
        OWN.replace("{bad: [disgust], good: [happiness]}", "[disgust]"),
        OWN.replace("[disgust]", "[[disgust]]"),
        OWN.replace("[disgust]", "[disgust], drop: 7"),
    ],
)
def test_a_file_that_is_no_scheme_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"own.yaml"):
        read_scheme(str(tmp_path / "own.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[bad, good]", "[]", "no class or no database"),
        ("[bad, good]", "[bad, good, good]", "class 'good' occurs twice"),
        ("[bad, good]", "[bad, good, 7]", "class 7 is not text"),
        ("[happiness]", "[happiness, disgust]", "casme2: 'disgust' occurs twice"),
        ("[happiness]", "[Happiness]", "casme2: 'Happiness' is not lower-case text"),
        ("[happiness]", "[3]", "casme2: 3 is not lower-case text"),
        ("[happiness]", "happiness", "casme2: each class, drop and exclude hold a list"),
        ("good: [", "great: [", "casme2: class 'great' is not among the classes"),
        ("casme2: {", "casme2: {clips: {great: 3}, ", "casme2: class 'great' is not among the classes"),
        ("casme2: {", "casme2: {by: mood, ", "casme2: by is emotion or objective_class, not 'mood'"),
        ("casme2: {", "casme2: {by: objective_class, ", "casme2: 'disgust' is not a number from 1 to 7"),
        ("casme2: {", "casme2: {drop: fear, ", "casme2: each class, drop and exclude hold a list"),
    ],
)
def test_a_fault_of_a_scheme_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in OWN
    (tmp_path / "own.yaml").write_text(OWN.replace(old, new))
    with pytest.raises(ConfigurationError, match=rf"(?s)own.yaml: .*{message}"):
        read_scheme(str(tmp_path / "own.yaml"))
