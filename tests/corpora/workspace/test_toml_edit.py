"""One value changed in a commented TOML file, and nothing else."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.workspace.config import default_toml
from corpora.workspace.toml_edit import with_value
from serving.configuration import SECTIONS


def test_a_value_changes_and_its_comment_stays() -> None:
    before = '[a]\nx = 1  # why\ns = "a # b"  # and this\n\n[b]\nx = 2\n'
    assert with_value(before, "a", "x", 0.5) == before.replace("x = 1 ", "x = 0.5 ", 1)
    assert with_value(before, "b", "x", True) == before.replace("x = 2", "x = true")
    assert with_value(before, "a", "s", 'c "d"') == before.replace('"a # b"', '"c \\"d\\""')


def test_what_is_missing_is_added() -> None:
    assert tomllib.loads(with_value("[a]\nx = 1\n\n[b]\ny = 2\n", "a", "z", "new")) == {
        "a": {"x": 1, "z": "new"},
        "b": {"y": 2},
    }
    assert tomllib.loads(with_value("x = 1\n", "search", "z", 3)) == {"x": 1, "search": {"z": 3}}
    assert tomllib.loads(with_value("", "search", "z", 3)) == {"search": {"z": 3}}


@pytest.mark.parametrize("section", [section.SECTION for section in SECTIONS])
def test_every_key_of_the_configuration_can_be_written(section: str) -> None:
    text = default_toml(SECTIONS)
    whole = tomllib.loads(text)
    for key, old in whole[section].items():
        if isinstance(old, str | int | float):
            changed = tomllib.loads(with_value(text, section, key, "§ new"))
            assert changed[section].pop(key) == "§ new"
            assert {**changed, section: {**changed[section], key: old}} == whole


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=30))
def test_any_string_comes_back(value: str) -> None:
    assert tomllib.loads(with_value('[a]\nx = "old" # why\n', "a", "x", value))["a"]["x"] == value
