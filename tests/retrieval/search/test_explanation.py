"""Explanations: their figures are those that decided, and the words are those that the index found."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora.chunking.chunker import ChunkOptions
from corpora.records import Chunk
from corpora.store.corpus_store import CorpusStore
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.search.explanation import TOKENIZER, as_lines, explain, matched_words
from retrieval.search.fusion import Fusion
from retrieval.search.postprocessing import OrderedSearcher, OrderOptions
from retrieval.search.retriever import Mode, Retriever

FUSIONS = [Fusion(), Fusion("convex", 0.25), Fusion("reciprocal-rank", rank_constant=10)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CorpusStore]:
    folder = tmp_path / "texts"
    folder.mkdir()
    for n in range(30):
        (folder / f"{n}.txt").write_text(f"The leases of room {n} end in May. Tenants of room {n} pay {n} euros.")
    opened = CorpusStore(tmp_path / "corpus.db")
    add_files(opened, tmp_path, HashingEncoder(), sorted(folder.iterdir()), "default", ChunkOptions(8))
    yield opened
    opened.close()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_sums_are_the_scores(store: CorpusStore, tmp_path: Path, fusion: Fusion) -> None:
    retriever = Retriever(store, tmp_path, HashingEncoder(), fusion, shown_ranks=10_000)
    result = retriever.search(["lease of room 7"], 8)[0]
    explained = explain("lease of room 7", result, fusion)
    assert [e.chunk_id for e in explained] == [hit.chunk.id for hit in result.hits]
    for hit, e in zip(result.hits, explained, strict=True):
        parts = [place.share or 0.0 for place in (e.dense, e.lexical) if place]
        assert e.fused is not None and sum(parts) == pytest.approx(hit.score) == pytest.approx(e.fused.score)
        assert e.fused.rank == hit.rank == e.rank
        if e.dense:
            assert result.rankings["dense"][e.dense.rank - 1] == (hit.chunk.id, e.dense.score)
        assert any("fused" in line for line in as_lines(e, fusion, "hybrid"))


@pytest.mark.parametrize("mode", ["dense", "lexical"])
def test_one_ranking_alone(store: CorpusStore, tmp_path: Path, mode: Mode) -> None:
    result = Retriever(store, tmp_path, HashingEncoder(), shown_ranks=10_000).search(["lease room 7"], 4, mode)[0]
    for hit, e in zip(result.hits, explain("lease room 7", result, Fusion(), mode), strict=True):
        place, other = (e.dense, e.lexical) if mode == "dense" else (e.lexical, e.dense)
        assert place is not None and (place.rank, place.score) == (hit.rank, hit.score) and place.share is None
        assert other is None and e.fused is None and bool(e.matched) == (mode == "lexical")
        assert len(as_lines(e, Fusion(), mode)) == 1


def test_words_are_those_of_the_index(store: CorpusStore) -> None:
    chunk = next(c for c in store.chunks() if "leases of room 7 " in c.text)
    assert matched_words('lease "room 7"', [chunk]) == [("leases", "room 7")]
    assert matched_words("elephants", [chunk]) == [()] and matched_words("?!", [chunk]) == [()]
    act = Chunk("c", "d", 0, 9, "As 42 C.F.R. § 482.13(a) says.", "T", "", "s", "default")
    assert matched_words("42 CFR 482.13", [act]) == [("42", "482", "13", "cfr 42 482", "cfr 42 482 13", "cfr", "482 13")]
    marked = Chunk("c", "d", 0, 9, "a \x01 lease", "T\x02", "", "s", "default")
    assert matched_words("lease", [marked]) == [("lease",)]


def test_the_tokenizer_is_the_stores(store: CorpusStore) -> None:
    with sqlite3.connect(store.path) as database:
        (sql,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'lexical'").fetchone()
    database.close()
    assert f'tokenize = "{TOKENIZER}"' in sql


def test_a_joined_passage_stands_where_its_best_part_stood(store: CorpusStore, tmp_path: Path) -> None:
    retriever = Retriever(store, tmp_path, HashingEncoder(), shown_ranks=10_000)
    documents = {document.id: document.text for document in store.documents()}
    result = OrderedSearcher(retriever, OrderOptions(join_neighbours=True), documents.get).search(["room 7 7 7"], 6)[0]
    for hit, e in zip(result.hits, explain("room 7 7 7", result, Fusion()), strict=True):
        assert e.parts == hit.parts
        if hit.parts:
            ranks = {item: rank for rank, (item, _) in enumerate(result.rankings["dense"], 1)}
            assert e.dense is not None and e.dense.rank == min(ranks[part] for part in hit.parts if part in ranks)
            assert any("joined from 2" in line for line in as_lines(e, Fusion(), "hybrid"))
    assert any(hit.parts for hit in result.hits)
