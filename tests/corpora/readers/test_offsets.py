"""Offsets are exact for any text: from blocks to chunks, through the store and back, and down to the sentence."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.chunking.chunker import ChunkOptions, chunk_document, join_blocks
from corpora.records import Block, Chunk, Document, content_id
from corpora.store.changes import NewDocument, Segment
from corpora.store.corpus_store import CorpusStore
from corpora.text.cleaning import clean, clean_line
from corpora.text.sentences import sentence_spans

# Any code point, and prose-like text made of what the sentence rules look at.
ANY_TEXT = st.text(max_size=60)
PROSE = st.lists(
    st.sampled_from(
        [
            "The court",
            "held",
            "§ 7",
            "No. 4",
            "v.",
            "e.g.",
            "500 mg.",
            "Mr. A.",
            "ends.",
            "Why?",
            "“Quote.”",
            "(x)",
            "\n\n",
            "…",
            "Ünd",
        ]
    ),
    max_size=25,
).map(" ".join)
BLOCKS = st.lists(
    st.builds(Block, st.sampled_from(["heading", "paragraph", "item"]), ANY_TEXT | PROSE, st.integers(1, 4)), max_size=8
).map(lambda blocks: clean(blocks)[0])


def document_of(blocks: list[Block], title: str = "Title") -> Document:
    text, _ = join_blocks(blocks)
    identity = content_id("document", "default", text)
    return Document(identity, "default", title, "text/plain", text, "/source.txt", identity)


def check_chunks(document: Document, blocks: list[Block], chunks: list[Chunk], max_words: int) -> None:
    _, spans = join_blocks(blocks)
    owners = [0] * len(document.text)
    for chunk in chunks:
        assert 0 <= chunk.start < chunk.end <= len(document.text)
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.document_id == document.id
        for position in range(chunk.start, chunk.end):
            owners[position] += 1
        one_sentence = len(sentence_spans(chunk.text)) == 1
        assert one_sentence or len(chunk.text.split()) <= max_words
    assert max(owners, default=0) <= 1, "chunks overlap"
    for block, (start, end) in zip(blocks, spans, strict=True):
        expected = 0 if block.kind == "heading" else 1
        missed = [p for p in range(start, end) if owners[p] != expected and not document.text[p].isspace()]
        assert not missed, f"{block} has characters in {owners[missed[0]]} chunks"
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@settings(deadline=None, max_examples=150)
@given(BLOCKS, st.integers(1, 40))
@example([Block("paragraph", "A. B. C."), Block("heading", "H", 1), Block("item", "one two three four five six")], 2)
def test_chunks_hold_every_visible_character_once(blocks: list[Block], max_words: int) -> None:
    document = document_of(blocks)
    check_chunks(document, blocks, chunk_document(document, blocks, ChunkOptions(max_words, ())), max_words)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CorpusStore]:
    opened = CorpusStore(tmp_path_factory.mktemp("offsets") / "corpus.db")
    yield opened
    opened.close()


@settings(deadline=None, max_examples=60)
@given(BLOCKS, st.integers(1, 40))
@example([Block("paragraph", "𝔘nicode 🏛️ beyond the first plane. Ａ second sentence.")], 3)
def test_offsets_survive_the_store(store: CorpusStore, blocks: list[Block], max_words: int) -> None:
    document = document_of(blocks)
    chunks = chunk_document(document, blocks, ChunkOptions(max_words, ()))
    new = NewDocument(document, chunks, "0" * 64, "test", "segment", 0)
    store.commit(added=[new], segment=Segment("segment", "none", 1, len(chunks)))
    try:
        stored = store.document(document.id)
        assert stored == document
        back = store.chunks(document.id)
        assert back == chunks
        check_chunks(stored, blocks, back, max_words)
    finally:
        store.commit(removed_paths=[(document.source, document.collection)])
    assert store.counts()["documents"] == store.counts()["chunks"] == 0


def test_a_lone_surrogate_does_not_reach_the_store(store: CorpusStore) -> None:
    (block,), _ = clean([Block("paragraph", "before \ud800 after")])
    document = document_of([block])
    chunks = chunk_document(document, [block], ChunkOptions(10))
    store.commit(added=[NewDocument(document, chunks, "0" * 64, "test", "s", 0)], segment=Segment("s", "none", 1, 1))
    assert store.chunks(document.id) == chunks
    store.commit(removed_paths=[(document.source, document.collection)])


def test_sections_are_the_headings_above() -> None:
    blocks = [
        Block("heading", "Title", 1),
        Block("paragraph", "Intro."),
        Block("heading", "A", 2),
        Block("heading", "B", 3),
        Block("paragraph", "Deep."),
        Block("heading", "C", 2),
        Block("paragraph", "Back."),
    ]
    chunks = chunk_document(document_of(blocks), blocks, ChunkOptions(100))
    assert [(chunk.section, chunk.text) for chunk in chunks] == [("", "Intro."), ("A › B", "Deep."), ("C", "Back.")]


def test_overlap_repeats_whole_sentences_within_a_section_and_the_limit() -> None:
    blocks = [
        Block("paragraph", "One two three. Four five. Six seven eight nine. Ten."),
        Block("heading", "H", 2),
        Block("paragraph", "New section."),
    ]
    document = document_of(blocks)
    cut = [chunk.text for chunk in chunk_document(document, blocks, ChunkOptions(6, overlap_sentences=1))]
    assert cut == [
        "One two three. Four five.",
        "Four five. Six seven eight nine.",
        "Six seven eight nine. Ten.",
        "New section.",
    ]
    assert len(chunk_document(document, blocks, ChunkOptions(4, overlap_sentences=3))) == 5


class Letters:
    """An encoder whose tokens are letters, and that reads so many of them."""

    def __init__(self, max_tokens: int | None = None) -> None:
        self.max_tokens = max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len("".join(text.split())) for text in texts]


def test_windows_can_be_measured_in_tokens() -> None:
    blocks = [Block("paragraph", "Aa bb. Cccccc dd. Ee.")]
    document = document_of(blocks)
    cut = chunk_document(document, blocks, ChunkOptions(1, max_tokens=8), Letters())
    assert [chunk.text for chunk in cut] == ["Aa bb.", "Cccccc dd.", "Ee."]
    assert [chunk.text for chunk in chunk_document(document, blocks, ChunkOptions(1, max_tokens=4))] == [
        "Aa bb.",
        "Cccccc dd. Ee.",
    ]
    assert ChunkOptions(1, max_tokens=8).name != ChunkOptions(1).name != ChunkOptions(1, overlap_sentences=1).name


@settings(deadline=None, max_examples=80)
@given(BLOCKS, st.integers(1, 20), st.integers(1, 4))
def test_overlap_loses_nothing(blocks: list[Block], max_words: int, overlap: int) -> None:
    document = document_of(blocks)
    plain = chunk_document(document, blocks, ChunkOptions(max_words))
    cut_chunks = chunk_document(document, blocks, ChunkOptions(max_words, overlap_sentences=overlap))
    covered = {position for chunk in cut_chunks for position in range(chunk.start, chunk.end)}
    assert {position for chunk in plain for position in range(chunk.start, chunk.end)} <= covered
    assert all(document.text[chunk.start : chunk.end] == chunk.text for chunk in cut_chunks)
    assert len({chunk.id for chunk in cut_chunks}) == len(cut_chunks)


def test_reference_sections_are_kept_and_not_cut() -> None:
    blocks = [
        Block("heading", "Title", 1),
        Block("paragraph", "Say this."),
        Block("heading", "7. REFERENCES:", 2),
        Block("heading", "Books", 3),
        Block("item", "A Book on This. Publisher, 2020."),
        Block("heading", "Annex", 2),
        Block("paragraph", "And this."),
    ]
    document = document_of(blocks)
    assert [chunk.text for chunk in chunk_document(document, blocks, ChunkOptions(100))] == ["Say this.", "And this."]
    assert "A Book on This." in document.text
    assert len(chunk_document(document, blocks, ChunkOptions(100, ()))) == 3
    only = [Block("heading", "Sources", 1), Block("item", "A Book.")]
    assert [chunk.text for chunk in chunk_document(document_of(only), only, ChunkOptions(100))] == ["A Book."]
    assert ChunkOptions(9, ("B", "a")).name == ChunkOptions(9, ("A", "b")).name != ChunkOptions(9).name


def test_a_sentence_longer_than_the_limit_is_whole() -> None:
    long = "Long " + "word " * 30 + "end."
    blocks = [Block("paragraph", f"Short one. {long} Short two.")]
    assert [chunk.text for chunk in chunk_document(document_of(blocks), blocks, ChunkOptions(5))] == [
        "Short one.",
        long,
        "Short two.",
    ]


@given(ANY_TEXT | PROSE)
@example("")
@example("a.\n\n b")
def test_sentence_spans_partition_the_text(text: str) -> None:
    spans = sentence_spans(text)
    position = 0
    for start, end in spans:
        assert position <= start < end <= len(text)
        assert not text[position:start].strip(), "visible characters between sentences"
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


@given(ANY_TEXT)
def test_cleaning_leaves_no_control_characters_and_single_spaces(text: str) -> None:
    cleaned = clean_line(text)
    assert cleaned == " ".join(cleaned.split())
    assert not any(ord(c) < 32 or ord(c) == 0x7F or c in "\u200b\u2060\ufeff\u00ad" for c in cleaned)


def test_cleaning_mends_and_divides() -> None:
    def clean(text: str) -> str:
        return clean_line(text)

    assert clean("one\x0btwo\x0cthree") == "one two three"
    assert clean("the tenantâ€™s cafÃ©") == "the tenant’s café"
    assert clean("soft\u00adhyphen zero\u200bwidth") == "softhyphen zerowidth"
