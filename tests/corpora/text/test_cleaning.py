"""Each step of cleaning by itself: what it changes, that it can be left out, and that it is counted."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.records import Block
from corpora.text.cleaning import STEP_NAMES, clean, clean_line

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
    uncleaned, fewer = clean(blocks, [name])
    assert [block.text for block in uncleaned] != expected and name not in fewer
    assert {block.kind for block in uncleaned} <= {"paragraph", "item", "heading"}


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


def joined_slowly(blocks: list[Block]) -> list[str]:
    """The step "hyphenation" without a look first at whether there is a hyphen at a line end."""
    hyphen = "[\u00ad\ufffe\x02-]"
    undivided = (re.sub(rf"\w+{hyphen}[\n\f]\w+", " ", block.text.lower()) for block in blocks)
    words = {word for text in undivided for word in re.findall(r"\w+", text)}

    def join(match: re.Match[str]) -> str:
        whole = (match[1] + match[3]).lower()
        hard = match[2] == "-" or match[1].lower() in words
        return match[1] + ("-" if hard and whole not in words else "")

    return [re.sub(rf"(\w+)({hyphen})[\n\f](?=(\w+))", join, block.text) for block in blocks]


DIVIDED = st.lists(
    st.sampled_from(["treat", "ment", "a", "I", "x1", "-", "\ufffe", "\x02", "\u00ad", "\n", "\f", " "]), max_size=12
)


@settings(deadline=None, max_examples=400)
@given(st.lists(st.builds(Block, st.just("paragraph"), DIVIDED.map("".join)), max_size=4))
@example([Block("paragraph", "treat-\nment-\nment"), Block("item", "treatment")])
def test_hyphens_are_joined_as_without_the_short_cut(blocks: list[Block]) -> None:
    cleaned, _ = clean(blocks, [name for name in STEP_NAMES if name != "hyphenation"])
    plain = [" ".join(text.replace("\0", "").split()) for text in joined_slowly(blocks)]
    assert [block.text for block in cleaned] == [text for text in plain if text]


def test_what_needs_no_cleaning_is_not_copied() -> None:
    blocks = [Block("heading", "Fees", 2), Block("paragraph", "A fee of “£50” is due.", page=1)]
    cleaned, changes = clean(blocks)
    assert all(new is old for new, old in zip(cleaned, blocks, strict=True)) and not changes
