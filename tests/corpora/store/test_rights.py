"""Promise S1: what a reader may not read is in no hit, ranking, score or count; the rest is exactly what brute force finds."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import RaftsmithError
from corpora.ingest.access_rights import set_readers
from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import EVERYTHING, Filter, make_filter, parse_condition
from corpora.store.source_attributes import SourceAttributes, reader_names
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.indexing.add_files import add_files
from retrieval.indexing.duplicate_clusters import Similarities
from retrieval.search.retriever import RestrictedSearcher, Retriever

WORDS = "lease deposit rent notice warfarin dose sepsis lactate appeal hearsay warranty trust tax claim consent triage".split()
READERS = ("alice", "bob", "carol", "group:law", "group:ward")
PAIRS = int(os.environ.get("RAFTSMITH_PAIRS", "1000"))  # the promise's 10,000 are in tests/soak/soak_rights.py
ENCODER = HashingEncoder(64)


class Library:
    """A store with documents of known readers."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, CorpusStore(root / "w" / "corpus.db")
        self.retriever = Retriever(self.store, root / "w", ENCODER)

    def add(self, name: str, text: str, given: SourceAttributes | None = None, collection: str = "default") -> None:
        self.add_all({name: text}, given, collection)

    def add_all(self, texts: Mapping[str, str], given: SourceAttributes | None = None, collection: str = "default") -> None:
        for name, text in texts.items():
            (self.root / name).write_text(text)
        paths = [self.root / name for name in texts]
        how = {"reader": read_in_process, "similarities": Similarities(), "attributes": given}
        report = add_files(self.store, self.root / "w", ENCODER, paths, collection, ChunkOptions(200), **how)
        assert not report.failed

    def sources(self, query: str, document_filter: Filter = EVERYTHING, mode: str = "hybrid") -> list[str]:
        hits = self.retriever.search([query], 50, mode, document_filter)[0].hits
        return sorted(Path(hit.chunk.source).name for hit in hits)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


@pytest.mark.timeout(1800)
def test_random_pairs_of_reader_and_query(library: Library) -> None:
    draw = random.Random(1)
    texts: dict[tuple[str, ...], dict[str, str]] = {}
    for number in range(150):
        readers = reader_names(draw.sample(READERS, draw.choice((0, 0, 1, 1, 2))))
        text = f"Case {number}. " + " ".join(draw.choices(WORDS, k=12)) + "."
        texts.setdefault(readers, {})[f"{number}.txt"] = text
    for readers, own_texts in texts.items():
        library.add_all(own_texts, SourceAttributes(readers))
    chunks = library.store.chunks()
    vectors = ENCODER.encode([embedding_text(chunk) for chunk in chunks])
    readers_of = {document.id: set(document.readers) for document in library.store.documents()}
    secret = {chunk.id: chunk for chunk in chunks}
    for _ in range(PAIRS // 25):
        asking = tuple(draw.sample(READERS, draw.choice((0, 1, 1, 2))))
        queries = [" ".join(draw.choices(WORDS, k=3)) for _ in range(25)]
        permitted = {
            chunk.id for chunk in chunks if not readers_of[chunk.document_id] or readers_of[chunk.document_id] & set(asking)
        }
        results = library.retriever.search(queries, 5, "dense", make_filter(asking))
        hybrid = library.retriever.search(queries, 5, "hybrid", make_filter(asking))
        for query, result, mixed in zip(queries, results, hybrid, strict=True):
            scores = vectors @ ENCODER.encode([query])[0]
            allowed = [(float(s), c.id) for s, c in zip(scores, chunks, strict=True) if c.id in permitted]
            best = sorted(allowed, key=lambda pair: (-round(pair[0], 5), pair[1]))[:5]
            hit_ids = [hit.chunk.id for hit in result.hits]
            assert np.allclose([hit.score for hit in result.hits], [score for score, _ in best], atol=1e-5)
            assert set(hit_ids) <= permitted and len(hit_ids) == len(best)
            ranked_ids = {i for ranking in (*result.rankings.values(), *mixed.rankings.values()) for i, _ in ranking}
            assert ranked_ids <= permitted and {hit.chunk.id for hit in mixed.hits} <= permitted
            told = repr((result, mixed))
            assert not any(secret[i].text in told for i in set(secret) - permitted)


def test_the_owner_sees_all_and_a_stranger_what_is_for_everybody(library: Library) -> None:
    library.add("open.txt", "The lease for everybody.")
    library.add("closed.txt", "The lease for Alice.", SourceAttributes(("alice",)))
    assert library.sources("lease") == ["closed.txt", "open.txt"]
    assert library.sources("lease", make_filter(())) == library.sources("lease", make_filter(("bob",))) == ["open.txt"]
    assert library.sources("lease", make_filter(("alice", "group:x"))) == ["closed.txt", "open.txt"]
    for mode in ("dense", "lexical"):
        assert library.sources("lease Alice", make_filter(("bob",)), mode) == ["open.txt"]
    assert (
        RestrictedSearcher(library.retriever, make_filter(())).search(["lease"], 5)[0].hits[0].chunk.text.endswith("everybody.")
    )


def test_rights_change_from_the_next_search_on_and_stay_with_the_file(library: Library) -> None:
    library.add("a.txt", "The deposit of the lease.", SourceAttributes(("alice",)))
    file = (str(library.root / "a.txt"), "default")
    assert library.sources("deposit", make_filter(("bob",))) == []
    set_readers(library.store, {file}, ("bob",))
    assert library.sources("deposit", make_filter(("bob",))) == ["a.txt"]
    assert library.sources("deposit", make_filter(("alice",))) == []
    library.add("a.txt", "The deposit of the lease, changed.")  # nothing said: as before
    assert library.store.documents()[0].readers == ("bob",)
    library.add("a.txt", "The deposit of the lease, changed.", SourceAttributes())  # said: everybody, and only that has changed
    assert library.store.documents()[0].readers == () and library.sources("changed", make_filter(())) == ["a.txt"]


def test_copies_with_other_readers_are_documents_of_their_own(library: Library) -> None:
    text = "The warranty of the seller covers every defect of the goods that was there at delivery."
    library.add("open.txt", text)
    library.add("alice.txt", text, SourceAttributes(("alice",)))
    library.add("copy.txt", text, SourceAttributes(("alice",)))
    first, second = library.store.documents()
    assert first.id != second.id and first.cluster == second.cluster and first.position == second.position
    assert library.sources("warranty", make_filter(())) == ["open.txt"]
    assert library.sources("warranty", make_filter(("alice",))) == ["alice.txt", "open.txt"]  # copy.txt holds alice's document
    library.add("open.txt", "Something else.")
    assert library.sources("warranty", make_filter(()), "lexical") == []
    assert library.sources("warranty", make_filter(("alice",)), "lexical") == ["alice.txt"]


def test_a_near_copy_that_others_may_read_is_read_again_when_rights_part_it_from_its_twin(library: Library) -> None:
    text = "The warranty of the seller covers every defect of the goods that was there at delivery"
    library.add("a.txt", text + ".")
    library.add("b.txt", text.replace(" ", "  ") + " .")
    assert [bool(entry["duplicate_of"]) for entry in library.store.overview()] == [False, True]
    set_readers(library.store, {(str(library.root / "a.txt"), "default")}, ("alice",))
    assert library.store.unfinished("default") == [str(library.root / "b.txt")]
    library.add("b.txt", text.replace(" ", "  ") + " .")
    assert library.sources("warranty", make_filter(())) == ["b.txt"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["date>=2020-01-01"], ["b.txt", "c.txt"]),
        (["date<2021-01-01", "type=statute"], ["a.txt"]),
        (["type!=statute"], ["b.txt", "d.txt"]),
        (["pages>9"], ["b.txt"]),
        (["pages<=9"], ["a.txt"]),
        (["title=a"], ["a.txt"]),
        (["media_type=text/plain"], ["a.txt", "b.txt", "c.txt", "d.txt"]),
        (["type=x' OR '1'='1"], []),
    ],
)
def test_conditions_on_facts(library: Library, conditions: list[str], expected: list[str]) -> None:
    library.add("a.txt", "A lease of one.", SourceAttributes(metadata={"date": "2019-05-01", "type": "statute", "pages": "9"}))
    library.add("b.txt", "A lease of two.", SourceAttributes(metadata={"date": "2020-05-01", "type": "case", "pages": "10"}))
    library.add(
        "c.txt", "A lease of three.", SourceAttributes(metadata={"date": "2021-05-01", "type": "statute", "pages": "unknown"})
    )
    library.add("d.txt", "A lease of four.")
    for mode in ("hybrid", "dense", "lexical"):
        assert library.sources("lease", make_filter(conditions=conditions), mode) == expected


def test_collections_are_told_apart(library: Library) -> None:
    library.add("a.txt", "A lease.", collection="law")
    library.add("b.txt", "A lease too.", collection="other")
    assert library.sources("lease", make_filter(collections=["law"])) == ["a.txt"]
    assert library.sources("lease", make_filter(collections=["none"])) == []


def test_what_is_no_condition_and_no_name_is_refused() -> None:
    with pytest.raises(RaftsmithError, match=r"accepted: FACT OPERATOR VALUE"):
        parse_condition("since 2020")
    for name in ("", "a\nb", "x" * 300):
        with pytest.raises(RaftsmithError, match=r"no name of a reader"):
            reader_names([name])
