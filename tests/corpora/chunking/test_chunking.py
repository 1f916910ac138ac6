"""Where documents are cut: even windows, whole paragraphs, lists with their lead-in, and nothing that the encoder cannot read."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.chunking.chunker import ChunkOptions, chunk_document, join_blocks
from corpora.chunking.clauses import character_spans, clause_spans, word_spans
from corpora.chunking.windows import best_windows
from corpora.records import Block, Document, content_id
from corpora.text.cleaning import clean
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.loading import load_encoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.model_folders import ENCODER_MODEL


def document_of(blocks: Sequence[Block], title: str = "Title") -> Document:
    text, _ = join_blocks(blocks)
    identity = content_id("document", "default", text)
    return Document(identity, "default", title, "text/plain", text, "/source.txt", identity)


class Words:
    """An encoder whose tokens are words, that reads `max_tokens` of them and counts how often it is asked."""

    def __init__(self, max_tokens: int | None) -> None:
        self.max_tokens = max_tokens
        self.calls = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.calls += 1
        return [len(text.split()) for text in texts]


def sentence(words: int, letter: str = "x") -> str:
    return f"{letter.upper()}{' '.join([letter] * words)}."


def texts_of(blocks: Sequence[Block], options: ChunkOptions, encoder: Words | None = None) -> list[str]:
    return [chunk.text for chunk in chunk_document(document_of(blocks), blocks, options, encoder)]


def cost_of(cuts: Sequence[int], sizes: Sequence[int], limit: int, costs: Sequence[float]) -> float | None:
    """The cost of windows that end at `cuts`, None where one of several pieces is over the limit."""
    total, start = 0.0, 0
    for end in cuts:
        size = sum(sizes[start:end])
        if size > limit and end - start > 1:
            return None
        total += (1 - min(size / limit, 1)) ** 2 + (costs[end - 1] if end < len(sizes) else 0)
        start = end
    return total


PIECES = st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0, 0.1, 0.5, 1.0])), min_size=1, max_size=9)


@settings(deadline=None)
@given(PIECES, st.integers(1, 25))
@example([(5, 0), (5, 0), (5, 0), (5, 0)], 15)
def test_windows_are_the_cheapest_of_all(pieces: list[tuple[int, float]], limit: int) -> None:
    sizes, costs = [size for size, _ in pieces], [cost for _, cost in pieces]
    n = len(pieces)
    all_costs = (cost_of([*inner, n], sizes, limit, costs) for count in range(n) for inner in combinations(range(1, n), count))
    windows = best_windows([sizes], [limit], costs)
    assert [first for first, _ in windows] == [0, *(end for _, end in windows[:-1])]
    assert cost_of([end for _, end in windows], sizes, limit, costs) == pytest.approx(
        min(c for c in all_costs if c is not None)
    )


@given(PIECES, st.integers(1, 25), st.integers(0, 4))
def test_overlapping_windows_hold_the_limit_and_lose_nothing(pieces: list[tuple[int, float]], limit: int, overlap: int) -> None:
    sizes, costs = [size for size, _ in pieces], [cost for _, cost in pieces]
    windows = best_windows([sizes], [limit], costs, overlap)
    ends = [0, *(end for _, end in windows)]
    assert ends[-1] == len(pieces)
    for (first, end), before in zip(windows, ends, strict=False):
        assert before - overlap <= first <= before < end
        assert end - first == 1 or sum(sizes[first:end]) <= limit or all(size == 0 for size in sizes[before + 1 : end])


def test_two_limits_hold_at_once() -> None:
    assert best_windows([[1, 1, 1, 1], [5, 5, 1, 1]], [4, 7], [0, 0, 0, 0]) == [(0, 1), (1, 4)]
    assert best_windows([], [], []) == []


def test_the_last_window_is_not_what_is_left_over() -> None:
    block = Block("paragraph", " ".join(sentence(10) for _ in range(11)))
    sizes = [len(text.split()) for text in texts_of([block], ChunkOptions(100))]
    assert sizes == [60, 50] or sizes == [50, 60]


def test_paragraphs_are_not_cut_where_their_ends_will_do() -> None:
    blocks = [Block("paragraph", " ".join([sentence(8, letter)] * 3)) for letter in "abcd"]
    assert texts_of(blocks, ChunkOptions(60)) == [
        f"{blocks[0].text}\n\n{blocks[1].text}",
        f"{blocks[2].text}\n\n{blocks[3].text}",
    ]


def test_a_list_is_kept_with_what_leads_to_it() -> None:
    blocks = [
        Block("paragraph", sentence(30, "a")),
        Block("paragraph", "The tenant must:"),
        *[Block("item", f"{sentence(9, letter)}") for letter in "bcd"],
        Block("paragraph", sentence(30, "e")),
    ]
    cut = texts_of(blocks, ChunkOptions(38))
    assert cut[1].startswith("The tenant must:") and "D" in cut[1], cut


def test_a_sentence_within_the_encoders_limit_is_whole_and_a_longer_one_is_cut_at_clauses() -> None:
    clauses = [f"{letter} " * 8 + f"{letter};" for letter in "pqrstuv"]
    long = f"S{' '.join(clauses)} end."
    block = Block("paragraph", f"{sentence(3)} {long} {sentence(3)}")
    assert long in texts_of([block], ChunkOptions(5), Words(200))
    cut = texts_of([block], ChunkOptions(30), Words(21))
    assert all(text.endswith((";", ".")) for text in cut), cut
    assert all(len(text.split()) <= 20 for text in cut), "the title takes one of the 21"
    assert " ".join(cut) == block.text


def test_what_has_no_clause_is_cut_between_words() -> None:
    block = Block("paragraph", " ".join(["word"] * 55))
    assert [len(text.split()) for text in texts_of([block], ChunkOptions(5), Words(21))] in (
        [20, 20, 15],
        [18, 18, 19],
        [19, 18, 18],
    )


class Characters(Words):
    """An encoder with a token a character."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]


def test_a_script_without_spaces_is_cut_too_and_marks_stay_with_their_letters() -> None:
    text = "e\u0301" * 100
    cut = texts_of([Block("paragraph", text)], ChunkOptions(5), Characters(48))
    assert "".join(cut) == text
    assert all(len(part) <= 40 and part.startswith("e") for part in cut)


def test_a_long_path_of_headings_leaves_half_of_the_encoder_to_the_text() -> None:
    blocks = [Block("heading", " ".join(["heading"] * 50), 2), Block("paragraph", " ".join(["word"] * 40))]
    assert [len(text.split()) for text in texts_of(blocks, ChunkOptions(100), Words(40))] == [20, 20]


PROSE = st.lists(
    st.sampled_from(
        ["The court", "held;", "§ 7", "No. 4", "v.", "(a)", "ends.", "Why?", "—", "x" * 30, "and:", "- item", "a, b,", "|", "𝔘"]
    ),
    max_size=60,
).map(" ".join)
BLOCKS = st.lists(
    st.builds(Block, st.sampled_from(["heading", "paragraph", "item"]), PROSE, st.integers(1, 4)), max_size=6
).map(lambda blocks: clean(blocks)[0])


@settings(deadline=None, max_examples=150)
@given(BLOCKS, st.integers(1, 30), st.integers(2, 40), st.booleans())
def test_pieces_of_long_sentences_lose_nothing(blocks: list[Block], size: int, reads: int, in_tokens: bool) -> None:
    document = document_of(blocks)
    options = ChunkOptions(size, (), size if in_tokens else 0)
    chunks = chunk_document(document, blocks, options, Words(reads))
    owners = [0] * len(document.text)
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text == chunk.text.strip() != ""
        for position in range(chunk.start, chunk.end):
            owners[position] += 1
        head = len(f"{chunk.title} {chunk.section}".split())
        assert len(chunk.text.split()) <= max(reads - head, reads // 2, 1)
    _, spans = join_blocks(blocks)
    for block, (start, end) in zip(blocks, spans, strict=True):
        expected_owners = 0 if block.kind == "heading" else 1
        assert all(owners[p] == expected_owners or document.text[p].isspace() for p in range(start, end))
    assert chunk_document(document, blocks, options, Words(reads)) == chunks


@given(st.text(max_size=80) | PROSE, st.sampled_from([clause_spans, word_spans, character_spans]))
def test_clauses_hold_every_visible_character(text: str, spans_of) -> None:  # type: ignore[no-untyped-def]
    position = 0
    for start, end, cost in spans_of(text):
        assert position <= start < end <= len(text) and cost >= 0
        assert not text[position:start].strip()
        position = end
    assert not text[position:].strip()


def test_the_encoder_is_asked_once_a_document_not_once_a_sentence() -> None:
    blocks = [Block("paragraph", " ".join([sentence(5)] * 40)) for _ in range(20)]
    encoder = Words(1000)
    chunk_document(document_of(blocks), blocks, ChunkOptions(50, max_tokens=50), encoder)
    assert encoder.calls == 2, "the sentences, and the headings"
    without = Words(None)
    chunk_document(document_of(blocks), blocks, ChunkOptions(50), without)
    assert without.calls == 0


def test_nothing_of_a_chunk_is_beyond_what_the_packaged_encoder_reads() -> None:
    encoder = load_encoder(ENCODER_MODEL)
    assert encoder.max_tokens == 254
    assert encoder.count_tokens([]) == []
    statute = (
        "The Minister may " + "; ".join(f"({n}) prescribe the fee that is payable under section {n}" for n in range(90)) + "."
    )
    blocks = [Block("heading", "Part 1 Fees", 2), Block("paragraph", statute)]
    for options in (ChunkOptions(300), ChunkOptions(20), ChunkOptions(20, max_tokens=256)):
        chunks = chunk_document(document_of(blocks), blocks, options, encoder)
        assert len(chunks) >= 5
        assert max(encoder.count_tokens([embedding_text(chunk) for chunk in chunks])) <= 254
        assert all(chunk.text.endswith((";", ".")) for chunk in chunks)
    assert HashingEncoder().max_tokens is None
    assert HashingEncoder().count_tokens(["one two", ""]) == [2, 0]
