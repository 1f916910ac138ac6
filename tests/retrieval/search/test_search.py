"""Search: fusion, dense, lexical, what a damaged or foreign file does to them, and the lock on writing."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import CorruptStore, RaftsmithError, StoreBusy, StoreError
from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import EVERYTHING, Condition, Filter
from corpora.store.schema import FORMAT
from corpora.store.writer_lock import single_writer
from retrieval.chunk_vectors.dense_index import DenseIndex, IndexOptions
from retrieval.chunk_vectors.index_cache import DenseCache
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.indexing.add_files import add_files
from retrieval.search.fusion import DEPTH, Fusion
from retrieval.search.query_terms import match_expression, query_terms
from retrieval.search.retriever import Retriever
from retrieval.vector_index.vector_index import VectorIndex

ROOT = Path(__file__).resolve().parents[3]
TOPICS = ("lease", "deposit", "warfarin", "sepsis", "hearsay", "appeal", "lactate", "warranty")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    texts = tmp_path / "texts"
    texts.mkdir()
    for number in range(24):
        topic, other = TOPICS[number % 8], TOPICS[(number * 3 + 1) % 8]
        text = f"The {topic} of case {number} was long. Its {other} had {number + 2} parts.\n\nA {topic} {topic} follows number {number}."
        (texts / f"{number}.txt").write_text(text)
    store = CorpusStore(tmp_path / "corpus.db")
    add_files(store, tmp_path, HashingEncoder(), sorted(texts.iterdir()), "default", ChunkOptions(8))
    store.close()
    return tmp_path


@pytest.fixture
def store(workspace: Path) -> Iterator[CorpusStore]:
    opened = CorpusStore(workspace / "corpus.db")
    yield opened
    opened.close()


def answers(store: CorpusStore, workspace: Path) -> list[list[tuple[str, float, str]]]:
    retriever = Retriever(store, workspace, HashingEncoder())
    results = retriever.search(["the lease of case 8", "lactate parts"], 6, "hybrid")
    return [[(hit.chunk.id, hit.score, hit.chunk.text) for hit in result.hits] for result in results]


# Fusion


def test_fusion_by_hand() -> None:
    fused = Fusion("reciprocal-rank")(*([(item, 0.0) for item in ranking] for ranking in ("abc", "cad")))
    assert [item for item, _ in fused] == ["a", "c", "b", "d"]
    expected = [1 / 61 + 1 / 62, 1 / 63 + 1 / 61, 1 / 62, 1 / 63]
    assert [score for _, score in fused] == pytest.approx(expected, abs=1e-12)
    tied = Fusion("reciprocal-rank", rank_constant=1)
    assert tied([("b", 0.0)], [("a", 0.0)]) == [("a", 0.5), ("b", 0.5)] and tied([], []) == []


def test_convex_fusion_by_hand() -> None:
    dense, lexical = [("a", 0.9), ("b", 0.6), ("c", 0.5)], [("c", 12.0), ("a", 2.0)]
    fused = [("a", pytest.approx(0.6)), ("c", pytest.approx(0.4)), ("b", pytest.approx(0.15))]
    assert Fusion()(dense, lexical) == fused and Fusion("reciprocal-rank")(dense, lexical)[0][0] == "a"
    assert Fusion()([("b", 1.0)], []) == [("b", 0.6)] and Fusion()([], []) == []
    assert Fusion("convex", 1.0)([("z", 2.0), ("y", 1.0), ("x", 1.0)], []) == [("z", 1.0), ("y", 0.0), ("x", 0.0)]


def test_the_dense_ranking_counts_for_less_while_few_chunks_have_vectors() -> None:
    dense, lexical = [("a", 0.9), ("b", 0.6)], [("c", 12.0), ("a", 2.0)]
    for method in ("convex", "reciprocal-rank"):
        fusion = Fusion(method)
        assert fusion(dense, lexical, 1.0) == fusion(dense, lexical)
        assert fusion(dense, lexical, 0.0)[0][0] == "c"
        low, high = (fusion.shares(dense, lexical, filled)[0]["a"] for filled in (0.5, 1.0))
        assert low == pytest.approx(high / 4)
    assert [dict(Fusion()(dense, lexical, filled))["c"] for filled in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.85, 0.4])


SCORES = st.lists(st.integers(0, 90), min_size=DEPTH + 2, max_size=DEPTH + 30).map(lambda scores: sorted(scores, reverse=True))


@settings(max_examples=400)
@given(SCORES, SCORES, st.randoms(use_true_random=False))
@example([9] * (DEPTH + 2), [9] * (DEPTH + 2), Random(0))
def test_longer_rankings_do_not_change_the_first_places(dense: list[int], lexical: list[int], random: Random) -> None:
    """What stands above 0 within `DEPTH` keeps its score when the rankings go on."""
    names = [f"{number:02}" for number in range(DEPTH + 30)]
    rankings = [list(zip(random.sample(names, len(s)), map(float, s), strict=True)) for s in (dense, lexical)]
    short = dict(Fusion()(*(ranking[:DEPTH] for ranking in rankings)))
    long = Fusion()(*rankings)
    assert {item: score for item, score in long if score > 0 and item in short} == {i: s for i, s in short.items() if s > 0}
    assert all(score == 0 for item, score in long if item not in short)


# Dense


def test_dense_search_is_brute_force(store: CorpusStore, workspace: Path) -> None:
    encoder = HashingEncoder()
    chunks = store.chunks()
    vectors = encoder.encode([embedding_text(chunk) for chunk in chunks])
    queries = ["the lease of case 8", "sepsis parts", "warranty warfarin number 5", "nothing known"]
    results = Retriever(store, workspace, encoder).search(queries, 7, "dense")
    for query, result in zip(queries, results, strict=True):
        exact = dict(zip((chunk.id for chunk in chunks), vectors @ encoder.encode([query])[0], strict=True))
        assert [hit.score for hit in result.hits] == pytest.approx(sorted(exact.values(), reverse=True)[:7], abs=1e-6)
        assert all(hit.score == pytest.approx(exact[hit.chunk.id], abs=1e-6) for hit in result.hits)
        assert [hit.rank for hit in result.hits] == list(range(1, 8))


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(-2, 2)] * 3), max_size=30), st.tuples(*[st.integers(-2, 2)] * 3), st.integers(1, 35))
@example([(1, 0, 0), (1, 0, 0), (2, 0, 0)], (1, 0, 0), 2)
def test_dense_ties_are_broken_by_id(rows: list[tuple[int, ...]], query: tuple[int, ...], k: int) -> None:
    """Small whole numbers have exact products, so equal scores are equal."""
    ids = {number: f"{number * 7 % 31:03}" for number in range(len(rows))}
    vectors = VectorIndex.build(np.array(rows, dtype=np.float32).reshape(-1, 3), np.arange(len(rows)), 0)
    index = DenseIndex(DenseCache(Path("none"), "none", 3), IndexOptions(), vectors, 1, {})
    exact = [(ids[number], float(np.dot(row, query))) for number, row in enumerate(rows)]
    expected = sorted(exact, key=lambda pair: (-pair[1], pair[0]))[:k]
    assert index.search(np.array([query, query], dtype=np.float32), k, lambda numbers: ids) == [expected, expected]


def test_lexical_ties_are_broken_by_id(tmp_path: Path) -> None:
    files = [tmp_path / "texts" / name / "same.txt" for name in "dcab"]
    for number, path in enumerate(files):
        path.parent.mkdir(parents=True)
        path.write_text(f"lease {'xyzw'[number]}")
    store = CorpusStore(tmp_path / "corpus.db")
    add_files(store, tmp_path, HashingEncoder(), files, "default", ChunkOptions(8))
    ids = sorted(chunk.id for chunk in store.chunks())
    for k in (2, 4):
        hits = Retriever(store, tmp_path, HashingEncoder()).search(["lease"], k, "lexical")[0].hits
        assert [hit.chunk.id for hit in hits] == ids[:k]
    store.close()


def test_an_empty_store_and_a_bad_k(tmp_path: Path) -> None:
    store = CorpusStore(tmp_path / "corpus.db")
    retriever = Retriever(store, tmp_path, HashingEncoder())
    assert [result.hits for result in retriever.search(["lease", ""], 3)] == [(), ()]
    with pytest.raises(RaftsmithError, match="at least 1"):
        retriever.search(["lease"], 0)
    store.close()


def test_another_encoder_is_refused(store: CorpusStore, workspace: Path) -> None:
    retriever = Retriever(store, workspace, HashingEncoder(128))
    for mode in ("dense", "hybrid"):
        with pytest.raises(RaftsmithError, match="made with hashing-256, but the encoder is hashing-128"):
            retriever.search(["lease"], 3, mode)
    assert retriever.search(["lease"], 3, "lexical")[0].hits


# Damage


def flips(path: Path, number: int) -> Iterator[int]:
    """Flip one bit at `number` places spread over `path`, one after the other; the file is whole again at the end."""
    data = path.read_bytes()
    for place in sorted({*range(0, len(data), max(1, len(data) // number)), len(data) - 1}):
        damaged = bytearray(data)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        yield place
    path.write_bytes(data)


def test_a_flipped_bit_in_a_segment_is_named_or_harmless(store: CorpusStore, workspace: Path) -> None:
    right = answers(store, workspace)
    (segment,) = (workspace / "segments").iterdir()
    cache, aside = workspace / "cache", workspace / "aside"
    for _ in flips(segment, 25):
        assert answers(store, workspace) == right  # the cache is whole
        cache.rename(aside)
        with pytest.raises(CorruptStore, match=segment.name):
            answers(store, workspace)
        shutil.rmtree(cache, ignore_errors=True)
        aside.rename(cache)
    segment.unlink()
    shutil.rmtree(cache)
    with pytest.raises(CorruptStore, match=segment.name):
        answers(store, workspace)


CACHED = ["dense-*.json", "dense-*/manifest.json", "dense-*/segments.json", "dense-*/keys.i64", "dense-*/vectors.f32"]


@pytest.mark.parametrize("pattern", CACHED)
def test_a_flipped_bit_in_the_cache_never_changes_an_answer(store: CorpusStore, workspace: Path, pattern: str) -> None:
    right = answers(store, workspace)
    (whole,) = (path.read_bytes() for path in (workspace / "cache").glob(pattern))
    places = sorted({*range(0, len(whole), max(1, len(whole) // 25)), len(whole) - 1})
    flipped = [whole[:p] + bytes([whole[p] ^ 1 << p % 8]) + whole[p + 1 :] for p in places]
    for wrong in (*flipped, b"", b"[]", b"null", whole[: len(whole) // 2]):
        (cached,) = (workspace / "cache").glob(pattern)
        cached.write_bytes(wrong)
        assert answers(store, workspace) == right
        (cached,) = (workspace / "cache").glob(pattern)
        assert cached.read_bytes() != wrong or wrong in flipped, "the cache was not mended"


def test_a_cache_of_another_snapshot_is_not_used(store: CorpusStore, workspace: Path) -> None:
    retriever = Retriever(store, workspace, HashingEncoder())
    best = retriever.search(["the lease of case 8"], 1, "dense")[0].hits[0].chunk
    store.commit(removed_paths=[(best.source, best.collection)])
    after = retriever.search(["the lease of case 8"], 50, "dense")[0]
    assert best.document_id not in {hit.chunk.document_id for hit in after.hits}
    assert after.snapshot == store.snapshot


def test_a_newer_format_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "corpus.db"
    CorpusStore(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("UPDATE meta SET value = ? WHERE key = 'format'", (str(FORMAT + 1),))
    database.close()
    (tmp_path / "corpus.db.sha256").unlink()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"format {FORMAT + 1}"):
        CorpusStore(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["corpus.db"]


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corpus.db"
    path.write_bytes(b"This is a letter, not a database. " * 40)
    with pytest.raises(CorruptStore, match=r"corpus\.db"):
        CorpusStore(path)


# Lexical


@pytest.fixture(scope="module")
def lexical_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CorpusStore]:
    folder = tmp_path_factory.mktemp("lexical")
    (folder / "a.txt").write_text("The tenant's rent (net) is due: e.g. in May. NEAR the AND gate.")
    opened = CorpusStore(folder / "corpus.db")
    add_files(opened, folder, HashingEncoder(), [folder / "a.txt"], "default", ChunkOptions(50))
    yield opened
    opened.close()


FTS_SYNTAX = st.lists(
    st.sampled_from(
        [
            '"',
            '""',
            "'",
            "(",
            ")",
            "*",
            "^",
            ":",
            "-",
            "+",
            "{",
            "}",
            "AND",
            "OR",
            "NOT",
            "NEAR(",
            "title:",
            "rent",
            "\0",
            "_",
            "٣",
            " ",
        ]
    ),
    max_size=15,
)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=80) | FTS_SYNTAX.map("".join) | FTS_SYNTAX.map(" ".join))
@example('"unbalanced')
@example("\ud800 lone surrogate")
@example("rent " * 5000)
@example(" ".join(f"w{number}" for number in range(3000)))
@example('"' + "phrase " * 3000 + '"')
def test_no_text_is_a_syntax_error(lexical_store: CorpusStore, query: str) -> None:
    terms = query_terms(query)
    assert terms or not any(c.isalnum() for c in query)
    lexical_store.lexical_search(terms, 5)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_word_of_the_document_is_found_whatever_stands_around_it(lexical_store: CorpusStore, before: str, after: str) -> None:
    terms = query_terms(f"{before.replace(chr(34), ' ')} rent {after.replace(chr(34), ' ')}")
    assert lexical_store.lexical_search(terms, 5)


def test_expressions_by_example() -> None:
    assert match_expression("What is the notice period?") == '"notice" OR "period"'
    assert match_expression('rent "notice period" rent') == '"notice period" OR "rent"'
    assert match_expression("to be or not to be") == '"to" OR "be" OR "or" OR "not"'
    assert match_expression('?! "" …') is None
    assert (
        match_expression("leave under s. 5(2)")
        == '"leave" OR "under" OR "s" OR "5" OR "2" OR "sectionǀ5ǀ" OR "sectionǀ5ǀ2ǀ" OR "5ǀ2ǀ"'
    )
    assert match_expression("tell us of the U.S.") == '"tell" OR "u" OR "s"'


@pytest.mark.parametrize("document_filter", [EVERYTHING, Filter(("a",)), Filter(conditions=(Condition("title", "<", "2"),))])
@pytest.mark.parametrize(
    "query", ["the lease of case 8", "number 4 sepsis", "parts", "lease elephants", "a warfarin follows number 3"]
)
def test_rarer_words_choose_and_all_words_score(
    store: CorpusStore, monkeypatch: pytest.MonkeyPatch, query: str, document_filter: Filter
) -> None:
    monkeypatch.setattr("corpora.store.bm25.ENOUGH_ROWS", 3)
    terms = query_terms(query)
    whole = store.lexical_search(terms, 100, document_filter)
    assert whole and store.lexical_search(terms, 100, document_filter, scored_rows=4) == whole, (
        "fewer than wanted: all rows are scored"
    )
    for scored_rows in (1, 4, 12):
        chosen = store.lexical_search(terms, 3, document_filter, scored_rows)
        assert len(chosen) == min(3, len(whole))
        assert [chunk_id for chunk_id, _ in chosen] == sorted(
            dict(chosen), key=lambda name: (-round(dict(whole)[name], 9), name)
        )
        assert all(score == pytest.approx(dict(whole)[chunk_id]) for chunk_id, score in chosen)


def test_a_rare_word_keeps_common_ones_from_choosing(store: CorpusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpora.store.bm25.ENOUGH_ROWS", 1)
    holders = {chunk.id for chunk in store.chunks() if "23" in chunk.text}
    found = store.lexical_search(["number", "23", "parts"], 1, scored_rows=4)
    assert {chunk_id for chunk_id, _ in found} <= holders
    assert store.lexical_search([], 5) == []


def test_phrases_are_phrases(lexical_store: CorpusStore) -> None:
    assert lexical_store.lexical_search(query_terms('"rent net"'), 5)
    assert not lexical_store.lexical_search(query_terms('"net rent"'), 5)


@pytest.mark.parametrize(
    ("query", "right"),
    [
        ("42 CFR 482.13", "cfr"),
        ("42 C.F.R. section 482.13(a)", "cfr"),
        ("section 337(a)", "section"),
        ("§337", "section"),
        ("COX 2", "cox"),
        ("10mg/kg", "dose"),
        ("10 milligrams per kilogram", "dose"),
        ("Roe versus Wade", "roe"),
        ('"Roe v Wade"', "roe"),
        ("TNFα", "tnf"),
        ("HbA1c", "sugar"),
    ],
)
def test_identifiers_are_found_as_they_are_typed(identifier_store: CorpusStore, query: str, right: str) -> None:
    hits = identifier_store.lexical_search(query_terms(query), 1)
    assert Path(identifier_store.chunks_by_id([hits[0][0]])[hits[0][0]].source).stem == right


IDENTIFIED = {
    "cfr": "Patients' rights stand in 42 C.F.R. § 482.13(a), and in nothing else that a hospital has to follow here.",
    "cfr_near": "Section 13 of chapter 482 has 42 words. CFR 13 42.",
    "section": "Unfair practices in import trade are what § 337(a)(1) of the Act declares unlawful, in more words than these.",
    "section_near": "A section 33 (a). 337 sections. A section of 337 words.",
    "cox": "Of the inhibitors of COX-2 only a few are left on the market, and those are prescribed with care by doctors.",
    "cox_near": "Cox 1. Mr Cox had 2 cats. Cox 3.",
    "dose": "The child was given 10 mg/kg of it twice a day, which is more than what is recommended for its age and weight.",
    "dose_near": "A child of 10 kg was given 5 mg/kg of it, then 20 milligrams per kilogram, and was well again after some days.",
    "roe": "It was Roe v. Wade that decided so, until a later judgement came to another view of what the constitution says.",
    "roe_near": "Wade sold roe in the market. In Wade v. Jones the court held against Doe, who had sold none of it to either.",
    "tnf": "Antibodies against TNF-alpha have changed the treatment of rheumatoid arthritis, and of other diseases as well.",
    "sugar": "An HbA1c of seven per cent was the aim of it.",
}


@pytest.fixture(scope="module")
def identifier_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CorpusStore]:
    folder = tmp_path_factory.mktemp("identifiers")
    for name, text in IDENTIFIED.items():
        (folder / f"{name}.txt").write_text(text)
    opened = CorpusStore(folder / "corpus.db")
    add_files(opened, folder, HashingEncoder(), sorted(folder.glob("*.txt")), "default", ChunkOptions(50))
    yield opened
    opened.close()


# The lock (promise R7)

HOLDER = """
import sys, time
from pathlib import Path
from corpora.store.writer_lock import single_writer
with single_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(120)
"""


def test_a_second_writer_is_refused_and_a_killed_one_frees_the_lock(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        started = time.monotonic()
        with pytest.raises(StoreBusy, match=rf"process {holder.pid} "), single_writer(tmp_path):
            pass
        assert time.monotonic() - started < 1
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with single_writer(tmp_path):
            assert (tmp_path / "writer.lock").read_text() == str(os.getpid())
        with single_writer(tmp_path, wait_s=1):
            pass
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout:
            holder.stdout.close()


def test_waiting_for_the_lock_ends(tmp_path: Path) -> None:
    with single_writer(tmp_path):
        started = time.monotonic()
        with pytest.raises(StoreBusy, match=str(os.getpid())), single_writer(tmp_path, wait_s=0.2):
            pass
        assert 0.2 <= time.monotonic() - started < 2
