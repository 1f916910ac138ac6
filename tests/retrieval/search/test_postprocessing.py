"""Caps, near-duplicates and neighbours: by hand, and as rules over any ranking."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.chunking.chunker import ChunkOptions
from corpora.records import Chunk, content_id
from corpora.store.corpus_store import CorpusStore
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.records import Hit
from retrieval.search.postprocessing import OrderedSearcher, OrderOptions, arrange
from retrieval.search.retriever import Retriever

TEXT = "One is here. Two is here. Three is here.\n\nHEADING\n\nFour is here. Five is here."
TEXTS = {"d": TEXT, "e": TEXT.replace("here", "there")}


def chunk(document: str, words: str, source: str = "") -> Chunk:
    """The chunk of a document that is `words`."""
    start = TEXTS[document].index(words)
    end = start + len(words)
    identity = content_id("chunk", document, str(start), str(end))
    return Chunk(identity, document, start, end, words, "T", "", source or f"{document}.txt", "default")


def hits(*chunks: Chunk) -> list[Hit]:
    return [Hit(rank, 1.0 / rank, found) for rank, found in enumerate(chunks, start=1)]


def shown(kept: list[Hit]) -> list[str]:
    return [hit.chunk.text for hit in kept]


def test_nothing_asked_for_changes_nothing() -> None:
    given_hits = hits(chunk("d", "Two is here."), chunk("e", "Two is there."), chunk("d", "Three is here."))
    kept, left_out = arrange(given_hits, 2, OrderOptions(), TEXTS.get)
    assert kept == given_hits[:2] and left_out == [] and not OrderOptions().active


def test_a_cap_leaves_room_for_other_sources() -> None:
    one, two, three, other = (chunk("d", w) for w in ("One is here.", "Two is here.", "Three is here.", "Five is here."))
    foreign = chunk("e", "Five is there.")
    kept, left_out = arrange(hits(one, three, two, foreign, other), 3, OrderOptions(max_per_source=2), TEXTS.get)
    assert shown(kept) == ["One is here.", "Three is here.", "Five is there."] and [hit.rank for hit in kept] == [1, 2, 3]
    assert [(out.chunk_id, "2 better hits" in out.reason) for out in left_out] == [(two.id, True)]


def test_near_duplicates_are_one_and_listed() -> None:
    long = "The landlord shall return the deposit within thirty days after the lease has ended and the keys are back."
    texts = {
        "a": long,
        "b": long.upper().replace(".", " !"),
        "c": long.replace("thirty", "forty"),
        "x": "Something else entirely, about rent.",
    }
    made = [Chunk(name, name, 0, len(text), text, "", "", f"{name}.txt", "default") for name, text in texts.items()]
    kept, left_out = arrange(hits(*made), 9, OrderOptions(merge_similarity=1.0), texts.get)
    assert [hit.chunk.id for hit in kept] == ["a", "c", "x"] and kept[0].alike == ("b",)
    kept, left_out = arrange(hits(*made), 9, OrderOptions(merge_similarity=0.7), texts.get)
    assert [hit.chunk.id for hit in kept] == ["a", "x"] and kept[0].alike == ("b", "c")
    assert [out.reason for out in left_out] == ["says the same as a", "says the same as a"]


def test_neighbours_are_one_passage_with_exact_offsets() -> None:
    one, two, three = (chunk("d", w) for w in ("One is here.", "Two is here.", "Three is here."))
    four, foreign = chunk("d", "Four is here."), chunk("e", "Two is there.")
    kept, _ = arrange(hits(three, one, foreign, two, four), 9, OrderOptions(join_neighbours=True), TEXTS.get)
    assert shown(kept) == ["One is here. Two is here. Three is here.", "Two is there.", "Four is here."]
    joined = kept[0]
    assert joined.parts == (one.id, two.id, three.id) and joined.score == 1.0
    assert TEXT[joined.chunk.start : joined.chunk.end] == joined.chunk.text
    assert joined.chunk.id == content_id("chunk", "d", str(joined.chunk.start), str(joined.chunk.end))
    assert kept[1].parts == () and kept[2].parts == ()  # a heading stands between


def test_what_is_gone_or_moved_is_not_joined() -> None:
    one, two = chunk("d", "One is here."), chunk("d", "Two is here.")
    for text in (None, "Another text altogether, and longer than the first one was at that time."):
        kept, _ = arrange(hits(one, two), 9, OrderOptions(join_neighbours=True), lambda _, text=text: text)
        assert shown(kept) == ["One is here.", "Two is here."]


def test_overlapping_windows_are_joined_once() -> None:
    one, two = chunk("d", "One is here. Two is here."), chunk("d", "Two is here. Three is here.")
    kept, _ = arrange(hits(two, one), 9, OrderOptions(join_neighbours=True), TEXTS.get)
    assert shown(kept) == ["One is here. Two is here. Three is here."]


def test_a_joined_passage_keeps_its_near_duplicates() -> None:
    one, two = chunk("d", "One is here."), chunk("d", "Two is here.")
    copy = Chunk("copy", "f", 0, 12, "One is here.", "", "", "f.txt", "default")
    kept, _ = arrange(hits(one, two, copy), 9, OrderOptions(0, 1.0, True), TEXTS.get)
    assert shown(kept) == ["One is here. Two is here."] and kept[0].alike == ("copy",)


WORDS = re.findall(r"\w+ is t?here\.", TEXT)
RANKINGS = st.permutations(
    [chunk(name, word) for name in "de" for word in re.findall(r"\w+ is t?here\.", TEXTS[name])]
).flatmap(lambda chunks: st.integers(0, len(chunks)).map(lambda n: list(chunks)[:n]))
OPTIONS = st.builds(OrderOptions, st.integers(0, 3), st.sampled_from([0.0, 0.5, 0.9, 1.0]), st.booleans())


@settings(max_examples=200)
@given(RANKINGS, OPTIONS, st.integers(1, 8))
def test_rules_of_any_order(chunks: list[Chunk], options: OrderOptions, k: int) -> None:
    kept, left_out = arrange(hits(*chunks), k, options, TEXTS.get)
    assert len(kept) <= k and [hit.rank for hit in kept] == list(range(1, len(kept) + 1))
    scores = [hit.score for hit in kept]
    assert scores == sorted(scores, reverse=True)
    assert all(TEXTS[hit.chunk.document_id][hit.chunk.start : hit.chunk.end] == hit.chunk.text for hit in kept)
    parts = [part for hit in kept for part in (hit.parts or (hit.chunk.id,))]
    gone = [out.chunk_id for out in left_out]
    assert len(set(parts)) == len(parts) and not set(parts) & set(gone)
    assert set(parts) | set(gone) <= {found.id for found in chunks}
    assert set(gone) >= {other for hit in kept for other in hit.alike}
    if options.max_per_source:
        sources = [found.source for found in chunks if found.id in parts]
        assert all(sources.count(source) <= options.max_per_source for source in sources)
    if not options.join_neighbours and len(kept) < k:
        assert len(kept) + len(left_out) == len(chunks)


def test_options_out_of_range() -> None:
    for wrong in ({"max_per_source": -1}, {"merge_similarity": 1.1}):
        with pytest.raises(ValueError, match="at least 0"):
            OrderOptions(**wrong)  # type: ignore[arg-type]


def test_a_searcher_fills_the_places_of_what_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "long.txt").write_text("\n\n".join(f"The lease of room {n} ends in May {n}." for n in range(12)))
    for n in range(4):
        (folder / f"{n}.txt").write_text(f"A lease, number {n}, is kept by office {n}.")
    store = CorpusStore(tmp_path / "corpus.db")
    add_files(store, tmp_path, HashingEncoder(), sorted(folder.iterdir()), "default", ChunkOptions(8))
    plain = Retriever(store, tmp_path, HashingEncoder())
    assert {hit.chunk.source for hit in plain.search(["lease of room"], 4)[0].hits} == {str(folder / "long.txt")}

    def text(document_id: str) -> str | None:
        document = store.document(document_id)
        return document.text if document else None

    capped = OrderedSearcher(plain, OrderOptions(max_per_source=1), text).search(["lease of room"], 4)[0]
    assert len(capped.hits) == 4 and len({hit.chunk.source for hit in capped.hits}) == 4
    assert capped.left_out and capped.rankings["dense"]
    joined = OrderedSearcher(plain, OrderOptions(join_neighbours=True), text).search(["lease of room"], 6)[0]
    assert any(hit.parts for hit in joined.hits) and all(
        (text(hit.chunk.document_id) or "")[hit.chunk.start : hit.chunk.end] == hit.chunk.text for hit in joined.hits
    )
    store.close()
