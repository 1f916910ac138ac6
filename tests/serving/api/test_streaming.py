"""The streaming filter gives what the parser gives, however the completion is cut into pieces."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raft.prompts.format import (
    ABSTENTION,
    ANSWER,
    BEGIN_QUOTE,
    END_QUOTE,
    REASON,
    parse_completion,
    render_abstention,
    render_completion,
)
from raft.records import Citation
from serving.api.answer_stream import AnswerReader, readable_quotes

FRAGMENTS = [
    REASON,
    BEGIN_QUOTE,
    END_QUOTE,
    ANSWER,
    "##",
    "#",
    "##Answer",
    "<think>",
    "</think>",
    "<|channel|>analysis<|message|>",
    "<|channel|>final<|message|>",
    " ",
    "\n",
    "\n\n",
    "\t",
    "six years",
    "a",
    "\u2028",
    ".",
]
COMPLETIONS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=5)), max_size=14).map("".join)


def read(pieces: list[str]) -> str:
    reader = AnswerReader()
    return "".join([*(reader.feed(piece) for piece in pieces), reader.finish()])


@given(COMPLETIONS, st.data())
def test_any_chunking_gives_the_parsed_answer(completion: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(completion)), max_size=8)))
    edges = [0, *cuts, len(completion)]
    pieces = [completion[left:right] for left, right in itertools.pairwise(edges)]
    expected = parse_completion(completion).answer or ABSTENTION
    assert read(pieces) == expected
    assert read(list(completion)) == expected


@given(COMPLETIONS)
def test_what_follows_the_answer_changes_nothing(completion: str) -> None:
    reader, fed = AnswerReader(), ""
    for char in completion:
        reader.feed(char)
        fed += char
        if reader.done:
            break
    assert parse_completion(fed).answer == parse_completion(completion).answer


def test_the_answer_comes_token_by_token_and_the_reason_does_not() -> None:
    reader = AnswerReader()
    given_ = [reader.feed(piece) for piece in [REASON, " why ", "##Ans", "wer: six", " years", " at", " most"]]
    assert given_ == ["", "", "", "six", " years", " at", " most"]
    assert reader.finish() == ""


def test_an_answer_within_a_thought_is_never_shown() -> None:
    for begun in ("<think>", ""):
        assert read(list(f"{begun}Is it ##Answer: two years?</think>{REASON} why\n{ANSWER} six years")) == "six years"


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (render_completion([(1, "A sentence.")], "six years"), "six years"),
        (render_abstention(), ABSTENTION),
        ("six years, without markers", "six years, without markers"),
        ("", ABSTENTION),
        (f"{ANSWER} number #4\n\nQuestion: more", "number #4"),
        (f"{ANSWER} ends in #", "ends in #"),
        (f"{ANSWER}\n\n  six\n years {REASON} again", "six years"),
        (f"{REASON} {BEGIN_QUOTE} cut off in the quo", "cut off in the quo"),
    ],
)
def test_completions_of_every_kind(completion: str, answer: str) -> None:
    assert read([completion]) == answer


def test_generation_may_stop_once_the_answer_is_over() -> None:
    reader = AnswerReader()
    reader.feed(f"{ANSWER} six years\n\nand so on")
    assert reader.done
    assert reader.feed(" more") == "" and reader.finish() == ""


def test_verified_quotes_are_shown_once_and_others_not() -> None:
    good = Citation("d", "c", "The\nLease", "/x/lease.txt", 3, 9, "pays\n a deposit", verified=True)
    bad = Citation("", "", "", "", -1, -1, "invented", verified=False)
    assert readable_quotes([good, bad, good]) == '\n\n> "pays a deposit"\n> -- The Lease'
    assert readable_quotes([bad]) == ""
