"""Each step of cleaning by itself: what it changes, that it can be left out, and that it is counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.cleaning import STEP_NAMES, clean, clean_line
from corpora.records import Block

CASES = {
    "running-lines": ([Block("running", "Firm confidential"), Block("paragraph", "Text.")], ["Text."]),
    "boilerplate": ([Block("boilerplate", "Home | About"), Block("paragraph", "Text.")], ["Text."]),
    "hyphenation": (
        [Block("paragraph", "The treat-\nment of\nit."), Block("item", "A treatment.")],
        ["The treatment of it.", "A treatment."],
    ),
    "encoding": ([Block("paragraph", "cafÃ© â€“ no")], ["café – no"]),
    "control-characters": ([Block("paragraph", "a\x01b\u200bc\u00add")], ["abcd"]),
}


@pytest.mark.parametrize("name", STEP_NAMES)
def test_a_step_does_its_work_is_counted_and_can_be_left_out(name: str) -> None:
    blocks, expected = CASES[name]
    cleaned, changes = clean(blocks)
    assert [block.text for block in cleaned] == expected
    assert changes[name] == 1
    left, fewer = clean(blocks, [name])
    assert [block.text for block in left] != expected and name not in fewer
    assert {block.kind for block in left} <= {"paragraph", "item", "heading"}


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("owner-\noccupier and owner", "owner-occupier and owner"),
        ("re\ufffe\nvenue and revenue", "revenue and revenue"),
        ("re\x02\nvenue", "revenue"),
        ("owner\ufffe\noccupier by the owner", "owner-occupier by the owner"),
        ("pages 3-\n4 of it", "pages 3-4 of it"),
        ("a dash -\nnot a word", "a dash - not a word"),
    ],
)
def test_line_end_hyphens(text: str, joined: str) -> None:
    assert clean_line(text) == joined


def test_page_ends_become_breaks() -> None:
    text = "One page\n ends.\fThe next \f \f and the last."
    (block,), _ = clean([Block("paragraph", text, page=3)])
    assert block.text == "One page ends. The next and the last."
    assert [block.text[start:].split()[0] for start in block.breaks] == ["The", "and", "and"]
    (unpaged,), _ = clean([Block("paragraph", text)])
    assert unpaged.breaks == ()
    (empty_first,), _ = clean([Block("paragraph", "\fAll on the second.", page=1)])
    assert empty_first.breaks == (0,) and empty_first.text == "All on the second."


@given(st.lists(st.builds(Block, st.sampled_from(["paragraph", "running", "heading"]), st.text(max_size=40)), max_size=6))
def test_cleaning_is_done_after_one_go_and_never_fails(blocks: list[Block]) -> None:
    for skip in ((), STEP_NAMES):
        once, _ = clean(blocks, skip)
        for block in once:
            assert block.text == block.text.strip() and block.text and "\n" not in block.text
            block.text.encode("utf-8")
