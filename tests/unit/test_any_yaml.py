"""Whatever a YAML file holds, reading it as a scheme or as a table works or names its fault."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from data_modules.schemes import read_scheme
from lightmannet.errors import LightmanNetError
from lightmannet.table.description import read_table

ROOT = Path(__file__).parents[2]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=5,
)
READERS: dict[str, tuple[Callable[[Path], object], Path]] = {
    "scheme": (lambda path: read_scheme(str(path)), ROOT / "data_modules" / "schemes" / "megc2019.yaml"),
    "table": (read_table, ROOT / "configs" / "tables" / "synthetic.yaml"),
}


def spoiled(content: Any, data: st.DataObject) -> Any:
    """Return the content with one value, somewhere in it, replaced by anything."""
    if isinstance(content, dict) and content and data.draw(st.integers(0, 3)):
        key = data.draw(st.sampled_from(list(content)))
        return {**content, key: spoiled(content[key], data)}
    if isinstance(content, list) and content and data.draw(st.integers(0, 3)):
        place = data.draw(st.integers(0, len(content) - 1))
        return [*content[:place], spoiled(content[place], data), *content[place + 1 :]]
    return data.draw(VALUES)


def read(kind: str, path: Path) -> None:
    try:
        assert READERS[kind][0](path)
    except LightmanNetError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize("examples", [15, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", READERS)
def test_any_content_is_read_or_its_fault_is_named(kind: str, examples: int, tmp_path: Path) -> None:
    path, whole = tmp_path / "mine.yaml", yaml.safe_load(READERS[kind][1].read_text())

    @settings(max_examples=examples)
    @given(data=st.data())
    def values(data: st.DataObject) -> None:
        path.write_text(yaml.safe_dump(spoiled(whole, data)))
        read(kind, path)

    @settings(max_examples=examples)
    @given(content=st.binary(max_size=40) | st.text(alphabet="abc:{}[],&*!|>-'\"\n 1.", max_size=40).map(str.encode))
    def texts(content: bytes) -> None:
        path.write_bytes(content)
        read(kind, path)

    values()
    texts()


@pytest.mark.parametrize(
    "text", ["&a {x: *a}", "&a [*a]", "!!python/object/apply:os.system [touch exploded]", "[" * 5000]
)
@pytest.mark.parametrize("kind", READERS)
def test_what_holds_itself_or_names_code_is_refused(
    kind: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(LightmanNetError, match=r"mine.yaml"):
        READERS[kind][0](tmp_path / "mine.yaml")
    assert not (tmp_path / "exploded").exists()
